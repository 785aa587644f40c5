"""What the SLURM profile asks of a cluster, with commands of this file's own in SLURM's place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cdmer.slurm import forgotten

PREPARE = "import json; from cdmer.slurm import prepare; import os, subprocess; c = prepare(); "


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """A folder at the head of the path, and a function that puts shell scripts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)

    def put(name, script):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return put


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


CHOSEN = PREPARE + "print(c.status_command, c.first_look, c.no_account)"


@pytest.mark.parametrize(
    ("storage", "sacct", "age", "chosen"),
    [
        ("accounting_storage/slurmdbd", "exit 0", 300, "sacct 20 False"),
        ("accounting_storage/slurmdbd", "exit 1", 300, "squeue 20 True"),  # its database does not answer
        ("accounting_storage/none", "exit 0", 300, "squeue 20 True"),  # the plugin alone would take sacct, and hang
        ("accounting_storage/none", "exit 1", 30, "squeue 10 True"),  # three looks before a job is forgotten
        ("accounting_storage/none", "exit 1", 2, "squeue 1 True"),
    ],
)
def test_accounting_is_asked_only_where_it_answers(commands, storage, sacct, age, chosen):
    commands("scontrol", f"echo 'AccountingStorageType   = {storage}'; echo 'MinJobAge               = {age} sec'")
    commands("sacct", sacct)
    commands("squeue", "exit 0")
    assert python(CHOSEN).strip() == chosen


def test_without_a_cluster_the_profile_still_loads(commands):
    commands("scontrol", "exit 1")
    assert python(CHOSEN).strip() == "squeue 20 True"


ASK = PREPARE + "subprocess.run(['{command}', '--name', 'run-1', '--states=all'])"


@pytest.mark.parametrize("command", ["squeue", "sacct"])
def test_a_job_that_the_queue_has_forgotten_is_reported_unknown(commands, tmp_path, command):
    commands("scontrol", "exit 1")
    commands("squeue", "echo '7|RUNNING'; echo '8|PENDING'")
    assert python(ASK.format(command=command)).split() == ["7|RUNNING", "8|PENDING"]
    commands("squeue", "echo '7|COMPLETED'")
    assert python(ASK.format(command=command)).split() == ["7|COMPLETED", "8|UNKNOWN"]
    # one that was never seen in the queue, but has begun to write its log
    log = tmp_path / ".snakemake/slurm_logs/rule_train_model/C_to_V_SVM/9.log"
    log.parent.mkdir(parents=True)
    log.touch()
    commands("squeue", "exit 0")
    assert python(ASK.format(command=command)).split() == ["7|UNKNOWN", "8|UNKNOWN", "9|UNKNOWN"]


def test_a_controller_that_does_not_answer_lets_nothing_be_concluded(commands):
    commands("scontrol", "exit 1")
    commands("squeue", "echo '7|RUNNING'")
    python(ASK.format(command="squeue"))
    commands("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1")
    code = PREPARE + "print(subprocess.run(['squeue', '--name', 'run-1'], capture_output=True).returncode)"
    assert python(code).split() == ["1"]


def test_other_questions_are_passed_on(commands):
    commands("scontrol", "exit 1")
    commands("squeue", 'echo "$@"')
    assert python(PREPARE + "subprocess.run(['squeue', '--me'])").split() == ["--me"]
    assert python(PREPARE + "subprocess.run(['sacct', '-j', '7', '--format=Reason'])") == ""


def test_runs_do_not_mix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert forgotten("one", {"1", "2"}) == []
    assert forgotten("two", {"3"}) == []
    assert forgotten("one", {"2"}) == ["1"]
    assert forgotten("two", {"3"}) == []


def test_the_commands_are_gone_with_the_run(commands):
    commands("scontrol", "exit 1")
    commands("squeue", "exit 0")
    place = Path(python(PREPARE + "import shutil; print(shutil.which('squeue'))").strip())
    assert place.parent.name.startswith("cdmer-slurm-")
    assert not place.exists()
