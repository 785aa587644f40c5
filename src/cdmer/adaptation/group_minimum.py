"""The true minimum of TGSR's objective, where `kappa` groups remain.

The objective is ``|L - C^T X|^2 + lam sum_i |C_i|_F``, `X` the source's samples and the scaled difference of means as
columns. With ``lam |C_i| = min_t (lam / 2) (|C_i|^2 / t + t)``, the minimum over `C` for given ``t_i >= 0`` is a ridge
regression, and what remains is convex and smooth in `t` alone, one number a group:

    f(t) = tr L R + (lam / 2) sum_i t_i,    R = (I + (2 / lam) sum_i t_i G_i)^-1 L,    G_i = X_i^T X_i,

whose minimum has ``t_i = |C_i|``, ``C_i = (2 / lam) t_i X_i R``, and gradients ``g_i = 2 |X_i R|`` that equal `lam`
where a group is in and stay below it where it is out. Newton's method on the groups that are in takes some ten steps.

`lam` is given by its place on the path: from the largest downward, groups enter one by one, and `kappa` remain until
the next is about to enter. There the authors' iteration, which sets `lam` by the norm of group ``kappa + 1``, would
stand still.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from cdmer.adaptation.group_path import GroupProblem, Solution

STEP = 0.9  # of lam on the way down
LEAST = 1e-6  # of the largest lam: what has not entered until there does not
CLOSE = 1e-9  # how close lam is brought to where the next group enters
ENDED = 1e-10  # of lam: how far gradients may be from their conditions
MOST_STEPS = 200
ROUNDING = 1e-14  # of the objective: differences below it say nothing

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _State:
    """The minimum at one `lam`."""

    lam: float
    t: Floats  # (groups,) norms of the coefficients
    R: Floats  # (samples, classes) what the regression leaves
    residual: float  # largest breach of the conditions of optimality, as a fraction of lam
    n_iter: int

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.t))


def minimise_at_counts(problem: GroupProblem, kappa: Sequence[int], xi: float) -> Iterator[tuple[int, Solution]]:
    """The minimum where each of `kappa` groups remain; yields (place in `kappa`, solution), one path for all.

    Where all groups are to remain, `lam` is 0 and the minimum is not unique: it is that of least norm.
    """
    n_groups = len(problem.samples)
    scale = np.ones(problem.samples.shape[1])
    scale[-1] = np.sqrt(xi)
    gram = problem.gram * np.outer(scale, scale)
    largest = 2 * float(_norms(gram, problem.labels).max())
    state = _State(largest, np.zeros(n_groups), problem.labels, 0.0, 0)
    for place in sorted(range(len(kappa)), key=lambda place: kappa[place]):
        if kappa[place] >= n_groups:
            yield place, _least_norm(problem, gram.sum(axis=0), scale)
            continue
        state = _descend(gram, problem.labels, state, kappa[place], LEAST * largest)
        weights = 2 / state.lam * state.t[:, None, None] * (scale[:, None] * state.R)
        yield place, Solution(weights, np.zeros(n_groups), state.t, state.n_iter, state.residual)


def _descend(gram: Floats, labels: Floats, state: _State, kappa: int, least: float) -> _State:
    """Lower `lam` until the next group but `kappa` is about to enter."""
    while state.lam > least:
        below = _minimum(gram, labels, max(least, STEP * state.lam), state)
        if below.count > kappa:
            break
        state = below
    else:
        return state
    low = below.lam
    while state.lam - low > CLOSE * state.lam:
        middle = _minimum(gram, labels, (state.lam + low) / 2, state)
        if middle.count > kappa:
            low = middle.lam
        else:
            state = middle
    return state


def _minimum(gram: Floats, labels: Floats, lam: float, near: _State) -> _State:
    """Projected Newton steps in `t` from a neighbouring minimum."""
    t = near.t.copy()
    value, R, factor = _evaluate(gram, labels, lam, t)
    for n_iter in range(1, MOST_STEPS + 1):  # noqa: B007
        pulled = np.einsum("gmn,nc->gmc", gram, R, optimize=True)  # G_i R
        slope = lam / 2 - 2 / lam * np.einsum("mc,gmc->g", R, pulled, optimize=True)
        breach = np.where(t > 0, np.abs(slope), np.maximum(0, -slope))
        if breach.max() <= ENDED * lam:
            break
        free = np.flatnonzero((t > 0) | (slope < 0))
        columns = pulled[free].transpose(1, 0, 2).reshape(len(R), -1)
        solved = scipy.linalg.cho_solve(factor, columns).reshape(len(R), len(free), -1)
        curve = 2 * (2 / lam) ** 2 * np.einsum("gmc,mhc->gh", pulled[free], solved, optimize=True)
        curve[np.diag_indices_from(curve)] += 1e-12 * np.trace(curve) / len(curve)
        direction = np.zeros_like(t)
        direction[free] = -scipy.linalg.solve(curve, slope[free], assume_a="pos")
        length = 1.0
        while True:
            ahead = np.maximum(0, t + length * direction)
            new_value, new_R, new_factor = _evaluate(gram, labels, lam, ahead)
            # where a group is about to enter, a step's gain is far below what the objective's digits can show
            if new_value <= value + 1e-4 * slope @ (ahead - t) + ROUNDING * value or length < 1e-10:
                break
            length /= 2
        t, value, R, factor = ahead, new_value, new_R, new_factor
    return _State(lam, t, R, float(breach.max() / lam), n_iter)


def _evaluate(gram: Floats, labels: Floats, lam: float, t: Floats) -> tuple[float, Floats, tuple[Floats, bool]]:
    """`f`, `R`, and the Cholesky factor of ``I + (2 / lam) sum_i t_i G_i``."""
    used = np.flatnonzero(t)
    matrix = np.eye(len(labels)) + 2 / lam * np.tensordot(t[used], gram[used], 1)
    factor = scipy.linalg.cho_factor(matrix)
    R = scipy.linalg.cho_solve(factor, labels)
    return float((labels * R).sum() + lam / 2 * t.sum()), np.asarray(R), factor


def _norms(gram: Floats, R: Floats) -> Floats:
    """``|X_i R|`` (groups,)."""
    return np.asarray(np.sqrt(np.maximum(0, np.einsum("mc,gmn,nc->g", R, gram, R, optimize=True))))


def _least_norm(problem: GroupProblem, gram: Floats, scale: Floats) -> Solution:
    """The minimum of least norm without any sparsity."""
    weights = scale[:, None] * (scipy.linalg.pinvh(gram) @ problem.labels)
    n_groups = len(problem.samples)
    everywhere = np.repeat(weights[None], n_groups, axis=0)
    return Solution(everywhere, np.zeros(n_groups), np.ones(n_groups), 1, 0.0)
