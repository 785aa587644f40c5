"""From predictions to the table: numbers by hand, six decimals, averages, the papers' numbers beside ours."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from cdmer.evaluation.markdown import casme2_notes
from cdmer.evaluation.tables import COLUMNS, tabulate_cdmer
from cdmer.protocols.cdmer import CLASSES

N, P, S = "negative", "positive", "surprise"
TYPE_I = ["H->V", "V->H", "H->N", "N->H", "V->N", "N->V"]
TYPE_II = ["C->H", "H->C", "C->V", "V->C", "C->N", "N->C"]
PEOPLE = ["s1", "s1", "s2", "s2", "s3", "s3"]
TRUTH = [N, N, P, P, S, S]
FOUR_RIGHT = [N, P, P, P, S, N]  # F1 1/2, 4/5, 2/3; recall 1/2, 1, 1/2
ALL_RIGHT = TRUTH


class Desk:
    """Predictions on disk, and the table made of them."""

    def __init__(self, folder):
        self.folder = folder
        self.clear()

    def clear(self):
        self.parts, self.predictions = [], []

    def predict(self, experiment, *rounds, model="SVM", truth=TRUTH, subjects=PEOPLE, data="real", selection="default"):
        """Add the predictions of one model for one experiment, a list of labels a round."""
        self.add(experiment, self.frame(*rounds, truth=truth, subjects=subjects, selection=selection), model, data)

    def frame(self, *rounds, truth=TRUTH, subjects=PEOPLE, selection="default", point=""):
        clips = [f"clip{index}" for index in range(len(truth))]
        columns = {"clip": clips, "subject": subjects, "label": truth}
        made = [
            pd.DataFrame({"round": number, "selection": selection, "point": point, **columns, "predicted": predicted})
            for number, predicted in enumerate(rounds, start=1)
        ]
        return pd.concat(made)

    def add(self, experiment, predictions, model="SVM", data="real"):
        path = self.folder / f"{experiment.replace('->', '_to_')}_{model}.csv"
        predictions.to_csv(path, index=False)
        self.parts.append({"experiment": experiment, "model": model, "data": data})
        self.predictions.append(path)

    def tabulate(self, left_out=()):
        """The table as read back, without the empty cells' NaN for texts."""
        exclusions = self.folder / "exclusions.csv"
        exclusions.write_text("database,subject,clip,stage,reason\n")
        md = self.folder / "table.md"
        leaks = self.folder / "leaks.csv"
        leaks.write_text("experiment,feature,check,count,of,detail\n")
        tabulate_cdmer(self.predictions, exclusions, leaks, self.csv, md, self.compared, self.parts, left_out)
        return pd.read_csv(self.csv)

    @property
    def csv(self):
        return self.folder / "table.csv"

    @property
    def compared(self):
        return self.folder / "comparisons.csv"


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_a_row_by_hand(desk):
    desk.predict("C->H", FOUR_RIGHT)
    (row,) = desk.tabulate().to_dict("records")
    assert (row["protocol"], row["type"], row["experiment"]) == ("cdmer", "TYPE-II", "C->H")
    assert (row["source"], row["target"], row["model"]) == ("casme2", "smic_hs", "SVM")
    assert (row["selection"], row["rounds"], row["n_target"]) == ("default", 1, 6)
    assert row["uf1"] == pytest.approx((1 / 2 + 4 / 5 + 2 / 3) / 3, abs=5e-7)
    assert row["uar"] == pytest.approx((1 / 2 + 1 + 1 / 2) / 3, abs=5e-7)
    assert row["accuracy"] == pytest.approx(4 / 6, abs=5e-7)
    # one person a class: whoever is not drawn takes a class along, so no draw does better than all three
    assert row["uf1_low"] < row["uf1"] == row["uf1_high"]
    assert (row["interval_over"], row["data"]) == ("subjects", "real")
    # TGSR, Table III, row SVM
    assert (row["published_uf1"], row["published_accuracy"], row["published_in"]) == (0.3697, 0.4512, "TGSR")


def test_the_columns_that_others_rely_on_come_in_their_order(desk):
    desk.predict("H->V", FOUR_RIGHT)
    promised = [
        *("protocol", "type", "experiment", "source", "target", "model", "selection", "rounds"),
        *("uf1", "uf1_std", "uf1_low", "uf1_high", "uar", "accuracy", "accuracy_std", "n_target"),
        *("published_uf1", "published_accuracy", "published_in"),
    ]
    assert list(desk.tabulate().columns)[: len(promised)] == promised
    assert list(desk.tabulate().columns) == list(COLUMNS)


def test_spreads_use_n_minus_one(desk):
    two_right = [N, P, S, P, N, N]
    desk.predict("H->V", ALL_RIGHT, FOUR_RIGHT, two_right)
    (row,) = desk.tabulate().to_dict("records")
    scores = [f1_score(TRUTH, predicted, average="macro") for predicted in (ALL_RIGHT, FOUR_RIGHT, two_right)]
    recalls = [balanced_accuracy_score(TRUTH, predicted) for predicted in (ALL_RIGHT, FOUR_RIGHT, two_right)]
    assert row["rounds"] == 3
    assert row["accuracy"] == pytest.approx(2 / 3, abs=5e-7)
    assert row["accuracy_std"] == pytest.approx(1 / 3, abs=5e-7)  # of 1, 4/6 and 2/6: sqrt((1/9 + 0 + 1/9) / 2)
    assert row["uf1"] == pytest.approx(np.mean(scores), abs=5e-7)
    assert row["uf1_std"] == pytest.approx(np.sqrt(np.sum((scores - np.mean(scores)) ** 2) / 2), abs=5e-7)
    assert row["uar"] == pytest.approx(np.mean(recalls), abs=5e-7)
    assert row["n_target"] == 6  # clips, not predictions


def test_one_round_has_no_spread(desk):
    desk.predict("H->V", FOUR_RIGHT)
    desk.tabulate()
    row = pd.read_csv(desk.csv, dtype=str, keep_default_na=False).iloc[0]
    assert (row["uf1_std"], row["accuracy_std"]) == ("", "")


def test_numbers_have_six_decimals(desk):
    for experiment in TYPE_I:
        desk.predict(experiment, FOUR_RIGHT, ALL_RIGHT)
    desk.tabulate()
    table = pd.read_csv(desk.csv, dtype=str, keep_default_na=False)
    numbers = [
        name for name in COLUMNS if name.startswith(("uf1", "uar", "accuracy", "published_uf1", "published_acc"))
    ]
    assert len(numbers) == 9
    for cell in table[numbers].to_numpy().ravel():
        assert re.fullmatch(r"[01]\.[0-9]{6}", cell)
    assert set(table["n_target"]) == {"6", "36"}
    assert desk.csv.read_bytes().count(b"\r") == 0


def test_the_same_predictions_are_the_same_bytes(desk):
    desk.predict("H->V", FOUR_RIGHT, ALL_RIGHT)
    desk.predict("C->H", FOUR_RIGHT, subjects=[None] * 6)
    desk.tabulate()
    first = desk.csv.read_bytes()
    desk.tabulate()
    assert desk.csv.read_bytes() == first


def test_the_order_of_clips_in_a_file_does_not_matter_where_people_are_known(desk):
    made = desk.frame(FOUR_RIGHT)
    desk.add("H->V", made)
    first = desk.tabulate()
    desk.clear()
    desk.add("H->V", made.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(desk.tabulate(), first)


def test_rows_follow_the_parts_and_averages_come_last(desk):
    for model in ("SVM", "TCA"):
        for experiment in [*TYPE_I, *TYPE_II]:
            desk.predict(experiment, FOUR_RIGHT, model=model)
    table = desk.tabulate()
    assert table["experiment"].tolist() == [*TYPE_I, *TYPE_II, *TYPE_I, *TYPE_II, *["average"] * 4]
    assert table["model"].tolist()[-4:] == ["SVM", "SVM", "TCA", "TCA"]
    assert table["type"].tolist()[-4:] == ["TYPE-I", "TYPE-II"] * 2


def test_the_average_is_the_mean_of_the_six_experiments(desk):
    """Not the score of pooled predictions: a target with more clips weighs no more."""
    for experiment in TYPE_I[:5]:
        desk.predict(experiment, FOUR_RIGHT)
    desk.predict(TYPE_I[5], ALL_RIGHT * 3, truth=TRUTH * 3, subjects=PEOPLE * 3)
    row = desk.tabulate().set_index("experiment").loc["average"]
    four = (1 / 2 + 4 / 5 + 2 / 3) / 3
    assert row["uf1"] == pytest.approx((5 * four + 1) / 6, abs=5e-7)
    assert row["accuracy"] == pytest.approx((5 * 4 / 6 + 1) / 6, abs=5e-7)
    assert row["n_target"] == 5 * 6 + 18
    # TGSR, Table II, row SVM
    assert (row["published_uf1"], row["published_accuracy"]) == (0.6003, 0.6162)


def test_the_spread_of_an_average_is_that_of_the_rounds_averages(desk):
    """Round by round the six are averaged first, so that what goes up here and down there cancels out."""
    for experiment in TYPE_I[:3]:
        desk.predict(experiment, ALL_RIGHT, FOUR_RIGHT)
    for experiment in TYPE_I[3:]:
        desk.predict(experiment, FOUR_RIGHT, ALL_RIGHT)
    table = desk.tabulate().set_index("experiment")
    assert table.loc["H->V", "accuracy_std"] == pytest.approx(np.sqrt(2) / 6, abs=5e-7)  # of 1 and 4/6
    assert table.loc["average", "accuracy_std"] == 0
    assert table.loc["average", "rounds"] == 2


def test_an_average_is_given_only_where_all_six_were_computed(desk):
    for experiment in [*TYPE_I[:5], *TYPE_II]:
        desk.predict(experiment, FOUR_RIGHT)
    desk.predict(TYPE_I[5], FOUR_RIGHT, model="TCA")
    averages = desk.tabulate().query("experiment == 'average'")
    assert averages[["type", "model"]].to_numpy().tolist() == [["TYPE-II", "SVM"]]


def test_selections_are_rows_and_averages_of_their_own(desk):
    for experiment in TYPE_I:
        default, oracle = desk.frame(FOUR_RIGHT), desk.frame(ALL_RIGHT, selection="oracle")
        desk.add(experiment, pd.concat([default, oracle]))
    table = desk.tabulate()
    assert table["selection"].tolist() == ["default", "oracle"] * 7
    averages = table.query("experiment == 'average'").set_index("selection")["accuracy"]
    assert averages["default"] == pytest.approx(4 / 6, abs=5e-7)
    assert averages["oracle"] == 1


def test_what_no_paper_prints_is_left_empty(desk):
    desk.predict("H->V", FOUR_RIGHT, model="STSTNet")
    desk.tabulate()
    row = pd.read_csv(desk.csv, dtype=str, keep_default_na=False).iloc[0]
    assert (row["published_uf1"], row["published_accuracy"], row["published_in"]) == ("", "", "")


def test_where_no_people_are_known_intervals_are_over_clips_and_say_so(desk):
    for experiment in TYPE_I:
        subjects = [None] * 6 if experiment == "N->V" else PEOPLE
        data = "released" if experiment == "N->V" else "real and synthetic"
        desk.predict(experiment, FOUR_RIGHT, subjects=subjects, data=data)
    table = desk.tabulate().set_index("experiment")
    assert table.loc["N->V", "interval_over"] == "clips"
    assert table.loc["average", "interval_over"] == "clips and subjects"
    assert table.loc["average", "data"] == "real and released and synthetic"


@pytest.mark.parametrize("name", ["NA", "nan", "None", "null", "006"])
def test_any_name_of_a_subject_is_a_name(desk, name):
    """Initials and numbers included: what reads as missing elsewhere is a person here."""
    desk.predict("H->V", FOUR_RIGHT, subjects=[name, name, "s2", "s2", "s3", "s3"])
    assert desk.tabulate()["interval_over"].tolist() == ["subjects"]


def test_a_class_that_never_occurs_counts_zero(desk):
    desk.predict("H->V", [N, N, P, P], truth=[N, N, P, P], subjects=["s1", "s2", "s1", "s2"])
    (row,) = desk.tabulate().to_dict("records")
    assert row["uf1"] == pytest.approx(2 / 3, abs=5e-7)
    assert (row["uar"], row["accuracy"]) == (1, 1)


@pytest.fixture
def crowd():
    """Truth and predictions of twenty people with six clips each, of whom some are harder to read."""
    rng = np.random.default_rng(8)
    truth = np.array(TRUTH * 20)
    easy = np.repeat(rng.random(20), 6)
    predicted = np.where(rng.random(120) < easy, truth, rng.permutation(truth))
    return truth.tolist(), predicted.tolist(), np.repeat(np.arange(20), 6)


@pytest.mark.parametrize("known", [True, False], ids=["subjects", "clips"])
def test_the_same_people_are_drawn_together_wherever_they_are_the_target(desk, crowd, known):
    """So that equal predictions have equal intervals, and the difference of two models is not the draw's."""
    truth, predicted, person = crowd
    subjects = [f"s{number}" for number in person] if known else [None] * 120
    for experiment, model in (("H->N", "SVM"), ("C->N", "SVM"), ("C->N", "TCA")):
        desk.predict(experiment, predicted, truth=truth, subjects=subjects, model=model)
    intervals = desk.tabulate()[["uf1_low", "uf1_high"]]
    assert intervals.drop_duplicates().shape == (1, 2)


def test_the_interval_of_an_average_of_other_people_is_narrower_and_of_the_same_people_is_not(desk, crowd):
    """Six independent means: 1 / sqrt(6) = 0.41 of the width; the same people six times tell no more than once."""
    truth, predicted, person = crowd
    widths = {}
    for name in ("same", "other"):
        desk.clear()
        for turn, experiment in enumerate(TYPE_I):
            people = [f"{turn if name == 'other' else 0}-{number}" for number in person]
            desk.predict(experiment, predicted, truth=truth, subjects=people)
        table = desk.tabulate().set_index("experiment")
        width = table["uf1_high"] - table["uf1_low"]
        widths[name] = width["average"] / width[TYPE_I].mean()
    assert widths["same"] == pytest.approx(1, abs=1e-4)
    assert widths["other"] == pytest.approx(1 / np.sqrt(6), abs=0.06)


def test_a_label_that_is_no_class_is_not_scored_silently(desk):
    desk.predict("H->V", [N, N, P, P, S, "anger"])
    with pytest.raises(ValueError, match="anger"):
        desk.tabulate()
    assert not desk.csv.exists()


def test_without_any_experiment_the_table_has_its_header_and_says_why(desk):
    reason = "the configuration has no database smic_hs"
    table = desk.tabulate([{"experiment": "H->V", "model": "SVM", "reason": reason}])
    assert list(table.columns) == list(COLUMNS)
    assert table.empty
    assert reason in (desk.folder / "table.md").read_text()


def test_every_model_is_compared_with_the_best_of_its_column(desk):
    """Of the swaps of three people, only all and none reach as far as right against wrong."""
    wrong = TRUTH[2:] + TRUTH[:2]
    desk.predict("H->V", TRUTH, model="GFK")
    desk.predict("H->V", wrong, model="SVM")
    desk.predict("V->H", wrong, model="SVM")
    desk.tabulate()
    compared = pd.read_csv(desk.compared)
    assert compared[["experiment", "best", "model", "difference"]].values.tolist() == [["H->V", "GFK", "SVM", 1.0]]
    people = len(set(PEOPLE))
    assert compared["p"].iloc[0] == pytest.approx(2 / 2**people)
    assert "0 of 1 differences" in (desk.folder / "table.md").read_text()


def test_contradicted_published_numbers_are_marked_and_told(desk):
    desk.predict("C->H", FOUR_RIGHT, model="TKL")
    desk.tabulate()
    text = (desk.folder / "table.md").read_text()
    assert "| TKL, published | TGSR | 0.4582¹ / 0.4695² |" in text
    assert "## Where the published numbers contradict" in text
    assert "- ² TKL, C->H, accuracy: TGSR prints 0.4695; MADTN: 0.4451." in text


def test_the_rule_of_casme2_is_said_with_its_clips(desk):
    desk.predict("V->C", FOUR_RIGHT)
    desk.predict("V->N", FOUR_RIGHT)
    table = desk.tabulate()
    assert dict(zip(table["experiment"], table["casme2_negative"].fillna(""), strict=True)) == {
        "V->C": "disgust_sadness_fear",
        "V->N": "",
    }
    counts = [int((pd.read_csv(desk.predictions[0])["label"] == name).sum()) for name in CLASSES]
    words = ", ".join(f"{count} {name}" for count, name in zip(counts, CLASSES, strict=True))
    text = (desk.folder / "table.md").read_text()
    assert f"- CASME II: negative = disgust, sadness, fear; {words} of {sum(counts)} clips.\n" in text


def test_a_paper_of_the_other_rule_is_named():
    rows = pd.DataFrame({"type": ["TYPE-II", "TYPE-I"], "published_in": ["DSCNN", "TGSR"]})
    first, second = casme2_notes(rows, "disgust_sadness_fear", [(72, 32, 25)])
    assert first == "CASME II: negative = disgust, sadness, fear; 72 negative, 32 positive, 25 surprise of 129 clips."
    assert "of DSCNN are, as said there, of another rule, negative = disgust, repression" in second
    assert len(casme2_notes(rows, "disgust_repression")) == 1
    assert casme2_notes(rows[1:], "disgust_repression") == []


def test_intervals_of_few_people_are_said_to_be_hardly_any(desk):
    desk.predict("V->N", FOUR_RIGHT)
    desk.predict("H->V", FOUR_RIGHT, subjects=[f"s{number}" for number in range(6)])
    desk.tabulate()
    (line,) = (line for line in (desk.folder / "table.md").read_text().splitlines() if "hardly intervals" in line)
    assert line == "- Intervals from fewer than 6 people are hardly intervals, and may have no width at all: V->N."
