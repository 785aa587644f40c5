"""A cluster for the tests of this folder, and a small run whose last steps they do again on it."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from .cluster import Cluster, running, why_not

TABLE = "results/cdmer_table.csv"
PREDICTIONS = "results/models/cdmer/V_to_N/SVM/predictions.csv"
# a method on vectors and a network, each trained in no time
CONFIG = {
    "cohort": {"size": "tiny"},
    "models": ["SVM", "OFF-ApexNet"],
    "selection": ["default"],
    "rounds": 1,
    "databases": {"smic_hs": None, "samm": None, "casme2": None},
    "frames": {"onset_apex": {"faces": "aligned_112"}},  # the faces that the other model needs anyway
    "features": {"flow_strain_28": {"method": "farneback"}},
    "model_settings": {"OFF-ApexNet": {"epochs": 2}},
}
# a cluster that answers at once may be asked more often than a real one
PATIENCE = (
    *("--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"),
    *("--latency-wait", "10"),
)
AT_MOST = 400  # seconds for a run; on two idle cores most take one minute


@pytest.hookimpl(tryfirst=True)  # before marks are selected by
def pytest_collection_modifyitems(items):
    """One cluster, so one process."""
    for item in items:
        if "tests/slurm" in str(item.fspath):
            for mark in (pytest.mark.slurm, pytest.mark.slow, pytest.mark.xdist_group("slurm")):
                item.add_marker(mark)


@pytest.fixture(scope="session")
def whole_cluster():
    """A SLURM of one controller and one node; the tests skip where none can be had."""
    if reason := why_not():
        pytest.skip(f"no SLURM here: {reason}")
    with running() as started:
        yield started


@pytest.fixture
def cluster(whole_cluster):
    """The cluster, and at a test's end nothing of the test's is left on it."""
    yield whole_cluster
    for run in RUNS:
        end(run)
    RUNS.clear()
    whole_cluster.recover()


RUNS: list[subprocess.Popen] = []


def end(run: subprocess.Popen) -> None:
    """Kill a run and everything that it started on this side of the cluster."""
    if run.poll() is None:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()


@dataclass(frozen=True)
class Study:
    """A working directory, run through ``profiles/slurm``."""

    folder: Path
    repository: Path
    user: str = "root"

    def command(self, *arguments: str) -> list[str]:
        return [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(self.repository / "Snakefile")),
            *("--directory", str(self.folder), *arguments),
        ]

    @property
    def profile(self) -> tuple[str, ...]:
        return ("--workflow-profile", str(self.repository / "profiles/slurm"), *PATIENCE)

    @property
    def said(self) -> Path:
        """What the runs in this folder have printed."""
        return self.folder / "said.txt"

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start a run on the cluster."""
        command = self.command(*self.profile, *arguments)
        other = {} if self.user == "root" else {"user": self.user, "group": "nogroup", "extra_groups": []}
        environment = {**os.environ, "PYTHONPATH": str(self.repository / "src"), "HOME": str(self.folder)}
        with self.said.open("a") as said:
            run = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment,
                stdout=said,
                stderr=said,
                start_new_session=True,
                **other,
            )
        RUNS.append(run)
        return run

    def finish(self, run: subprocess.Popen, at_most: float = AT_MOST) -> str:
        try:
            run.wait(timeout=at_most)
        except subprocess.TimeoutExpired:
            end(run)
            pytest.fail(f"the run did not end in {at_most} s:\n{self.said.read_text()[-6000:]}")
        text = self.said.read_text()
        assert run.returncode == 0, text[-6000:]
        return text

    def run(self, *arguments: str, at_most: float = AT_MOST) -> str:
        return self.finish(self.start(*arguments), at_most)

    def run_locally(self, *arguments: str) -> None:
        """Run without the cluster."""
        done = subprocess.run(
            self.command("--cores", "2", *arguments),
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.repository / "src")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=AT_MOST,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:]

    def configure(self, **changes: object) -> None:
        """Set top-level keys of the configuration."""
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))

    def copy(self, folder: Path) -> "Study":
        shutil.copytree(self.folder, folder, copy_function=shutil.copy2)
        return Study(folder, self.repository)

    def forget(self, *files: str) -> None:
        """Take results away, as if they had not been made yet."""
        for name in files:
            (self.folder / name).unlink()


@pytest.fixture(scope="session")
def without(whole_cluster, tmp_path_factory, repository) -> Study:
    """A table made without the cluster, of the method on vectors alone."""
    folder = tmp_path_factory.mktemp("without")
    (folder / "config.yaml").write_text(yaml.safe_dump({**CONFIG, "models": ["SVM"]}))
    study = Study(folder, repository)
    study.run_locally(TABLE)
    return study


@pytest.fixture(scope="session")
def local(without, tmp_path_factory) -> Study:
    """A run with both models, finished without the cluster: what the cluster's must equal."""
    study = without.copy(tmp_path_factory.mktemp("local") / "run")
    study.configure(**CONFIG)
    study.run_locally(TABLE)
    return study


@pytest.fixture
def study(cluster, local, tmp_path) -> Study:
    """The finished run without one of its trainings, which is left for the cluster."""
    copied = local.copy(tmp_path / "study")
    copied.forget(PREDICTIONS)
    return copied


def when(cluster: Cluster, condition: Callable[[dict[str, str]], bool], act: Callable[[str], None]):
    """Do something to the first new job of the cluster that meets a condition, from a thread.

    Returns a function that says whether it was done, and raises what went wrong with it.
    """
    before = {job["JobId"] for job in cluster.jobs()}
    done: list[str] = []
    wrong: list[BaseException] = []
    over = threading.Event()

    def watch() -> None:
        while not done and not over.is_set():
            for job in cluster.jobs():
                if job["JobId"] not in before and not done and condition(job):
                    done.append(job["JobId"])
                    act(job["JobId"])
            time.sleep(0.2)

    def guarded() -> None:
        try:
            watch()
        except BaseException as error:
            wrong.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()

    def result() -> bool:
        over.set()
        thread.join(timeout=60)
        if wrong:
            raise wrong[0]
        return bool(done)

    return result
