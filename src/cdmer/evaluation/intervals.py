"""Confidence intervals by bootstrap over people, not clips.

Clips of one person resemble each other, so resampling clips would pretend to more evidence than there is. Whole
subjects are drawn with replacement; where a release names no subjects, clips are drawn, and the result says so.

The percentile interval of so few people is too narrow; it is widened as Student's interval is against the normal one
(Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69(4), 2015, section 5.3).
benchmarks/interval_coverage.py measures how often either holds the truth.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, t

from cdmer.evaluation.metrics import confusion, uar_of, uf1_of

RESAMPLES = 2000
FEW = 6  # people; with fewer, draws come to a handful of scores

# truth and prediction by round, and who each clip shows
Target = tuple[Sequence[tuple[ArrayLike, ArrayLike]], Sequence[str]]
Draws = NDArray[np.float64]


@dataclass(frozen=True)
class Bootstrap:
    """Resampled UF1 and UAR (resamples,), what was resampled, ``subjects`` or ``clips``, and how many there are."""

    uf1: NDArray[np.float64]
    uar: NDArray[np.float64]
    over: str
    number: int


def seed_of_people(seed: int, people: Iterable[str]) -> int:
    """One seed for one set of people, so that they are drawn together wherever they are the target."""
    return seed + zlib.crc32("\n".join(sorted(set(people))).encode())


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
    return Bootstrap(uf1_of(matrices), uar_of(matrices), "subjects" if known else "clips", len(parts))


def bootstrap_average(
    targets: Sequence[Target], classes: Sequence[Any], seed: int, resamples: int = RESAMPLES
) -> Draws:
    """UF1 of an average over targets, mean over rounds, of `resamples` draws of their people.

    Targets that show a person in common are no independent evidence: SMIC-VIS and SMIC-NIR are the same eight people,
    who are in SMIC-HS too. All people of such targets are drawn together, from all of them; targets that share nobody
    are drawn apart. A draw that has nobody of a target has no such average: another takes its place.

    Parameters
    ----------
    targets
        Truth and prediction of each round, and who each clip shows, by a name that is the same in all targets.
    classes
        What the mean of a score runs over.
    seed
        Of the draws; people that are drawn together are drawn alike in every average with this seed.

    Returns
    -------
    ndarray
        (resamples,).
    """
    scores = np.empty((len(targets), resamples))
    for together in _sharing([set(people) for _, people in targets]):
        everybody = sorted({name for index in together for name in targets[index][1]})
        rng = np.random.default_rng(seed + zlib.crc32("\n".join(everybody).encode()))
        shown = [np.searchsorted(everybody, sorted(set(targets[index][1]))) for index in together]
        drawn = _draw(rng, len(everybody), shown, resamples)
        for index, columns in zip(together, shown, strict=True):
            rounds, people = targets[index]
            names, member = np.unique(np.asarray(people, str), return_inverse=True)
            weights = drawn[:, columns]
            by_round = []
            for truth, predicted in rounds:
                parts = [
                    confusion(np.asarray(truth)[member == g], np.asarray(predicted)[member == g], classes)
                    for g in range(len(names))
                ]
                by_round.append(uf1_of(np.tensordot(weights, np.stack(parts), axes=1)))
            scores[index] = np.mean(by_round, axis=0)
    return np.asarray(scores.mean(axis=0))


def few_note(where: Iterable[str]) -> str:
    """What intervals of so few people are worth, for a footnote; empty where nobody is so few."""
    names = ", ".join(dict.fromkeys(where))
    if not names:
        return ""
    return f"Intervals from fewer than {FEW} people are hardly intervals, and may have no width at all: {names}."


def _draw(
    rng: np.random.Generator, people: int, shown: Sequence[NDArray[np.intp]], resamples: int
) -> NDArray[np.int64]:
    """How often each of the people is drawn (resamples, people); everyone of `shown` has somebody in each draw."""
    found = np.empty((0, people), np.int64)
    while len(found) < resamples:
        drawn = rng.multinomial(people, np.full(people, 1 / people), size=resamples)
        somebody = np.all([drawn[:, columns].any(axis=1) for columns in shown], axis=0)
        found = np.concatenate([found, drawn[somebody]])
    return found[:resamples]


def _sharing(people: Sequence[set[str]]) -> list[list[int]]:
    """Targets in groups: those of one group share people, directly or through others; those of two share nobody."""
    groups: list[tuple[set[str], list[int]]] = []
    for index, names in enumerate(people):
        found = [group for group in groups if group[0] & names]
        joined = set(names).union(*(group[0] for group in found)), sorted([index, *(i for g in found for i in g[1])])
        groups = [*(group for group in groups if group not in found), joined]
    return [indices for _, indices in groups]


def interval(values: NDArray[np.float64], number: int | None = None, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of bootstrap values.

    Parameters
    ----------
    values
        Scores of the draws.
    number
        How many people (or clips) were there to be drawn; of an average, of its smallest part. The tails are then cut
        where the interval is as much wider as Student's with ``number - 1`` degrees of freedom, times
        ``sqrt(number / (number - 1))``. None cuts them at the level itself.
    level
        The share of samples that should hold the truth.
    """
    tail = (1 - level) / 2
    if number is not None and number > 1:
        tail = float(norm.cdf(np.sqrt(number / (number - 1)) * t.ppf(tail, number - 1)))
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
