"""The machine's end: where LIBSVM's limit cuts it short, its breach of optimality is said."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC

from cdmer.adaptation import DRFST, GFK, IWSVM, SA, STM, SVM, TCA, TKL, TSRG
from cdmer.adaptation.machine import Machine, train


def overlapping(scale=1.0, n=24, n_features=6):
    rng = np.random.default_rng(0)
    return scale * rng.normal(size=(n, n_features)), np.arange(n) % 3, scale * rng.normal(size=(15, n_features))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_breach_is_the_gap_between_the_best_pair_of_clips(n_classes, monkeypatch):
    """Against the dual's own gradient, pair by pair of clips: no exchange between two clips may promise more."""
    X, _, _ = overlapping()
    code = np.arange(len(X)) % n_classes
    kernel, weights = X @ X.T, np.linspace(0.5, 2, len(X))
    monkeypatch.setattr("cdmer.adaptation.machine.MOST_STEPS", 9)
    _, breach = train(kernel, code, 2.0, 1e-3, weights)
    worst = 0.0
    for first in range(n_classes):
        for second in range(first + 1, n_classes):
            pair = np.isin(code, (first, second))
            sign = np.where(code[pair] == first, 1.0, -1.0)
            alone = SVC(kernel="precomputed", C=2.0, tol=1e-3, max_iter=9)
            alone.fit(kernel[np.ix_(pair, pair)], -sign, weights[pair])
            dual = np.zeros(pair.sum())
            dual[alone.support_] = np.abs(alone.dual_coef_[0])
            gradient = sign * (kernel[np.ix_(pair, pair)] @ (sign * dual)) - 1  # of the dual, to be minimised
            for i in range(len(dual)):
                for j in range(len(dual)):  # move by sign along i, against sign along j: the sum y a stays
                    may_i = dual[i] < 2 * weights[pair][i] if sign[i] > 0 else dual[i] > 0
                    may_j = dual[j] > 0 if sign[j] > 0 else dual[j] < 2 * weights[pair][j]
                    if may_i and may_j:
                        worst = max(worst, -sign[i] * gradient[i] + sign[j] * gradient[j])
    assert worst > 1e-3
    np.testing.assert_allclose(breach, worst, rtol=1e-6)


def test_a_machine_that_ends_has_no_residual():
    X, code, _ = overlapping()
    assert Machine(X @ X.T, code).residual == 0.0


@pytest.mark.parametrize(
    "method",
    [SVM(), IWSVM(), TCA(dim=1), GFK(dim=2), SA(dim=2), TKL(), STM(), TSRG(), DRFST()],
    ids=lambda method: type(method).__name__,
)
def test_features_on_which_no_machine_ends_are_reported_and_not_waited_for(method, monkeypatch):
    """In the thousands, without a plane between the classes: LIBSVM's steps are then too many to wait for."""
    monkeypatch.setattr("cdmer.adaptation.machine.MOST_STEPS", 5)
    Xs, code, Xt = overlapping(1e3)
    with pytest.warns(ConvergenceWarning, match=type(method).__name__):
        method.fit(Xs, code, Xt).predict(Xt)
    answers = method.answer_grid(Xs, code, Xt, [{}, {name: getattr(method, name) for name in method.searched}])
    assert not answers.converged.any()
    assert (answers.residuals > 1e-3).all()
