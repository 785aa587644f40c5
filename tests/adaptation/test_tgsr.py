"""TGSR: the authors' iteration, written out on whole vectors, and their published cells on the real features."""

import numpy as np
import pytest

from cdmer.adaptation.group_path import make_problem, solve
from cdmer.adaptation.tgsr import PRINTED, TGSR, paper_weights
from cdmer.evaluation import accuracy, uf1

from .real_features import CLASSES, load


def printed_iteration(Xs, code, Xt, kappa, xi, groups, most=10**4):
    """Algorithm 1 as its Lagrangian has it: C (features, classes) and the number of iterations."""
    n_classes = code.max() + 1
    difference = np.sqrt(xi) * (Xs.mean(axis=0) - Xt.mean(axis=0))
    X = np.concatenate([Xs, difference[None]]).T
    L = np.concatenate([np.eye(n_classes)[code], np.zeros((1, n_classes))])
    C, P, mu = np.ones((len(X), n_classes)), np.zeros((len(X), n_classes)), 1e-3
    for iteration in range(1, most):
        D = np.linalg.solve(mu * np.eye(len(X)) + 2 * X @ X.T, 2 * X @ L + P + mu * C)
        V = (D - P / mu).reshape(groups, -1)
        norms = np.linalg.norm(V, axis=1)
        theta = 0 if kappa >= groups else np.sort(norms)[::-1][kappa]
        C = (np.maximum(0, 1 - theta / norms)[:, None] * V).reshape(D.shape)
        if np.abs(C - D).max() < 1e-8:
            return C, iteration
        P, mu = P + mu * (C - D), 1.1 * mu
    raise AssertionError("it does not converge")


def domains(seed, n_source=12, n_target=9, n_features=40):
    rng = np.random.default_rng(seed)
    return rng.random((n_source, n_features)), np.arange(n_source) % 3, rng.random((n_target, n_features)) + 0.1


@pytest.mark.parametrize("kappa", [1, 3, 7, 8])
@pytest.mark.parametrize("xi", [0.003, 1.0, 300.0])
def test_equals_the_iteration_on_whole_vectors(kappa, xi):
    Xs, code, Xt = domains(kappa)
    model = TGSR(kappa, xi, n_blocks=8).fit(Xs, code, Xt)
    C, iterations = printed_iteration(Xs, code, Xt, kappa, xi, 8)
    assert model.n_iter_ == iterations
    np.testing.assert_allclose(model.coef_, C, atol=1e-9)
    assert len(model.blocks_) == kappa
    assert set(model.blocks_) == set(np.flatnonzero(np.abs(C.reshape(8, -1)).sum(axis=1)))
    assert model.residual_ < 1e-8


@pytest.mark.parametrize(("kappa", "xi"), [(1, 0.01), (2, 10.0)])
def test_equals_the_iteration_on_features_in_the_thousands(kappa, xi):
    """The first step then leaves so little of the ones that its norm is rounding, if taken from inner products."""
    rng = np.random.default_rng(15)
    code = np.arange(24) % 3
    Xs, Xt = 1e3 * rng.normal(size=(24, 20)), 1e3 * rng.normal(size=(16, 20))
    expected, n_iter = printed_iteration(Xs, code, Xt, kappa, xi, 5)
    model = TGSR(kappa=kappa, xi=xi, n_blocks=5).fit(Xs, code, Xt)
    assert model.n_iter_ == n_iter
    assert model.residual_ <= 1e-8
    np.testing.assert_allclose(model.coef_, expected, atol=1e-8 * np.abs(expected).max())


def test_all_groups_is_one_step_of_ridge_regression_towards_ones():
    Xs, code, Xt = domains(3)
    model = TGSR(8, 0.5, n_blocks=8).fit(Xs, code, Xt)
    X = np.concatenate([Xs, np.sqrt(0.5) * (Xs.mean(0) - Xt.mean(0))[None]]).T
    L = np.concatenate([np.eye(3)[code], np.zeros((1, 3))])
    np.testing.assert_allclose(model.coef_, np.linalg.solve(1e-3 * np.eye(40) + 2 * X @ X.T, 2 * X @ L + 1e-3))
    assert model.n_iter_ == 1


def test_points_in_a_batch_are_points_alone():
    """Points that end early leave the batch; the rest go on as if nothing had happened."""
    Xs, code, Xt = domains(5)
    problem = make_problem(Xs, Xt, code, 8)
    together = dict(solve(problem, [8, 1, 5, 3, 2, 8], 0.1))
    assert sorted(together) == list(range(6))
    for place, kappa in enumerate([8, 1, 5, 3, 2, 8]):
        _, alone = next(solve(problem, [kappa], 0.1))
        assert alone.n_iter == together[place].n_iter
        np.testing.assert_allclose(together[place].weights, alone.weights, atol=1e-10)


def objective(C, Xs, code, Xt, xi, lam, groups):
    difference = Xs.mean(axis=0) - Xt.mean(axis=0)
    rest = np.eye(3)[code] - Xs @ C
    norms = np.linalg.norm(C.reshape(groups, -1), axis=1)
    return (rest**2).sum() + xi * ((difference @ C) ** 2).sum() + lam * norms.sum()


def gradients(C, Xs, code, Xt, xi, groups):
    """Of the smooth part, group by group: their norms, and themselves."""
    difference = Xs.mean(axis=0) - Xt.mean(axis=0)
    G = 2 * Xs.T @ (Xs @ C - np.eye(3)[code]) + 2 * xi * np.outer(difference, difference @ C)
    return np.linalg.norm(G.reshape(groups, -1), axis=1), G.reshape(groups, -1)


@pytest.mark.parametrize("kappa", [1, 2, 4, 6])
@pytest.mark.parametrize("xi", [0.003, 1.0, 300.0])
def test_the_converged_solver_is_at_the_minimum(kappa, xi):
    """Conditions of optimality, the next group on the threshold, and accelerated proximal gradient steps from zero."""
    Xs, code, Xt = domains(kappa)
    model = TGSR(kappa, xi, n_blocks=8, solver="converged").fit(Xs, code, Xt)
    assert len(model.blocks_) == kappa
    C = model.coef_
    norms, G = gradients(C, Xs, code, Xt, xi, 8)
    inside = np.linalg.norm(C.reshape(8, -1), axis=1) > 0
    lam = norms[inside].mean()
    np.testing.assert_allclose(norms[inside], lam, rtol=1e-7)
    blocks = C.reshape(8, -1)[inside]
    np.testing.assert_allclose(G[inside], -lam * blocks / np.linalg.norm(blocks, axis=1, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(norms[~inside].max(), lam, rtol=1e-6)  # the next is about to enter
    difference = np.sqrt(xi) * (Xs.mean(axis=0) - Xt.mean(axis=0))
    length = 1 / (2 * np.linalg.norm(np.concatenate([Xs, difference[None]]), 2) ** 2)
    slow, ahead, momentum = np.zeros_like(C), np.zeros_like(C), 1.0
    for _ in range(20000):
        _, slope = gradients(ahead, Xs, code, Xt, xi, 8)
        moved = ahead.reshape(8, -1) - length * slope
        shrink = np.maximum(0, 1 - length * lam / np.linalg.norm(moved, axis=1, keepdims=True))
        new = (shrink * moved).reshape(C.shape)
        later = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead, slow, momentum = new + (momentum - 1) / later * (new - slow), new, later
    reached = objective(slow, Xs, code, Xt, xi, lam, 8)
    assert objective(C, Xs, code, Xt, xi, lam, 8) <= reached * (1 + 1e-9)


@pytest.mark.parametrize(("seed", "kappa"), [(2, 7), (3, 7), (11, 7)])
def test_the_converged_solver_does_not_stall_where_a_group_is_about_to_enter(seed, kappa):
    """There a Newton step gains less than the objective's digits show, and is right nevertheless."""
    rng = np.random.default_rng(seed)
    Xs, Xt = rng.random((18, 60)), rng.random((15, 60)) + 0.1
    model = TGSR(kappa=kappa, n_blocks=12, solver="converged").fit(Xs, np.arange(18) % 3, Xt)
    assert model.n_iter_ <= 5
    assert model.residual_ <= 1e-10


def test_the_converged_solver_without_sparsity_is_the_regression_of_least_norm():
    Xs, code, Xt = domains(3)
    model = TGSR(8, 0.5, n_blocks=8, solver="converged").fit(Xs, code, Xt)
    X = np.concatenate([Xs, np.sqrt(0.5) * (Xs.mean(0) - Xt.mean(0))[None]])
    L = np.concatenate([np.eye(3)[code], np.zeros((1, 3))])
    np.testing.assert_allclose(model.coef_, np.linalg.pinv(X) @ L, atol=1e-8)


def test_one_path_serves_all_counts():
    Xs, code, Xt = domains(4)
    points = [{"kappa": kappa, "xi": 0.2} for kappa in (5, 1, 8, 3)]
    scores = TGSR(n_blocks=8, solver="converged").decision_grid(Xs, code, Xt, points)
    for point, row in zip(points, scores, strict=True):
        alone = TGSR(**point, n_blocks=8, solver="converged").decision_grid(Xs, code, Xt, [{}])[0]
        np.testing.assert_allclose(row, alone, atol=1e-6)


def test_an_unknown_solver_is_refused():
    Xs, code, Xt = domains(0)
    with pytest.raises(ValueError, match="solver='newton': give schedule or converged"):
        TGSR(1, n_blocks=8, solver="newton").fit(Xs, code, Xt)


def test_features_that_are_no_equal_groups_are_refused():
    Xs, code, Xt = domains(0)
    with pytest.raises(ValueError, match="40 features are not 85 groups"):
        TGSR().fit(Xs, code, Xt)


def test_the_papers_grid():
    """Six ranges of 46 values, whose joints 0.01, 0.1, 1, 10 and 100 occur twice."""
    weights = paper_weights()
    assert len(weights) == 6 * 46 - 5
    assert (weights[0], weights[1], weights[45], weights[-1]) == (0.001, 0.0012, 0.01, 1000)
    points = TGSR.grid(71, 71, "paper")
    assert len(points) == 85 * 271
    inside = {(point["kappa"], point["xi"]) for point in points}
    assert PRINTED - inside == {(14, 4000.0)}  # the paper's own optimum of H->N lies outside its grid
    quick = {(point["kappa"], point["xi"]) for point in TGSR.grid(71, 71, "quick")}
    assert quick - inside == {(14, 4000.0)}


@pytest.mark.parametrize(
    ("source", "target", "kappa", "xi", "score", "right"),
    [
        ("SMIC_VIS", "SMIC_NIR", 12, 44, 0.6984, 0.7042),
        ("SMIC_NIR", "SMIC_VIS", 12, 280, 0.8403, 0.8451),
        ("CASME2", "SMIC_VIS", 85, 0.003, 0.5906, 0.5915),
        ("SMIC_VIS", "CASME2", 85, 0.028, 0.6403, 0.6385),
        ("CASME2", "SMIC_NIR", 85, 0.0016, 0.5239, 0.5352),  # prints 0.5697 and 0.5775, which no point gives
        ("SMIC_NIR", "CASME2", 75, 0.022, 0.4474, 0.4846),
    ],
)
def test_published_cells(real, source, target, kappa, xi, score, right):
    """At the printed optimum, on the released column order, whose groups are no facial blocks."""
    (Xs, ys), (Xt, yt) = load(real, source, "released"), load(real, target, "released")
    predicted = TGSR(kappa, xi).fit(Xs, ys, Xt).predict(Xt)
    assert round(uf1(yt, predicted, CLASSES), 4) == score
    assert round(accuracy(yt, predicted), 4) == right
