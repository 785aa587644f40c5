"""ELBP-TOP: extended local binary patterns on three orthogonal planes.

Guo, Liang, Zhan, Liu, Pietikäinen and Liu, "Extended local binary patterns for efficient and robust spontaneous facial
micro-expression recognition", IEEE Access 2019. Three codes a plane, over the neighbours g(R, p) that `lbp_top`
samples:

    LBP: g(R, p) >= g(0)        radial: g(R, p) >= g(R - 1, p)        angular: g(R, p) >= g(R, p + 1)

each with the guard and the uniform patterns of `lbp_top`. The paper then takes the whitened principal components of the
training clips, which is a matter of models: here is what they are taken of.
"""

from collections.abc import Sequence
from functools import lru_cache
from operator import index

import numpy as np
from numpy.typing import NDArray

from cdmer.descriptors.blocks import block_layout, pool
from cdmer.descriptors.clips import checked_clip
from cdmer.descriptors.lbp_top import GUARD, checked_radii, neighbor_offsets, uniform_bins
from cdmer.errors import CdmerError
from cdmer.jit import helper, kernel

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Counts = NDArray[np.int32]
Floats = NDArray[np.float32]

KINDS = ("lbp", "radial", "angular")
_AXES = ((1, 2), (0, 2), (0, 1))  # of the planes XY, XT and YT, among (t, y, x)
_BAND = 512  # pixels that are treated together: their samples fit the first cache
_UNSET = np.uint8(0)


def elbp_top(
    clip: NDArray[np.uint8],
    radius: int | Sequence[int] = 3,
    neighbors: int = 8,
    grids: Sequence[int] = (1, 2, 4, 8),
) -> NDArray[np.float32]:
    """ELBP-TOP histograms of a clip on a pyramid of block grids.

    Parameters
    ----------
    clip
        uint8 (frames, height, width), more than twice its radius along each axis.
    radius
        R, in pixels and frames, or (Rx, Ry, Rt), at least 2: there must be a circle inside.
    neighbors
        P, the points on each circle, 2 to 8.
    grids
        Blocks on a side of each grid, as for `lbp_top`.

    Returns
    -------
    array
        float32 (blocks * 9 * bins), bins = P (P - 1) + 3. Grid by grid, inside a grid block by block in rows; inside a
        block LBP, radial and angular, of each the planes XY, XT, YT; each histogram sums to 1.

    Raises
    ------
    CdmerError
        A clip of another type, too small for the radius or for a grid, or with a black frame; settings out of range.
    """
    radii, points = checked_radii(radius, "ELBP-TOP", least=2), index(neighbors)
    if not 2 <= points <= 8:
        raise CdmerError(f"ELBP-TOP has no {points} neighbors", "choose from 2 to 8 neighbors")
    pixels = checked_clip(clip, "ELBP-TOP", radii)
    frames, height, width = pixels.shape
    layout = block_layout(height - 2 * radii[1], width - 2 * radii[2], tuple(map(index, grids)))
    shifts, weights = _taps(height, width, radii, points)
    cells = _count_cells(pixels, radii, shifts, weights, uniform_bins(points), layout.row_cuts, layout.column_cuts)
    voxels = (layout.areas * (frames - 2 * radii[0])).astype(np.float32)
    histograms: NDArray[np.float32] = pool(cells, layout).astype(np.float32) / voxels[:, None, None]
    return histograms.ravel()


@lru_cache(maxsize=64)
def _taps(height: int, width: int, radii: tuple[int, int, int], neighbors: int) -> tuple[Integers, Floats]:
    """Where the neighbours are read, with which weights: (3 planes, outer and inner circle, P, 4 taps)."""
    strides = np.array([height * width, width, 1])
    shifts = np.empty((3, 2, neighbors, 4), dtype=np.int64)
    weights = np.empty(shifts.shape, dtype=np.float32)
    for circle in (0, 1):
        offsets = neighbor_offsets([radius - circle for radius in radii], neighbors)
        low = np.floor(offsets)
        part = offsets - low
        for plane, (a, b) in enumerate(_AXES):
            for tap, (step_a, step_b) in enumerate(np.ndindex(2, 2)):
                weight_a = part[plane, :, a] if step_a else 1 - part[plane, :, a]
                weight_b = part[plane, :, b] if step_b else 1 - part[plane, :, b]
                weight = weight_a * weight_b
                steps = np.where(weight > 0, step_a * strides[a] + step_b * strides[b], 0)  # else perhaps outside
                shifts[plane, circle, :, tap] = low[plane].astype(np.int64) @ strides + steps
                weights[plane, circle, :, tap] = weight
    for table in (shifts, weights):
        table.setflags(write=False)
    return shifts, weights


# -- the kernel -------------------------------------------------------------------------------------------------------


@kernel
def _count_cells(
    clip: Bytes,
    radii: tuple[int, int, int],
    shifts: Integers,
    weights: Floats,
    bins: Bytes,
    row_cuts: Integers,
    column_cuts: Integers,
) -> Counts:
    """The pattern histograms of all cells: int32 (cell rows, cell columns, 9, bins)."""
    t_radius, y_radius, x_radius = radii
    frames, height, width = clip.shape
    values = clip.reshape(clip.size).astype(np.float32)
    neighbors = shifts.shape[2]
    uniform = neighbors * (neighbors - 1) + 3  # with 2 or 3 neighbours every pattern is uniform, and the last bin empty
    rows, columns, high, wide = len(row_cuts) - 1, len(column_cuts) - 1, row_cuts[-1], column_cuts[-1]
    counts = np.zeros((rows, columns, 9, uniform), dtype=np.int32)
    counters = counts.reshape(counts.size)
    first_counter = np.empty(wide, dtype=np.int64)
    for column in range(columns):
        first_counter[column_cuts[column] : column_cuts[column + 1]] = column * 9 * uniform
    row_counter = np.empty(high, dtype=np.int64)
    for row in range(rows):
        row_counter[row_cuts[row] : row_cuts[row + 1]] = row * columns * 9 * uniform
    band = max(1, _BAND // width)
    outer = np.empty((neighbors, band * width), dtype=np.float32)
    inner = np.empty(band * width, dtype=np.float32)
    codes = np.empty((9, band * width), dtype=np.uint8)
    for t in range(t_radius, frames - t_radius):
        for top in range(0, high, band):
            lines = min(band, high - top)
            size = (lines - 1) * width + wide
            here = (t * height + top + y_radius) * width + x_radius
            codes[:, :size] = 0
            for plane in range(3):
                for p in range(neighbors):
                    _sample(values, here, shifts[plane, 0, p], weights[plane, 0, p], outer[p, :size])
                for p in range(neighbors):
                    bit = np.uint8(1 << p)
                    _compare(outer[p, :size], values[here : here + size], bit, codes[plane, :size])
                    _sample(values, here, shifts[plane, 1, p], weights[plane, 1, p], inner[:size])
                    _compare(outer[p, :size], inner[:size], bit, codes[3 + plane, :size])
                    _compare(outer[p, :size], outer[(p + 1) % neighbors, :size], bit, codes[6 + plane, :size])
            for line in range(lines):
                first, start = np.uint64(row_counter[top + line]), line * width
                for x in range(wide):
                    counter = first + np.uint64(first_counter[x])  # unsigned: no test for an index from the end
                    for kind in range(9):
                        counters[counter + np.uint64(kind * uniform) + bins[codes[kind, start + x]]] += 1
    return counts


@helper
def _sample(values: Floats, here: int, shifts: Integers, weights: Floats, found: Floats) -> None:
    """One neighbour of each pixel from `here` on, interpolated in the order that `lbp_top` fixes."""
    size = found.size
    a, b = values[here + shifts[0] : here + shifts[0] + size], values[here + shifts[1] : here + shifts[1] + size]
    c, d = values[here + shifts[2] : here + shifts[2] + size], values[here + shifts[3] : here + shifts[3] + size]
    u, v, w, z = weights[0], weights[1], weights[2], weights[3]
    for x in range(size):
        found[x] = u * a[x] + v * b[x] + w * c[x] + z * d[x]


@helper
def _compare(one: Floats, other: Floats, bit: np.uint8, codes: Bytes) -> None:
    """Set `bit` where `one` is not darker than `other`."""
    for x in range(codes.size):
        codes[x] |= bit if one[x] >= other[x] - GUARD else _UNSET
