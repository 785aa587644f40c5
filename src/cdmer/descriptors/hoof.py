"""HOOF: histograms of oriented optical flow.

Chaudhry, Ravichandran, Hager and Vidal, "Histograms of oriented optical flow and Binet-Cauchy kernels on nonlinear
dynamical systems for the recognition of human actions", CVPR 2009. Directions are folded about the vertical axis, so
that leftward and rightward motion count alike, and weighted by their length: bin b of B, from 1, holds

    pi (b - 1) / B - pi/2 <= atan2(v, |u|) < pi b / B - pi/2

with y downward; straight down belongs to the last. The paper has one histogram a frame; here the votes of all flows of
a clip go into one histogram for each block.
"""

from collections.abc import Mapping, Sequence
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.descriptors.blocks import Layout, block_layout, pool
from cdmer.descriptors.flows import Method, Reference, flows_of, flows_of_record
from cdmer.errors import CdmerError
from cdmer.store.shard import ClipRecord


def hoof(
    clip: NDArray[Any],
    bins: int = 8,
    grids: Sequence[int] = (1, 2, 4, 8),
    method: Method = "tvl1",
    reference: Reference = "previous",
) -> NDArray[np.float32]:
    """HOOF of a clip or of its flows, on a pyramid of block grids.

    Parameters
    ----------
    clip
        uint8 (frames, height, width), or floating point (height, width, 2) or (pairs, height, width, 2): flows.
    bins
        B, the parts of the half circle.
    grids
        Blocks on a side of each grid, as for `lbp_top`; there is no border.
    method, reference
        Of a clip: how the flow is computed, and whether from the ``first`` frame or from the ``previous`` one.

    Returns
    -------
    array
        float32 (blocks * bins). Grid by grid, inside a grid block by block in rows; each block sums to 1, or is 0 where
        nothing moves.

    Raises
    ------
    CdmerError
        Neither a clip nor flows, or ones that are too small, black or not finite; settings out of range.
    """
    count = index(bins)
    if count < 1:
        raise CdmerError(f"HOOF has no {count} bins", "choose at least 1 bin")
    flows = flows_of(clip, "HOOF", method, reference)
    u, v = flows[..., 0].astype(np.float64), flows[..., 1].astype(np.float64)
    parts = np.floor((np.arctan2(v, np.abs(u)) + np.pi / 2) * (count / np.pi) + 1e-9)
    layout = block_layout(*flows.shape[1:3], tuple(map(index, grids)))
    votes = pool(votes_of_cells(np.minimum(parts, count - 1).astype(np.int64), np.hypot(u, v), count, layout), layout)
    total = votes.sum(axis=1, keepdims=True)
    histograms = np.divide(votes, total, out=np.zeros_like(votes), where=total > 0)
    return np.asarray(histograms, np.float32).ravel()


def hoof_of_record(
    record: ClipRecord,
    *,
    bins: int = 8,
    grids: Sequence[int] = (1, 2, 4, 8),
    reference: Reference = "previous",
    method: Method = "farneback",
    flow_parameters: Mapping[str, Any] | None = None,
    stabilise: bool = False,
) -> NDArray[np.float32]:
    """HOOF of a clip of a shard, (1, blocks * bins); the last three as `cdmer.motion` has them."""
    flows = flows_of_record(record, "HOOF", reference, method, flow_parameters, stabilise)
    return hoof(flows, bins, grids)[None]


def votes_of_cells(
    parts: NDArray[np.int64], weights: NDArray[np.float64], bins: int, layout: Layout
) -> NDArray[np.float64]:
    """The votes of pixels (pairs, height, width) for the bins `parts`: (cell rows, cell columns, bins)."""
    rows, columns = len(layout.row_cuts) - 1, len(layout.column_cuts) - 1
    row = np.repeat(np.arange(rows), np.diff(layout.row_cuts))
    column = np.repeat(np.arange(columns), np.diff(layout.column_cuts))
    places = (row[:, None] * columns + column) * bins + parts
    votes = np.bincount(places.ravel(), weights.ravel(), minlength=rows * columns * bins)
    return np.asarray(votes.reshape(rows, columns, bins), np.float64)
