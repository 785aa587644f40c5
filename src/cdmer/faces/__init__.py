"""Finding faces, their landmarks, and aligning clips by them."""

from typing import Any

__all__ = ["align_clip", "detect_faces", "find_landmarks"]


def __getattr__(name: str) -> Any:
    """The public names, imported when asked for: dlib's models take a second to load."""
    if name == "align_clip":
        from cdmer.faces.align import align_clip

        return align_clip
    if name in ("detect_faces", "find_landmarks"):
        from cdmer.faces import detect

        return getattr(detect, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
