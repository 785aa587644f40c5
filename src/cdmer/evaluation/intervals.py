"""Confidence intervals by bootstrap over people, not clips.

Clips of one person resemble each other, so resampling clips would pretend to more evidence than there is. Whole
subjects are drawn with replacement; where a release names no subjects, clips are drawn, and the result says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdmer.evaluation.metrics import confusion, uar_of, uf1_of

RESAMPLES = 2000


@dataclass(frozen=True)
class Bootstrap:
    """Resampled UF1 and UAR (resamples,) and what was resampled, ``subjects`` or ``clips``."""

    uf1: NDArray[np.float64]
    uar: NDArray[np.float64]
    over: str


def bootstrap_scores(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    subjects: Sequence[str | None],
    classes: Sequence[Any],
    seed: int,
    resamples: int = RESAMPLES,
) -> Bootstrap:
    """UF1 and UAR of `resamples` draws of the subjects, with replacement.

    Parameters
    ----------
    y_true, y_pred
        One label a clip.
    subjects
        One subject a clip; with a missing one, or with fewer than two subjects, clips are drawn.
    classes
        What the mean of a score runs over.
    seed
        Of the draws.
    """
    known = len(set(subjects)) > 1 and all(subject is not None for subject in subjects)
    groups = np.asarray(subjects if known else np.arange(len(subjects)))
    truth, predicted = np.asarray(y_true), np.asarray(y_pred)
    _, member = np.unique(groups, return_inverse=True)
    parts = np.stack([confusion(truth[member == g], predicted[member == g], classes) for g in range(member.max() + 1)])
    # how often each group is drawn, for all resamples at once: a matrix product replaces the loop
    draws = np.random.default_rng(seed).multinomial(len(parts), np.full(len(parts), 1 / len(parts)), size=resamples)
    matrices = np.tensordot(draws, parts, axes=1)
    return Bootstrap(uf1_of(matrices), uar_of(matrices), "subjects" if known else "clips")


def interval(values: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of bootstrap values."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
