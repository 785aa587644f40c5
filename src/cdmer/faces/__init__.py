"""Finding faces, their landmarks, and aligning clips by them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdmer.faces.align import align_clip as align_clip
    from cdmer.faces.detect import detect_faces as detect_faces
    from cdmer.faces.landmarks import find_landmarks as find_landmarks

_HOME = {
    "align_clip": "cdmer.faces.align",
    "detect_faces": "cdmer.faces.detect",
    "find_landmarks": "cdmer.faces.landmarks",
}
__all__ = ["align_clip", "detect_faces", "find_landmarks"]


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562): dlib's models take a second to load."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
