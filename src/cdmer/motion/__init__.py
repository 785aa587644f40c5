"""Motion between frames: optical flow, its encodings, and the inputs that the papers' networks make of it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdmer.motion.colors import decode_hsv as decode_hsv
    from cdmer.motion.colors import encode_hsv as encode_hsv
    from cdmer.motion.flow import optical_flow as optical_flow
    from cdmer.motion.resizing import resize_flow as resize_flow
    from cdmer.motion.stabilisation import stabilise as stabilise
    from cdmer.motion.strain import optical_strain as optical_strain

_HOME = {
    "decode_hsv": "cdmer.motion.colors",
    "encode_hsv": "cdmer.motion.colors",
    "optical_flow": "cdmer.motion.flow",
    "optical_strain": "cdmer.motion.strain",
    "resize_flow": "cdmer.motion.resizing",
    "stabilise": "cdmer.motion.stabilisation",
}
__all__ = ["decode_hsv", "encode_hsv", "optical_flow", "optical_strain", "resize_flow", "stabilise"]


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562): the methods' names are known without OpenCV."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
