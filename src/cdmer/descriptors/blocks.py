"""The blocks of several grids over a frame, and the cells that their edges cut it into.

Codes are counted once, in the cells; a block is the sum of its cells.
"""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError

Integers = NDArray[np.int64]


class Layout(NamedTuple):
    """Cells and blocks of a frame, shared through a cache and therefore not to be written to.

    Attributes
    ----------
    row_cuts, column_cuts
        int64: where the cells begin, and at the end the side of the frame.
    blocks
        int64 (blocks, 4): rows of cells from, to, columns of cells from, to; grid by grid, in rows.
    starts
        For each grid, the cells with which its blocks begin: rows, columns.
    """

    row_cuts: Integers
    column_cuts: Integers
    blocks: Integers
    starts: tuple[tuple[Integers, Integers], ...]

    @property
    def areas(self) -> Integers:
        """Pixels of each block, (blocks,)."""
        top, bottom, left, right = self.blocks.T
        rows, columns = self.row_cuts, self.column_cuts
        return np.asarray((rows[bottom] - rows[top]) * (columns[right] - columns[left]))


@lru_cache(maxsize=64)
def block_layout(height: int, width: int, grids: tuple[int, ...]) -> Layout:
    """The blocks of square grids over a frame of `height` x `width` pixels.

    A block's side is the frame's side / blocks, rounded half up; the last block takes what is left.

    Raises
    ------
    CdmerError
        A grid of no blocks, or one that leaves blocks empty.
    """
    if not grids or min(grids) < 1:
        raise CdmerError(f"there are no grids {list(grids)}", "choose grids of at least 1 block on a side")
    rows, columns = _edges(height, grids), _edges(width, grids)
    row_cuts, column_cuts = np.unique(np.concatenate(rows)), np.unique(np.concatenate(columns))
    blocks, starts = [], []
    for row_edges, column_edges in zip(rows, columns, strict=True):
        row, column = np.searchsorted(row_cuts, row_edges), np.searchsorted(column_cuts, column_edges)
        blocks += [(*row[i : i + 2], *column[j : j + 2]) for i, j in np.ndindex(len(row) - 1, len(column) - 1)]
        starts.append((row[:-1], column[:-1]))
    layout = Layout(row_cuts, column_cuts, np.array(blocks, dtype=np.int64), tuple(starts))
    for table in layout[:3]:
        table.setflags(write=False)
    return layout


def pool(cells: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """The sum over each block's cells: (cell rows, cell columns, ...) -> (blocks, ...), of the same type."""
    of_grids = []
    for rows, columns in layout.starts:
        blocks = np.add.reduceat(np.add.reduceat(cells, rows, axis=0), columns, axis=1)
        of_grids.append(blocks.reshape(-1, *cells.shape[2:]))
    return np.concatenate(of_grids)


def _edges(side: int, grids: tuple[int, ...]) -> list[Integers]:
    """For each grid, where its blocks begin, and the side itself at the end."""
    found = []
    for blocks in grids:
        edges = np.append(np.arange(blocks) * math.floor(side / blocks + 0.5), side)
        if (np.diff(edges) < 1).any():
            raise CdmerError(
                f"a grid of {blocks} leaves blocks empty on a side of {side} pixels, the border left out",
                "choose coarser grids, or a faces recipe with larger frames",
            )
        found.append(edges)
    return found
