"""A cluster for the tests of this folder, and a small run whose last steps they do again on it."""

import os
import shutil
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
CONFIG = {
    "cohort": {"size": "tiny"},
    "models": ["SVM", "TCA"],
    "selection": ["default"],
    "databases": {"smic_hs": None, "samm": None, "casme2": None},
}
# a cluster that answers at once may be asked more often than a real one
PATIENCE = (
    *("--slurm-init-seconds-before-status-checks", "2", "--seconds-between-status-checks", "2"),
    *("--latency-wait", "10"),
)


@pytest.hookimpl(tryfirst=True)  # before marks are selected by
def pytest_collection_modifyitems(items):
    """One cluster, so one process."""
    for item in items:
        if "tests/slurm" in str(item.fspath):
            for mark in (pytest.mark.slurm, pytest.mark.slow, pytest.mark.xdist_group("slurm")):
                item.add_marker(mark)


@pytest.fixture(scope="session")
def cluster():
    """A SLURM of one controller and one node; the tests skip where none can be had."""
    if reason := why_not():
        pytest.skip(f"no SLURM here: {reason}")
    with running() as started:
        yield started


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

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start a run on the cluster."""
        command = self.command(*self.profile, *arguments)
        if self.user != "root":
            command = ["runuser", "-u", self.user, "--", *command]
        environment = {**os.environ, "PYTHONPATH": str(self.repository / "src"), "HOME": str(self.folder)}
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def finish(self, run: subprocess.Popen, expect: int = 0) -> str:
        text, _ = run.communicate(timeout=1800)
        assert run.returncode == expect, text[-6000:]
        return text

    def run(self, *arguments: str) -> str:
        return self.finish(self.start(*arguments))

    def copy(self, folder: Path) -> "Study":
        shutil.copytree(self.folder, folder, copy_function=shutil.copy2)
        return Study(folder, self.repository)

    def forget(self, *patterns: str) -> None:
        """Take results away, as if they had not been made yet."""
        for pattern in patterns:
            found = list(self.folder.glob(pattern))
            assert found, pattern
            for path in found:
                path.unlink()


@pytest.fixture(scope="session")
def local(cluster, tmp_path_factory, repository) -> Study:
    """A run finished without the cluster: what the cluster's must equal."""
    folder = tmp_path_factory.mktemp("local")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    study = Study(folder, repository)
    subprocess.run(
        study.command("--cores", "2", TABLE),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(repository / "src")},
        check=True,
        capture_output=True,
    )
    return study


@pytest.fixture
def study(cluster, local, tmp_path) -> Study:
    """The finished run without one of its trainings, which is left for the cluster."""
    copied = local.copy(tmp_path / "study")
    copied.forget(PREDICTIONS)
    return copied


def when(cluster: Cluster, condition: Callable[[dict[str, str]], bool], act: Callable[[str], None], times: int = 1):
    """Do something to the first jobs of the cluster that meet a condition, from a thread.

    Returns a function that waits for the thread and gives the jobs' numbers.
    """
    before = {job["JobId"] for job in cluster.jobs()}
    done: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        while len(done) < times and not ended.is_set():
            for job in cluster.jobs():
                if job["JobId"] not in before and job["JobId"] not in done and condition(job) and len(done) < times:
                    done.append(job["JobId"])
                    act(job["JobId"])
            time.sleep(0.2)

    thread = threading.Thread(target=watch)
    thread.start()

    def result() -> list[str]:
        ended.set()
        thread.join()
        return done

    return result
