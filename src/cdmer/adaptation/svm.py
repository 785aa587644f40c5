"""The benchmark's baseline: a linear support vector machine that knows nothing of the target."""

import numpy as np
from numpy.typing import NDArray

from cdmer.adaptation.base import AdaptationClassifier, Answer, Domains, Side
from cdmer.adaptation.machine import Machine


class SVM(AdaptationClassifier):
    """Linear C-SVC of LIBSVM with the conventions of the cross-database benchmark.

    Features are taken as they are, without scaling. Classes are ordered by first appearance in the source, as LIBSVM
    orders them, and not by name: one-against-one votes that tie go to the earlier class, so the order decides clips.
    The target's features are taken so that all methods are called alike, and not used.

    Parameters
    ----------
    C
        Cost of a violated margin.

    References
    ----------
    Chang and Lin, "LIBSVM: a library for support vector machines", ACM TIST 2011. The conventions are those under
    which the row "SVM" of TGSR's Tables II and III comes back.
    """

    def __init__(self, C: float = 1.0) -> None:
        self.C = C

    def _fit(self, domains: Domains) -> None:
        self._source = domains.Xs
        self._machine = Machine(domains.Xs @ domains.Xs.T, domains.code, self.C)
        self.residual_ = self._machine.residual

    def _answer(self, X: NDArray[np.float64], side: Side) -> Answer:
        return self._machine.answer(X @ self._source.T)
