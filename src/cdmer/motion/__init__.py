"""Motion between frames: optical flow, its encodings, and the inputs that the papers' networks make of it."""

from typing import TYPE_CHECKING

from cdmer.lazy import on_first_use

if TYPE_CHECKING:
    from cdmer.motion.colors import decode_hsv, encode_hsv
    from cdmer.motion.flow import optical_flow
    from cdmer.motion.resizing import resize_flow
    from cdmer.motion.stabilisation import stabilise
    from cdmer.motion.strain import optical_strain

__all__ = ["decode_hsv", "encode_hsv", "optical_flow", "optical_strain", "resize_flow", "stabilise"]
_HOME = {
    "decode_hsv": ".colors",
    "encode_hsv": ".colors",
    "optical_flow": ".flow",
    "optical_strain": ".strain",
    "resize_flow": ".resizing",
    "stabilise": ".stabilisation",
}
__getattr__, __dir__ = on_first_use(__name__, __all__, _HOME)
