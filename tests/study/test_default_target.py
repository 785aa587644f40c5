"""A study without a target: everything, whether snakemake is asked or `cdmer plan`."""

import os
import re
import subprocess
import sys

import pytest
import yaml

from cdmer.protocols.tasks import tasks
from cdmer.study.layout import lay_out

PROTOCOLS = ["cdmer", *dict.fromkeys(task.protocol for task in tasks().values())]
TINY = {"cohort": {"size": "tiny"}, "models": ["SVM"], "protocols": PROTOCOLS}


def run(folder, repository, *command):
    paths = [str(repository / "src"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture
def study(tmp_path):
    lay_out(tmp_path / "study")
    config = tmp_path / "study" / "config.yaml"
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), **TINY}))
    return tmp_path / "study"


def test_a_bare_run_of_a_study_makes_every_table_and_the_report(study, repository):
    with (study / "Snakefile").open("a") as lines:  # a rule of one's own takes no part in it
        lines.write('\n\nrule mine:\n    output:\n        "mine.txt",\n    shell:\n        "touch {output}"\n')
    said = run(study, repository, "-m", "snakemake", "--cores", "1", "--dry-run")
    outputs = {
        name for line in re.findall(r"^    output: (.*)$", said, flags=re.MULTILINE) for name in line.split(", ")
    }
    tables = {f"results/{protocol}_table.{kind}" for protocol in PROTOCOLS for kind in ("csv", "md", "card.json")}
    assert {*tables, "results/report.html"} <= outputs
    assert "rule mine" not in said


def test_cdmer_plan_of_a_study_lists_its_jobs(study, repository):
    said = run(study, repository, "-c", "from cdmer.cli import main; main()", "plan")
    stages = {line.split()[0] for line in said.splitlines() if line and line[0] != "+"}
    assert {"databases", "faces", "frames", "features", "models", "tables", "report", "total"} <= stages


def test_a_module_has_the_default_target_of_this_workflow(study, repository):
    (study / "Snakefile").write_text(
        "from cdmer.study.workflow import snakefile\n"
        'configfile: "config.yaml"\n'
        "module cdmer:\n"
        "    snakefile: snakefile()\n"
        "    config: config\n"
        "use rule * from cdmer as cdmer_*\n"
    )
    said = run(study, repository, "-m", "snakemake", "--cores", "1", "--dry-run")
    assert "rule cdmer_make_report" in said and "rule cdmer_tabulate_folds" in said
