"""The reproducibility card of a table: what it was made of, by what, where, and how long it took.

A file of its own, for times and machines differ where the table may not.
"""

import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cdmer.files import write_text

LIBRARIES = (
    "cdmer", "snakemake", "numpy", "scipy", "pandas", "scikit-learn", "numba", "h5py", "torch", "facenet-pytorch",
    "dlib-bin", "opencv-contrib-python-headless",
)  # fmt: skip
RECIPES = ("faces", "frames", "features", "interpolators")  # stages whose jobs belong to one recipe, feature or network


def write_card(
    table: str | Path,
    output: str | Path,
    *,
    config: Mapping[str, Any],
    data: Mapping[str, str],
    code: Mapping[str, str],
    protocols: Sequence[str],
    recipes: Mapping[str, Container[str]],
    benchmarks: str | Path,
) -> None:
    """Write the card of a table.

    Parameters
    ----------
    table
        The table, whose digest the card holds: two runs agree where these do.
    output
        JSON to write.
    config
        The configuration behind the table, with every default; what only the report reads is no part of it.
    data
        Database to a digest of what its clips are read from.
    code
        Model to a digest of the code behind its rows.
    protocols
        Folders of the trainings behind the table; time that others took is none of its.
    recipes
        The recipes, features and interpolation networks behind the table, by stage (`spent`).
    benchmarks
        Where the workflow keeps the seconds and bytes of its jobs. Of none the card says that its hours are not known:
        they lie elsewhere, as in a bucket.
    """
    canonical = json.dumps(config, sort_keys=True)
    jobs = spent(benchmarks, protocols, data, code, recipes)
    card = {
        "table": Path(table).name,
        "table_sha256": hashlib.sha256(Path(table).read_bytes()).hexdigest(),
        "config_sha256": hashlib.sha256(canonical.encode()).hexdigest(),
        "data": dict(data),
        "code": dict(code),
        "libraries": dict(_versions()),
        "python": platform.python_version(),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
            "gpu": _gpu(),
        },
        "mathematics_threads": os.environ.get("OMP_NUM_THREADS"),
        "device": config.get("networks", {}).get("device"),
        "seeds": {
            "cohort": config.get("cohort", {}).get("seed"),
            "networks": config.get("networks", {}).get("seed"),
        },
        "hours": round(sum(stage["seconds"] for stage in jobs.values()) / 3600, 4) if jobs else None,
        "jobs": jobs,
        "written": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "config": config,
    }
    write_text(output, json.dumps(card, indent=2) + "\n")


def spent(
    benchmarks: str | Path,
    protocols: Sequence[str] | None = None,
    databases: Container[str] | None = None,
    models: Container[str] | None = None,
    recipes: Mapping[str, Container[str]] | None = None,
) -> dict[str, dict[str, float]]:
    """Jobs, seconds and the largest memory (MiB) of each stage, from Snakemake's benchmark files.

    A stage is a folder of `benchmarks`; what was reused from an earlier run counts with the time that it took then.

    Parameters
    ----------
    benchmarks
        Where the files are.
    protocols
        The folders of `models` that count, and no stage after the models; None counts everything.
    databases, models
        Those whose jobs count; None counts all. A job that is of no database counts whatever `databases` says.
    recipes
        What counts of ``faces``, ``frames``, ``features`` and ``interpolators``, by stage; None counts all.
    """
    found: dict[str, dict[str, float]] = {}
    for path in sorted(Path(benchmarks).rglob("*.tsv")):
        if not _counts(path.relative_to(benchmarks), protocols, databases, models, recipes):
            continue
        header, *rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
        stage = found.setdefault(path.relative_to(benchmarks).parts[0], {"jobs": 0, "seconds": 0.0, "max_mib": 0.0})
        for row in rows:
            values = dict(zip(header, row, strict=False))
            stage["jobs"] += 1
            stage["seconds"] = round(stage["seconds"] + _number(values.get("s")), 1)
            stage["max_mib"] = max(stage["max_mib"], _number(values.get("max_rss")))
    return found


def _counts(
    path: Path,
    protocols: Sequence[str] | None,
    databases: Container[str] | None,
    models: Container[str] | None,
    recipes: Mapping[str, Container[str]] | None,
) -> bool:
    """Whether a job is behind a table, by the place of its benchmark file."""
    stage, *below = path.with_suffix("").parts
    if protocols is not None and (stage in ("tables", "report") or (stage == "models" and below[0] not in protocols)):
        return False
    if stage == "models" and models is not None and below[-1] not in models:
        return False
    if recipes is not None and stage in RECIPES and below[0] not in recipes.get(stage, ()):
        return False
    # databases/{database}/…, and {stage}/{recipe or feature}/{database}[/…]
    place = {"databases": 0, "faces": 1, "frames": 1, "features": 1}.get(stage)
    if databases is None or place is None or len(below) <= place:
        return True
    return below[place].removesuffix(".released") in databases or below[place] == "contact_sheet"


def _number(text: str | None) -> float:
    """A number of a benchmark file, in which a job too short to be measured has ``-`` or ``NA``."""
    try:
        return float(text or 0)
    except ValueError:
        return 0.0


def _versions() -> Iterator[tuple[str, str]]:
    for name in LIBRARIES:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield name, "not installed"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _gpu() -> str | None:
    """The name of the first GPU, or None; through torch, which knows whether it could be used."""
    import torch  # takes a second, which no other job of this stage pays

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
