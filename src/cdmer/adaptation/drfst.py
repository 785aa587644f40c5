"""Domain regeneration in the target's feature space: source clips made anew so that they look like the target's."""

from cdmer.adaptation.base import Answer, Domains, Side
from cdmer.adaptation.machine import Machine
from cdmer.adaptation.regenerator import Floats, Regenerator


class DRFST(Regenerator):
    """Domain regeneration in the original feature space with the target unchanged (DRFS-T), then a linear SVM.

    TSRG with the domains' roles exchanged: minimises ``|Xt - P^T K_t|^2 + lam |P^T d|^2 + mu |P|_1``. The machine
    learns from regenerated source clips and judges raw target clips.

    Parameters
    ----------
    lam
        Weight of the discrepancy between the domains' means.
    mu
        Weight of the sparsity of `P`.
    kernel
        A name of scikit-learn's pairwise kernels; the paper uses ``linear``.
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
    Zong, Zheng, Huang, Shi, Cui and Zhao, "Domain regeneration for cross-database micro-expression recognition",
    IEEE TIP 27(5), 2018.
    """

    def _goal(self, domains: Domains) -> tuple[slice, Floats]:
        return slice(len(domains.Xs), None), domains.Xt.T

    def _decide(self, domains: Domains, P: Floats, X: Floats, similar: Floats, side: Side) -> Answer:
        source = self._kernel(domains.joint, domains.Xs)
        inner = P @ P.T @ source
        machine = Machine(source.T @ inner, domains.code)
        return machine.answer(similar @ inner if side == "source" else X @ (P.T @ source))
