"""What the SLURM profile asks of a cluster, with commands of this file's own in SLURM's place."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cdmer import slurm_commands
from cdmer.slurm_commands import forgotten

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


@pytest.mark.parametrize("command", ["squeue", "sacct"])
def test_a_controller_that_does_not_answer_lets_nothing_be_concluded(commands, command):
    """Nor may the question fail: after five failures in a row the plugin never asks for its jobs again."""
    commands("scontrol", "exit 1")
    commands("squeue", "echo '7|RUNNING'")
    python(ASK.format(command=command))
    commands("squeue", "echo '7|COMPLETED'; echo 'squeue: error: Unable to contact slurm controller' >&2; exit 1")
    code = PREPARE + f"print(subprocess.run(['{command}', '--name', 'run-1'], capture_output=True))"
    assert "returncode=0, stdout=b''" in python(code)


def test_accounts_are_asked_as_the_plugin_asked_and_may_fail_too(commands):
    commands("scontrol", "echo 'AccountingStorageType = accounting_storage/slurmdbd'")
    commands("squeue", "echo '7|RUNNING'")
    commands("sacct", 'echo "$@"')
    code = PREPARE + "print(subprocess.run(['sacct', '-X', '--name', 'run-1'], capture_output=True))"
    assert "returncode=0, stdout=b'-X --name run-1\\n'" in python(code)
    commands("sacct", "test $1 = -n || exit 1")  # its database has gone since the run began
    assert "returncode=0, stdout=b''" in python(code)
    reason = PREPARE + "print(subprocess.run(['sacct', '-j', '7', '--format=Reason']).returncode)"
    assert python(reason).strip() == "1"  # the plugin has a word for that


def test_a_status_command_that_hangs_is_ended(commands, monkeypatch, capsys):
    commands("squeue", "echo '7|COMPLETED'; exec sleep 60")
    monkeypatch.setenv("CDMER_SQUEUE", "squeue")
    monkeypatch.setenv("CDMER_SACCT", "")
    monkeypatch.setattr(slurm_commands, "ANSWER_WITHIN", 0.5)
    assert slurm_commands.answer("squeue", ["--name", "run-1"]) == 0
    assert capsys.readouterr().out == ""


@pytest.fixture
def controller(commands, tmp_path, monkeypatch):
    """Commands that wait no longer than a test may, with `sbatch` and `squeue` of this file's own."""
    for name in ("sbatch", "squeue", "sinfo"):
        monkeypatch.setenv(f"CDMER_{name.upper()}", name)
    monkeypatch.setenv("CDMER_RUN_STDERR", str(tmp_path / "terminal"))
    monkeypatch.setattr(slurm_commands, "ASK_AGAIN", 0.01)
    monkeypatch.setattr(sys, "stdin", io.StringIO("#!/bin/sh\necho work"))
    return commands


SUBMISSION = ["--parsable", "--job-name", "run-1", "--comment", "rule_train_model_wildcards_C_to_V_SVM", "/dev/stdin"]
# fails as often as there are words, noting what it was asked
FAILS = """
set -- "$@" ; echo "$@" >> calls; cat >> scripts
test $(wc -l < calls) -gt {times} || {{ echo 'sbatch: error: {error}' >&2; exit 1; }}
echo 12
"""


def test_a_submission_waits_for_the_controller(controller, tmp_path, capsys):
    controller("sbatch", FAILS.format(times=2, error="Unable to contact slurm controller (connect failure)"))
    controller("squeue", "exit 0")
    assert slurm_commands.answer("sbatch", SUBMISSION) == 0
    assert capsys.readouterr().out == "12\n"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 3 and len(set(calls)) == 1  # under one mark
    assert calls[0].startswith("--parsable --job-name run-1 --comment rule_train_model_wildcards_C_to_V_SVM,cdmer-")
    assert (tmp_path / "scripts").read_text() == "#!/bin/sh\necho work" * 3
    told = (tmp_path / "terminal").read_text().splitlines()
    assert [line.split(" again")[0] for line in told] == [
        "SLURM's controller does not answer; sbatch waits for it, 12 hours at most.",
        "SLURM's controller answers",
    ]


def test_a_submission_whose_answer_was_lost_is_found_again(controller, tmp_path, capsys):
    controller("sbatch", FAILS.format(times=9, error="Socket timed out on send/recv operation"))
    controller(
        "squeue",
        "test \"$*\" = '--noheader --states=all --name run-1 --format=%i|%k' || exit 2\n"
        'echo "3|rule_train_model_wildcards_C_to_V_SVM,cdmer-000000000000"\n'  # of an earlier attempt
        "echo \"4|$(sed 's/.*--comment //; s, /dev/stdin,,' calls)\"",
    )
    assert slurm_commands.answer("sbatch", SUBMISSION) == 0
    assert capsys.readouterr().out == "4\n"
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


def test_a_submission_that_is_refused_is_not_repeated(controller, tmp_path, capsys):
    controller("sbatch", FAILS.format(times=9, error="Batch job submission failed: Invalid account"))
    assert slurm_commands.answer("sbatch", SUBMISSION) == 1
    assert "Invalid account" in capsys.readouterr().err
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


def test_patience_has_an_end(controller, monkeypatch, capsys):
    controller("sinfo", "echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1")
    monkeypatch.setattr(slurm_commands, "AWAY_AT_MOST", 0.2)
    assert slurm_commands.answer("sinfo", ["-o", "%P"]) == 1
    assert "Unable to contact" in capsys.readouterr().err


def test_a_submission_that_is_not_the_plugins_goes_to_the_real_command(commands):
    commands("scontrol", "exit 1")
    commands("squeue", "exit 0")
    commands("sbatch", 'echo "$@"; cat')
    code = PREPARE + "subprocess.run(['sbatch', 'script.sh'], input=b'typed', check=True)"
    assert python(code) == "script.sh\ntyped"


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


def test_what_a_killed_run_leaves_goes_with_the_next(commands, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    commands("scontrol", "exit 1")
    commands("squeue", "exit 0")
    killed = subprocess.run([sys.executable, "-c", PREPARE + "os.kill(os.getpid(), 9)"], check=False)
    assert killed.returncode == -9
    (left,) = tmp_path.glob("cdmer-slurm-*")
    found = python(PREPARE + "import glob; print(glob.glob('cdmer-slurm-*'))")
    assert found.count("cdmer-slurm-") == 1 and left.name not in found
    assert not list(tmp_path.glob("cdmer-slurm-*"))


def test_a_run_inside_a_job_of_another_run_has_commands_of_its_own(commands, monkeypatch):
    commands("scontrol", "exit 1")
    commands("squeue", "exit 0")
    monkeypatch.setenv("CDMER_SQUEUE", "/of/a/run/that/is/over")
    found = python(PREPARE + "import shutil; print(shutil.which('squeue'), os.environ['CDMER_SQUEUE'])").split()
    assert Path(found[0]).parent.name.startswith("cdmer-slurm-")
    assert Path(found[1]).parent.name == "bin"
