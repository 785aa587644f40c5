"""Regions of a face crop: from its 68 landmarks, or from where an eye-aligned crop has them."""

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

RIGHT_BROW, LEFT_BROW = slice(17, 22), slice(22, 27)  # the subject's own right and left
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
MOUTH = slice(48, 68)

# Mean landmarks of 120 faces of the synthetic cohort, aligned as `cdmer.faces.align_clip` does by default, mirrored
# and averaged; fractions of the crop's side.
_STANDARD = (
    (0.08, 0.39), (0.09, 0.50), (0.10, 0.60), (0.12, 0.71), (0.15, 0.81), (0.21, 0.89), (0.29, 0.96), (0.39, 1.01),
    (0.50, 1.03), (0.60, 1.01), (0.70, 0.96), (0.78, 0.89), (0.84, 0.81), (0.87, 0.71), (0.89, 0.60), (0.90, 0.50),
    (0.91, 0.39), (0.14, 0.29), (0.18, 0.23), (0.26, 0.21), (0.33, 0.22), (0.40, 0.25), (0.59, 0.25), (0.66, 0.22),
    (0.74, 0.21), (0.81, 0.23), (0.85, 0.29), (0.50, 0.34), (0.50, 0.42), (0.50, 0.50), (0.50, 0.58), (0.40, 0.62),
    (0.45, 0.63), (0.50, 0.65), (0.55, 0.63), (0.59, 0.62), (0.22, 0.36), (0.27, 0.33), (0.32, 0.33), (0.38, 0.37),
    (0.32, 0.38), (0.26, 0.38), (0.61, 0.37), (0.67, 0.33), (0.72, 0.33), (0.77, 0.36), (0.73, 0.38), (0.67, 0.38),
    (0.31, 0.75), (0.38, 0.73), (0.45, 0.72), (0.50, 0.73), (0.55, 0.72), (0.61, 0.73), (0.68, 0.75), (0.61, 0.80),
    (0.55, 0.82), (0.50, 0.83), (0.44, 0.82), (0.38, 0.80), (0.34, 0.75), (0.44, 0.76), (0.50, 0.76), (0.55, 0.76),
    (0.65, 0.75), (0.55, 0.76), (0.50, 0.77), (0.44, 0.76),
)  # fmt: skip


def crop_landmarks(shape: tuple[int, ...], landmarks: ArrayLike | None) -> NDArray[np.float64]:
    """The landmarks as given, checked; None: where an eye-aligned crop of that shape (height, width) has them."""
    if landmarks is None:
        return np.array(_STANDARD) * [shape[1], shape[0]]
    points = np.asarray(landmarks, dtype=float)
    if points.shape != (68, 2):
        raise ValueError(f"expected landmarks of shape (68, 2), got {points.shape}")
    return points


def eye_distance(landmarks: NDArray[np.float64]) -> float:
    """Pixels between the centres of the eyes."""
    return float(np.linalg.norm(landmarks[LEFT_EYE].mean(0) - landmarks[RIGHT_EYE].mean(0)))


def box_around(
    landmarks: NDArray[np.float64], points: NDArray[np.float64], shape: tuple[int, int], margin: float
) -> tuple[slice, slice]:
    """Rows and columns of the box around `points`, `margin` eye distances wider on each side, inside the crop.

    A box that leaves the crop altogether keeps one row or column of it.
    """
    reach = margin * eye_distance(landmarks)
    low = np.clip(np.floor(points.min(0) - reach), 0, [shape[1] - 1, shape[0] - 1]).astype(int)
    high = np.clip(np.ceil(points.max(0) + reach) + 1, low + 1, [shape[1], shape[0]]).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def brows_and_mouth(landmarks: NDArray[np.float64], shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    """The three regions of Liong et al. (2015): each eye with its brow, and the mouth."""
    groups = [
        np.concatenate([landmarks[RIGHT_BROW], landmarks[RIGHT_EYE]]),
        np.concatenate([landmarks[LEFT_BROW], landmarks[LEFT_EYE]]),
        landmarks[MOUTH],
    ]
    return [box_around(landmarks, points, shape, 0.08) for points in groups]


def face_mask(landmarks: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """True on the face from chin to forehead; (height, width)."""
    face = np.zeros(shape, np.uint8)
    forehead = landmarks[17:27] - [0.0, 0.25 * eye_distance(landmarks)]
    outline = np.concatenate([landmarks[:17], forehead]).round().astype(np.int32)
    cv2.fillConvexPoly(face, cv2.convexHull(outline), 1)
    return face > 0


def eye_mask(landmarks: NDArray[np.float64], shape: tuple[int, int], margin: float) -> NDArray[np.bool_]:
    """True in the boxes around the eyes, `margin` eye distances wider on each side; (height, width)."""
    eyes = np.zeros(shape, bool)
    for eye in (RIGHT_EYE, LEFT_EYE):
        eyes[box_around(landmarks, landmarks[eye], shape, margin)] = True
    return eyes
