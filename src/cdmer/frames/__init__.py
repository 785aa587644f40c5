"""Bringing clips of any length to the frames that descriptors and networks read."""

from typing import TYPE_CHECKING, Any

from cdmer.frames.tim import interpolate_tim

if TYPE_CHECKING:
    from cdmer.frames.adaptive_convolution.interpolator import AdaptiveConvolution as AdaptiveConvolution

__all__ = ["AdaptiveConvolution", "interpolate_tim"]


def __getattr__(name: str) -> Any:
    """Import `AdaptiveConvolution` when it is asked for: torch takes a second to load."""
    if name == "AdaptiveConvolution":
        from cdmer.frames.adaptive_convolution.interpolator import AdaptiveConvolution

        return AdaptiveConvolution
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
