"""What a stranger gets: a built wheel, installed where nothing of the repository is, gives commands and workflow."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import yaml

from cdmer import __version__

pytestmark = pytest.mark.slow
SHIPPED = ("src", "rules", "profiles", "workflow")
FILES = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "Snakefile", "config.yaml")
TINY = {"cohort": {"size": "tiny"}, "models": ["SVM"], "databases": {"casme2": None, "samm": None}}


def run(*command, cwd, expect=0):
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "CDMER_RUNNER"}}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == expect, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory):
    """The wheel, built of a copy."""
    folder = tmp_path_factory.mktemp("source")
    for name in SHIPPED:
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(repository / name, folder / name, ignore=ignored)
    for name in FILES:
        shutil.copy2(repository / name, folder / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", "dist", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and "No matching distribution found for setuptools" in done.stderr:
        pytest.skip("building a wheel needs setuptools, and no package index can be reached")
    assert done.returncode == 0, done.stderr[-3000:]
    (built,) = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """Python of an environment that holds the wheel and, beside it, the libraries of this one, but not its cdmer."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    executable = folder / "bin" / "python"
    site = Path(run(executable, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", executable, "install", "--no-deps", "--no-index", "--quiet"]
    run(*pip, "--force-reinstall", wheel, cwd=folder)
    return executable


@pytest.fixture(scope="module")
def study(python, tmp_path_factory):
    """A study that the installed command laid out, made tiny."""
    folder = tmp_path_factory.mktemp("elsewhere") / "a study of mine"
    said = run(python.with_name("cdmer"), "init", folder, cwd=folder.parent)
    assert f"cd '{folder}'" in said  # quoted, for there are blanks in it
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config["databases"]["casme2"] == {"reader": "casme2", "root": None, "annotation": None}
    (folder / "config.yaml").write_text(yaml.safe_dump({**config, **TINY}))
    return folder


def test_the_wheel_holds_the_workflow_and_no_test(wheel, repository):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for name in ("rules", "profiles", "workflow"):
        wanted = {path.relative_to(repository) for path in (repository / name).rglob("*.*") if path.is_file()}
        assert {f"cdmer/_workflow/{path}" for path in wanted} <= names
    assert {"cdmer/_workflow/Snakefile", "cdmer/study/templates/Snakefile", "cdmer/report/templates/page.html"} <= names
    assert not [name for name in names if "test" in name or name.startswith(("docs", "benchmarks"))]


def test_the_installed_command_lays_out_a_study_that_runs_from_anywhere(python, study, tmp_path):
    cdmer = python.with_name("cdmer")
    assert run(cdmer, "--version", cwd=tmp_path).strip() == __version__
    where = run(python, "-c", "from cdmer.study.workflow import snakefile; print(snakefile())", cwd=tmp_path)
    assert where.strip().endswith("site-packages/cdmer/_workflow/Snakefile")
    snakemake = [python, "-m", "snakemake", "--cores", "1", "--snakefile", study / "Snakefile", "--directory", study]
    planned = run(*snakemake, "--dry-run", "results/cdmer_table.csv", cwd=tmp_path)
    assert "train_model" in planned and "tabulate_cdmer" in planned
    assert "profiles/default" in planned  # found beside the study's Snakefile
    sheet = "results/databases/smic_vis/subjects/s11.csv"
    run(*snakemake, sheet, cwd=tmp_path)  # rules run the command of this very environment
    assert (study / sheet).read_text().startswith("clip,database,subject")
    refused = run(cdmer, "init", study, cwd=tmp_path, expect=1)
    assert "holds Snakefile, config.yaml, README.md, .gitignore, profiles, configs already" in refused


def test_another_workflow_uses_this_one_as_a_module(python, tmp_path):
    (tmp_path / "Snakefile").write_text(
        "from cdmer.study.workflow import snakefile\n"
        'configfile: "both.yaml"\n'
        "module cdmer:\n"
        "    snakefile: snakefile()\n"
        '    config: config["cdmer"]\n'
        "use rule * from cdmer as cdmer_*\n"
        "rule mine:\n"
        '    input: "results/cdmer_table.csv"\n'
        '    output: "mine.txt"\n'
        "    default_target: True\n"
        '    shell: "wc -l {input} > {output}"\n'
    )
    (tmp_path / "both.yaml").write_text(yaml.safe_dump({"cdmer": TINY, "other": 1}))
    planned = run(python, "-m", "snakemake", "--cores", "1", "--dry-run", cwd=tmp_path)
    assert "rule mine" in planned and "cdmer_tabulate_cdmer" in planned and "cdmer_train_model" in planned


def test_what_snakedeploy_writes_can_be_run(python, repository, tmp_path):
    """Its Snakefile, with the file that it would fetch in place of the repository's address, and what it copies."""
    shutil.copytree(repository / "config", tmp_path / "config")
    shutil.copytree(repository / "profiles", tmp_path / "profiles")
    assert (tmp_path / "config/config.yaml").read_text() == (repository / "config.yaml").read_text()
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text(
        'configfile: "config/config.yaml"\n'
        "module cdmer:\n"
        f'    snakefile: "{repository / "Snakefile"}"\n'
        "    config: config\n"
        "use rule * from cdmer\n"
    )
    planned = run(python, "-m", "snakemake", "--cores", "1", "--dry-run", cwd=tmp_path)
    assert "rule tabulate_cdmer" in planned and "rule make_report" in planned


def test_the_catalogue_file_is_what_snakedeploy_reads(repository):
    usage = yaml.safe_load((repository / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert all(isinstance(usage["software-stack-deployment"][key], bool) for key in ("conda", "apptainer"))
