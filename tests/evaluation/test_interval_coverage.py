"""How often the intervals hold the truth, on people who are made up: they do nearly as often as they say."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from cdmer.evaluation.intervals import interval


@pytest.fixture(scope="module")
def simulation(load_script):
    """The script that makes the table of docs/protocols.md."""
    return load_script("benchmarks/interval_coverage.py")


def test_an_interval_is_as_much_wider_as_students():
    """Of normal draws: the half width is that of Student's interval, on the scale of the sample's own deviation."""
    values = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    for number in (5, 8, 16, 68):
        low, high = interval(values, number)
        expected = stats.t.ppf(0.975, number - 1) * np.sqrt(number / (number - 1))
        assert (high - low) / 2 == pytest.approx(expected, rel=2e-3)
    assert interval(values, 10**6) == pytest.approx(interval(values), rel=1e-3)
    assert interval(values, 1) == interval(values)


def test_the_designs_have_the_people_and_clips_of_the_protocol(simulation):
    composite = simulation.design("smic_hs", "casme2", "samm")
    assert len(composite.counts) == 68
    assert len(simulation.design("smic_vis").counts) == 8
    assert simulation.design("smic_hs").counts.sum(0).tolist() == [70, 51, 43]


def test_the_simulated_truth_is_what_its_people_come_to(simulation):
    """Without spread a clip is right with the same chance everywhere: F1 by hand from the expected counts."""
    design = simulation.Design("even", np.array([[5, 5, 5]]))
    chance = 1 / (1 + np.exp(-simulation.CENTRE))
    # equal classes, and what goes wrong goes everywhere alike: precision and recall are the chance itself
    assert simulation.truth_of(design, 0.0, 3, people=40_000) == pytest.approx(chance, abs=0.003)
    matrices = simulation.answers(np.array([[2, 3, 4], [1, 0, 2]]), 1.0, np.random.default_rng(0))
    assert matrices.sum(2).tolist() == [[2, 3, 4], [1, 0, 2]]
    label, predicted, person = simulation.as_clips(matrices)
    assert len(label) == 12 and person.count("p1") == 3
    expected = f1_score(label, predicted, labels=[0, 1, 2], average="macro", zero_division=0)
    assert float(simulation.uf1_of(matrices.sum(0))) == pytest.approx(expected)


@pytest.mark.parametrize("databases", [("smic_hs",), ("smic_hs", "casme2", "samm")], ids=" ".join)
def test_intervals_over_people_hold_the_truth_and_those_over_clips_do_not(simulation, databases):
    """160 samples: a true share of 94 % is seen below 0.88 once in a thousand times."""
    design = simulation.design(*databases)
    widened, plain, clips, _ = simulation.coverage(design, 1.5, samples=160, people=30_000, resamples=400)
    assert widened >= 0.88
    assert plain <= widened
    assert clips < widened - 0.1


def test_the_average_over_targets_that_share_people_holds_the_truth_and_one_that_draws_them_apart_does_not(simulation):
    """Where people differ much; 120 samples. Binomial(120, 0.95) is 108 or more with probability 0.995."""
    together, apart, wide, narrow = simulation.average_coverage(2.0, 120, people=20_000, resamples=400)
    assert together >= 108 / 120
    assert apart < together
    assert wide > 1.1 * narrow
