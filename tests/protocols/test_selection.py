"""Ways of choosing hyper-parameters: criteria by hand, folds that keep people apart, estimates of a known risk."""

import numpy as np
import pytest

from cdmer.adaptation import TCA
from cdmer.protocols.selection import (
    HeldOut,
    best_point,
    deep_embedded_validation,
    hold_out,
    mutual_information,
    soft_neighbourhood_density,
    source_folds,
    source_score,
)


def test_folds_keep_each_subject_together():
    subjects = ["b", "a", "b", "c", "a"]
    folds, over = source_folds(np.array(["x", "y", "x", "y", "x"]), subjects)
    assert over == "subjects"
    assert [list(fold) for fold in folds] == [[1, 4], [0, 2], [3]]


@pytest.mark.parametrize("subjects", [[None] * 23, ["one"] * 23, ["a", None] + ["b"] * 21])
def test_without_subjects_folds_share_the_classes(subjects):
    labels = np.array(["x"] * 5 + ["y"] * 11 + ["z"] * 7)
    folds, over = source_folds(labels, subjects)
    assert over == "stratified"
    assert sorted(np.concatenate(folds)) == list(range(23))
    for label in "xyz":
        counts = [int((labels[fold] == label).sum()) for fold in folds]
        assert max(counts) - min(counts) <= 1
    assert max(map(len, folds)) - min(map(len, folds)) <= 1


def test_a_clip_is_judged_by_what_never_saw_its_subject():
    rng = np.random.default_rng(0)
    Xs, Xt = rng.random((12, 6)), rng.random((8, 6)) + 0.2
    ys, subjects = np.array(["x", "y", "z"] * 4), [f"s{number // 3}" for number in range(12)]
    points = [{"dim": 2}, {"dim": 5}]
    held_out = hold_out(TCA(), Xs, ys, subjects, Xt, points)
    assert held_out.over == "subjects"
    for point, row in zip(points, held_out.predicted, strict=True):
        for fold in range(4):
            own = np.arange(12) // 3 == fold
            model = TCA(**point).fit(Xs[~own], ys[~own], Xt)
            np.testing.assert_array_equal(row[own], model.predict(Xs[own]))


def test_a_fold_that_leaves_one_class_judges_nobody():
    """The only subject with a class `y` cannot be held out; the score is over the rest."""
    rng = np.random.default_rng(1)
    Xs, Xt = rng.random((9, 5)), rng.random((7, 5))
    ys, subjects = np.array(["x"] * 6 + ["y", "y", "x"]), ["a", "a", "b", "b", "c", "c", "d", "d", "d"]
    held_out = hold_out(TCA(), Xs, ys, subjects, Xt, [{"dim": 2}])
    assert list(held_out.predicted[0] == "") == [False] * 6 + [True] * 3
    assert np.isfinite(source_score(held_out, ys)).all()


def test_the_source_score_is_uf1_over_the_sources_classes():
    ys = np.array(["x", "x", "y", "z"])
    held_out = HeldOut(np.array([["x", "x", "y", "z"], ["x", "y", "y", "y"]]), np.ones(2, bool), "subjects")
    # second: x 2/3, y 2/4, z 0
    np.testing.assert_allclose(source_score(held_out, ys), [1, (2 / 3 + 0.5) / 3])


def test_deep_embedded_validation_sees_through_a_shift():
    """A rule that is right where the target lives beats one that is right where the source is dense.

    The control variate leaves the estimate near the target's true accuracy.
    """
    rng = np.random.default_rng(2)
    Xs, Xt = rng.normal(0, 1, (600, 1)), rng.normal(1.2, 0.6, (400, 1))
    ys = np.where(Xs[:, 0] > 0.5, "x", "y")
    flipped = np.where(ys == "x", "y", "x")
    good_there = np.where(Xs[:, 0] > 0, ys, flipped)  # wrong on the half of the source that the target hardly has
    good_here = np.where(Xs[:, 0] > 0.9, flipped, ys)  # wrong on the tail where the target lives
    held_out = HeldOut(np.array([good_there, good_here]), np.ones(2, bool), "stratified")
    assert source_score(held_out, ys).argmax() == 1
    estimates = deep_embedded_validation(held_out, ys, Xs, Xt)
    assert estimates.argmax() == 0
    true = [np.mean(Xt[:, 0] > 0), np.mean(Xt[:, 0] <= 0.9)]
    np.testing.assert_allclose(estimates, true, atol=0.12)


def test_soft_neighbourhood_density_by_hand():
    """Three clips: two alike, one apart; probabilities from scores of 0 and 100."""
    scores = np.array([[[100.0, 0], [100.0, 0], [0.0, 100]]])
    # neighbours of the first: the second at similarity 1, the third at 0; of the third: both at 0
    share = 1 / (1 + np.exp(-1 / 0.05))
    near = -share * np.log(share) - (1 - share) * np.log(1 - share)
    np.testing.assert_allclose(soft_neighbourhood_density(scores), [(2 * near + np.log(2)) / 3], atol=1e-9)


def test_tight_clusters_are_dense():
    rng = np.random.default_rng(3)
    code = np.arange(60) % 3
    tight = 8 * np.eye(3)[code] + 0.1 * rng.normal(size=(60, 3))
    loose = 8 * np.eye(3)[code] + 4 * rng.normal(size=(60, 3))
    density = soft_neighbourhood_density(np.array([tight, loose]))
    assert density[0] > density[1]


def test_mutual_information_by_hand():
    even, sure = np.zeros((4, 2)), np.array([[50.0, 0], [50.0, 0], [0, 50.0], [0, 50.0]])
    one = np.array([[50.0, 0]] * 4)
    np.testing.assert_allclose(mutual_information(np.array([even, sure, one])), [0, np.log(2), 0], atol=1e-12)


def test_one_target_clip_has_no_neighbours():
    np.testing.assert_array_equal(soft_neighbourhood_density(np.random.default_rng(0).random((4, 1, 3))), 0)


def test_the_first_of_the_best_that_may_be_used():
    values = np.array([0.5, 0.9, 0.9, 1.0])
    assert best_point(values, np.array([True, True, True, False])) == 1
    assert best_point(values, np.zeros(4, bool)) is None


def test_a_value_that_is_no_number_is_not_the_largest():
    assert best_point(np.array([np.nan, 0.2, 0.4]), np.ones(3, bool)) == 2
    assert best_point(np.array([np.nan, np.nan]), np.ones(2, bool)) is None
