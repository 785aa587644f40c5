"""Transfer kernel learning: the source's kernel extrapolated from the target's eigensystem."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.optimize import nnls

from cdmer.adaptation.base import NOT_NEGATIVE, POSITIVE, AdaptationClassifier, Answer, Budget, Domains, Point, Side
from cdmer.adaptation.machine import Machine

LEFT_OUT, MOST = 10, 200  # eigenvectors: those of the target's kernel but the last ten, at most 200

Floats = NDArray[np.float64]


class TKL(AdaptationClassifier):
    """Transfer kernel learning on a linear kernel, then an SVM with the learnt kernel.

    The eigenvectors of the target's kernel are extended to all clips by the Nystroem formula; the kernel is
    ``Psi diag(l) Psi^T`` with the eigenvalues `l` that bring it nearest to the source's own kernel,
    ``|Psi_s diag(l) Psi_s^T - K_ss|_F``, among those that decay at least by a factor of `zeta`:
    ``l_i >= zeta l_(i+1) >= 0``.

    Parameters
    ----------
    zeta
        Eigenspectrum damping.
    C
        Cost of a violated margin of the SVM.

    Attributes
    ----------
    eigenvalues_
        `l` (eigenvectors,), the largest first.

    Notes
    -----
    The default is the middle of the range that TGSR searches (0.1 to 5): no target label was looked at to find it.

    The authors add 1e-6 to the diagonal of the kernel, whose entries are near 20 here, so that it can be inverted;
    eigenvectors without variance are left out in its place.

    References
    ----------
    Long, Wang, Sun and Yu, "Domain invariant transfer kernel learning", IEEE TKDE 27(6), 2015, eqs. 8 and 10. The
    linear kernel is what gives TGSR's Tables II and III.
    """

    searched = ("zeta",)
    allowed: ClassVar = {"zeta": NOT_NEGATIVE, "C": POSITIVE}

    def __init__(self, zeta: float = 2.5, C: float = 1.0) -> None:
        self.zeta = zeta
        self.C = C

    @staticmethod
    def grid(n_source: int, n_target: int, budget: Budget) -> list[dict[str, Any]]:
        """0.1 to 5 in steps of 0.1 (TGSR, Section III-A)."""
        return [{"zeta": tenths / 10} for tenths in range(1, 51)]

    def _fit(self, domains: Domains) -> None:
        extension = extend_eigenvectors(domains)
        extended = domains.Xs @ domains.Xt.T @ extension
        self.eigenvalues_ = damped_eigenvalues(extended, domains.Xs @ domains.Xs.T, self.zeta)
        self._map = domains.Xt.T @ extension @ (extended * self.eigenvalues_).T
        self._machine = Machine((extended * self.eigenvalues_) @ extended.T, domains.code, self.C)
        self.residual_ = self._machine.residual

    def _answer(self, X: NDArray[np.float64], side: Side) -> Answer:
        return self._machine.answer(X @ self._map)

    def _answer_grid(
        self, domains: Domains, points: Sequence[Point], X: NDArray[np.float64], side: Side
    ) -> tuple[list[Answer], list[float]]:
        """One eigensystem for all dampings."""
        if not self._is_of_searched(points):
            return super()._answer_grid(domains, points, X, side)
        extension = extend_eigenvectors(domains)
        kernel = domains.Xs @ domains.Xs.T
        extended, judged = domains.Xs @ domains.Xt.T @ extension, X @ domains.Xt.T @ extension
        answers = []
        for point in points:
            weighted = extended * damped_eigenvalues(extended, kernel, *self._values(point))
            answers.append(Machine(weighted @ extended.T, domains.code, self.C).answer(judged @ weighted.T))
        return answers, [0.0] * len(points)


def extend_eigenvectors(domains: Domains) -> Floats:
    """(target clips, eigenvectors): a clip `x` has the entries ``k(x)^T extension``, `k` its kernel with the target.

    Of the target's eigenvectors the last ten are left out, at most 200 are kept, and none without variance.
    """
    values, vectors = scipy.linalg.eigh(domains.Xt @ domains.Xt.T)
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = np.flatnonzero(values > len(values) * np.finfo(float).eps * values[0])
    kept = kept[: min(max(1, len(values) - LEFT_OUT), MOST)]
    if not len(kept):
        raise ValueError("the target's features are all zero: they have no kernel to learn from")
    return np.asarray(vectors[:, kept] / values[kept])


def damped_eigenvalues(extended: Floats, kernel: Floats, zeta: float) -> Floats:
    """The `l` that minimises ``|extended diag(l) extended^T - kernel|_F`` under ``l_i >= zeta l_(i+1) >= 0``.

    With ``l_i = sum_(j >= i) zeta^(j - i) g_j`` the constraints are ``g >= 0``: a non-negative least squares problem,
    here on its normal equations, whose columns are brought to unit length because powers of `zeta` span many decades.
    """
    Q = (extended.T @ extended) ** 2
    r = np.einsum("id,ij,jd->d", extended, kernel, extended, optimize=True)
    squares, axes = scipy.linalg.eigh(Q)
    kept = squares > len(Q) * np.finfo(float).eps * squares[-1]
    roots = np.sqrt(squares[kept])
    place = np.arange(len(Q))
    steps = place - place[:, None]
    # each column divided by its largest entry, so that no power overflows
    powers = np.where(steps >= 0, float(zeta) ** (-place[:, None] if zeta > 1 else np.maximum(steps, 0)), 0.0)
    matrix = roots[:, None] * (axes[:, kept].T @ powers)
    length = np.linalg.norm(matrix, axis=0)
    g, _ = nnls(matrix / length, axes[:, kept].T @ r / roots, maxiter=100 * len(Q))
    return np.asarray(powers @ (g / length))
