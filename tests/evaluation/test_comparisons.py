"""Paired tests over people: against enumeration by hand, chance itself, and scipy."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test, t
from sklearn.metrics import f1_score

from cdmer.evaluation.comparisons import (
    Comparison,
    answers_of_people,
    compare,
    compare_with_best,
    holm,
    shaffer,
    smallest_note,
)

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


@pytest.mark.parametrize("seed", range(4))
def test_p_is_that_of_scipy_s_permutation_test(seed):
    """SciPy exchanges paired observations: here the answers of a person, named by method and person."""
    rng = np.random.default_rng(seed)
    truth, person = rng.integers(0, 3, 42), np.repeat(np.arange(7), 6)
    told = [np.where(rng.random(42) < q, truth, rng.integers(0, 3, 42)) for q in (0.6, 0.4)]

    def score(named):
        return uf1(
            truth, np.concatenate([told[name // 7][person == name % 7] for name in sorted(named, key=lambda n: n % 7)])
        )

    expected = permutation_test(
        (np.arange(7), np.arange(7, 14)),
        lambda one, other: score(one) - score(other),
        permutation_type="samples",
        n_resamples=np.inf,
    )
    found = compare([answers(truth, told[0], person)], [answers(truth, told[1], person)], 0)
    assert found.difference == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue)


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
    # twenty people: Student's quantiles with nineteen degrees of freedom
    assert found.smallest == pytest.approx((t.ppf(0.975, 19) + t.ppf(0.8, 19)) * found.error * np.sqrt(20 / 19))
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


def partitions(names):
    """Every way to say which methods are alike."""
    if not names:
        yield []
        return
    first, *rest = names
    for smaller in partitions(rest):
        yield [[first], *smaller]
        for index, block in enumerate(smaller):
            yield [*smaller[:index], [first, *block], *smaller[index + 1 :]]


@pytest.mark.parametrize("methods", [2, 3, 5, 6])
def test_shaffer_counts_the_pairs_that_can_be_alike(methods):
    """The least p times all pairs; the others times the most pairs that are alike where some two methods differ."""
    alike = [sum(len(block) * (len(block) - 1) // 2 for block in found) for found in partitions(list(range(methods)))]
    most = sorted(set(alike))[::-1]
    p = [0.004] + [0.01] * (methods - 2)
    expected = [0.004 * most[0], *([max(0.004 * most[0], 0.01 * most[1])] * (methods - 2))]
    assert shaffer(p, methods) == pytest.approx([min(value, 1) for value in expected])
    assert shaffer(p[::-1], methods) == pytest.approx([min(value, 1) for value in expected[::-1]])


def test_of_methods_that_are_alike_the_best_by_luck_seldom_beats_another():
    """Eight alike: a correction for seven comparisons with the best would err in too many tables."""
    families, found, uncorrected = 80, 0, 0
    person = np.repeat(np.arange(11), 4)
    for seed in range(families):
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 3, 44)
        methods = {
            str(name): [answers(truth, np.where(rng.random(44) < 0.5, truth, rng.integers(0, 3, 44)), person)]
            for name in range(8)
        }
        rows = compare_with_best(methods, seed)
        found += any(row["p_corrected"] < 0.05 for row in rows)
        uncorrected += any(value < 0.05 for value in holm([row["p"] for row in rows]))
    # binomial(80, 0.05) is 8 or less with probability 0.98
    assert found <= 8
    assert found < uncorrected


def test_a_true_difference_of_the_smallest_size_is_found_about_four_times_in_five():
    person = np.repeat(np.arange(16), 6)
    smallest, differences, hits = [], [], 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 3, 96)
        told = [np.where(rng.random(96) < q, truth, rng.integers(0, 3, 96)) for q in (0.76, 0.49)]
        one = compare([answers(truth, told[0], person)], [answers(truth, told[1], person)], seed)
        smallest.append(one.smallest)
        differences.append(one.difference)
        hits += one.p < 0.05
    assert np.mean(differences) == pytest.approx(np.mean(smallest), abs=0.02)  # so large is the true difference
    assert 0.68 <= hits / 80 <= 0.92


def test_so_few_people_that_no_p_value_is_small_show_no_difference():
    assert Comparison(0.5, 0.1, 0.1, 5).smallest == np.inf  # 2 of 32 swaps are 0.0625
    assert np.isfinite(Comparison(0.5, 0.1, 0.1, 6).smallest)
    assert Comparison(0.5, 0.1, 0.1, 6).smallest_at(0.01) == np.inf
    rows = {"experiment": ["A", "B"], "smallest": [0.2, np.inf], "smallest_corrected": [np.inf, np.inf]}
    note = smallest_note(pd.DataFrame(rows))
    assert "if it is 0.20 (A) or more (never in B: too few people)" in note
    assert note.endswith("never: they are too few.")
    assert smallest_note(pd.DataFrame({**rows, "smallest": np.inf})).startswith("These people are too few")


def test_methods_that_answer_alike_say_nothing_of_what_difference_is_found():
    """Eight people; two of three rivals answer as the best does: only the third has an error, and is the median."""
    truth, person = np.arange(48) % 3, np.repeat(np.arange(8), 6)
    rng = np.random.default_rng(2)
    best = answers(truth, np.where(rng.random(48) < 0.9, truth, rng.integers(0, 3, 48)), person)
    poor = answers(truth, np.where(rng.random(48) < 0.4, truth, rng.integers(0, 3, 48)), person)
    assert np.isnan(compare([best], [best], 0).smallest)
    assert np.isnan(Comparison(1.0, 0.01, 1e-17, 8).smallest)
    assert Comparison(0.0, 1.0, 0.0, 5).smallest == np.inf  # too few for any
    rows = pd.DataFrame(compare_with_best({"a": [best], "b": [best], "c": [best], "d": [poor]}, 0))
    rows = rows.assign(experiment="A")
    assert rows["smallest"].isna().tolist() == [True, True, False]
    assert f"if it is {rows['smallest'][2]:.2f} (A) or more;" in smallest_note(rows)
    alike = rows[rows["model"] != "d"]
    assert smallest_note(alike).endswith("is not known: the methods answered alike.")
    both = smallest_note(pd.concat([rows, alike.assign(experiment="B")]))
    assert both.count("(A) or more (not known in B: no difference varies there)") == 2
    always = pd.DataFrame({"experiment": ["A"], "difference": [1.0], "smallest": [np.nan]})
    assert smallest_note(always).endswith("the methods differ by as much in every draw of people.")
    few = pd.DataFrame({"experiment": ["A", "B"], "difference": [0.5, 0.0], "smallest": [np.inf, np.nan]})
    assert smallest_note(few).endswith("however large (not known in B: no difference varies there).")
