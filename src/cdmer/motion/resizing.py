"""Flow fields at another size."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Resampling = Literal["bilinear", "area"]
_FLAGS = {"bilinear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA}


def resize_plane(plane: NDArray[np.float32], size: int, resampling: Resampling = "bilinear") -> NDArray[np.float32]:
    """One plane brought to `size` x `size` pixels; its values stay what they are."""
    resized = cv2.resize(np.ascontiguousarray(plane), (size, size), interpolation=_FLAGS[resampling])
    return np.asarray(resized, np.float32)


def resize_flow(flow: NDArray[np.float32], size: int, resampling: Resampling = "bilinear") -> NDArray[np.float32]:
    """A flow brought to `size` x `size` pixels, in pixels of the new size.

    Parameters
    ----------
    flow
        float32 (height, width, 2).
    size
        The new side.
    resampling
        ``bilinear``, at the new pixels' centres, as the papers say; or ``area``, the mean over a new pixel.

    Returns
    -------
    array
        float32 (size, size, 2): resampled, u times size / width and v times size / height.
    """
    height, width = flow.shape[:2]
    u, v = (resize_plane(flow[..., component], size, resampling) for component in (0, 1))
    return np.stack([u * np.float32(size / width), v * np.float32(size / height)], axis=-1)
