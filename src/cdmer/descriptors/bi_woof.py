"""Bi-WOOF: bi-weighted oriented optical flow.

Liong, See, Wong and Phan, "Less is more: micro-expression recognition from video using apex frame", Signal Processing:
Image Communication 2018. The flow from onset to apex votes, weighted by its length (the local weight), for one of `bins`
equal parts of the full circle, the first beginning at the direction -pi; a block's histogram is multiplied by the mean
optical strain of the block (the global weight).
"""

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.descriptors.blocks import block_layout, pool
from cdmer.descriptors.flows import Method, flows_of
from cdmer.descriptors.hoof import votes_of_cells
from cdmer.errors import CdmerError
from cdmer.motion.strain import optical_strain


def bi_woof(
    clip: NDArray[Any], bins: int = 8, grids: Sequence[int] = (5,), method: Method = "tvl1"
) -> NDArray[np.float32]:
    """Bi-WOOF of an onset and an apex frame, or of the flow between them.

    Parameters
    ----------
    clip
        uint8 (2, height, width): onset and apex; or floating point (height, width, 2): their flow.
    bins
        Parts of the circle.
    grids
        Blocks on a side of each grid, as for `lbp_top`; there is no border. The paper's is one grid of 5.
    method
        Of frames: how the flow is computed; the paper's is ``tvl1``.

    Returns
    -------
    array
        float32 (blocks * bins), block by block in rows; not normalised, as published.

    Raises
    ------
    CdmerError
        Neither two frames nor a flow, or ones that are too small, black or not finite; settings out of range.
    """
    count = index(bins)
    if count < 1:
        raise CdmerError(f"Bi-WOOF has no {count} bins", "choose at least 1 bin")
    flows = flows_of(clip, "Bi-WOOF", method, "first")
    if len(flows) != 1:
        raise CdmerError(
            f"Bi-WOOF is of one flow, from onset to apex, not of {len(flows)}", "use a frames recipe of onset and apex"
        )
    u, v = flows[..., 0].astype(np.float64), flows[..., 1].astype(np.float64)
    parts = np.floor((np.arctan2(v, u) + np.pi) * (count / (2 * np.pi)) + 1e-9).astype(np.int64) % count
    layout = block_layout(*flows.shape[1:3], tuple(map(index, grids)))
    votes = pool(votes_of_cells(parts, np.hypot(u, v), count, layout), layout)
    strain = optical_strain(flows[0]).astype(np.float64)[None]
    total = pool(votes_of_cells(np.zeros(strain.shape, np.int64), strain, 1, layout), layout)[:, 0]
    return (votes * (total / layout.areas)[:, None]).astype(np.float32).ravel()
