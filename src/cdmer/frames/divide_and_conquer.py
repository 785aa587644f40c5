"""Apex spotting by divide and conquer.

Liong, See, Wong, Le Ngo, Oh and Phan, "Automatic apex frame spotting in micro-expression database", ACPR 2015: a curve
of how far each frame is from the onset in three regions (each eye with its brow, and the mouth), its peaks, and a
binary search that keeps the half with the larger sum of peaks. The paper gives two curves that need no shape model:
local binary patterns and optical strain. Where it leaves a choice (peak distance, flow), ours is named below.
"""

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import find_peaks
from skimage.feature import local_binary_pattern

from cdmer.frames.regions import brows_and_mouth, crop_landmarks

Curve = NDArray[np.float64]

_UNIFORM_CODES = 59  # of eight neighbours


def divide_and_conquer(clip: NDArray[np.float32], landmarks: ArrayLike | None = None) -> int:
    """The apex by local binary patterns (eight neighbours, radius 1): one minus correlation with the onset's."""
    boxes = brows_and_mouth(crop_landmarks(clip.shape[1:], landmarks), clip.shape[1:])
    histograms = np.array([_histograms(frame, boxes) for frame in clip])
    away = [[1 - _correlation(*pair) for pair in zip(now, histograms[0], strict=True)] for now in histograms]
    return search(np.sum(away, axis=1))


def divide_and_conquer_strain(clip: NDArray[np.float32], landmarks: ArrayLike | None = None) -> int:
    """The apex by optical strain: its mean over the regions, of the flow from the onset (Farneback's)."""
    boxes = brows_and_mouth(crop_landmarks(clip.shape[1:], landmarks), clip.shape[1:])
    strains = [_strain(clip[0], frame) for frame in clip]
    return search(np.array([sum(float(strain[box].mean()) for box in boxes) for strain in strains]))


def search(heights: Curve) -> int:
    """The peak that a binary search over sums of peaks ends at; without a peak, the largest value.

    Peaks are at least a tenth of the clip apart, and three frames; of halves with equal sums the earlier is kept.
    """
    peaks, _ = find_peaks(heights, distance=max(3, len(heights) // 10))
    if not len(peaks):
        return int(np.argmax(heights))
    low, high = 0.0, float(len(heights))
    while len(peaks) > 1:
        middle = (low + high) / 2
        early, late = peaks[peaks < middle], peaks[peaks >= middle]
        if heights[early].sum() >= heights[late].sum():
            peaks, high = early, middle
        else:
            peaks, low = late, middle
    return int(peaks[0])


def _histograms(frame: NDArray[np.float32], boxes: list[tuple[slice, slice]]) -> Curve:
    codes = local_binary_pattern(frame.round().astype(np.uint8), 8, 1, "nri_uniform").astype(np.intp)  # type: ignore[no-untyped-call]
    return np.array([np.bincount(codes[box].ravel(), minlength=_UNIFORM_CODES) for box in boxes], float)


def _correlation(first: Curve, second: Curve) -> float:
    """Pearson's; 1 where both are constant."""
    a, b = first - first.mean(), second - second.mean()
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size > 0 else 1.0


def _strain(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float64]:
    before, after = first.round().astype(np.uint8), second.round().astype(np.uint8)
    flow = np.zeros((*first.shape, 2), np.float32)
    cv2.calcOpticalFlowFarneback(before, after, flow, 0.5, 3, 15, 3, 5, 1.2, 0)
    (u_y, u_x), (v_y, v_x) = np.gradient(flow[..., 0]), np.gradient(flow[..., 1])
    return np.asarray(np.sqrt(u_x**2 + v_y**2 + (u_y + v_x) ** 2 / 2), np.float64)
