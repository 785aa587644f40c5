"""Settings of the descriptors: a recipe for each (docs/descriptors.md says what each is)."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Tag

from cdmer.config.faces import FacesRecipe
from cdmer.config.feature_recipe import FeatureRecipe
from cdmer.config.frames import FramesRecipe
from cdmer.config.motion import FlowRecipe, Method
from cdmer.config.settings import Name

Radius = Annotated[int, Field(ge=1, le=64)]
Grids = list[Annotated[int, Field(ge=1, le=64)]]
Bins = Annotated[int, Field(ge=1, le=255)]

_DESCRIPTOR, _FRAMES = "The descriptor.", "The frames recipe that it reads."
_GRIDS = "Blocks on a side, grid by grid."
_SIGNED = "Whether opposite gradients differ; otherwise the bins share the half circle."
_METHOD = "The method of optical flow (docs/motion.md compares them)."


class TextureRecipe(FeatureRecipe):
    """What the descriptors of grey clips share."""

    frames: Name = Field("tim_16", description=_FRAMES)

    @property
    def borders(self) -> tuple[int, int, int]:
        """Frames, rows and columns that it leaves out on each side."""
        return 0, 0, 0

    @property
    def finest(self) -> int:
        """The most blocks that it lays on a side of a frame."""
        return 1

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the descriptor could not read, found before anything is computed."""
        of_frames, of_rows, of_columns = self.borders
        if frames.count is None:
            return f"{self.descriptor} reads clips of one length, and `moments: [central]` gives as many as there are"
        if 2 * of_frames >= frames.count or 2 * max(of_rows, of_columns) + self.finest > faces.size:
            return (
                f"a border of {of_frames} frames and {max(of_rows, of_columns)} pixels leaves too little of "
                f"{frames.count} frames of {faces.size} x {faces.size} pixels for a grid of {self.finest}"
            )
        if frames.rounding != "half_up" or faces.color != "grey":
            return (
                f"{self.descriptor} reads grey 8-bit frames; use a frames recipe with "
                "`rounding: half_up` on a faces recipe with `color: grey`"
            )
        return None


class BlockRecipe(TextureRecipe):
    """Descriptors that are histograms of texture in the blocks of several grids."""

    grids: Grids = Field([1, 2, 4, 8], min_length=1, description=_GRIDS)

    @property
    def blocks(self) -> int:
        """Number of facial blocks, one after the other, that the feature's columns are made of."""
        return sum(grid**2 for grid in self.grids)

    @property
    def finest(self) -> int:
        """The most blocks that it lays on a side of a frame."""
        return max(self.grids)


class CircleRecipe(BlockRecipe):
    """Descriptors that compare points on circles."""

    radius: Radius | list[Radius] = Field(3, description="R in x, y and t; or three numbers, one for each.")
    neighbors: int = Field(8, ge=2, le=16, description="Sampling points on each plane's circle.")

    @property
    def borders(self) -> tuple[int, int, int]:
        """Frames, rows and columns that it leaves out on each side."""
        x, y, t = self.radius if isinstance(self.radius, list) else (self.radius,) * 3
        return t, y, x

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the descriptor could not read, found before anything is computed."""
        if isinstance(self.radius, list) and len(self.radius) != 3:
            return f"radius: {self.radius} is neither one number nor three, in x, in y and in t"
        return super().fault(frames, faces)


class LbpTopRecipe(CircleRecipe):
    """LBP-TOP (Zhao and Pietikäinen 2007): local binary patterns on three orthogonal planes."""

    module: ClassVar[str] = "cdmer.descriptors.lbp_top"
    descriptor: Literal["lbp_top"] = Field("lbp_top", description="The descriptor; without this key, `lbp_top`.")


class ElbpTopRecipe(CircleRecipe):
    """ELBP-TOP (Guo et al. 2019): LBP-TOP with the differences along and across the circles."""

    module: ClassVar[str] = "cdmer.descriptors.elbp_top"
    descriptor: Literal["elbp_top"] = Field(description=_DESCRIPTOR)
    neighbors: int = Field(8, ge=2, le=8, description="Sampling points on each plane's circle.")

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the descriptor could not read, found before anything is computed."""
        if min(self.radius if isinstance(self.radius, list) else [self.radius]) < 2:
            return "elbp_top compares a circle with the one inside it: `radius` is at least 2"
        return super().fault(frames, faces)


class LbpSipRecipe(BlockRecipe):
    """LBP-SIP (Wang et al. 2014): local binary patterns with six intersection points."""

    module: ClassVar[str] = "cdmer.descriptors.lbp_sip"
    descriptor: Literal["lbp_sip"] = Field(description=_DESCRIPTOR)
    radius: Radius = Field(1, description="Distance of the neighbours in x, y and t.")

    @property
    def borders(self) -> tuple[int, int, int]:
        """Frames, rows and columns that it leaves out on each side."""
        return self.radius, self.radius, self.radius


class LpqTopRecipe(BlockRecipe):
    """LPQ-TOP (Päivärinta et al. 2011): local phase quantisation on three orthogonal planes, in windows of 5."""

    module: ClassVar[str] = "cdmer.descriptors.lpq_top"
    descriptor: Literal["lpq_top"] = Field(description=_DESCRIPTOR)
    decorrelation: tuple[
        Annotated[float, Field(ge=0, lt=1)],
        Annotated[float, Field(ge=0, lt=1)],
    ] = Field((0.1, 0.1), description="How neighbours correlate in space and in time; 0 decorrelates nothing.")

    @property
    def borders(self) -> tuple[int, int, int]:
        """Frames, rows and columns that it leaves out on each side."""
        return 2, 2, 2


class GradientRecipe(BlockRecipe):
    """Descriptors that are histograms of the gradients' orientations on three orthogonal planes."""

    bins: Bins = Field(8, description="Parts of the circle.")
    signed: bool = Field(True, description=_SIGNED)

    @property
    def borders(self) -> tuple[int, int, int]:
        """Frames, rows and columns that it leaves out on each side."""
        return 1, 1, 1


class HogTopRecipe(GradientRecipe):
    """HOG-TOP (Li et al. 2018): gradients vote with their magnitude."""

    module: ClassVar[str] = "cdmer.descriptors.hog_top"
    descriptor: Literal["hog_top"] = Field(description=_DESCRIPTOR)


class HigoTopRecipe(GradientRecipe):
    """HIGO-TOP (Li et al. 2018): gradients have one vote each."""

    module: ClassVar[str] = "cdmer.descriptors.higo_top"
    descriptor: Literal["higo_top"] = Field(description=_DESCRIPTOR)


class Hog3dRecipe(TextureRecipe):
    """3DHOG (Polikovsky et al. 2009): gradients on twelve regions of the face, which landmarks tell."""

    module: ClassVar[str] = "cdmer.descriptors.hog_3d"
    reads: ClassVar[Literal["clip", "record"]] = "record"
    descriptor: Literal["hog_3d"] = Field(description=_DESCRIPTOR)
    bins: tuple[Bins, Bins, Bins] = Field((8, 12, 12), description="Parts of the circle on XY, XT and YT.")

    @property
    def borders(self) -> tuple[int, int, int]:
        """Frames, rows and columns that it leaves out on each side."""
        return 1, 1, 1

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the descriptor could not read, found before anything is computed."""
        return _without_landmarks(self.descriptor, faces) or super().fault(frames, faces)


class C3dRecipe(TextureRecipe):
    """C3D (Tran et al. 2015): activations of a network trained on films, with weights that you bring."""

    module: ClassVar[str] = "cdmer.descriptors.c3d"
    descriptor: Literal["c3d"] = Field(description=_DESCRIPTOR)
    layer: Literal["fc1", "fc2"] = Field("fc1", description="The first or the second fully connected layer.")
    training: Literal["sports1m", "ucf101"] = Field("sports1m", description="What the weights were trained on.")

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the descriptor could not read, found before anything is computed."""
        if (frames.count, faces.size) != (16, 112):
            return f"c3d reads 16 frames of 112 x 112 pixels, not {frames.count} of {faces.size} x {faces.size}"
        return None if faces.color == "rgb" and frames.rounding == "half_up" else super().fault(frames, faces)


class HoofRecipe(FlowRecipe):
    """HOOF (Chaudhry et al. 2009): histograms of the flow's directions, left and right alike, weighted by length."""

    module: ClassVar[str] = "cdmer.descriptors.hoof"
    descriptor: Literal["hoof"] = Field(description=_DESCRIPTOR)
    frames: Name = Field("tim_16", description=_FRAMES)
    bins: Bins = Field(8, description="Parts of the half circle.")
    grids: Grids = Field([1, 2, 4, 8], min_length=1, description=_GRIDS)
    reference: Literal["previous", "first"] = Field("previous", description="The frame that a flow starts from.")
    method: Method = Field("farneback", description=_METHOD)

    @property
    def blocks(self) -> int:
        """Number of facial blocks, one after the other, that the feature's columns are made of."""
        return sum(grid**2 for grid in self.grids)

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the descriptor could not read, found before anything is computed."""
        return _too_fine(self.grids, faces) or super().fault(frames, faces)


class BiWoofRecipe(FlowRecipe):
    """Bi-WOOF (Liong et al. 2018): directions from onset to apex, weighted by length and by the block's strain."""

    module: ClassVar[str] = "cdmer.descriptors.bi_woof"
    moments: ClassVar[tuple[str, ...]] = ("onset", "apex")
    descriptor: Literal["bi_woof"] = Field(description=_DESCRIPTOR)
    frames: Name = Field("onset_apex_112", description=_FRAMES)
    bins: Bins = Field(8, description="Parts of the circle.")
    grids: Grids = Field([5], min_length=1, description=_GRIDS)
    method: Method = Field("tvl1", description=_METHOD)

    @property
    def blocks(self) -> int:
        """Number of facial blocks, one after the other, that the feature's columns are made of."""
        return sum(grid**2 for grid in self.grids)

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the descriptor could not read, found before anything is computed."""
        return _too_fine(self.grids, faces) or super().fault(frames, faces)


class MdmoRecipe(FlowRecipe):
    """MDMO (Liu et al. 2016): the mean flow of the main direction in 36 regions of the face, which landmarks tell."""

    module: ClassVar[str] = "cdmer.descriptors.mdmo"
    descriptor: Literal["mdmo"] = Field(description=_DESCRIPTOR)
    frames: Name = Field("tim_16", description=_FRAMES)
    beta: float = Field(0.9, ge=0, le=1, description="Weight of the lengths against the directions.")
    method: Method = Field("coarse_to_fine", description=_METHOD)

    @property
    def blocks(self) -> int:
        """Number of facial blocks, one after the other, that the feature's columns are made of."""
        return 36

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the descriptor could not read, found before anything is computed."""
        return _without_landmarks(self.descriptor, faces) or super().fault(frames, faces)


def _without_landmarks(descriptor: Any, faces: FacesRecipe) -> str | None:
    if faces.detector == "none":
        return f"{descriptor} needs landmarks, and a faces recipe with `detector: none` finds none"
    return None


def _too_fine(grids: Grids, faces: FacesRecipe) -> str | None:
    if max(grids) > faces.size:
        return f"a grid of {max(grids)} is finer than the {faces.size} pixels of the crops"
    return None


AnyDescriptorRecipe = (
    Annotated[LbpTopRecipe, Tag("lbp_top")]
    | Annotated[LbpSipRecipe, Tag("lbp_sip")]
    | Annotated[LpqTopRecipe, Tag("lpq_top")]
    | Annotated[HogTopRecipe, Tag("hog_top")]
    | Annotated[HigoTopRecipe, Tag("higo_top")]
    | Annotated[Hog3dRecipe, Tag("hog_3d")]
    | Annotated[ElbpTopRecipe, Tag("elbp_top")]
    | Annotated[HoofRecipe, Tag("hoof")]
    | Annotated[BiWoofRecipe, Tag("bi_woof")]
    | Annotated[MdmoRecipe, Tag("mdmo")]
    | Annotated[C3dRecipe, Tag("c3d")]
)
