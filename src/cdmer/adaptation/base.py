"""What all methods share: how they are called, how classes are ordered, the machine that most of them end with."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.svm import SVC
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

Budget = Literal["quick", "paper"]
Point = Mapping[str, Any]  # values of hyper-parameters, by the names of the estimator's parameters


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


class AdaptationClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the methods: learn from a labelled source and an unlabelled target, predict the target.

    A method implements `_fit` and `_codes`, names the parameters that the papers search in `searched`, and says in
    `grid` where. One that can do a whole grid for less than the sum of its points overrides `_codes_on_grid`.

    Attributes
    ----------
    searched
        Names of the parameters that the papers search; none by default.
    classes_
        The classes (classes,), in increasing order, as scikit-learn has them.
    order_
        The classes in the order of their first appearance in the source, which decides ties.
    """

    searched: ClassVar[tuple[str, ...]] = ()

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

    @abstractmethod
    def _fit(self, domains: Domains) -> None:
        """Learn from checked domains."""

    @abstractmethod
    def _codes(self, X: NDArray[np.float64]) -> NDArray[np.intp]:
        """Predict the classes of checked samples, as places in `order_`."""

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
            Missing or infinite values, shapes that do not fit, fewer than two classes.
        """
        self._fit(self._check(Xs, ys, Xt))
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of each row of `X` (clips, features)."""
        check_is_fitted(self)
        return np.asarray(self.order_[self._codes(validate_data(self, X, dtype=np.float64, reset=False))])

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
        domains = self._check(Xs, ys, Xt)
        return np.asarray(self.order_[self._codes_on_grid(domains, points)])

    def _codes_on_grid(self, domains: Domains, points: Sequence[Point]) -> NDArray[np.intp]:
        codes = np.empty((len(points), len(domains.Xt)), np.intp)
        for row, point in zip(codes, points, strict=True):
            model = clone(self).set_params(**point)
            model._fit(domains)
            row[:] = model._codes(domains.Xt)
        return codes

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


def train_machine(kernel: NDArray[np.float64], code: NDArray[np.intp], C: float = 1.0) -> SVC:
    """LIBSVM's C-SVC on a precomputed kernel (source clips, source clips), with the benchmark's tolerance.

    Votes that tie go to the class of the lower code, so codes count classes in the order of first appearance.
    """
    return SVC(kernel="precomputed", C=C, tol=1e-3).fit(kernel, code)
