"""Colour to grey, the way the papers do it, without rounding before the end."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_THOUSANDTHS = np.array([299, 587, 114], np.float64)  # whole numbers: sums are exact, and grey stays what it was


def grey_levels(picture: NDArray[Any]) -> NDArray[np.float32]:
    """0.299 R + 0.587 G + 0.114 B of (..., 3), float32; where R = G = B, that very value."""
    return np.asarray(np.asarray(picture, np.float64) @ _THOUSANDTHS / 1000, np.float32)


def to_grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same of uint8, rounded half up: of a flow's colours it mixes the direction into the brightness."""
    return np.asarray(np.floor((np.asarray(picture, np.float64) @ _THOUSANDTHS + 500) / 1000), np.uint8)
