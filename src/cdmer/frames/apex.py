"""Apex spotting: in which frame of a clip the expression is strongest.

A method sees frames and landmarks and nothing else: no label, no annotation.
"""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The module of each method, which holds a function of the method's name. They are imported when asked for, and a rule
# names those that its recipe uses, so that editing one method recomputes only its own clips.
METHODS = {
    "middle": "cdmer.frames.frame_difference",
    "frame_difference": "cdmer.frames.frame_difference",
    "divide_and_conquer": "cdmer.frames.divide_and_conquer",
    "divide_and_conquer_strain": "cdmer.frames.divide_and_conquer",
    "rise_and_fall": "cdmer.frames.rise_and_fall",
}
WITHOUT_LANDMARKS = frozenset({"middle", "frame_difference"})


def spot_apex(clip: NDArray[Any], method: str = "rise_and_fall", landmarks: ArrayLike | None = None) -> int:
    """Find the apex of a clip that starts at the onset and ends at the offset.

    Parameters
    ----------
    clip
        Face crops, uint8 or float32 (frames, height, width) or (frames, height, width, 3), the same alignment
        throughout.
    method
        ``middle``, ``frame_difference`` (FR), ``divide_and_conquer`` and ``divide_and_conquer_strain`` (Liong et al.
        2015), or ``rise_and_fall``, this project's own; docs/apex.md compares them.
    landmarks
        (68, 2): x then y in the crops' pixels. Without, those of a crop as `cdmer.faces.align_clip` makes by default
        are assumed. ``middle`` and ``frame_difference`` use none.

    Returns
    -------
    int
        Index into the clip, from 0.

    Raises
    ------
    ValueError
        No such method, no frames, or landmarks of another shape.
    """
    if method not in METHODS:
        raise ValueError(f"there is no apex spotter {method!r}; known: {', '.join(METHODS)}")
    if clip.ndim not in (3, 4) or not len(clip):
        raise ValueError(f"expected (frames, height, width[, 3]) with at least one frame, got {clip.shape}")
    spot: Callable[..., int] = getattr(importlib.import_module(METHODS[method]), method)
    return spot(grey(clip), landmarks)


def grey(clip: NDArray[Any]) -> NDArray[np.float32]:
    """A clip in grey levels, float32 (frames, height, width)."""
    if clip.ndim == 3:
        return clip.astype(np.float32)
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return np.asarray(clip.astype(np.float32) @ weights, np.float32)
