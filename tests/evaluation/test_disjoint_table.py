"""The table of TYPE-I with nobody on both sides: numbers by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from cdmer.evaluation.disjoint_table import COLUMNS, tabulate_disjoint

N, P, S = "negative", "positive", "surprise"
TYPE_I = ["H->V", "V->H", "H->N", "N->H", "V->N", "N->V"]
TRUTH = [N, P, S] * 4
PEOPLE = np.repeat(["s1", "s2", "s3", "s4"], 3)
WITHOUT_S1 = [P, P, P, *TRUTH[3:]]  # of the first person only P is right


@pytest.fixture
def tabulate(tmp_path):
    """Write plain and disjoint answers of models and experiments, and make the table."""

    def frame(predicted, selection):
        clips = [f"c{number}" for number in range(len(TRUTH))]
        columns = {"round": 1, "selection": selection, "point": "", "clip": clips, "subject": PEOPLE, "label": TRUTH}
        return pd.DataFrame({**columns, "predicted": predicted})

    def run(cells, left_out=(), data="real", controls=()):
        parts = []
        for (model, experiment), (plain, disjoint) in cells.items():
            one, other = (tmp_path / f"{model}{experiment}{kind}.csv" for kind in ("disjoint", "plain"))
            pd.concat([frame(plain, "default"), frame(plain, "oracle")]).to_csv(other, index=False)
            without = np.where(PEOPLE == "s1", "s1", "")
            told = frame(disjoint, "default").assign(without=without, experiment=experiment)
            told = pd.concat([told, told.assign(experiment="N->V" if experiment == "H->V" else "H->V", label="x")])
            told.sample(frac=1, random_state=1).to_csv(one, index=False)
            third = tmp_path / f"{model}{experiment}controls.csv"
            drawn = [
                frame(answers, "default").assign(experiment=experiment, draw=draw, fewer=3, without=without)
                for draw, answers in enumerate(controls, start=1)
            ]
            columns = ["experiment", "draw", "selection", "clip", "subject", "label", "predicted", "without", "fewer"]
            (pd.concat(drawn) if drawn else pd.DataFrame(columns=columns)).to_csv(third, index=False)
            files = {"disjoint": str(one), "plain": str(other), "controls": str(third)}
            parts.append({"experiment": experiment, "model": model, "data": data, **files})
        csv, md, leaks = tmp_path / "t.csv", tmp_path / "t.md", tmp_path / "l.csv"
        checked = {"experiment": "H->V", "feature": "f", "check": "a person is on both sides", "detail": ""}
        pd.DataFrame([{**checked, "count": 0, "of": 4}]).to_csv(leaks, index=False)
        tabulate_disjoint(leaks, csv, md, parts=parts, left_out=left_out)
        return pd.read_csv(csv), md.read_text()

    return run


def test_a_row_by_hand(tabulate):
    table, text = tabulate({("SVM", "H->V"): (TRUTH, WITHOUT_S1)})
    (row,) = table.to_dict("records")
    expected = f1_score(TRUTH, WITHOUT_S1, average="macro")
    assert list(table.columns) == list(COLUMNS)
    assert (row["experiment"], row["source"], row["target"]) == ("H->V", "smic_hs", "smic_vis")
    assert (row["n_target"], row["shared_clips"], row["shared_people"]) == (12, 3, 1)
    assert row["plain_uf1"] == 1 and row["plain_accuracy"] == 1
    assert row["uf1"] == pytest.approx(expected, abs=5e-7)
    assert row["difference"] == pytest.approx(expected - 1, abs=5e-7)
    assert row["accuracy"] == pytest.approx(10 / 12, abs=5e-7)
    # one person of four differs: every swap of that one gives the same difference or its opposite
    assert row["p"] == 1
    assert f"| {expected:.4f} ({expected - 1:+.3f}) |" in text
    assert "H->V 1 people with 3 of 12 clips" in text
    assert "- Checked: a person is on both sides: in no experiment, 0 of 4." in text
    assert (
        "1 shared people can be swapped in 2 ways: no change of such an experiment can have a p value below 1.00"
        in text
    )


def test_the_average_is_the_mean_of_the_six_and_needs_all(tabulate):
    cells = {("SVM", name): (TRUTH, TRUTH if turn else WITHOUT_S1) for turn, name in enumerate(TYPE_I)}
    cells |= {("TCA", name): (TRUTH, TRUTH) for name in TYPE_I[:5]}
    table, text = tabulate(cells)
    (average,) = table.query("experiment == 'average'").to_dict("records")
    assert average["model"] == "SVM"
    change = f1_score(TRUTH, WITHOUT_S1, average="macro") - 1
    assert average["difference"] == pytest.approx(change / 6, abs=5e-7)
    assert average["uf1"] == pytest.approx(1 + change / 6, abs=5e-7)
    assert average["n_target"] == 72
    assert next(line for line in text.splitlines() if line.startswith("| TCA |")).count("| – |") == 1
    assert f"changes by {change / 11:+.3f} (default {change / 11:+.3f})" in text


def test_what_chance_does_not_make_is_bold_and_corrected_for_the_number_of_models(tabulate):
    """Everybody loses everything: of sixteen swaps of four people two reach as far, and two models are compared."""
    wrong = [P, S, N] * 4
    table, text = tabulate({("SVM", "H->V"): (TRUTH, wrong), ("TCA", "H->V"): (TRUTH, wrong)})
    assert table["p"].tolist() == pytest.approx([2 / 16, 2 / 16])
    assert table["p_corrected"].tolist() == pytest.approx([4 / 16, 4 / 16])
    assert "**" not in text.split("| SVM |")[1].splitlines()[0]


def test_the_price_of_the_shared_people_is_what_fewer_clips_do_not_explain(tabulate):
    """Everybody's P is lost with fewer clips in one of two draws, and S of the first person without the person."""
    fewer = [N, S, S] * 4
    table, text = tabulate({("SVM", "H->V"): (TRUTH, WITHOUT_S1)}, controls=[fewer, TRUTH])
    (row,) = table.to_dict("records")
    one, other = (f1_score(TRUTH, told, average="macro") for told in (fewer, WITHOUT_S1))
    assert row["draws"] == 2
    assert row["control_uf1"] == pytest.approx((1 + one) / 2, abs=5e-7)
    assert row["control_std"] == pytest.approx(np.std([one, 1], ddof=1), abs=5e-7)
    assert row["people_difference"] == pytest.approx(other - (1 + one) / 2, abs=5e-7)
    assert row["difference"] == pytest.approx(
        row["control_uf1"] - row["plain_uf1"] + row["people_difference"], abs=2e-6
    )
    # all sixteen ways to swap the answers of four people, by hand
    people = [name == PEOPLE for name in ("s1", "s2", "s3", "s4")]
    reached = []
    for swap in np.ndindex(2, 2, 2, 2):
        mine = np.any([rows for rows, turned in zip(people, swap, strict=True) if turned] or [PEOPLE == ""], axis=0)
        drops = [
            f1_score(TRUTH, np.where(mine, told, WITHOUT_S1), average="macro")
            - f1_score(TRUTH, np.where(mine, WITHOUT_S1, told), average="macro")
            for told in (fewer, TRUTH)
        ]
        reached.append(abs(np.mean(drops)))
    assert row["people_p"] == pytest.approx(np.mean(np.array(reached) >= reached[0] - 1e-12), abs=5e-7)
    assert "## The price of the shared people" in text
    cell = f"{row['people_difference']:+.3f} ({row['control_uf1'] - 1:+.3f} ± {row['control_std']:.3f})"
    assert f"| SVM | default | {cell} |" in text


def test_without_draws_the_price_is_said_not_to_be_measured(tabulate):
    table, text = tabulate({("SVM", "H->V"): (TRUTH, WITHOUT_S1)})
    assert table["control_uf1"].isna().all()
    assert "The price of fewer clips was not measured" in text and "## The price" not in text


def test_what_is_left_out_and_synthetic_clips_are_said(tabulate):
    left_out = [{"experiment": "H->V", "model": "FR", "reason": "networks are not trained again"}]
    _, text = tabulate({("SVM", "H->V"): (TRUTH, WITHOUT_S1)}, left_out, data="synthetic")
    assert "Left out: FR: networks are not trained again." in text
    assert "synthetic cohort" in text


def test_answers_of_other_clips_are_not_scored(tabulate, tmp_path):
    tabulate({("SVM", "H->V"): (TRUTH, WITHOUT_S1)})
    path = tmp_path / "SVMH->Vplain.csv"
    path.write_text(path.read_text().replace("c3,", "c99,"))
    files = {"disjoint": tmp_path / "SVMH->Vdisjoint.csv", "plain": path, "controls": path}
    parts = [{"experiment": "H->V", "model": "SVM", "data": "real", **files}]
    with pytest.raises(ValueError, match="not of the same clips"):
        tabulate_disjoint(tmp_path / "l", tmp_path / "a", tmp_path / "b", parts=parts, left_out=[])
