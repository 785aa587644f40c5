"""Target sample re-generator: target clips made anew so that they look like the source's."""

from cdmer.adaptation.base import Answer, Domains, Side
from cdmer.adaptation.machine import Machine
from cdmer.adaptation.regenerator import Floats, Regenerator


class TSRG(Regenerator):
    """Target sample re-generator (DRFS-S of the later paper), then a linear SVM.

    Minimises ``|Xs - P^T K_s|^2 + lam |P^T d|^2 + mu |P|_1`` over `P` (samples, features), where `Xs` are the source
    clips as columns, `K_s` their kernel with all clips, and `d` the difference of the domains' means in that kernel:
    ``P^T k(x)`` gives a source clip back and lets a target clip be like one. The machine learns from the raw source
    clips and judges regenerated clips.

    Parameters
    ----------
    lam
        Weight of the discrepancy between the domains' means.
    mu
        Weight of the sparsity of `P`.
    kernel
        A name of scikit-learn's pairwise kernels; the papers use ``linear``.
    solver
        ``schedule``: the authors' iteration as they run it, which starts from ones and stops where its growing penalty
        has brought it, slightly above the minimum; their published numbers are made so. ``converged``: the minimum.

    Attributes
    ----------
    P_
        (source clips and then target clips, features).
    objective_
        What is minimised, at `P_`.
    n_iter_
        Iterations until no entry of the split variables differed by 1e-8; ``converged``: most steps of any feature.
    residual_
        That difference; ``converged``: how far the objective is at most above its minimum, relative to it.

    Notes
    -----
    The defaults are the middle of the ranges that the papers search (0.001 to 1000, 0.001 to 10, both in decades): no
    target label was looked at to find them.

    References
    ----------
    Zong, Huang, Zheng, Cui and Zhao, "Learning a target sample re-generator for cross-database micro-expression
    recognition", ACM MM 2017; Zong, Zheng, Huang, Shi, Cui and Zhao, "Domain regeneration for cross-database
    micro-expression recognition", IEEE TIP 27(5), 2018.
    """

    def _goal(self, domains: Domains) -> tuple[slice, Floats]:
        return slice(0, len(domains.Xs)), domains.Xs.T

    def _decide(self, domains: Domains, P: Floats, X: Floats, similar: Floats, side: Side) -> Answer:
        machine = Machine(domains.Xs @ domains.Xs.T, domains.code)
        return machine.answer(similar @ (P @ domains.Xs.T))
