"""Importance-weighted SVM: source clips count for as much as they are like the target."""

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from cdmer.adaptation.base import AdaptationClassifier, Answer, Domains, Side
from cdmer.adaptation.machine import Machine

CANDIDATES = np.logspace(-3, 1, 9)  # of sigma and of lambda

Floats = NDArray[np.float64]


class IWSVM(AdaptationClassifier):
    """Linear SVM whose costs are weighted by the density ratio of target to source (uLSIF).

    The ratio is modelled as a non-negative sum of Gaussians around all target clips; their width and the
    regularisation are those of 9 x 9 candidates with the best leave-one-out score, which needs no labels. Weights are
    divided by their mean, so that `C` means what it means in the plain SVM.

    Parameters
    ----------
    C
        Cost of a violated margin.

    Attributes
    ----------
    weights_
        (source clips,) of mean 1.
    sigma_, lam_
        Width and regularisation that were chosen.

    Notes
    -----
    The original draws at most 100 of the target clips as centres; here all are, so that nothing is random. Where no
    source clip is like the target by any candidate, all weights are one. The published cells do not come back with
    any normalisation that was tried (docs/adaptation.md).

    References
    ----------
    Hachiya, Sugiyama and Ueda, "Importance-weighted least-squares probabilistic classifier for covariate shift
    adaptation", Neurocomputing 80, 2012; Kanamori, Hido and Sugiyama, "A least-squares approach to direct importance
    estimation", JMLR 10, 2009, section 3 and figure 1.
    """

    def __init__(self, C: float = 1.0) -> None:
        self.C = C

    def _fit(self, domains: Domains) -> None:
        weights, self.sigma_, self.lam_ = density_ratio(domains.Xs, domains.Xt)
        self.weights_ = weights / weights.mean() if weights.any() else np.ones(len(weights))
        self._source = domains.Xs
        # a class whose clips all weigh nothing would leave LIBSVM without it
        costs = np.maximum(self.weights_, np.finfo(float).eps)
        self._machine = Machine(domains.Xs @ domains.Xs.T, domains.code, self.C, costs)
        self.residual_ = self._machine.residual

    def _answer(self, X: Floats, side: Side) -> Answer:
        return self._machine.answer(X @ self._source.T)


def density_ratio(Xs: Floats, Xt: Floats) -> tuple[Floats, float, float]:
    """Target's density over source's at the source's clips, by unconstrained least-squares importance fitting.

    Returns
    -------
    weights, sigma, lam
        (source clips,) not normalised, and the width and the regularisation with the best leave-one-out score.
    """
    squared_s, squared_t = (cdist(Xt, X, "sqeuclidean") for X in (Xs, Xt))
    scores = {
        (float(sigma), float(lam)): score
        for sigma in CANDIDATES
        for lam, score in zip(CANDIDATES, _left_out_scores(*_kernels(squared_s, squared_t, sigma)), strict=True)
    }
    sigma, lam = min(scores, key=lambda pair: scores[pair])
    of_source, of_target = _kernels(squared_s, squared_t, sigma)
    H = of_source @ of_source.T / of_source.shape[1] + lam * np.eye(len(of_source))
    alpha = np.maximum(0, scipy.linalg.solve(H, of_target.mean(axis=1), assume_a="pos"))
    return of_source.T @ alpha, sigma, lam


def _kernels(squared_s: Floats, squared_t: Floats, sigma: float) -> tuple[Floats, Floats]:
    """Gaussians around the centres at the source's and the target's clips: (centres, clips) each."""
    return np.exp(-squared_s / (2 * sigma**2)), np.exp(-squared_t / (2 * sigma**2))


def _left_out_scores(of_source: Floats, of_target: Floats) -> list[float]:
    """The criterion of each candidate `lam` with the i-th clip of both domains left out, without training anew.

    ``mean(w(source clip)^2) / 2 - mean(w(target clip))``, over as many clips as the smaller domain has (Kanamori et
    al., section 3.3); one eigensystem serves all candidates.
    """
    n_source, n_target = of_source.shape[1], of_target.shape[1]
    if n_target == 1:  # nothing is left to fit a ratio to
        return [0.0] * len(CANDIDATES)
    count = min(n_source, n_target)
    values, axes = scipy.linalg.eigh(of_source @ of_source.T / n_source)
    s, t = axes.T @ of_source[:, :count], axes.T @ of_target[:, :count]
    h = axes.T @ of_target.mean(axis=1)
    scores = []
    for lam in CANDIDATES:
        damped = 1 / (np.maximum(values, 0) + lam * (n_source - 1) / n_source)
        Bs, Bt, Bh = damped[:, None] * s, damped[:, None] * t, damped * h
        rest = n_source - (s * Bs).sum(axis=0)
        B0 = Bh[:, None] + Bs * ((h @ Bs) / rest)
        B1 = Bt + Bs * ((t * Bs).sum(axis=0) / rest)
        alpha = (n_source - 1) / (n_source * (n_target - 1)) * (n_target * B0 - B1)
        alpha = np.maximum(0, axes @ alpha)
        ratio_s = (of_source[:, :count] * alpha).sum(axis=0)
        ratio_t = (of_target[:, :count] * alpha).sum(axis=0)
        scores.append(float((ratio_s**2).mean() / 2 - ratio_t.mean()))
    return scores
