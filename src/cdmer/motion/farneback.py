"""Farnebäck's optical flow, by OpenCV.

Farnebäck, "Two-frame motion estimation based on polynomial expansion", SCIA 2003.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from cdmer.motion.flow import as_bytes


def farneback(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    *,
    pyramid_scale: float = 0.5,
    levels: int = 3,
    window: int = 15,
    iterations: int = 3,
    poly_n: int = 5,
    poly_sigma: float = 1.2,
    gaussian: bool = False,
) -> NDArray[np.float32]:
    """The flow of two grey frames, which are rounded to 8 bits; called by `cdmer.motion.optical_flow`.

    Parameters
    ----------
    first, second
        float32 (height, width), grey levels.
    pyramid_scale, levels, window, iterations, poly_n, poly_sigma, gaussian
        As `cv2.calcOpticalFlowFarneback` has them; the defaults are those of OpenCV's example.
    """
    flags = cv2.OPTFLOW_FARNEBACK_GAUSSIAN if gaussian else 0
    flow = np.zeros((*first.shape, 2), np.float32)
    found = cv2.calcOpticalFlowFarneback(
        as_bytes(first), as_bytes(second), flow, pyramid_scale, levels, window, iterations, poly_n, poly_sigma, flags
    )
    return np.asarray(found, np.float32)
