"""Settings of the frames stage."""

from typing import Any, Literal

from pydantic import Field

from cdmer.config.interpolators import SHIPPED
from cdmer.config.settings import Name, Settings

ApexMethod = Literal["middle", "frame_difference", "divide_and_conquer", "divide_and_conquer_strain", "rise_and_fall"]


class FramesRecipe(Settings):
    """Which frames of a clip a feature reads, or how it is brought to a fixed number (docs/frames.md)."""

    faces: Name = Field("aligned_112", description="The faces recipe that it reads.")
    interpolation: Literal["tim", "linear", "nearest", "keyframes", "select"] = Field(
        "tim",
        description="`tim` (Zhou et al. 2011), `linear`, `nearest`: evenly spaced times; `keyframes`: those of "
        "MERSiamC3D; `select`: the frames of `moments`, as recorded.",
    )
    length: int = Field(16, ge=2, le=512, description="Frames of the result; not for `select`.")
    rounding: Literal["half_up", "none"] = Field(
        "half_up", description="`half_up`: rounded and clipped to 8 bits, for texture descriptors; `none`: float32."
    )
    moments: list[Literal["onset", "apex", "middle", "central", "offset"]] = Field(
        [], description="For `select`: the frames to keep, in order; `central`: the middle one and the central fifth."
    )
    synthesis: Literal["average", "nearest", "adaptive_convolution"] = Field(
        "average", description="For `keyframes`: how frames between two others come about; `nearest`: recorded ones."
    )
    network: Name = Field(
        SHIPPED, description="For `adaptive_convolution`: `shipped`, or one of `interpolators`, trained on your frames."
    )
    apex: Literal["annotated", ApexMethod] = Field(
        "annotated", description="For `keyframes`, and `apex` among `moments`: where the apex comes from."
    )
    apex_otherwise: Literal["error", ApexMethod] = Field(
        "error", description="With `apex: annotated`: what finds the apex of a clip that has none annotated."
    )

    @property
    def fault(self) -> str | None:
        """What is wrong with the keys together."""
        if "network" in self.model_fields_set and "network" not in self._parameters():
            return "`network` does nothing here without `synthesis: adaptive_convolution`; remove it"
        for key in sorted(self.model_fields_set - {"faces", "interpolation", *self._parameters()}):
            return f"`{key}` does nothing here with `interpolation: {self.interpolation}`; remove it"
        if self.interpolation == "select" and not self.moments:
            return "`interpolation: select` needs `moments`, such as [onset, apex, offset]"
        if self.interpolation == "keyframes" and self.length < 3:
            return "key-frames are onset, apex, offset and what lies between: `length` is at least 3"
        return None

    @property
    def spots_apex(self) -> bool:
        """Whether the recipe works with an apex."""
        return self.interpolation == "keyframes" or (self.interpolation == "select" and "apex" in self.moments)

    @property
    def count(self) -> int | None:
        """How many frames every clip has; None where that is up to the clip."""
        if self.interpolation != "select":
            return self.length
        return None if "central" in self.moments else len(self.moments)

    @property
    def maker(self) -> tuple[str, str]:
        """The module and the function that make the frames."""
        makers = {"keyframes": ("keyframes", "keyframes"), "select": ("selection", "select")}
        module, function = makers.get(self.interpolation, ("resampling", "resample"))
        return f"cdmer.frames.{module}", function

    @property
    def interpolator(self) -> str | None:
        """The network of `interpolators` that the recipe reads, if any."""
        return self.network if "network" in self._parameters() and self.network != SHIPPED else None

    def parameters(self) -> dict[str, Any]:
        """What that function needs to know, but for the faces."""
        return self.model_dump(include=set(self._parameters()))

    def _parameters(self) -> tuple[str, ...]:
        apex = ("apex", "apex_otherwise") if self.spots_apex else ()
        if self.interpolation == "keyframes":
            network = ("network",) if self.synthesis == "adaptive_convolution" else ()
            return ("length", "rounding", "synthesis", *network, *apex)
        return ("moments", *apex) if self.interpolation == "select" else ("interpolation", "length", "rounding")
