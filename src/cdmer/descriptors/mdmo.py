"""MDMO: main directional mean optical flow.

Liu, Zhang, Yan, Wang, Zhao and Fu, "A main directional mean optical flow feature for spontaneous micro-expression
recognition", IEEE Transactions on Affective Computing 2016. In each of 36 regions of the face, and for the flow from the
first frame to each other one: the directions fall into 8 parts of the circle, the first centred on the direction 0; of the
fullest part (the first of equals) the mean flow is kept. These are averaged over the frames, as vectors; the lengths are
divided by the largest, and weighted against the directions:

    (beta rho, (1 - beta) theta),        theta in (-pi, pi], y downward
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.descriptors.flows import Method, flows_of, polar
from cdmer.descriptors.regions import MDMO_REGIONS, mdmo_labels
from cdmer.errors import CdmerError
from cdmer.faces.crop_landmarks import landmarks_in_crop
from cdmer.store.shard import ClipRecord

_PARTS = 8


def mdmo(
    clip: NDArray[Any], landmarks: NDArray[np.float32], beta: float = 0.9, method: Method = "farneback"
) -> NDArray[np.float32]:
    """MDMO of a clip or of its flows.

    Parameters
    ----------
    clip
        uint8 (frames, height, width), or floating point (height, width, 2) or (pairs, height, width, 2): the flows from
        the first frame to the others.
    landmarks
        float32 (68, 2), x then y, in pixels of the first frame.
    beta
        Weight of the lengths against the directions, in [0, 1].
    method
        Of a clip: how the flow is computed.

    Returns
    -------
    array
        float32 (36 * 2): region by region (`cdmer.descriptors.regions.MDMO_REGIONS`), length and direction, weighted. A
        face on which nothing moves is all 0.

    Raises
    ------
    CdmerError
        Neither a clip nor flows, or ones that are black or not finite; a region outside the frame; beta out of range.
    """
    if not 0 <= beta <= 1:
        raise CdmerError(f"MDMO has no beta {beta}", "choose a weight from 0 to 1")
    flows = flows_of(clip, "MDMO", method, "first")
    labels = mdmo_labels(landmarks, *flows.shape[1:3])
    inside = labels >= 0
    means = np.mean([_main_flows(flow[inside], labels[inside]) for flow in flows], axis=0)
    rho, theta = polar(means)
    longest = rho.max()
    lengths = rho / longest if longest > 0 else rho
    return np.column_stack([beta * lengths, (1 - beta) * theta]).astype(np.float32).ravel()


def mdmo_of_record(record: ClipRecord, beta: float = 0.9, method: Method = "farneback") -> NDArray[np.float32]:
    """MDMO of a clip of a shard, (1, 72)."""
    return mdmo(record.frames, landmarks_in_crop(record), beta, method)[None]


def _main_flows(flow: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean flow of each region's main direction: (36, 2), of pixels (pixels, 2) and their regions."""
    turns = np.arctan2(flow[:, 1], flow[:, 0]).astype(np.float64) * (_PARTS / (2 * np.pi))
    parts = np.floor(turns + 0.5).astype(np.int64) % _PARTS
    places = labels * _PARTS + parts
    shape = len(MDMO_REGIONS), _PARTS
    size = shape[0] * shape[1]
    counts = np.bincount(places, minlength=size).reshape(shape)
    sums = np.stack([np.bincount(places, flow[:, axis], size).reshape(shape) for axis in (0, 1)], axis=-1)
    regions, main = np.arange(shape[0]), counts.argmax(axis=1)
    return np.asarray(sums[regions, main] / counts[regions, main][:, None])
