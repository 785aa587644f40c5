"""Runs through ``profiles/slurm`` on a real SLURM, undisturbed and disturbed; every one ends with the same table."""

import re
import shutil
import subprocess
import time

import pytest
import yaml

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


def test_the_table_from_nothing_is_the_local_one(cluster, local, tmp_path):
    """Every stage on the cluster: few jobs, each with the memory of one of its parts and the minutes of all."""
    before = cluster.jobs()
    (tmp_path / "study").mkdir()
    study = Study(tmp_path / "study", local.repository)
    (study.folder / "config.yaml").write_text((local.folder / "config.yaml").read_text())
    text = study.run(TABLE)
    assert same(study, local, TABLE)
    jobs = new_jobs(cluster, before)
    parts = int(re.search(r"total +(\d+)", text).group(1))
    assert len(jobs) <= 8 < parts
    assert all(job["JobState"] == "COMPLETED" for job in jobs)
    assert all("gpu" not in job["TRES"] for job in jobs)
    subjects = jobs[0]  # four subjects rendered one after another
    assert (megabytes(subjects), minutes(subjects), subjects["NumCPUs"]) == (1500, 4 * 30, "1")


def test_networks_get_a_gpu_each_and_other_jobs_none(cluster, local, tmp_path):
    study = local.copy(tmp_path / "study")
    path = study.folder / "config.yaml"
    settings = {
        **yaml.safe_load(path.read_text()),
        "models": ["SVM", "OFF-ApexNet"],
        "rounds": 1,
        # the faces that are there already, so that one new feature is all that the network needs
        "frames": {"onset_apex": {"faces": "aligned_112"}},
        "model_settings": {"OFF-ApexNet": {"epochs": 2}},
        "features": {"flow_strain_28": {"method": "farneback"}},
    }
    path.write_text(yaml.safe_dump(settings))
    before = cluster.jobs()
    at_once = set()

    def note(_):
        time.sleep(1)
        at_once.add(sum(is_running(job) and "gpu" in job["TRES"] for job in new_jobs(cluster, before)))

    noted = when(cluster, lambda job: is_running(job) and "gpu" in job["TRES"], note, times=2)
    networks = [f"results/models/cdmer/{key}/OFF-ApexNet/predictions.csv" for key in ("V_to_N", "N_to_V")]
    study.run(*networks)
    assert len(noted()) == 2
    jobs = new_jobs(cluster, before)
    trained = [job for job in jobs if "network" in job["Comment"]]
    assert len(trained) == 2
    assert all("gres/gpu=1" in job["TRES"] for job in trained)
    assert max(at_once) == 2  # side by side, so on two different ones
    others = [job for job in jobs if job not in trained]
    assert others
    assert all("gpu" not in job["TRES"] for job in others)


@pytest.mark.parametrize("end", ["memory", "time", "scancel"])
def test_a_job_that_the_scheduler_ends_is_tried_again_with_more(cluster, study, local, end):
    before = cluster.jobs()
    changes = []
    acted = None
    if end == "memory":  # too little for any Python the first time
        changes = ["--set-resources", "train_model:mem_mb=40*attempt**6"]
    elif end == "time":
        acted = when(cluster, is_running, stop_until_its_time_is_over)
    else:
        acted = when(cluster, is_running, lambda job: subprocess.run(["scancel", job], check=True))
    text = study.run(PREDICTIONS, *changes)
    if acted:
        assert len(acted()) == 1
    assert same(study, local)
    first, second, *_ = new_jobs(cluster, before)
    assert (
        first["JobState"]
        in {
            "memory": {"OUT_OF_MEMORY", "FAILED", "CANCELLED"},
            "time": {"TIMEOUT"},
            "scancel": {"CANCELLED"},
        }[end]
    )
    assert "Trying to restart job" in text
    assert second["JobState"] == "COMPLETED"
    if end == "memory":
        assert (megabytes(first), megabytes(second)) == (40, 2560)
    else:
        assert megabytes(second) == 2 * megabytes(first)
    if end != "time":  # the test itself has changed the first one's
        assert minutes(second) == 2 * minutes(first)


def scontrol(*words):
    subprocess.run(["scontrol", *words], check=True)


def stop_until_its_time_is_over(job):
    scontrol("update", f"jobid={job}", "timelimit=1")  # a minute is the least that there is
    subprocess.run(["scancel", "--signal=STOP", "--full", job], check=True)


def test_the_controller_restarted_in_the_middle(cluster, study, local):
    def restart(_):
        cluster.end_controller()
        time.sleep(8)  # several questions go unanswered
        cluster.start_controller()

    acted = when(cluster, is_running, restart)
    study.run(PREDICTIONS)
    assert acted()
    assert same(study, local)


def test_the_controller_loses_its_memory(cluster, study, local):
    """Its jobs are no longer known to anybody; without `cdmer.slurm` the run would wait for them for ever."""

    def lose(_):
        cluster.end_controller()
        shutil.rmtree(cluster.state / "controller")
        (cluster.state / "controller").mkdir()
        cluster.start_controller()

    acted = when(cluster, is_running, lose)
    study.run(PREDICTIONS)
    assert acted()
    assert same(study, local)


def test_a_node_that_is_drained_and_one_that_fails(cluster, study, local):
    def drain(job):
        cluster.drain()  # what runs may end, nothing new begins
        subprocess.run(["scancel", job], check=True)  # so its second attempt must wait
        time.sleep(6)
        cluster.resume()

    drained = when(cluster, is_running, drain)

    def fail(_):
        scontrol("update", f"nodename={cluster.node}", "state=down", "reason=test")
        time.sleep(3)
        cluster.resume()

    study.run(PREDICTIONS)
    assert drained()
    study.forget(PREDICTIONS)
    failed = when(cluster, is_running, fail)
    study.run(PREDICTIONS)
    assert failed()
    assert same(study, local)


def test_two_users_runs_share_a_store(cluster, local, tmp_path):
    """One has made the features; two others, of different users, train on them at the same time and change nothing."""
    shared = local.folder / "results/features"
    stamps = {path: path.stat().st_mtime_ns for path in shared.rglob("*.h5")}
    runs = []
    for user, model in (("root", "SVM"), ("nobody", "TCA")):
        folder = tmp_path / user
        local.copy(folder).forget(f"results/models/cdmer/V_to_N/{model}/predictions.csv")
        shutil.rmtree(folder / "results/features")
        (folder / "results/features").symlink_to(shared)
        study = Study(folder, local.repository, user)
        subprocess.run(["chown", "-R", "--no-dereference", user, str(folder)], check=True)
        runs.append((study, model, study.start(f"results/models/cdmer/V_to_N/{model}/predictions.csv")))
    for parent in (tmp_path, *tmp_path.parents, shared, *shared.parents):
        parent.chmod(parent.stat().st_mode | 0o055)
    for study, model, run in runs:
        study.finish(run)
        made = study.folder / f"results/models/cdmer/V_to_N/{model}/predictions.csv"
        assert made.owner() == study.user
        assert made.read_bytes() == (local.folder / made.relative_to(study.folder)).read_bytes()
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
