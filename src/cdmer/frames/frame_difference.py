"""The two plainest apex spotters: the middle frame, and the largest difference from the onset."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def middle(clip: NDArray[np.float32], landmarks: ArrayLike | None = None) -> int:
    """The middle frame; the earlier of two."""
    return (len(clip) - 1) // 2


def frame_difference(clip: NDArray[np.float32], landmarks: ArrayLike | None = None) -> int:
    """The frame that differs most from the first in mean absolute grey level; the earliest of equals.

    Zhou, Mao, Huang, Zhang and Zhang, "Feature refinement: an expression-specific feature learning and fusion method
    for micro-expression recognition", Pattern Recognition 2022, Eq. 1. The printed formula lacks the absolute value
    that the sentence under it names.
    """
    if len(clip) == 1:
        return 0
    differences = [float(np.abs(frame - clip[0]).mean()) for frame in clip[1:]]
    return 1 + int(np.argmax(differences))
