"""Domain adaptation on feature vectors: scikit-learn estimators with ``fit(Xs, ys, Xt)`` and ``predict(X)``."""

from cdmer.adaptation.svm import SVM
from cdmer.adaptation.tca import TCA
from cdmer.adaptation.tgsr import TGSR

__all__ = ["SVM", "TCA", "TGSR"]
