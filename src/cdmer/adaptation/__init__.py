"""Domain adaptation on feature vectors: scikit-learn estimators with ``fit(Xs, ys, Xt)`` and ``predict(X)``."""

from cdmer.adaptation.drfst import DRFST
from cdmer.adaptation.drls import DRLS
from cdmer.adaptation.gfk import GFK
from cdmer.adaptation.sa import SA
from cdmer.adaptation.svm import SVM
from cdmer.adaptation.tca import TCA
from cdmer.adaptation.tgsr import TGSR
from cdmer.adaptation.tkl import TKL
from cdmer.adaptation.tsrg import TSRG

__all__ = ["DRFST", "DRLS", "GFK", "SA", "SVM", "TCA", "TGSR", "TKL", "TSRG"]
