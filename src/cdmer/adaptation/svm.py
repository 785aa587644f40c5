"""The benchmark's baseline: a linear support vector machine that knows nothing of the target."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import SVC
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data


class SVM(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Linear C-SVC of LIBSVM with the conventions of the cross-database benchmark.

    Features are taken as they are, without scaling. Classes are ordered by first appearance in the source, as LIBSVM
    orders them, and not by name: one-against-one votes that tie go to the earlier class, so the order decides clips.

    Parameters
    ----------
    C
        Cost of a violated margin.

    Attributes
    ----------
    classes_
        The classes (classes,), in increasing order, as scikit-learn has them.
    order_
        The classes in the order of their first appearance, which decides ties.

    References
    ----------
    Chang and Lin, "LIBSVM: a library for support vector machines", ACM TIST 2011. The conventions are those under
    which the row "SVM" of TGSR's Tables II and III comes back.
    """

    def __init__(self, C: float = 1.0) -> None:
        self.C = C

    def fit(self, Xs: ArrayLike, ys: ArrayLike, Xt: ArrayLike | None = None) -> Self:
        """Train on the source.

        Parameters
        ----------
        Xs
            Source features (source clips, features).
        ys
            Source labels (source clips,).
        Xt
            Target features (target clips, features): not used, taken so that all methods are called alike.
        """
        features, labels = validate_data(self, Xs, ys, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, first, codes = np.unique(labels, return_index=True, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"SVM needs samples of at least 2 classes, the source has 1 class: {self.classes_[0]!r}")
        appearance = np.argsort(first)
        self.order_ = self.classes_[appearance]
        rank = np.empty_like(appearance)
        rank[appearance] = np.arange(len(appearance))
        self._source = features
        self._machine = SVC(kernel="precomputed", C=self.C, tol=1e-3).fit(features @ features.T, rank[codes])
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of each row of `X` (clips, features)."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(self.order_[self._machine.predict(features @ self._source.T)])
