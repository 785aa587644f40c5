"""TKL: its quadratic programme against a general solver, and TGSR's Tables II and III on the real features."""

import numpy as np
import pytest
from scipy.optimize import minimize

from cdmer.adaptation import TKL
from cdmer.adaptation.base import Domains
from cdmer.adaptation.tkl import damped_eigenvalues, extend_eigenvectors

from .published_cells import SIX, assert_best_is


def problem(seed, n_source=12, n_target=16):
    rng = np.random.default_rng(seed)
    Xs, Xt = rng.random((n_source, 40)), rng.random((n_target, 40)) + 0.1
    extended = Xs @ Xt.T @ extend_eigenvectors(Domains(Xs, np.arange(n_source) % 3, Xt, 3))
    return extended, Xs @ Xs.T


@pytest.mark.parametrize("zeta", [0.1, 0.9, 1.0, 1.3, 4.0])
def test_eigenvalues_are_the_minimum_under_the_damping(zeta):
    """The quadratic programme as printed, by sequential least squares."""
    extended, kernel = problem(0)
    found = damped_eigenvalues(extended, kernel, zeta)
    Q = (extended.T @ extended) ** 2
    r = -np.diag(extended.T @ kernel @ extended)

    def objective(values):
        return 0.5 * values @ Q @ values + r @ values

    count = len(r)
    damping = np.vstack([np.eye(count)[:-1] - zeta * np.eye(count)[1:], np.eye(count)[-1:]])
    assert (damping @ found >= -1e-9 * found[0]).all()
    slow = min(
        (
            minimize(
                objective,
                start,
                jac=lambda values: Q @ values + r,
                method="SLSQP",
                constraints={"type": "ineq", "fun": lambda values: damping @ values, "jac": lambda values: damping},
                options={"maxiter": 2000, "ftol": 1e-15},
            )
            for start in (np.zeros(count), found)
        ),
        key=lambda result: result.fun,
    )
    assert objective(found) <= slow.fun + 1e-7 * abs(slow.fun)


def test_without_damping_and_shift_the_kernel_is_the_sources_own():
    """All eigenvectors but the last ten: what is left out is all that is lost."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(14, 4))  # rank 4, and 4 eigenvectors are kept
    extended = X @ X.T @ extend_eigenvectors(Domains(X, np.arange(14) % 2, X, 2))
    found = damped_eigenvalues(extended, X @ X.T, 1.0)
    np.testing.assert_allclose(found, np.linalg.svd(X)[1] ** 2, rtol=1e-9)
    np.testing.assert_allclose((extended * found) @ extended.T, X @ X.T, atol=1e-9)


def test_a_damping_of_many_decades_does_not_overflow():
    rng = np.random.default_rng(2)
    Xs, Xt = rng.random((30, 300)), rng.random((200, 300))
    found = damped_eigenvalues(Xs @ Xt.T @ extend_eigenvectors(Domains(Xs, np.arange(30) % 3, Xt, 3)), Xs @ Xs.T, 5.0)
    assert np.isfinite(found).all()
    assert found[0] > 0


def test_a_target_without_features_is_refused():
    with pytest.raises(ValueError, match="all zero"):
        TKL().fit(np.eye(4), [0, 1, 0, 1], np.zeros((3, 4)))


CELLS = dict(
    zip(
        SIX,
        [(0.7558, 0.7606), (0.7579, 0.7606), (0.6042, 0.6056), (0.5378, 0.5308), (0.5392, 0.5493), (0.4248, 0.4385)],
        strict=True,
    )
)


@pytest.mark.parametrize("experiment", SIX)
def test_published_cells(real, experiment):
    """All six; N->V is printed as 0.7580 by TGSR and as 0.7579 by MADTN."""
    assert_best_is(CELLS[experiment], real, experiment, TKL())
