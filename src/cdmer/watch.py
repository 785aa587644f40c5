"""What a run gives its jobs, and jobs that end with the run that started them.

When the workflow is killed outright, its jobs are orphans that nobody waits for, and the next run would start the
same jobs beside them. A job that knows its runner (environment variable CDMER_RUNNER, host:process) watches it and ends
when it is gone; half-written files are never renamed.
"""

import os
import socket
import sys
import threading
import time
from pathlib import Path

from cdmer.files import is_alive

RUNNER = "CDMER_RUNNER"


# Results must not depend on --cores, and threads that wait for work must not spin.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}


def one_thread() -> None:
    """Hold this process to one thread of mathematics, as jobs are, before it loads their libraries."""
    os.environ.update(ONE_THREAD)


def set_job_environment() -> None:
    """Give the jobs of this run its own commands, one thread of mathematics each, and a runner to watch."""
    commands = str(Path(sys.executable).parent)
    os.environ.update(ONE_THREAD, PATH=f"{commands}{os.pathsep}{os.environ.get('PATH', '')}")
    os.environ[RUNNER] = f"{socket.gethostname()}:{os.getpid()}"


def end_with_runner(every: float = 0.5) -> None:
    """Watch the runner from a thread of this process, if there is one on this machine.

    On another machine of a cluster its process number means nothing: there the scheduler ends jobs.
    """
    host, _, runner = os.environ.get(RUNNER, "").rpartition(":")
    if host == socket.gethostname() and runner.isdigit():
        threading.Thread(target=_watch, args=(int(runner), every), daemon=True).start()


def _watch(runner: int, every: float) -> None:
    while is_alive(runner):
        time.sleep(every)
    print(f"the workflow that started this job (process {runner}) is gone; the job ends with it", file=sys.stderr)
    sys.stderr.flush()
    os._exit(137)  # as if killed along with it: no clean-up that could take time or fail
