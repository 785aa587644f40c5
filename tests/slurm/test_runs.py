"""Runs through ``profiles/slurm`` on a real SLURM, undisturbed and disturbed; every one ends with the same result."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import PREDICTIONS, TABLE, Study, when


def is_running(job):
    return job["JobState"] in {"RUNNING", "STOPPED"}


def same(study, local, name=PREDICTIONS):
    return (study.folder / name).read_bytes() == (local.folder / name).read_bytes()


def new_jobs(cluster, before):
    return [job for job in cluster.jobs() if job["JobId"] not in {known["JobId"] for known in before}]


def megabytes(job):
    amount, unit = re.fullmatch(r"([\d.]+)([MG])", job["MinMemoryNode"]).groups()
    return round(float(amount) * {"M": 1, "G": 1024}[unit])


def minutes(job):
    days, hours, mins = re.fullmatch(r"(?:(\d+)-)?(\d+):(\d+):00", job["TimeLimit"]).groups()
    return int(days or 0) * 1440 + int(hours) * 60 + int(mins)


def gpus(job):
    """How many GPUs a job was given, as the controller has it."""
    found = re.fullmatch(r"\(null\)|gpu:(\d+)", job["JOB_GRES"])
    return int(found[1] or 0)


def scontrol(*words):
    subprocess.run(["scontrol", *words], check=True, timeout=60)


def scancel(*words):
    subprocess.run(["scancel", *words], check=True, timeout=60)


def test_the_table_from_nothing_is_the_local_one(cluster, without, tmp_path):
    """Every stage on the cluster: few jobs, each with the memory of one of its parts and the minutes of all."""
    before = cluster.jobs()
    (tmp_path / "study").mkdir()
    study = Study(tmp_path / "study", without.repository)
    (study.folder / "config.yaml").write_text((without.folder / "config.yaml").read_text())
    text = study.run(TABLE, at_most=1200)
    assert same(study, without, TABLE)
    jobs = new_jobs(cluster, before)
    parts = int(re.search(r"total +(\d+)", text).group(1))
    assert len(jobs) <= parts / 3
    assert all(job["JobState"] == "COMPLETED" for job in jobs)
    assert not any(gpus(job) for job in jobs)
    rendered = jobs[0]  # four subjects rendered one after another
    assert (megabytes(rendered), minutes(rendered), rendered["NumCPUs"]) == (1500, 4 * 30, "1")


def test_jobs_that_the_scheduler_ends_are_tried_again_with_more(cluster, local, tmp_path):
    """In one run: a job out of memory, one out of time, one cancelled by a person. Networks have a GPU each time."""
    names = {
        "memory": PREDICTIONS,
        "time": "results/models/cdmer/V_to_N/OFF-ApexNet/predictions.csv",
        "scancel": "results/models/cdmer/N_to_V/OFF-ApexNet/predictions.csv",
    }
    comments = {"memory": "train_model", "time": "V_to_N_OFF-ApexNet", "scancel": "N_to_V_OFF-ApexNet"}
    study = local.copy(tmp_path / "study")
    study.forget(*names.values())
    before = cluster.jobs()

    def outstay(job):
        scontrol("update", f"jobid={job}", "timelimit=1")  # a minute is the least that there is
        scancel("--signal=STOP", "--full", job)

    acted = [
        when(cluster, lambda job: is_running(job) and comments["time"] in job["Comment"], outstay),
        when(cluster, lambda job: is_running(job) and comments["scancel"] in job["Comment"], scancel),
    ]
    # too little for any Python the first time
    text = study.run("--set-resources", "train_model:mem_mb=40*attempt**6", "--", *names.values())
    assert all(done() for done in acted)
    assert all(same(study, local, name) for name in names.values())
    assert text.count("Trying to restart job") == 3
    attempts = {why: [job for job in new_jobs(cluster, before) if comments[why] in job["Comment"]] for why in names}
    assert {why: [job["JobState"] for job in jobs] for why, jobs in attempts.items()} == {
        "memory": ["FAILED", "COMPLETED"],  # this SLURM's node kills what it finds too large; cgroups name the reason
        "time": ["TIMEOUT", "COMPLETED"],
        "scancel": ["CANCELLED", "COMPLETED"],
    }
    for why, jobs in attempts.items():
        assert [gpus(job) for job in jobs] == [0 if why == "memory" else 1] * 2
    assert "exceeded memory limit" in Path(attempts["memory"][0]["StdErr"]).read_text()
    assert [megabytes(job) for job in attempts["memory"]] == [40, 2560]
    for why in ("time", "scancel"):
        first, second = attempts[why]
        assert megabytes(second) == 2 * megabytes(first)
    first, second = attempts["scancel"]
    assert minutes(second) == 2 * minutes(first)
    assert minutes(attempts["time"][1]) == minutes(second)  # the test itself has changed the first one's


def test_a_controller_that_hangs_when_a_run_begins_and_is_restarted_in_its_middle(cluster, study, local):
    def restart(_):
        cluster.end_controller()
        time.sleep(15)  # a question goes unanswered
        cluster.start_controller()

    before = cluster.jobs()
    restarted = when(cluster, is_running, restart)
    cluster.freeze_controller()
    try:
        # its partition is named, so that it is the submission that hangs
        run = study.start("--default-resources", "slurm_partition=main", "--", PREDICTIONS)
        deadline = time.monotonic() + 120
        while "sbatch waits for it" not in study.said.read_text():
            assert time.monotonic() < deadline and run.poll() is None, study.said.read_text()
            time.sleep(0.5)
    finally:
        cluster.thaw_controller()
    text = study.finish(run)
    assert "controller answers again" in text
    assert restarted()
    assert same(study, local)
    marks = [job["Comment"].split(",")[-1] for job in new_jobs(cluster, before)]
    assert len(set(marks)) == len(marks)  # the submission whose answer was lost was not made a second time


def test_the_controller_loses_its_memory(cluster, study, local):
    """Its jobs are no longer known to anybody; without `cdmer.slurm` the run would wait for them for ever."""

    def lose(_):
        cluster.end_controller()
        shutil.rmtree(cluster.state / "controller")
        (cluster.state / "controller").mkdir()
        cluster.start_controller()

    lost = when(cluster, is_running, lose)
    study.run(PREDICTIONS)
    assert lost()
    assert same(study, local)


def test_a_node_that_is_drained_and_then_fails(cluster, study, local):
    attempts = []

    def drain(job):
        attempts.append(job)
        cluster.drain()  # what runs may end, nothing new begins
        scancel(job)  # so its second attempt must wait
        deadline = time.monotonic() + 90
        while not any(job["JobState"] == "PENDING" for job in cluster.jobs()):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        time.sleep(3)
        assert all(job["JobState"] in {"PENDING", "CANCELLED"} for job in new_jobs(cluster, before))
        cluster.resume()

    def fail(job):
        scontrol("update", f"nodename={cluster.node}", "state=down", "reason=test")
        time.sleep(3)
        cluster.resume()
        scontrol("update", f"jobid={job}", "starttime=now")  # SLURM would wait two minutes before it begins it again

    before = cluster.jobs()
    drained = when(cluster, is_running, drain)
    failed = when(cluster, lambda job: is_running(job) and attempts and job["JobId"] not in attempts, fail)
    study.run(PREDICTIONS)
    assert drained()
    assert failed()
    assert same(study, local)
    assert [job["JobState"] for job in new_jobs(cluster, before)] == ["CANCELLED", "COMPLETED"]


@pytest.fixture
def passable(tmp_path, local):
    """Let other users pass through the folders that lead to the interpreter and to the store, for as long as needed."""
    needed = [tmp_path, local.folder / "results/features", local.repository / "src", Path(sys.executable)]
    folders = {parent for path in needed for end in (path, path.resolve()) for parent in (end, *end.parents)}
    closed = {path: path.stat().st_mode for path in folders if path.is_dir() and path.stat().st_mode & 0o001 == 0}
    for path, mode in closed.items():
        path.chmod(mode | 0o001)
    yield
    for path, mode in closed.items():
        path.chmod(mode)


def test_two_users_runs_share_a_store(cluster, local, tmp_path, passable):
    """One has made the features; two others, of different users, train on them at the same time and change nothing."""
    shared = local.folder / "results/features"
    stamps = {path: path.stat().st_mtime_ns for path in shared.rglob("*.h5")}
    runs = []
    for user, experiment in (("root", "V_to_N"), ("nobody", "N_to_V")):
        folder = tmp_path / user
        wanted = f"results/models/cdmer/{experiment}/SVM/predictions.csv"
        local.copy(folder).forget(wanted)
        shutil.rmtree(folder / "results/features")
        (folder / "results/features").symlink_to(shared)
        study = Study(folder, local.repository, user)
        subprocess.run(["chown", "-R", "--no-dereference", user, str(folder)], check=True)
        runs.append((study, wanted, study.start(wanted)))
    for study, wanted, run in runs:
        study.finish(run)
        assert (study.folder / wanted).owner() == study.user
        assert same(study, local, wanted)
    assert {path: path.stat().st_mtime_ns for path in shared.rglob("*.h5")} == stamps


def test_a_queue_that_forgets_at_once_and_keeps_no_accounts(cluster, study, local):
    """`sacct` is installed and always fails here; squeue forgets a job seconds after its end, before it is asked."""
    assert subprocess.run(["sacct"], capture_output=True, check=False).returncode != 0
    text = cluster.configuration.read_text()
    cluster.configuration.write_text(re.sub("MinJobAge=.*", "MinJobAge=2", text))
    scontrol("reconfigure")
    try:
        study.run(PREDICTIONS, "--seconds-between-status-checks", "15")
    finally:
        cluster.configuration.write_text(text)
        scontrol("reconfigure")
    assert same(study, local)
