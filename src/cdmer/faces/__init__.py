"""Finding faces, their landmarks, and aligning clips by them."""

from typing import TYPE_CHECKING

from cdmer.lazy import on_first_use

if TYPE_CHECKING:
    from cdmer.faces.align import align_clip
    from cdmer.faces.detect import detect_faces
    from cdmer.faces.landmarks import find_landmarks

__all__ = ["align_clip", "detect_faces", "find_landmarks"]
_HOME = {"align_clip": ".align", "detect_faces": ".detect", "find_landmarks": ".landmarks"}
__getattr__, __dir__ = on_first_use(__name__, __all__, _HOME)
