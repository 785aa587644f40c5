"""STM: the step for the weights against a general solver, a falling objective, and a finding about published cells."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.svm import SVC

from cdmer.adaptation import STM
from cdmer.adaptation.stm import PAPER_LAM, _Matching
from cdmer.evaluation import accuracy, uf1

from .published_cells import FILES
from .real_features import CLASSES, load


@pytest.mark.parametrize("scale", [0.0, 0.02, 1.0, 50.0])
def test_the_weights_are_the_minimum_under_their_bounds(scale):
    """By sequential least squares; the scale of `kappa` moves the sum from its lower to its upper bound."""
    rng = np.random.default_rng(0)
    X = rng.random((9, 12))
    kernel, kappa, cost = X @ X.T, scale * 9 * (X @ rng.random(12)), rng.random(9)
    found, short = _Matching(kernel, kappa).minimise(cost, np.ones(9))
    assert short == 0
    assert found.min() >= 0
    assert 3 - 1e-9 <= found.sum() <= 15 + 1e-9

    def objective(s):
        return s @ kernel @ s / 2 + (cost - kappa) @ s

    slow = minimize(
        objective,
        np.ones(9),
        jac=lambda s: kernel @ s + cost - kappa,
        method="SLSQP",
        bounds=[(0, None)] * 9,
        constraints=[
            {"type": "ineq", "fun": lambda s: s.sum() - 3, "jac": lambda s: np.ones(9)},
            {"type": "ineq", "fun": lambda s: 15 - s.sum(), "jac": lambda s: -np.ones(9)},
        ],
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    np.testing.assert_allclose(objective(found), slow.fun, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(found, slow.x, atol=1e-3)


def test_a_kernel_of_low_rank_leaves_the_sum_to_its_bounds():
    X = np.random.default_rng(1).normal(size=(16, 2))
    found, _ = _Matching(X @ X.T, np.full(16, 5.0)).minimise(np.zeros(16), np.ones(16))
    np.testing.assert_allclose(found.sum(), 28, rtol=1e-5)
    assert found.min() >= 0


def test_the_objective_falls_until_the_weights_stand():
    rng = np.random.default_rng(2)
    Xs, Xt = rng.random((16, 10)), rng.random((12, 10)) + 0.2
    model = STM(lam=0.3).fit(Xs, np.arange(16) % 3, Xt)
    for values in model.objective_:
        assert (np.diff(values) <= 1e-4 * np.abs(values[0])).all()
    assert model.residual_ < 1e-3
    assert max(map(len, model.objective_)) == model.n_iter_


def test_a_strong_match_brings_the_means_together():
    """With ten times as many clips as features the weighted source's mean can be the target's."""
    rng = np.random.default_rng(3)
    Xs, Xt = rng.normal(size=(60, 3)) + 3, rng.normal(0, 0.5, (40, 3)) + 3.4
    model = STM(lam=1e4).fit(Xs, np.arange(60) % 3, Xt)
    for weights in model.weights_:
        np.testing.assert_allclose(weights @ Xs / 60, Xt.mean(axis=0), atol=1e-4)


def test_the_papers_grid():
    assert len(PAPER_LAM) == len(set(PAPER_LAM)) == 129
    assert [point["lam"] for point in STM.grid(71, 71, "paper")] == list(PAPER_LAM)


@pytest.mark.parametrize(("experiment", "score", "right"), [("V->N", 0.6620, 0.6901), ("N->V", 0.5771, 0.6197)])
def test_the_cells_printed_for_drls_are_those_of_one_class_against_the_rest(real, experiment, score, right):
    """TGSR's Table II prints for DRLS what an unadapted linear machine gives, one class against the rest."""
    (Xs, ys), (Xt, yt) = (load(real, FILES[letter]) for letter in experiment.split("->"))
    order = list(dict.fromkeys(ys))
    machines = [SVC(kernel="linear", tol=1e-3).fit(Xs, ys == label) for label in order]
    predicted = np.array(order)[np.argmax([machine.decision_function(Xt) for machine in machines], axis=0)]
    assert round(uf1(yt, predicted, CLASSES), 4) == score
    assert round(accuracy(yt, predicted), 4) == right
