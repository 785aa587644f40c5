"""Choosing or making the frames of a clip: apex spotting, temporal interpolation, key-frames."""

from importlib import import_module
from typing import Any

# Imported when asked for: planning a run needs the names of the spotters, neither OpenCV nor torch.
_MODULES = {
    "AdaptiveConvolution": "adaptive_convolution.interpolator",
    "interpolate_tim": "tim",
    "keyframe_times": "keyframes",
    "spot_apex": "apex",
    "spot_interval": "interval",
}

__all__ = ["AdaptiveConvolution", "interpolate_tim", "keyframe_times", "spot_apex", "spot_interval"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
