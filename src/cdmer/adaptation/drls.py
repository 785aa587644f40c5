"""Domain regeneration in the label space: labels regressed on clips so that the domains' mean labels agree."""

from cdmer.adaptation.base import Answer, Domains, Side, answer_by_score, one_hot
from cdmer.adaptation.regenerator import Floats, Regenerator


class DRLS(Regenerator):
    """Domain regeneration in the label space; the largest regressed label decides.

    Minimises ``|L - P^T K_s|^2 + lam |P^T d|^2 + mu |P|_1`` over `P` (samples, classes), where `L` are the one-hot
    labels of the source as columns, `K_s` the kernel of its clips with all clips, and `d` the difference of the
    domains' means in that kernel.

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
        (source clips and then target clips, classes), classes as in `order_`.
    objective_
        What is minimised, at `P_`.
    n_iter_
        Iterations until no entry of the split variables differed by 1e-8; ``converged``: most steps of any class.
    residual_
        That difference; ``converged``: how far the objective is at most above its minimum, relative to it.

    Notes
    -----
    The defaults are the middle of the ranges that the papers search (0.001 to 1000, 0.001 to 10, both in decades): no
    target label was looked at to find them.

    The published cells of TYPE-II that the released features carry come back; those of V->N and N->V (0.6620 and
    0.5771) do not: the authors' code on the authors' features gives 0.7209 and 0.8183.

    References
    ----------
    Zong, Zheng, Huang, Shi, Cui and Zhao, "Domain regeneration for cross-database micro-expression recognition",
    IEEE TIP 27(5), 2018.
    """

    def _goal(self, domains: Domains) -> tuple[slice, Floats]:
        return slice(0, len(domains.Xs)), one_hot(domains.code, domains.n_classes).T

    def _decide(self, domains: Domains, P: Floats, X: Floats, similar: Floats, side: Side) -> Answer:
        return answer_by_score(similar @ P)
