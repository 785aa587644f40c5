"""Files by their place: what a plan writes, and what a job makes of it."""

import json
from pathlib import Path

import pytest

from cdmer.inputs import Files, by_place, with_files

FILES = ["results/a.h5", "results/b.h5", "results/c.csv"]
SETTINGS = {
    "parts": [{"stores": ["results/b.h5", "results/a.h5"], "models": {"SVM": {"predictions": "results/c.csv"}}}],
    "left_out": [],
    "reason": "results/ is not a file",
    "draws": 3,
    "parameters": {},
}


def test_files_become_places_and_nothing_else_does():
    placed = by_place(SETTINGS, FILES)
    assert placed["parts"] == [
        {"stores": [{"input": 1}, {"input": 0}], "models": {"SVM": {"predictions": {"input": 2}}}}
    ]
    assert {key: placed[key] for key in ("left_out", "reason", "draws", "parameters")} == {
        key: SETTINGS[key] for key in ("left_out", "reason", "draws", "parameters")
    }


def test_places_become_the_files_wherever_they_lie():
    elsewhere = [Path("elsewhere") / name for name in FILES]
    told = with_files(json.loads(json.dumps(by_place(SETTINGS, FILES))), elsewhere)
    assert told["parts"][0]["stores"] == [elsewhere[1], elsewhere[0]]
    assert told["parts"][0]["models"]["SVM"]["predictions"] == elsewhere[2]
    assert with_files(by_place(SETTINGS, FILES), FILES) == SETTINGS


def test_a_place_beyond_the_inputs_is_an_error():
    with pytest.raises(IndexError):
        with_files({"store": {"input": 3}}, FILES)


def test_several_files_in_one_argument():
    assert Files.of(" a/b.h5 c.h5 ") == (Path("a/b.h5"), Path("c.h5"))
