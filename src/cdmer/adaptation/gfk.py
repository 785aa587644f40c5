"""Geodesic flow kernel: inner products averaged over all subspaces on the way from the source's to the target's."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from cdmer.adaptation.base import POSITIVE, AdaptationClassifier, Answer, Budget, Domains, Numbers, Point, Side
from cdmer.adaptation.machine import Machine
from cdmer.adaptation.subspaces import Subspaces, find_subspaces


class GFK(AdaptationClassifier):
    """Geodesic flow kernel between principal subspaces, then an SVM with that kernel.

    With `Phi(t)` the geodesic from the source's subspace to the target's on the Grassmannian, the kernel is
    ``x^T G y``, ``G`` the integral of ``Phi(t) Phi(t)^T`` over `t` from 0 to 1. Principal directions are those of
    the centred domains; the kernel is taken of the raw features. ``G`` (features, features) is never formed: with ``A``
    the source's principal vectors and ``B`` their complements in the target's subspace, it has rank ``2 dim``.

    Parameters
    ----------
    dim
        Dimension of the subspaces, at most what both domains have; None: the middle of what the papers search, which
        no target label was looked at to find.
    C
        Cost of a violated margin of the SVM.

    Attributes
    ----------
    dim_
        The dimension that was used.

    References
    ----------
    Gong, Shi, Sha and Grauman, "Geodesic flow kernel for unsupervised domain adaptation", CVPR 2012, eqs. 5 and 6.
    The raw features, through centred principal directions, are what gives TGSR's Tables II and III.
    """

    searched = ("dim",)
    allowed: ClassVar = {"dim": Numbers(1, whole=True, or_none=True), "C": POSITIVE}

    def __init__(self, dim: int | None = None, C: float = 1.0) -> None:
        self.dim = dim
        self.C = C

    @staticmethod
    def grid(n_source: int, n_target: int, budget: Budget) -> list[dict[str, Any]]:
        """All dimensions that both domains have."""
        return [{"dim": dim} for dim in range(1, max(2, min(n_source, n_target)))]

    def _fit(self, domains: Domains) -> None:
        subspaces = find_subspaces(domains)
        self.dim_ = subspaces.clipped(self.dim)
        G = flow_kernel(subspaces, self.dim_)
        self._map = subspaces.axes @ (G @ subspaces.source.T)
        self._machine = Machine(subspaces.source @ G @ subspaces.source.T, domains.code, self.C)
        self.residual_ = self._machine.residual

    def _answer(self, X: NDArray[np.float64], side: Side) -> Answer:
        return self._machine.answer(X @ self._map)

    def _answer_grid(
        self, domains: Domains, points: Sequence[Point], X: NDArray[np.float64], side: Side
    ) -> tuple[list[Answer], list[float]]:
        """One decomposition of each domain for all dimensions."""
        if not self._is_of_searched(points):
            return super()._answer_grid(domains, points, X, side)
        subspaces = find_subspaces(domains)
        source, judged = subspaces.source, X @ subspaces.axes
        answers = []
        for point in points:
            G = flow_kernel(subspaces, subspaces.clipped(*self._values(point)))
            answers.append(Machine(source @ G @ source.T, domains.code, self.C).answer(judged @ G @ source.T))
        return answers, [0.0] * len(points)


def flow_kernel(subspaces: Subspaces, dim: int) -> NDArray[np.float64]:
    """``G`` in coordinates of the span (span, span).

    Eq. 6 divides by the sines of the principal angles; here ``B`` keeps them, and the coefficients have limits at 0.
    """
    Ps, Pt = subspaces.source_directions[:, :dim], subspaces.target_directions[:, :dim]
    left, cosines, right = scipy.linalg.svd(Ps.T @ Pt)
    A = Ps @ left
    B = Pt @ right.T - A * cosines
    sines = np.linalg.norm(B, axis=0)
    angle = np.arctan2(sines, cosines)
    # the integrals of cos^2, cos sin / sin t and sin^2 / sin^2 t on the way; the last by its limit where t^2 is lost
    stay = (1 + np.sinc(2 * angle / np.pi)) / 2
    cross = np.sinc(angle / np.pi) / 2
    small = angle < 1e-4
    safe = np.where(small, 1.0, angle)
    move = np.where(small, 1 / 3, (1 - np.sinc(2 * safe / np.pi)) / (2 * np.sin(safe) ** 2))
    AB = (A * cross) @ B.T
    return np.asarray((A * stay) @ A.T + AB + AB.T + (B * move) @ B.T)
