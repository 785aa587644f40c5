"""Whole or absent: what is left under the final name, and beside it, however a writer ends."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from cdmer.files import is_alive, whole_file, whole_folder, write_text

HALF_A_FILE = """
import sys, time
from cdmer.files import whole_file
with whole_file(sys.argv[1]) as partial:
    partial.write_text("half")
    print("writing", flush=True)
    time.sleep(600)
"""
HALF_A_FOLDER = """
import sys, time
from cdmer.files import whole_folder
with whole_folder(sys.argv[1]) as partial:
    (partial / "a").mkdir()
    (partial / "a" / "half").write_text("half")
    print("writing", flush=True)
    time.sleep(600)
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def partial_of(path, pid, host=None, suffix=".partial"):
    return path.with_name(f".{path.name}.{host or socket.gethostname()}.{pid}{suffix}")


@pytest.fixture
def writer():
    """Start a process that is half-way through writing a path; ended with the test."""
    started = []

    def start(script, path):
        process = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "writing\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def dead_pid():
    """The number of a process that has just ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_file_appears_when_the_block_ends_well_in_folders_made_for_it(tmp_path):
    path = tmp_path / "a" / "b" / "out.csv"
    with whole_file(path) as partial:
        partial.write_text("whole")
        assert partial.parent == path.parent  # a rename within one folder is atomic
        assert not path.exists()
    assert path.read_text() == "whole"
    assert names(path.parent) == ["out.csv"]


def test_a_new_file_replaces_the_old_one_at_once(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with open(path) as reader:
        with whole_file(path) as partial:
            partial.write_text("new")
            assert path.read_text() == "old"
        assert path.read_text() == "new"
        assert reader.read() == "old"  # who was reading keeps the file that was opened, whole


def test_an_exception_in_the_block_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="disk"), whole_file(path) as partial:
        partial.write_text("half")
        raise RuntimeError("disk")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out.csv"]


def test_a_block_that_writes_nothing_is_an_error_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), whole_file(path):
        pass
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out.csv"]


def test_a_folder_replaces_the_old_one_whole(tmp_path):
    path = tmp_path / "clips"
    for turn in ("first", "second"):
        with whole_folder(path) as partial:
            assert list(partial.iterdir()) == []
            (partial / turn).mkdir()
            (partial / turn / "img1.jpg").write_text(turn)
        assert names(path) == [turn]
        assert (path / turn / "img1.jpg").read_text() == turn
    assert names(tmp_path) == ["clips"]


def test_an_exception_leaves_the_old_folder(tmp_path):
    path = tmp_path / "clips"
    path.mkdir()
    (path / "old").write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_folder(path) as partial:
        (partial / "half").write_text("half")
        raise KeyboardInterrupt
    assert names(path) == ["old"]
    assert names(tmp_path) == ["clips"]


def test_text_is_utf8_with_unix_line_ends(tmp_path):
    write_text(tmp_path / "a.csv", "Pietikäinen\nH → V\n")
    assert (tmp_path / "a.csv").read_bytes() == b"Pietik\xc3\xa4inen\nH \xe2\x86\x92 V\n"


@pytest.mark.parametrize("script", [HALF_A_FILE, HALF_A_FOLDER], ids=["file", "folder"])
def test_a_writer_killed_outright_leaves_nothing_under_the_final_name(tmp_path, writer, script):
    """What it leaves is hidden, and the next writer of that name sweeps it away."""
    path = tmp_path / "out"
    killed = writer(script, path)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert names(tmp_path) == [partial_of(path, killed.pid).name]
    write_text(path, "whole")
    assert names(tmp_path) == ["out"]


def test_a_live_writers_partial_is_left_alone(tmp_path, writer):
    path = tmp_path / "out"
    other = writer(HALF_A_FILE, path)
    write_text(path, "mine")
    assert names(tmp_path) == [partial_of(path, other.pid).name, "out"]
    assert partial_of(path, other.pid).read_text() == "half"


def test_another_machines_partial_is_left_alone(tmp_path, dead_pid):
    path = tmp_path / "out"
    theirs = partial_of(path, dead_pid, host="elsewhere")
    theirs.write_text("half")
    write_text(path, "mine")
    assert names(tmp_path) == [theirs.name, "out"]


def test_a_partial_of_another_name_is_left_alone(tmp_path, dead_pid):
    other = partial_of(tmp_path / "out.csv", dead_pid)
    other.write_text("half")
    write_text(tmp_path / "out", "mine")
    assert names(tmp_path) == sorted([other.name, "out"])


def test_a_folder_killed_in_mid_swap_is_swept_too(tmp_path, dead_pid):
    path = tmp_path / "clips"
    for suffix in (".partial", ".old.partial"):
        left = partial_of(path, dead_pid, suffix=suffix)
        left.mkdir()
        (left / "img1.jpg").write_text("x")
    with whole_folder(path) as partial:
        (partial / "img1.jpg").write_text("new")
    assert names(tmp_path) == ["clips"]


def test_a_name_that_reads_as_a_pattern_is_only_a_name(tmp_path, dead_pid):
    path = tmp_path / "out[1].csv"
    partial_of(path, dead_pid).write_text("half")
    write_text(path, "whole")
    assert names(tmp_path) == ["out[1].csv"]


def test_a_symbolic_link_under_the_partials_name_is_removed_and_not_followed(tmp_path, dead_pid):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("kept")
    path = tmp_path / "work" / "out"
    path.parent.mkdir()
    partial_of(path, dead_pid).symlink_to(elsewhere)
    write_text(path, "whole")
    assert names(path.parent) == ["out"]
    assert names(elsewhere) == ["kept"]


def test_who_is_alive(dead_pid):
    assert is_alive(os.getpid())
    assert not is_alive(dead_pid)


def test_another_users_process_is_alive():
    """Process 1 is root's: whoever is not root may not signal it, and so learns that it is there."""
    if os.geteuid() != 0:
        assert is_alive(1)
        return
    # a child that gives root up after its imports, for the library may lie where nobody else may read
    child = "import os; from cdmer.files import is_alive; os.setresuid(65534, 65534, 65534); print(is_alive(1))"
    assert subprocess.run([sys.executable, "-c", child], capture_output=True, check=True).stdout == b"True\n"
