"""A small run of the whole workflow, made once; each test works on a copy of it."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from cdmer.databases.cohort import layout_root, plan_database, render_subject, write_annotation

TABLE = "results/cdmer_table.csv"
# SMIC-VIS and SMIC-NIR are synthetic, CASME II lies on disk as a real database would.
CONFIG = {
    "cohort": {"size": "tiny"},
    "models": ["SVM", "TCA"],
    "databases": {
        "smic_hs": None,
        "samm": None,
        "casme2": {"root": "data/CASME2_RAW_selected", "annotation": "data/CASME2-coding-20140508.xlsx"},
    },
}


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(items):
    """Tests of the workflow share one run: keep them in one process, and begin with them, for they take longest."""
    for item in items:
        if "tests/workflow" in str(item.fspath) and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("workflow"))
    items.sort(key=lambda item: "tests/workflow" not in str(item.fspath))


@dataclass(frozen=True)
class Workflow:
    """A working directory with a configuration of its own, and the source that its jobs run."""

    folder: Path
    repository: Path

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        return [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(self.repository / "Snakefile")),
            *("--directory", str(self.folder), "--cores", str(cores)),
            *arguments,
        ]

    def environment(self) -> dict[str, str]:
        paths = [str(self.repository / "src"), os.environ.get("PYTHONPATH", "")]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def run(self, *arguments: str, expect: int = 0, **options: int) -> str:
        """Run snakemake; what it printed, both streams together."""
        done = subprocess.run(
            self.command(*arguments, **options),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == expect, done.stdout[-6000:]
        return done.stdout

    def planned(self, *targets: str) -> dict[str, list[str]]:
        """What a run would make: rule -> first output of each of its jobs."""
        text = self.run("--dry-run", *(targets or (TABLE,)))
        jobs: dict[str, list[str]] = {}
        for rule, output in re.findall(r"^rule (\w+):\n(?:.*\n)*?    output: ([^,\n]+)", text, flags=re.MULTILINE):
            jobs.setdefault(rule, []).append(output)
        assert jobs or "Nothing to be done" in text
        return jobs

    def configure(self, **changes: object) -> None:
        """Set top-level keys of the configuration."""
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))

    def copy(self, folder: Path, own_source: bool = False) -> "Workflow":
        """A copy with all time stamps kept, optionally with source, rules and profile of its own to edit."""
        shutil.copytree(self.folder, folder, copy_function=shutil.copy2)
        if not own_source:
            return Workflow(folder, self.repository)
        repository = folder.parent / f"{folder.name}-source"
        for name in ("src", "rules", "profiles"):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(self.repository / name, repository / name, copy_function=shutil.copy2, ignore=ignore)
        for name in ("Snakefile", "config.yaml"):
            shutil.copy2(self.repository / name, repository / name)
        return Workflow(folder, repository)


def make_casme2(folder: Path) -> None:
    """A database on disk in CASME II's layout."""
    plan = plan_database("casme2", "tiny", 1)
    for subject in plan.subjects:
        render_subject(plan, subject.subject, folder, folder / f"{subject.subject}.h5")
        (folder / f"{subject.subject}.h5").unlink()
    write_annotation(plan, folder / "CASME2-coding-20140508.xlsx")
    assert (folder / layout_root("casme2")).is_dir()


@pytest.fixture(scope="session")
def finished(tmp_path_factory, repository) -> Workflow:
    """A finished run."""
    folder = tmp_path_factory.mktemp("finished")
    make_casme2(folder / "data")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    workflow = Workflow(folder, repository)
    workflow.run(TABLE)
    return workflow


@pytest.fixture
def workflow(finished, tmp_path) -> Workflow:
    """A copy of the finished run."""
    return finished.copy(tmp_path / "run")


@pytest.fixture
def editable(finished, tmp_path) -> Workflow:
    """A copy of the finished run whose source a test may edit."""
    return finished.copy(tmp_path / "run", own_source=True)
