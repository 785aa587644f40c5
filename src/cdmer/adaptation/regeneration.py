"""Domain regeneration: ``min |A - P^T K_A|^2 + lam |P^T d|^2 + mu |P|_1``, the problem of TSRG, DRFST, DRLS and RSTR.

With ``M = [K_A, sqrt(lam) d]`` and ``Y = [A, 0]`` it is ``|Y - P^T M|^2 + mu |P|_1``: one lasso for each row of `A`,
all with the same Gram matrix ``M M^T``, in sample space whatever the number of features.

The authors' augmented Lagrangian splits ``P = Q`` with a multiplier `T` and a growing penalty `k`:

    Q <- (M M^T + k/2)^-1 (M Y^T + (k P + T)/2),   P <- soft(Q - T/k, mu/k),   T <- T + k (P - Q),   k <- 1.1 k

from `P` and `T` all ones. Two facts make its iterations cheap. With ``W = Q - T/k``, both ``P = soft(W, mu/k)`` and
``T = -clip(k W, -mu, mu)`` are functions of `W`, the only array of (rows of A, samples). And `M` has rank
``r <= columns of M``, so with its left singular vectors `U`,

    W <- P + U (Q' - P' - T'/k),   where ' are the r coefficients U^T (.),   Q' = (M Y^T' + (k P' + T')/2) / (s + k/2),

one product with `U` and, as `P` is sparse, little more. Rows of `A` are independent but for the end, the first
iteration in which no entry of ``P - Q`` reaches 1e-8: a few rows at a time run, while their arrays are in a core's
cache, until their own residual is below it, and then all to the last of these ends.
"""

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from cdmer.adaptation.lasso import descend
from cdmer.jit import kernel, summing_helper
from cdmer.threads import each

START, GROWTH, LARGEST = 1e-3, 1.1, 1e15  # the penalty's schedule
TOLERANCE = 1e-8
MOST_ITERATIONS = 1000  # the penalty reaches its largest value after 435
ROWS = 64  # of A at a time
DENSE = 0.15  # share of entries from which on a dense product is faster than a sparse one

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Regeneration:
    """The problem at one `lam`.

    Parameters
    ----------
    M
        (samples, samples of A + 1) the kernel with `A`'s samples, and the weighted difference of means.
    A
        (rows, samples of A): features or labels to regenerate.
    """

    M: Floats
    A: Floats

    @cached_property
    def spectrum(self) -> tuple[Floats, Floats]:
        """Left singular vectors of `M` (samples, rank) and its squared singular values."""
        U, values, _ = scipy.linalg.svd(self.M, full_matrices=False)
        kept = values > max(self.M.shape) * np.finfo(float).eps * values[0]
        return np.ascontiguousarray(U[:, kept]), values[kept] ** 2

    def objective(self, P: Floats, mu: float) -> float:
        """What is minimised, at `P` (samples, rows)."""
        return float((self._rest(P) ** 2).sum() + mu * np.abs(P).sum())

    def gap(self, P: Floats, mu: float) -> float:
        """How far the objective at `P` is at most above its minimum, relative to it: the lasso's duality gap."""
        rest = self._rest(P)
        largest = 2 * np.abs(self.M @ rest.T).max(axis=0)
        shrink = (mu / np.maximum(largest, mu))[:, None]
        dual = 2 * (rest[:, :-1] * self.A * shrink).sum() - ((shrink * rest) ** 2).sum()
        primal = self.objective(P, mu)
        return float((primal - dual) / primal) if primal else 0.0

    def _rest(self, P: Floats) -> Floats:
        """``Y - P^T M`` (rows, samples of A + 1)."""
        rest = -(P.T @ self.M)
        rest[:, :-1] += self.A
        return np.asarray(rest)


def make_regeneration(kernel: Floats, difference: Floats, A: Floats, lam: float) -> Regeneration:
    """The problem of a kernel ``K_A`` (samples, samples of A) and the domains' difference of means in it (samples,)."""
    return Regeneration(np.column_stack([kernel, np.sqrt(lam) * difference]), A)


@dataclass(frozen=True, eq=False)
class Solved:
    """`P` (samples, rows), the iterations that it took, and how far they were from their end."""

    P: Floats
    n_iter: int
    residual: float


def follow_schedule(problem: Regeneration, mu: float) -> Solved:
    """The authors' iteration until no entry of ``P - Q`` reaches `TOLERANCE`."""
    mu = float(mu)  # an integer would be another signature
    U, s = problem.spectrum
    n_rows, n_samples = len(problem.A), len(U)
    UT = np.ascontiguousarray(U.T)
    # M Y^T in coordinates, and those of P = T = 1
    target = problem.A @ (problem.M[:, :-1].T @ U)
    P = np.repeat(U.sum(axis=0)[None], n_rows, axis=0)
    T = P.copy()
    W = np.empty((n_rows, n_samples))
    penalties = np.minimum(START * GROWTH ** np.arange(MOST_ITERATIONS + 1), LARGEST)
    blocks = [slice(first, first + ROWS) for first in range(0, n_rows, ROWS)]
    done = np.zeros(len(blocks), np.intp)
    residual = np.zeros(len(blocks))

    def advance(index: int, stop: int, tolerance: float) -> None:
        rows = blocks[index]
        done[index], residual[index] = _iterate(
            W[rows], P[rows], T[rows], target[rows], U, UT, s, mu, penalties, done[index], stop, tolerance
        )

    each(partial(advance, stop=MOST_ITERATIONS, tolerance=TOLERANCE), range(len(blocks)))
    last = int(done.max())
    while True:
        behind = np.flatnonzero(done < last).tolist()
        each(partial(advance, stop=last, tolerance=0.0), behind)
        if residual.max() < TOLERANCE or last == MOST_ITERATIONS:
            break
        last += 1
    threshold = mu / penalties[last - 1]
    return Solved((W - np.clip(W, -threshold, threshold)).T, last, float(residual.max()))


def minimise(problem: Regeneration, mu: float, start: Floats | None = None) -> Solved:
    """The true minimum, row by row with an active set; `residual` is the relative duality gap.

    Parameters
    ----------
    problem, mu
        What to minimise.
    start
        (samples, rows) any matrix; the minimum at a neighbouring `mu` saves most of the work.
    """
    gram, target = problem.M @ problem.M.T, problem.A @ problem.M[:, :-1].T
    P = np.zeros_like(target) if start is None else np.array(start.T, order="C")
    steps = descend(P, gram, target, mu / 2).steps
    return Solved(P.T, steps, abs(problem.gap(P.T, mu)))


@kernel
def _iterate(
    W: Floats,
    P: Floats,
    T: Floats,
    target: Floats,
    U: Floats,
    UT: Floats,
    s: Floats,
    mu: float,
    penalties: Floats,
    start: int,
    stop: int,
    tolerance: float,
) -> tuple[int, float]:
    """Go from iteration `start` until the residual is below `tolerance`, or to `stop`; return where, and the residual.

    `W` is (rows, samples); `P`, `T` and `target` are coefficients (rows, rank).
    """
    n_rows, n_samples = W.shape
    rank = len(s)
    move, dense, gap = np.empty((n_rows, rank)), np.empty((n_rows, n_samples)), np.empty(n_samples)
    place, value = np.empty(n_samples + 3, np.int64), np.empty(n_samples + 3)
    n_iter, residual, density = start, np.inf, 1.0
    while n_iter < stop and not residual < tolerance:
        k, old_k = penalties[n_iter], penalties[max(0, n_iter - 1)]
        share, inverse = 1 / k, 1 / (s + k / 2)
        for j in range(n_rows):
            for q in range(rank):
                solved = (target[j, q] + (k * P[j, q] + T[j, q]) / 2) * inverse[q]
                move[j, q] = solved - P[j, q] - T[j, q] * share
                T[j, q] -= k * solved  # and + k P with the new P below
        step = move @ UT
        gap[:] = 0.0
        for j in range(n_rows):
            if n_iter == 0:
                _leave_ones(W[j], step[j], mu, k, gap)
            else:
                _leave(W[j], step[j], mu, k, old_k, gap)
        residual = gap.max() * share
        count = 0
        if density < DENSE:
            for j in range(n_rows):
                count += _project(W[j], U, mu / k, place, value, P[j])
        else:
            for j in range(n_rows):
                count += _shrink(W[j], mu / k, dense[j])
            P[:] = dense @ U
        density = count / (n_rows * n_samples)
        for j in range(n_rows):
            for q in range(rank):
                T[j, q] += k * P[j, q]
        n_iter += 1
    return n_iter, residual


@summing_helper
def _leave(w: Floats, step: Floats, mu: float, k: float, old_k: float, gap: Floats) -> None:
    """``w <- soft(w, mu / old_k) + step``; `gap` takes the largest changes of the multiplier, ``k |P - Q|``."""
    bound, old_bound = mu / k, mu / old_k
    for i in range(len(w)):
        old = w[i]
        cut = min(max(old, -old_bound), old_bound)
        new = old - cut + step[i]
        w[i] = new
        gap[i] = max(gap[i], abs(k * min(max(new, -bound), bound) - old_k * cut))


@summing_helper
def _leave_ones(w: Floats, step: Floats, mu: float, k: float, gap: Floats) -> None:
    """The first step, from ``P = T = 1``, which no `w` stands for."""
    bound = mu / k
    for i in range(len(w)):
        new = 1.0 + step[i]
        w[i] = new
        gap[i] = max(gap[i], abs(k * min(max(new, -bound), bound) + 1.0))


@summing_helper
def _shrink(w: Floats, bound: float, out: Floats) -> int:
    """``out = soft(w, bound)``; return how many are not zero."""
    count = 0
    for i in range(len(w)):
        out[i] = w[i] - min(max(w[i], -bound), bound)
        count += abs(w[i]) > bound
    return count


@summing_helper
def _project(w: Floats, U: Floats, bound: float, place: Integers, value: Floats, out: Floats) -> int:
    """``out = soft(w, bound) @ U`` by the entries that are not zero; return how many are not."""
    count = 0
    for i in range(len(w)):  # no branch, which would be mispredicted as often as not
        place[count] = i
        value[count] = w[i] - min(max(w[i], -bound), bound)
        count += abs(w[i]) > bound
    for e in range(count, count + 3):
        place[e], value[e] = 0, 0.0
    out[:] = 0.0
    for e in range(0, count, 4):  # four samples in one pass over `out`
        a, b, c, d = value[e], value[e + 1], value[e + 2], value[e + 3]
        u, v, x, y = place[e], place[e + 1], place[e + 2], place[e + 3]
        for q in range(len(out)):
            out[q] += a * U[u, q] + b * U[v, q] + c * U[x, q] + d * U[y, q]
    return count
