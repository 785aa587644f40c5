"""One similarity transform for a whole clip, so that alignment adds no motion of its own."""

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)  # as seen in the image


def eye_transform(
    landmarks: ArrayLike, size: int = 112, eye_distance: float = 0.4, eye_height: float = 0.36
) -> NDArray[np.float64]:
    """The similarity transform that makes the eyes level and puts them at fixed places of a square crop.

    Parameters
    ----------
    landmarks
        (68, 2): x then y in pixels, of the onset frame.
    size
        Side of the crop, in pixels.
    eye_distance, eye_height
        Distance between the eye centres, and their height from the top, as fractions of `size`.

    Returns
    -------
    array
        float64 (2, 3): crop = matrix @ (x, y, 1).
    """
    points = np.asarray(landmarks, dtype=float)
    if points.shape != (68, 2):
        raise ValueError(f"expected landmarks of shape (68, 2), got {points.shape}")
    left, right = points[LEFT_EYE].mean(0), points[RIGHT_EYE].mean(0)
    across = right - left
    span = float(np.hypot(*across))
    if span == 0:
        raise ValueError("both eyes are at the same place")
    scale = eye_distance * size / span
    cosine, sine = scale * across / span  # rotates `across` onto the x axis
    turn = np.array([[cosine, sine], [-sine, cosine]])
    middle = np.array([(size - 1) / 2, eye_height * size])
    return np.column_stack([turn, middle - turn @ ((left + right) / 2)])


def align_clip(
    clip: NDArray[np.uint8],
    landmarks: ArrayLike,
    size: int = 112,
    eye_distance: float = 0.4,
    eye_height: float = 0.36,
) -> NDArray[np.uint8]:
    """Crop the face out of every frame by the landmarks of the onset frame.

    Parameters
    ----------
    clip
        uint8 (frames, height, width) or (frames, height, width, 3).
    landmarks, size, eye_distance, eye_height
        As in `eye_transform`.

    Returns
    -------
    array
        uint8 (frames, size, size) or (frames, size, size, 3); beyond the image its border is repeated.

    Notes
    -----
    Each frame is resampled once from its original pixels: cubic where the face grows; where it shrinks, linear on a
    raster as many times finer as the face is larger, then averaged, so that nothing aliases.
    """
    if clip.dtype != np.uint8 or clip.ndim not in (3, 4):
        raise ValueError(f"expected uint8 (frames, height, width[, 3]), got {clip.dtype} {clip.shape}")
    matrix = eye_transform(landmarks, size, eye_distance, eye_height)
    return np.stack([_crop(frame, matrix, size) for frame in clip])


def _crop(frame: NDArray[np.uint8], matrix: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    finer = max(1, math.ceil(1 / scale - 1e-6))
    method = cv2.INTER_CUBIC if finer == 1 else cv2.INTER_LINEAR
    # pixel centres: fine = finer * (crop + 0.5) - 0.5
    fine = matrix * finer
    fine[:, 2] += (finer - 1) / 2
    side = size * finer
    warped = cv2.warpAffine(frame, fine, (side, side), flags=method, borderMode=cv2.BORDER_REPLICATE)
    if finer > 1:
        warped = cv2.resize(warped, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(warped, dtype=np.uint8)
