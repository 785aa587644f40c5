"""What ``profiles/slurm`` asks of the cluster before a run, so that no run hangs or ends for want of the controller.

Snakemake's SLURM plugin learns how its jobs fare from ``sacct`` or ``squeue``, and submits with ``sbatch``. Each can
cost the run:

- ``sacct`` is installed on clusters that keep no accounts, where it fails at every call;
- ``squeue`` forgets a job some time after its end (SLURM's ``MinJobAge``) or with a controller that lost its state, and
  the plugin takes a job that nobody knows for one that will still come;
- five questions in a row that fail, as while the controller restarts, and the plugin loses sight of all jobs for good;
- ``sbatch`` fails while the controller is away, and three failures are the end of a job.

`prepare` takes ``sacct`` only where it answers, and puts commands of the same names, `cdmer.slurm_commands`, before the
real ones for as long as the run lives.
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

from cdmer.slurm_commands import ANSWER_WITHIN, GUARDED, RUN_STDERR, real

FIRST_LOOK = 20  # seconds after a submission before the first question
FOLDER = "cdmer-slurm-"  # how the folder of the guarded commands begins


@dataclass(frozen=True)
class Cluster:
    """How a run should speak with this cluster, as the plugin's options have it."""

    status_command: str
    first_look: int
    no_account: bool


def prepare() -> Cluster:
    """Ask the cluster what it keeps, and put the guarded commands before its own.

    Returns
    -------
    Cluster
        Without a SLURM on this machine (a dry run elsewhere), what a cluster without accounts would get.
    """
    settings = _settings()
    accounts = "slurmdbd" in settings.get("AccountingStorageType", "") and _answers("sacct", "-n", "-X")
    _guard(accounts)
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


def _guard(accounts: bool) -> None:
    """Put the guarded commands first on the path of this process, for as long as it lives."""
    found = {name: shutil.which(name) for name in GUARDED}
    if not found["squeue"] or Path(found["squeue"]).parent.name.startswith(FOLDER):
        return  # no SLURM here, or guarded already
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    found["sacct"] = found["sacct"] if accounts else ""
    for name, path in found.items():
        if path is None:
            continue
        command = folder / name
        command.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -m cdmer.slurm_commands {name} "$@"\n', encoding="utf-8"
        )
        command.chmod(0o700)
        os.environ[real(name)] = path
    os.environ[RUN_STDERR] = f"/proc/{os.getpid()}/fd/2"
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"


def _sweep() -> None:
    """Take away the folders that killed runs have left on this machine."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*-*"):
        pid = folder.name.removeprefix(FOLDER).split("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists() and Path("/proc").exists():
            shutil.rmtree(folder, ignore_errors=True)
