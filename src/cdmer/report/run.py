"""The section on the run: leaks, the card, and where the time went."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cdmer.evaluation.card import spent
from cdmer.evaluation.leaks import ADAPTING
from cdmer.report.results import Results

STAGES = ("databases", "faces", "frames", "features", "models", "tables", "report")
LONGEST = 14  # groups of jobs that are shown by name


def run_section(results: Results) -> dict[str, Any]:
    """What the template of this section reads."""
    benchmarks = results.benchmarks
    stages = spent(benchmarks)
    known = [*STAGES, *(name for name in stages if name not in STAGES)]
    total = sum(stage["seconds"] for stage in stages.values())
    groups = sorted(_groups(benchmarks), key=lambda group: -group["seconds"])
    rest = groups[LONGEST:]
    cards = [_card(results.card(table)) for table in results.tables]
    return {
        "stages": [
            {"name": name, "share": _share(stages[name]["seconds"], total), **stages[name]}
            for name in known
            if name in stages
        ],
        "seconds": total,
        "groups": [{**group, "share": _share(group["seconds"], groups[0]["seconds"])} for group in groups[:LONGEST]],
        "rest": {"count": len(rest), "seconds": sum(group["seconds"] for group in rest)},
        "cards": cards,
        "leaks": [_leaks(results, name) for name in results.tables.values()],
    }


def _groups(benchmarks: Path) -> Iterator[dict[str, Any]]:
    """Jobs and seconds of each recipe, feature, or model: what a person may choose to do without."""
    for stage in sorted(path for path in benchmarks.glob("*") if path.is_dir()):
        found: dict[str, dict[str, float]] = {}
        for folder in sorted({path.parent for path in stage.rglob("*.tsv")}):
            parts = folder.relative_to(stage).parts
            for path in sorted(folder.glob("*.tsv")):
                # models/{protocol}/{experiment}/{model}.tsv, others {stage}/{recipe, feature or database}/…
                named = path.stem if stage.name == "models" else (parts[0] if parts else path.stem)
                group = found.setdefault(named, {"jobs": 0, "seconds": 0.0})
                for row in _rows(path):
                    group["jobs"] += 1
                    group["seconds"] += row
        yield from ({"stage": stage.name, "name": name, **group} for name, group in found.items())


def _rows(path: Path) -> Iterator[float]:
    """The seconds of each run of a job."""
    header, *rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    for row in rows:
        text = dict(zip(header, row, strict=False)).get("s", "")
        yield float(text) if text.replace(".", "", 1).isdigit() else 0.0


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _leaks(results: Results, name: str) -> dict[str, Any]:
    """Every check of a table: in how many experiments it was made, in how many it found something, and what."""
    table = results.table(f"{name}_leaks.csv")
    checks = []
    for check, group in table.groupby("check", sort=False):
        found = group[group["count"] > 0]
        checks.append(
            {
                "check": check,
                "made": int(group["count"].notna().sum()),
                "found": int(group["count"].sum()),
                "of": int(group["of"].sum()),
                "unknown": int(group["count"].isna().sum()),
                "experiments": sorted(set(found["experiment"])),
                "rows": found.fillna("").to_dict("records"),
                "leak": bool(len(found)) and check != ADAPTING,
            }
        )
    return {"table": name, "checks": checks}


def _card(card: dict[str, Any]) -> dict[str, Any]:
    machine = card["machine"]
    facts = {
        "table": card["table"],
        "SHA-256 of the table": card["table_sha256"],
        "SHA-256 of the configuration": card["config_sha256"],
        "Python": card["python"],
        "machine": f"{machine['system']}, {machine['processor']}, {machine['cores']} cores",
        "GPU": machine["gpu"] or "none",
        "mathematics threads": card["mathematics_threads"] or "not set",
        "device of networks": card["device"],
        "seeds": ", ".join(f"{name} {seed}" for name, seed in card["seeds"].items()),
        "hours of its jobs": "not known" if card["hours"] is None else f"{card['hours']:.2f}",
        "written": card["written"],
    }
    return {
        "facts": facts,
        "data": card["data"],
        "code": card["code"],
        "libraries": card["libraries"],
    }
