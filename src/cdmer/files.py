"""Outputs that are whole or absent, whenever the process is killed.

A file is written beside its final name, flushed to disk and renamed. Readers therefore never meet half a file, and
what a killed process leaves behind is a hidden ``.partial`` that the next writer of the same name sweeps away.
"""

import errno
import glob
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cdmer.errors import CdmerError

_ELSEWHERE = "write elsewhere (snakemake --directory FOLDER --configfile config.yaml)"
# what a disk may refuse, and what helps; the words are the operating system's, for HDF5 keeps only those
_REFUSALS = {
    errno.ENOSPC: "make room and run again; what is finished stays",
    errno.EDQUOT: "make room in your quota and run again; what is finished stays",
    errno.EROFS: f"{_ELSEWHERE}, or have the file system mounted for writing",
    errno.EACCES: f"give yourself permission to write there, or {_ELSEWHERE}",
    errno.EIO: "the disk or the network behind it fails: have it looked after, then run again",
}


def why_no_file(path: Path) -> str:
    """What a path is that is no plain file: ``does not exist``, ``is a folder`` or ``is no plain file``."""
    return "is a folder" if path.is_dir() else "is no plain file" if path.exists() else "does not exist"


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends well, remove it otherwise.

    The parent folder is created. The yielded file must exist when the block ends.

    Raises
    ------
    CdmerError
        A place that cannot be written to.
    """
    final = Path(path)
    if final.is_dir():
        raise CdmerError(f"{final}: cannot be written (a folder of that name is there)", "remove it, or choose a name")
    with _partial(final) as partial:
        yield partial
        with open(partial, "rb") as written:
            os.fsync(written.fileno())
        os.replace(partial, final)
        _flush_folder(final.parent)


@contextmanager
def whole_folder(path: str | Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside `path`; swap it in for `path` when the block ends well."""
    final = Path(path)
    with _partial(final) as partial:
        partial.mkdir()
        yield partial
        if final.exists():  # os.replace cannot overwrite a folder that holds files
            doomed = partial.with_suffix(".old.partial")
            os.replace(final, doomed)
            os.replace(partial, final)
            shutil.rmtree(doomed)
        else:
            os.replace(partial, final)
        _flush_folder(final.parent)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` as UTF-8 with Unix line ends, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def disk_trouble(error: BaseException) -> CdmerError | None:
    """What to tell a user whose disk is full, read-only or failing; None where an error is about something else."""
    for code, remedy in _REFUSALS.items():
        words = os.strerror(code)
        if getattr(error, "errno", None) == code or (isinstance(error, OSError | RuntimeError) and words in str(error)):
            named = getattr(error, "filename", None)
            return CdmerError(f"{named or 'writing'}: {words}", remedy)
    return None


@contextmanager
def _partial(final: Path) -> Iterator[Path]:
    partial = final.with_name(f".{final.name}.{socket.gethostname()}.{os.getpid()}.partial")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _sweep(final)
        _remove(partial)
        partial.touch()  # what cannot be written is said before the work, and in the same words for every format
        partial.unlink()
    except OSError as error:
        raise CdmerError(
            f"{final}: cannot be written ({error.strerror})",
            _REFUSALS.get(error.errno or 0, "choose a folder in which you may write"),
        ) from error
    try:
        yield partial
    finally:
        _remove(partial)


def _sweep(final: Path) -> None:
    """Remove what dead processes of this machine left beside `final`; another machine's are not ours to judge."""
    mine = f".{final.name}.{socket.gethostname()}."
    for left in final.parent.glob(f"{glob.escape(mine)}*.partial"):
        pid = left.name.removeprefix(mine).split(".")[0]
        if pid.isdigit() and not is_alive(int(pid)):
            _remove(left)


def is_alive(pid: int) -> bool:
    """Whether a process of that number runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable (a no-op where folders cannot be opened)."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network file systems refuse to flush a folder; the rename is still atomic
    finally:
        os.close(handle)
