"""From float frames back to 8 bits, as a recipe asks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def rounded(frames: NDArray[np.float32], rounding: str) -> NDArray[Any]:
    """``half_up``: 8-bit frames; ``none``: the frames as they are."""
    return round_half_up(frames) if rounding == "half_up" else frames


def round_half_up(frames: NDArray[np.float32]) -> NDArray[np.uint8]:
    """8-bit frames: rounded half up and clipped to 0 .. 255."""
    rounded: NDArray[np.uint8] = np.clip(np.floor(frames + np.float32(0.5)), 0, 255).astype(np.uint8)
    return rounded
