"""A forecast as a person reads it, and as a program does."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cdmer.study.forecast import STAGES, Cost, Forecast

CHECKPOINTS = "results/checkpoints"


def told(found: Forecast, cores: int, checkpoint: int) -> dict[str, Any]:
    """The forecast as JSON can hold it; seconds and bytes."""
    stages = {stage: asdict(found.stages[stage]) for stage in STAGES if stage in found.stages}
    return {
        "cores": cores,
        "hours": found.hours(cores),
        "checkpoint": checkpoint,
        "stages": stages,
        "total": asdict(found.total),
    }


def as_table(found: Forecast, cores: int, folder: Path, checkpoint: int) -> str:
    """The forecast in lines of text.

    Parameters
    ----------
    found
        The forecast.
    cores
        Cores of the run.
    folder
        The study's, on whose disk the results will lie.
    checkpoint
        Bytes of the largest training's checkpoint.
    """
    total = found.total
    if not total.jobs:
        return "nothing to be done: every result is there and up to date"
    lines = [f"{'stage':<10} {'jobs':>6} {'core hours':>11} {'GPU hours':>10} {'kept':>9}"]
    rows = [(stage, found.stages[stage]) for stage in STAGES if stage in found.stages]
    lines += [_row(name, cost) for name, cost in [*rows, ("total", total)]]
    lines.append("")
    if total.jobs > total.unknown_time:
        lines.append(f"about {_hours(found.hours(cores) * 3600)} with {cores} cores, for the jobs that are known")
    if total.unknown_time or total.unknown_size:
        lines.append(
            f"+ {total.unknown_time} jobs of unknown time and {total.unknown_size} of unknown size: none like them has "
            "run here; name a study where they have with --like FOLDER"
        )
    free = shutil.disk_usage(folder).free
    lines.append(f"kept: {_bytes(total.kept)} of results; free on this disk: {_bytes(free)}")
    if total.kept > free:
        lines.append("THE DISK IS TOO SMALL for what the run keeps")
    if checkpoint:
        words = f"at most {_bytes(checkpoint)} for each network under way, gone when it has ended well"
        lines.append(f"temporary: checkpoints in {CHECKPOINTS}, {words}")
    else:
        lines.append("temporary: nothing")
    return "\n".join(lines)


def _row(name: str, cost: Cost) -> str:
    time = _hours(cost.seconds) if cost.jobs > cost.unknown_time else "unknown"
    gpu = _hours(cost.gpu_seconds) if cost.gpu_seconds else "–"
    size = _bytes(cost.kept) if cost.jobs > cost.unknown_size else "unknown"
    plus_time, plus_size = ("+" if unknown else " " for unknown in (cost.unknown_time, cost.unknown_size))
    return f"{name:<10} {cost.jobs:>6} {time:>10}{plus_time} {gpu:>10} {size:>8}{plus_size}".rstrip()


def _hours(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _bytes(count: float) -> str:
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
