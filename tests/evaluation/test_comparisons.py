"""Paired tests over people: against enumeration by hand, chance itself, and scipy."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import f1_score

from cdmer.evaluation.comparisons import answers_of_people, compare, holm

CLASSES = (0, 1, 2)


def answers(truth, predicted, person):
    return answers_of_people([(truth, predicted)], person, sorted(set(person)), CLASSES)


def uf1(truth, predicted):
    return f1_score(truth, predicted, labels=list(CLASSES), average="macro", zero_division=0)


def test_few_people_are_swapped_in_every_way():
    rng = np.random.default_rng(3)
    truth, person = rng.integers(0, 3, 40), np.repeat(list("abcde"), 8)
    first, second = (np.where(rng.random(40) < q, truth, rng.integers(0, 3, 40)) for q in (0.7, 0.3))
    observed = uf1(truth, first) - uf1(truth, second)
    differences = []
    for swapped in product([False, True], repeat=5):
        taken = np.isin(person, np.array(list("abcde"))[list(swapped)])
        one, other = np.where(taken, second, first), np.where(taken, first, second)
        differences.append(uf1(truth, one) - uf1(truth, other))
    found = compare([answers(truth, first, person)], [answers(truth, second, person)], 0)
    assert found.difference == pytest.approx(observed)
    assert found.p == np.mean(np.abs(differences) >= abs(observed) - 1e-9)


def test_a_method_does_not_differ_from_itself():
    truth, person = np.arange(30) % 3, np.repeat(np.arange(10), 3)
    same = answers(truth, truth[::-1], person)
    found = compare([same, same], [same, same], 0)
    assert (found.difference, found.p, found.error) == (0, 1, 0)


def test_where_chance_alone_differs_p_is_small_as_seldom_as_it_says():
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(12), 4)
    p = []
    for seed in range(150):
        truth = rng.integers(0, 3, 48)
        first, second = (np.where(rng.random(48) < 0.5, truth, rng.integers(0, 3, 48)) for _ in range(2))
        p.append(compare([answers(truth, first, person)], [answers(truth, second, person)], seed).p)
    # binomial(150, 0.05): 15 or fewer with probability 0.996; binomial(150, 0.5): 60 to 90 with 0.985
    assert np.count_nonzero(np.array(p) <= 0.05) <= 15
    assert 58 <= np.count_nonzero(np.array(p) <= 0.5) <= 92


def test_a_large_difference_is_found_and_the_smallest_one_follows_from_its_error():
    truth, person = np.arange(120) % 3, np.repeat(np.arange(20), 6)
    rng = np.random.default_rng(1)
    poor = np.where(rng.random(120) < 0.4, truth, rng.integers(0, 3, 120))
    found = compare([answers(truth, truth, person)], [answers(truth, poor, person)], 0)
    assert found.p < 0.001
    assert found.smallest == pytest.approx((norm.ppf(0.975) + norm.ppf(0.8)) * found.error)
    draws = [rng.integers(0, 20, 20) for _ in range(2000)]
    rows = [np.concatenate([np.flatnonzero(person == who) for who in draw]) for draw in draws]
    assert found.error == pytest.approx(np.std([1 - uf1(truth[row], poor[row]) for row in rows]), rel=0.08)


def test_one_round_counts_as_often_as_the_other_s_many():
    truth, person = np.arange(12) % 3, np.repeat(np.arange(4), 3)
    other = np.roll(truth, 1)
    one = answers(truth, truth, person)
    many = answers_of_people([(truth, truth), (truth, other)], person, range(4), CLASSES)
    assert compare([one], [many], 0).difference == pytest.approx(0.5)  # the second round of the other is all wrong


def test_people_without_a_clip_in_an_experiment_count_nothing_there():
    counted = answers_of_people([([0, 1], [0, 2])], ["a", "a"], ["a", "b"], CLASSES)
    assert counted.shape == (1, 2, 3, 3)
    assert counted[0, 0].tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert not counted[0, 1].any()


def test_holm_by_hand():
    """Three tests: 0.01 * 3, then 0.02 * 2 and 0.03 * 1, which may not fall below its smaller neighbour's."""
    assert holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []
