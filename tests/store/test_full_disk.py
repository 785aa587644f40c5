"""A disk that is full while HDF5 writes: an error with its number, where HDF5 alone ends the process with a crash."""

import errno
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from cdmer.files import disk_trouble
from cdmer.store.container import new_hdf5
from cdmer.store.shard import read_shard, write_shard

# a limit on the size of files stands for a full disk: the same call fails, with another number
LIMITED = """
import resource, signal, sys
import numpy as np
from cdmer.store.shard import write_shard
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
frames = np.random.default_rng(1).integers(0, 255, (30, 64, 64), dtype=np.uint8)
try:
    with write_shard(sys.argv[1], {{}}) as shard:
        for clip in range(4):
            shard.add(str(clip), frames)
except OSError as error:
    print(error.errno, error.filename.endswith(".partial"))
"""


@pytest.mark.parametrize("limit", [1000, 50_000, 300_000])
def test_what_the_disk_refuses_is_an_error_and_no_crash(tmp_path, limit):
    path = tmp_path / "shard.h5"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.format(limit=limit), str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(errno.EFBIG), "True"]
    assert list(tmp_path.iterdir()) == []


def test_files_are_those_that_hdf5_would_write(tmp_path):
    values = np.random.default_rng(2).normal(size=(50, 40)).astype(np.float32)
    for path, opened in (("a.h5", new_hdf5(tmp_path / "a.h5")), ("b.h5", h5py.File(tmp_path / "b.h5", "w"))):
        with opened as file:
            file.create_dataset(
                "X", data=values, chunks=(5, 40), fletcher32=True, compression="gzip", track_times=False
            )
        assert (tmp_path / path).stat().st_size > 0
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_an_error_in_the_block_is_its_own(tmp_path):
    with pytest.raises(ZeroDivisionError), write_shard(tmp_path / "shard.h5", {}):
        1 / 0  # noqa: B018
    with write_shard(tmp_path / "shard.h5", {}) as shard:
        shard.add("clip", np.zeros((2, 8, 8), np.uint8))
    assert read_shard(tmp_path / "shard.h5").verify() == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
def test_what_a_user_is_told(code):
    told = disk_trouble(OSError(code, os.strerror(code), "results/x.h5"))
    assert told.problem == f"results/x.h5: {os.strerror(code)}"
    assert told.remedy
    # from a library that keeps the system's words alone
    assert os.strerror(code) in disk_trouble(RuntimeError(f"write failed ({os.strerror(code)})")).problem


def test_other_errors_are_not_the_disks():
    assert disk_trouble(OSError(errno.ENOENT, "No such file or directory", "x")) is None
    assert disk_trouble(ValueError("No space left on device")) is None
