"""What all methods share: how they are called, how classes are ordered, what they answer."""

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

Budget = Literal["quick", "paper"]
Side = Literal["source", "target"]
Point = Mapping[str, Any]  # values of hyper-parameters, by the names of the estimator's parameters


@dataclass(frozen=True)
class Numbers:
    """The numbers that a parameter may be."""

    least: float
    whole: bool = False
    above: bool = False  # `least` itself is none of them
    or_none: bool = False

    def __contains__(self, value: object) -> bool:
        if value is None:
            return self.or_none
        if not isinstance(value, Integral if self.whole else Real) or isinstance(value, bool):
            return False
        number = float(value)
        return np.isfinite(number) and (number > self.least if self.above else number >= self.least)

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a finite number"
        return f"{kind} {'above' if self.above else 'of at least'} {self.least:g}{' or None' if self.or_none else ''}"


POSITIVE, NOT_NEGATIVE, COUNT = Numbers(0, above=True), Numbers(0), Numbers(1, whole=True)


@dataclass(frozen=True, eq=False)
class Domains:
    """What a method learns from: the source with its classes, the target without.

    `code` counts the classes in the order of their first appearance in the source, as LIBSVM does.
    """

    Xs: NDArray[np.float64]
    code: NDArray[np.intp]
    Xt: NDArray[np.float64]
    n_classes: int

    @property
    def joint(self) -> NDArray[np.float64]:
        """Source samples, then target samples."""
        return np.concatenate([self.Xs, self.Xt])


class Answer(NamedTuple):
    """What a fitted method says of clips, classes counted as in `Domains.code`."""

    codes: NDArray[np.intp]  # (clips,)
    scores: NDArray[np.float64]  # (clips, classes): the larger, the likelier
    residual: float = 0.0  # of the machine that decided; 0 where it ended as it should
    votes: NDArray[np.intp] | None = None  # (clips, classes), where votes decide and not the largest score


@dataclass(frozen=True, eq=False)
class Answers:
    """What each point of a grid says of clips.

    Attributes
    ----------
    predicted
        (points, clips) classes.
    scores
        (points, clips, classes) decision scores, classes as in `order_`: a class's summed signed distances from the
        others where a support vector machine decides, the regressed label where a regression does.
    residuals
        (points,) how far each point's iteration was from its end; 0 where there is none.
    converged
        (points,) whether that is within the method's tolerance. What has not converged is not to be used.
    """

    predicted: NDArray[Any]
    scores: NDArray[np.float64]
    residuals: NDArray[np.float64]
    converged: NDArray[np.bool_]


class AdaptationClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the methods: learn from a labelled source and an unlabelled target, predict the target.

    A method implements `_fit` and `_answer`, names the parameters that the papers search in `searched`, and says in
    `grid` where. One that can do a whole grid for less than the sum of its points overrides `_answer_grid`.

    Attributes
    ----------
    searched
        Names of the parameters that the papers search; none by default.
    allowed
        What each parameter may be: numbers, or one of several words.
    tolerance
        Largest `residual_` with which an iteration counts as converged.
    classes_
        The classes (classes,), in increasing order, as scikit-learn has them.
    order_
        The classes in the order of their first appearance in the source, which decides ties.
    residual_
        How far the iteration was from its end; 0 where there is none.
    """

    searched: ClassVar[tuple[str, ...]] = ()
    allowed: ClassVar[Mapping[str, Numbers | tuple[str, ...]]] = {"C": POSITIVE}
    tolerance: ClassVar[float] = 0.0

    @staticmethod
    def grid(n_source: int, n_target: int, budget: Budget) -> list[dict[str, Any]]:
        """The points that the papers search, in their order (the first of equals wins).

        Parameters
        ----------
        n_source, n_target
            Numbers of samples, for methods whose dimension is searched.
        budget
            ``paper``: every point; ``quick``: a few of them where all would take long.
        """
        return []

    def points(self, n_source: int, n_target: int, budget: Budget) -> list[dict[str, Any]]:
        """The grid to search: `grid`, and in a ``quick`` one this estimator's own point, last, where it is missing.

        So the best of a grid by any measure is never worse by it than the point without a search. The papers' own grid
        stays what it is. A parameter of None follows the data to a value that every grid has.
        """
        points = self.grid(n_source, n_target, budget)
        own = {name: getattr(self, name) for name in self.searched}
        if budget == "quick" and points and own not in points and None not in own.values():
            points.append(own)
        return points

    @abstractmethod
    def _fit(self, domains: Domains) -> None:
        """Learn from checked domains; set `residual_` where an iteration may end too early."""

    @abstractmethod
    def _answer(self, X: NDArray[np.float64], side: Side) -> Answer:
        """Classes and scores of checked samples; `side` says from which domain, for methods that map them apart."""

    def fit(self, Xs: ArrayLike, ys: ArrayLike, Xt: ArrayLike | None = None) -> Self:
        """Learn from both domains; nothing is scaled.

        Parameters
        ----------
        Xs
            Source features (source clips, features).
        ys
            Source labels (source clips,).
        Xt
            Target features (target clips, features), without labels. None: no shift, the source stands for it.

        Raises
        ------
        ValueError
            Missing or infinite values, shapes that do not fit, fewer than two classes, a parameter out of its range.
        """
        self._check_parameters([{}])
        domains = self._check(Xs, ys, Xt)
        self.residual_ = 0.0
        self._fit(domains)
        self._warn_above_tolerance(self.residual_)
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of each row of `X` (clips, features), clips of the target domain."""
        check_is_fitted(self)
        checked = validate_data(self, X, dtype=np.float64, reset=False)
        answer = self._answer(checked, "target")
        if answer.residual > self.residual_:  # what `fit` has not said already
            self._warn_above_tolerance(answer.residual)
        return np.asarray(self.order_[answer.codes])

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """How much speaks for each class, for each row of `X` (clips, features), clips of the target domain.

        Returns
        -------
        ndarray
            (clips, classes), classes as in `classes_`, the predicted one's the largest; of two classes (clips,),
            positive for the second. Of methods that end in pairwise machines it is, as scikit-learn's, the number of
            votes and a fraction that grows with the summed distances; the winner has one more. `decision_grid` has the
            distances themselves.
        """
        check_is_fitted(self)
        answer = self._answer(validate_data(self, X, dtype=np.float64, reset=False), "target")
        decisions = answer.scores
        if self.classes_.size > 2 and answer.votes is not None:
            decisions = answer.votes + decisions / (3 * (np.abs(decisions) + 1))
            decisions[np.arange(len(decisions)), answer.codes] += 1  # whom ties went to
        ordered = decisions[:, np.argsort(self.order_)]
        return np.asarray((ordered[:, 1] - ordered[:, 0]) / 2 if self.classes_.size == 2 else ordered)

    def _warn_above_tolerance(self, residual: float) -> None:
        if not residual <= self.tolerance:
            warnings.warn(
                f"{self} ended with a residual of {residual:.3g}, above {self.tolerance:g}",
                ConvergenceWarning,
                stacklevel=3,
            )

    def predict_grid(self, Xs: ArrayLike, ys: ArrayLike, Xt: ArrayLike, points: Sequence[Point]) -> NDArray[Any]:
        """The class of each target clip at each point of a grid.

        Parameters
        ----------
        Xs, ys, Xt
            As for `fit`.
        points
            Values that take the place of this estimator's parameters, point by point.

        Returns
        -------
        ndarray
            (points, target clips): row `i` is what `set_params(**points[i]).fit(Xs, ys, Xt).predict(Xt)` gives.
        """
        return self.answer_grid(Xs, ys, Xt, points).predicted

    def decision_grid(self, Xs: ArrayLike, ys: ArrayLike, Xt: ArrayLike, points: Sequence[Point]) -> NDArray[Any]:
        """The scores behind `predict_grid`: (points, target clips, classes), classes as in `order_`."""
        return self.answer_grid(Xs, ys, Xt, points).scores

    def answer_grid(
        self,
        Xs: ArrayLike,
        ys: ArrayLike,
        Xt: ArrayLike,
        points: Sequence[Point],
        X: ArrayLike | None = None,
        side: Side = "target",
    ) -> Answers:
        """Everything that the points of a grid say of clips.

        Parameters
        ----------
        Xs, ys, Xt, points
            As for `predict_grid`.
        X
            The clips to judge (clips, features); those of the target by default.
        side
            The domain that `X` comes from: some methods map clips of the source and of the target differently.
        """
        self._check_parameters(points)
        domains = self._check(Xs, ys, Xt)
        judged = domains.Xt if X is None else validate_data(self, X, dtype=np.float64, reset=False)
        answers, residuals = self._answer_grid(domains, points, judged, side)
        residuals = [max(pair) for pair in zip(residuals, (answer.residual for answer in answers), strict=True)]
        codes = np.array([answer.codes for answer in answers], np.intp).reshape(len(points), len(judged))
        return Answers(
            predicted=self.order_[codes],
            scores=np.array([answer.scores for answer in answers]).reshape(*codes.shape, domains.n_classes),
            residuals=np.asarray(residuals, np.float64),
            converged=np.asarray(residuals, np.float64) <= self.tolerance,
        )

    def _answer_grid(
        self, domains: Domains, points: Sequence[Point], X: NDArray[np.float64], side: Side
    ) -> tuple[list[Answer], list[float]]:
        """Answers, and residuals of what led to them, point by point."""
        answers, residuals = [], []
        for point in points:
            model = clone(self).set_params(**point)
            model.residual_ = 0.0
            model._fit(domains)
            answers.append(model._answer(X, side))
            residuals.append(model.residual_)
        return answers, residuals

    def _is_of_searched(self, points: Sequence[Point]) -> bool:
        """Whether the points change nothing but what is searched."""
        return all({*point} <= {*self.searched} for point in points)

    def _values(self, point: Point) -> tuple[Any, ...]:
        """The searched parameters at a point, in the order of `searched`."""
        return tuple(point.get(name, getattr(self, name)) for name in self.searched)

    def _check_parameters(self, points: Sequence[Point]) -> None:
        own = self.get_params(deep=False)
        for point in points:
            for name, allowed in self.allowed.items():
                value = point.get(name, own.get(name))
                if name in own and value not in allowed:  # a method need not have every parameter of the base's
                    choice = str(allowed) if isinstance(allowed, Numbers) else " or ".join(allowed)
                    raise ValueError(f"{type(self).__name__} with {name}={value!r}: give {choice}")

    def _check(self, Xs: ArrayLike, ys: ArrayLike, Xt: ArrayLike | None) -> Domains:
        source, labels = validate_data(self, Xs, ys, dtype=np.float64)
        check_classification_targets(labels)
        target = source if Xt is None else check_array(Xt, dtype=np.float64, estimator=self, input_name="Xt")
        if target.shape[1] != source.shape[1]:
            raise ValueError(f"Xs has {source.shape[1]} features, Xt has {target.shape[1]}")
        self.classes_, first, codes = np.unique(labels, return_index=True, return_inverse=True)
        if len(self.classes_) < 2:
            name = type(self).__name__
            raise ValueError(
                f"{name} needs samples of at least 2 classes, the source has 1 class: {self.classes_[0]!r}"
            )
        appearance = np.argsort(first)
        self.order_ = self.classes_[appearance]
        rank = np.empty_like(appearance)
        rank[appearance] = np.arange(len(appearance))
        return Domains(source, rank[codes], target, len(appearance))


def answer_by_score(scores: NDArray[np.float64]) -> Answer:
    """The class of the largest score; of equals, the first."""
    return Answer(np.argmax(scores, axis=1), scores)


def one_hot(code: NDArray[np.intp], n_classes: int) -> NDArray[np.float64]:
    """(samples, classes)."""
    return np.asarray(np.eye(n_classes)[code])
