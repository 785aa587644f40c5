"""Progress: every item comes through, a terminal sees a bar, a short step says nothing in a log."""

import fcntl
import os
import struct
import subprocess
import sys
import termios

import pytest

from cdmer.progress import progress

LOOP = """
import sys, time
from cdmer.progress import progress
for clip in progress(iter(range(8)), "faces sub01", total=8):
    time.sleep(0.1)
print("done")
"""


def test_items_come_through_lazily_and_in_order():
    taken = []

    def source():
        for item in "abc":
            taken.append(item)
            yield item

    for item in progress(source(), "letters", total=3):
        assert taken[-1] == item
    assert taken == ["a", "b", "c"]


def test_an_error_in_the_loop_is_not_swallowed():
    with pytest.raises(KeyError, match="c2"):
        for clip in progress(["c1", "c2", "c3"], "clips"):
            if clip == "c2":
                raise KeyError(clip)


def test_a_short_step_says_nothing_in_a_log():
    done = subprocess.run([sys.executable, "-c", LOOP], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_a_terminal_sees_what_is_done_and_standard_output_stays_clean():
    terminal, other_end = os.openpty()
    fcntl.ioctl(other_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    done = subprocess.run([sys.executable, "-c", LOOP], stdout=subprocess.PIPE, stderr=other_end, check=True)
    os.set_blocking(terminal, False)
    shown = os.read(terminal, 1 << 16).decode()
    os.close(other_end)
    os.close(terminal)
    assert done.stdout == b"done\n"
    assert "faces sub01" in shown
    assert "/8 [" in shown


def test_a_long_step_is_lines_in_a_log():
    """Ten seconds shortened to a tenth: every line ends, so that a log can be read while it grows."""
    loop = LOOP.replace("import sys", "import functools, sys", 1).replace(
        "progress\nfor",
        "progress\nimport cdmer.progress as p\n"
        "lines = p._Lines\n"
        "p._Lines = lambda items, **o: lines(items, **{**o, 'mininterval': 0.1, 'delay': 0.1})\nfor",
    )
    done = subprocess.run([sys.executable, "-c", loop], capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert "\r" not in done.stderr
    assert len(lines) >= 3
    assert all(line.startswith("faces sub01: ") and "/8 [" in line for line in lines)
