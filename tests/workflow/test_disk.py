"""Disks that are full or read-only, clocks that jump, a flipped bit, a frame that is replaced while the run goes on."""

import os
import shutil
import subprocess
import time

import h5py
import pytest

from cdmer.store.feature_store import FeatureStore

from .conftest import TABLE, Workflow
from .test_faults import jobs_of, start

STORE = "results/features/lbp_top_r3p8/casme2.h5"
PART = "results/features/lbp_top_r3p8/casme2/sub01.h5"
PREDICTIONS = "results/models/cdmer/C_to_V/SVM/predictions.csv"
ROOM = 64 << 10  # bytes: enough for Snakemake's notes, not for a subject's features
FACES = "results/faces/aligned_112/casme2/sub01.h5"


@pytest.fixture
def small_disk(finished, tmp_path):
    """The finished run on a disk of its own that can be filled and made read-only."""
    place = tmp_path / "disk"
    place.mkdir()
    size = sum(path.stat().st_size for path in finished.folder.rglob("*") if path.is_file())
    mount = ["mount", "-t", "tmpfs", "-o", f"size={2 * size + (8 << 20)}", "cdmer-test", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no disk can be mounted here (as root, outside a container)")
    try:
        yield finished.copy(place / "run")
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def remount(workflow, *options):
    place = str(workflow.folder.parent)
    subprocess.run(["mount", "-o", ",".join(("remount", *options)), place], check=True)


def same_table(workflow, finished):
    return (workflow.folder / TABLE).read_bytes() == (finished.folder / TABLE).read_bytes()


def test_a_full_disk_is_named_and_costs_nothing(small_disk, finished):
    part = small_disk.folder / PART
    part.unlink()
    filler = small_disk.folder.parent / "filler"
    with open(filler, "wb") as file:
        free = shutil.disk_usage(small_disk.folder).free
        os.posix_fallocate(file.fileno(), 0, max(free - ROOM, 1))
    text = small_disk.run(PART, expect=1)
    assert "No space left on device" in text
    assert "make room and run again" in text
    assert "Traceback" not in text
    assert not part.exists()
    assert not list(small_disk.folder.rglob("*.partial"))
    filler.unlink()
    small_disk.run(PART)
    with h5py.File(part) as one, h5py.File(finished.folder / PART) as other:
        assert digest(one) == digest(other)


def test_results_that_cannot_be_written(small_disk):
    (small_disk.folder / TABLE).unlink()
    remount(small_disk, "ro")
    text = small_disk.run(TABLE, expect=1)
    assert "Read-only file system" in text
    remount(small_disk, "rw")
    small_disk.run(TABLE)
    assert small_disk.planned() == {}


def test_a_flipped_bit_is_found_by_its_checksum_and_named(workflow, finished):
    store = workflow.folder / STORE
    with h5py.File(store) as file:
        chunk = file["X"].id.get_chunk_info(0)
    content = bytearray(store.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 4
    stamp = store.stat()
    store.write_bytes(content)
    os.utime(store, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # a disk that rots leaves no date
    assert FeatureStore(store).verify()
    (workflow.folder / PREDICTIONS).unlink()
    text = workflow.run(PREDICTIONS, expect=1)
    assert STORE in text
    assert "delete it and run again" in text
    store.unlink()
    workflow.run(PREDICTIONS)
    assert FeatureStore(store).verify() == []
    assert (workflow.folder / PREDICTIONS).read_bytes() == (finished.folder / PREDICTIONS).read_bytes()


@pytest.mark.parametrize("hours", [-9000, 9000], ids=["back", "forward"])
def test_a_clock_that_jumped(workflow, finished, hours):
    """Half of the results bear dates of another year; what is made again is the same, and then there is peace."""
    now = time.time()
    made = sorted(path for path in (workflow.folder / "results").rglob("*") if path.suffix in {".h5", ".csv"})
    for path in made[::2]:
        os.utime(path, (now + hours * 3600, now + hours * 3600))
    workflow.run(TABLE)
    assert same_table(workflow, finished)
    if hours < 0:  # dates to come stay ahead of whatever is made from those files, until the clock has caught up
        assert workflow.planned() == {}


def test_a_frame_replaced_while_the_run_goes_on(workflow, tmp_path):
    """The next run sees that the clip is no longer the one that was read, and ends with what the new frame gives."""
    frames = sorted((workflow.folder / "data/CASME2_RAW_selected/sub01").rglob("*.jpg"))
    workflow.configure(faces={"aligned_112": {"eye_height": 0.34}})
    run = start(workflow, FACES)
    while not any(" faces " in f" {words} " for words in jobs_of(workflow).values()):
        assert run.poll() is None
        time.sleep(0.01)
    shutil.copyfile(frames[-1], frames[0])
    run.wait()
    assert "align_faces" in workflow.planned(FACES)
    workflow.run(FACES)
    assert workflow.planned(FACES) == {}
    # from nothing, with the frame replaced from the start
    fresh = Workflow(tmp_path / "fresh", workflow.repository)
    fresh.folder.mkdir()
    shutil.copytree(workflow.folder / "data", fresh.folder / "data", copy_function=shutil.copy2)
    shutil.copy2(workflow.folder / "config.yaml", fresh.folder / "config.yaml")
    fresh.run(FACES)
    with h5py.File(fresh.folder / FACES) as one, h5py.File(workflow.folder / FACES) as other:
        assert digest(one) == digest(other)


def digest(file: h5py.File) -> dict[str, bytes]:
    """The content of every dataset of a file."""
    found: dict[str, bytes] = {}
    file.visititems(lambda name, item: found.update({name: item[()].tobytes()}) if hasattr(item, "dtype") else None)
    return found
