"""The support vector machine that most methods end with, in the benchmark's conventions."""

import warnings
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC

from cdmer.adaptation.base import Answer

TOLERANCE = 1e-3  # LIBSVM's own, and so is the limit: scikit-learn has none, and may go on for days
MOST_STEPS = 10_000_000

Floats = NDArray[np.float64]


class Machine:
    """LIBSVM's C-SVC on a precomputed kernel, with the benchmark's tolerance.

    Votes that tie go to the class of the lower code, so codes count classes in the order of first appearance.

    Parameters
    ----------
    kernel
        (source clips, source clips).
    code
        (source clips,) classes from 0.
    C
        Cost of a violated margin.
    weights
        (source clips,) factors of `C`, one each by default.

    Attributes
    ----------
    residual
        0 where the machine is within its tolerance, else by how much it breaks its conditions of optimality.
    """

    def __init__(self, kernel: Floats, code: NDArray[np.intp], C: float = 1.0, weights: Floats | None = None) -> None:
        self._svc, self.residual = train(kernel, code, C, TOLERANCE, weights)

    def answer(self, kernel: Floats) -> Answer:
        """Classes by vote, and summed pairwise decisions as scores, of a kernel (clips, source clips)."""
        decisions = self._svc.decision_function(kernel).reshape(len(kernel), -1)
        n_classes = len(self._svc.classes_)
        if n_classes == 2:  # scikit-learn turns the sign of this case alone
            decisions = -decisions
        scores, votes = np.zeros((len(kernel), n_classes)), np.zeros((len(kernel), n_classes), np.intp)
        for decision, (first, second) in zip(decisions.T, combinations(range(n_classes), 2), strict=True):
            scores[:, first] += decision
            scores[:, second] -= decision
            votes[:, first] += decision > 0
            votes[:, second] += decision <= 0
        return Answer(np.asarray(self._svc.predict(kernel), np.intp), scores, self.residual, votes)


def train(
    kernel: Floats, code: NDArray[np.intp], C: float, tolerance: float, weights: Floats | None = None
) -> tuple[SVC, float]:
    """A machine as `Machine` has it, and 0, or how far it is from its end where that took more than `MOST_STEPS`.

    Features with entries in the thousands, on which no plane tells the classes apart, take that many.
    """
    svc = SVC(kernel="precomputed", C=C, tol=tolerance, decision_function_shape="ovo", max_iter=MOST_STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is the caller's to say, who knows which point it was
        svc.fit(kernel, code, weights)
    if svc.n_iter_.max() < MOST_STEPS:
        return svc, 0.0
    breach = _breach(svc, kernel, code, C * (np.ones(len(code)) if weights is None else weights))
    return svc, breach if breach > tolerance else 0.0


def _breach(svc: SVC, kernel: Floats, code: NDArray[np.intp], costs: Floats) -> float:
    """The largest gain per step that any pair of clips still offers: what LIBSVM compares with its tolerance.

    Fan, Chen and Lin, "Working set selection using second order information", JMLR 6, 2005, eq. 6.
    """
    duals = np.zeros((svc.dual_coef_.shape[0], len(code)))
    duals[:, svc.support_] = np.abs(svc.dual_coef_)
    largest = 0.0
    for first, second in combinations(range(len(svc.classes_)), 2):
        of_pair = np.flatnonzero((code == first) | (code == second))
        is_first = code[of_pair] == first
        sign = np.where(is_first, 1.0, -1.0)
        dual = np.where(is_first, duals[second - 1, of_pair], duals[first, of_pair])
        ahead = sign - kernel[np.ix_(of_pair, of_pair)] @ (sign * dual)
        can_grow, can_shrink = dual < costs[of_pair], dual > 0
        up, down = np.where(is_first, can_grow, can_shrink), np.where(is_first, can_shrink, can_grow)
        if up.any() and down.any():
            largest = max(largest, float(ahead[up].max() - ahead[down].min()))
    return largest
