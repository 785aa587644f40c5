"""Selective transfer machine: source clips are weighted while the machine that they train is learnt."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from sklearn.base import clone
from sklearn.svm import SVC

from cdmer.adaptation.base import POSITIVE, AdaptationClassifier, Answer, Budget, Domains, Point, Side, answer_by_score
from cdmer.adaptation.lasso import descend
from cdmer.adaptation.machine import train
from cdmer.progress import progress

RIDGE = 1e-10  # of the kernel's mean diagonal, so that its quadratic form has one minimum
MOST_ROUNDS = 100
MACHINE_TOLERANCE = 1e-5  # below the benchmark's, or rounds would take turns around it
PAPER_LAM = (
    *(step / 1000 for step in range(1, 10)),
    *(step / 100 for step in range(1, 10)),
    *(step / 10 for step in range(1, 11)),
    *(float(step) for step in range(2, 101)),
    1000.0,
    10000.0,
)

Floats = NDArray[np.float64]


class STM(AdaptationClassifier):
    """Selective transfer machine: one weighted linear SVM for each class against the rest.

    Each minimises ``|v|^2 / 2 + C sum_i s_i loss_i + lam (s^T K s / 2 - kappa^T s)`` over the machine (`v` and its
    offset) and the weights `s` of the source's clips, where ``loss_i`` is the hinge loss, `K` the source's kernel and
    ``kappa_i = ns / nt sum_j k(x_i, target clip j)``: the last term brings the weighted source's mean to the target's.
    Weights are not negative, and their sum stays within ``ns (1 +- eps)``, ``eps = 1 - 1 / sqrt(ns)``. Machine and
    weights take turns, from weights of one, until no weight changes by `tolerance`.

    Parameters
    ----------
    lam
        Weight of the match of the means.
    C
        Cost of a violated margin.

    Attributes
    ----------
    weights_
        (classes, source clips), classes as in `order_`.
    objective_
        For each class, what is minimised, after each round.
    n_iter_
        Rounds of the class that took most.
    residual_
        Largest change of a weight in the last round, or what the last machine or weights are short of their end.

    Notes
    -----
    The default weighs both terms alike; no target label was looked at to find it. The customary bound of 1000 on a
    weight is left out: the bound on their sum is below it for fewer than 500 clips. One class against the rest is
    a choice, since the paper has two classes; the published cells do not come back (docs/adaptation.md).

    References
    ----------
    Chu, De la Torre and Cohn, "Selective transfer machine for personalized facial action unit detection", CVPR 2013,
    eqs. 1 to 5; TGSR, Section III-A, for the grid.
    """

    searched = ("lam",)
    allowed: ClassVar = {"lam": POSITIVE, "C": POSITIVE}
    tolerance = 1e-3

    def __init__(self, lam: float = 1.0, C: float = 1.0) -> None:
        self.lam = lam
        self.C = C

    @staticmethod
    def grid(n_source: int, n_target: int, budget: Budget) -> list[dict[str, Any]]:
        """The paper's 129 values (TGSR, Section III-A); ``quick``: one in each decade."""
        if budget == "paper":
            return [{"lam": lam} for lam in PAPER_LAM]
        return [{"lam": 10.0**power} for power in range(-3, 5)]

    def _fit(self, domains: Domains) -> None:
        kernel, similar = domains.Xs @ domains.Xs.T, domains.Xs @ domains.Xt.T
        self._learn(kernel, similar, domains)
        self._source = domains.Xs

    def _learn(self, kernel: Floats, similar: Floats, domains: Domains) -> None:
        """Learn from the source's kernel and its kernel with the target."""
        self.weights_ = np.empty((domains.n_classes, len(kernel)))
        self.objective_: list[list[float]] = []
        self._machines = []
        matching = _Matching(kernel, similar.mean(axis=1) * len(kernel))
        residuals = []
        for label in range(domains.n_classes):
            signs = np.where(domains.code == label, 1.0, -1.0)
            machine, residual = self._alternate(matching, signs, self.weights_[label])
            self._machines.append(machine)
            residuals.append(residual)
        self.n_iter_ = max(len(values) for values in self.objective_)
        self.residual_ = max(residuals)

    def _alternate(self, matching: "_Matching", signs: Floats, weights: Floats) -> tuple[SVC, float]:
        """Take turns; fill `weights`, append to `objective_`, return the machine and how far all is from its end."""
        weights[:] = 1.0
        positive = (signs > 0).astype(np.intp)
        objective: list[float] = []
        change = np.inf
        for _ in range(MOST_ROUNDS):
            # a weight of nothing would take its clip, and perhaps its class, out of LIBSVM's sight
            costs = np.maximum(weights, np.finfo(float).eps)
            machine, unfinished = train(matching.kernel, positive, self.C, MACHINE_TOLERANCE, costs)
            decision = machine.decision_function(matching.kernel)
            loss = np.maximum(0, 1 - signs * decision)
            chosen, short = matching.minimise(self.C / self.lam * loss, weights)
            unfinished = max(unfinished, short)
            change = float(np.abs(chosen - weights).max())
            weights[:] = chosen
            support, dual = machine.support_, machine.dual_coef_[0]
            norm = dual @ matching.kernel[np.ix_(support, support)] @ dual
            objective.append(float(norm / 2 + self.C * weights @ loss + self.lam * matching.value(weights)))
            if change < self.tolerance or unfinished:
                break
        self.objective_.append(objective)
        return machine, max(change, unfinished)

    def _answer(self, X: Floats, side: Side) -> Answer:
        return self._judge(X @ self._source.T)

    def _judge(self, kernel: Floats) -> Answer:
        """The class with the largest decision value, of a kernel (clips, source clips)."""
        return answer_by_score(np.column_stack([machine.decision_function(kernel) for machine in self._machines]))

    def _answer_grid(
        self, domains: Domains, points: Sequence[Point], X: Floats, side: Side
    ) -> tuple[list[Answer], list[float]]:
        """One kernel for all points."""
        if not self._is_of_searched(points):
            return super()._answer_grid(domains, points, X, side)
        kernel, similar, judged = (domains.Xs @ other.T for other in (domains.Xs, domains.Xt, X))
        answers, residuals = [], []
        for point in progress(points, "STM", unit="point"):
            model = clone(self).set_params(**point)
            model._learn(kernel, similar, domains)
            answers.append(model._judge(judged.T))
            residuals.append(model.residual_)
        return answers, residuals


class _Matching:
    """The step for the weights: ``min_s s^T K s / 2 + (cost - kappa)^T s``, ``s >= 0``, its sum between two bounds."""

    def __init__(self, kernel: Floats, kappa: Floats) -> None:
        self.kernel = kernel
        self._kappa = kappa
        self._gram = kernel + RIDGE * kernel.diagonal().mean() * np.eye(len(kernel))
        n = len(kernel)
        self._least, self._most = np.sqrt(n), 2 * n - np.sqrt(n)

    def value(self, s: Floats) -> float:
        """What is minimised, without the cost."""
        return float(s @ self.kernel @ s / 2 - self._kappa @ s)

    def minimise(self, cost: Floats, start: Floats) -> tuple[Floats, float]:
        """The minimum, from any `start`, and what it is short of being one.

        Where the sum, left free, breaks a bound, a price on weight holds it there.
        """
        pull = (self._kappa - cost)[None]
        s: Floats = start[None].copy()
        short = 0.0

        def excess(price: float, bound: float) -> float:
            """By how much the weights' sum is above the bound where each costs `price`; it falls with the price."""
            nonlocal short
            short = descend(s, self._gram, pull - price, 0.0, True).residual
            return float(s.sum() - bound)

        free = excess(0.0, 0.0)
        if self._least <= free <= self._most:
            return s[0], short
        bound = self._most if free > self._most else self._least
        way = 1.0 if free > self._most else -1.0
        far = way * np.abs(pull).max()
        while way * excess(far, bound) > 0:
            far *= 2
        price = brentq(excess, min(0.0, far), max(0.0, far), args=(bound,), xtol=1e-12 * abs(far), rtol=1e-14)
        excess(price, bound)
        return s[0], short
