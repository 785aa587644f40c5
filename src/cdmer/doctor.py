"""What is installed, which weights and devices there are, what is missing and how to get it."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cdmer import __version__
from cdmer.errors import CdmerError

if TYPE_CHECKING:
    from cdmer.descriptors.c3d_weights import Training

NEEDED = (
    "snakemake",
    "numpy",
    "scipy",
    "pandas",
    "h5py",
    "hdf5plugin",
    "numba",
    "scikit-learn",
    "scikit-image",
    "matplotlib",
    "pillow",
    "openpyxl",
)
# what other detectors, networks and clusters need, and the default workflow does not
OPTIONAL = ("torch", "facenet-pytorch", "snakemake-executor-plugin-slurm")
# distribution -> the ones that may bring the same module
ALTERNATIVES = {
    "opencv-contrib-python-headless": ("opencv-contrib-python-headless", "opencv-contrib-python"),
    "dlib-bin": ("dlib-bin", "dlib"),
}
LEAST_DISK = 2 << 30  # bytes; the default table takes less than one


@dataclass(frozen=True)
class Finding:
    """One line of the report. `needed`: without it the default workflow fails; `remedy` is the command to run."""

    group: str
    name: str
    found: str
    ok: bool
    needed: bool = True
    remedy: str = ""


def examine() -> int:
    """Print the report; the exit status is 1 where something that the default workflow needs is missing."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    findings = list(look())
    for group in dict.fromkeys(finding.group for finding in findings):
        table = Table(title=group, title_justify="left", box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(width=2)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")  # a path is there to be copied
        for finding in (f for f in findings if f.group == group):
            mark = "[green]ok[/]" if finding.ok else "[red]NO[/]" if finding.needed else "[yellow]--[/]"
            table.add_row(mark, Text(finding.name), Text(finding.found))  # as it is: brackets are no markup
        console.print(table)
        for finding in findings:
            if finding.group == group and not finding.ok and finding.remedy:  # unwrapped: commands are to be copied
                console.print(Text(f"    {finding.name}: "), Text(finding.remedy, style="bold"), soft_wrap=True)
        console.print()
    missing = [finding.name for finding in findings if finding.needed and not finding.ok]
    console.print(f"missing: {', '.join(missing)}" if missing else "all that the default workflow needs is here")
    return 1 if missing else 0


def look() -> Iterator[Finding]:
    """Everything that the report says."""
    yield from _versions()
    yield from _weights()
    yield from _devices()
    yield from _slurm()
    yield from _disk()


def _versions() -> Iterator[Finding]:
    yield Finding("versions", "cdmer", __version__, True)
    yield Finding("versions", "python", platform.python_version(), True)
    for name in (*NEEDED, *ALTERNATIVES, *OPTIONAL):
        version = _installed(ALTERNATIVES.get(name, (name,)))
        needed = name not in OPTIONAL
        yield Finding("versions", name, version or "not installed", bool(version), needed, remedy="make setup")


def _installed(distributions: Iterable[str]) -> str:
    for name in distributions:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def _weights() -> Iterator[Finding]:
    try:
        from cdmer.faces.landmarks import landmark_weights

        path = str(landmark_weights())
        note = f"{path} (iBUG 300-W licence: no commercial use)"
        yield Finding("weights", "dlib, 68 landmarks", note, True)
    except (CdmerError, ImportError) as error:
        remedy = error.remedy if isinstance(error, CdmerError) else "make setup"
        yield Finding("weights", "dlib, 68 landmarks", "not found", False, remedy=remedy)
    folder = _package_folder("facenet_pytorch")
    networks = [folder / "data" / f"{name}.pt" for name in ("pnet", "rnet", "onet")] if folder else []
    there = bool(networks) and all(path.exists() for path in networks)
    yield Finding(
        "weights",
        "MTCNN",
        f"{networks[0].parent} (trained on data given out for research)" if there else "not found",
        there,
        needed=False,
        remedy="pip install --no-deps facenet-pytorch==2.6.0",
    )
    yield _yunet()
    yield from _c3d()


def _yunet() -> Finding:
    """YuNet's weights, which a person downloads; the published SHA-256 says whether they are the ones."""
    try:
        from cdmer.faces.yunet import SHA256, weights

        return Finding("weights", "YuNet", f"{weights()} (SHA-256 {SHA256}, as published)", True, needed=False)
    except CdmerError as error:
        return Finding("weights", "YuNet", error.problem, False, needed=False, remedy=error.remedy)
    except ImportError:
        return Finding("weights", "YuNet", "unknown: OpenCV is not installed", False, needed=False, remedy="make setup")


def _c3d() -> Iterator[Finding]:
    """C3D's weights, which a person brings."""
    from cdmer.descriptors.c3d_weights import missing_weights, remedy, weights_place

    trainings: tuple[Training, ...] = ("sports1m", "ucf101")
    for training in trainings:
        there = not missing_weights(training)
        found = str(weights_place(training)) if there else f"not at {weights_place(training)}"
        yield Finding("weights", f"C3D, {training}", found, there, needed=False, remedy=remedy(training))


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None


def _devices() -> Iterator[Finding]:
    yield Finding("devices", "CPU cores", str(len(os.sched_getaffinity(0))), True)
    try:
        import torch
    except ImportError:
        yield Finding("devices", "GPU", "unknown: torch is not installed", False, needed=False, remedy="make setup")
        return
    count = torch.cuda.device_count()
    names = ", ".join(torch.cuda.get_device_name(index) for index in range(count))
    if count:
        yield Finding("devices", "GPU", f"{count}: {names}", True)
    elif torch.version.cuda is None:
        remedy = "where there is a GPU: install the pinned environment of envs/gpu.yaml"
        yield Finding("devices", "GPU", "none usable: this torch is a CPU build", False, needed=False, remedy=remedy)
    else:
        remedy = "nvidia-smi says whether the driver sees a device"
        yield Finding("devices", "GPU", "none found by CUDA", False, needed=False, remedy=remedy)


def _slurm() -> Iterator[Finding]:
    if not shutil.which("sinfo"):
        remedy = "run cdmer where sbatch and sinfo are on the PATH; nothing else needs them"
        yield Finding("SLURM", "cluster", "no SLURM commands on the PATH", False, needed=False, remedy=remedy)
        return
    try:
        answer = subprocess.run(
            ["sinfo", "--noheader", "--format=%P %a %D %G"], capture_output=True, text=True, timeout=10, check=True
        )
    except (subprocess.SubprocessError, OSError) as error:
        remedy = "systemctl status slurmctld munge, on the controller"
        yield Finding("SLURM", "cluster", f"sinfo failed: {error}", False, needed=False, remedy=remedy)
        return
    for line in answer.stdout.splitlines():
        partition, state, nodes, gres = line.split(maxsplit=3)
        yield Finding("SLURM", f"partition {partition}", f"{state}, {nodes} nodes, {gres}", state == "up", needed=False)


def _disk() -> Iterator[Finding]:
    free = shutil.disk_usage(".").free
    yield Finding(
        "disk",
        "free here",
        f"{free / (1 << 30):.1f} GiB",
        free > LEAST_DISK,
        remedy="free some room, or run in a clone on another disk",
    )
