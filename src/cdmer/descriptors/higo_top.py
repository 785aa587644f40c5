"""HIGO-TOP: histograms of image gradient orientation on three orthogonal planes (Li et al. 2018).

HOG-TOP in which every voxel that has a gradient has one vote, whatever its magnitude, so that light does not matter.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cdmer.descriptors.hog_top import gradient_votes, normalized


def higo_top(
    clip: NDArray[np.uint8], bins: int = 8, grids: Sequence[int] = (1, 2, 4, 8), signed: bool = True
) -> NDArray[np.float32]:
    """HIGO-TOP histograms of a clip on a pyramid of block grids; parameters, result and errors as for `hog_top`."""
    votes = gradient_votes(clip, "HIGO-TOP", (bins, bins, bins), grids, weighted=False, signed=signed)
    return normalized(votes, (bins, bins, bins))
