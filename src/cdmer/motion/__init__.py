"""Motion between frames: optical flow, its encodings, and the inputs that the papers' networks make of it."""

from importlib import import_module
from typing import Any

# Imported when asked for, so that the names of the methods are known without OpenCV.
_MODULES = {
    "decode_hsv": "colors",
    "encode_hsv": "colors",
    "optical_flow": "flow",
    "optical_strain": "strain",
    "resize_flow": "resizing",
    "stabilise": "stabilisation",
}

__all__ = ["decode_hsv", "encode_hsv", "optical_flow", "optical_strain", "resize_flow", "stabilise"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
