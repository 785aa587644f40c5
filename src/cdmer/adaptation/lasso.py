"""Many small lassos with one Gram matrix, to their exact minima: ``p^T gram p / 2 - target^T p + bound |p|_1``.

Feature-sign search (Lee, Battle, Raina and Ng, NIPS 2006): on the active samples and their signs the minimum is a
linear system; where a sign would turn, its sample leaves; when none would, the sample whose gradient is farthest above
`bound` enters. The objective falls with each step, so no set comes twice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cdmer.jit import helper, kernel, summing_helper
from cdmer.threads import each

ROWS = 256  # at a time
MOST_STEPS = 100  # entries into the active set, for each sample

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Descent:
    """How many steps the longest row took, and by how much a gradient breaks its bound where `MOST_STEPS` ended it."""

    steps: int
    residual: float


def descend(P: Floats, gram: Floats, target: Floats, bound: float, positive: bool = False) -> Descent:
    """Bring each row of `P` to its minimum, in place.

    Parameters
    ----------
    P
        (rows, samples), C-contiguous: where to start. Near the minimum little is left to do.
    gram
        (samples, samples), symmetric and positive semi-definite.
    target
        (rows, samples).
    bound
        Weight of ``|p|_1``.
    positive
        Under ``p >= 0``, from rows that are.
    """
    if not P.flags.c_contiguous or P.dtype != np.float64:
        raise ValueError("P is changed in place: give C-contiguous doubles")
    gram, target = np.ascontiguousarray(gram), np.ascontiguousarray(target)

    def part(first: int) -> int:
        rows = slice(first, first + ROWS)
        return int(_descend(P[rows], gram, target[rows], float(bound), bool(positive), most))

    most = MOST_STEPS * len(gram)
    steps = max(each(part, range(0, len(P), ROWS)), default=0)
    return Descent(steps, _breach(P, gram, target, bound, positive) if steps == most else 0.0)


def _breach(P: Floats, gram: Floats, target: Floats, bound: float, positive: bool) -> float:
    """By how much a sample's gradient is at most off what a minimum allows, relative to the largest target."""
    pull = target - P @ gram
    inside = np.abs(pull - bound * np.sign(P))
    outside = np.maximum((pull if positive else np.abs(pull)) - bound, 0)
    return float(np.where(P == 0, outside, inside).max() / max(np.abs(target).max(), bound))


@kernel
def _descend(P: Floats, gram: Floats, target: Floats, bound: float, positive: bool, limit: int) -> int:
    """`descend` on checked arrays."""
    n_rows, n = P.shape
    L, x, active = np.empty((n, n)), np.empty(n), np.empty(n, np.int64)
    most = 0
    for row in range(n_rows):
        p, b = P[row], target[row]
        sign, barred = np.sign(p), np.zeros(n, np.bool_)
        m, factored = 0, 0
        for i in np.flatnonzero(p):
            active[m] = i
            m += 1
        steps = 0
        while steps < limit:
            while m:  # to the minimum on the active set
                factored = _factor(L, gram, active, factored, m)
                if factored == m:
                    leaver = _aim(L, x, p, b, active, sign, bound, m)
                    if leaver < 0:
                        break
                else:
                    leaver = _slide(L, x, p, gram, active, sign, factored)
                    if leaver < 0:  # rounding alone had let it in
                        leaver = factored
                        barred[active[leaver]] = True
                i = active[leaver]
                p[i], sign[i] = 0.0, 0.0
                active[leaver : m - 1] = active[leaver + 1 : m].copy()
                m -= 1
                factored = min(factored, leaver)
            entrant, pull = _farthest(p, b, gram, active, m, sign, barred, bound, positive)
            if entrant < 0:
                break
            sign[entrant] = np.sign(pull)
            active[m] = entrant
            m += 1
            steps += 1
        most = max(most, steps)
    return most


@summing_helper
def _farthest(
    p: Floats,
    b: Floats,
    gram: Floats,
    active: Integers,
    m: int,
    sign: Floats,
    barred: NDArray[np.bool_],
    bound: float,
    positive: bool,
) -> tuple[int, float]:
    """The sample outside whose gradient is farthest above `bound`, or -1, and its gradient."""
    gradient = b.copy()
    for i in active[:m]:
        value = p[i]
        for q in range(len(p)):
            gradient[q] -= value * gram[i, q]
    entrant, farthest = -1, bound + 1e-10 * bound + 1e-14 * np.abs(b).max()
    for i in range(len(p)):
        pull = gradient[i] if positive else abs(gradient[i])
        if sign[i] == 0 and not barred[i] and pull > farthest:
            entrant, farthest = i, pull
    return entrant, gradient[entrant]


@helper
def _aim(L: Floats, x: Floats, p: Floats, b: Floats, active: Integers, sign: Floats, bound: float, m: int) -> int:
    """Go towards the minimum of the active set as far as no sign turns; the place of the one that would, or -1."""
    for e in range(m):
        i = active[e]
        x[e] = b[i] - bound * sign[i]
    _solve(L, x, m)
    length, leaver = 1.0, -1
    for e in range(m):
        i = active[e]
        if x[e] * sign[i] <= 0:
            reach = p[i] / (p[i] - x[e]) if p[i] != x[e] else 0.0
            if reach < length:
                length, leaver = reach, e
    for e in range(m):
        i = active[e]
        p[i] = x[e] if leaver < 0 else p[i] + length * (x[e] - p[i])
    return leaver


@helper
def _slide(L: Floats, x: Floats, p: Floats, gram: Floats, active: Integers, sign: Floats, m: int) -> int:
    """Where sample `m` depends on those before it: go along the dependence, on which only ``|p|_1`` changes, down.

    The place of the sample that reaches 0 first, or -1 where there is no way down.
    """
    last = active[m]
    for e in range(m):
        x[e] = -gram[active[e], last]
    _solve(L, x, m)
    x[m] = 1.0
    slope = 0.0
    for e in range(m + 1):
        slope += sign[active[e]] * x[e]
    way = -1.0 if slope > 0 else 1.0
    if p[last] == 0 and way != sign[last]:
        return -1
    length, leaver = np.inf, -1
    for e in range(m + 1):
        i = active[e]
        if way * x[e] * sign[i] < 0 and -p[i] / (way * x[e]) < length:
            length, leaver = -p[i] / (way * x[e]), e
    if leaver >= 0:
        for e in range(m + 1):
            p[active[e]] += length * way * x[e]
    return leaver


@summing_helper
def _factor(L: Floats, gram: Floats, active: Integers, done: int, m: int) -> int:
    """Rows `done` to `m` of the Cholesky factor of the active samples' Gram matrix; stop at one that is singular."""
    for e in range(done, m):
        i = active[e]
        for f in range(e):
            total = gram[i, active[f]]
            for q in range(f):
                total -= L[e, q] * L[f, q]
            L[e, f] = total / L[f, f]
        rest = gram[i, i]
        for q in range(e):
            rest -= L[e, q] ** 2
        if rest <= 1e-12 * gram[i, i]:
            return e
        L[e, e] = np.sqrt(rest)
    return m


@summing_helper
def _solve(L: Floats, x: Floats, m: int) -> None:
    """``L L^T x' = x`` in place, the leading `m`."""
    for e in range(m):
        for q in range(e):
            x[e] -= L[e, q] * x[q]
        x[e] /= L[e, e]
    for e in range(m - 1, -1, -1):
        x[e] /= L[e, e]
        for q in range(e):
            x[q] -= L[e, q] * x[e]
