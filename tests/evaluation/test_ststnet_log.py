"""The published predictions of STSTNet, scored by our metrics."""

import re

import pytest

from cdmer.evaluation.metrics import uar, uf1


@pytest.fixture(scope="module")
def predictions(real):
    """(database, subject) -> [(truth, prediction)] of the authors' log."""
    folds, current = {}, None
    for line in (real / "megc2019" / "STSTNet_logfile.txt").read_text().splitlines():
        words = line.split()
        if len(words) == 2:
            current = folds.setdefault(tuple(words), [])
        elif re.fullmatch(r"\S+ \d \d", " ".join(words)):
            current.append((int(words[1]), int(words[2])))
    return folds


def test_pooled_over_all_folds_it_is_the_papers_uf1_and_the_true_uar(predictions):
    truth, predicted = zip(*(pair for fold in predictions.values() for pair in fold), strict=True)
    assert len(truth) == 442
    assert len(predictions) == 68
    assert uf1(truth, predicted) == pytest.approx(0.7353, abs=5e-5)
    assert uar(truth, predicted) == pytest.approx(0.7186, abs=5e-5)  # what the paper prints as UAR is its precision


@pytest.mark.parametrize(
    ("database", "f1", "recall"), [("smic", 0.6801, 0.6703), ("casme2", 0.8382, 0.8190), ("samm", 0.6588, 0.6415)]
)
def test_so_is_each_database_by_itself(predictions, database, f1, recall):
    pairs = [pair for (name, _), fold in predictions.items() if name == database for pair in fold]
    truth, predicted = zip(*pairs, strict=True)
    assert uf1(truth, predicted, (0, 1, 2)) == pytest.approx(f1, abs=5e-5)
    assert uar(truth, predicted, (0, 1, 2)) == pytest.approx(recall, abs=5e-5)
