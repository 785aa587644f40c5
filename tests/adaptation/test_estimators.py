"""What every method keeps to, whichever it is."""

import inspect

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from cdmer.adaptation import DRFST, DRLS, GFK, IWSVM, RSTR, SA, STM, SVM, TCA, TGSR, TKL, TSRG

# our second argument is `ys`, the labels of the source: the one check that reads names cannot know it
NAMES = {"check_fit_score_takes_y": "fit(Xs, ys, Xt) names its labels ys"}
METHODS = [
    SVM(),
    IWSVM(),
    TCA(dim=3),
    GFK(dim=50),
    SA(dim=50),
    STM(),
    TKL(),
    TSRG(),
    DRFST(),
    DRLS(),
    RSTR(n_blocks=1),
    TGSR(kappa=1, xi=0.1, n_blocks=1),
]
OF_INNER_PRODUCTS = [method for method in METHODS if not isinstance(method, TSRG | DRFST | TGSR)]
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
def test_a_quick_grid_holds_the_default(method):
    default = type(method)()
    own = {name: getattr(default, name) for name in method.searched}
    assert own in default.points(71, 71, "quick") or not method.searched or None in own.values()
    assert default.points(71, 71, "paper") == default.grid(71, 71, "paper")


@by_name
def test_a_class_that_the_source_lacks_is_never_predicted(method):
    Xs, ys, Xt = domains(9)
    two = ys != "surprise"
    model = method.fit(Xs[two], ys[two], Xt)
    assert list(model.order_) == ["positive", "negative"]
    assert set(model.predict(Xt)) <= {"positive", "negative"}
    assert method.answer_grid(Xs[two], ys[two], Xt, [{}]).scores.shape == (1, 11, 2)


@pytest.mark.parametrize("method", [TCA(dim=10**6), GFK(dim=10**6), SA(dim=10**6)], ids=lambda m: type(m).__name__)
def test_more_components_than_clips_are_all_that_there_are(method):
    Xs, ys, Xt = domains(10, 5, 4)
    most = 5 + 4 if isinstance(method, TCA) else 4 - 1
    scores = method.decision_grid(Xs, ys, Xt, [{}, {"dim": most}])
    np.testing.assert_array_equal(scores[0], scores[1])


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


WRONG = {
    "C": (0, -1.0, np.inf, "one"),
    "dim": (0, -1, 1.5, True),
    "kappa": (0, -2, 2.5, None),
    "n_blocks": (0, -4, 3.0),
    "lam": (-1.0, np.nan),
    "mu": (0.0, -1.0, np.inf),
    "tau": (-0.1,),
    "xi": (-1.0, np.nan),
    "zeta": (-0.5, None),
    "solver": ("newton", None),
}


@by_name
def test_parameters_out_of_their_range_are_refused_at_once(method):
    """And at a point of a grid as well: a negative dimension would be all but the last ones."""
    Xs, ys, Xt = domains()
    for name in sorted({*WRONG} & {*method.get_params()}):
        for value in WRONG[name]:
            with pytest.raises(ValueError, match=rf"{type(method).__name__} with {name}=.*: give "):
                clone(method).set_params(**{name: value}).fit(Xs, ys, Xt)
            with pytest.raises(ValueError, match=rf"{type(method).__name__} with {name}=.*: give "):
                method.answer_grid(Xs, ys, Xt, [{}, {name: value}])


@by_name
def test_every_parameter_of_the_papers_grids_is_in_range(method):
    method._check_parameters(method.grid(71, 71, "paper") + method.grid(2, 1, "quick"))


@pytest.mark.parametrize("method", OF_INNER_PRODUCTS, ids=lambda method: type(method).__name__)
def test_turning_the_feature_space_turns_nothing(method):
    """What sees inner products alone does not see a rotation, nor columns of zeros."""
    Xs, ys, Xt = domains(2)
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(20, 20)))[0][:12]
    expected = method.decision_grid(Xs, ys, Xt, [{}])
    turned = method.decision_grid(Xs @ turn, ys, Xt @ turn, [{}])
    np.testing.assert_allclose(turned, expected, atol=5e-3 * np.abs(expected).max())


@by_name
def test_scores_agree_with_predictions(method):
    Xs, ys, Xt = domains(3)
    answers = method.answer_grid(Xs, ys, Xt, [{}])
    assert answers.scores.shape == (1, 11, 3)
    assert answers.converged.all()
    # votes and summed distances may disagree on a clip in between, and on no more
    by_score = method.fit(Xs, ys, Xt).order_[answers.scores[0].argmax(axis=1)]
    assert np.mean(by_score == answers.predicted[0]) >= 0.7


@by_name
def test_two_classes_have_scores_of_the_right_sign(method):
    rng = np.random.default_rng(4)
    ys = np.array(["b", "a"] * 10)
    Xs, Xt = (rng.random((20, 12)) + 2 * (ys == "b")[:, None] * np.repeat([1, 0], 6) for _ in range(2))
    model = method.fit(Xs, ys, Xt)
    scores = method.decision_grid(Xs, ys, Xt, [{}])[0]
    np.testing.assert_array_equal(model.order_, ["b", "a"])
    np.testing.assert_array_equal(model.order_[scores.argmax(axis=1)], model.predict(Xt))
    assert np.mean(model.predict(Xt) == ys) > 0.85


@by_name
def test_decision_function_is_largest_for_what_is_predicted(method):
    """In scikit-learn's order of classes, which is not that of `decision_grid`; on clips amid the classes too."""
    Xs, ys, _ = domains(12)
    Xt = np.random.default_rng(12).random((60, 12)) + 0.2
    model = method.fit(Xs, ys, Xt)
    assert list(model.classes_) == sorted(model.order_) != list(model.order_)
    np.testing.assert_array_equal(model.classes_[model.decision_function(Xt).argmax(axis=1)], model.predict(Xt))
    two = ys != "surprise"
    model = method.fit(Xs[two], ys[two], Xt)
    np.testing.assert_array_equal(model.classes_[(model.decision_function(Xt) > 0).astype(int)], model.predict(Xt))


def test_decision_function_of_pairwise_machines_is_scikit_learns():
    """But for the point that the winner has more; SVC's own classes are in the order of numbers, as ours are here."""
    rng = np.random.default_rng(13)
    code, Xs, Xt = np.repeat([0, 1, 2], 8), rng.normal(size=(24, 3)), rng.normal(size=(40, 3))
    theirs = SVC(kernel="linear").fit(Xs, code)
    ours = SVM().fit(Xs, code, Xt).decision_function(Xt)
    won = np.eye(3)[theirs.predict(Xt)]
    np.testing.assert_allclose(ours - won, theirs.decision_function(Xt), atol=1e-9)


@by_name
def test_judging_other_clips_on_a_grid_is_predicting_them(method):
    Xs, ys, Xt = domains(5)
    new = np.random.default_rng(5).random((6, 12))
    answers = method.answer_grid(Xs, ys, Xt, [{}], new)
    np.testing.assert_array_equal(answers.predicted[0], method.fit(Xs, ys, Xt).predict(new))


@by_name
def test_one_target_clip_is_learnt_from_or_refused_with_the_reason(method):
    Xs, ys, Xt = domains(6)
    if isinstance(method, GFK | SA):
        with pytest.raises(ValueError, match="target needs at least 2 clips"):
            method.fit(Xs, ys, Xt[:1])
    else:
        assert method.fit(Xs, ys, Xt[:1]).predict(Xt[:1]).shape == (1,)


@pytest.mark.parametrize(
    ("method", "cap"),
    [
        (TSRG(), "regeneration.MOST_ITERATIONS"),
        (DRFST(), "regeneration.MOST_ITERATIONS"),
        (DRLS(), "regeneration.MOST_ITERATIONS"),
        (RSTR(n_blocks=4, solver="schedule"), "regeneration.MOST_ITERATIONS"),
        (TGSR(kappa=2, n_blocks=4), "group_path.MOST_ITERATIONS"),
        (STM(lam=0.01), "stm.MOST_ROUNDS"),
        (STM(lam=1e4), "lasso.MOST_STEPS"),
        (RSTR(n_blocks=4, lam=1.0, mu=0.5), "lasso.MOST_STEPS"),
        (TSRG(solver="converged", mu=0.01), "lasso.MOST_STEPS"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_iteration_that_is_cut_short_says_so_with_its_residual(method, cap, monkeypatch):
    allowed = {"stm.MOST_ROUNDS": 1, "lasso.MOST_STEPS": 0}.get(cap, 3)
    monkeypatch.setattr(f"cdmer.adaptation.{cap}", allowed)
    Xs, ys, Xt = domains(11)
    with pytest.warns(ConvergenceWarning, match="ended with a residual of"):
        method.fit(Xs, ys, Xt)
    assert method.residual_ > method.tolerance
    answers = method.answer_grid(Xs, ys, Xt, [{}])
    assert not answers.converged[0]
    np.testing.assert_allclose(answers.residuals[0], method.residual_)


@by_name
def test_constant_columns_are_no_trouble(method):
    Xs, ys, Xt = domains(7)
    Xs[:, :3] = Xt[:, :3] = [0.0, 1.0, -2.0]
    assert set(method.fit(Xs, ys, Xt).predict(Xt)) <= set(ys)


@by_name
def test_fitting_again_gives_the_same(method):
    Xs, ys, Xt = domains(8)
    first = method.decision_grid(Xs, ys, Xt, [{}])
    np.testing.assert_array_equal(method.decision_grid(Xs, ys, Xt, [{}]), first)


@pytest.mark.parametrize(
    ("method", "points"),
    [
        (TCA(mu=0.5), [{"dim": dim} for dim in (5, 1, 25, 40)]),
        (TGSR(n_blocks=4), [{"kappa": kappa, "xi": xi} for kappa in (1, 3, 4) for xi in (0.01, 1.0)]),
        (TGSR(kappa=2, n_blocks=4), [{"xi": xi} for xi in (0.5, 0.1)]),
        (TGSR(n_blocks=4), [{"n_blocks": 2, "kappa": 1}, {"n_blocks": 3, "kappa": 1}]),
        (TCA(), [{"mu": 0.1, "dim": 2}]),
        (SVM(), [{"C": 0.1}, {"C": 10.0}]),
        (GFK(), [{"dim": dim} for dim in (3, 1, 7, 50)]),
        (SA(C=0.1), [{"dim": dim} for dim in (3, 1, 7, 50)]),
        (TKL(), [{"zeta": zeta} for zeta in (0.3, 1.0, 3.0)]),
        (STM(C=10.0), [{"lam": lam} for lam in (0.01, 1.0)]),
        (TSRG(), [{"lam": lam, "mu": mu} for lam in (0.1, 10.0) for mu in (0.5, 0.01)]),
        (TSRG(solver="converged"), [{"lam": lam, "mu": mu} for lam in (0.1, 10.0) for mu in (0.5, 0.01)]),
        (DRFST(), [{"mu": mu} for mu in (0.5, 0.01)]),
        (DRLS(lam=0.1, solver="converged"), [{"mu": mu} for mu in (0.5, 0.01)]),
        (RSTR(n_blocks=4), [{"lam": 1.0, "mu": mu, "tau": tau} for mu in (0.3, 0.1) for tau in (0.01, 0.1)]),
        (RSTR(n_blocks=4), [{"n_blocks": 3}]),
    ],
)
def test_a_grid_is_what_its_points_are(method, points):
    Xs, ys, Xt = domains()
    expected = [method.__class__(**{**method.get_params(), **point}).fit(Xs, ys, Xt).predict(Xt) for point in points]
    np.testing.assert_array_equal(method.predict_grid(Xs, ys, Xt, points), expected)
