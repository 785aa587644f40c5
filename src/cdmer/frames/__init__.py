"""Choosing or making the frames of a clip: apex spotting, temporal interpolation, key-frames."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdmer.frames.adaptive_convolution.interpolator import AdaptiveConvolution as AdaptiveConvolution
    from cdmer.frames.apex import spot_apex as spot_apex
    from cdmer.frames.interval import spot_interval as spot_interval
    from cdmer.frames.keyframes import keyframe_times as keyframe_times
    from cdmer.frames.tim import interpolate_tim as interpolate_tim

_HOME = {
    "AdaptiveConvolution": "cdmer.frames.adaptive_convolution.interpolator",
    "interpolate_tim": "cdmer.frames.tim",
    "keyframe_times": "cdmer.frames.keyframes",
    "spot_apex": "cdmer.frames.apex",
    "spot_interval": "cdmer.frames.interval",
}
__all__ = ["AdaptiveConvolution", "interpolate_tim", "keyframe_times", "spot_apex", "spot_interval"]


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562): planning needs neither OpenCV nor torch."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
