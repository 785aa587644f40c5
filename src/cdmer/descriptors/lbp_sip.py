"""LBP-SIP: local binary patterns with six intersection points.

Wang, See, Phan and Oh, "LBP with six intersection points: reducing redundant information in LBP-TOP for
micro-expression recognition", ACCV 2014, in the benchmark's form: one code of the four spatial neighbours and one of
the two in time, where the circles of the three planes meet.

    spatial bits 0 .. 3: (x + R, y), (x, y - R), (x - R, y), (x, y + R)        temporal bits 0, 1: t + R, t - R

A bit is set where the neighbour is not darker than the centre. As for LBP-TOP, codes are computed once on the whole
clip without a border of R pixels and R frames, then pooled over blocks.

How it is fast: both codes of a pixel are one byte of six bits, so a pixel is counted once, and the two histograms are
the margins of the joint one.
"""

from collections.abc import Sequence
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

_CODES = 64  # joint codes: the spatial bits, then the temporal ones
_TABLES = 4  # histograms that are written in turn: a counter that was just written is slow to read again
_UNSET = np.uint8(0)


def lbp_sip(clip: NDArray[np.uint8], radius: int = 1, grids: Sequence[int] = (1, 2, 4, 8)) -> NDArray[np.float32]:
    """LBP-SIP histograms of a clip on a pyramid of block grids.

    Parameters
    ----------
    clip
        uint8 (frames, height, width), more than 2 `radius` along each axis.
    radius
        R, the neighbours' distance in pixels and frames, at least 1.
    grids
        Blocks on a side of each grid, as for `lbp_top`.

    Returns
    -------
    array
        float32 (blocks * 20). Grid by grid, inside a grid block by block in rows; inside a block the 16 bins of the
        spatial code, then the 4 of the temporal one, each summing to 1.

    Raises
    ------
    CdmerError
        A clip of another type, too small for the radius or for a grid, or with a black frame; settings out of range.
    """
    r = index(radius)
    if r < 1:
        raise CdmerError(f"LBP-SIP has no radius {r}", "choose a radius of at least 1")
    pixels = checked_clip(clip, "LBP-SIP", (r, r, r))
    frames, height, width = pixels.shape
    layout = block_layout(height - 2 * r, width - 2 * r, tuple(map(index, grids)))
    joint = pool(_count_cells(pixels, r, layout.row_cuts, layout.column_cuts), layout).reshape(-1, 4, 16)
    both = np.concatenate([joint.sum(axis=1), joint.sum(axis=2)], axis=1).astype(np.float32)
    voxels = (layout.areas * (frames - 2 * r)).astype(np.float32)
    histograms: NDArray[np.float32] = both / voxels[:, None]
    return histograms.ravel()


@kernel
def _count_cells(clip: Bytes, radius: int, row_cuts: Integers, column_cuts: Integers) -> Counts:
    """The joint histograms of all cells: int32 (cell rows, cell columns, 64)."""
    frames, height, width = clip.shape
    pixels = clip.reshape(clip.size)
    rows, columns, valid = len(row_cuts) - 1, len(column_cuts) - 1, column_cuts[-1]
    counts = np.zeros((rows, columns, _CODES), dtype=np.int32)
    first_counter = np.empty(valid, dtype=np.int64)
    for column in range(columns):
        first_counter[column_cuts[column] : column_cuts[column + 1]] = column * _CODES
    size = columns * _CODES
    tables = np.empty(_TABLES * size, dtype=np.int32)
    codes = np.empty(height * width, dtype=np.uint8)
    for row in range(rows):
        top, high = row_cuts[row] + radius, row_cuts[row + 1] - row_cuts[row]
        tables[:] = 0
        length = (high - 1) * width + valid
        for t in range(radius, frames - radius):
            here = (t * height + top) * width + radius
            _encode(pixels, here, radius, radius * width, radius * height * width, codes[:length])
            for y in range(high):
                _count_row(codes[y * width : y * width + valid], first_counter, size, tables)
        for table in range(_TABLES):
            for column in range(columns):
                start = table * size + column * _CODES
                for code in range(_CODES):
                    counts[row, column, code] += tables[start + code]
    return counts


@helper
def _encode(pixels: Bytes, here: int, right: int, down: int, later: int, codes: Bytes) -> None:
    """The joint codes of the pixels from `here` on; a neighbour is a shift along the row of all pixels."""
    size = codes.size
    centre = pixels[here : here + size]
    east, west = pixels[here + right : here + right + size], pixels[here - right : here - right + size]
    north, south = pixels[here - down : here - down + size], pixels[here + down : here + down + size]
    after, before = pixels[here + later : here + later + size], pixels[here - later : here - later + size]
    for x in range(size):
        codes[x] = (
            (np.uint8(1) if east[x] >= centre[x] else _UNSET)
            | (np.uint8(2) if north[x] >= centre[x] else _UNSET)
            | (np.uint8(4) if west[x] >= centre[x] else _UNSET)
            | (np.uint8(8) if south[x] >= centre[x] else _UNSET)
            | (np.uint8(16) if after[x] >= centre[x] else _UNSET)
            | (np.uint8(32) if before[x] >= centre[x] else _UNSET)
        )


@helper
def _count_row(codes: Bytes, first_counter: Integers, size: int, tables: Counts) -> None:
    """Count a row of pixels in the tables in turn."""
    whole = codes.size // 4 * 4
    step = np.uint64(size)
    for x in range(0, whole, 4):  # unsigned: no test for an index from the end
        tables[np.uint64(first_counter[x]) + codes[x]] += 1
        tables[np.uint64(first_counter[x + 1]) + step + codes[x + 1]] += 1
        tables[np.uint64(first_counter[x + 2]) + np.uint64(2) * step + codes[x + 2]] += 1
        tables[np.uint64(first_counter[x + 3]) + np.uint64(3) * step + codes[x + 3]] += 1
    for x in range(whole, codes.size):
        tables[np.uint64(first_counter[x]) + codes[x]] += 1
