"""Region selective transfer regression: labels regressed on facial blocks, weighted by what they are worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from cdmer.adaptation.base import (
    COUNT,
    NOT_NEGATIVE,
    POSITIVE,
    AdaptationClassifier,
    Answer,
    Budget,
    Domains,
    Point,
    Side,
    answer_by_score,
    one_hot,
)
from cdmer.adaptation.group_path import grouped
from cdmer.adaptation.lasso import descend
from cdmer.adaptation.regeneration import TOLERANCE, follow_schedule, make_regeneration, minimise
from cdmer.adaptation.regenerator import Solver
from cdmer.progress import progress

PAPER_LAM = (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)
PAPER_MU = tuple(step / 10 for step in range(1, 51))
PAPER_TAU = tuple(step / 100 for step in range(1, 11))
MOST_ROUNDS = 10
ENOUGH = 1e-7  # the objective below which no further round is made

Floats = NDArray[np.float64]


class RSTR(AdaptationClassifier):
    """Region selective transfer regression; the largest regressed label decides.

    Minimises ``|L - P^T K_s|^2 + lam |P^T d|^2 + mu |P|_1 + tau |w|_1`` over `P` (samples, classes) and ``w >= 0``
    (blocks,), where ``K_s = sum_i w_i K_s^i`` and ``d = sum_i w_i d^i`` are made of the blocks' kernels of the source
    with all clips, and of the differences of the domains' means in them. `P` and `w` take turns: given one, the problem
    of the other is convex and solved exactly. The joint problem is not: it ends where the start, all `w` one, leads.

    Parameters
    ----------
    lam
        Weight of the discrepancy between the domains' means.
    mu
        Weight of the sparsity of `P`.
    tau
        Weight of the sparsity of `w`.
    n_blocks
        Number of blocks, equal runs of consecutive columns: facial blocks in our order of columns.
    solver
        How `P` is found: ``converged`` is its minimum; ``schedule`` is the iteration that the patent prints, which
        starts from ones and ends slightly above it.

    Attributes
    ----------
    P_
        (source clips and then target clips, classes), classes as in `order_`.
    weights_
        `w` (blocks,).
    objective_
        What is minimised, after each round.
    n_iter_
        Rounds, at most ten.
    residual_
        The last ``converged`` step's relative duality gap, or the difference of the ``schedule``'s split variables; or
        what the last step for `w` is short of its minimum, where that is more.

    Notes
    -----
    The defaults are the middle of the ranges that TGSR searches (0.1 to 10000 in decades, 0.1 to 5, 0.01 to 0.1): no
    target label was looked at to find them. Which letter weighs what is not stated there; it follows TSRG's.

    The patent that describes the method prints ``sqrt(gamma) k k^T`` in the step for `P` and leaves the same root out
    of that for `w`; its objective gives ``gamma k k^T`` and the root, which is what is done here. Its largest penalty,
    "10^-8", is smaller than the first; 10^8 and more are never reached.

    References
    ----------
    Zong et al., "Region selective transfer regression", CN111259759A; TGSR, Section III-A, for the grid.
    """

    searched = ("lam", "mu", "tau")
    allowed: ClassVar = {
        "lam": NOT_NEGATIVE,
        "mu": POSITIVE,
        "tau": NOT_NEGATIVE,
        "n_blocks": COUNT,
        "solver": get_args(Solver),
    }
    tolerance = TOLERANCE

    def __init__(
        self,
        lam: float = 100.0,
        mu: float = 2.5,
        tau: float = 0.05,
        n_blocks: int = 85,
        solver: Solver = "converged",
    ) -> None:
        self.lam = lam
        self.mu = mu
        self.tau = tau
        self.n_blocks = n_blocks
        self.solver = solver

    @staticmethod
    def grid(n_source: int, n_target: int, budget: Budget) -> list[dict[str, Any]]:
        """The paper's 6 x 50 x 10 points (TGSR, Section III-A); ``quick``: twelve of them."""
        if budget == "paper":
            return [{"lam": lam, "mu": mu, "tau": tau} for lam in PAPER_LAM for mu in PAPER_MU for tau in PAPER_TAU]
        return [{"lam": lam, "mu": mu, "tau": 0.05} for lam in (1.0, 100.0, 10000.0) for mu in (0.1, 0.5, 2.5, 5.0)]

    def _fit(self, domains: Domains) -> None:
        found = _Blocks(domains, self.n_blocks).alternate(self.lam, self.mu, self.tau, self.solver, {})
        self._samples = grouped(domains.joint, self.n_blocks)
        self.P_, self.weights_, self.objective_ = found.P, found.weights, found.objective
        self.n_iter_, self.residual_ = len(found.objective), found.residual

    def _answer(self, X: Floats, side: Side) -> Answer:
        kernel = np.tensordot(self.weights_, grouped(X, self.n_blocks) @ self._samples.transpose(0, 2, 1), 1)
        return answer_by_score(kernel @ self.P_)

    def _answer_grid(
        self, domains: Domains, points: Sequence[Point], X: Floats, side: Side
    ) -> tuple[list[Answer], list[float]]:
        """One set of the blocks' Gram matrices for all points; the first `P` does not depend on `tau`."""
        if not self._is_of_searched(points):
            return super()._answer_grid(domains, points, X, side)
        blocks = _Blocks(domains, self.n_blocks)
        # (samples, clips, blocks)
        judged = grouped(domains.joint, self.n_blocks) @ grouped(X, self.n_blocks).transpose(0, 2, 1)
        judged = np.ascontiguousarray(judged.transpose(1, 2, 0))
        first: dict[tuple[float, float], _Step] = {}
        answers, residuals = [], []
        for point in progress(points, "RSTR", unit="point"):
            lam, mu, tau = self._values(point)
            found = blocks.alternate(lam, mu, tau, self.solver, first)
            used = np.flatnonzero(found.P.any(axis=1))
            kernel = judged[used] @ found.weights
            answers.append(answer_by_score(kernel.T @ found.P[used]))
            residuals.append(found.residual)
        return answers, residuals


@dataclass(frozen=True, eq=False)
class _Step:
    """`P` and how far it was from its end."""

    P: Floats
    residual: float


@dataclass(frozen=True, eq=False)
class _Found:
    P: Floats
    weights: Floats
    objective: list[float]  # after each round
    residual: float


class _Blocks:
    """What the alternation needs of the data."""

    def __init__(self, domains: Domains, n_blocks: int) -> None:
        n_source, n_features = domains.Xs.shape
        if n_features % n_blocks:
            raise ValueError(f"{n_features} features are not {n_blocks} groups of equal size: set n_blocks")
        samples = grouped(domains.joint, n_blocks)
        gram = samples @ samples.transpose(0, 2, 1)
        difference = gram[..., :n_source].mean(axis=2) - gram[..., n_source:].mean(axis=2)
        self.labels = one_hot(domains.code, domains.n_classes).T
        # (samples, source clips and the difference of means, blocks)
        self.kernels = np.concatenate([gram[..., :n_source], difference[..., None]], axis=2).transpose(1, 2, 0).copy()

    def alternate(
        self, lam: float, mu: float, tau: float, solver: Solver, first: dict[tuple[float, float], _Step]
    ) -> _Found:
        """Take turns from all weights one; `first` remembers the first `P` of each ``(lam, mu)``."""
        weights, P, objective, residual = np.ones(self.kernels.shape[2]), None, [], 0.0
        for n_round in range(MOST_ROUNDS):
            known = first.get((lam, mu)) if n_round == 0 else None
            step = known or self._regress(weights, lam, mu, solver, P)
            if n_round == 0:
                first[lam, mu] = step
            P = step.P
            weights, rest, unfinished = self._weigh(P, weights, lam, tau)
            residual = max(step.residual, unfinished)
            objective.append(rest + mu * np.abs(P).sum())
            if objective[-1] < ENOUGH or not weights.any():
                break
        assert P is not None
        return _Found(P, weights, objective, residual)

    def _regress(self, weights: Floats, lam: float, mu: float, solver: Solver, start: Floats | None) -> _Step:
        """The best `P` for given weights."""
        mixed = self.kernels @ weights
        problem = make_regeneration(mixed[:, :-1], mixed[:, -1], self.labels, lam)
        solved = follow_schedule(problem, mu) if solver == "schedule" else minimise(problem, mu, start)
        return _Step(solved.P, solved.residual)

    def _weigh(self, P: Floats, start: Floats, lam: float, tau: float) -> tuple[Floats, float, float]:
        """The best weights for a given `P`, the objective without its sparsity, and how far that is from its end."""
        used = np.flatnonzero(P.any(axis=1))
        n_classes = P.shape[1]
        # P^T K_i and sqrt(lam) P^T d_i of every block: (classes, source clips + 1, blocks)
        design = np.tensordot(P[used], self.kernels[used], axes=(0, 0))
        design[:, -1] *= np.sqrt(lam)
        goal = np.column_stack([self.labels, np.zeros(n_classes)])
        flat = design.reshape(-1, len(start))
        weights = np.maximum(start[None], 0)
        descent = descend(weights, flat.T @ flat, (goal.reshape(-1) @ flat)[None], tau / 2, True)
        rest = goal.reshape(-1) - flat @ weights[0]
        return weights[0], float(rest @ rest + tau * weights.sum()), descent.residual
