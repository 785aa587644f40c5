"""The card of a table: digests that anyone can repeat, and the time that Snakemake measured."""

import hashlib
import json

import numpy as np
import pytest

from cdmer.evaluation.card import spent, write_card

HEADER = "s\th:m:s\tmax_rss\tmax_vms\n"


@pytest.fixture
def took(tmp_path):
    """What writes down that jobs took so many seconds, or the cells of their benchmarks; returns the folder."""

    def write(jobs):
        for name, row in jobs.items():
            path = tmp_path / "benchmarks" / f"{name}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            cells = row if isinstance(row, str) else f"{row}\t0:00:00\t1\t1"
            path.write_text(f"{HEADER}{cells}\n")
        return tmp_path / "benchmarks"

    return write


@pytest.fixture
def benchmarks(took):
    faces = {"faces/a/s1": "2.5\t0:00:02\t120.5\t1", "faces/a/s2": "1.5\t0:00:01\t99\t1"}
    return took({**faces, "tables/cdmer": "0.1\t0:00:00\t-\tNA"})


def test_seconds_and_memory_by_stage(benchmarks):
    assert spent(benchmarks) == {
        "faces": {"jobs": 2, "seconds": 4.0, "max_mib": 120.5},
        "tables": {"jobs": 1, "seconds": 0.1, "max_mib": 0.0},
    }
    assert spent(benchmarks / "nowhere") == {}


def test_a_card_holds_what_another_run_can_be_compared_by(benchmarks, tmp_path):
    table = tmp_path / "cdmer_table.csv"
    table.write_text("model,uf1\nSVM,0.5\n")
    config: dict = {"cohort": {"seed": 7}, "rounds": 10}
    data, code = {"s1": "d", "s2": "e"}, {"SVM": "c"}
    about = {"config": config, "data": data, "code": code, "protocols": ["cdmer"]}
    write_card(table, tmp_path / "c.json", **about, recipes={"faces": ["a"]}, benchmarks=benchmarks)
    card = json.loads((tmp_path / "c.json").read_text())
    assert card["table_sha256"] == hashlib.sha256(b"model,uf1\nSVM,0.5\n").hexdigest()
    assert card["config_sha256"] == hashlib.sha256(b'{"cohort": {"seed": 7}, "rounds": 10}').hexdigest()
    assert (card["config"], card["data"], card["code"], card["seeds"]["cohort"]) == (config, data, code, 7)
    assert card["libraries"]["numpy"] == np.__version__
    assert card["jobs"] == {"faces": {"jobs": 2, "seconds": 4.0, "max_mib": 120.5}}  # tables are after the fact
    assert card["hours"] == pytest.approx(4 / 3600, abs=1e-4)
    write_card(table, tmp_path / "c.json", **about, recipes={}, benchmarks=benchmarks / "nowhere")
    card = json.loads((tmp_path / "c.json").read_text())
    assert (card["hours"], card["jobs"]) == (None, {})


def test_hours_are_those_of_the_table_and_of_no_other(took):
    benchmarks = took({
        "databases/casme2/read-sub01": 1, "faces/aligned/casme2/sub01": 2, "faces/aligned/samm/006": 4,
        "features/lbp/casme2.released": 8, "features/lbp/samm": 16, "faces/aligned/contact_sheet": 32,
        "interpolators/ours": 64, "models/cdmer/C_to_H/SVM": 128, "models/cde/composite/SVM": 256, "tables/cde": 512,
        "models/cdmer/C_to_H/OFF-ApexNet": 1024,
    })  # fmt: skip
    found = spent(benchmarks, ["cdmer"], {"casme2"}, {"SVM"})
    assert sum(stage["seconds"] for stage in found.values()) == 1 + 2 + 8 + 32 + 64 + 128
    assert sum(stage["seconds"] for stage in spent(benchmarks).values()) == 2047


def test_hours_are_those_of_the_recipes_behind_the_table(took):
    benchmarks = took({
        "faces/aligned/casme2/sub01": 1, "faces/other/casme2/sub01": 2, "faces/other/contact_sheet": 4,
        "frames/tim10/casme2/sub01": 8, "frames/other/casme2/sub01": 16, "features/lbp/casme2/sub01": 32,
        "features/lbp/casme2": 64, "features/hog/casme2": 128, "interpolators/ours": 256,
        "databases/casme2/join": 512,
    })  # fmt: skip
    recipes = {"faces": ["aligned"], "frames": ["tim10"], "features": ["lbp"], "interpolators": []}
    found = spent(benchmarks, ["cdmer"], {"casme2"}, {"SVM"}, recipes)
    assert sum(stage["seconds"] for stage in found.values()) == 1 + 8 + 32 + 64 + 512
