"""3DHOG: histograms of the projections of three-dimensional gradients, on twelve regions of the face.

Polikovsky, Kameda and Ohta, "Facial micro-expressions recognition using high speed camera and 3D-gradient descriptor",
ICDP 2009. The gradients and votes are those of `hog_top`; the circle has 8 parts on XY, 12 on XT and 12 on YT.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cdmer.descriptors.clips import checked_clip
from cdmer.descriptors.hog_top import BORDER, gradient_votes, normalized
from cdmer.descriptors.regions import hog_rectangles
from cdmer.errors import CdmerError
from cdmer.faces.crop_landmarks import landmarks_in_crop
from cdmer.store.shard import ClipRecord


def hog_3d(
    clip: NDArray[np.uint8],
    landmarks: NDArray[np.float32] | None = None,
    bins: tuple[int, int, int] = (8, 12, 12),
    grids: Sequence[int] = (1, 2, 4, 8),
) -> NDArray[np.float32]:
    """3DHOG of a clip, on twelve regions where landmarks are given, or else on a pyramid of block grids.

    Parameters
    ----------
    clip
        uint8 (frames, height, width), at least 3 along each axis.
    landmarks
        float32 (68, 2), x then y, in pixels of the clip.
    bins
        Parts of the circle on XY, XT and YT.
    grids
        Blocks on a side of each grid, as for `lbp_top`; without landmarks only.

    Returns
    -------
    array
        float32 (regions or blocks * sum of `bins`). Region by region (`cdmer.descriptors.regions.HOG_REGIONS`) or block
        by block; inside, the planes XY, XT, YT; each plane's histogram sums to 1, or is 0 where nothing has a gradient.

    Raises
    ------
    CdmerError
        A clip of another type, too small, or with a black frame; a region outside the frame; settings out of range.
    """
    if len(bins) != 3:
        raise CdmerError(f"3DHOG has no bins {list(bins)}", "give three numbers of bins: on XY, on XT and on YT")
    xy, xt, yt = bins
    parts = (xy, xt, yt)
    if landmarks is None:
        return normalized(gradient_votes(clip, "3DHOG", parts, grids, weighted=True), parts)
    pixels = checked_clip(clip, "3DHOG", (BORDER, BORDER, BORDER))
    votes = [
        gradient_votes(pixels[:, top - 1 : bottom + 1, left - 1 : right + 1], "3DHOG", parts, (1,), weighted=True)
        for top, bottom, left, right in hog_rectangles(landmarks, *pixels.shape[1:])
    ]
    return normalized(np.concatenate(votes), parts)


def hog_3d_of_record(record: ClipRecord, bins: tuple[int, int, int] = (8, 12, 12)) -> NDArray[np.float32]:
    """3DHOG of a clip of a shard on its face's regions, (1, 12 * sum of `bins`)."""
    return hog_3d(record.frames, landmarks_in_crop(record), bins)[None]
