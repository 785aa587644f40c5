"""Frames brought half-way towards each other by optical flow, before kernels are put on them.

Bao et al., "MEMC-Net: motion estimation and motion compensation driven neural network for video interpolation and
enhancement", TPAMI 2021: kernels that lie where a flow leads reach as far as the flow does, and have only to make good
what it leaves. Theirs is a network's flow; here it is DIS (Kroeger et al., ECCV 2016), which needs no training.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8] | NDArray[np.float32] | NDArray[np.float64]

_SMALLEST = 16  # pixels on a side: DIS looks at patches of 8 in halved frames


def half_way(first: Frame, second: Frame) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both frames as they would look half-way in time, as far as DIS follows them.

    Parameters
    ----------
    first, second
        (height, width) grey or (height, width, 3) RGB, grey levels from 0 to 255. Those of less than 16 pixels on a
        side are too small for the flow and stay as they are.

    Returns
    -------
    tuple
        Two float32 frames of the same shape, sampled by cubic interpolation, not rounded.
    """
    frames = np.asarray(first, np.float32), np.asarray(second, np.float32)
    if min(first.shape[:2]) < _SMALLEST:
        return frames
    grey = [_grey(frame) for frame in frames]
    opencv: Any = cv2  # whose type stubs know no DIS
    dis = opencv.DISOpticalFlow_create(opencv.DISOPTICAL_FLOW_PRESET_MEDIUM)
    forward, backward = dis.calc(grey[0], grey[1], None), dis.calc(grey[1], grey[0], None)
    return _moved(frames[0], backward / 2), _moved(frames[1], forward / 2)


def _grey(frame: NDArray[np.float32]) -> NDArray[np.uint8]:
    grey: NDArray[Any] = frame if frame.ndim == 2 else cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
    return np.ascontiguousarray(np.rint(grey).clip(0, 255).astype(np.uint8))


def _moved(frame: NDArray[np.float32], flow: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = frame.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    lookup = columns + flow[..., 0], rows + flow[..., 1]
    frame = np.ascontiguousarray(frame)
    return np.asarray(cv2.remap(frame, *lookup, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.float32)
