"""Stale locks of the workflow are told from live ones by who is at work, in processes of their own."""

import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from cdmer.runlock import hold_run_lock

RUN = """
import subprocess, sys, time
from cdmer.runlock import hold_run_lock
print(hold_run_lock(sys.argv[1]), flush=True)
if sys.argv[2:] == ["with a job"]:
    print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=subprocess.DEVNULL).pid)
    sys.stdout.flush()
time.sleep(600)
"""


@pytest.fixture
def state(tmp_path):
    """Snakemake's folder, with the locks that a run leaves when it is killed."""
    folder = tmp_path / ".snakemake"
    (folder / "locks").mkdir(parents=True)
    for name in ("0.input.lock", "0.output.lock"):
        (folder / "locks" / name).write_text("results/cdmer_table.csv\n")
    return folder


@pytest.fixture
def run():
    """Start a run that stays; returns the process and whether it removed stale locks."""
    started = []

    def start(folder, *arguments):
        command = [sys.executable, "-c", RUN, str(folder), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process, process.stdout.readline() == "True\n"

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_alone_it_removes_what_the_dead_left(state):
    (state / "metadata").mkdir()
    assert hold_run_lock(state) is True
    assert not (state / "locks").exists()
    assert (state / "metadata").is_dir()  # what Snakemake knows of finished jobs is no lock


def test_without_locks_there_is_nothing_stale(tmp_path):
    assert hold_run_lock(tmp_path / "never" / ".snakemake") is False
    (tmp_path / "locks").mkdir()
    assert hold_run_lock(tmp_path) is False
    assert (tmp_path / "locks").is_dir()


def test_locks_stay_while_another_run_lives(tmp_path, run):
    assert run(tmp_path)[1] is False
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "0.input.lock").write_text("x")
    assert run(tmp_path)[1] is False
    assert hold_run_lock(tmp_path) is False
    assert (tmp_path / "locks" / "0.input.lock").exists()


def test_a_run_that_came_second_counts_when_the_first_is_gone(tmp_path, run):
    first, _ = run(tmp_path)
    run(tmp_path)
    first.kill()
    first.wait()
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "0.input.lock").write_text("x")
    assert hold_run_lock(tmp_path) is False
    assert (tmp_path / "locks" / "0.input.lock").exists()


def test_the_lock_dies_with_its_process(state, run):
    other, removed = run(state)
    assert removed
    (state / "locks").mkdir()
    (state / "locks" / "0.input.lock").write_text("x")
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert hold_run_lock(state) is True
    assert not (state / "locks").exists()


def test_a_job_that_outlives_its_run_does_not_keep_the_lock(state, run):
    """Jobs do not inherit it: only runs count as runs."""
    other, _ = run(state, "with a job")
    job = int(other.stdout.readline())
    try:
        (state / "locks").mkdir()
        (state / "locks" / "0.input.lock").write_text("x")
        other.send_signal(signal.SIGKILL)
        other.wait()
        os.kill(job, 0)  # it is still there
        assert hold_run_lock(state) is True
    finally:
        os.kill(job, signal.SIGKILL)


def test_a_run_of_another_directory_does_not_matter(state, tmp_path, run):
    run(tmp_path / "other" / ".snakemake")
    assert hold_run_lock(state) is True


def test_on_a_file_system_without_advisory_locks_nothing_is_removed(state, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert hold_run_lock(state) is False
    assert (state / "locks" / "0.input.lock").exists()
