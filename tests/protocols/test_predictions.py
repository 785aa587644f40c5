"""The files of predictions: what is written comes back, whatever clips and people are called."""

import pytest

from cdmer.protocols.predictions import point_text, prediction_rows, read_predictions, write_predictions

ODD = ["NA", "nan", "None", "null", "006", "1.0"]


def rows(**changes):
    given = {
        "round_": 1,
        "selection": "default",
        "point": {},
        "clip": ODD,
        "subject": ODD,
        "label": ["surprise"] * 6,
        "predicted": ["negative"] * 6,
    }
    return prediction_rows(**{**given, **changes})


def test_a_file_is_its_rows_in_the_order_of_its_columns(tmp_path):
    write_predictions(
        tmp_path / "p.csv",
        [
            rows(point={"C": 1.0, "dim": None}, clip=["a"], subject=[None], label=["surprise"], predicted=["negative"]),
            rows(round_=2, selection="oracle", clip=["b"], subject=["s1"], label=["negative"], predicted=["negative"]),
        ],
    )
    assert (tmp_path / "p.csv").read_text() == (
        "round,selection,point,clip,subject,label,predicted\n"
        "1,default,C=1 dim=auto,a,,surprise,negative\n"
        "2,oracle,,b,s1,negative,negative\n"
    )


def test_the_database_stands_before_the_clip(tmp_path):
    assert list(rows(database=["samm"] * 6)) == [
        "round", "selection", "point", "database", "clip", "subject", "label", "predicted"
    ]  # fmt: skip


def test_any_name_is_a_name_and_an_empty_cell_an_empty_text(tmp_path):
    write_predictions(tmp_path / "p.csv", [rows(), rows(round_=2, subject=[None] * 6)])
    told = read_predictions(tmp_path / "p.csv")
    assert told["clip"].tolist() == ODD * 2
    assert told["subject"].tolist() == ODD + [""] * 6
    assert set(told["point"]) == {""}
    assert told["round"].tolist() == [1] * 6 + [2] * 6


@pytest.mark.parametrize(
    ("point", "text"),
    [
        ({}, ""),
        ({"lam": 0.1, "mu": 1000.0}, "lam=0.1 mu=1000"),
        ({"dim": None, "C": 1}, "dim=auto C=1"),
        ({"epoch": 200, "budget": "quick"}, "epoch=200 budget=quick"),
    ],
)
def test_a_point_is_told_in_few_words(point, text):
    assert point_text(point) == text
