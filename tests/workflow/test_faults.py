"""Killed, then finished; two runs at once; what a user sees when something fails."""

import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from cdmer.databases.cohort import plan_database
from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import read_shard

TABLE = "results/cdmer_table.csv"
STAGES = ("databases render", "databases read", "faces", "frames", "features compute", "models", "tables cdmer")


def jobs_of(workflow) -> dict[int, str]:
    """The cdmer processes that work in a directory: process number -> command line."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            here = (entry / "cwd").resolve() == workflow.folder.resolve()
        except OSError:
            continue
        words = [word.decode(errors="replace") for word in command]
        if here and any(word.endswith("/cdmer") for word in words[:2]):
            found[int(entry.name)] = " ".join(words[2:])
    return found


def start(workflow, *arguments):
    return subprocess.Popen(
        workflow.command(*arguments),
        cwd=workflow.folder,
        env=workflow.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def forget_results(workflow):
    """Start from nothing, as a fresh clone with its data does."""
    for path in sorted((workflow.folder / "results").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def check_whole(workflow):
    """Every store and shard reads back as written; nothing half-written is left under a final name."""
    for path in workflow.folder.glob("results/features/**/*.h5"):
        assert FeatureStore(path).verify() == []
    for path in workflow.folder.glob("results/f[ar]*/*/*/*.h5"):
        if "features" not in path.parts:
            assert read_shard(path).verify() == []


@pytest.mark.slow
def test_a_job_killed_in_every_stage(workflow, finished):
    """The first job of each stage is killed outright; the same command, given again, ends with the same table."""
    forget_results(workflow)
    killed: set[str] = set()
    done = threading.Event()
    rng = random.Random(3)

    def kill_once():
        while not done.is_set():
            for pid, words in jobs_of(workflow).items():
                stage = next((stage for stage in STAGES if f" {stage} " in f" {words} "), None)
                if stage and stage not in killed:
                    time.sleep(rng.uniform(0, 0.3))
                    try:
                        os.kill(pid, signal.SIGKILL)
                        killed.add(stage)
                    except ProcessLookupError:
                        pass  # it was quicker
            time.sleep(0.005)

    killer = threading.Thread(target=kill_once)
    killer.start()
    try:
        for _ in range(12):
            if start(workflow, TABLE).wait(timeout=300) == 0:
                break
    finally:
        done.set()
        killer.join()
    assert killed == set(STAGES)
    assert workflow.planned() == {}
    check_whole(workflow)
    assert (workflow.folder / TABLE).read_bytes() == (finished.folder / TABLE).read_bytes()


def test_a_change_that_a_kill_cut_short_is_not_forgotten(workflow):
    """The killed job's output is gone and what follows it is still there, made with the old setting."""
    workflow.configure(faces={"aligned_112": {"eye_height": 0.34}})
    run = start(workflow, TABLE)
    while not any(" faces " in f" {words} " for words in jobs_of(workflow).values()):
        assert run.poll() is None
        time.sleep(0.005)
    run.kill()
    run.wait()
    while jobs_of(workflow):
        time.sleep(0.05)
    assert (workflow.folder / "results/frames/tim_16/casme2/sub01.h5").exists()
    workflow.run(TABLE)
    assert workflow.planned() == {}
    for path in workflow.folder.glob("results/frames/tim_16/*/*.h5"):
        assert read_shard(path).attrs["faces"]["recipe"]["eye_height"] == 0.34


def test_two_live_runs_are_refused_and_a_dry_run_is_not(workflow):
    workflow.configure(faces={"aligned_112": {"eye_height": 0.34}})
    first = start(workflow, TABLE)
    try:
        while not jobs_of(workflow):
            assert first.poll() is None
            time.sleep(0.02)
        assert "align_faces" in workflow.run("--dry-run", TABLE)
        assert "cannot be locked" in workflow.run(TABLE, expect=1)
        assert first.poll() is None
    finally:
        first.terminate()
        first.wait()


def test_a_failed_job_shows_its_own_last_words(workflow):
    frame = sorted((workflow.folder / "data/CASME2_RAW_selected/sub01").rglob("*.jpg"))[0]
    frame.write_bytes(frame.read_bytes()[:2000])
    text = workflow.run("results/faces/aligned_112/casme2/sub01.h5", expect=1)
    assert frame.name in text
    assert "-> " in text
    assert "Traceback" not in text
    log = workflow.folder / "results/logs/faces/aligned_112/casme2/sub01.log"
    assert frame.name in log.read_text()


def test_a_failure_costs_nothing_that_was_computed(workflow):
    """One unreadable frame: with keep-going the other subject's shard is made; mended, only the rest runs."""
    frame = sorted((workflow.folder / "data/CASME2_RAW_selected/sub01").rglob("*.jpg"))[0]
    whole = frame.read_bytes()
    frame.write_bytes(whole[:2000])
    workflow.run(TABLE, expect=1)
    assert (workflow.folder / "results/faces/aligned_112/casme2/sub02.h5").exists()
    frame.write_bytes(whole)
    workflow.run(TABLE)
    assert workflow.planned() == {}


def test_a_clip_without_a_face(workflow):
    for frame in (workflow.folder / "data/CASME2_RAW_selected/sub01").rglob("*.jpg"):
        Image.new("RGB", (640, 480), "grey").save(frame)
    text = workflow.run("results/faces/aligned_112/casme2/sub01.h5", expect=1)
    assert "no face on the onset frame" in text
    assert "sub01/" in text
    assert "on_missing_face: exclude" in text
    workflow.configure(faces={"aligned_112": {"on_missing_face": "exclude"}})
    workflow.run(TABLE)
    lines = (workflow.folder / "results/exclusions.csv").read_text().splitlines()
    assert lines[0] == "database,subject,clip,stage,reason"
    assert len(lines) == 1 + len(plan_database("casme2", "tiny", 1).subject("sub01").clips)
    assert all(line.startswith("casme2,sub01,sub01/") and "no face" in line for line in lines[1:])
    assert f"{len(lines) - 1} clips were excluded" in (workflow.folder / "results/cdmer_table.md").read_text()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"selecton": ["default"]}, ["selecton", "'selection'"]),
        ({"databases": {"casme2": {"root": "data/nowhere"}}}, ["databases.casme2.root", "data/nowhere", "not exist"]),
        ({"imported_features": [{"database": "casme2", "file": "x.mat"}]}, ["x.mat", "does not exist"]),
        ({"databases": {"casme3": {"reader": "casme2"}}}, ["casme3", "look-alike"]),
    ],
)
def test_a_faulty_configuration_is_one_message(workflow, changes, words):
    workflow.configure(**changes)
    text = workflow.run(TABLE, expect=1)
    for word in words:
        assert word in text
    assert "Traceback" not in text


def test_a_truncated_shard_is_named_with_its_remedy(workflow):
    shard = workflow.folder / "results/frames/tim_16/casme2/sub01.h5"
    stamp = shard.stat()
    shard.write_bytes(shard.read_bytes()[:5000])
    os.utime(shard, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    store = workflow.folder / "results/features/lbp_top_r3p8/casme2/sub01.h5"
    store.unlink()
    text = workflow.run(str(store.relative_to(workflow.folder)), expect=1)
    assert "results/frames/tim_16/casme2/sub01.h5" in text
    assert "delete it and run again" in text
    shard.unlink()
    workflow.run(TABLE)
