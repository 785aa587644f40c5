"""Optical flow by dense inverse search, by OpenCV.

Kroeger, Timofte, Dai and Van Gool, "Fast optical flow using dense inverse search", ECCV 2016.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.motion.flow import as_bytes

PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}


def dis(first: NDArray[np.float32], second: NDArray[np.float32], *, preset: str = "medium") -> NDArray[np.float32]:
    """The flow of two grey frames, which are rounded to 8 bits; called by `cdmer.motion.optical_flow`.

    Parameters
    ----------
    first, second
        float32 (height, width), grey levels.
    preset
        OpenCV's ``medium``, ``fast`` or ``ultrafast``.
    """
    if preset not in PRESETS:
        raise CdmerError(f"dis has no preset {preset!r}", f"choose one of {', '.join(PRESETS)}")
    solver = cv2.DISOpticalFlow.create(PRESETS[preset])
    flow = np.zeros((*first.shape, 2), np.float32)
    return np.asarray(solver.calc(as_bytes(first), as_bytes(second), flow), np.float32)
