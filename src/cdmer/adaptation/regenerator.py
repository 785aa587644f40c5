"""What the three methods on the regeneration problem share: parameters, grid, and how the problem is made."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import pairwise_kernels

from cdmer.adaptation.base import NOT_NEGATIVE, POSITIVE, AdaptationClassifier, Answer, Budget, Domains, Point, Side
from cdmer.adaptation.regeneration import (
    TOLERANCE,
    Regeneration,
    Solved,
    follow_schedule,
    make_regeneration,
    minimise,
)
from cdmer.progress import progress

Solver = Literal["schedule", "converged"]
PAPER_LAM = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
PAPER_MU = (
    *(step / 1000 for step in range(1, 10)),
    *(step / 100 for step in range(1, 10)),
    *(step / 10 for step in range(1, 11)),
    *(float(step) for step in range(2, 11)),
)

Floats = NDArray[np.float64]


class Regenerator(AdaptationClassifier):
    """Base of TSRG, DRFST and DRLS.

    Parameters
    ----------
    lam
        Weight of the discrepancy between the domains' means.
    mu
        Weight of the sparsity of ``P``.
    kernel
        A name of scikit-learn's pairwise kernels; the papers use ``linear``.
    solver
        ``schedule``: the authors' iteration as they run it, which starts from ones and stops where its growing penalty
        has brought it, slightly above the minimum; their published numbers are made so. ``converged``: the minimum.
    """

    searched = ("lam", "mu")
    allowed: ClassVar = {"lam": NOT_NEGATIVE, "mu": POSITIVE, "solver": get_args(Solver)}
    tolerance = TOLERANCE

    def __init__(self, lam: float = 1.0, mu: float = 0.1, kernel: str = "linear", solver: Solver = "schedule") -> None:
        self.lam = lam
        self.mu = mu
        self.kernel = kernel
        self.solver = solver

    @staticmethod
    def grid(n_source: int, n_target: int, budget: Budget) -> list[dict[str, Any]]:
        """The papers' 7 x 37 points (TGSR, Section III-A); ``quick``: the middle, and one on either side of it."""
        if budget == "paper":
            return [{"lam": lam, "mu": mu} for lam in PAPER_LAM for mu in PAPER_MU]
        return [{"lam": lam, "mu": mu} for lam, mu in ((0.1, 0.1), (1.0, 0.1), (10.0, 1.0))]

    @abstractmethod
    def _goal(self, domains: Domains) -> tuple[slice, Floats]:
        """The clips that are regenerated, as rows of the joint domains, and what to, transposed (rows, clips)."""

    @abstractmethod
    def _decide(self, domains: Domains, P: Floats, X: Floats, similar: Floats, side: Side) -> Answer:
        """Judge clips `X` of a domain, whose kernel with the joint domains is `similar` (clips, samples)."""

    def _make(self, domains: Domains, kernel: Floats, lam: float) -> Regeneration:
        """The problem on a joint kernel (samples, samples)."""
        n_source = len(domains.Xs)
        difference = kernel[:, :n_source].mean(axis=1) - kernel[:, n_source:].mean(axis=1)
        clips, goal = self._goal(domains)
        return make_regeneration(kernel[:, clips], difference, goal, lam)

    def _kernel(self, X: Floats, samples: Floats) -> Floats:
        """Kernel (clips, samples)."""
        return np.asarray(pairwise_kernels(X, samples, metric=self.kernel))

    def _fit(self, domains: Domains) -> None:
        samples = domains.joint
        kernel = self._kernel(samples, samples)
        problem = self._make(domains, kernel, self.lam)
        solved = follow_schedule(problem, self.mu) if self.solver == "schedule" else minimise(problem, self.mu)
        self._domains, self._samples = domains, samples
        self.P_ = solved.P
        self.n_iter_ = solved.n_iter
        self.residual_ = solved.residual
        self.objective_ = problem.objective(solved.P, self.mu)

    def _answer(self, X: Floats, side: Side) -> Answer:
        return self._decide(self._domains, self.P_, X, self._kernel(X, self._samples), side)

    def _answer_grid(
        self, domains: Domains, points: Sequence[Point], X: Floats, side: Side
    ) -> tuple[list[Answer], list[float]]:
        """One decomposition for each `lam`; converged minima start from that of the next larger `mu`."""
        if not self._is_of_searched(points):
            return super()._answer_grid(domains, points, X, side)
        answers: dict[int, Answer] = {}
        residuals: dict[int, float] = {}
        similar = self._kernel(X, domains.joint)
        for row, solved in progress(self._solve_grid(domains, points), type(self).__name__, len(points), "point"):
            answers[row] = self._decide(domains, solved.P, X, similar, side)
            residuals[row] = solved.residual
        return [answers[row] for row in range(len(points))], [residuals[row] for row in range(len(points))]

    def _solve_grid(self, domains: Domains, points: Sequence[Point]) -> Iterator[tuple[int, Solved]]:
        samples = domains.joint
        kernel = self._kernel(samples, samples)
        rows: dict[float, list[int]] = {}
        for row, point in enumerate(points):
            rows.setdefault(self._values(point)[0], []).append(row)
        for lam, same in rows.items():
            problem = self._make(domains, kernel, lam)
            solved = None
            for row in sorted(same, key=lambda row: -self._values(points[row])[1]):
                mu = self._values(points[row])[1]
                if self.solver == "schedule":
                    solved = follow_schedule(problem, mu)
                else:
                    solved = minimise(problem, mu, None if solved is None else solved.P)
                yield row, solved
