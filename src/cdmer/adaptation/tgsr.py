"""Transfer group sparse regression: regress labels on facial blocks, few of them, on which the domains agree."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from cdmer.adaptation.base import (
    COUNT,
    NOT_NEGATIVE,
    AdaptationClassifier,
    Answer,
    Budget,
    Domains,
    Point,
    Side,
    answer_by_score,
)
from cdmer.adaptation.group_minimum import minimise_at_counts
from cdmer.adaptation.group_path import TOLERANCE, GroupProblem, Solution, grouped, make_problem, solve
from cdmer.adaptation.regenerator import Solver
from cdmer.progress import progress

BATCH = 32  # points solved together: their matrices fill a core's cache and not more
# The best points that the paper prints (Section III-B), experiments 1 to 12; the third lies outside its own grid.
PRINTED = {
    *((85, 0.0022), (46, 0.0036), (14, 4000.0), (85, 0.0044), (12, 44.0), (12, 280.0)),
    *((62, 0.0012), (28, 0.098), (85, 0.003), (85, 0.028), (85, 0.0016), (75, 0.022)),
}
_XI = ((0.001, 0.0002, 0.01), (0.01, 0.002, 0.1), (0.1, 0.02, 1), (1, 0.2, 10), (10, 2, 100), (100, 20, 1000))


class TGSR(AdaptationClassifier):
    """Transfer group sparse regression; the largest regressed label decides.

    Minimises ``|L - C^T Xs|^2 + xi |C^T d|^2 + lambda sum_i |C_i|_F`` over `C` (features, classes), where `L` are the
    one-hot labels of the source (columns of `Xs`), `d` is the difference of the domains' means, and `C_i` the rows of
    the `i`-th group. `lambda` is no parameter: it is set so that `kappa` groups remain.

    With ``solver="schedule"`` the schedule is part of the method: the authors' augmented Lagrangian starts from a
    matrix of ones, sets `lambda` anew in each step, its penalty grows by a tenth a step from 0.001, and where all
    groups remain it ends after one step. The paper prints the multiplier's update with the opposite sign (Algorithm 1,
    step 3), with which the iteration diverges; the sign here follows its Lagrangian.

    With ``solver="converged"`` `C` is the objective's minimum at the `lambda` at which `kappa` groups remain and the
    next is about to enter, on the way down from where none does: there the iteration would stand still if its penalty
    did not grow. The two differ much. No more groups enter than a regression on so few clips needs (33 of 85 for
    SMIC-VIS): a larger `kappa` gives the minimum at a millionth of the largest `lambda`, and all of them (``kappa =
    n_blocks``) the regression of least norm without sparsity.

    Parameters
    ----------
    kappa
        Number of groups that remain.
    xi
        Weight of the discrepancy between the domains' means.
    n_blocks
        Number of groups, equal runs of consecutive columns. Whether a group is a facial block depends on the order
        of the features' columns: it is in ours, and not in that of the released files.
    solver
        ``schedule`` or ``converged``, see above.

    Attributes
    ----------
    coef_
        (features, classes), classes as in `order_`.
    blocks_
        The groups that remain, the largest first.
    n_iter_
        Iterations until no entry of the split variables differed by 1e-8; ``converged``: the last Newton steps.
    residual_
        That difference; ``converged``: the largest breach of the conditions of optimality, as a fraction of `lambda`.

    Notes
    -----
    The defaults are the middle of the ranges that the paper searches (1 to 85; 0.001 to 1000 in decades): no target
    label was looked at to find them.

    References
    ----------
    "Transfer Group Sparse Regression for Cross-Database Micro-Expression Recognition", eq. 6 and Algorithm 1.
    """

    searched = ("kappa", "xi")
    allowed: ClassVar = {"kappa": COUNT, "xi": NOT_NEGATIVE, "n_blocks": COUNT, "solver": get_args(Solver)}
    tolerance = TOLERANCE

    def __init__(self, kappa: int = 43, xi: float = 1.0, n_blocks: int = 85, solver: Solver = "schedule") -> None:
        self.kappa = kappa
        self.xi = xi
        self.n_blocks = n_blocks
        self.solver = solver

    @staticmethod
    def grid(n_source: int, n_target: int, budget: Budget) -> list[dict[str, Any]]:
        """The paper's 85 x 271 points (Section III-A); ``quick``: 29 of them, and the twelve that it prints as best."""
        if budget == "paper":
            return [{"kappa": kappa, "xi": xi} for kappa in range(1, 86) for xi in paper_weights()]
        coarse = {(kappa, 10.0**power) for kappa in (2, 8, 32, 85) for power in range(-3, 4)}
        return [{"kappa": kappa, "xi": xi} for kappa, xi in sorted(coarse | {(43, 1.0)} | PRINTED)]

    def _fit(self, domains: Domains) -> None:
        problem = make_problem(domains.Xs, domains.Xt, domains.code, self.n_blocks)
        _, solution = next(self._solve(problem, [self.kappa], self.xi))
        coefficients = problem.entries(solution.weights, solution.ones)
        norms = np.linalg.norm(coefficients, axis=(1, 2))
        self.coef_ = coefficients.reshape(-1, domains.n_classes)
        self.blocks_ = np.argsort(-norms, kind="stable")[: np.count_nonzero(solution.shrinkage)]
        self.n_iter_ = solution.n_iter
        self.residual_ = solution.residual

    def _solve(self, problem: GroupProblem, kappa: Sequence[int], xi: float) -> Iterator[tuple[int, Solution]]:
        if self.solver == "converged":
            return minimise_at_counts(problem, kappa, xi)
        return solve(problem, kappa, xi)

    def _answer(self, X: NDArray[np.float64], side: Side) -> Answer:
        return answer_by_score(X @ self.coef_)

    def _answer_grid(
        self, domains: Domains, points: Sequence[Point], X: NDArray[np.float64], side: Side
    ) -> tuple[list[Answer], list[float]]:
        """The points that share `xi` run together, on the groups' Gram matrices."""
        if not self._is_of_searched(points):
            return super()._answer_grid(domains, points, X, side)
        problem = make_problem(domains.Xs, domains.Xt, domains.code, self.n_blocks)
        judged = grouped(X, self.n_blocks)
        kernel, sums = judged @ problem.samples.transpose(0, 2, 1), judged.sum(axis=2)
        rows: dict[float, list[int]] = {}
        for row, point in enumerate(points):
            rows.setdefault(point.get("xi", self.xi), []).append(row)
        batches = [(xi, same[i : i + BATCH]) for xi, same in rows.items() for i in range(0, len(same), BATCH)]
        answers: dict[int, Answer] = {}
        residuals: dict[int, float] = {}
        for xi, batch in progress(batches, "TGSR", unit="batch"):
            for place, solution in self._solve(problem, [points[row].get("kappa", self.kappa) for row in batch], xi):
                scores = np.tensordot(kernel, solution.weights, axes=([0, 2], [0, 1])) + (solution.ones @ sums)[:, None]
                answers[batch[place]], residuals[batch[place]] = answer_by_score(scores), solution.residual
        return [answers[row] for row in range(len(points))], [residuals[row] for row in range(len(points))]


def paper_weights() -> list[float]:
    """The 271 different values of `xi` that the paper searches, increasing."""
    values = [start + step * index for start, step, stop in _XI for index in range(round((stop - start) / step) + 1)]
    return sorted({float(f"{value:.10g}") for value in values})
