"""What every method keeps to, whichever it is."""

import inspect

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from cdmer.adaptation import SVM, TCA, TGSR

# our second argument is `ys`, the labels of the source: the one check that reads names cannot know it
NAMES = {"check_fit_score_takes_y": "fit(Xs, ys, Xt) names its labels ys"}
METHODS = [SVM(), TCA(dim=3), TGSR(kappa=1, xi=0.1, n_blocks=1)]
by_name = pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)


def domains(seed=0, n_source=14, n_target=11, n_features=12):
    rng = np.random.default_rng(seed)
    ys = np.array(["positive", "negative", "surprise"] * 5)[:n_source]
    Xs = rng.random((n_source, n_features)) + 0.5 * (ys[:, None] == np.array(["positive", "negative"] * 6))
    return Xs, ys, rng.random((n_target, n_features)) + 0.2


@parametrize_with_checks(METHODS, expected_failed_checks=lambda estimator: NAMES)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@by_name
def test_fit_has_no_argument_for_target_labels(method):
    assert list(inspect.signature(method.fit).parameters) == ["Xs", "ys", "Xt"]
    assert list(inspect.signature(method.predict_grid).parameters) == ["Xs", "ys", "Xt", "points"]


@by_name
def test_the_default_grid_names_searched_parameters(method):
    for budget in ("quick", "paper"):
        points = method.grid(7, 5, budget)
        assert {name for point in points for name in point} == set(method.searched)
        assert len({tuple(sorted(point.items())) for point in points}) == len(points)


@by_name
def test_permuting_target_clips_permutes_predictions(method):
    Xs, ys, Xt = domains()
    order = np.random.default_rng(1).permutation(len(Xt))
    np.testing.assert_array_equal(
        method.fit(Xs, ys, Xt[order]).predict(Xt[order]), method.fit(Xs, ys, Xt).predict(Xt)[order]
    )


@by_name
def test_domains_that_do_not_fit_are_refused(method):
    Xs, ys, Xt = domains()
    with pytest.raises(ValueError, match="12 features"):
        method.fit(Xs, ys, Xt[:, :6])
    with pytest.raises(ValueError, match="1 class"):
        method.fit(Xs[:4], ys[[0, 0, 0, 0]], Xt)
    with pytest.raises(ValueError, match="NaN"):
        method.fit(Xs, ys, np.where(Xt > 1, np.nan, Xt))


@pytest.mark.parametrize(
    ("method", "points"),
    [
        (TCA(mu=0.5), [{"dim": dim} for dim in (5, 1, 25, 40)]),
        (TGSR(n_blocks=4), [{"kappa": kappa, "xi": xi} for kappa in (1, 3, 4) for xi in (0.01, 1.0)]),
        (TGSR(kappa=2, n_blocks=4), [{"xi": xi} for xi in (0.5, 0.1)]),
        (TGSR(n_blocks=4), [{"n_blocks": 2, "kappa": 1}, {"n_blocks": 3, "kappa": 1}]),
        (TCA(), [{"mu": 0.1, "dim": 2}]),
        (SVM(), [{"C": 0.1}, {"C": 10.0}]),
    ],
)
def test_a_grid_is_what_its_points_are(method, points):
    Xs, ys, Xt = domains()
    expected = [method.__class__(**{**method.get_params(), **point}).fit(Xs, ys, Xt).predict(Xt) for point in points]
    np.testing.assert_array_equal(method.predict_grid(Xs, ys, Xt, points), expected)
