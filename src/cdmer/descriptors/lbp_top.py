"""LBP-TOP: local binary patterns on three orthogonal planes.

Zhao and Pietikäinen, "Dynamic texture recognition using local binary patterns with an application to facial
expressions", TPAMI 2007, with the benchmark's conventions: codes are computed once on the whole clip without a border
of the radii, then pooled over the blocks of several grids.

Neighbour p of P lies at angle a = 2 pi p / P:

    XY: (x + Rx cos a, y - Ry sin a)    XT: (x + Rx cos a, t + Rt sin a)    YT: (y - Ry sin a, t + Rt cos a)

Bit p is set where neighbour >= centre - 1e-3; the guard makes a tie a tie whatever the rounding of the interpolation
weights. Off the raster a neighbour is interpolated bilinearly, in float32 and in this order, to the last bit:

    ((w00 g00 + w01 g01) + w10 g10) + w11 g11

where the first index steps along the plane's first axis in (t, y, x), the second along the other, and the weights are
products of offsets that were rounded to nine decimals.

How it is fast: the whole clip is one row of pixels, in which a neighbour is a shift, so that each loop runs over
thousands of pixels and becomes vector instructions; neighbours on the raster are compared as bytes; codes are counted
once, in the cells that the blocks of all grids cut, and a block is the sum of its cells.
"""

import math
from collections.abc import Sequence
from functools import cache, lru_cache
from operator import index
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cdmer.descriptors.blocks import block_layout
from cdmer.descriptors.clips import checked_clip
from cdmer.errors import CdmerError
from cdmer.jit import helper, kernel

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Counts = NDArray[np.int32]
Floats = NDArray[np.float32]

GUARD = np.float32(1e-3)

_BAND = 16384  # pixels of a frame that are encoded together: with the frames around them they fit a processor's cache
_CODES = 256  # counters a histogram: one for each code of a byte
_UNSET = np.uint8(0)
_AXES = ((1, 2), (0, 2), (0, 1))  # of the planes XY, XT and YT, among (t, y, x)


def lbp_top(
    clip: NDArray[np.uint8],
    radius: int | Sequence[int] = 3,
    neighbors: int = 8,
    grids: Sequence[int] = (1, 2, 4, 8),
) -> NDArray[np.float32]:
    """LBP-TOP histograms of a clip on a pyramid of block grids.

    Parameters
    ----------
    clip
        uint8 (frames, height, width), more than twice its radius along each axis.
    radius
        R, in pixels and frames, at least 1; or (Rx, Ry, Rt), which makes the circles ellipses.
    neighbors
        P, the points on each circle, 2 to 16.
    grids
        Blocks on a side of each grid. A block's side is the valid side / blocks, rounded half up; the last block takes
        what is left.

    Returns
    -------
    array
        float32 (blocks * 3 * bins), bins = P (P - 1) + 3. Grid by grid, inside a grid block by block in rows; inside
        a block the planes XY, XT, YT; each plane's histogram sums to 1. Uniform patterns come first, in increasing
        code order; the last bin holds all others.

    Raises
    ------
    CdmerError
        A clip of another type, too small for the radius or for a grid, or with a black frame; settings out of range.
    """
    radii = checked_radii(radius, "LBP-TOP")
    points = index(neighbors)
    if not 2 <= points <= 16:
        raise CdmerError(f"LBP-TOP has no {points} neighbors", "choose from 2 to 16 neighbors")
    pixels = checked_clip(clip, "LBP-TOP", radii)
    return _describe(pixels, radii, *_plan(*pixels.shape[1:], radii, points, tuple(map(index, grids))))


def checked_radii(radius: int | Sequence[int], name: str, least: int = 1) -> tuple[int, int, int]:
    """The radii along t, y and x, of R or (Rx, Ry, Rt)."""
    given = (radius,) * 3 if isinstance(radius, int | np.integer) else tuple(radius)
    if len(given) != 3 or min(map(index, given)) < least:
        raise CdmerError(
            f"{name} has no radius {radius}", f"choose a radius of at least {least}, or three: in x, in y and in t"
        )
    x, y, t = map(index, given)
    return t, y, x


@cache
def uniform_bins(neighbors: int) -> NDArray[np.uint8]:
    """The histogram bin of each code (2**P,): uniform patterns in code order, then one bin for the rest."""
    codes = np.arange(2**neighbors)
    turned = (codes >> 1) | ((codes & 1) << (neighbors - 1))
    uniform = np.bitwise_count(codes ^ turned) <= 2
    bins = np.where(uniform, np.cumsum(uniform) - 1, np.count_nonzero(uniform)).astype(np.uint8)
    bins.setflags(write=False)  # shared through the cache
    return bins


# -- the tables of the kernel, computed once for all clips of a size --------------------------------------------------


class _Plan(NamedTuple):
    """What the kernel reads beside the clip; a shift is a distance along the row of all pixels of the clip.

    Codes of more than eight bits are made in two bytes.

    Attributes
    ----------
    near_shifts, near_bits
        int64 (3, bytes, 4) and uint8 (bytes, 4): the points on the raster of each plane and byte, and the bits that
        they set. There are four at most; one that is missing sets no bit.
    far_shifts, far_weights
        int64 and float32 (3, pairs, 2, 4): the four taps of the other points, two points at a time.
    far_bits, far_cuts
        uint8 (pairs, 2) and int64 (bytes + 1,): the bits that they set, and the first pair of each byte.
    counters
        uint8 (2**P,): which of a cell's counters counts a code. Codes of one byte count for themselves.
    bin_counters
        uint8 (bins - 1,): the counter of each uniform pattern.
    row_cuts, column_cuts
        int64: where the cells begin, and at the end the side of the valid region.
    blocks
        int64 (blocks, 4): rows of cells from, to, columns of cells from, to.
    """

    near_shifts: Integers
    near_bits: Bytes
    far_shifts: Integers
    far_weights: Floats
    far_bits: Bytes
    far_cuts: Integers
    counters: Bytes
    bin_counters: Bytes
    row_cuts: Integers
    column_cuts: Integers
    blocks: Integers


@lru_cache(maxsize=64)
def _plan(height: int, width: int, radii: tuple[int, int, int], neighbors: int, grids: tuple[int, ...]) -> _Plan:
    _, of_rows, of_columns = radii
    offsets = neighbor_offsets(radii, neighbors)
    strides = np.array([height * width, width, 1])
    bins = uniform_bins(neighbors)
    counters = np.arange(2**neighbors, dtype=np.uint8) if neighbors <= 8 else bins
    tables = (
        *_near_points(offsets, strides),
        *_far_points(offsets, strides),
        counters,
        counters[bins < neighbors * (neighbors - 1) + 2],
        *block_layout(height - 2 * of_rows, width - 2 * of_columns, grids)[:3],
    )
    plan = _Plan(*(np.ascontiguousarray(table) for table in tables))
    for table in plan:
        table.setflags(write=False)  # shared through the cache
    return plan


def neighbor_offsets(radii: Sequence[float], neighbors: int) -> NDArray[np.float64]:
    """Where the points lie about the centre, (3, P, 3) as (t, y, x), for radii along t, y and x.

    Rounded to nine decimals, so that some lie on the raster.
    """
    t, y, x = radii
    angles = [2 * math.pi * p / neighbors for p in range(neighbors)]
    circle = [(math.cos(angle), math.sin(angle)) for angle in angles]
    planes = [
        [(0, -y * s, x * c) for c, s in circle],
        [(t * s, 0, x * c) for c, s in circle],
        [(t * c, -y * s, 0) for c, s in circle],
    ]
    return np.round(np.array(planes), 9)


def _near_points(offsets: NDArray[np.float64], strides: Integers) -> tuple[NDArray[Any], NDArray[Any]]:
    """The points on the raster: `near_shifts` and `near_bits` of the plan."""
    neighbors = offsets.shape[1]
    shifts = np.zeros((3, -(-neighbors // 8), 4), dtype=np.int64)
    bits = np.zeros(shifts.shape[1:], dtype=np.uint8)
    for p in np.flatnonzero(_on_raster(offsets)):
        byte, place = p // 8, np.count_nonzero(bits[p // 8])
        shifts[:, byte, place] = offsets[:, p].astype(np.int64) @ strides
        bits[byte, place] = 1 << p % 8
    return shifts, bits


def _far_points(
    offsets: NDArray[np.float64], strides: Integers
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """The other points: `far_shifts`, `far_weights`, `far_bits` and `far_cuts` of the plan."""
    low = np.floor(offsets)
    part = offsets - low
    shifts = np.empty((*offsets.shape[:2], 4), dtype=np.int64)
    weights = np.empty(shifts.shape, dtype=np.float32)
    for plane, (a, b) in enumerate(_AXES):
        for tap, (step_a, step_b) in enumerate(np.ndindex(2, 2)):
            shifts[plane, :, tap] = low[plane].astype(np.int64) @ strides + step_a * strides[a] + step_b * strides[b]
            weight_a = part[plane, :, a] if step_a else 1 - part[plane, :, a]
            weight_b = part[plane, :, b] if step_b else 1 - part[plane, :, b]
            weights[plane, :, tap] = weight_a * weight_b
    pairs, cuts = [], [0]
    for start in range(0, offsets.shape[1], 8):
        far = [p for p in range(offsets.shape[1])[start : start + 8] if not _on_raster(offsets)[p]]
        far += far[-1:] * (len(far) % 2)  # an odd one goes twice
        pairs += list(zip(far[::2], far[1::2], strict=True))
        cuts.append(len(pairs))
    chosen = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return shifts[:, chosen], weights[:, chosen], (1 << chosen % 8).astype(np.uint8), np.array(cuts)


def _on_raster(offsets: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((offsets == np.round(offsets)).all(axis=(0, 2)))


# -- the kernel -------------------------------------------------------------------------------------------------------


@kernel
def _describe(
    clip: Bytes,
    radii: tuple[int, int, int],
    near_shifts: Integers,
    near_bits: Bytes,
    far_shifts: Integers,
    far_weights: Floats,
    far_bits: Bytes,
    far_cuts: Integers,
    counters: Bytes,
    bin_counters: Bytes,
    row_cuts: Integers,
    column_cuts: Integers,
    blocks: Integers,
) -> Floats:
    """The descriptor of a clip, with the tables of its plan."""
    codes = _encode(clip, radii, near_shifts, near_bits, far_shifts, far_weights, far_bits, far_cuts, counters)
    counts = _count(codes, bin_counters, row_cuts, column_cuts)
    return _pool(counts, codes.shape[1], row_cuts, column_cuts, blocks)


@helper
def _encode(
    clip: Bytes,
    radii: tuple[int, int, int],
    near_shifts: Integers,
    near_bits: Bytes,
    far_shifts: Integers,
    far_weights: Floats,
    far_bits: Bytes,
    far_cuts: Integers,
    counters: Bytes,
) -> Bytes:
    """The counter of each voxel's code: (3, frames, rows, width); the last 2 Rx columns mean nothing."""
    t_radius, y_radius, x_radius = radii
    frames, height, width = clip.shape
    pixels = clip.reshape(clip.size)
    values = _aligned(pixels if len(far_bits) else pixels[:0], x_radius)
    codes = np.empty((3, frames - 2 * t_radius, (height - 2 * y_radius) * width), dtype=np.uint8)
    high = np.empty(codes.shape[2], dtype=np.uint8)
    band = max(1, _BAND // width)
    for top in range(y_radius, height - y_radius, band):
        start = (top - y_radius) * width
        size = min(band, height - y_radius - top) * width - 2 * x_radius
        for t in range(t_radius, frames - t_radius):
            here = (t * height + top) * width + x_radius
            for plane in range(3):
                code = codes[plane, t - t_radius, start : start + size]
                for byte in range(len(near_bits)):
                    bits = code if byte == 0 else high[:size]
                    _compare_near(pixels, here, near_shifts[plane, byte], near_bits[byte], bits)
                    for pair in range(far_cuts[byte], far_cuts[byte + 1]):
                        shifts, weights = far_shifts[plane, pair], far_weights[plane, pair]
                        _compare_far(values, here, shifts, weights, far_bits[pair], bits)
                if len(near_bits) == 2:
                    for x in range(size):
                        code[x] = counters[code[x] | np.uint16(high[x]) << 8]
    return codes.reshape(3, frames - 2 * t_radius, height - 2 * y_radius, width)


@helper
def _aligned(pixels: Bytes, first: int) -> Floats:
    """The pixels in float32, pixel `first` where vectors are read fastest: at a multiple of 32 bytes."""
    room = np.empty(pixels.size + 8, dtype=np.float32)
    start = -(room.ctypes.data // 4 + first) % 8
    values = room[start : start + pixels.size]
    for i in range(pixels.size):
        values[i] = pixels[i]
    return values


@helper
def _compare_near(pixels: Bytes, here: int, shifts: Integers, bits: Bytes, codes: Bytes) -> None:
    """Begin the codes of the pixels from `here` on: set `bits` where a point on the raster is not darker."""
    size = codes.size
    centre = pixels[here : here + size]
    a, b, c, d = (
        pixels[here + shifts[0] : here + shifts[0] + size],
        pixels[here + shifts[1] : here + shifts[1] + size],
        pixels[here + shifts[2] : here + shifts[2] + size],
        pixels[here + shifts[3] : here + shifts[3] + size],
    )
    bit_a, bit_b, bit_c, bit_d = bits[0], bits[1], bits[2], bits[3]
    for x in range(size):
        codes[x] = (
            (bit_a if a[x] >= centre[x] else _UNSET)
            | (bit_b if b[x] >= centre[x] else _UNSET)
            | (bit_c if c[x] >= centre[x] else _UNSET)
            | (bit_d if d[x] >= centre[x] else _UNSET)
        )


@helper
def _compare_far(values: Floats, here: int, shifts: Integers, weights: Floats, bits: Bytes, codes: Bytes) -> None:
    """Add the bits of two points between pixels to the codes of the pixels from `here` on."""
    size = codes.size
    centre = values[here : here + size]
    a00, a01, a10, a11 = _taps(values, here, shifts[0], size)
    b00, b01, b10, b11 = _taps(values, here, shifts[1], size)
    u00, u01, u10, u11 = weights[0, 0], weights[0, 1], weights[0, 2], weights[0, 3]
    v00, v01, v10, v11 = weights[1, 0], weights[1, 1], weights[1, 2], weights[1, 3]
    bit_a, bit_b = bits[0], bits[1]
    for x in range(size):
        threshold = centre[x] - GUARD
        a = u00 * a00[x] + u01 * a01[x] + u10 * a10[x] + u11 * a11[x]
        b = v00 * b00[x] + v01 * b01[x] + v10 * b10[x] + v11 * b11[x]
        codes[x] |= (bit_a if a >= threshold else _UNSET) | (bit_b if b >= threshold else _UNSET)


@helper
def _taps(values: Floats, here: int, shifts: Integers, size: int) -> tuple[Floats, Floats, Floats, Floats]:
    """The values that lie `shifts` from each of `size` pixels."""
    return (
        values[here + shifts[0] : here + shifts[0] + size],
        values[here + shifts[1] : here + shifts[1] + size],
        values[here + shifts[2] : here + shifts[2] + size],
        values[here + shifts[3] : here + shifts[3] + size],
    )


@helper
def _count(codes: Bytes, bin_counters: Bytes, row_cuts: Integers, column_cuts: Integers) -> Counts:
    """The pattern histograms of all cells: int32 (cell rows, cell columns, 3, bins)."""
    frames = codes.shape[1]
    rows, columns, uniform = len(row_cuts) - 1, len(column_cuts) - 1, len(bin_counters)
    counts = np.empty((rows, columns, 3, uniform + 1), dtype=np.int32)
    first_counter = np.empty(column_cuts[-1], dtype=np.int64)
    for column in range(columns):
        first_counter[column_cuts[column] : column_cuts[column + 1]] = column * 3 * _CODES
    counted = np.empty(columns * 3 * _CODES, dtype=np.int32)
    for row in range(rows):
        counted[:] = 0
        for t in range(frames):
            for y in range(row_cuts[row], row_cuts[row + 1]):
                _count_row(codes[0, t, y], codes[1, t, y], codes[2, t, y], first_counter, counted)
        for column in range(columns):
            area = (row_cuts[row + 1] - row_cuts[row]) * (column_cuts[column + 1] - column_cuts[column])
            for plane in range(3):
                start = (column * 3 + plane) * _CODES
                histogram = counted[start : start + _CODES]
                rest = area * frames
                for b in range(uniform):
                    count = histogram[bin_counters[b]]
                    counts[row, column, plane, b] = count
                    rest -= count
                counts[row, column, plane, uniform] = rest
    return counts


@helper
def _count_row(xy: Bytes, xt: Bytes, yt: Bytes, first_counter: Integers, counted: Counts) -> None:
    """Count a row of pixels. The planes go in turn: a counter that was just written is slow to read again."""
    for x in range(first_counter.size):
        first = np.uint64(first_counter[x])  # unsigned: no test for an index from the end
        counted[first + xy[x]] += 1
        counted[first + np.uint64(_CODES) + xt[x]] += 1
        counted[first + np.uint64(2 * _CODES) + yt[x]] += 1


@helper
def _pool(counts: Counts, frames: int, row_cuts: Integers, column_cuts: Integers, blocks: Integers) -> Floats:
    """Sum the cells of each block and divide by its voxels: float32 (blocks * 3 * bins)."""
    rows, columns, _, bins = counts.shape
    size = 3 * bins
    cells = counts.reshape(rows, columns, size)
    histograms = np.empty(len(blocks) * size, dtype=np.float32)
    total = np.empty(size, dtype=np.int32)
    for block in range(len(blocks)):
        top, bottom, left, right = blocks[block]
        total[:] = 0
        for row in range(top, bottom):
            for column in range(left, right):
                cell = cells[row, column]
                for b in range(size):
                    total[b] += cell[b]
        voxels = np.float32((row_cuts[bottom] - row_cuts[top]) * (column_cuts[right] - column_cuts[left]) * frames)
        histogram = histograms[block * size : (block + 1) * size]
        for b in range(size):
            histogram[b] = np.float32(total[b]) / voxels  # rounded once: up to 2**24 voxels are exact in float32
    return histograms
