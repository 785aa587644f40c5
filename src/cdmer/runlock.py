"""Telling a stale lock of the workflow from a live one.

Snakemake locks a directory with files that a killed run leaves behind, and then refuses the next one. Here every run
also holds an advisory lock of the operating system, which dies with its process. A run that finds itself alone knows
that Snakemake's lock files were left by the dead and removes them; one that is not alone leaves them, and Snakemake
refuses it.
"""

import fcntl
import shutil
from pathlib import Path
from typing import TextIO

_held: list[TextIO] = []  # open for as long as the process lives


def hold_run_lock(state: str | Path = ".snakemake") -> bool:
    """Join the live runs of this directory; when there is no other, clear the locks that dead ones left.

    Parameters
    ----------
    state
        Snakemake's folder of the working directory.

    Returns
    -------
    bool
        Whether stale locks were removed. Never while another process is at work here (a dry run counts: it may have
        come first), nor on a file system without advisory locks, where ``snakemake --unlock`` remains.
    """
    state = Path(state)
    state.mkdir(parents=True, exist_ok=True)
    handle = open(state / "live-runs.lock", "w", encoding="utf-8")  # noqa: SIM115 (held until the process ends)
    _held.append(handle)
    try:
        alone = _try_exclusive(handle)
        locks = state / "locks"
        stale = alone and any(locks.glob("*.lock"))
        if stale:
            shutil.rmtree(locks)
        fcntl.flock(handle, fcntl.LOCK_SH)
    except OSError:
        return False
    return stale


def _try_exclusive(handle: TextIO) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
