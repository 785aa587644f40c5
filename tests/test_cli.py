"""The command line, run as the workflow's rules run it: messages, exit statuses, logs, signals."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from cdmer import __version__

# The command line with one more job, which stays half-way through its output.
WAIT = """
import signal
import time
from pathlib import Path
from cdmer import cli
from cdmer.files import whole_file, whole_folder
# a shell that runs the tests in its background has all that they start ignore interrupts
signal.signal(signal.SIGINT, signal.default_int_handler)

@cli.app.command()
def wait(output: Path) -> None:
    with whole_folder(output.with_name("clips")) as clips, whole_file(output) as partial:
        (clips / "img1.jpg").write_text("half")
        partial.write_text("half")
        print("at work", flush=True)
        time.sleep(600)

cli.main()
"""

# The command line with one more job, which fails after it has printed something.
PRINT_AND_FAIL = """
from cdmer import cli

@cli.app.command()
def fail() -> None:
    print("clip 7 has 3 frames")
    raise ZeroDivisionError

cli.main()
"""
COHORT = '{"size": "tiny", "seed": 1}'


def environment():
    """A user's own: neither the runner of a workflow around these tests, nor streams that hide a missing flush."""
    return {name: value for name, value in os.environ.items() if name not in {"CDMER_RUNNER", "PYTHONUNBUFFERED"}}


def cdmer(*arguments, cwd):
    """Run a command; its exit status, standard output and standard error."""
    command = [sys.executable, "-m", "cdmer.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def waiting_job(tmp_path):
    """Start a job that stays half-way through its outputs, optionally with a runner to watch; returns its process."""
    started = []

    def start(**variables):
        job = subprocess.Popen(
            [sys.executable, "-c", WAIT, "--log", "job.log", "wait", "out/out.csv"],
            cwd=tmp_path,
            env=environment() | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(job)
        assert job.stdout.readline() == "at work\n"
        return job

    yield start
    for job in started:
        job.kill()
        job.communicate()


def test_version(tmp_path):
    assert cdmer("--version", cwd=tmp_path) == (0, f"{__version__}\n", "")


def test_without_a_command_it_says_which_there_are(tmp_path):
    _, out, err = cdmer(cwd=tmp_path)
    for command in ("databases", "faces", "frames", "features", "models", "tables", "doctor", "store"):
        assert command in out + err


def test_commands_for_people_come_first_and_jobs_have_a_panel_of_their_own(tmp_path):
    _, out, err = cdmer("--help", cwd=tmp_path)
    people, jobs = (out + err).split("Jobs of the workflow")
    listed = [set(re.findall(r"^│ ([a-z-]+) ", panel, flags=re.MULTILINE)) for panel in (people, jobs)]
    assert {"init", "plan", "predict", "doctor", "check-database", "show-faces", "store"} <= listed[0]
    stages = {"databases", "faces", "frames", "features", "models", "tables", "report"}
    assert listed[1] == stages | {
        "disjoint", "folds", "databases-out", "network", "network-folds", "train-interpolator"
    }  # fmt: skip


def test_an_unknown_command_or_option_is_a_usage_error(tmp_path):
    for arguments in (["fases"], ["faces", "--sise", "3"]):
        status, _, err = cdmer(*arguments, cwd=tmp_path)
        assert status == 2
        assert "Traceback" not in err


def test_what_a_user_can_mend_is_one_message_on_the_terminal_and_in_the_log(tmp_path):
    annotate = ["databases", "annotate", "casme9", "sheet.xlsx", "--settings", COHORT]
    status, out, err = cdmer("--log", "logs/a/job.log", *annotate, cwd=tmp_path)
    log = (tmp_path / "logs/a/job.log").read_text()
    assert (status, out) == (1, "")
    assert err == log
    problem, remedy = log.splitlines()
    assert problem.startswith("ERROR ")
    assert "'casme9'" in problem
    assert remedy.startswith("  -> ")
    assert not (tmp_path / "sheet.xlsx").exists()


def test_the_unexpected_is_a_traceback_in_both(tmp_path):
    odd = '{"size": "tiny", "seed": []}'
    status, _, err = cdmer("--log", "job.log", "databases", "annotate", "casme2", "a", "--settings", odd, cwd=tmp_path)
    log = (tmp_path / "job.log").read_text()
    assert status == 1
    for text in (err, log):
        assert text.count("Traceback (most recent call last)") == 1
        assert text.rstrip().splitlines()[-1].startswith("TypeError: ")
        assert "in annotate" in text


TRAIN = ["models", "source.h5", "target.h5", "predictions.csv", "metrics.json", "grid.csv"]


def test_a_job_called_by_hand_without_its_settings_is_a_usage_error(tmp_path):
    status, _, err = cdmer(*TRAIN, cwd=tmp_path)
    assert status == 2
    assert "--settings" in err


@pytest.mark.parametrize(
    ("job", "settings", "problem"),
    [
        (TRAIN, "{", "--settings is no JSON: Expecting property name"),
        (TRAIN, "[1]", "--settings holds [1], not names with values"),
        (TRAIN, '{"databases": [], "module": "m", "parameters": {}}', "--settings lacks estimator, columns, selection"),
        (["databases", "annotate", "casme2", "a"], '{"size": "tiny"}', "--settings lacks seed"),
        (
            ["databases", "annotate", "casme2", "a"],
            '{"size": "tiny", "seed": 1, "nois": 2}',
            "--settings: unknown key 'nois'; did you mean 'noise'?",
        ),
        (
            ["tables", "leaks", "a.h5", "--output", "leaks.csv"],
            "{}",
            "--settings lacks protocol, parts, casme2_negative",
        ),
    ],
)
def test_settings_that_a_job_cannot_take_are_named(tmp_path, job, settings, problem):
    status, out, err = cdmer(*job, "--settings", settings, cwd=tmp_path)
    assert (status, out) == (1, "")
    said, remedy = err.splitlines()
    assert said.startswith(f"ERROR {problem}")
    assert "--printshellcmds" in remedy
    assert list(tmp_path.iterdir()) == []


def test_a_log_starts_anew_with_every_job(tmp_path):
    (tmp_path / "job.log").write_text("the last job's words\n")
    cdmer("--log", "job.log", "databases", "annotate", "casme9", "a", "--settings", COHORT, cwd=tmp_path)
    assert "the last job's words" not in (tmp_path / "job.log").read_text()


def test_a_job_that_ends_well_says_so_with_its_status_and_its_output(tmp_path):
    arguments = ["databases", "annotate", "casme2", "sheets/casme2.xlsx", "--settings", COHORT, "--code", "abc"]
    status, out, err = cdmer("--log", "job.log", *arguments, cwd=tmp_path)
    assert (status, out, err) == (0, "", "")
    assert (tmp_path / "job.log").read_text() == ""
    assert [path.name for path in (tmp_path / "sheets").iterdir()] == ["casme2.xlsx"]


def test_a_log_that_cannot_be_written_is_said(tmp_path):
    for log, why in ((tmp_path, "Is a directory"), (tmp_path / "file" / "log.txt", "File exists")):
        (tmp_path / "file").touch()
        status, _, err = cdmer("--log", str(log), "doctor", cwd=tmp_path)
        assert status == 1 and f"--log {log}: cannot be written ({why})" in err and "Traceback" not in err


def test_a_plan_like_nothing_is_refused(tmp_path):
    status, _, err = cdmer("plan", "--like", "nowhere", cwd=tmp_path)
    assert status == 1 and "--like nowhere: no run was recorded there" in err


def test_what_a_job_printed_before_it_failed_is_not_lost_in_a_pipe(tmp_path):
    command = [sys.executable, "-c", PRINT_AND_FAIL, "fail"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == "clip 7 has 3 frames\n"
    assert "ZeroDivisionError" in done.stderr


def test_stores_are_looked_into_with_a_log_as_without(tmp_path):
    (tmp_path / "cut.h5").write_text("damaged")
    plain = cdmer("store", "verify", "cut.h5", cwd=tmp_path)
    assert plain[0] == 1
    assert plain[1].startswith("cut.h5: ")
    assert cdmer("--log", "job.log", "store", "verify", "cut.h5", cwd=tmp_path) == plain


def test_a_terminated_job_removes_what_is_half_written(tmp_path, waiting_job):
    """As the workflow and SLURM end jobs; 143 is how a shell reports SIGTERM."""
    job = waiting_job()
    assert len(list((tmp_path / "out").iterdir())) == 2
    job.send_signal(signal.SIGTERM)
    assert job.wait(60) == 143
    assert list((tmp_path / "out").iterdir()) == []


def test_an_interrupted_job_removes_it_too(tmp_path, waiting_job):
    job = waiting_job()
    job.send_signal(signal.SIGINT)
    assert job.wait(60) != 0
    assert list((tmp_path / "out").iterdir()) == []


def test_a_job_ends_with_its_runner(tmp_path, waiting_job):
    runner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        job = waiting_job(CDMER_RUNNER=f"{socket.gethostname()}:{runner.pid}")
    finally:
        runner.kill()
        runner.wait()
    assert job.wait(60) == 137
    assert not (tmp_path / "out" / "out.csv").exists()
