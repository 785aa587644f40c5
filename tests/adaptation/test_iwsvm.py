"""IWSVM: uLSIF's leave-one-out score by leaving out one, its ratio by a known one, weights in LIBSVM."""

import numpy as np
import pytest

from cdmer.adaptation import IWSVM, SVM
from cdmer.adaptation.iwsvm import CANDIDATES, _kernels, _left_out_scores, density_ratio
from cdmer.adaptation.machine import Machine


@pytest.mark.parametrize(("n_source", "n_target"), [(12, 9), (9, 12)])
def test_the_leave_one_out_score_is_that_of_leaving_out_one(n_source, n_target):
    """Each term by a fit without the i-th clip of both domains; the centres stay."""
    rng = np.random.default_rng(0)
    Xs, Xt = rng.normal(size=(n_source, 2)), rng.normal(size=(n_target, 2)) + 0.5
    squared_s, squared_t = (((Xt[:, None] - X[None]) ** 2).sum(axis=2) for X in (Xs, Xt))
    for sigma in (0.3, 1.0):
        of_source, of_target = _kernels(squared_s, squared_t, sigma)
        fast = _left_out_scores(of_source, of_target)
        for lam, score in zip(CANDIDATES, fast, strict=True):
            terms = []
            for i in range(min(n_source, n_target)):
                S, T = np.delete(of_source, i, axis=1), np.delete(of_target, i, axis=1)
                H = S @ S.T / (n_source - 1) + lam * np.eye(n_target)
                alpha = np.maximum(0, np.linalg.solve(H, T.mean(axis=1)))
                terms.append((of_source[:, i] @ alpha) ** 2 / 2 - of_target[:, i] @ alpha)
            np.testing.assert_allclose(score, np.mean(terms), rtol=1e-8, atol=1e-12)


def test_the_ratio_of_two_gaussians_comes_back():
    rng = np.random.default_rng(1)
    Xs, Xt = rng.normal(0, 1, (400, 1)), rng.normal(0.7, 0.7, (300, 1))
    found, _, _ = density_ratio(Xs, Xt)
    x = Xs[:, 0]
    true = np.exp(-((x - 0.7) ** 2) / (2 * 0.49) + x**2 / 2) / 0.7
    assert np.corrcoef(found, true)[0, 1] > 0.85
    assert abs(found.mean() - 1) < 0.15


def test_weights_multiply_costs():
    """A clip of weight 2 is that clip twice."""
    rng = np.random.default_rng(2)
    Xs, Xt = rng.normal(size=(12, 4)), rng.normal(size=(30, 4))
    ys = np.arange(12) % 3
    model = IWSVM().fit(Xs, ys, Xt)
    assert model.weights_.mean() == pytest.approx(1)
    weights = np.where(np.arange(12) < 4, 2.0, 1.0)
    twice = np.concatenate([Xs, Xs[:4]])
    weighted = Machine(Xs @ Xs.T, ys, 0.1, weights).answer(Xt @ Xs.T)
    repeated = Machine(twice @ twice.T, np.concatenate([ys, ys[:4]]), 0.1).answer(Xt @ twice.T)
    np.testing.assert_allclose(weighted.scores, repeated.scores, atol=5e-3)


def test_a_domain_that_is_the_source_has_even_weights_and_a_far_one_is_the_svm():
    rng = np.random.default_rng(3)
    Xs, new = rng.normal(size=(60, 2)), rng.normal(size=(30, 2))
    ys = np.arange(60) % 3
    assert IWSVM().fit(Xs, ys).weights_.std() < 0.35
    far = IWSVM().fit(Xs, ys, Xs + 1e6)
    np.testing.assert_array_equal(far.weights_, 1)
    np.testing.assert_array_equal(far.predict(new), SVM().fit(Xs, ys).predict(new))


def test_one_target_clip_will_do():
    rng = np.random.default_rng(4)
    model = IWSVM().fit(rng.normal(size=(9, 3)), np.arange(9) % 3, rng.normal(size=(1, 3)))
    assert np.isfinite(model.weights_).all()
