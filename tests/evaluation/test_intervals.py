"""Bootstrap intervals against SciPy's, and against all draws counted out. (How people are drawn: test_metrics.)"""

import zlib
from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from cdmer.evaluation.intervals import bootstrap_average, bootstrap_scores, interval

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


def scores_of(rng, ability, person, truth):
    """One experiment: each clip is understood as often as its person is legible."""
    return np.where(rng.random(len(truth)) < ability[person], truth, rng.integers(0, 3, len(truth)))


def test_an_average_of_one_target_is_that_target():
    rng = np.random.default_rng(0)
    truth, told, person = rng.integers(0, 3, 60), rng.integers(0, 3, 60), np.repeat(list("abcdef"), 10)
    seed = zlib.crc32(b"a\nb\nc\nd\ne\nf")
    alone = bootstrap_scores(truth, told, list(person), (0, 1, 2), seed).uf1
    np.testing.assert_allclose(bootstrap_average([([(truth, told)], list(person))], (0, 1, 2), 0), alone)
    # the same people twice are no more evidence than once; other people are
    twice = bootstrap_average([([(truth, told)], list(person))] * 2, (0, 1, 2), 0)
    np.testing.assert_allclose(twice, alone)
    others = [f"other {name}" for name in person]
    apart = bootstrap_average([([(truth, told)], list(person)), ([(truth, told)], others)], (0, 1, 2), 0)
    assert apart.std() == pytest.approx(alone.std() / np.sqrt(2), rel=0.1)


def test_people_in_several_targets_are_drawn_once_by_hand():
    """Two targets of the same people, of whom the second shows half, and a target of others."""
    truth = np.tile([0, 1, 2], 4)
    both, apart = [f"p{index}" for index in range(4)], [f"q{index}" for index in range(4)]
    told = [np.where(np.arange(12) < 6, truth, 0), np.where(np.arange(12) < 3, truth, 1), truth[::-1]]
    who = [np.repeat(both, 3), np.repeat(both[:2] * 2, 3), np.repeat(apart, 3)]
    targets = [([(truth, answer)], list(people)) for answer, people in zip(told, who, strict=True)]
    found = bootstrap_average(targets, (0, 1, 2), 5, resamples=40)
    draws = {}
    for names in (both, apart):
        rng = np.random.default_rng(5 + zlib.crc32("\n".join(names).encode()))
        drawn = np.concatenate([rng.multinomial(4, [0.25] * 4, size=40) for _ in range(2)])
        if names == both:  # of four draws in sixty-four none has anybody of the second target
            assert not drawn[:40, :2].any(axis=1).all()
            drawn = drawn[drawn[:, :2].any(axis=1)]
        draws |= dict(zip(names, drawn[:40].T, strict=True))
    for draw in range(40):
        expected = []
        for answer, people in zip(told, who, strict=True):
            rows = [row for row, name in enumerate(people) for _ in range(draws[name][draw])]
            expected.append(f1_score(truth[rows], answer[rows], labels=[0, 1, 2], average="macro", zero_division=0))
        assert found[draw] == pytest.approx(np.mean(expected))


def test_the_interval_of_an_average_over_shared_people_holds_the_truth():
    """Sixteen people, the first eight in two more targets, as in SMIC; 120 samples of them, at least 88 % held."""
    classes, held, width, apart_width = (0, 1, 2), 0, [], []
    everybody = np.repeat(np.arange(16), 9)
    shared = np.repeat(np.arange(8), 9)
    for seed in range(121):
        rng = np.random.default_rng(seed)
        size = 4000 if seed == 0 else 16  # the truth is that of very many people
        ability = rng.beta(1.5, 1.5, size)
        sides = [np.repeat(np.arange(size), 9), *[np.repeat(np.arange(size // 2), 9)] * 2]
        if seed:
            sides = [everybody, shared, shared]
        targets, scores = [], []
        for person in sides:
            truth = rng.integers(0, 3, len(person))
            told = scores_of(rng, ability, person, truth)
            scores.append(f1_score(truth, told, average="macro"))
            targets.append(([(truth, told)], [f"s{name:02d}" for name in person]))
        if not seed:
            true = np.mean(scores)
            continue
        low, high = interval(bootstrap_average(targets, classes, 1, resamples=300), 8)
        held += low <= true <= high
        width.append(high - low)
        drawn = [
            bootstrap_scores(*target[0][0], target[1], classes, place, 300).uf1 for place, target in enumerate(targets)
        ]
        apart = interval(np.mean(drawn, axis=0), 8)
        apart_width.append(apart[1] - apart[0])
    assert held >= 106
    assert np.mean(width) > 1.1 * np.mean(apart_width)  # drawn apart, shared people would pass for more evidence
