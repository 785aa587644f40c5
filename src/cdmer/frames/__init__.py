"""Choosing or making the frames of a clip: apex spotting, temporal interpolation, key-frames."""

from typing import TYPE_CHECKING

from cdmer.lazy import on_first_use

if TYPE_CHECKING:
    from cdmer.frames.adaptive_convolution.interpolator import AdaptiveConvolution
    from cdmer.frames.apex import spot_apex
    from cdmer.frames.interval import spot_interval
    from cdmer.frames.keyframes import keyframe_times
    from cdmer.frames.tim import interpolate_tim

__all__ = ["AdaptiveConvolution", "interpolate_tim", "keyframe_times", "spot_apex", "spot_interval"]
_HOME = {
    "AdaptiveConvolution": ".adaptive_convolution.interpolator",
    "interpolate_tim": ".tim",
    "keyframe_times": ".keyframes",
    "spot_apex": ".apex",
    "spot_interval": ".interval",
}
__getattr__, __dir__ = on_first_use(__name__, __all__, _HOME)
