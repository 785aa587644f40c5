"""LBP-TOP: local binary patterns on three orthogonal planes.

Zhao and Pietikäinen, "Dynamic texture recognition using local binary patterns with an application to facial
expressions", TPAMI 2007, with the benchmark's conventions: codes are computed once on the whole clip without a border
of R pixels and R frames, then pooled over the blocks of several grids.

Neighbour p of P lies at angle a = 2 pi p / P:

    XY: (x + R cos a, y - R sin a)    XT: (x + R cos a, t + R sin a)    YT: (y - R sin a, t + R cos a)

sampled bilinearly in float32. Bit p is set where neighbour >= centre - 1e-3; the guard makes a tie a tie whatever
the rounding of the interpolation weights.
"""

import math
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

GUARD = np.float32(1e-3)


def lbp_top(
    clip: NDArray[np.uint8], radius: int = 3, neighbors: int = 8, grids: tuple[int, ...] = (1, 2, 4, 8)
) -> NDArray[np.float32]:
    """LBP-TOP histograms of a clip on a pyramid of block grids.

    Parameters
    ----------
    clip
        uint8 (frames, height, width), more than 2 `radius` along each axis.
    radius
        R, in pixels and frames.
    neighbors
        P, the points on each circle.
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
    ValueError
        A clip of another type or too small for the radius or for a grid.
    """
    valid = _valid_shape(clip, radius)
    rows, columns = _edges(valid[1], grids), _edges(valid[2], grids)
    points, weights = _taps(radius, neighbors)
    bins = uniform_bins(neighbors)
    row_cells, column_cells = _cells(rows, valid[1]), _cells(columns, valid[2])
    counts = np.zeros((row_cells[-1] + 1, column_cells[-1] + 1, 3, int(bins.max()) + 1), dtype=np.int32)
    _count_patterns(
        np.ascontiguousarray(clip).astype(np.float32), radius, points, weights, bins, row_cells, column_cells, counts
    )
    return _pool(counts, rows, columns, row_cells, column_cells)


@cache
def uniform_bins(neighbors: int) -> NDArray[np.uint8]:
    """The histogram bin of each code (2**P,): uniform patterns in code order, then one bin for the rest."""
    codes = np.arange(2**neighbors)
    turned = (codes >> 1) | ((codes & 1) << (neighbors - 1))
    changes = np.array([bin(code ^ turn).count("1") for code, turn in zip(codes, turned, strict=True)])
    uniform = changes <= 2
    bins = np.full(len(codes), np.count_nonzero(uniform), dtype=np.uint8)
    bins[uniform] = np.arange(np.count_nonzero(uniform))
    return bins


def _valid_shape(clip: NDArray[np.uint8], radius: int) -> tuple[int, int, int]:
    if clip.ndim != 3 or clip.dtype != np.uint8:
        raise ValueError(f"expected uint8 (frames, height, width), got {clip.dtype} {clip.shape}")
    frames, height, width = (int(side) - 2 * radius for side in clip.shape)
    if min(frames, height, width) < 1:
        raise ValueError(f"a clip of {clip.shape} has no voxel {radius} away from its border")
    return frames, height, width


def _edges(side: int, grids: tuple[int, ...]) -> list[NDArray[np.int64]]:
    """For each grid, where its blocks begin, and the side itself at the end."""
    found = []
    for blocks in grids:
        step = math.floor(side / blocks + 0.5)
        edges = np.append(np.arange(blocks) * step, side)
        if step < 1 or edges[-2] >= side:
            raise ValueError(f"a grid of {blocks} leaves blocks empty on a side of {side} pixels")
        found.append(edges)
    return found


def _cells(edges: list[NDArray[np.int64]], side: int) -> NDArray[np.int64]:
    """The cell of each position (side,), cells being cut by the blocks of all grids together."""
    starts = np.unique(np.concatenate([grid[:-1] for grid in edges]))
    return np.searchsorted(starts, np.arange(side), side="right") - 1


@cache
def _taps(radius: int, neighbors: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Offsets (3, P, 4, 3) as (t, y, x) and weights (3, P, 4) of the four pixels around each sampling point."""
    points = np.zeros((3, neighbors, 4, 3), dtype=np.int64)
    weights = np.zeros((3, neighbors, 4), dtype=np.float32)
    for p in range(neighbors):
        cosine = round(radius * math.cos(2 * math.pi * p / neighbors), 9)
        sine = round(radius * math.sin(2 * math.pi * p / neighbors), 9)
        planes = ((1, -sine, 2, cosine), (0, sine, 2, cosine), (0, cosine, 1, -sine))
        for plane, (axis_a, a, axis_b, b) in enumerate(planes):
            low_a, low_b = math.floor(a), math.floor(b)
            part_a, part_b = a - low_a, b - low_b
            tap = 0
            for step_a, weight_a in ((0, 1 - part_a), (1, part_a)):
                for step_b, weight_b in ((0, 1 - part_b), (1, part_b)):
                    weight = weight_a * weight_b
                    if weight > 0:  # a point on the raster needs no pixel beyond it, which may not exist
                        points[plane, p, tap, axis_a] = low_a + step_a
                        points[plane, p, tap, axis_b] = low_b + step_b
                        weights[plane, p, tap] = weight
                    tap += 1
    points.setflags(write=False)  # shared through the cache
    weights.setflags(write=False)
    return points, weights


@njit(cache=True, nogil=True)
def _count_patterns(clip, radius, points, weights, bins, row_cells, column_cells, counts):  # type: ignore[no-untyped-def]
    """Add each voxel's pattern to the histogram of its cell: counts (cell rows, cell columns, 3, bins)."""
    frames, height, width = clip.shape
    valid = width - 2 * radius
    code = np.empty(valid, dtype=np.uint32)
    for t in range(radius, frames - radius):
        for y in range(radius, height - radius):
            cell_row = row_cells[y - radius]
            centre = clip[t, y, radius : radius + valid]
            for plane in range(3):
                code[:] = 0
                for p in range(points.shape[1]):
                    _set_bit(clip, t, y, radius, points[plane, p], weights[plane, p], centre, p, code)
                for x in range(valid):
                    counts[cell_row, column_cells[x], plane, bins[code[x]]] += 1


@njit(cache=True, nogil=True, inline="always")
def _set_bit(clip, t, y, radius, points, weights, centre, p, code):  # type: ignore[no-untyped-def]
    """Set bit p of each pixel of a row whose neighbour is not darker than the pixel; a loop that vectorises."""
    first, second, third, fourth = (
        _row(clip, t, y, radius, points[0], code.size),
        _row(clip, t, y, radius, points[1], code.size),
        _row(clip, t, y, radius, points[2], code.size),
        _row(clip, t, y, radius, points[3], code.size),
    )
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    bit = np.uint32(1) << np.uint32(p)
    for x in range(code.size):
        value = first[x] * w0 + second[x] * w1 + third[x] * w2 + fourth[x] * w3
        if value >= centre[x] - GUARD:
            code[x] |= bit


@njit(cache=True, nogil=True, inline="always")
def _row(clip, t, y, radius, point, size):  # type: ignore[no-untyped-def]
    start = radius + point[2]
    return clip[t + point[0], y + point[1], start : start + size]


def _pool(
    counts: NDArray[np.int32],
    rows: list[NDArray[np.int64]],
    columns: list[NDArray[np.int64]],
    row_cells: NDArray[np.int64],
    column_cells: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Sum cells into blocks and normalise each histogram, in the documented order."""
    parts = []
    for row_edges, column_edges in zip(rows, columns, strict=True):
        by_row = np.add.reduceat(counts, row_cells[row_edges[:-1]], axis=0)
        blocks = np.add.reduceat(by_row, column_cells[column_edges[:-1]], axis=1)
        parts.append((blocks / blocks.sum(-1, keepdims=True)).astype(np.float32).ravel())
    return np.concatenate(parts)
