"""One transform for a whole clip, so that alignment adds no motion of its own.

Each way of cropping is a function that gives one affine transform, crop = matrix @ (x, y, 1); `warp_clip` applies it.
"""

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)  # as seen in the image
JAW, BROWS, CHIN = slice(0, 17), slice(17, 27), 8
CHEEK_MARGIN, BROW_MARGIN = 10, 30  # pixels of the recording, as the benchmark's authors have them


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
    points = _landmarks(landmarks)
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


def landmark_box(landmarks: ArrayLike) -> NDArray[np.float64]:
    """The benchmark's face box: the cheeks and 10 pixels on either side, from 30 pixels above the brows to the chin.

    From patent CN111259759A of the benchmark's authors; the pixels are those of the recording.

    Parameters
    ----------
    landmarks
        (68, 2): x then y in pixels, of the first frame.

    Returns
    -------
    array
        float64 (4,): x0, y0, x1, y1 in pixels.
    """
    points = _landmarks(landmarks)
    left, right = points[JAW, 0].min() - CHEEK_MARGIN, points[JAW, 0].max() + CHEEK_MARGIN
    return np.array([left, points[BROWS, 1].min() - BROW_MARGIN, right, points[CHIN, 1]])


def expand_box(box: ArrayLike, left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    """A box moved outwards on each side by a fraction of its width or height (inwards where negative)."""
    x0, y0, x1, y1 = np.asarray(box, dtype=float)[:4]
    width, height = x1 - x0, y1 - y0
    return np.array([x0 - left * width, y0 - top * height, x1 + right * width, y1 + bottom * height])


def box_transform(box: ArrayLike, size: tuple[int, int]) -> NDArray[np.float64]:
    """The transform that fills a crop with a box, whatever the proportions of the two.

    Parameters
    ----------
    box
        x0, y0, x1, y1: edges, pixel (i, j) covering x from j to j + 1 and y from i to i + 1.
    size
        Height and width of the crop, in pixels.

    Returns
    -------
    array
        float64 (2, 3): crop = matrix @ (x, y, 1), where (x, y) are pixel centres: 0 is the centre of the first pixel.
    """
    x0, y0, x1, y1 = np.asarray(box, dtype=float)[:4]
    if not (x1 > x0 and y1 > y0):
        raise ValueError(f"the box {x0:g}, {y0:g}, {x1:g}, {y1:g} has no area")
    height, width = size
    across, down = width / (x1 - x0), height / (y1 - y0)
    return np.array([[across, 0, across * (0.5 - x0) - 0.5], [0, down, down * (0.5 - y0) - 0.5]])


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
    """
    return warp_clip(clip, eye_transform(landmarks, size, eye_distance, eye_height), (size, size))


def warp_clip(clip: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Apply one affine transform to every frame.

    Parameters
    ----------
    clip
        uint8 (frames, height, width) or (frames, height, width, 3).
    matrix
        (2, 3): crop = matrix @ (x, y, 1).
    size
        Height and width of the crops, in pixels.

    Returns
    -------
    array
        uint8 (frames, *size) or (frames, *size, 3); beyond the image its border is repeated.

    Notes
    -----
    Each frame is resampled once from its original pixels: cubic along an axis in which the face grows; where it
    shrinks, on a raster as many times finer as the face is larger, then averaged, so that nothing aliases.
    """
    if clip.dtype != np.uint8 or clip.ndim not in (3, 4):
        raise ValueError(f"expected uint8 (frames, height, width[, 3]), got {clip.dtype} {clip.shape}")
    return np.stack([_warp(frame, matrix, size) for frame in clip])


def _warp(frame: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
    height, width = size
    # how far one step to the right, and one step down, in the crop goes in the frame
    steps = np.hypot(*np.linalg.inv(matrix[:, :2]))
    finer = np.array([max(1, math.ceil(step - 1e-6)) for step in steps])
    method = cv2.INTER_LINEAR if finer.min() > 1 else cv2.INTER_CUBIC
    # pixel centres: fine = finer * (crop + 0.5) - 0.5
    fine = matrix * finer[:, None]
    fine[:, 2] += (finer - 1) / 2
    raster = (width * int(finer[0]), height * int(finer[1]))
    warped = cv2.warpAffine(frame, fine, raster, flags=method, borderMode=cv2.BORDER_REPLICATE)
    if finer.max() > 1:
        warped = cv2.resize(warped, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(warped, dtype=np.uint8)


def _landmarks(landmarks: ArrayLike) -> NDArray[np.float64]:
    points = np.asarray(landmarks, dtype=float)
    if points.shape != (68, 2):
        raise ValueError(f"expected landmarks of shape (68, 2), got {points.shape}")
    return points
