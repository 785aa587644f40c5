"""The doctor: what it finds on a machine whose parts the tests take away, and the exit status."""

import importlib.metadata
import importlib.util
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cdmer import __version__, doctor
from cdmer.cli import app
from cdmer.doctor import Finding, examine, look


def found(group):
    """The findings of a group, by name."""
    return {finding.name: finding for finding in look() if finding.group == group}


@pytest.fixture
def without(monkeypatch):
    """Take a distribution away, and the module of that name."""

    def take(distribution, module=None):
        version, find_spec = importlib.metadata.version, importlib.util.find_spec

        def no_version(name):
            if name == distribution:
                raise importlib.metadata.PackageNotFoundError(name)
            return version(name)

        monkeypatch.setattr(importlib.metadata, "version", no_version)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else find_spec(name))

    return take


@pytest.fixture
def sinfo(tmp_path, monkeypatch):
    """Put a `sinfo` on the PATH that does what its script says."""

    def put(script):
        command = tmp_path / "bin" / "sinfo"
        command.parent.mkdir()
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)
        monkeypatch.setenv("PATH", f"{command.parent}:/usr/bin:/bin")

    return put


def test_versions_are_those_that_are_installed():
    versions = found("versions")
    assert versions["cdmer"].found == __version__
    assert versions["python"].found == ".".join(map(str, sys.version_info[:3]))
    for name in ("numpy", "numba", "scikit-learn", "snakemake"):
        assert versions[name].found == importlib.metadata.version(name)
        assert versions[name].ok


def test_a_missing_package_is_named_with_the_command_that_brings_it(without, capsys):
    without("numba")
    finding = found("versions")["numba"]
    assert finding == Finding("versions", "numba", "not installed", False, needed=True, remedy="make setup")
    assert examine() == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    where = lines.index(["NO", "numba", "not", "installed"])
    assert ["numba:", "make", "setup"] in lines[where:]
    last = next(line for line in reversed(lines) if line)
    assert last[0] == "missing:"
    assert "numba" in last


def test_another_distribution_of_the_same_module_will_do(without, monkeypatch):
    without("opencv-contrib-python-headless")
    gone = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "4.12.0" if name == "opencv-contrib-python" else gone(name)
    )
    finding = found("versions")["opencv-contrib-python-headless"]
    assert (finding.ok, finding.found) == (True, "4.12.0")


def test_the_landmark_weights_are_a_file_that_is_there_with_their_licence():
    finding = found("weights")["dlib, 68 landmarks"]
    path, licence = finding.found.split(" (", 1)
    assert Path(path).name == "shape_predictor_68_face_landmarks.dat"
    assert Path(path).stat().st_size > 50_000_000  # the published file has 99.7 MB
    assert "no commercial use" in licence
    assert finding.ok


def test_missing_landmark_weights_say_what_to_install(without):
    without("face_recognition_models", "face_recognition_models")
    finding = found("weights")["dlib, 68 landmarks"]
    assert (finding.ok, finding.needed) == (False, True)
    assert finding.remedy.startswith("pip install face_recognition_models")


def test_missing_networks_are_no_fault_of_the_default_workflow(without):
    without("facenet-pytorch", "facenet_pytorch")
    finding = found("weights")["MTCNN"]
    assert (finding.ok, finding.needed) == (False, False)
    assert finding.remedy.startswith("pip install --no-deps facenet-pytorch")


def test_without_torch_the_gpu_is_unknown(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # an import of it then fails
    finding = found("devices")["GPU"]
    assert (finding.ok, finding.needed, finding.remedy) == (False, False, "make setup")
    assert "torch is not installed" in finding.found


def test_without_slurm_it_is_not_needed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = found("SLURM")["cluster"]
    assert (finding.ok, finding.needed) == (False, False)
    assert "no SLURM commands" in finding.found


def test_partitions_as_sinfo_lists_them(sinfo, tmp_path):
    """The star marks the default partition; (null) is sinfo's word for no GPU."""
    sinfo(
        f'echo "$@" > {tmp_path}/asked; printf "cpu* up 12 (null)\\ngpu up 2 gpu:h200:8(S:0-1)\\nold down 1 (null)\\n"'
    )
    findings = found("SLURM")
    assert (tmp_path / "asked").read_text() == "--noheader --format=%P %a %D %G\n"
    assert {name: (finding.found, finding.ok) for name, finding in findings.items()} == {
        "partition cpu*": ("up, 12 nodes, (null)", True),
        "partition gpu": ("up, 2 nodes, gpu:h200:8(S:0-1)", True),
        "partition old": ("down, 1 nodes, (null)", False),
    }
    assert not any(finding.needed for finding in findings.values())


def test_a_controller_that_does_not_answer(sinfo):
    sinfo('echo "slurm_load_partitions: Unable to contact slurm controller" >&2; exit 1')
    finding = found("SLURM")["cluster"]
    assert (finding.ok, finding.needed) == (False, False)
    assert "sinfo failed" in finding.found
    assert "slurmctld" in finding.remedy


def test_a_full_disk_is_found(monkeypatch):
    monkeypatch.setattr(doctor, "LEAST_DISK", 1 << 60)
    finding = found("disk")["free here"]
    assert (finding.ok, finding.needed) == (False, True)
    assert "another disk" in finding.remedy


@pytest.mark.parametrize(
    ("findings", "status", "last"),
    [
        ([Finding("a", "x", "1", True)], 0, "all that the default workflow needs is here"),
        ([Finding("a", "x", "1", True), Finding("b", "y", "-", False, needed=False)], 0, "all that the default"),
        ([Finding("a", "x", "-", False), Finding("b", "y", "-", False, needed=False)], 1, "missing: x"),
        ([Finding("a", "x", "-", False), Finding("b", "y", "-", False)], 1, "missing: x, y"),
    ],
)
def test_the_exit_status_says_whether_the_default_workflow_can_run(monkeypatch, findings, status, last):
    monkeypatch.setattr(doctor, "look", lambda: iter(findings))
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == status
    assert done.stdout.rstrip().splitlines()[-1].startswith(last)


def test_what_is_found_is_shown_as_it_is(monkeypatch, capsys):
    """Brackets in a path are no markup."""
    folder = "/data/[lab]/[/old]/weights"
    monkeypatch.setattr(doctor, "look", lambda: iter([Finding("weights", "w", folder, False, remedy=f"ls {folder}")]))
    assert examine() == 1
    out = capsys.readouterr().out
    assert out.count(folder) == 2
