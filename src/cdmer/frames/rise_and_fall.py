"""An apex spotter of our own: the course of the one motion that rises and falls.

1. Local motion. Every frame differs from the clip's mean by gradient times displacement, plus light. Shift, turn and
   zoom of the head and a change of gain and brightness are fitted to all skin but the eyelids and taken away; what is
   left is read as a displacement in each cell of a coarse grid, in units of its own standard error. The eyes, which
   blink and wander, are left out, unless hardly any of the skin's motion rises and falls and no lid closes: then the
   expression is in the lids.
2. Pattern. An expression is one pattern of displacements times one course in time that rises from the onset and falls
   to the offset. Which pattern: the one whose course matches a raised cosine best, over all places of its peak, after
   a parabola in time (drift) has been taken from both: a matched filter, aggregated over cells, whose pattern is free.
3. Apex. Projecting the frames on the pattern gives the course itself. Its smoothed maximum is refined by the vertex of
   two half parabolas, so that the apex does not depend on how the template happens to be shaped.

No label and no annotation enters.
"""

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d

from cdmer.frames.regions import crop_landmarks, eye_mask, face_mask

Array = NDArray[np.float64]

_CELLS = 8  # a side
_SHARPNESS = 112  # crops are smoothed by one pixel of a crop of this side
_SMOOTHING, _REACH, _WINDOW = 0.05, 0.05, 0.15  # of the clip's length: step 3
_DRIFT = 2  # degree, in time
_LIDS = 0.11  # what blinks reaches so far beyond the eye's landmarks, in eye distances
_ELSEWHERE = 0.2  # less of the skin's motion than this rises and falls: the expression is elsewhere
_BLINK = 20  # times the skin's largest change; lids alone that move in an expression reach 17, blinks start at 48


def rise_and_fall(clip: NDArray[np.float32], landmarks: ArrayLike | None = None) -> int:
    """The apex of a clip; of three frames or fewer, the middle one (of two, the second)."""
    if len(clip) < 4:
        return len(clip) // 2
    motion = local_motion(clip, landmarks)
    share, pattern = expression_pattern(motion)
    if share < _ELSEWHERE:
        motion = local_motion(clip, landmarks, lids_too=True)
        _, pattern = expression_pattern(motion)
    return vertex(motion @ pattern)


def local_motion(clip: NDArray[np.float32], landmarks: ArrayLike | None = None, lids_too: bool = False) -> Array:
    """Step 1: the motion of each cell of the skin, the head's taken away; `lids_too`: eyes that do not blink as well.

    Returns
    -------
    array
        float64 (frames, 2 x cells), against the clip's mean, in units that make noise equal everywhere.
    """
    shape = clip.shape[1:]
    points = crop_landmarks(shape, landmarks)
    face, lids = face_mask(points, shape), eye_mask(points, shape, _LIDS)
    blur = max(shape) / _SHARPNESS
    frames = np.stack([cv2.GaussianBlur(frame, (0, 0), blur) for frame in clip])
    mean = frames.mean(0)
    down, right = np.gradient(mean)
    change = _without_head(frames - mean, mean, right, down, _soft(face & ~lids))
    lids_too = lids_too and not _blinks(change, eye_mask(points, shape, 0.0), face & ~lids)
    skin = _soft(face if lids_too else face & ~lids)
    pooled = _pool(np.stack([skin * right * right, skin * right * down, skin * down * down]))
    xx, xy, yy = pooled.reshape(3, -1).astype(float)
    moment = np.stack([_pool(skin * right * change), _pool(skin * down * change)], -1).reshape(len(clip), -1, 2)
    floor = 0.01 * float(np.median(xx + yy)) + 1e-9  # cells without texture stay near zero
    tensor = np.stack([np.stack([xx + floor, xy], -1), np.stack([xy, yy + floor], -1)], -2)
    values, vectors = np.linalg.eigh(tensor)
    whitened = np.einsum("cij,nci->ncj", vectors, moment) / np.sqrt(values)
    return np.asarray(whitened.reshape(len(clip), -1), float)


def expression_pattern(motion: Array) -> tuple[float, Array]:
    """Step 2: the share of the motion that rises and falls, and the pattern (2 x cells,) that does so best."""
    n = len(motion)
    templates = np.stack([raised_cosine(n, 0, peak, n - 1) for peak in range(1, n - 1)])
    _, share, pattern = matched_pattern(motion, templates)
    return share, pattern


def matched_pattern(motion: Array, templates: Array, drift: int = _DRIFT) -> tuple[int, float, Array]:
    """The template (templates, frames) that explains most of the motion, the share, and the pattern that goes with it.

    A polynomial in time of degree `drift` (at most a third of the frames) is taken from both first.
    """
    n = len(motion)
    basis = np.linalg.qr(np.vander(np.linspace(-1, 1, n), min(drift, (n - 1) // 3) + 1))[0]
    shapes = templates - (templates @ basis) @ basis.T
    detrended = motion - basis @ (basis.T @ motion)
    patterns = shapes @ detrended
    energy = (patterns**2).sum(1) / np.maximum((shapes**2).sum(1), 1e-9)
    best = int(np.argmax(energy))
    return best, float(energy[best] / max((detrended**2).sum(), 1e-9)), patterns[best]


def raised_cosine(n: int, onset: int, apex: int, offset: int) -> Array:
    """(n,): 0 until the onset, 1 at the apex, 0 from the offset on, half cosines between; onset < apex < offset."""
    t = np.arange(n)
    rise, fall = (t - onset) / (apex - onset), (offset - t) / (offset - apex)
    return np.asarray((1 - np.cos(np.pi * np.minimum(rise, fall).clip(0, 1))) / 2)


def vertex(course: Array) -> int:
    """Step 3: where the course peaks, never its first or last frame.

    Near the maximum of the smoothed course each place is tried as the vertex of two half parabolas that open
    downwards, each side its own; the best fit wins.
    """
    n = len(course)
    smooth = gaussian_filter1d(course, max(_SMOOTHING * n, 0.5), mode="nearest")
    start = 1 + int(np.argmax(smooth[1:-1]))
    reach, window = max(1, round(_REACH * n)), max(2, round(_WINDOW * n))
    fits = {}
    for place in range(max(1, start - reach), min(n - 2, start + reach) + 1):
        t = np.arange(max(0, place - window), min(n, place + window + 1))
        if len(t) < 4:
            continue
        away = (t - place) / window
        sides = np.stack([np.ones(len(t)), np.minimum(away, 0) ** 2, np.maximum(away, 0) ** 2], 1)
        fit, *_ = np.linalg.lstsq(sides, course[t])
        if fit[1] <= 0 and fit[2] <= 0:
            fits[place] = float(((sides @ fit - course[t]) ** 2).sum()) / (len(t) - 3)
    return min(fits, key=lambda place: fits[place]) if fits else start


def _blinks(change: NDArray[np.float32], eyes: NDArray[np.bool_], skin: NDArray[np.bool_]) -> bool:
    """Whether the eyes close in some frame: they change by far more than the skin ever does."""
    away = np.abs(change - np.median(change, axis=0))
    if not skin.any():
        return False
    return bool(away[:, eyes].mean(1).max() > _BLINK * away[:, skin].mean(1).max())


def _soft(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0), np.float32)


def _without_head(
    change: NDArray[np.float32],
    mean: NDArray[np.float32],
    right: NDArray[np.float32],
    down: NDArray[np.float32],
    skin: NDArray[np.float32],
) -> NDArray[np.float32]:
    """What is left of each frame's change after the head's shift, turn and zoom, and the light's gain and offset."""
    y, x = np.mgrid[: mean.shape[0], : mean.shape[1]].astype(np.float32)
    y, x = y - y.mean(), x - x.mean()
    causes = [right, down, down * x - right * y, right * x + down * y, np.ones_like(mean), mean]
    design = np.stack([cause.ravel() / (np.abs(cause).max() + 1e-6) for cause in causes])
    weighted = design * skin.ravel()
    normal = (weighted @ design.T).astype(float)
    normal += 1e-6 * np.trace(normal) / len(normal) * np.eye(len(normal)) + 1e-9 * np.eye(len(normal))
    flat = change.reshape(len(change), -1)
    amounts = np.linalg.solve(normal, (weighted @ flat.T).astype(float)).astype(np.float32)
    return np.asarray((flat - amounts.T @ design).reshape(change.shape), np.float32)


def _pool(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sums under a grid of overlapping Gaussian windows: (images, height, width) -> (images, cells, cells)."""
    rows, columns = (_windows(side) for side in images.shape[1:])
    return np.asarray(rows @ images @ columns.T, np.float32)


def _windows(side: int) -> NDArray[np.float32]:
    cell = side / _CELLS
    centres = cell * (np.arange(_CELLS) + 0.5)
    return np.exp(-0.5 * ((np.arange(side) - centres[:, None]) / (cell / 2)) ** 2).astype(np.float32)
