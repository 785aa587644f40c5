"""Compiled kernels, and the folder that keeps their machine code from one process to the next.

A kernel is compiled when it is first called, which takes seconds; later processes load what the first one left. Each
combination of processor, numba, Python and source file has a folder of its own, below ``$NUMBA_CACHE_DIR`` where that
is set, ``$XDG_CACHE_HOME/cdmer``, ``~/.cache/cdmer`` or a private folder of the temporary directory, whichever can be
written first. A home that machines of several kinds share is therefore safe, and so are jobs that start together:
whoever writes last in a folder writes what was there. The folders may be deleted at any time.

A source file holds its kernels with all their helpers, and each kernel is called with one signature only: numba tells
stale code by the kernel's own file, and its numbering of several signatures is not safe between processes.
"""

import hashlib
import inspect
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite.binding
import numba
from numba.core.caching import FunctionCache
from numba.core.compiler import Compiler

Function = TypeVar("Function", bound=Callable[..., Any])

_settings: Any = numba.config  # made at run time, which type checkers cannot follow

# No fastmath: additions keep their order, and no multiplication melts into one.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
# Sums may be taken in any order and with fused products, several terms at a time; infinities and signs stay exact.
_FAST_SUMS = {"reassoc", "contract", "nsz"}


def helper(function: Function) -> Function:
    """Compile `function` into the kernels of its file that call it."""
    return cast(Function, numba.njit(**_OPTIONS)(function))


def row_helper(function: Function) -> Function:
    """Compile as `helper` a function whose array arguments do not overlap, save those that it only reads.

    The promise stands in for checks when it runs. The compiler makes a few of them at most: of a loop over many arrays
    it would not make vector instructions at all.
    """
    return cast(Function, numba.njit(pipeline_class=_Apart, **_OPTIONS)(function))


class _Apart(Compiler):
    """Numba's compiler, telling LLVM that no array argument is another's alias."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)  # type: ignore[no-untyped-call]
        self.state.flags.noalias = True


def summing_helper(function: Function) -> Function:
    """A helper whose sums may differ in the last bits from one type of processor to another, for vector speed."""
    return cast(Function, numba.njit(**_OPTIONS, fastmath=_FAST_SUMS)(function))


def kernel(function: Function) -> Function:
    """Compile `function` at its first call, or load its machine code where an earlier process left it."""
    compiled: Any = helper(function)
    folder = cache_folder(Path(inspect.getfile(function)))
    if folder is not None and not _settings.DISABLE_JIT:
        default, _settings.CACHE_DIR = _settings.CACHE_DIR, str(folder)
        try:
            compiled._cache = _KernelCache(function)  # type: ignore[no-untyped-call]  # as numba's `enable_caching` does
        finally:
            _settings.CACHE_DIR = default
    return cast(Function, compiled)


class _KernelCache(FunctionCache):
    """A cache that never ends a job: damaged code is compiled again, and a full disk keeps none."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception:  # unpickling damaged bytes may raise anything
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            self.flush()  # type: ignore[no-untyped-call]  # a damaged index would be read before it is written
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except OSError:
            pass


def cache_folder(source: Path) -> Path | None:
    """The folder for the machine code of the kernels in `source`, made where it is missing; None if there is none."""
    name = f"{_processor()[0]}-{_digest(source)}"
    for root in _roots():
        folder = root / "kernels" / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        return folder
    return None


def _roots() -> Iterator[Path]:
    """Folders to try, best first."""
    if _settings.CACHE_DIR:
        yield Path(_settings.CACHE_DIR)
    if os.environ.get("XDG_CACHE_HOME"):
        yield Path(os.environ["XDG_CACHE_HOME"], "cdmer")
    with suppress(RuntimeError):  # a user without a home
        yield Path.home() / ".cache" / "cdmer"
    try:
        private = Path(tempfile.gettempdir(), f"cdmer-{os.getuid()}")
    except FileNotFoundError:  # not one folder can be written
        return
    if _is_private(private):
        yield private


def _is_private(folder: Path) -> bool:
    """Whether nobody else can put code into `folder`, which is made where it is missing."""
    try:
        folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    others = stat.S_IWGRP | stat.S_IWOTH
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & others


def _digest(source: Path) -> str:
    """A digest of all that the machine code of `source` depends on."""
    parts = (
        numba.__version__,
        llvmlite.__version__,
        str(sys.implementation.cache_tag),
        llvmlite.binding.get_process_triple(),
        *_processor(),
    )
    return hashlib.sha256("\n".join(parts).encode() + source.read_bytes()).hexdigest()[:16]


def _processor() -> tuple[str, str]:
    """The name and the features of the processor to compile for: this one, or what numba's settings say."""
    name = _settings.CPU_NAME or llvmlite.binding.get_host_cpu_name()
    features = _settings.CPU_FEATURES or llvmlite.binding.get_host_cpu_features().flatten()
    return str(name), str(features)
