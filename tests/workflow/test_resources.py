"""Memory and minutes: every job of a cluster asks for them, with more at each attempt, and keeps to what it asks."""

import csv
import re
from pathlib import Path

import pytest
import yaml

from cdmer.config.reading import read_config
from cdmer.planning.plan import Plan

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = "".join(path.read_text() for path in sorted((REPOSITORY / "rules").glob("*.smk")))
BLOCKS = {re.match(r"rule (\w+)", block)[1]: block for block in re.split(r"^(?=rule )", RULES, flags=re.M)[1:]}
PROFILE = yaml.safe_load((REPOSITORY / "profiles/slurm/config.yaml").read_text())
AROUND = 380  # MB of the two Snakemakes that a cluster counts with a job, as measured (docs/scaling.md)


def forced(workflow, *options):
    """Rule -> the resources of its jobs, of every job that the table ever needs."""
    text = workflow.run("--dry-run", "--forceall", *options, "results/cdmer_table.csv")
    found: dict[str, list[tuple[str, int, int]]] = {}
    for block in re.split(r"^(?=rule \w+:\n)", text, flags=re.M)[1:]:
        fields = dict(re.findall(r"^    (\w+): (.*)$", block, flags=re.M))
        amounts = (int(re.search(rf"{name}=(\d+)", fields["resources"])[1]) for name in ("mem_mb", "runtime"))
        found.setdefault(re.match(r"rule (\w+)", block)[1], []).append((fields["benchmark"], *amounts))
    return found


@pytest.mark.parametrize("rule", sorted(BLOCKS))
def test_every_rule_asks_for_memory_and_minutes_that_grow(rule):
    assert re.search(r"mem_mb=growing\(", BLOCKS[rule])
    assert re.search(r"runtime=growing\(", BLOCKS[rule])


def test_only_networks_ask_for_a_gpu():
    assert {rule for rule, block in BLOCKS.items() if "gpu=" in block} == {"train_network", "train_network_folds"}


def test_the_profile_packs_every_rule_but_those_that_take_long_or_a_gpu():
    alone = {rule for rule in BLOCKS if rule not in PROFILE["groups"]}
    assert alone == {"train_network", "train_network_folds", "train_interpolator", "show_faces", "show_frames"}
    assert set(PROFILE["groups"]) <= set(BLOCKS)
    assert set(PROFILE["groups"].values()) == set(PROFILE["group-components"])


def test_jobs_keep_to_the_memory_that_they_ask_for(workflow):
    for rule, jobs in forced(workflow).items():
        for benchmark, declared, _ in jobs:
            (row,) = csv.DictReader((workflow.folder / benchmark).open(), delimiter="\t")
            if row["max_rss"] not in {"NA", "-"}:  # too short for a look at its memory
                assert float(row["max_rss"]) + AROUND < declared, (rule, benchmark)


def test_each_attempt_asks_for_more(workflow):
    once, thrice = forced(workflow), forced(workflow, "--attempt", "3")
    assert set(once) >= {"align_faces", "compute_features", "train_model", "tabulate_cdmer"}
    for rule, jobs in once.items():
        assert [3 * memory for _, memory, _ in jobs] == [memory for _, memory, _ in thrice[rule]]
        assert [3 * minutes for _, _, minutes in jobs] == [minutes for _, _, minutes in thrice[rule]]


def test_papers_trainings_get_a_day_and_quick_ones_hours():
    quick, paper = (Plan(read_config({"models": ["SVM", "FR"], "budget": name})) for name in ("quick", "paper"))
    assert (quick.minutes("SVM"), paper.minutes("SVM")) == (30, 240)
    assert (quick.minutes("FR"), paper.minutes("FR")) == (120, 1440)
