"""TSRG, DRFST and DRLS: the authors' iteration written out, the minimum by general solvers, published numbers."""

import numpy as np
import pytest
from scipy.optimize import minimize

from cdmer.adaptation import DRFST, DRLS, SVM, TSRG
from cdmer.adaptation.lasso import descend
from cdmer.adaptation.regeneration import follow_schedule, make_regeneration, minimise
from cdmer.store.released import read_released

from .published_cells import assert_best_is

METHODS = pytest.mark.parametrize("method", [TSRG, DRFST, DRLS])


def domains(seed, n_source=8, n_target=7, n_features=30):
    rng = np.random.default_rng(seed)
    return rng.random((n_source, n_features)), np.arange(n_source) % 3, rng.random((n_target, n_features)) + 0.1


def printed(method, Xs, code, Xt):
    """``A``, ``K_A`` and ``d`` as the papers define them, columns clips, rows of the kernel source then target."""
    joint = np.concatenate([Xs, Xt])
    kernels = {"source": joint @ Xs.T, "target": joint @ Xt.T}
    d = kernels["source"].mean(axis=1) - kernels["target"].mean(axis=1)
    if method is DRLS:
        return np.eye(code.max() + 1)[code].T, kernels["source"], d
    return (Xs.T, kernels["source"], d) if method is TSRG else (Xt.T, kernels["target"], -d)


def objective(P, A, K, d, lam, mu):
    return ((A - P.T @ K) ** 2).sum() + lam * ((P.T @ d) ** 2).sum() + mu * np.abs(P).sum()


def printed_iteration(A, K, d, lam, mu):
    """The augmented Lagrangian as the authors run it, on whole matrices."""
    M = np.column_stack([K, np.sqrt(lam) * d])
    P, T, k = np.ones((len(K), len(A))), np.ones((len(K), len(A))), 1e-3
    for iteration in range(1, 10**4):
        Q = np.linalg.solve(M @ M.T + k / 2 * np.eye(len(M)), K @ A.T + (k * P + T) / 2)
        V = Q - T / k
        P = np.sign(V) * np.maximum(np.abs(V) - mu / k, 0)
        if np.abs(P - Q).max() < 1e-8:
            return P, iteration
        T, k = T + k * (P - Q), 1.1 * k
    raise AssertionError("it does not converge")


@METHODS
@pytest.mark.parametrize(("lam", "mu"), [(1.0, 0.1), (0.001, 0.005), (100.0, 3.0), (1.0, 200.0)])
def test_the_schedule_is_the_authors_iteration(method, lam, mu):
    Xs, code, Xt = domains(1)
    model = method(lam=lam, mu=mu).fit(Xs, code, Xt)
    expected, iterations = printed_iteration(*printed(method, Xs, code, Xt), lam, mu)
    assert model.n_iter_ == iterations
    np.testing.assert_allclose(model.P_, expected, atol=1e-7)
    np.testing.assert_allclose(model.objective_, objective(expected, *printed(method, Xs, code, Xt), lam, mu))


@METHODS
@pytest.mark.parametrize(("lam", "mu"), [(1.0, 0.1), (0.001, 0.005), (100.0, 3.0), (1.0, 200.0)])
def test_the_converged_solver_is_at_the_minimum(method, lam, mu):
    """Against a bound-constrained quasi-Newton method on ``P = plus - minus``, and the schedule's own end."""
    Xs, code, Xt = domains(2, n_features=6)
    A, K, d = printed(method, Xs, code, Xt)
    model = method(lam=lam, mu=mu, solver="converged").fit(Xs, code, Xt)
    assert model.residual_ < 1e-8
    found = objective(model.P_, A, K, d, lam, mu)
    np.testing.assert_allclose(model.objective_, found)
    shape = model.P_.shape

    def split(z):
        P = (z[: len(z) // 2] - z[len(z) // 2 :]).reshape(shape)
        gradient = (2 * K @ (K.T @ P - A.T) + 2 * lam * np.outer(d, d @ P)).ravel()
        smooth = objective(P, A, K, d, lam, 0.0)
        return smooth + mu * z.sum(), np.concatenate([gradient + mu, mu - gradient])

    start = np.concatenate([np.maximum(model.P_, 0).ravel(), np.maximum(-model.P_, 0).ravel()])
    for z in (start, np.zeros_like(start)):
        slow = minimize(
            split, z, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(z),
            options={"maxiter": 20000, "maxfun": 40000, "ftol": 1e-15, "gtol": 1e-10},
        )  # fmt: skip
        assert found <= slow.fun * (1 + 1e-8)
    assert found <= objective(printed_iteration(A, K, d, lam, mu)[0], A, K, d, lam, mu)


@METHODS
def test_the_minimum_keeps_the_conditions_of_optimality(method):
    """More features than the quasi-Newton method can take, samples as good as dependent included."""
    Xs, code, Xt = domains(3, 12, 9, 300)
    Xt[3] = Xs[2]
    Xt[4] = Xs[5] + 1e-7
    A, K, d = printed(method, Xs, code, Xt)
    P = method(lam=0.5, mu=0.02, solver="converged").fit(Xs, code, Xt).P_
    half = K @ (A.T - K.T @ P) - 0.5 * np.outer(d, d @ P)
    assert np.abs(half).max() < 0.01 * (1 + 1e-6)
    np.testing.assert_allclose(half[P != 0], 0.01 * np.sign(P[P != 0]), rtol=1e-5)


@METHODS
def test_identical_domains_are_regenerated_as_they_are(method):
    """No discrepancy: nothing depends on lam, and with hardly any sparsity the goal comes back."""
    Xs, code, _ = domains(4)
    small, large = (method(lam=lam, mu=1e-4, solver="converged").fit(Xs, code) for lam in (0.1, 1000.0))
    A, K, d = printed(method, Xs, code, Xs)
    np.testing.assert_allclose(d, 0, atol=1e-12)
    np.testing.assert_allclose(small.P_.T @ K, A, atol=1e-2)
    np.testing.assert_allclose(large.P_, small.P_, atol=1e-8)
    expected = code if method is DRLS else SVM().fit(Xs, code).predict(Xs)
    np.testing.assert_array_equal(small.predict(Xs), expected)


@METHODS
@pytest.mark.parametrize("solver", ["schedule", "converged"])
def test_a_rotation_of_the_features_changes_labels_regression_alone_not(method, solver):
    """The kernel does not see it; the sparsity of a regenerated feature does."""
    Xs, code, Xt = domains(5)
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(30, 30)))[0]
    plain = method(solver=solver).fit(Xs, code, Xt)
    turned = method(solver=solver).fit(Xs @ turn, code, Xt @ turn)
    if method is DRLS:
        np.testing.assert_allclose(turned.P_, plain.P_, atol=1e-8)
    else:
        assert np.abs(turned.P_ @ turn.T - plain.P_).max() > 1e-3


@METHODS
def test_scaled_features_are_the_same_problem_at_scaled_weights(method):
    """``X -> c X`` takes `P` to ``P / c`` (labels: ``P / c^2``); the objective says how lam and mu follow."""
    Xs, code, Xt = domains(6)
    c = 3.0
    power = 2 if method is DRLS else 1
    plain = method(lam=2.0, mu=0.1, solver="converged").fit(Xs, code, Xt)
    mu = 0.1 * c ** (2 if method is DRLS else 3)
    scaled = method(lam=2.0, mu=mu, solver="converged").fit(c * Xs, code, c * Xt)
    np.testing.assert_allclose(scaled.P_ * c**power, plain.P_, atol=1e-8)


@METHODS
def test_constant_columns_and_one_target_clip_are_no_trouble(method):
    Xs, code, Xt = domains(7)
    Xs[:, 4], Xt[:, 4], Xs[:, 5], Xt[:, 5] = 1.0, 1.0, 0.0, 0.0
    model = method(solver="converged").fit(Xs, code, Xt[:1])
    assert model.P_.shape == (9, 3 if method is DRLS else 30)
    assert len(model.predict(Xt[:1])) == 1
    assert model.residual_ < 1e-8


@METHODS
def test_another_kernel_is_that_kernel(method):
    Xs, code, Xt = domains(8)
    joint = np.concatenate([Xs, Xt])
    model = method(kernel="rbf", solver="converged").fit(Xs, code, Xt)
    K = np.exp(-((joint[:, None] - joint[None]) ** 2).sum(axis=2) / 30)
    A, _, _ = printed(method, Xs, code, Xt)
    d = K[:, :8].mean(axis=1) - K[:, 8:].mean(axis=1)
    np.testing.assert_allclose(
        model.objective_, objective(model.P_, A, K[:, 8:] if method is DRFST else K[:, :8], d, 1.0, 0.1)
    )


def test_blocks_of_features_end_together():
    """One feature needs far more iterations than the rest: all of them take as many."""
    rng = np.random.default_rng(9)
    A = rng.random((200, 6)) * np.where(np.arange(200) >= 64, 1.0, 1e-4)[:, None]
    K = rng.random((11, 6))
    solved = follow_schedule(make_regeneration(K, K[:, 0], A, 0.3), 0.05)
    expected, iterations = printed_iteration(A, K, K[:, 0], 0.3, 0.05)
    assert solved.n_iter == iterations
    np.testing.assert_allclose(solved.P, expected, atol=1e-7)
    alone = follow_schedule(make_regeneration(K, K[:, 0], A[:64], 0.3), 0.05)
    assert alone.n_iter < iterations


def test_what_does_not_converge_says_so(monkeypatch):
    Xs, code, Xt = domains(0)
    monkeypatch.setattr("cdmer.adaptation.regeneration.MOST_ITERATIONS", 20)
    with pytest.warns(UserWarning, match="ended with a residual"):
        model = TSRG().fit(Xs, code, Xt)
    assert model.n_iter_ == 20
    answers = TSRG().answer_grid(Xs, code, Xt, [{"mu": 0.1}, {"lam": 10.0}])
    assert not answers.converged.any()
    assert (answers.residuals > 1e-8).all()


def test_drfst_judges_source_clips_regenerated_and_target_clips_raw():
    Xs, code, Xt = domains(11)
    new = np.random.default_rng(11).random((10, 30))
    P = DRFST(mu=0.5).fit(Xs, code, Xt).P_
    joint = np.concatenate([Xs, Xt])
    machine = SVM().fit(Xs @ joint.T @ P, code)
    for side, judged in (("source", new @ joint.T @ P), ("target", new)):
        found = DRFST().answer_grid(Xs, code, Xt, [{"mu": 0.5}], new, side).predicted[0]
        np.testing.assert_array_equal(found, machine.predict(judged))


def test_tsrg_learns_from_raw_source_clips_and_judges_regenerated_ones():
    Xs, code, Xt = domains(12)
    model = TSRG(mu=0.5).fit(Xs, code, Xt)
    regenerated = Xt @ np.concatenate([Xs, Xt]).T @ model.P_
    np.testing.assert_array_equal(model.predict(Xt), SVM().fit(Xs, code).predict(regenerated))


def test_an_unknown_solver_is_refused():
    Xs, code, Xt = domains(0)
    with pytest.raises(ValueError, match="solver='newton': give schedule or converged"):
        DRLS(solver="newton").fit(Xs, code, Xt)


@pytest.fixture(scope="module")
def older(real):
    """The older release's SMIC-VIS and SMIC-NIR."""
    files = (real / "cdmer_lbptop" / f"SMIC_{name}_Corpus_LBPTOP.mat" for name in ("VIS", "NIR"))
    source, target = (read_released(file, "released") for file in files)
    return source.X, source.label.astype(str), target.X, target.label.astype(str)


def test_tsrg_ends_where_the_authors_code_ends(older):
    """The authors' program at lam = 1, mu = 0.1; the true minimum is a little lower."""
    Xs, ys, Xt, _ = older
    model = TSRG(lam=1.0, mu=0.1).fit(Xs, ys, Xt)
    assert model.n_iter_ == 230
    assert round(model.objective_, 4) == 93.5123
    lowest = TSRG(lam=1.0, mu=0.1, solver="converged").fit(Xs, ys, Xt)
    assert lowest.objective_ <= 93.4846
    assert lowest.residual_ < 1e-8


def test_drls_ends_where_the_authors_code_ends(older):
    Xs, ys, Xt, yt = older
    model = DRLS(lam=1.0, mu=0.1).fit(Xs, ys, Xt)
    assert model.n_iter_ == 150
    assert round(model.objective_, 5) == 3.03370
    assert round(np.mean(model.predict(Xt) == yt), 4) == 0.6197
    lowest = DRLS(lam=1.0, mu=0.1, solver="converged").fit(Xs, ys, Xt)
    assert lowest.objective_ <= 3.03349
    assert lowest.residual_ < 1e-8


def test_the_papers_grid():
    for method in (TSRG, DRFST, DRLS):
        points = method.grid(71, 71, "paper")
        assert len(points) == 7 * 37
        assert len({(point["lam"], point["mu"]) for point in points}) == 7 * 37
        assert points[0] == {"lam": 0.001, "mu": 0.001}
        assert points[-1] == {"lam": 1000.0, "mu": 10.0}


@pytest.mark.parametrize(
    ("experiment", "cell"),
    [
        ("V->N", (0.7209, 0.7324)),  # prints 0.6620/0.6901, IW-SVM's numbers
        ("N->V", (0.8183, 0.8169)),  # prints 0.5771/0.6197
        ("C->V", (0.5757, 0.5775)),
        ("V->C", (0.5942, 0.6000)),
        ("C->N", (0.4885, 0.4930)),  # prints 49.83 %, which is no multiple of 1/71: it is 35/71
        ("N->C", (0.3838, 0.4231)),  # prints 42.37 %: 55/130
    ],
)
def test_published_cells_of_drls(real, experiment, cell):
    assert_best_is(cell, real, experiment, DRLS())


@pytest.mark.parametrize(
    ("method", "experiment", "lam", "mu", "cell"),
    [
        (TSRG, "V->N", 0.001, 0.2, (0.7056, 0.7042)),
        (TSRG, "N->V", 100.0, 0.1, (0.8116, 0.8169)),
        (DRFST, "V->N", 10.0, 0.2, (0.7286, 0.7324)),
        (DRFST, "N->V", 10.0, 0.03, (0.7732, 0.7746)),
        (DRFST, "C->V", 10.0, 0.004, (0.6217, 0.6338)),
        (TSRG, "V->C", 10.0, 0.09, (0.6208, 0.6308)),
    ],
)
def test_published_cells_of_tsrg_and_drfst(real, method, experiment, lam, mu, cell):
    """The best of the points that were searched (docs/adaptation.md); only that one here, which takes seconds."""
    assert_best_is(cell, real, experiment, method(), [{"lam": lam, "mu": mu}])


def test_a_start_changes_nothing_but_the_way():
    rng = np.random.default_rng(10)
    problem = make_regeneration(rng.random((14, 8)), rng.random(14), rng.random((50, 8)), 1.0)
    cold = minimise(problem, 0.01)
    start = minimise(problem, 0.5).P
    kept = start.copy()
    warm = minimise(problem, 0.01, start)
    np.testing.assert_array_equal(start, kept)
    np.testing.assert_allclose(warm.P, cold.P, atol=1e-9)


@pytest.mark.parametrize("solver", ["schedule", "converged"])
def test_threads_change_no_number(solver, monkeypatch):
    Xs, code, Xt = domains(13, n_features=700)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr("numba.get_num_threads", lambda threads=threads: threads)
        model = TSRG(mu=0.01, solver=solver).fit(Xs, code, Xt)
        found.append((model.P_, model.n_iter_, model.residual_))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert found[0][1:] == found[1][1:]


def test_rows_that_cannot_be_changed_in_place_are_refused():
    with pytest.raises(ValueError, match="C-contiguous"):
        descend(np.zeros((4, 3)).T, np.eye(4), np.ones((3, 4)), 0.1)
