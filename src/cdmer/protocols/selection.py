"""Ways of choosing hyper-parameters that nobody's target labels enter.

What is chosen from: each point of a method's grid, judged by `source` or by a criterion of `unsupervised`. None of
these functions has an argument through which target labels could come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, softmax

from cdmer.adaptation.base import AdaptationClassifier, Point
from cdmer.adaptation.iwsvm import density_ratio
from cdmer.evaluation.metrics import uf1

Selection = Literal["default", "source", "unsupervised", "oracle"]
Criterion = Literal["snd", "infomax", "dev"]
FOLDS = 5  # where a release says nothing of subjects
TEMPERATURE = 0.05  # of soft neighbourhood density, as its paper has it

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What each point of a grid says of source clips that it did not learn from.

    Attributes
    ----------
    predicted
        (points, source clips) classes; empty text for a clip whose fold leaves fewer than two classes to learn from.
    converged
        (points,) whether it did in every fold.
    over
        ``subjects`` or ``stratified``: what the folds are.
    """

    predicted: NDArray[Any]
    converged: NDArray[np.bool_]
    over: str


def source_folds(labels: NDArray[np.str_], subjects: Sequence[str | None]) -> tuple[list[NDArray[np.intp]], str]:
    """The source's clips that are held out together, and what was held apart.

    One subject at a time (``subjects``); where a clip's is not known or there is but one, five folds with all classes
    in equal shares (``stratified``), which may have a person on both sides. No random number is drawn.
    """
    names = {subject for subject in subjects if subject is not None}
    if None not in subjects and len(names) > 1:
        known = np.array(subjects)
        return [np.flatnonzero(known == name) for name in sorted(names)], "subjects"
    return stratified_folds(labels, FOLDS), "stratified"


def stratified_folds(labels: NDArray[np.str_], number: int) -> list[NDArray[np.intp]]:
    """Folds with all classes in equal shares, the clips of each class dealt out in their order.

    Parameters
    ----------
    labels
        One a clip.
    number
        Of folds; fewer where there are fewer clips.
    """
    fold = np.empty(len(labels), np.intp)
    start = 0
    for label in np.unique(labels):
        clips = np.flatnonzero(labels == label)
        fold[clips] = (start + np.arange(len(clips))) % number
        start += len(clips)
    return [np.flatnonzero(fold == place) for place in np.unique(fold)]


def hold_out(
    model: AdaptationClassifier,
    Xs: Floats,
    ys: NDArray[np.str_],
    subjects: Sequence[str | None],
    Xt: Floats,
    points: Sequence[Point],
) -> HeldOut:
    """Learn at every point from all folds of the source but one and the whole target, and judge the one.

    Parameters
    ----------
    model
        The method.
    Xs, ys, subjects
        The source's features (clips, features), labels and subjects.
    Xt
        The target's features.
    points
        The grid.
    """
    folds, over = source_folds(ys, subjects)
    predicted = np.full((len(points), len(ys)), "", dtype=ys.dtype)
    converged = np.ones(len(points), bool)
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(ys)), fold)
        if len(set(ys[rest])) < 2:
            continue
        answers = model.answer_grid(Xs[rest], ys[rest], Xt, points, Xs[fold], "source")
        predicted[:, fold] = answers.predicted
        converged &= answers.converged
    return HeldOut(predicted, converged, over)


def source_score(held_out: HeldOut, ys: NDArray[np.str_]) -> Floats:
    """UF1 of each point (points,) on held-out source clips, over the classes that the source has."""
    judged = held_out.predicted[0] != ""
    classes = sorted(set(ys))
    return np.array([uf1(ys[judged], row[judged], classes) if judged.any() else 0.0 for row in held_out.predicted])


def deep_embedded_validation(held_out: HeldOut, ys: NDArray[np.str_], Xs: Floats, Xt: Floats) -> Floats:
    """One minus the estimated target risk of each point (points,), from held-out source clips.

    Errors are weighted by the target's density over the source's (uLSIF on the features), with the control variate
    that holds the weights' mean at one (You, Wang, Long and Jordan, "Towards accurate model selection in deep
    unsupervised domain adaptation", ICML 2019, algorithm 1; without it: Sugiyama, Krauledat and Müller, "Covariate
    shift adaptation by importance weighted cross validation", JMLR 8, 2007).
    """
    judged = held_out.predicted[0] != ""
    if not judged.any():
        return np.zeros(len(held_out.predicted))
    weights = density_ratio(Xs, Xt)[0][judged]
    risks = []
    for row in held_out.predicted:
        losses = weights * (row[judged] != ys[judged])
        spread = weights.var()
        eta = -np.mean((losses - losses.mean()) * (weights - weights.mean())) / spread if spread > 0 else 0.0
        risks.append(losses.mean() + eta * (weights.mean() - 1))
    return 1 - np.array(risks)


def soft_neighbourhood_density(scores: Floats) -> Floats:
    """Mean entropy of the neighbourhoods of the target's clips, for each point (points,): the larger, the better.

    Clips are near where their probabilities, the softmax of the decision scores (points, clips, classes), point the
    same way (Saito et al., "Tune it the right way: unsupervised validation of domain adaptation via soft neighborhood
    density", ICCV 2021, eqs. 1 to 3).
    """
    if scores.shape[1] < 2:
        return np.zeros(len(scores))
    density = np.empty(len(scores))
    for place, probability in enumerate(softmax(scores, axis=2)):
        unit = probability / np.linalg.norm(probability, axis=1, keepdims=True)
        similarity = unit @ unit.T / TEMPERATURE
        np.fill_diagonal(similarity, -np.inf)
        density[place] = entr(softmax(similarity, axis=1)).sum(axis=1).mean()
    return density


def mutual_information(scores: Floats) -> Floats:
    """Between the target's clips and their classes, for each point (points,): the larger, the better.

    Entropy of the mean probability less the mean entropy of the probabilities, the softmax of the decision scores
    (points, clips, classes): clips are told apart with confidence, and not all into one class (InfoMax: Krause, Perona
    and Gomes, "Discriminative clustering by regularized information maximization", NIPS 2010; as a criterion for
    adaptation: Musgrave, Belongie and Lim, "Benchmarking validation methods for unsupervised domain adaptation", 2022).
    """
    probability = softmax(scores, axis=2)
    return np.asarray(entr(probability.mean(axis=1)).sum(axis=1) - entr(probability).sum(axis=2).mean(axis=1))


def best_point(values: Floats, usable: NDArray[np.bool_]) -> int | None:
    """The first of the largest values among the points that may be used; None where none may.

    A point whose value is not a number is not one of them: it would be taken for the largest.
    """
    usable = usable & ~np.isnan(values)
    if not usable.any():
        return None
    return int(np.argmax(np.where(usable, values, -np.inf)))
