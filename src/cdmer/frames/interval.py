"""Onset and offset around an apex, in a recording that goes on before and after the expression."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.feature import local_binary_pattern

from cdmer.frames.apex import grey
from cdmer.frames.rise_and_fall import local_motion, matched_pattern, raised_cosine

Array = NDArray[np.float64]

_LONGEST = 0.5  # seconds from onset to apex, or from apex to offset; micro-expressions are over within 0.5 to 0.7 s
_CANDIDATES = 40  # onsets, and offsets, that are tried
_SPAN = 1 / 6  # seconds between a frame and each of the two that it is compared with: half an expression
_BLOCKS = 6  # a side
_LARGEST = 12  # blocks whose differences count


def spot_interval(
    clip: NDArray[np.uint8] | NDArray[np.float32],
    apex: int,
    fps: float,
    method: str = "rise_and_fall",
    landmarks: ArrayLike | None = None,
) -> tuple[int, int]:
    """Find the onset and the offset of the expression whose apex is known.

    Parameters
    ----------
    clip
        Face crops of the recording, (frames, height, width) or (frames, height, width, 3), aligned once.
    apex
        Index of the apex.
    fps
        Frames per second.
    method
        ``rise_and_fall``: the onset and offset whose rise and fall explains most of the motion around the apex.
        ``lbp_difference``: Li et al., "Towards reading hidden emotions", IEEE Trans. Affective Computing 2018. Each
        frame is compared with the mean of the frames a sixth of a second before and after; a sixth of a second on
        either side of the largest difference near the apex is the interval. ``frame_difference``: the same with grey
        levels in place of local binary patterns.
    landmarks
        As for `spot_apex`.

    Returns
    -------
    tuple of int
        Indices of onset and offset, ``onset <= apex <= offset``.

    Raises
    ------
    ValueError
        No such method, or an apex outside the recording.
    """
    if not 0 <= apex < len(clip):
        raise ValueError(f"apex {apex} is outside the recording of {len(clip)} frames")
    if method == "rise_and_fall":
        return _by_rise_and_fall(grey(clip), apex, fps, landmarks)
    if method not in _FEATURES:
        raise ValueError(f"there is no interval spotter {method!r}; known: rise_and_fall, {', '.join(_FEATURES)}")
    return _by_difference(grey(clip), apex, max(1, round(fps * _SPAN)), *_FEATURES[method])


def overlap(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Intersection over union of two intervals of frames, both ends included; MEGC 2019 asks for 0.5."""
    shared = min(first[1], second[1]) - max(first[0], second[0]) + 1
    whole = max(first[1], second[1]) - min(first[0], second[0]) + 1
    return max(0, shared) / whole


def _by_rise_and_fall(clip: NDArray[np.float32], apex: int, fps: float, landmarks: ArrayLike | None) -> tuple[int, int]:
    reach = max(2, round(fps * _LONGEST))
    start, end = max(0, apex - reach - reach // 2), min(len(clip), apex + reach + reach // 2 + 1)
    motion, centre = local_motion(clip[start:end], landmarks), apex - start
    onsets = [centre - step for step in _steps(min(reach, centre))]
    offsets = [centre + step for step in _steps(min(reach, len(motion) - 1 - centre))]
    pairs = [(onset, offset) for onset in onsets for offset in offsets]
    if not pairs:  # the apex is the recording's first or last frame
        return apex, apex
    templates = np.stack([raised_cosine(len(motion), onset, centre, offset) for onset, offset in pairs])
    onset, offset = pairs[matched_pattern(motion, templates)[0]]
    return start + onset, start + offset


def _steps(most: int) -> list[int]:
    """Up to `_CANDIDATES` whole numbers from 1 to `most`, evenly spaced."""
    return sorted({round(step) for step in np.linspace(1, most, _CANDIDATES)}) if most > 0 else []


def _by_difference(
    clip: NDArray[np.float32], apex: int, span: int, describe: Callable[..., Array], distance: Callable[..., Array]
) -> tuple[int, int]:
    features = describe(clip)
    index = np.arange(len(clip))
    tail, head = np.maximum(index - span, 0), np.minimum(index + span, len(clip) - 1)
    differences = distance(features, (features[tail] + features[head]) / 2)
    contrast = np.maximum(differences - (differences[tail] + differences[head]) / 2, 0)
    first = max(0, apex - span)
    peak = first + int(np.argmax(contrast[first : apex + span + 1]))
    return min(apex, max(0, peak - span)), max(apex, min(len(clip) - 1, peak + span))


def _small(clip: NDArray[np.float32]) -> Array:
    side = 4 * _BLOCKS
    return np.stack([cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA) for frame in clip]).astype(float)


def _grey_distance(first: Array, second: Array) -> Array:
    return np.asarray(np.abs(first - second).mean((1, 2)))


def _block_histograms(clip: NDArray[np.float32]) -> Array:
    """(frames, blocks, 59): uniform local binary patterns, eight neighbours at radius 3, each block's sum 1."""
    height, width = clip.shape[1:]
    block = (np.arange(height) * _BLOCKS // height)[:, None] * _BLOCKS + np.arange(width) * _BLOCKS // width
    counts = []
    for frame in clip:
        codes = local_binary_pattern(frame.round().astype(np.uint8), 8, 3, "nri_uniform")  # type: ignore[no-untyped-call]
        cell = block * 59 + codes.astype(np.intp)
        counts.append(np.bincount(cell.ravel(), minlength=59 * _BLOCKS**2).reshape(-1, 59))
    stacked = np.stack(counts).astype(float)
    return np.asarray(stacked / stacked.sum(-1, keepdims=True))


def _chi_square(first: Array, second: Array) -> Array:
    blocks = ((first - second) ** 2 / np.maximum(first + second, 1e-12)).sum(-1)
    return np.asarray(np.sort(blocks, axis=1)[:, -_LARGEST:].mean(1))


_FEATURES: dict[str, tuple[Callable[..., Array], Callable[..., Array]]] = {
    "frame_difference": (_small, _grey_distance),
    "lbp_difference": (_block_histograms, _chi_square),
}
