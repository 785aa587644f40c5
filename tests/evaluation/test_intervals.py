"""Bootstrap intervals against SciPy's, and against all draws counted out. (How people are drawn: test_metrics.)"""

from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from cdmer.evaluation.intervals import bootstrap_scores, interval

CLASSES = [0, 1, 2]


def macro_f1(truth, predicted):
    return f1_score(truth, predicted, labels=CLASSES, average="macro", zero_division=0)


def fast_macro_f1(truth, predicted):
    scores = []
    for name in CLASSES:
        right = np.sum((truth == name) & (predicted == name))
        below = np.sum(truth == name) + np.sum(predicted == name)
        scores.append(2 * right / below if below else 0.0)
    return np.mean(scores)


def test_the_interval_is_the_middle_of_the_sorted_values():
    values = np.random.default_rng(0).permutation(np.arange(1001.0))
    assert interval(values) == pytest.approx((25, 975))
    assert interval(values, level=0.5) == pytest.approx((250, 750))


def test_of_equal_values_it_has_no_width():
    assert interval(np.full(7, 0.3)) == (0.3, 0.3)


def test_every_draw_occurs_as_often_as_it_should():
    """Three people can be drawn in 27 ways: UF1 of each, and how often, counted out."""
    subjects = ["a", "b", "b", "c", "c", "c"]
    truth, predicted = np.array([0, 1, 2, 0, 1, 2]), np.array([0, 1, 1, 2, 1, 2])
    members = [np.flatnonzero(np.array(subjects) == name) for name in "abc"]
    exact: dict[float, float] = {}
    for draw in product(range(3), repeat=3):
        chosen = np.concatenate([members[person] for person in draw])
        value = round(macro_f1(truth[chosen], predicted[chosen]), 9)
        exact[value] = exact.get(value, 0) + 1 / 27
    found = bootstrap_scores(truth, predicted, subjects, CLASSES, seed=1, resamples=20000)
    values, counts = np.unique(np.round(found.uf1, 9), return_counts=True)
    assert values.tolist() == sorted(exact)
    expected = np.array([exact[value] for value in values]) * 20000
    assert stats.chisquare(counts, expected).pvalue > 1e-4


@pytest.mark.parametrize("people", [True, False], ids=["subjects", "clips"])
def test_intervals_are_scipys(people):
    """Percentile intervals of 4000 resamples, drawn by another generator: equal up to their noise."""
    rng = np.random.default_rng(5)
    subject = np.repeat(np.arange(16), 4) if people else np.arange(64)
    truth = rng.integers(0, 3, 64)
    predicted = np.where(rng.random(64) < 0.6, truth, rng.integers(0, 3, 64))
    members = [np.flatnonzero(subject == number) for number in range(subject.max() + 1)]

    def statistic(drawn):
        chosen = np.concatenate([members[number] for number in drawn])
        return fast_macro_f1(truth[chosen], predicted[chosen])

    everyone = np.arange(len(members))
    assert statistic(everyone) == pytest.approx(macro_f1(truth, predicted))
    expected = stats.bootstrap(
        (everyone,), statistic, n_resamples=4000, vectorized=False, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    names = [f"s{number}" for number in subject] if people else [None] * 64
    found = bootstrap_scores(truth, predicted, names, CLASSES, seed=7, resamples=4000)
    assert found.over == ("subjects" if people else "clips")
    low, high = interval(found.uf1)
    assert (low, high) == (pytest.approx(expected.low, abs=0.015), pytest.approx(expected.high, abs=0.015))


def test_the_same_seed_draws_the_same_people_whatever_the_order_of_clips():
    rng = np.random.default_rng(3)
    subjects = np.array([f"s{number}" for number in np.repeat(np.arange(8), 5)])
    truth, predicted = rng.integers(0, 3, 40), rng.integers(0, 3, 40)
    order = rng.permutation(40)
    first = bootstrap_scores(truth, predicted, list(subjects), CLASSES, seed=4, resamples=100)
    second = bootstrap_scores(truth[order], predicted[order], list(subjects[order]), CLASSES, seed=4, resamples=100)
    np.testing.assert_array_equal(first.uf1, second.uf1)
    other = bootstrap_scores(truth, predicted, list(subjects), CLASSES, seed=5, resamples=100)
    assert not np.array_equal(first.uf1, other.uf1)


@pytest.mark.parametrize("subjects", [["s1", "s1", "s1"], ["s1", None, "s2"]], ids=["one person", "one unknown"])
def test_where_people_cannot_be_drawn_clips_are(subjects):
    found = bootstrap_scores([0, 1, 2], [0, 1, 1], subjects, CLASSES, seed=0)
    assert found.over == "clips"
    assert len(np.unique(found.uf1)) > 1
