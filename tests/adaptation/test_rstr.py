"""RSTR: each turn is at its minimum, the objective falls, and what one block or equal weights must give."""

import numpy as np
import pytest
from scipy.optimize import nnls

from cdmer.adaptation import DRLS, RSTR


def domains(seed, n_source=9, n_target=7, n_features=40):
    rng = np.random.default_rng(seed)
    return rng.random((n_source, n_features)), np.arange(n_source) % 3, rng.random((n_target, n_features)) + 0.1


def kernels(Xs, Xt, n_blocks):
    """The papers' ``K_s^i`` and ``d^i``, block by block."""
    joint = np.concatenate([Xs, Xt])
    columns = np.arange(Xs.shape[1]).reshape(n_blocks, -1)
    Ks = np.array([joint[:, c] @ Xs[:, c].T for c in columns])
    Kt = np.array([joint[:, c] @ Xt[:, c].T for c in columns])
    return Ks, Ks.mean(axis=2) - Kt.mean(axis=2)


def objective(P, w, Xs, code, Xt, lam, mu, tau):
    Ks, d = kernels(Xs, Xt, len(w))
    rest = np.eye(3)[code].T - P.T @ np.tensordot(w, Ks, 1)
    return (rest**2).sum() + tau * w.sum() + mu * np.abs(P).sum() + lam * ((P.T @ (w @ d)) ** 2).sum()


@pytest.mark.parametrize("solver", ["converged", "schedule"])
def test_the_objective_is_what_it_says_and_falls(solver):
    Xs, code, Xt = domains(0)
    model = RSTR(10.0, 0.3, 0.05, n_blocks=8, solver=solver).fit(Xs, code, Xt)
    found = objective(model.P_, model.weights_, Xs, code, Xt, 10.0, 0.3, 0.05)
    np.testing.assert_allclose(model.objective_[-1], found, rtol=1e-9)
    assert model.n_iter_ == len(model.objective_) == 10
    if solver == "converged":
        assert (np.diff(model.objective_) <= 1e-9 * model.objective_[0]).all()


def test_the_weights_are_the_non_negative_lasso_of_the_last_turn():
    """``min |y - D w|^2 + tau sum w`` under ``w >= 0``, by non-negative least squares on its completed square."""
    Xs, code, Xt = domains(1)
    lam, mu, tau = 5.0, 0.2, 0.3
    model = RSTR(lam, mu, tau, n_blocks=8).fit(Xs, code, Xt)
    Ks, d = kernels(Xs, Xt, 8)
    D = np.array(
        [np.concatenate([(model.P_.T @ K).ravel(), np.sqrt(lam) * model.P_.T @ e]) for K, e in zip(Ks, d, strict=True)]
    ).T
    y = np.concatenate([np.eye(3)[code].T.ravel(), np.zeros(3)])
    factor = np.linalg.cholesky(D.T @ D + 1e-13 * np.eye(8))
    expected, _ = nnls(factor.T, np.linalg.solve(factor, D.T @ y - tau / 2))
    np.testing.assert_allclose(model.weights_, expected, atol=1e-6)


def test_one_block_and_one_round_is_drls(monkeypatch):
    """With one block of weight one, the step for `P` is label regression."""
    Xs, code, Xt = domains(2)
    monkeypatch.setattr("cdmer.adaptation.rstr.MOST_ROUNDS", 1)
    for solver in ("converged", "schedule"):
        model = RSTR(2.0, 0.2, 0.01, n_blocks=1, solver=solver).fit(Xs, code, Xt)
        expected = DRLS(2.0, 0.2, solver=solver).fit(Xs, code, Xt)
        np.testing.assert_allclose(model.P_, expected.P_, atol=1e-10)
        np.testing.assert_array_equal(model.predict(Xt), expected.predict(Xt))


def test_a_block_of_noise_gets_less_weight_than_one_that_tells_classes_apart():
    rng = np.random.default_rng(3)
    code = np.arange(30) % 3
    signal = np.eye(3)[code].repeat(3, axis=1)[:, :8] + 0.05 * rng.normal(size=(30, 8))
    Xs = np.concatenate([rng.normal(size=(30, 8)), signal, rng.normal(size=(30, 8))], axis=1)
    model = RSTR(0.1, 0.1, 0.05, n_blocks=3).fit(Xs, code, Xs + 0.01)
    assert model.weights_.argmax() == 1
    assert model.weights_[[0, 2]].max() < 0.2 * model.weights_[1]


def test_permuted_blocks_permute_weights():
    Xs, code, Xt = domains(4)
    order = np.random.default_rng(4).permutation(8)
    columns = np.arange(40).reshape(8, 5)[order].ravel()
    plain = RSTR(1.0, 0.2, 0.05, n_blocks=8).fit(Xs, code, Xt)
    moved = RSTR(1.0, 0.2, 0.05, n_blocks=8).fit(Xs[:, columns], code, Xt[:, columns])
    np.testing.assert_allclose(moved.weights_, plain.weights_[order], atol=1e-7)


def test_all_sparsity_is_no_regression_at_all():
    Xs, code, Xt = domains(5)
    model = RSTR(1.0, 1e6, 0.05, n_blocks=8).fit(Xs, code, Xt)
    assert not model.P_.any()
    assert not model.weights_.any()
    np.testing.assert_array_equal(model.predict(Xt), np.zeros(7))  # scores are equal: the class that came first


def test_features_that_are_no_equal_blocks_are_refused():
    Xs, code, Xt = domains(0)
    with pytest.raises(ValueError, match="40 features are not 85 groups"):
        RSTR().fit(Xs, code, Xt)


def test_the_papers_grid():
    points = RSTR.grid(71, 71, "paper")
    assert len({tuple(point.values()) for point in points}) == 3000
    assert points[0] == {"lam": 0.1, "mu": 0.1, "tau": 0.01}
    assert points[-1] == {"lam": 10000.0, "mu": 5.0, "tau": 0.1}
