"""The composite's table, against STSTNet's published predictions."""

import pandas as pd
import pytest

from cdmer.evaluation.fold_tables import tabulate_folds

CLASSES = ("negative", "positive", "surprise")
LOG = "megc2019/STSTNet_logfile.txt"
DATABASES = {"smic": "smic_hs", "casme2": "casme2", "samm": "samm"}


def logged(path):
    """One row a clip of the log: a line `database subject`, then lines `clip truth prediction`."""
    database = subject = ""
    for line in path.read_text().splitlines():
        words = line.split()
        if len(words) == 2:
            database, subject = DATABASES[words[0]], words[1]
        elif len(words) == 3:
            yield database, words[0], subject, CLASSES[int(words[1])], CLASSES[int(words[2])]


@pytest.fixture
def tabulate(tmp_path):
    """Tabulate one file of predictions; returns the table and the Markdown."""

    def run(predictions, protocol="cde", task="composite", model="STSTNet", left_out=()):
        predictions.to_csv(tmp_path / "p.csv", index=False)
        (tmp_path / "e.csv").write_text("feature,database,clip,subject,stage,reason\n")
        csv, md = tmp_path / "t.csv", tmp_path / "t.md"
        parts = [{"task": task, "model": model, "data": "real"}]
        compared, leaks = tmp_path / "x.csv", tmp_path / "l.csv"
        checked = {"experiment": task, "feature": "f", "check": "a person is on both sides", "detail": ""}
        pd.DataFrame([{**checked, "count": 0, "of": 68}]).to_csv(leaks, index=False)
        tabulate_folds([tmp_path / "p.csv"], tmp_path / "e.csv", leaks, csv, md, compared, protocol, parts, left_out)
        return pd.read_csv(csv, keep_default_na=False, na_values=[""]), md.read_text()

    run.folder = tmp_path
    return run


def rows(table, **columns):
    columns = {"round": 1, "selection": "default", "point": "", **columns}
    return table.assign(**columns)


def test_ststnet_s_log_gives_the_published_scores(real, tabulate):
    """The composite: UF1 0.7353, UAR 0.7186 (its paper prints macro precision, 0.7605, as UAR)."""
    columns = ["database", "clip", "subject", "label", "predicted"]
    log = pd.DataFrame(list(logged(real / LOG)), columns=columns)
    table, text = tabulate(rows(log))
    scores = table.set_index("part")
    assert scores.loc["composite", ["n_clips", "n_subjects"]].tolist() == [442, 68]
    assert round(scores.loc["composite", "uf1"], 4) == 0.7353
    assert round(scores.loc["composite", "uar"], 4) == 0.7186
    # the same predictions by database, as STSTNet's table prints them
    assert scores["uf1"].round(4)[["smic_hs", "casme2", "samm"]].tolist() == [0.6801, 0.8382, 0.6588]
    assert scores.loc["composite", ["published_uf1", "published_in"]].tolist() == [0.7353, "FR"]
    assert scores.loc["composite", "uf1_low"] < 0.7353 < scores.loc["composite", "uf1_high"]
    assert "| 0.7353 / 0.7186" in text  # of one model none is the best


def test_rounds_have_a_spread_and_share_their_people(tabulate):
    truth = pd.DataFrame(
        {
            "database": "smic_hs",
            "clip": list("abcdef"),
            "subject": ["s1", "s1", "s2", "s2", "s3", "s3"],
            "label": ["negative", "positive", "surprise"] * 2,
        }
    )
    right = rows(truth, predicted=truth["label"])
    wrong = rows(truth, predicted="negative", round=2)
    table, text = tabulate(pd.concat([right, wrong]), "single", "smic_hs_3")
    row = table.iloc[0]
    # all negative: F1 of negative is 2 * 2 / (2 * 2 + 4) = 1/2, of the others 0
    assert row["uf1"] == pytest.approx((1 + 1 / 6) / 2, abs=1e-6)
    assert row["uf1_std"] == pytest.approx((1 - 1 / 6) / 2**0.5, abs=1e-6)
    assert (row["rounds"], row["accuracy"]) == (2, pytest.approx((1 + 1 / 3) / 2, abs=1e-6))
    assert len(table) == 1
    assert text.startswith("# Single databases")


def test_a_class_without_a_clip_and_what_is_left_out_are_said(tabulate):
    truth = pd.DataFrame(
        {"database": "samm", "clip": ["a", "b"], "subject": ["1", "2"], "label": ["I", "II"], "predicted": ["I", "I"]}
    )
    left_out = [{"experiment": "casme2_objective", "model": "STSTNet", "reason": "no classes"}]
    _, text = tabulate(rows(truth), "single", "samm_objective", left_out=left_out)
    assert "SAMM, objective classes: no clip of III or IV or V: 0 in UF1, left out of UAR." in text
    assert "Left out: casme2_objective: no classes." in text


def held_out(wrong=()):
    """Answers on four people of two databases; those of `wrong` say I to everything."""
    told = [
        {"database": database, "clip": f"{person}{number}", "subject": person, "label": label}
        for database, people in (("casme2", "ab"), ("samm", "cd"))
        for person in people
        for number, label in enumerate(("I", "II", "III", "IV", "V"))
    ]
    table = pd.DataFrame(told)
    return rows(table, predicted=table["label"].where(~table["subject"].isin(list(wrong)), "I"))


def test_databases_that_are_left_out_have_a_row_each_and_their_mean(tabulate):
    table, text = tabulate(held_out("c"), "holdout", "holdout_objective", model="TCA")
    assert table["part"].tolist() == ["casme2", "samm", "average"]
    scores = table.set_index("part")
    # of SAMM half is right, and half is called I: F1 of I is 2 * 2 / (2 + 6), of the four others 2 / 3
    samm = (2 * 2 / (2 + 6) + 4 * 2 / 3) / 5
    assert scores["uf1"].tolist() == pytest.approx([1, samm, (1 + samm) / 2], abs=1e-6)
    assert scores["uar"].tolist() == pytest.approx([1, 0.6, 0.8], abs=1e-6)
    assert scores[["n_clips", "n_subjects"]].to_numpy().tolist() == [[10, 2], [10, 2], [20, 4]]
    # the mean of a score that cannot vary and of another varies half as much
    width = scores["uf1_high"] - scores["uf1_low"]
    assert width["casme2"] == 0 and width["average"] == pytest.approx(width["samm"] / 2, abs=1e-6)
    assert text.startswith("# Held-out database, objective classes")
    assert "| SAMM → CASME II | CASME II → SAMM | average |" in text


def test_methods_are_compared_in_every_column_and_the_smallest_difference_is_told(tabulate):
    from cdmer.evaluation.comparisons import answers_of_people, compare

    paths = [tabulate.folder / name for name in ("a.csv", "b.csv")]
    told = [held_out(), held_out("abcd")]
    for path, table in zip(paths, told, strict=True):
        table.sample(frac=1, random_state=2).to_csv(path, index=False)
    (tabulate.folder / "e.csv").write_text("feature,database,clip,subject,stage,reason\n")
    (tabulate.folder / "l.csv").write_text("experiment,feature,check,count,of,detail\n")
    names = [tabulate.folder / name for name in ("t.csv", "t.md", "x.csv")]
    parts = [{"task": "holdout_objective", "model": model, "data": "real"} for model in ("TCA", "SVM")]
    tabulate_folds(paths, tabulate.folder / "e.csv", tabulate.folder / "l.csv", *names, "holdout", parts, [])
    compared = pd.read_csv(names[2])
    assert compared[["part", "best", "model"]].to_numpy().tolist() == [
        [part, "TCA", "SVM"] for part in ("casme2", "samm", "average")
    ]
    difference = 1 - (2 * 2 / (2 + 10)) / 5  # of all I: F1 of I is 4 / 12
    assert compared["difference"].tolist() == pytest.approx([difference] * 3, abs=1e-6)
    # both of two people, or all of four, must be swapped to reach as far the other way
    assert compared["p"].tolist() == pytest.approx([2 / 4, 2 / 4, 2 / 16])
    classes = ["I", "II", "III", "IV", "V"]
    one, other = (
        [answers_of_people([(each["label"], each["predicted"])], list(each["subject"]), list("ab"), classes)]
        for each in (table[table["database"] == "casme2"] for table in told)
    )
    assert compared["error"][0] == pytest.approx(compare(one, other, 20190514).error, abs=1e-6)
    text = names[1].read_text()
    assert "These people are too few for a paired permutation test (5 %) to find a true difference of UF1" in text
    assert "0 of 3 differences from the best of a column" in text
    assert "`holdout_comparisons.csv`" in text
