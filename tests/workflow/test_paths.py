"""Where a job finds its files: its command says so, in the words that Snakemake gave, and nothing else does.

Without a shared disk a file lies where the storage plugin has put it, so that a path of the workflow's own, in a job's
settings or anywhere else, leads nowhere.
"""

import json
import re
import shlex

import pytest
import yaml

from .conftest import Workflow
from .test_resources import BLOCKS

# What a job finds on the disk that it runs on, for reasons that docs/clusters.md gives.
ON_THE_DISK = {
    "render_subject": r"results/databases/\w+/synthetic",
    "read_subject": r"results/databases/\w+/synthetic/.+",
    "train_network": r"results/checkpoints/.+",
    "train_network_folds": r"results/checkpoints/.+",
    "train_interpolator": r"results/checkpoints/.+",
    "write_card": "results/benchmarks",
    "make_report": "results/benchmarks",
}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory, repository):
    """Every job of a run that needs every rule: its rule, inputs, outputs and command."""
    folder = tmp_path_factory.mktemp("planned")
    (folder / "NIR.mat").write_bytes(b"MATLAB")
    config = {
        "cohort": {"size": "tiny"},
        "models": ["SVM", "TCA", "STSTNet", "MERSiamC3D"],
        "protocols": ["cdmer", "cde", "single", "holdout", "lodo"],
        "imported_from": ".",
        "imported_features": [{"database": "smic_nir", "feature": "lbp_top_r3p8", "file": "NIR.mat"}],
        "interpolators": {"own": {"databases": ["casme2"], "faces": "aligned_112"}},
        "frames": {"keyframes_11": {"network": "own"}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    text = Workflow(folder, repository).run("--dry-run", "--printshellcmds", "all", "all_features", "all_sheets")
    found = []
    for block in re.split(r"^(?=rule \w+:\n)", text, flags=re.M)[1:]:
        fields = dict(re.findall(r"^    (input|output|log): (.*)$", block, flags=re.M))
        files = {name: fields[name].split(", ") if name in fields else [] for name in ("input", "output", "log")}
        command = re.search(r"^Shell command: (cdmer .*)$", block, flags=re.M)
        if command:
            found.append((re.match(r"rule (\w+)", block)[1], files, shlex.split(command[1])))
    return found


def test_a_job_of_every_rule_is_looked_at(jobs):
    assert {rule for rule, _, _ in jobs} == set(BLOCKS)


def test_no_settings_hold_a_path_of_the_workflow(jobs):
    for rule, _, words in jobs:
        if "--settings" in words:
            for text in texts(json.loads(words[words.index("--settings") + 1])):
                assert not text.startswith("results/"), (rule, text)


def test_a_command_names_its_inputs_and_outputs_and_no_other_file(jobs):
    for rule, files, words in jobs:
        named = {name.rpartition("=")[2] for word in words for name in word.split() if "{" not in word}
        declared = {name for names in files.values() for name in names}
        strangers = {name for name in named if name.startswith("results/")} - declared
        assert all(re.fullmatch(ON_THE_DISK.get(rule, ""), name) for name in strangers), (rule, strangers)
        # frames are rendered to the disk: what is declared of them says only that they are there
        opened = {name for name in files["input"] if rule != "read_subject"}
        # a network's log lies beside its weights, under their name
        written = {name for name in files["output"] if not name.startswith("results/interpolators/own.log")}
        assert opened | written <= named, (rule, (opened | written) - named)


def texts(value):
    """Every text in settings, keys too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from (name, *texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value
