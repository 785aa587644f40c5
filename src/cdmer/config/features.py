"""Settings of the features stage: a recipe for each descriptor, told apart by the key `descriptor`.

A new descriptor is one class here, derived from `FeatureRecipe` or `BlockRecipe`, and one entry in `AnyFeatureRecipe`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from cdmer.config.faces import FacesRecipe
from cdmer.config.feature_recipe import FeatureRecipe
from cdmer.config.frames import FramesRecipe
from cdmer.config.motion import AnyMotionRecipe
from cdmer.config.settings import Name, Settings

Grids = list[Annotated[int, Field(ge=1, le=64)]]


class BlockRecipe(FeatureRecipe):
    """Descriptors that are histograms of texture in the blocks of several grids, on clips of a fixed length."""

    frames: Name = Field("tim_16", description="The frames recipe that it reads.")
    grids: Grids = Field([1, 2, 4, 8], min_length=1, description="Blocks on a side, grid by grid.")

    @property
    def blocks(self) -> int:
        """Number of facial blocks, one after the other, that the feature's columns are made of."""
        return sum(grid**2 for grid in self.grids)

    @property
    def borders(self) -> tuple[int, int, int]:
        """Frames, rows and columns that it leaves out on each side."""
        raise NotImplementedError

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the descriptor could not read, found before anything is computed."""
        of_frames, of_rows, of_columns = self.borders
        if frames.count is None:
            return f"{self.descriptor} reads clips of one length, and `moments: [central]` gives as many as there are"
        if 2 * of_frames >= frames.count or 2 * max(of_rows, of_columns) + max(self.grids) > faces.size:
            return (
                f"a border of {of_frames} frames and {max(of_rows, of_columns)} pixels leaves too little of "
                f"{frames.count} frames of {faces.size} x {faces.size} pixels for a grid of {max(self.grids)}"
            )
        if frames.rounding != "half_up" or faces.color != "grey":
            return (
                f"{self.descriptor} reads grey 8-bit frames; use a frames recipe with "
                "`rounding: half_up` on a faces recipe with `color: grey`"
            )
        return None


class LbpTopRecipe(BlockRecipe):
    """LBP-TOP (Zhao and Pietikäinen 2007): local binary patterns on three orthogonal planes."""

    module: ClassVar[str] = "cdmer.descriptors.lbp_top"
    descriptor: Literal["lbp_top"] = Field("lbp_top", description="The descriptor; without this key, `lbp_top`.")
    radius: int = Field(3, ge=1, le=64, description="Radius of the neighbourhood in x, y and t.")
    neighbors: int = Field(8, ge=2, le=16, description="Sampling points on each plane's circle.")

    @property
    def borders(self) -> tuple[int, int, int]:
        """Frames, rows and columns that it leaves out on each side."""
        return self.radius, self.radius, self.radius


class LbpSipRecipe(BlockRecipe):
    """LBP-SIP (Wang et al. 2014): local binary patterns with six intersection points."""

    module: ClassVar[str] = "cdmer.descriptors.lbp_sip"
    descriptor: Literal["lbp_sip"] = Field(description="The descriptor.")
    radius: int = Field(1, ge=1, le=64, description="Distance of the neighbours in x, y and t.")

    @property
    def borders(self) -> tuple[int, int, int]:
        """Frames, rows and columns that it leaves out on each side."""
        return self.radius, self.radius, self.radius


DEFAULT_DESCRIPTOR = "lbp_top"


def descriptor_of(recipe: Any) -> Any:
    """The descriptor that a recipe names, by which its other keys are told."""
    if isinstance(recipe, Mapping):
        return recipe.get("descriptor", DEFAULT_DESCRIPTOR)
    return getattr(recipe, "descriptor", DEFAULT_DESCRIPTOR)


AnyFeatureRecipe = Annotated[
    Annotated[LbpTopRecipe, Tag("lbp_top")] | Annotated[LbpSipRecipe, Tag("lbp_sip")] | AnyMotionRecipe,
    Discriminator(descriptor_of),
]


class ImportedFeature(Settings):
    """A released feature file, used in place of computed features."""

    database: Name = Field(description="The database that the file describes.")
    feature: Name = Field("lbp_top_r3p8", description="The feature that it stands for.")
    file: str = Field(description="The `.mat` file, or the `.npz` of flow images, below `imported_from`.")
    order: Literal["blocks", "released"] = Field(
        "blocks", description="Columns block by block, as computed features have them, or left as released."
    )
