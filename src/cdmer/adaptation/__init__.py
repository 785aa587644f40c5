"""Domain adaptation on feature vectors: scikit-learn estimators with ``fit(Xs, ys, Xt)`` and ``predict(X)``."""

from cdmer.adaptation.drfst import DRFST
from cdmer.adaptation.drls import DRLS
from cdmer.adaptation.gfk import GFK
from cdmer.adaptation.iwsvm import IWSVM
from cdmer.adaptation.rstr import RSTR
from cdmer.adaptation.sa import SA
from cdmer.adaptation.stm import STM
from cdmer.adaptation.svm import SVM
from cdmer.adaptation.tca import TCA
from cdmer.adaptation.tgsr import TGSR
from cdmer.adaptation.tkl import TKL
from cdmer.adaptation.tsrg import TSRG

__all__ = ["DRFST", "DRLS", "GFK", "IWSVM", "RSTR", "SA", "STM", "SVM", "TCA", "TGSR", "TKL", "TSRG"]
