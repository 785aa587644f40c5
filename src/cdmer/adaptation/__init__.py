"""Domain adaptation on feature vectors: scikit-learn estimators with ``fit(Xs, ys, Xt)`` and ``predict(X)``."""

from cdmer.adaptation.svm import SVM

__all__ = ["SVM"]
