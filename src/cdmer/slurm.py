"""What ``profiles/slurm`` asks of the cluster before a run, so that no run hangs.

Snakemake's SLURM plugin learns how its jobs fare from ``sacct`` or ``squeue``. Both can leave it waiting for ever:

- ``sacct`` is installed on clusters that keep no accounts, where it fails at every call;
- ``squeue`` forgets a job some time after its end (SLURM's ``MinJobAge``) or with a controller that lost its state, and
  the plugin takes a job that nobody knows for one that will still come.

`prepare` therefore takes ``sacct`` only where it answers. Elsewhere it puts commands of both names before the real
ones: they print what the real ``squeue`` prints, and report a job that is known to have been there and is no more as
``UNKNOWN``. The plugin then looks at the job's outputs: all there, it was done; any missing, it failed, and is tried
again. Outputs that are whole or absent (`cdmer.files`) make that safe.
"""

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

FIRST_LOOK = 20  # seconds after a submission before the first question
ANSWER_WITHIN = 30  # seconds for a command of SLURM
LOGS = Path(".snakemake/slurm_logs")  # where the plugin lets SLURM write; a log bears its job's number
SEEN = Path(".snakemake/slurm_jobs")  # the jobs that each run has seen in the queue
QUEUE = "CDMER_SQUEUE"  # the real squeue, for the commands that stand before it


@dataclass(frozen=True)
class Cluster:
    """How a run should speak with this cluster, as the plugin's options have it."""

    status_command: str
    first_look: int
    no_account: bool


def prepare() -> Cluster:
    """Ask the cluster what it keeps, and guard ``squeue`` where it must serve.

    Returns
    -------
    Cluster
        Without a SLURM on this machine (a dry run elsewhere), what a cluster without accounts would get.
    """
    settings = _settings()
    accounts = "slurmdbd" in settings.get("AccountingStorageType", "") and _answers("sacct", "-n", "-X")
    if not accounts:
        _guard()
    # the plugin turns to sacct of its own accord where squeue remembers less than three times this
    remembered = re.match(r"\d+", settings.get("MinJobAge", ""))
    first_look = max(1, min(FIRST_LOOK, int(remembered.group()) // 3)) if remembered else FIRST_LOOK
    return Cluster("sacct" if accounts else "squeue", first_look, not accounts)


def _settings() -> dict[str, str]:
    lines = _output("scontrol", "show", "config").splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line]
    return {name.strip(): value.strip() for name, value in pairs}


def _answers(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=ANSWER_WITHIN)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=ANSWER_WITHIN)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _guard() -> None:
    """Put the guarded commands first on the path of this process, for as long as it lives."""
    real = shutil.which("squeue")
    if real is None or QUEUE in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="cdmer-slurm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in ("squeue", "sacct"):
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cdmer.slurm {name} "$@"\n', encoding="utf-8")
        command.chmod(0o700)
    os.environ.update({QUEUE: real, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"})


def answer(command: str, arguments: list[str]) -> int:
    """Print the number and state of every job of a run, those that the queue has forgotten included.

    Parameters
    ----------
    command
        ``squeue`` or ``sacct``, as the plugin calls it. Asked for anything but a run's jobs, the first passes the
        question on, and the second, which has no accounts to look into, says nothing.
    arguments
        Of the command; ``--name`` and a run's name among them.

    Returns
    -------
    int
        The exit status of the real squeue. Where it fails nothing is concluded: the controller may be restarting.
    """
    run = arguments[arguments.index("--name") + 1] if "--name" in arguments[:-1] else ""
    if not run and command == "sacct":
        return 0
    question = ["--format=%i|%T", "--states=all", "--noheader", "--name", run] if run else arguments
    try:
        done = subprocess.run(
            [os.environ[QUEUE], *question], capture_output=True, text=True, check=False, timeout=ANSWER_WITHIN
        )
    except subprocess.TimeoutExpired:
        return 1
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    if run and done.returncode == 0:
        for job in forgotten(run, {line.split("|")[0] for line in done.stdout.split()}):
            print(f"{job}|UNKNOWN")
    return done.returncode


def forgotten(run: str, known: set[str]) -> list[str]:
    """The jobs that were in the queue of a run or have begun, and are not known any more.

    Parameters
    ----------
    run
        The name that all jobs of a run bear.
    known
        The numbers of the jobs that the cluster knows; they are noted for the next time.
    """
    SEEN.mkdir(parents=True, exist_ok=True)
    note = SEEN / re.sub(r"[^\w-]", "_", run)
    seen = set(note.read_text(encoding="utf-8").split()) if note.exists() else set()
    if known - seen:
        with open(note, "a", encoding="utf-8") as more:
            more.writelines(f"{job}\n" for job in sorted(known - seen))
    begun = {log.stem for log in LOGS.rglob("*.log")}
    return sorted((seen | begun) - known)


if __name__ == "__main__":
    sys.exit(answer(sys.argv[1], sys.argv[2:]))
