"""The composite's table, against STSTNet's published predictions."""

import pandas as pd
import pytest

from cdmer.evaluation.loso_tables import tabulate_loso

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
        tabulate_loso([tmp_path / "p.csv"], tmp_path / "e.csv", csv, md, protocol, parts, left_out)
        return pd.read_csv(csv, keep_default_na=False, na_values=[""]), md.read_text()

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
    assert "**0.7353** / 0.7186" in text


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
