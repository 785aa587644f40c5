"""Compiled kernels: what one process leaves, another finds; and nothing that goes wrong with the cache ends a job."""

import os
import re
import shutil
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from cdmer import jit

KERNEL = """
    from cdmer.jit import helper, kernel

    @helper
    def square(x):
        return x * x

    @kernel
    def norm(x, y):
        return square(x) + square(y)

    if __name__ == "__main__":
        print(norm(3, 4), sum(norm.stats.cache_hits.values()), sum(norm.stats.cache_misses.values()))
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "norm.py"
    path.write_text(textwrap.dedent(KERNEL))
    return path


@pytest.fixture(scope="module")
def left(source, tmp_path_factory):
    """What a first process leaves."""
    cache = tmp_path_factory.mktemp("left")
    assert run(source, XDG_CACHE_HOME=str(cache)) == (25, 0, 1)
    return cache


@pytest.fixture
def cache(left, tmp_path):
    return Path(shutil.copytree(left, tmp_path / "cache"))


@pytest.fixture
def empty(tmp_path):
    return tmp_path / "empty"


def start(source, **environment):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_") and key != "XDG_CACHE_HOME"}
    return subprocess.Popen(
        [sys.executable, str(source)],
        env={**kept, "PYTHONPATH": str(Path(jit.__file__).parents[1]), **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def run(source, **environment):
    """The result, and how often the machine code was loaded and compiled."""
    process = start(source, **environment)
    result, hits, misses = process.communicate()[0].split()
    assert process.returncode == 0
    return int(result), int(hits), int(misses)


def files(folder, pattern):
    return sorted(folder.rglob(pattern))


def test_the_second_process_loads_what_the_first_compiled(source, cache):
    assert run(source, XDG_CACHE_HOME=str(cache)) == (25, 1, 0)
    assert not files(source.parent, "*.nb*")  # an installation may be read-only


def test_an_edited_file_is_compiled_again_in_a_folder_of_its_own(source, tmp_path, empty):
    edited = Path(shutil.copy(source, tmp_path))
    run(edited, XDG_CACHE_HOME=str(empty))
    edited.write_text(edited.read_text().replace("x * x", "x * x * x"))
    assert run(edited, XDG_CACHE_HOME=str(empty)) == (91, 0, 1)
    assert len({file.parent for file in files(empty, "*.nbc")}) == 2


def test_another_processor_has_a_folder_of_its_own(source, cache):
    elsewhere = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    assert run(source, XDG_CACHE_HOME=str(cache), **elsewhere) == (25, 0, 1)
    assert run(source, XDG_CACHE_HOME=str(cache)) == (25, 1, 0)
    assert len(list((cache / "cdmer" / "kernels").iterdir())) == 2


def test_processes_that_start_together_do_no_harm(source, empty):
    together = [start(source, XDG_CACHE_HOME=str(empty)) for _ in range(4)]
    assert [process.communicate()[0].split()[0] for process in together] == ["25"] * 4
    assert [process.returncode for process in together] == [0] * 4
    assert run(source, XDG_CACHE_HOME=str(empty)) == (25, 1, 0)
    assert not files(empty, "*.tmp.*")


@pytest.mark.parametrize(("pattern", "content"), [("*.nbi", b""), ("*.nbi", b"not an index"), ("*.nbc", b"no code")])
def test_damaged_code_is_compiled_again(source, cache, pattern, content):
    (damaged,) = files(cache, pattern)
    damaged.write_bytes(content)
    assert run(source, XDG_CACHE_HOME=str(cache)) == (25, 0, 1)
    assert run(source, XDG_CACHE_HOME=str(cache)) == (25, 1, 0)


def test_a_disk_that_fills_up_keeps_no_code_and_ends_no_job(source, tmp_path, empty):
    """No byte can be written to any file: what a full disk or quota does."""
    limited = tmp_path / "limited.py"
    limited.write_text(
        "import resource, runpy, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        f"runpy.run_path({str(source)!r}, run_name='__main__')\n"
    )
    assert run(limited, XDG_CACHE_HOME=str(empty)) == (25, 0, 1)
    assert not files(empty, "*.nb*")


def test_without_a_home_that_can_be_written(source, tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null/cache", "TMPDIR": str(temporary)}
    assert run(source, **environment) == (25, 0, 1)
    assert run(source, **environment) == (25, 1, 0)
    (private,) = temporary.iterdir()
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_a_folder_that_others_can_write_is_not_trusted(source, tmp_path):
    """Whoever can write machine code there can run it as this user."""
    temporary = tmp_path / "tmp"
    shared = temporary / f"cdmer-{os.getuid()}"
    shared.mkdir(parents=True)
    shared.chmod(0o777)
    environment = {"HOME": "/dev/null", "TMPDIR": str(temporary)}
    assert run(source, **environment) == (25, 0, 1)
    assert not list(shared.iterdir())
    linked = temporary / "elsewhere"
    linked.mkdir(mode=0o700)
    shared.rmdir()
    shared.symlink_to(linked)
    assert run(source, **environment) == (25, 0, 1)
    assert not list(linked.iterdir())


def test_numba_s_own_setting_comes_first(source, tmp_path, empty):
    run(source, NUMBA_CACHE_DIR=str(tmp_path / "chosen"), XDG_CACHE_HOME=str(empty))
    assert files(tmp_path / "chosen", "*.nbc")
    assert not empty.exists()


def test_kernels_run_uncompiled_where_numba_is_told_so(source):
    code = "import sys; sys.path.insert(0, sys.argv[1]); import norm; assert norm.norm(3, 4) == 25"
    subprocess.run(
        [sys.executable, "-c", code, str(source.parent)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(Path(jit.__file__).parents[1])},
        check=True,
    )


def mixed(a, b, c, d, e, f, g, h, out, other):
    for i in range(out.size):
        out[i] = a[i] * b[i] + c[i] * d[i] + e[i]
        other[i] = f[i] * g[i] - h[i] * a[i]


def test_a_row_helper_makes_vector_instructions_without_asking_whether_arrays_overlap():
    rows = np.random.default_rng(0).random((10, 1000)).astype(np.float32)
    expected = rows[0] * rows[1] + rows[2] * rows[3] + rows[4], rows[5] * rows[6] - rows[7] * rows[0]
    for compiled, checks in ((jit.helper(mixed), True), (jit.row_helper(mixed), False)):
        compiled(*rows)
        np.testing.assert_array_equal(rows[8:], expected)
        (code,) = compiled.inspect_llvm().values()
        assert re.search(r"fmul <\d+ x float>", code)
        assert ("vector.memcheck" in code) == checks
