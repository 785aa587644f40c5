"""Where published numbers contradict: every fact against the printed numbers and against arithmetic."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cdmer.evaluation.published as module
from cdmer.evaluation.contradictions import contradictions, footnotes
from cdmer.evaluation.published import PRECEDENCE, published_score

PRINTED = pd.read_csv(Path(module.__file__).with_name("published.csv"), keep_default_na=False)
CELL = ["type", "experiment", "model", "variant", "metric"]
NUMBERED = [fact for fact in contradictions() if fact.value]
SIZES = {"H": 164, "V": 71, "N": 71, "C": 130}


def printed(paper, fact):
    rows = PRINTED[(PRINTED["paper"] == paper) & (PRINTED[CELL] == [getattr(fact, name) for name in CELL]).all(axis=1)]
    return rows["value"].tolist()


@pytest.mark.parametrize("fact", NUMBERED, ids=lambda fact: f"{fact.model} {fact.experiment} {fact.metric}")
def test_a_fact_quotes_the_printed_cell_and_what_stands_against_it(fact):
    assert printed(fact.paper, fact) == [float(fact.value)]
    assert fact.other != fact.value
    if fact.other_source in PRECEDENCE:
        assert printed(fact.other_source, fact) == [float(fact.other)]
    if fact.other_source == "the mean of its cells":
        key = {name: getattr(fact, name) for name in ("type", "model", "variant", "metric")}
        cells = PRINTED[(PRINTED[list(key)] == list(key.values())).all(axis=1) & (PRINTED["paper"] == fact.paper)]
        six = cells.loc[cells["experiment"] != "average", "value"]
        assert len(six) == 6
        assert six.mean() == pytest.approx(float(fact.other), abs=1.1e-4)
    if counted := re.fullmatch(r"(\d+) of (\d+) clips", fact.other_source):
        right, clips = map(int, counted.groups())
        assert clips == SIZES[fact.experiment[-1]]
        assert round(right / clips, 4) == float(fact.other)
        assert abs(round(float(fact.value) * clips) / clips - float(fact.value)) > 1e-4  # no score of so many clips


def test_the_constant_answers_have_the_scores_that_are_told():
    """73 negative, 32 positive and 25 surprise clips: F1 of the one answer by hand, of the others 0."""
    by_source = {fact.other_source: float(fact.other) for fact in NUMBERED}
    assert by_source["all clips negative"] == round(2 * 73 / (73 + 130) / 3, 4)
    assert by_source["all clips surprise"] == round(2 * 25 / (25 + 130) / 3, 4)


def test_no_disagreement_of_two_papers_is_passed_over():
    told = {tuple(getattr(fact, name) for name in CELL) for fact in NUMBERED if fact.other_source in PRECEDENCE}
    spread = PRINTED.groupby(CELL)["value"].agg(lambda values: values.max() - values.min())
    assert set(spread[spread > 2e-4].index) <= told <= set(spread[spread > 5e-5].index)


def test_cells_carry_marks_in_their_order_and_notes_tell_both_numbers():
    found = footnotes([("TYPE-I", "H->V", "SVM"), ("TYPE-II", "C->H", "TKL"), ("TYPE-II", "C->H", "STM")], "CDMER")
    assert found.mark("TYPE-I", "H->V", "SVM") == ""
    assert found.mark("TYPE-II", "C->H", "TKL") == "¹˒²"
    assert found.mark("TYPE-II", "C->H", "STM") == "³"
    assert found.notes[0].startswith("¹ TKL, C->H, UF1: TGSR prints 0.4582; MADTN: 0.3829.")
    assert found.notes[2].startswith("³ STM, C->H, UF1: TGSR prints 0.3640; MADTN: 0.3604.")
    assert any("`cdmer.casme2_negative`" in note for note in found.notes[3:])
    # the number that stands beside ours is the printed one
    assert published_score("TYPE-II", "C->H", "TKL").uf1 == 0.4582


def test_what_ran_on_the_released_columns_is_the_papers_method_and_shares_its_note():
    found = footnotes([("TYPE-II", "C->N", "TGSR"), ("TYPE-II", "C->N", "TGSR@released")], "CDMER")
    assert found.mark("TYPE-II", "C->N", "TGSR") == found.mark("TYPE-II", "C->N", "TGSR@released") == "¹˒²"


def test_a_descriptor_is_known_by_its_feature():
    found = footnotes([("TYPE-II", "N->C", "SVM@hog_top_p4")], "CDMER")
    assert found.mark("TYPE-II", "N->C", "SVM@hog_top_p4") == "¹"
    assert found.notes[0].startswith("¹ HOG-TOP (p=4), N->C, accuracy")


def test_without_a_published_number_there_is_no_footnote():
    assert footnotes([], "CDMER").notes == []


def test_a_method_of_one_paper_has_its_note_on_its_row():
    found = footnotes([("TYPE-II", "C->H", "MADTN")], "CDMER")
    assert found.mark("CDMER", "", "MADTN") == "¹"
    assert "multiples of 1/129" in found.notes[0]
    assert not any("Five folds" in note for note in found.notes)  # of FR, which has no row here


def test_a_mark_stands_on_the_score_that_it_is_about():
    places = [("TYPE-I", "N->H", "TKL"), ("TYPE-II", "C->H", "TKL"), ("CDE", "composite", "STSTNet")]
    found = footnotes(places, "CDMER")
    row = {"published_uf1": 0.6116, "published_accuracy": 0.6220}
    assert found.scores(row, "accuracy", *places[0]) == [("uf1", 0.6116, ""), ("accuracy", 0.6220, "¹")]
    row = {"published_uf1": 0.4582, "published_accuracy": 0.4695, "published_uar": float("nan")}
    assert found.scores(row, "accuracy", *places[1]) == [("uf1", 0.4582, "²"), ("accuracy", 0.4695, "³")]
    # one about a score that is not shown stands on the last
    assert found.scores({"published_uf1": 0.7353}, "accuracy", *places[2])[-1] == ("accuracy", None, "⁴")


def test_what_a_paper_prints_is_shown_whatever_it_is():
    none = footnotes([], "CDMER")
    assert none.scores({"published_uf1": None, "published_accuracy": 0.6838}, "accuracy", "", "", "") == [
        ("uf1", None, ""),
        ("accuracy", 0.6838, ""),
    ]
    assert none.scores({"published_accuracy": 0.6838}, "uar", "", "", "") == [("accuracy", 0.6838, "")]
    assert none.scores({}, "uar", "", "", "") == []


def test_no_answers_have_the_printed_recall_of_lbp_top_on_smic_hs_and_its_uf1():
    """The least UF1 of all answers whose recall is 0.5280, however the wrong ones fall on the classes."""
    size, least = np.array([70, 51, 43]), 1.0
    called = np.arange(165)
    for right in product(range(71), range(52), range(44)):
        if abs(np.mean(right / size) - 0.5280) < 5e-5:
            first, second = called[right[0] :, None], called[None, right[1] :]
            third = 164 - first - second
            f1 = [2 * r / (n + p) for r, n, p in zip(right, size, (first, second, np.maximum(third, 0)), strict=True)]
            least = min(least, float((sum(f1) / 3)[third >= right[2]].min()))
    (fact,) = (fact for fact in NUMBERED if fact.other_source.startswith("the least"))
    assert round(least, 4) == float(fact.other)


def test_a_plain_svm_has_the_notes_of_the_feature_that_it_reads():
    found = footnotes([("CDE", "smic_hs", "SVM")], "CDE", {"SVM": "lbp_top_r3p8"})
    assert found.mark("CDE", "smic_hs", "SVM", "uf1") == "¹"
    assert found.mark("CDE", "", "SVM") == ""  # it is about one cell, not about the method
    assert found.notes[0].startswith("¹ LBP-TOP, smic_hs, UF1: FR prints 0.2000")
    assert footnotes([("CDE", "smic_hs", "SVM")], "CDE").mark("CDE", "smic_hs", "SVM") == ""
