"""Whether one method beats another by more than chance: paired tests over people, corrected for all pairs.

Two methods judge the same clips of the same people. Were they alike, swapping their answers on all clips of a person
would change nothing but by chance; a difference of UF1 that few such swaps reach is one that chance seldom makes
(paired permutation test). People are swapped, not clips, for clips of one person resemble each other.

Methods are compared with the best of their column, and which is the best is seen on the same clips. Of ten methods that
are alike one is the best by luck, and a correction for nine comparisons would call another worse in one table of ten.
So p values are corrected for all pairs of methods, whichever the best might have been, by the sequential procedure of
Shaffer (JASA 81(395), 1986), which knows that not all pairs can be alike once one is not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from cdmer.evaluation.metrics import confusion, uf1_of

SWAPS = 4999
RESAMPLES = 2000
LEVEL, POWER = 0.05, 0.8
NEAR_LEAST = 0.002  # p values that so few swaps cannot tell apart
NO_ERROR = 1e-12  # a standard error that only rounding keeps from 0
# of a file of comparisons, behind what names the column of the table
COMPARED = (
    "selection",
    "best",
    "model",
    "difference",
    "p",
    "p_corrected",
    "error",
    "smallest",
    "smallest_corrected",
)

# (rounds, people, classes, classes): what each round answered on each person's clips
Answers = NDArray[np.int64]


@dataclass(frozen=True)
class Comparison:
    """UF1 of the first method less that of the second, and what chance has to say of it.

    Attributes
    ----------
    difference
        Mean over rounds, and over experiments where there are several.
    p
        Share of swaps with a difference as large, of either sign; two-sided.
    error
        Standard error of the difference, by bootstrap over people.
    people
        How many were swapped and drawn.
    """

    difference: float
    p: float
    error: float
    people: int

    @property
    def smallest(self) -> float:
        """The smallest true difference that such a test finds (5 %, two-sided) four times in five."""
        return self.smallest_at(LEVEL)

    def smallest_at(self, level: float) -> float:
        """The same for a test at another level; infinite where the people are too few for such a p value.

        NaN where the standard error is 0: two methods that answer alike, or differ by as much in every draw of people,
        say nothing of how far methods of these people vary.

        By Student's distribution, and with the standard error made larger: a bootstrap of few people makes it too
        small, as it does an interval (`cdmer.evaluation.intervals`).
        """
        if self.people < 2 or 2 / 2.0**self.people > level:
            return float("inf")
        if self.error < NO_ERROR:
            return float("nan")
        freedom = self.people - 1
        quantiles = student.ppf(1 - level / 2, freedom) + student.ppf(POWER, freedom)
        return float(quantiles * self.error * np.sqrt(self.people / freedom))


def answers_of_people(
    rounds: Sequence[tuple[ArrayLike, ArrayLike]], person: Sequence[str], people: Sequence[str], classes: Sequence[Any]
) -> Answers:
    """Confusion matrices by round and person.

    Parameters
    ----------
    rounds
        Truth and prediction of each round, one label a clip, the clips in one order.
    person
        Who each clip shows.
    people
        The people to count; one without a clip here counts nothing.
    classes
        Of the rows and columns.
    """
    who = np.asarray(person)
    members = [np.flatnonzero(who == name) for name in people]
    empty = np.zeros((len(classes), len(classes)), dtype=np.int64)
    return np.stack(
        [
            np.stack(
                [
                    confusion(np.asarray(truth)[rows], np.asarray(predicted)[rows], classes) if len(rows) else empty
                    for rows in members
                ]
            )
            for truth, predicted in rounds
        ]
    )


def compare(first: Sequence[Answers], second: Sequence[Answers], seed: int, finest: int = SWAPS) -> Comparison:
    """Compare two methods on one experiment or on the mean of several.

    Parameters
    ----------
    first, second
        For each experiment, what the method answered, people in the same order everywhere. A method that draws no
        random numbers has one round, which counts as often as the other's.
    seed
        Of swaps and draws. Where there are few people, all swaps are tried.
    finest
        How many swaps are drawn anew where the first `SWAPS` leave p near its least.
    """
    pairs = [_same_rounds(one, other) for one, other in zip(first, second, strict=True)]
    n_people = pairs[0][0].shape[1]
    rng = np.random.default_rng(seed)
    observed = float(np.mean([uf1_of(a.sum(1)).mean() - uf1_of(b.sum(1)).mean() for a, b in pairs]))
    p = _share_as_large(pairs, observed, n_people, rng, SWAPS)
    if finest > SWAPS and p <= NEAR_LEAST and 2**n_people > SWAPS + 1:
        p = _share_as_large(pairs, observed, n_people, rng, finest)
    weights = rng.multinomial(n_people, np.full(n_people, 1 / n_people), size=RESAMPLES).astype(float)
    drawn = np.mean([_scores(a, weights) - _scores(b, weights) for a, b in pairs], axis=0)
    seen = sum(bool(any(a[:, who].any() for pair in pairs for a in pair)) for who in range(n_people))
    return Comparison(observed, p, float(drawn.std(ddof=1)), seen)


def compare_with_best(methods: Mapping[str, Sequence[Answers]], seed: int) -> list[dict[str, Any]]:
    """Every method against the one with the best UF1, with p values corrected for all pairs.

    Parameters
    ----------
    methods
        Name to what it answered, experiment by experiment.
    seed
        Of swaps and draws.

    Returns
    -------
    list of dict
        ``best``, ``model``, ``difference``, ``p``, ``p_corrected``, ``error`` and ``smallest``, as in `Comparison`; and
        ``smallest_corrected``, at the level that the first of all pairs must reach.
    """
    means = {name: np.mean([uf1_of(each.sum(1)).mean() for each in answers]) for name, answers in methods.items()}
    best = max(means, key=lambda name: means[name])
    pairs = comb(len(methods), 2)
    finest = max(SWAPS, 100 * pairs)  # so that the least p, times all pairs, is well below the level
    found = {name: compare(methods[best], answers, seed, finest) for name, answers in methods.items() if name != best}
    corrected = shaffer([each.p for each in found.values()], len(methods))
    return [
        {
            "best": best,
            "model": name,
            "difference": each.difference,
            "p": each.p,
            "p_corrected": p,
            "error": each.error,
            "smallest": each.smallest,
            "smallest_corrected": each.smallest_at(LEVEL / pairs),
        }
        for (name, each), p in zip(found.items(), corrected, strict=True)
    ]


def smallest_note(
    comparisons: pd.DataFrame, what: str = "a true difference of UF1 from the best", column: str = "experiment"
) -> str:
    """What differences these people can show at all, for a footnote; empty where nothing was compared.

    Parameters
    ----------
    comparisons
        Rows with ``smallest`` and, where known, ``difference``; and `column`, by which the median is taken.
    what
        What is found, in words.
    column
        ``experiment``, or another that names the columns of the table.
    """
    if comparisons.empty:
        return ""
    if comparisons["smallest"].isna().all():
        alike = "difference" not in comparisons or bool((comparisons["difference"].abs() < NO_ERROR).all())
        why = "answered alike" if alike else "differ by as much in every draw of people"
        return f"From how large on a paired permutation test finds {what} is not known: the methods {why}."
    found, unsaid = _found_from(comparisons, column, "smallest")
    if not found:
        return f"These people are too few for a paired permutation test (5 %) to find {what}, however large{unsaid}."
    note = (
        f"With these people, a paired permutation test (5 %) finds {what} four times in five if it is {found}{unsaid}"
    )
    if "smallest_corrected" in comparisons:
        corrected, unsaid = _found_from(comparisons, column, "smallest_corrected")
        found = f"if it is {corrected}{unsaid}" if corrected else "never: they are too few"
        note += f"; corrected for all pairs, since the best is seen on the same clips, {found}"
    return f"{note}."


def _found_from(comparisons: pd.DataFrame, column: str, smallest: str) -> tuple[str, str]:
    """From what difference on, as the median of each column of a table says, and the columns that say nothing.

    The first is empty where people are too few for any. Comparisons without an error, NaN, are in no median.
    """
    median = comparisons.groupby(column, sort=False)[smallest].median()
    finite = median[np.isfinite(median)]
    never = ", ".join(map(str, median.index[np.isinf(median)]))
    unknown = ", ".join(map(str, median.index[median.isna()]))
    unsaid = f"not known in {unknown}: no difference varies there" if unknown else ""
    if finite.empty:
        return "", f" ({unsaid})" if unsaid else ""
    least, most = f"{finite.min():.2f} ({finite.idxmin()})", f"{finite.max():.2f} ({finite.idxmax()})"
    asides = "; ".join(filter(None, (f"never in {never}: too few people" if never else "", unsaid)))
    return f"{least}{f' to {most}' if len(finite) > 1 else ''} or more", f" ({asides})" if asides else ""


def shaffer(p: Sequence[float], methods: int) -> list[float]:
    """P values of the comparisons with one method, corrected for all pairs of methods (Shaffer, 1986, procedure S1).

    The least is taken times all pairs; once two methods differ, at most the pairs of all but one can still be alike,
    and the others are taken times those. Whichever pairs are tested, and whatever was seen before, a pair of equals is
    called different in at most 5 % of tables.
    """
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    alike = np.full(len(values), comb(methods - 1, 2))
    alike[:1] = comb(methods, 2)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(np.maximum.accumulate(values[order] * alike), 1)
    return [float(value) for value in corrected]


def holm(p: Sequence[float]) -> list[float]:
    """P values corrected for their number (Holm, 1979): each times how many are not smaller, and never falling."""
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * np.arange(len(values), 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return [float(value) for value in corrected]


def _same_rounds(first: Answers, second: Answers) -> tuple[Answers, Answers]:
    rounds = max(len(first), len(second))
    if {len(first), len(second)} - {1, rounds}:
        rounds = min(len(first), len(second))
    return tuple(np.repeat(each, rounds, axis=0) if len(each) == 1 else each[:rounds] for each in (first, second))  # type: ignore[return-value]


def _share_as_large(
    pairs: Sequence[tuple[Answers, Answers]], observed: float, n_people: int, rng: np.random.Generator, number: int
) -> float:
    """The share of swaps with a difference at least as large as the observed one; of drawn swaps, itself among them."""
    as_large = tried = 0
    exhaustive = 2**n_people <= SWAPS + 1
    while tried < (2**n_people if exhaustive else number):
        swaps = _swaps(n_people, rng)
        swapped = np.mean([_difference(a, b, swaps) for a, b in pairs], axis=0)
        as_large += int(np.count_nonzero(np.abs(swapped) >= abs(observed) - 1e-12))
        tried += len(swaps)
    return as_large / tried if exhaustive else (as_large + 1) / (tried + 1)


def _swaps(n_people: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Who is swapped (swaps, people): every way where there are few, else a draw."""
    if 2**n_people <= SWAPS + 1:
        return np.array(list(product((0.0, 1.0), repeat=n_people)))
    return rng.integers(0, 2, size=(SWAPS, n_people)).astype(float)


def _difference(first: Answers, second: Answers, swaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """The difference of UF1 after each swap, mean over rounds."""
    mine = first.sum(1) + np.tensordot(swaps, second - first, axes=(1, 1))
    theirs = first.sum(1) + second.sum(1) - mine
    return np.asarray((uf1_of(mine) - uf1_of(theirs)).mean(-1))


def _scores(answers: Answers, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """UF1 of each draw of people, mean over rounds."""
    return np.asarray(uf1_of(np.tensordot(weights, answers, axes=(1, 1))).mean(-1))
