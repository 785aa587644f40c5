"""Settings of the features stage: a recipe for each descriptor."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from cdmer.config.faces import FacesRecipe
from cdmer.config.frames import FramesRecipe
from cdmer.config.settings import Name, Settings


class LbpTopRecipe(Settings):
    """LBP-TOP (Zhao and Pietikäinen 2007) on a pyramid of block grids."""

    module: ClassVar[str] = "cdmer.descriptors.lbp_top"
    descriptor: Literal["lbp_top"] = Field("lbp_top", description="The descriptor.")
    frames: Name = Field("tim_16", description="The frames recipe that it reads.")
    radius: int = Field(3, ge=1, le=64, description="Radius of the neighbourhood in x, y and t.")
    neighbors: int = Field(8, ge=2, le=16, description="Sampling points on each plane's circle.")
    grids: list[Annotated[int, Field(ge=1, le=64)]] = Field(
        [1, 2, 4, 8], min_length=1, description="Blocks on a side, grid by grid."
    )

    @property
    def blocks(self) -> int:
        """Number of facial blocks, one after the other, that the feature's columns are made of."""
        return sum(grid**2 for grid in self.grids)

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the descriptor could not read, found before anything is computed."""
        if 2 * self.radius >= frames.length or 2 * self.radius + max(self.grids) > faces.size:
            return (
                f"radius {self.radius} leaves too little of {frames.length} frames of "
                f"{faces.size} x {faces.size} pixels for a grid of {max(self.grids)}"
            )
        if frames.rounding != "half_up" or faces.color != "grey":
            return (
                "LBP-TOP reads grey 8-bit frames; use a frames recipe with "
                "`rounding: half_up` on a faces recipe with `color: grey`"
            )
        return None


class ImportedFeature(Settings):
    """A released feature file, used in place of computed features."""

    database: Name = Field(description="The database that the file describes.")
    feature: Name = Field("lbp_top_r3p8", description="The feature that it stands for.")
    file: str = Field(description="The `.mat` file, below `imported_from`.")
    order: Literal["blocks", "released"] = Field(
        "blocks", description="Columns block by block, as computed features have them, or left as released."
    )
