"""What the recipes of all features share."""

from typing import Any, ClassVar, Literal

from cdmer.config.faces import FacesRecipe
from cdmer.config.frames import FramesRecipe
from cdmer.config.settings import Name, Settings


class FeatureRecipe(Settings):
    """What the recipes of all descriptors hold.

    A class of its own sets `module` and `descriptor`, says in `fault` what it cannot read, and has a field for every
    keyword of the function that computes it.
    """

    module: ClassVar[str]  # it holds a function of its own name, from a clip to a row
    # "record": `NAME_of_record`, from a record to samples; "part": `NAME_of_part`, from another feature's samples
    reads: ClassVar[Literal["clip", "record", "part"]] = "clip"
    descriptor: str
    frames: Name

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that it runs with these settings, for the digest of its code."""
        return (self.module,)

    @property
    def source(self) -> str | None:
        """The feature that it is made of in place of frames, with ``reads = "part"``."""
        return None

    @property
    def blocks(self) -> int:
        """Number of facial blocks, one after the other, that the feature's columns are made of; 0: of none."""
        return 0

    def parameters(self) -> dict[str, Any]:
        """The keyword arguments of the function."""
        return self.model_dump(mode="json", exclude={"descriptor", "frames"})

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the descriptor could not read, found before anything is computed."""
        return None
