"""Clips of more than one sample: sample 0 stands for its clip, any may serve in training (MADTN's middle frames)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cdmer.store.feature_store import Features


def rows_of_clips(features: Features) -> dict[str, list[int]]:
    """The rows of each clip, in the store's order, that of its sample 0 first."""
    rows: dict[str, list[int]] = {}
    for row, (clip, sample) in enumerate(zip(features.clip, features.sample, strict=True)):
        own = rows.setdefault(str(clip), [])
        own.insert(0 if sample == 0 else len(own), row)
    return rows


def side_by_side(rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """An order of rows in which those that stand for their clips come first, and where it puts each clip's rows.

    Parameters
    ----------
    rows
        The rows of each clip, the one that stands for it first.

    Returns
    -------
    order
        (rows,) the first row of each clip, in the order of the clips, then all others.
    siblings
        (clips, m) places in `order` that show each clip, filled up with -1.
    """
    siblings = np.full((len(rows), max((len(own) for own in rows), default=1)), -1, np.int64)
    order = [own[0] for own in rows]
    for clip, own in enumerate(rows):
        siblings[clip, 0] = clip
        siblings[clip, 1 : len(own)] = np.arange(len(order), len(order) + len(own) - 1)
        order.extend(own[1:])
    return np.array(order, np.int64), siblings


def siblings_of_rows(n_rows: int, siblings: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """What a training takes: (rows, m), each row its own sibling but for those that stand for a clip.

    None where every clip has one sample.

    Parameters
    ----------
    n_rows
        How many rows there are, clips of other domains and their samples among them.
    siblings
        (clips, m) as of `side_by_side`, whose first column is the row that stands for the clip.
    """
    if siblings.shape[1] == 1:
        return None
    found = np.full((n_rows, siblings.shape[1]), -1, np.int64)
    found[:, 0] = np.arange(n_rows)
    found[siblings[:, 0]] = siblings
    return found
