"""Subspace alignment: turn the source's principal directions into the target's."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cdmer.adaptation.base import POSITIVE, AdaptationClassifier, Answer, Budget, Domains, Numbers, Point, Side
from cdmer.adaptation.machine import Machine
from cdmer.adaptation.subspaces import find_subspaces


class SA(AdaptationClassifier):
    """Subspace alignment, then a linear SVM.

    With `Ps` and `Pt` the leading principal directions of each centred domain, ``M = Ps^T Pt`` minimises
    ``|Ps M - Pt|_F``; source clips are projected on the aligned directions ``Ps M``, target clips on ``Pt``. It is the
    raw features that are projected.

    Parameters
    ----------
    dim
        Number of directions, at most what both domains have; None: the middle of what the papers search, which no
        target label was looked at to find.
    C
        Cost of a violated margin of the SVM.

    Attributes
    ----------
    dim_
        The number of directions that was used.
    alignment_
        ``M`` (dim, dim).

    References
    ----------
    Fernando, Habrard, Sebban and Tuytelaars, "Unsupervised visual domain adaptation using subspace alignment",
    ICCV 2013, eqs. 1 to 4. Five of the six published cells that the released features carry come back; C->N prints
    0.4738/0.4789, and no dimension gives that.
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
        Ps, Pt = subspaces.source_directions[:, : self.dim_], subspaces.target_directions[:, : self.dim_]
        self.alignment_ = Ps.T @ Pt
        aligned = subspaces.source @ Ps @ self.alignment_
        self._maps = {
            "source": subspaces.axes @ (Ps @ self.alignment_ @ aligned.T),
            "target": subspaces.axes @ (Pt @ aligned.T),
        }
        self._machine = Machine(aligned @ aligned.T, domains.code, self.C)
        self.residual_ = self._machine.residual

    def _answer(self, X: NDArray[np.float64], side: Side) -> Answer:
        return self._machine.answer(X @ self._maps[side])

    def _answer_grid(
        self, domains: Domains, points: Sequence[Point], X: NDArray[np.float64], side: Side
    ) -> tuple[list[Answer], list[float]]:
        """One decomposition of each domain for all dimensions."""
        if not self._is_of_searched(points):
            return super()._answer_grid(domains, points, X, side)
        subspaces = find_subspaces(domains)
        most = subspaces.most
        overlap = subspaces.source_directions[:, :most].T @ subspaces.target_directions[:, :most]
        source = subspaces.source @ subspaces.source_directions[:, :most]
        of_side = subspaces.source_directions if side == "source" else subspaces.target_directions
        judged = X @ (subspaces.axes @ of_side[:, :most])
        answers = []
        for point in points:
            dim = subspaces.clipped(*self._values(point))
            aligned = source[:, :dim] @ overlap[:dim, :dim]
            machine = Machine(aligned @ aligned.T, domains.code, self.C)
            turned = judged[:, :dim] @ overlap[:dim, :dim] if side == "source" else judged[:, :dim]
            answers.append(machine.answer(turned @ aligned.T))
        return answers, [0.0] * len(points)
