"""HOG-TOP: histograms of oriented gradients on three orthogonal planes.

Li, Hong, Moilanen, Huang, Pfister, Zhao and Pietikäinen, "Towards reading hidden emotions: a comparative study of
spontaneous micro-expression spotting and recognition methods", IEEE Transactions on Affective Computing 2018.

The gradient along an axis is f(+1) - f(-1). On the planes XY, XT and YT, with axes (p, q) = (x, y), (x, t), (y, t), it
has the orientation atan2(gq, gp), which falls into one of `bins` equal parts of the full circle, the first beginning
at 0, and the magnitude sqrt(gp^2 + gq^2), which is its vote. A voxel without gradient on a plane has no orientation,
and no vote. One voxel on each side is left out.

`higo_top` and `hog_3d` are the same with other votes, bins and regions.

How it is fast: differences of bytes index a table of orientations, magnitudes are vector instructions, and votes are
counted in the cells that the blocks of all grids cut, in float64.
"""

from collections.abc import Sequence
from functools import lru_cache
from operator import index

import numpy as np
from numpy.typing import NDArray

from cdmer.descriptors.blocks import Layout, block_layout, pool
from cdmer.descriptors.clips import checked_clip
from cdmer.errors import CdmerError
from cdmer.jit import helper, kernel

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Shorts = NDArray[np.int16]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

BORDER = 1
MOST_BINS = 255
_RANGE = 511  # differences of bytes run from -255 to 255


def hog_top(
    clip: NDArray[np.uint8], bins: int = 8, grids: Sequence[int] = (1, 2, 4, 8), signed: bool = True
) -> NDArray[np.float32]:
    """HOG-TOP histograms of a clip on a pyramid of block grids.

    Parameters
    ----------
    clip
        uint8 (frames, height, width), at least 3 along each axis.
    bins
        p, the parts of the circle, from 1 to 255; the papers' are 4 and 8.
    grids
        Blocks on a side of each grid, as for `lbp_top`.
    signed
        Whether opposite gradients differ; otherwise the bins share the half circle.

    Returns
    -------
    array
        float32 (blocks * 3 * bins). Grid by grid, inside a grid block by block in rows; inside a block the planes XY,
        XT, YT; each plane's histogram sums to 1, or is 0 where nothing has a gradient on it.

    Raises
    ------
    CdmerError
        A clip of another type, too small, or with a black frame; settings out of range.
    """
    votes = gradient_votes(clip, "HOG-TOP", (bins, bins, bins), grids, weighted=True, signed=signed)
    return normalized(votes, (bins, bins, bins))


def gradient_votes(
    clip: NDArray[np.uint8],
    name: str,
    bins: tuple[int, int, int],
    grids: Sequence[int],
    *,
    weighted: bool,
    signed: bool = True,
) -> NDArray[np.float64]:
    """The votes for each orientation: float64 (blocks, bins of XY + bins of XT + bins of YT).

    Parameters
    ----------
    clip, grids, signed
        As for `hog_top`.
    name
        The descriptor's name, for errors.
    bins
        The parts of the circle on each plane.
    weighted
        Whether a vote is the gradient's magnitude, or 1.
    """
    counts = tuple(map(index, bins))
    if not all(1 <= count <= MOST_BINS for count in counts):
        raise CdmerError(f"{name} has no {list(bins)} bins", f"choose from 1 to {MOST_BINS} bins")
    pixels = checked_clip(clip, name, (BORDER, BORDER, BORDER))
    layout = block_layout(pixels.shape[1] - 2 * BORDER, pixels.shape[2] - 2 * BORDER, tuple(map(index, grids)))
    return pool(_votes_of_cells(pixels, counts, layout, weighted, bool(signed)), layout)


def normalized(votes: NDArray[np.float64], bins: tuple[int, int, int]) -> NDArray[np.float32]:
    """Each plane's histogram divided by its sum, where it has one; flat, float32."""
    planes = []
    for plane in np.split(votes, np.cumsum(bins)[:-1], axis=1):
        total = plane.sum(axis=1, keepdims=True)
        planes.append(np.divide(plane, total, out=np.zeros_like(plane), where=total > 0))
    return np.concatenate(planes, axis=1).astype(np.float32).ravel()


def _votes_of_cells(
    pixels: Bytes, bins: tuple[int, ...], layout: Layout, weighted: bool, signed: bool
) -> NDArray[np.float64]:
    """(cell rows, cell columns, all bins)."""
    widest = max(bins) + 1
    tables = np.stack([orientation_table(count, signed) for count in bins]).reshape(3, -1)
    tables.setflags(write=False)
    votes = _vote(pixels, tables, widest, weighted, layout.row_cuts, layout.column_cuts)
    return np.concatenate([votes[:, :, plane, :count] for plane, count in enumerate(bins)], axis=2)


@lru_cache(maxsize=16)
def orientation_table(bins: int, signed: bool) -> Bytes:
    """The bin of each gradient, uint8 (511, 511): [gq + 255, gp + 255]; `bins` where there is no gradient."""
    q, p = np.mgrid[-255:256, -255:256]
    turn = 2 * np.pi if signed else np.pi
    parts = (np.arctan2(q, p) % turn) * (bins / turn)
    nearest = np.round(parts)
    # on an edge between bins, exactly: the nearest other gradient is 1e-5 away
    parts = np.where(np.abs(parts - nearest) < 1e-9, nearest, parts)
    table: Bytes = (np.floor(parts) % bins).astype(np.uint8)
    table[255, 255] = bins
    table.setflags(write=False)
    return table


# -- the kernel -------------------------------------------------------------------------------------------------------


@kernel
def _vote(clip: Bytes, tables: Bytes, bins: int, weighted: bool, row_cuts: Integers, column_cuts: Integers) -> Doubles:
    """The votes of all cells: float64 (cell rows, cell columns, 3, bins), the last bin for what has no gradient."""
    frames, _, width = clip.shape
    rows, columns, wide = len(row_cuts) - 1, len(column_cuts) - 1, column_cuts[-1]
    votes = np.zeros((rows, columns, 3, bins), dtype=np.float64)
    counters = votes.reshape(votes.size)
    first_counter = np.empty(wide, dtype=np.int64)
    for column in range(columns):
        first_counter[column_cuts[column] : column_cuts[column + 1]] = column * 3 * bins
    gradients = np.empty((3, wide), dtype=np.int16)  # along x, y and t
    places = np.empty((3, wide), dtype=np.int32)
    magnitudes = np.ones((3, wide), dtype=np.float32)
    for t in range(1, frames - 1):
        for row in range(rows):
            start = row * columns * 3 * bins
            for y in range(row_cuts[row] + 1, row_cuts[row + 1] + 1):
                line = clip[t, y]
                _subtract(line[2:], line[: width - 2], gradients[0])
                _subtract(clip[t, y + 1, 1 : width - 1], clip[t, y - 1, 1 : width - 1], gradients[1])
                _subtract(clip[t + 1, y, 1 : width - 1], clip[t - 1, y, 1 : width - 1], gradients[2])
                for plane in range(3):
                    p, q = gradients[1 if plane == 2 else 0], gradients[1 if plane == 0 else 2]
                    _place(p, q, places[plane])
                    if weighted:
                        _measure(p, q, magnitudes[plane])
                for x in range(wide):
                    first = np.uint64(start + first_counter[x])  # unsigned: no test for an index from the end
                    for plane in range(3):
                        orientation = tables[plane, np.uint64(places[plane, x])]
                        counters[first + np.uint64(plane * bins) + orientation] += magnitudes[plane, x]
    return votes


@helper
def _subtract(after: Bytes, before: Bytes, gradient: Shorts) -> None:
    for x in range(gradient.size):
        gradient[x] = np.int16(after[x]) - np.int16(before[x])


@helper
def _place(p: Shorts, q: Shorts, places: NDArray[np.int32]) -> None:
    for x in range(places.size):
        places[x] = (np.int32(q[x]) + np.int32(255)) * np.int32(_RANGE) + np.int32(p[x]) + np.int32(255)


@helper
def _measure(p: Shorts, q: Shorts, magnitudes: Floats) -> None:
    for x in range(magnitudes.size):
        square = np.int32(p[x]) * np.int32(p[x]) + np.int32(q[x]) * np.int32(q[x])
        magnitudes[x] = np.sqrt(np.float32(square))
