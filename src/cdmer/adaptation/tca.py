"""Transfer component analysis: directions along which the domains' means agree and the variance is kept."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from cdmer.adaptation.base import COUNT, POSITIVE, AdaptationClassifier, Answer, Budget, Domains, Point, Side
from cdmer.adaptation.machine import Machine


class TCA(AdaptationClassifier):
    """Unsupervised transfer component analysis with a linear kernel, then a linear SVM on the components.

    With `K` the joint kernel of source and target, the components are the leading eigenvectors of
    ``(K L K + mu I)^-1 K H K``, `L` the matrix of the mean discrepancy and `H` the centring matrix, each of unit
    length. The matrix is not symmetric; its eigenvectors are those of the symmetric-definite pencil ``(K H K,
    K L K + mu I)``. As ``K L K`` has rank one, the pencil's square root is known in closed form, and they come from a
    singular value decomposition, which forms no square of the kernel and so is exact whatever the features' scale.

    Parameters
    ----------
    mu
        Weight of the components' complexity.
    dim
        Number of components.
    C
        Cost of a violated margin of the SVM.

    Attributes
    ----------
    components_
        (source and target clips, dim): a clip `x` is mapped to ``k(x)^T components_``.

    References
    ----------
    Pan, Tsang, Kwok and Yang, "Domain adaptation via transfer component analysis", IEEE TNN 22(2), 2011, eq. 14.
    Components of unit length, the raw features and all dimensions are what gives TGSR's Tables II and III.
    """

    searched = ("dim",)
    allowed: ClassVar = {"mu": POSITIVE, "dim": COUNT, "C": POSITIVE}

    def __init__(self, mu: float = 1.0, dim: int = 30, C: float = 1.0) -> None:
        self.mu = mu
        self.dim = dim
        self.C = C

    @staticmethod
    def grid(n_source: int, n_target: int, budget: Budget) -> list[dict[str, Any]]:
        """All dimensions (TGSR, Section III-A)."""
        return [{"dim": dim} for dim in range(1, n_source + n_target + 1)]

    def _fit(self, domains: Domains) -> None:
        self._samples = domains.joint
        kernel = self._samples @ self._samples.T
        self.components_ = transfer_components(kernel, len(domains.Xs), self.mu)[:, : self.dim]
        self._source = kernel[: len(domains.Xs)] @ self.components_
        self._machine = Machine(self._source @ self._source.T, domains.code, self.C)
        self.residual_ = self._machine.residual

    def _answer(self, X: NDArray[np.float64], side: Side) -> Answer:
        mapped = X @ self._samples.T @ self.components_
        return self._machine.answer(mapped @ self._source.T)

    def _answer_grid(
        self, domains: Domains, points: Sequence[Point], X: NDArray[np.float64], side: Side
    ) -> tuple[list[Answer], list[float]]:
        """One decomposition for all dimensions; each dimension adds a rank-one term to the machine's kernel."""
        if not self._is_of_searched(points):
            return super()._answer_grid(domains, points, X, side)
        n_source = len(domains.Xs)
        samples = domains.joint
        kernel = samples @ samples.T
        components = transfer_components(kernel, n_source, self.mu)
        mapped = np.concatenate([kernel[:n_source] @ components, X @ samples.T @ components])
        dims = [min(*self._values(point), components.shape[1]) for point in points]
        answers: dict[int, Answer] = {}
        machine_kernel = np.zeros((len(mapped), n_source))
        done = 0
        for dim in sorted(set(dims)):
            machine_kernel += mapped[:, done:dim] @ mapped[:n_source, done:dim].T
            done = dim
            answers[dim] = Machine(machine_kernel[:n_source], domains.code, self.C).answer(machine_kernel[n_source:])
        return [answers[dim] for dim in dims], [0.0] * len(dims)


def transfer_components(kernel: NDArray[np.float64], n_source: int, mu: float) -> NDArray[np.float64]:
    """All transfer components of a joint kernel (samples, samples), source first, as columns of unit length.

    The largest eigenvalue comes first.
    """
    n_target = len(kernel) - n_source
    discrepancy = kernel[:, :n_source].sum(axis=1) / n_source - kernel[:, n_source:].sum(axis=1) / n_target
    length = np.linalg.norm(discrepancy)
    axis = discrepancy / length if length else discrepancy
    damping = 1 - np.sqrt(mu / (mu + length**2))

    def whiten(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(rows - damping * np.outer(rows @ axis, axis))

    # the right singular vectors of `H K` in coordinates in which the penalty is `mu I`: no square is formed
    vectors = scipy.linalg.svd(whiten(kernel - kernel.mean(axis=0)))[2]
    components = whiten(vectors).T
    return np.asarray(components / np.linalg.norm(components, axis=0))
