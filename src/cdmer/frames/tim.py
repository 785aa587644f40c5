"""The temporal interpolation model (TIM).

Zhou, Zhao and Pietikäinen, "Towards a practical lipreading system", CVPR 2011. The model embeds the frames of a clip
in a path graph and evaluates the embedding's curve in between. For linearly independent frames the whole
construction collapses to a matrix of weights, one for each (output frame, input frame): a cosine series through the
frames, exact at each of them. No decomposition of images is needed, and repeated frames do no harm.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray


def interpolate_tim(clip: NDArray[np.uint8] | NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Resample a clip in time.

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
    if clip.ndim < 3 or not len(clip):
        raise ValueError(f"expected (frames, height, width[, channels]) with at least one frame, got {clip.shape}")
    weights = tim_weights(len(clip), length).astype(np.float32)
    flat = clip.reshape(len(clip), -1).astype(np.float32)
    return np.ascontiguousarray((weights @ flat).reshape(length, *clip.shape[1:]))


@cache
def tim_weights(frames: int, length: int) -> NDArray[np.float64]:
    """The weights (length, frames) of TIM; each row sums to 1.

    With t_j = 1/n + (j - 1)(1 - 1/n)/(m - 1) and f_k(t) = cos(pi k t - pi k / 2n), weight
    (j, i) = 1/n + sum over k = 1 .. n-1 of (2/n) f_k(t_j) f_k(i/n).
    """
    if frames < 1 or length < 1:
        raise ValueError(f"expected at least one frame in and one out, got {frames} and {length}")
    n = frames
    if n == 1:
        return np.ones((length, 1))
    t = np.linspace(1 / n, 1, length) if length > 1 else np.array([1 / n])
    k = np.arange(1, n)
    at_output = np.cos(np.pi * k * (t[:, None] - 1 / (2 * n)))
    at_input = np.cos(np.pi * k * (np.arange(1, n + 1)[:, None] / n - 1 / (2 * n)))
    weights: NDArray[np.float64] = 1 / n + (2 / n) * at_output @ at_input.T
    weights.setflags(write=False)  # shared through the cache
    return weights
