"""Metrics: by hand, by scikit-learn, and by a published log."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from cdmer.evaluation import accuracy, uar, uf1
from cdmer.evaluation.intervals import bootstrap_scores, interval
from cdmer.evaluation.metrics import absent_classes, confusion, uf1_of


def test_by_hand():
    truth, predicted = [0, 0, 1, 1, 2, 2], [0, 1, 1, 1, 2, 0]
    assert uf1(truth, predicted) == pytest.approx((0.5 + 0.8 + 2 / 3) / 3, abs=1e-12)
    assert uar(truth, predicted) == pytest.approx((1 / 2 + 1 + 1 / 2) / 3, abs=1e-12)
    assert accuracy(truth, predicted) == pytest.approx(4 / 6, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_equals_scikit_learn_where_every_class_occurs(seed):
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(4), rng.integers(0, 4, 60)])
    predicted = rng.integers(0, 4, 64)
    assert uf1(truth, predicted) == pytest.approx(f1_score(truth, predicted, average="macro"), abs=1e-12)
    assert uar(truth, predicted) == pytest.approx(balanced_accuracy_score(truth, predicted), abs=1e-12)


def test_the_constant_predictions_that_appear_in_published_tables():
    """73 negative clips of 130, all called negative: accuracy 0.5615 and UF1 0.2397; 23 of 71: 0.3239 and 0.1631."""
    classes = ["negative", "positive", "surprise"]
    casme2 = ["negative"] * 73 + ["positive"] * 32 + ["surprise"] * 25
    assert round(accuracy(casme2, ["negative"] * 130), 4) == 0.5615
    assert round(uf1(casme2, ["negative"] * 130, classes), 4) == 0.2397
    smic = ["negative"] * 23 + ["positive"] * 28 + ["surprise"] * 20
    assert round(accuracy(smic, ["negative"] * 71), 4) == 0.3239
    assert round(uf1(smic, ["negative"] * 71, classes), 4) == 0.1631


def test_a_published_log_over_68_folds(real):
    """STSTNet's log: UF1 0.7353, UAR 0.7186 (its paper's column of that name is a macro precision)."""
    truth, predicted = [], []
    for line in (real / "megc2019/STSTNet_logfile.txt").read_text().splitlines():
        words = line.split()
        if len(words) == 3 and words[1].isdigit():
            truth.append(int(words[1]))
            predicted.append(int(words[2]))
    assert len(truth) == 442
    assert round(uf1(truth, predicted), 4) == 0.7353
    assert round(uar(truth, predicted), 4) == 0.7186


def test_a_class_that_never_occurs():
    truth, predicted, classes = ["a", "a", "b"], ["a", "b", "b"], ["a", "b", "c"]
    assert uf1(truth, predicted, classes) == pytest.approx((2 / 3 + 2 / 3 + 0) / 3)
    assert uar(truth, predicted, classes) == pytest.approx((1 / 2 + 1) / 2)
    assert absent_classes(truth, classes) == ["c"]


@pytest.mark.parametrize(("truth", "predicted"), [([], []), ([0, 1], [0])])
def test_empty_or_mismatched_input_is_an_error(truth, predicted):
    for metric in (accuracy, uf1, uar):
        with pytest.raises(ValueError, match="as many predictions as labels"):
            metric(truth, predicted)


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        ([[0]], [[0]], r"in one dimension, got y_true of shape \(1, 1\)"),
        ([0], [[0]], r"y_pred of shape \(1, 1\)"),
        (["1", "2"], [1, 2], "got both: '1' and 1"),
        (["a", 1], ["a", "a"], "got both: 'a' and 1"),
        ([None, "a"], [None, "a"], "got None in y_true"),
        ([0.0, 1.0], [0.0, np.nan], "got nan in y_pred"),
        (np.array(["a", np.nan], object), ["a", "a"], "got nan in y_true"),
        (pd.Series(["a", None], dtype="string"), ["a", "a"], "expected a label for every sample"),
    ],
)
def test_what_are_no_labels_of_one_kind_is_an_error(truth, predicted, message):
    for metric in (accuracy, uf1, uar):
        with pytest.raises(ValueError, match=message):
            metric(truth, predicted)


def test_classes_are_named_once_and_in_the_labels_own_kind():
    with pytest.raises(ValueError, match=r"each class once, got \['a', 'a', 'b'\]"):
        uf1(["a", "b"], ["a", "b"], ["a", "a", "b"])
    with pytest.raises(ValueError, match=r"labels \[0, 1\] are not among the classes \['0', '1'\]"):
        uar([0, 1], [0, 1], ["0", "1"])


def test_numbers_of_several_types_are_one_kind():
    assert accuracy([0, 1], [0.0, 1.0]) == uf1([True, False], np.array([1, 0])) == 1
    assert uf1(pd.Series(["a", "b"]), np.array(["a", "b"])) == 1


def test_a_label_that_is_no_class_is_an_error():
    with pytest.raises(ValueError, match="'x'"):
        uf1(["a", "x"], ["a", "a"], ["a", "b"])


def test_confusion_is_truth_by_prediction():
    np.testing.assert_array_equal(confusion([0, 0, 1], [0, 1, 1], [0, 1]), [[1, 1], [0, 1]])


def test_the_bootstrap_draws_people():
    """Against a plain loop that draws subjects with the same generator."""
    rng = np.random.default_rng(0)
    subjects = [f"s{i}" for i in np.repeat(np.arange(6), [3, 1, 4, 2, 5, 2])]
    truth, predicted = rng.integers(0, 3, 17), rng.integers(0, 3, 17)
    found = bootstrap_scores(truth, predicted, subjects, [0, 1, 2], seed=3, resamples=50)
    draws = np.random.default_rng(3).multinomial(6, np.full(6, 1 / 6), size=50)
    for value, counts in zip(found.uf1, draws, strict=True):
        chosen = [i for s, times in enumerate(counts) for i in [*np.flatnonzero(np.array(subjects) == f"s{s}")] * times]
        assert value == pytest.approx(f1_score(truth[chosen], predicted[chosen], labels=[0, 1, 2], average="macro"))
    assert found.over == "subjects"


def test_without_subjects_clips_are_drawn_and_it_says_so():
    found = bootstrap_scores([0, 1, 0, 1], [0, 1, 1, 1], [None] * 4, [0, 1], seed=0)
    assert found.over == "clips"


def test_people_give_a_wider_interval_than_their_clips():
    """Ten people of whom each is all right or all wrong: clips pretend to more evidence than there is."""
    truth = np.tile([0, 1], 50)
    right = np.repeat(np.arange(10) % 2 == 0, 10)
    predicted = np.where(right, truth, 1 - truth)
    people = [f"s{i // 10}" for i in range(100)]
    wide = interval(bootstrap_scores(truth, predicted, people, [0, 1], seed=0).uf1)
    narrow = interval(bootstrap_scores(truth, predicted, [None] * 100, [0, 1], seed=0).uf1)
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_uf1_of_a_stack_is_uf1_of_each():
    matrices = np.random.default_rng(1).integers(0, 9, (5, 3, 3))
    np.testing.assert_allclose(uf1_of(matrices), [uf1_of(matrix) for matrix in matrices])
