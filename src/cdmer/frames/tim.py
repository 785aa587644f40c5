"""Resampling a clip in time: the temporal interpolation model (TIM), and the two plainer ways beside it.

Zhou, Zhao and Pietikäinen, "Towards a practical lipreading system", CVPR 2011. The model embeds the frames of a clip
in a path graph and evaluates the embedding's curve in between. For linearly independent frames the whole
construction collapses to a matrix of weights, one for each (output frame, input frame): a cosine series through the
frames, exact at each of them. No decomposition of images is needed, and repeated frames do no harm.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Clip = NDArray[np.uint8] | NDArray[np.float32]

_COLUMNS = 512  # pixels converted at a time: 100 frames of them fit the second-level cache (best of 256 .. 6272)


def interpolate_tim(clip: Clip, length: int) -> NDArray[np.float32]:
    """Resample a clip by the temporal interpolation model.

    Parameters
    ----------
    clip
        (frames, height, width[, channels]), at least one frame.
    length
        Frames of the result; the first and the last are those of the clip. A single output frame is the first.

    Returns
    -------
    array
        float32 (length, height, width[, channels]), not rounded; the curve may leave the range of the input.
    """
    return _weighted(clip, tim_weights(_n_frames(clip), length))


def interpolate_linear(clip: Clip, length: int) -> NDArray[np.float32]:
    """Resample a clip at `length` evenly spaced times, mixing the two frames beside each; otherwise as TIM."""
    return _weighted(clip, linear_weights(_n_frames(clip), length))


def nearest_frames(frames: int, length: int) -> list[int]:
    """The indices of the frames nearest to `length` evenly spaced times, the earlier one where two are as near."""
    return [int(index) for index in np.ceil(_times(frames, length) - 0.5)]


@cache
def tim_weights(frames: int, length: int) -> NDArray[np.float64]:
    """The weights (length, frames) of TIM; each row sums to 1.

    With t_j = 1/n + (j - 1)(1 - 1/n)/(m - 1) and f_k(t) = cos(pi k t - pi k / 2n), weight
    (j, i) = 1/n + sum over k = 1 .. n-1 of (2/n) f_k(t_j) f_k(i/n).
    """
    n = frames
    t = (1 + _times(n, length)) / n
    k = np.arange(1, n)
    at_output = np.cos(np.pi * k * (t[:, None] - 1 / (2 * n)))
    at_input = np.cos(np.pi * k * (np.arange(1, n + 1)[:, None] / n - 1 / (2 * n)))
    weights: NDArray[np.float64] = 1 / n + (2 / n) * at_output @ at_input.T
    weights.setflags(write=False)  # shared through the cache
    return weights


@cache
def linear_weights(frames: int, length: int) -> NDArray[np.float64]:
    """The weights (length, frames) of linear interpolation; each row sums to 1."""
    away = np.abs(_times(frames, length)[:, None] - np.arange(frames))
    weights: NDArray[np.float64] = np.maximum(0.0, 1 - away)
    weights.setflags(write=False)
    return weights


def _times(frames: int, length: int) -> NDArray[np.float64]:
    """`length` times from the first frame (0) to the last; a single one is the first."""
    if frames < 1 or length < 1:
        raise ValueError(f"expected at least one frame in and one out, got {frames} and {length}")
    return np.linspace(0, frames - 1, length)


def _n_frames(clip: Clip) -> int:
    if clip.ndim < 3 or not len(clip):
        raise ValueError(f"expected (frames, height, width[, channels]) with at least one frame, got {clip.shape}")
    return len(clip)


def _weighted(clip: Clip, weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """Each output frame a weighted sum of all frames: (length, frames) @ (frames, pixels), a run of pixels at a time.

    Run by run, because a whole clip in float32 would travel through memory twice, at the cost of the product itself.
    """
    flat = clip.reshape(len(clip), -1)
    mix = weights.astype(np.float32)
    out = np.empty((len(mix), flat.shape[1]), np.float32)
    for start in range(0, flat.shape[1], _COLUMNS):
        run = np.s_[:, start : start + _COLUMNS]
        np.matmul(mix, flat[run].astype(np.float32), out=out[run])
    return out.reshape(len(mix), *clip.shape[1:])
