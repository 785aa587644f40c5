"""Many points of TGSR's grid at once, without ever touching a vector of the features' length.

The authors' iteration (TGSR, Algorithm 1) splits ``C`` into ``C = D`` with a multiplier ``P`` and a penalty ``mu``.
With ``V_i = D_i - P_i / mu`` in group `i`, both of the other variables are multiples of it: ``C_i = s_i V_i`` with the
group's shrinkage ``s_i = max(0, 1 - theta / |V_i|)``, and ``P_i = mu (s_i - 1) V_i`` after its update. Put into the
iteration, that leaves

    V_i <- s_i V_i + X_i H,    H = 2 (mu I + 2 X^T X)^-1 (L^T - T / mu),    T = sum_i t_i X_i^T V_i,

with ``t_i = mu_old (s_i - 1) + mu s_i``, `X` the source's samples and the scaled difference of means as columns, `X_i`
its rows in group `i`. Norms and the sums over groups need only ``Y_i = X_i^T V_i`` and the groups' Gram matrices
``X_i^T X_i``: ``Y_i <- s_i Y_i + X_i^T X_i H``. An iteration costs one product with a matrix of (groups x samples,
samples) for all points, whatever the number of features; `xi` scales the last sample, so one set of Gram matrices
serves the whole grid. What comes out is the authors' iteration, start, schedule and all, up to rounding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.linalg.blas import dgemm

from cdmer.jit import kernel

START, GROWTH, LARGEST = 1e-3, 1.1, 1e15  # the penalty's schedule
TOLERANCE = 1e-8
MOST_ITERATIONS = 1000  # the penalty reaches its largest value after 435
LOST = 1e-8  # of what is summed: half the digits

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Solution:
    """One point of the grid: ``C_i = X_i weights[i] + ones[i]`` in each group, `X_i` with the unscaled difference."""

    weights: Floats  # (groups, samples, classes); samples: those of the source, then the difference of means
    ones: Floats  # (groups,): what is left of the start in every entry of the group
    shrinkage: Floats  # (groups,): 0 where the group is out
    n_iter: int
    residual: float  # largest entry of |C - D| at the end, below `TOLERANCE` where the iteration converged


@dataclass(frozen=True, eq=False)
class GroupProblem:
    """What the iteration needs of the data.

    Parameters
    ----------
    samples
        (groups, samples, group size) source samples, and last the difference of the domains' means.
    labels
        (samples, classes) one-hot; zero for the difference.
    gram
        (groups, samples, samples) inner products inside each group.
    """

    samples: Floats
    labels: Floats
    gram: Floats

    def entries(self, weights: Floats, ones: Floats) -> Floats:
        """``X_i weights[i] + ones[i]``: (groups, group size, classes)."""
        return np.asarray(self.samples.transpose(0, 2, 1) @ weights + ones[:, None, None])


def make_problem(Xs: Floats, Xt: Floats, code: NDArray[np.intp], n_groups: int) -> GroupProblem:
    """The problem of two domains (clips, features).

    Raises
    ------
    ValueError
        The features are not `n_groups` equal groups.
    """
    n_features = Xs.shape[1]
    if n_features % n_groups:
        raise ValueError(f"{n_features} features are not {n_groups} groups of equal size: set n_blocks")
    difference = Xs.mean(axis=0) - Xt.mean(axis=0)
    samples = grouped(np.concatenate([Xs, difference[None]]), n_groups)
    labels = np.zeros((len(Xs) + 1, code.max() + 1))
    labels[np.arange(len(Xs)), code] = 1
    return GroupProblem(samples, labels, samples @ samples.transpose(0, 2, 1))


def grouped(X: Floats, n_groups: int) -> Floats:
    """(samples, features) as (groups, samples, group size), each group's rows contiguous."""
    return np.ascontiguousarray(X.reshape(len(X), n_groups, -1).transpose(1, 0, 2))


def solve(problem: GroupProblem, kappa: Sequence[int], xi: float) -> Iterator[tuple[int, Solution]]:
    """Solve the points `kappa` at one `xi` together; yield (place in `kappa`, solution) as they end.

    Parameters
    ----------
    problem
        The data.
    kappa
        Numbers of groups that remain; all groups where it is at least their number.
    xi
        Weight of the discrepancy.
    """
    n_groups, n_samples, group_size = problem.samples.shape
    n_classes = problem.labels.shape[1]
    scale = np.ones(n_samples)
    scale[-1] = np.sqrt(xi)
    eigenvalues, eigenvectors = scipy.linalg.eigh(problem.gram.sum(axis=0) * np.outer(scale, scale))
    place = np.arange(len(kappa))  # of the points that still run
    remaining = np.minimum(np.asarray(kappa), n_groups)
    # arrays end with (..., points), groups first; the start: V = C = 1 in every entry, P = 0
    shape = (n_groups, n_samples, n_classes, len(kappa))
    Y = np.ascontiguousarray(np.broadcast_to(problem.samples.sum(axis=2)[:, :, None, None], shape))
    square = np.full((n_groups, len(kappa)), float(group_size * n_classes))  # |V_i|^2
    s = np.ones((n_groups, len(kappa)))
    shrinkages, steps = [s], []  # of every iteration: with them alone, `V` is known
    # entries are looked at when the norms say that the largest may be small enough, which takes some milliseconds
    look_below = np.full(len(kappa), TOLERANCE * np.sqrt(group_size * n_classes))
    by_entries = np.zeros(len(kappa), bool)  # those whose norms have been rounding once: for them, always
    mu = mu_old = START
    for n_iter in range(1, MOST_ITERATIONS + 1):
        flat = _direction(problem, Y, mu_old * (s - 1) + mu * s, mu, scale, eigenvalues, eigenvectors)
        H = flat.reshape(Y.shape[1:])
        before, after = np.empty(s.shape), np.empty(s.shape)
        _dot_and_shrink(Y, H, s, before)  # <V_i, X_i H>, then Y_i <- s_i Y_i
        for gram, rows in zip(problem.gram, Y.reshape(n_groups, n_samples, -1), strict=True):
            dgemm(1.0, flat.T, gram.T, beta=1.0, c=rows.T, overwrite_c=True)  # rows += gram @ flat
        _dot(Y, H, after)
        across = s * square + before  # <V_old, V>
        squared = np.maximum(0.0, s**2 * square + s * before + after)
        steps.append(H)
        lost = (squared < LOST * (s**2 * square + np.abs(s * before) + np.abs(after))).any(axis=0)
        by_entries |= lost
        _square_entries(problem, shrinkages, steps, np.flatnonzero(lost), squared)
        shrunk = _shrinkage(np.sqrt(squared), remaining)
        # C - D = (s - 1) V - mu_old / mu (s_old - 1) V_old
        new, old = shrunk - 1, mu_old / mu * (s - 1)
        gap = np.maximum(0.0, new**2 * squared - 2 * new * old * across + old**2 * square)
        norm = np.sqrt(gap.max(axis=0))
        shrinkages.append(shrunk)
        s, square = shrunk, squared
        ended = np.zeros(len(place), bool)
        for point in np.flatnonzero((norm < look_below) | by_entries | (n_iter == MOST_ITERATIONS)):
            history = [x[:, point] for x in shrinkages], [x[:, :, point] for x in steps]
            residual = _largest_gap(problem, *history, new[:, point], old[:, point])
            if residual < TOLERANCE or n_iter == MOST_ITERATIONS:
                ended[point] = True
                yield int(place[point]), _solution(*history, residual)
            else:
                look_below[point] = 1.1 * norm[point] * TOLERANCE / residual
        if ended.all():
            return
        if ended.any():
            place, remaining = place[~ended], remaining[~ended]
            look_below, by_entries = look_below[~ended], by_entries[~ended]
            # a mask on the last axis leaves it the slowest in memory: another signature for the kernels, and slow
            s, square, Y = (np.ascontiguousarray(x[..., ~ended]) for x in (s, square, Y))
            shrinkages, steps = [x[:, ~ended] for x in shrinkages], [x[..., ~ended] for x in steps]
        mu_old, mu = mu, min(GROWTH * mu, LARGEST)


def _direction(
    problem: GroupProblem, Y: Floats, t: Floats, mu: float, scale: Floats, eigenvalues: Floats, eigenvectors: Floats
) -> Floats:
    """`H` (samples, classes x points) of the next step, from ``Y_i`` and the weights `t` (groups, points)."""
    total = np.empty(Y.shape[1:])
    _weighted_sum(Y, t, total)
    right = problem.labels[:, :, None] - scale[:, None, None] * total / mu
    flat = eigenvectors.T @ right.reshape(len(total), -1)
    flat *= (2 / (mu + 2 * eigenvalues))[:, None]
    return np.asarray(scale[:, None] * (eigenvectors @ flat))


def _shrinkage(norms: Floats, remaining: NDArray[np.intp]) -> Floats:
    """``max(0, 1 - theta / |V_i|)``, `theta` the largest norm (groups, points) that does not remain."""
    descending = np.sort(norms, axis=0)[::-1]
    padded = np.concatenate([descending, np.zeros((1, norms.shape[1]))])
    theta = padded[remaining, np.arange(norms.shape[1])]
    with np.errstate(divide="ignore", invalid="ignore"):
        shrunk = np.maximum(0.0, 1 - theta / norms)
    return np.asarray(np.where(norms > 0, shrunk, theta == 0))


def _solution(shrinkages: list[Floats], steps: list[Floats], residual: float) -> Solution:
    """``C`` of one point after its last iteration."""
    weights, ones = _replay(np.array(shrinkages[:-1]), np.array(steps))
    last = shrinkages[-1]
    return Solution(last[:, None, None] * weights, last * ones, last, len(steps), residual)


def _replay(shrinkages: Floats, steps: Floats) -> tuple[Floats, Floats]:
    """``V`` after iterations (iterations, ...) as weights of the samples and what is left of the ones in each group."""
    kept = np.cumprod(shrinkages[::-1], axis=0)[::-1]  # product of each iteration's shrinkage and all later ones
    factors = np.concatenate([kept[1:], np.ones((1, kept.shape[1]))])
    return np.tensordot(factors.T, steps, axes=1), kept[0]


def _square_entries(
    problem: GroupProblem, shrinkages: list[Floats], steps: list[Floats], points: NDArray[np.intp], squared: Floats
) -> None:
    """``|V_i|^2`` of `points` into `squared` (groups, points), entry by entry.

    Where `V` is small beside what it came from, as in the first steps on features in the thousands, what inner
    products say of its norm is rounding.
    """
    for point in points:
        history = [x[:, point] for x in shrinkages], [x[..., point] for x in steps]
        squared[:, point] = (problem.entries(*_replay(*map(np.array, history))) ** 2).sum(axis=(1, 2))


def _largest_gap(
    problem: GroupProblem, shrinkages: list[Floats], steps: list[Floats], new: Floats, old: Floats
) -> float:
    """The largest entry of ``|C - D| = |new V - old V_old|`` of one point, entry by entry."""
    s_old = shrinkages[-2]
    if len(steps) > 1:
        weights, ones = _replay(np.array(shrinkages[:-2]), np.array(steps[:-1]))
    else:
        weights, ones = np.zeros((len(new), *steps[0].shape)), np.ones(len(new))
    along = new * s_old - old  # V = s_old V_old + X H
    gap = along[:, None, None] * weights + new[:, None, None] * steps[-1]
    return float(np.abs(problem.entries(gap, along * ones)).max())


@kernel
def _weighted_sum(Y: Floats, weights: Floats, out: Floats) -> None:
    """``out[m, c, p] = sum_g weights[g, p] Y[g, m, c, p]``."""
    out[:] = 0.0
    for g in range(Y.shape[0]):
        for m in range(Y.shape[1]):
            for c in range(Y.shape[2]):
                for p in range(Y.shape[3]):
                    out[m, c, p] += weights[g, p] * Y[g, m, c, p]


@kernel
def _dot_and_shrink(Y: Floats, H: Floats, s: Floats, out: Floats) -> None:
    """``out[g, p] = sum_mc Y[g, m, c, p] H[m, c, p]``, then ``Y[g] *= s[g]``."""
    out[:] = 0.0
    for g in range(Y.shape[0]):
        for m in range(Y.shape[1]):
            for c in range(Y.shape[2]):
                for p in range(Y.shape[3]):
                    out[g, p] += Y[g, m, c, p] * H[m, c, p]
                    Y[g, m, c, p] *= s[g, p]


@kernel
def _dot(Y: Floats, H: Floats, out: Floats) -> None:
    """``out[g, p] = sum_mc Y[g, m, c, p] H[m, c, p]``."""
    out[:] = 0.0
    for g in range(Y.shape[0]):
        for m in range(Y.shape[1]):
            for c in range(Y.shape[2]):
                for p in range(Y.shape[3]):
                    out[g, p] += Y[g, m, c, p] * H[m, c, p]
