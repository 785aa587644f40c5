"""What a run gives its jobs, and that they end with it; each in a process of its own."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

JOB = """
import sys, time
from cdmer.files import whole_file
from cdmer.watch import end_with_runner
end_with_runner(every=0.01)
with whole_file(sys.argv[1]) as partial:
    partial.write_text("half")
    print("at work", flush=True)
    time.sleep(600)
"""
THREADS = """
import threading
from cdmer.watch import end_with_runner
end_with_runner()
print(threading.active_count())
"""
GIVEN = """
import json, os, subprocess, sys
from cdmer.watch import set_job_environment
set_job_environment()
show = "import json, os; print(json.dumps(dict(os.environ)))"
job = subprocess.run([sys.executable, "-c", show], capture_output=True, check=True, text=True)
print(json.dumps([os.getpid(), json.loads(job.stdout)]))
"""
LONG_WAIT = 60  # seconds: a limit that only a fault reaches


def python(script, *arguments, runner=None, **variables):
    environment = {name: value for name, value in os.environ.items() if name != "CDMER_RUNNER"} | variables
    if runner is not None:
        environment["CDMER_RUNNER"] = runner if isinstance(runner, str) else f"{socket.gethostname()}:{runner}"
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], env=environment, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def runner():
    """A process that jobs may watch."""
    process = python("import time; time.sleep(600)")
    yield process
    process.kill()
    process.communicate()


def test_a_job_ends_when_its_runner_is_killed_and_renames_nothing(tmp_path, runner):
    output = tmp_path / "out.h5"
    job = python(JOB, output, runner=runner.pid)
    try:
        assert job.stdout.readline() == "at work\n"
        assert job.poll() is None
        runner.kill()
        runner.wait()
        assert job.wait(LONG_WAIT) == 137
    finally:
        job.kill()
        job.communicate()
    assert not output.exists()


def test_a_job_whose_runner_is_already_gone_ends_at_once(tmp_path, runner):
    runner.kill()
    runner.wait()
    job = python(JOB, tmp_path / "out.h5", runner=runner.pid)
    job.communicate(timeout=LONG_WAIT)
    assert job.returncode == 137
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize("value", [None, "", "not-a-number", "-1", "another-machine:1", "another-machine:4000000"])
def test_without_a_runner_there_is_nothing_to_watch(value):
    job = python(THREADS, runner=value)
    assert job.communicate()[0] == "1\n"
    assert job.returncode == 0


def test_with_a_runner_one_thread_watches_and_does_not_hold_the_job_up(runner):
    job = python(THREADS, runner=runner.pid)
    assert job.communicate(timeout=LONG_WAIT)[0] == "2\n"
    assert job.returncode == 0


def test_what_a_run_gives_its_jobs():
    """One thread of mathematics whatever was set before, the run's own commands first, and the run to watch."""
    run = python(GIVEN, OMP_NUM_THREADS="64", PATH="/usr/bin:/bin")
    pid, job = json.loads(run.communicate()[0])
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    assert [job[name] for name in threads] == ["1"] * 4
    assert job["OPENCV_FOR_THREADS_NUM"] == "1"
    assert job["OMP_WAIT_POLICY"] == "PASSIVE"
    assert job["CDMER_RUNNER"] == f"{socket.gethostname()}:{pid}"
    assert job["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/usr/bin", "/bin"]


def test_a_job_computes_on_one_thread():
    """What the libraries themselves say, with the environment that a run gives."""
    show = "import cv2, numba; print(cv2.getNumThreads(), numba.get_num_threads())"
    script = (
        f"import sys, subprocess\nfrom cdmer.watch import set_job_environment\nset_job_environment()\n"
        f"subprocess.run([sys.executable, '-c', {show!r}], check=True)"
    )
    run = python(script, OMP_NUM_THREADS="8")
    assert run.communicate()[0] == "1 1\n"
