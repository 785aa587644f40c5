"""Settings of the features that are made of optical flow: the inputs of the networks."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, Tag

from cdmer.config.faces import FacesRecipe
from cdmer.config.feature_recipe import FeatureRecipe
from cdmer.config.frames import FramesRecipe
from cdmer.config.settings import Name
from cdmer.motion.methods import DEFAULTS, MODULES
from cdmer.nearest import did_you_mean

Method = Literal["tvl1", "farneback", "dis", "coarse_to_fine"]
_METHOD = "The method of optical flow (docs/motion.md compares them)."


class FlowRecipe(FeatureRecipe):
    """What the recipes of flow share."""

    reads: ClassVar[Literal["clip", "record", "part"]] = "record"
    moments: ClassVar[tuple[str, ...]] = ()  # that the frames recipe must keep
    method: Method
    flow_parameters: dict[Name, bool | int | float | str] = Field(
        {}, description="Parameters of the method that differ from its defaults (docs/motion.md lists them)."
    )
    stabilise: bool = Field(
        False, description="Whether the motion of the nose bridge, which is the head's, is subtracted."
    )

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that it runs with these settings, for the digest of its code."""
        return (self.module, MODULES[self.method])

    def parameters(self) -> dict[str, Any]:
        """The keyword arguments of the function, every parameter of the method among them."""
        given = super().parameters()
        return {**given, "flow_parameters": {**DEFAULTS[self.method], **given["flow_parameters"]}}

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the feature could not read, found before anything is computed."""
        known = DEFAULTS[self.method]
        for name, value in self.flow_parameters.items():
            if name not in known:
                return f"{self.method} has no parameter {name!r}{did_you_mean(name, known)} (known: {', '.join(known)})"
            kinds = (int, float) if isinstance(known[name], float) else (type(known[name]),)
            if type(value) not in kinds:
                return f"{self.method}: {name} is {value!r}, which is no {type(known[name]).__name__}"
        if self.moments and (frames.interpolation != "select" or tuple(frames.moments) != self.moments):
            wanted = ", ".join(self.moments)
            return f"{self.descriptor} reads a frames recipe with `interpolation: select` and `moments: [{wanted}]`"
        if self.stabilise and faces.detector == "none":
            return "`stabilise` needs landmarks, and a faces recipe with `detector: none` finds none"
        return None


class OnsetApexFlowRecipe(FlowRecipe):
    """The flow from onset to apex: the input of FR, STSTNet, OFF-ApexNet and Dual-Inception."""

    module: ClassVar[str] = "cdmer.motion.onset_apex_flow"
    moments: ClassVar[tuple[str, ...]] = ("onset", "apex")
    descriptor: Literal["onset_apex_flow"] = Field(description="The feature.")
    frames: Name = Field("onset_apex", description="The frames recipe that it reads.")
    planes: list[Literal["u", "v", "strain"]] = Field(
        ["u", "v"], min_length=1, max_length=3, description="What is kept, in this order."
    )
    size: int = Field(28, ge=4, le=512, description="Side of the planes.")
    resampling: Literal["bilinear", "area"] = Field(
        "bilinear", description="How they get there: at the new pixels' centres, or as means over the new pixels."
    )
    method: Method = Field("tvl1", description=_METHOD)

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the feature could not read, found before anything is computed."""
        if len(set(self.planes)) < len(self.planes):
            return f"planes: {self.planes} names one twice"
        return super().fault(frames, faces)


class FlowPlanesRecipe(FeatureRecipe):
    """Some planes of a feature of `onset_apex_flow`, whose flow is not computed again."""

    module: ClassVar[str] = "cdmer.motion.flow_planes"
    reads: ClassVar[Literal["clip", "record", "part"]] = "part"
    descriptor: Literal["flow_planes"] = Field(description="The feature.")
    frames: Name = Field("onset_apex", description="The frames recipe of that feature.")
    feature: Name = Field("flow_strain_28", description="The feature whose planes they are.")
    planes: list[Literal["u", "v", "strain"]] = Field(
        ["u", "v"], min_length=1, max_length=3, description="What is kept, in this order."
    )

    @property
    def source(self) -> str | None:
        """The feature that it is made of in place of frames."""
        return self.feature

    def parameters(self) -> dict[str, Any]:
        """The keyword arguments of the function."""
        return {"planes": list(self.planes)}


class DscnnInputRecipe(FlowRecipe):
    """The input of DSCNN: the grey apex frame, and the flows from onset to apex and from apex to offset."""

    module: ClassVar[str] = "cdmer.motion.dscnn_input"
    moments: ClassVar[tuple[str, ...]] = ("onset", "apex", "offset")
    descriptor: Literal["dscnn_input"] = Field(description="The feature.")
    frames: Name = Field("onset_apex_offset", description="The frames recipe that it reads.")
    planes: Literal["both", "rise", "both_with_lengths"] = Field(
        "both",
        description="What is kept of the flows: u and v of both (4 planes), of onset to apex alone (2), or u, v and "
        "length of both (6); DSCNN's `flow_channels` says how many.",
    )
    method: Method = Field("coarse_to_fine", description=_METHOD)

    @property
    def channels(self) -> int:
        """Planes of flow."""
        return {"rise": 2, "both": 4, "both_with_lengths": 6}[self.planes]


class MadtnImageRecipe(FlowRecipe):
    """The input of MADTN: flow, face and flow as one picture, a sample for each central frame."""

    module: ClassVar[str] = "cdmer.motion.madtn_image"
    moments: ClassVar[tuple[str, ...]] = ("onset", "central", "offset")
    descriptor: Literal["madtn_image"] = Field(description="The feature.")
    frames: Name = Field("onset_central_offset", description="The frames recipe that it reads.")
    code: Literal["figure", "text"] = Field(
        "figure", description="How a flow is coloured: as the paper's figures show it, or as its text says."
    )
    limit: float | None = Field(
        None, gt=0, description="The displacement in pixels that is brightest; `null`: each picture's own largest."
    )
    method: Method = Field("farneback", description=_METHOD)


class KeyframeFlowsRecipe(FlowRecipe):
    """The input of MERSiamC3D: the flows between neighbouring key-frames."""

    module: ClassVar[str] = "cdmer.motion.keyframe_flows"
    descriptor: Literal["keyframe_flows"] = Field(description="The feature.")
    frames: Name = Field("keyframes_11", description="The frames recipe that it reads.")
    magnitude: bool = Field(False, description="Whether the vectors' length is a third channel.")
    method: Method = Field("farneback", description=_METHOD)

    @property
    def channels(self) -> int:
        """Channels of a flow."""
        return 3 if self.magnitude else 2

    def fault(self, frames: FramesRecipe, faces: FacesRecipe) -> str | None:
        """What the feature could not read, found before anything is computed."""
        if frames.interpolation != "keyframes":
            return f"{self.descriptor} reads a frames recipe with `interpolation: keyframes`"
        return super().fault(frames, faces)


AnyMotionRecipe = (
    Annotated[OnsetApexFlowRecipe, Tag("onset_apex_flow")]
    | Annotated[FlowPlanesRecipe, Tag("flow_planes")]
    | Annotated[DscnnInputRecipe, Tag("dscnn_input")]
    | Annotated[MadtnImageRecipe, Tag("madtn_image")]
    | Annotated[KeyframeFlowsRecipe, Tag("keyframe_flows")]
)
