"""LPQ-TOP: local phase quantisation on three orthogonal planes.

Päivärinta, Rahtu and Heikkilä, "Volume local phase quantization for blur-insensitive dynamic texture classification",
SCIA 2011; the phase itself as Ojansivu and Heikkilä, "Blur insensitive texture classification using local phase
quantization", ICISP 2008.

On each plane, in a window of 5 x 5, the short-term Fourier transform of the grey values f at four frequencies, with
axes (p, q) = (x, y) on XY, (x, t) on XT, (y, t) on YT and a = 1/5:

    F(u) = sum over k of f(n - k) exp(-2 pi i u.k),        u = (a, 0), (0, a), (a, a), (a, -a)

Their eight numbers, Re F1, Im F1, Re F2, ..., are decorrelated under the model that two pixels d apart correlate by r
** |d|, and the signs make a code: bit b is set where number b is positive. A number below 1e-9 counts as zero, so that
a constant, whose transform is zero, has the code 0 however sums are rounded.

Decorrelation: with M the 8 x 25 matrix of the transform and C the pixels' correlations, D = M C M' is brought into
order by A = diag(1.000007, 1.000006, ..., 1.000001, 1), which tells equal variances apart as the authors' code does,
and A D A = V S V'; the code is of V' F, largest variance first. Each column of V has its largest entry positive.
Without correlation (r = 0), D is a multiple of the identity, and so is V.

How it is fast: the window is separable, rows of pixels become vector instructions, the sums over time are shared by XT
and YT, and the real numbers never mix with the imaginary ones.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from operator import index

import numpy as np
from numpy.typing import NDArray

from cdmer.descriptors.blocks import block_layout, pool
from cdmer.descriptors.clips import checked_clip
from cdmer.errors import CdmerError
from cdmer.jit import helper, kernel

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Counts = NDArray[np.int32]
Doubles = NDArray[np.float64]

BORDER = 2  # of a window of 5
GUARD = 1e-9
_CODES = 256
_BAND = 512  # pixels that are treated together: their sums fit the first cache
_COS1, _COS2 = math.cos(0.4 * math.pi), math.cos(0.8 * math.pi)
_SIN1, _SIN2 = math.sin(0.4 * math.pi), math.sin(0.8 * math.pi)
_TIE_BREAK = 1 + 1e-6 * np.arange(7, -1, -1)


def lpq_top(
    clip: NDArray[np.uint8], decorrelation: Sequence[float] = (0.1, 0.1), grids: Sequence[int] = (1, 2, 4, 8)
) -> NDArray[np.float32]:
    """LPQ-TOP histograms of a clip on a pyramid of block grids, with windows of 5 pixels and frames.

    Parameters
    ----------
    clip
        uint8 (frames, height, width), at least 5 along each axis.
    decorrelation
        How neighbouring pixels correlate, in space and in time, each in [0, 1); 0 decorrelates nothing.
    grids
        Blocks on a side of each grid, as for `lbp_top`.

    Returns
    -------
    array
        float32 (blocks * 3 * 256). Grid by grid, inside a grid block by block in rows; inside a block the planes XY,
        XT, YT; each plane's histogram sums to 1.

    Raises
    ------
    CdmerError
        A clip of another type, too small for the window or for a grid, or with a black frame; settings out of range.
    """
    rates = tuple(map(float, decorrelation))
    if len(rates) != 2 or not all(0 <= rate < 1 for rate in rates):
        raise CdmerError(
            f"LPQ-TOP has no decorrelation {list(decorrelation)}",
            "give two numbers from 0 to below 1: the correlation of neighbours in space and in time",
        )
    pixels = checked_clip(clip, "LPQ-TOP", (BORDER, BORDER, BORDER))
    frames, height, width = pixels.shape
    layout = block_layout(height - 2 * BORDER, width - 2 * BORDER, tuple(map(index, grids)))
    counts = pool(_count_cells(pixels, *_rotations(*rates), layout.row_cuts, layout.column_cuts), layout)
    voxels = (layout.areas * (frames - 2 * BORDER)).astype(np.float32)
    histograms: NDArray[np.float32] = counts.astype(np.float32) / voxels[:, None, None]
    return histograms.ravel()


@lru_cache(maxsize=16)
def _rotations(in_space: float, in_time: float) -> tuple[Doubles, Integers]:
    """For each plane and bit, the weights of the four real or of the four imaginary numbers, and which: 0 or 1."""
    weights, parts = np.empty((3, 8, 4)), np.empty((3, 8), dtype=np.int64)
    for plane, rates in enumerate([(in_space, in_space), (in_space, in_time), (in_space, in_time)]):
        V = decorrelation_basis(*rates)
        for bit, column in enumerate(V.T):
            parts[plane, bit] = np.argmax([np.abs(column[::2]).max(), np.abs(column[1::2]).max()])
            weights[plane, bit] = column[parts[plane, bit] :: 2]
    for table in (weights, parts):
        table.setflags(write=False)
    return weights, parts


def decorrelation_basis(rate_p: float, rate_q: float) -> Doubles:
    """V, (8, 8), of a plane whose neighbours along its axes correlate by `rate_p` and `rate_q`.

    Pixels (dp, dq) apart correlate by exp(-sqrt((dp ln rate_p)^2 + (dq ln rate_q)^2)), which is r ** |d| where the two
    are r. Real and imaginary numbers are even and odd functions of the window, hence uncorrelated: V has no entry that
    mixes them.
    """
    q, p = (axis.ravel() for axis in np.mgrid[-2:3, -2:3])
    frequencies = np.array([(1, 0), (0, 1), (1, 1), (1, -1)]) / 5
    waves = np.exp(2j * np.pi * (frequencies @ np.array([p, q])))
    M = np.empty((8, 25))
    M[::2], M[1::2] = waves.real, waves.imag
    C = _correlation(p[:, None] - p, q[:, None] - q, rate_p, rate_q)
    D = _TIE_BREAK[:, None] * (M @ C @ M.T) * _TIE_BREAK
    V, variances = np.zeros((8, 8)), np.empty(8)
    for part in (0, 1):
        variances[part::2], V[part::2, part::2] = np.linalg.eigh(D[part::2, part::2])
    V = V[:, np.argsort(-variances, kind="stable")]
    V[np.abs(V) < 1e-6] = 0  # rounding, which would tell numbers that are exactly zero apart
    signs = np.sign(V[np.abs(V).round(9).argmax(axis=0), np.arange(8)])
    return np.asarray(V * signs)


def _correlation(dp: Integers, dq: Integers, rate_p: float, rate_q: float) -> Doubles:
    with np.errstate(divide="ignore", invalid="ignore"):
        far_p, far_q = (np.where(d == 0, 0.0, d * np.log(rate)) for d, rate in ((dp, rate_p), (dq, rate_q)))
    return np.asarray(np.exp(-np.hypot(far_p, far_q)))


# -- the kernel -------------------------------------------------------------------------------------------------------


@kernel
def _count_cells(clip: Bytes, weights: Doubles, parts: Integers, row_cuts: Integers, column_cuts: Integers) -> Counts:
    """The code histograms of all cells: int32 (cell rows, cell columns, 3, 256)."""
    frames, height, width = clip.shape
    frame = height * width
    pixels = clip.reshape(clip.size)
    rows, columns, wide, high = len(row_cuts) - 1, len(column_cuts) - 1, column_cuts[-1], row_cuts[-1]
    counts = np.zeros((rows, columns, 3, _CODES), dtype=np.int32)
    histograms = counts.reshape(counts.size)
    first_counter = np.empty(wide, dtype=np.int64)
    for column in range(columns):
        first_counter[column_cuts[column] : column_cuts[column + 1]] = column * 3 * _CODES
    row_counter = np.empty(high, dtype=np.int64)
    for row in range(rows):
        row_counter[row_cuts[row] : row_cuts[row + 1]] = row * columns * 3 * _CODES
    band = max(1, _BAND // width)
    room = band * width + 2 * BORDER
    sums, cosines, sines = np.empty(frame), np.empty(frame), np.empty(frame)  # over time, of a whole frame
    by_y = np.empty((3, room))
    numbers = np.empty((8, room))
    mixed = np.empty((2, room))
    codes = np.empty((3, room), dtype=np.uint8)
    for t in range(BORDER, frames - BORDER):
        _transform_pixels(pixels, t * frame, frame, sums, cosines, sines)
        for top in range(0, high, band):
            lines = min(band, high - top)
            size = (lines - 1) * width + wide
            here = (top + BORDER) * width + BORDER
            longer = size + 2 * BORDER
            a, b, c = by_y[0, :longer], by_y[1, :longer], by_y[2, :longer]
            _transform_pixels(pixels, t * frame + here - BORDER, width, a, b, c)
            _transform(a, b, c, BORDER, 1, numbers, mixed, size)
            _encode(numbers, weights[0], parts[0], codes[0, :size])
            _transform(sums, cosines, sines, here, 1, numbers, mixed, size)
            _encode(numbers, weights[1], parts[1], codes[1, :size])
            _transform(sums, cosines, sines, here, width, numbers, mixed, size)
            _encode(numbers, weights[2], parts[2], codes[2, :size])
            for line in range(lines):
                first = np.uint64(row_counter[top + line])  # unsigned: no test for an index from the end
                start = line * width
                for x in range(wide):
                    counter = first + np.uint64(first_counter[x])
                    histograms[counter + codes[0, start + x]] += 1
                    histograms[counter + np.uint64(_CODES) + codes[1, start + x]] += 1
                    histograms[counter + np.uint64(2 * _CODES) + codes[2, start + x]] += 1
    return counts


@helper
def _transform_pixels(pixels: Bytes, here: int, step: int, sums: Doubles, cosines: Doubles, sines: Doubles) -> None:
    """Along one axis, whose neighbours lie `step` apart: the sum of five pixels, and their transform at 1/5."""
    size = sums.size
    a, b = pixels[here - 2 * step : here - 2 * step + size], pixels[here - step : here - step + size]
    c, d = pixels[here : here + size], pixels[here + step : here + step + size]
    e = pixels[here + 2 * step : here + 2 * step + size]
    for x in range(size):
        near, far = np.float64(d[x]) + np.float64(b[x]), np.float64(e[x]) + np.float64(a[x])
        centre = np.float64(c[x])
        sums[x] = centre + near + far
        cosines[x] = centre + _COS1 * near + _COS2 * far
        sines[x] = _SIN1 * (np.float64(d[x]) - np.float64(b[x])) + _SIN2 * (np.float64(e[x]) - np.float64(a[x]))


@helper
def _transform(
    sums: Doubles, cosines: Doubles, sines: Doubles, here: int, step: int, numbers: Doubles, mixed: Doubles, size: int
) -> None:
    """Along the other axis: the eight numbers of `size` pixels from `here` on."""
    _waves(sums, here, step, numbers[0, :size], numbers[1, :size])
    _add_five(cosines, here, step, numbers[2, :size])
    _add_five(sines, here, step, numbers[3, :size])
    of_cosines, of_sines = mixed[0, :size], mixed[1, :size]
    _waves(cosines, here, step, numbers[4, :size], numbers[5, :size])
    _waves(sines, here, step, of_cosines, of_sines)
    real, imaginary, real_too, imaginary_too = (
        numbers[4, :size],
        numbers[5, :size],
        numbers[6, :size],
        numbers[7, :size],
    )
    for x in range(size):
        cc, ss = real[x], of_sines[x]
        real[x], real_too[x] = cc - ss, cc + ss
    for x in range(size):
        sc, cs = imaginary[x], of_cosines[x]
        imaginary[x], imaginary_too[x] = sc + cs, sc - cs


@helper
def _waves(values: Doubles, here: int, step: int, cosines: Doubles, sines: Doubles) -> None:
    size = cosines.size
    a, b = values[here - 2 * step : here - 2 * step + size], values[here - step : here - step + size]
    c, d = values[here : here + size], values[here + step : here + step + size]
    e = values[here + 2 * step : here + 2 * step + size]
    for x in range(size):
        cosines[x] = c[x] + _COS1 * (d[x] + b[x]) + _COS2 * (e[x] + a[x])
        sines[x] = _SIN1 * (d[x] - b[x]) + _SIN2 * (e[x] - a[x])


@helper
def _add_five(values: Doubles, here: int, step: int, sums: Doubles) -> None:
    size = sums.size
    a, b = values[here - 2 * step : here - 2 * step + size], values[here - step : here - step + size]
    c, d = values[here : here + size], values[here + step : here + step + size]
    e = values[here + 2 * step : here + 2 * step + size]
    for x in range(size):
        sums[x] = c[x] + (d[x] + b[x]) + (e[x] + a[x])


@helper
def _encode(numbers: Doubles, weights: Doubles, parts: Integers, codes: Bytes) -> None:
    """The codes of the signs of the rotated numbers."""
    size = codes.size
    codes[:] = 0
    for bit in range(8):
        part = parts[bit]
        a, b, c, d = (
            numbers[part, :size],
            numbers[part + 2, :size],
            numbers[part + 4, :size],
            numbers[part + 6, :size],
        )
        u, v, w, z = weights[bit, 0], weights[bit, 1], weights[bit, 2], weights[bit, 3]
        flag = np.uint8(1 << bit)
        for x in range(size):
            positive = u * a[x] + v * b[x] + w * c[x] + z * d[x] > GUARD
            codes[x] |= flag if positive else np.uint8(0)
