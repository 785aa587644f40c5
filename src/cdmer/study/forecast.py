"""`cdmer plan`: the jobs that a run will do, and what they will cost, by what such jobs have cost before.

Snakemake itself says which jobs there are (a dry run). Each job's seconds and bytes are those of the same job in an
earlier run, or the median of the jobs most like it: the same rule, the same model, feature or recipe, and as many other
wildcards (database, experiment) in common as any. Nothing is guessed where no such job has ever run; it is counted as
unknown. The seconds are the processor's, which other work on the machine does not lengthen; for a job that asks for a
GPU they are the clock's.
"""

import csv
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cdmer.errors import CdmerError
from cdmer.planning.plan import Plan
from cdmer.protocols.cdmer import CLASSES

_DECIDE = ("model", "feature", "recipe")  # another one costs something else altogether
STAGES = ("databases", "faces", "frames", "features", "models", "tables", "report")
_STAGE_OF_OUTPUT = {"interpolators": "frames"}
_BLOCK = re.compile(r"^(?:local)?(?:rule|checkpoint) (\S+):\n((?:    .*\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """A job of a dry run."""

    rule: str
    outputs: tuple[str, ...]
    benchmark: str
    wildcards: Mapping[str, str]
    gpu: bool

    @property
    def stage(self) -> str:
        """The stage that its output belongs to."""
        parts = Path(self.outputs[0]).parts if self.outputs else ()
        found = parts[1] if len(parts) > 2 else ""
        found = _STAGE_OF_OUTPUT.get(found, found)
        if found in STAGES:
            return found
        return "report" if parts and parts[-1].startswith("report") else "tables"


@dataclass
class Cost:
    """What some jobs cost.

    Attributes
    ----------
    jobs
        How many.
    seconds, gpu_seconds
        Of those that are known; with a GPU, of those that ask for one.
    longest
        Seconds of the longest.
    kept
        Bytes that stay in the results.
    unknown_time, unknown_size
        Jobs that no record tells anything of.
    """

    jobs: int = 0
    seconds: float = 0.0
    gpu_seconds: float = 0.0
    longest: float = 0.0
    kept: int = 0
    unknown_time: int = 0
    unknown_size: int = 0

    def add(self, job: Job, seconds: float | None, size: int | None) -> None:
        """Count a job."""
        self.jobs += 1
        if seconds is None:
            self.unknown_time += 1
        else:
            self.seconds += seconds
            self.gpu_seconds += seconds if job.gpu else 0.0
            self.longest = max(self.longest, seconds)
        if size is None:
            self.unknown_size += 1
        else:
            self.kept += size


@dataclass
class Forecast:
    """What a run will do and cost, stage by stage."""

    stages: dict[str, Cost] = field(default_factory=dict)

    @property
    def total(self) -> Cost:
        """All stages together."""
        found = Cost()
        for cost in self.stages.values():
            for name in ("jobs", "seconds", "gpu_seconds", "kept", "unknown_time", "unknown_size"):
                setattr(found, name, getattr(found, name) + getattr(cost, name))
            found.longest = max(found.longest, cost.longest)
        return found

    def hours(self, cores: int) -> float:
        """Hours that the known jobs take at least with so many cores: no job is faster than itself."""
        total = self.total
        return max(total.seconds / cores, total.longest) / 3600


def planned_jobs(targets: Sequence[str], configfiles: Sequence[str | Path] = (), cores: int = 1) -> list[Job]:
    """The jobs that ``snakemake`` would do here.

    Raises
    ------
    CdmerError
        Snakemake refuses to plan; its words are passed on.
    """
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--dry-run", *targets]
    if configfiles:
        command += ["--configfile", *map(str, configfiles)]
    plain = {**os.environ, "COLUMNS": "10000", "NO_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=plain)
    said = f"{done.stdout}\n{done.stderr}"
    if done.returncode:
        reason = said.partition("Building DAG of jobs...")[2] or said
        raise CdmerError(f"snakemake cannot plan this run:\n{reason.strip()[-3000:]}", "correct what it names")
    return [job for job in parse_jobs(said) if job.outputs]


def parse_jobs(text: str) -> list[Job]:
    """The jobs that the text of a dry run lists, each once."""
    found: dict[tuple[str, ...], Job] = {}
    for rule, block in _BLOCK.findall(text):
        keys = dict(re.findall(r"^    (\w+): (.*)$", block, re.MULTILINE))
        outputs = tuple(re.sub(r" \(.*?\)$", "", name) for name in keys.get("output", "").split(", ") if name)
        wildcards = dict(part.split("=", 1) for part in keys.get("wildcards", "").split(", ") if "=" in part)
        gpu = bool(re.search(r"\bgpu=[1-9]", keys.get("resources", "")))
        found[(rule, *outputs)] = Job(rule, outputs, keys.get("benchmark", ""), wildcards, gpu)
    return list(found.values())


def forecast(jobs: Iterable[Job], records: Sequence[str | Path]) -> Forecast:
    """What jobs will cost.

    Parameters
    ----------
    jobs
        The jobs.
    records
        Folders of studies whose ``results`` tell what jobs cost; the first that knows of a job like it is believed.
    """
    books = [_Book(Path(folder)) for folder in records]
    found = Forecast()
    for job in jobs:
        seconds = next((known for book in books if (known := book.seconds(job)) is not None), None)
        size = next((known for book in books if (known := book.size(job)) is not None), None)
        found.stages.setdefault(job.stage, Cost()).add(job, seconds, size)
    return found


def checkpoint_bytes(jobs: Iterable[Job], plan: Plan) -> int:
    """What the largest training of the jobs keeps on disk while it is under way; 0 where no network is trained.

    All rounds of a job are in one checkpoint: of each the weights, and what the optimiser remembers of them.
    """
    models = {job.wildcards["model"] for job in jobs if job.stage == "models" and "model" in job.wildcards}
    sizes = [0]
    for name in models:
        if name in plan.models and plan.is_network(name):
            import torch

            from cdmer.networks.network import count_parameters
            from cdmer.protocols.network_training import training_of

            given = training_of(plan.training_settings(name, "C_to_V")["training"])
            with torch.device("meta"):  # sizes alone, no memory
                network = given.make(len(CLASSES))
            remembered = 2 if network.recipe.optimizer == "adam" else 1
            sizes.append(4 * count_parameters(network) * (1 + remembered) * given.rounds)
    return max(sizes)


class _Book:
    """What lies in a study's results: seconds by benchmark, bytes by file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: list[str] | None = None
        self._seconds: dict[tuple[str, bool], float] = {}
        self._alike: dict[tuple[str, str], list[tuple[dict[str, str], str]]] = {}

    def seconds(self, job: Job) -> float | None:
        """Seconds that such a job took; None where none is known."""
        if not job.benchmark:
            return 0.0  # too quick to be measured
        records = self._like(job, job.benchmark)
        times = [time for path in records if (time := self._time(path, job.gpu)) is not None]
        return statistics.median(times) if times else None

    def size(self, job: Job) -> int | None:
        """Bytes of what such a job made; None where an output's like was never made."""
        sizes = []
        for output in job.outputs:
            found = [(self.folder / path).stat().st_size for path in self._like(job, output)]
            if not found:
                return None
            sizes.append(statistics.median(found))
        return round(sum(sizes))

    def _like(self, job: Job, path: str) -> list[str]:
        """Files that the same rule made for the wildcards most like the job's."""
        if (self.folder / path).is_file():
            return [path]
        candidates = [
            (has, file)
            for has, file in self._candidates(job, path)
            if all(has[name] == job.wildcards[name] for name in _DECIDE if name in has)
        ]
        shared = [sum(job.wildcards.get(name) == value for name, value in has.items()) for has, _ in candidates]
        return [file for (_, file), count in zip(candidates, shared, strict=True) if count == max(shared)]

    def _candidates(self, job: Job, path: str) -> list[tuple[dict[str, str], str]]:
        pattern = re.escape(path)
        seen = set()
        for name, value in job.wildcards.items():
            piece = re.escape(value)
            if piece and piece in pattern and name not in seen:
                pattern = re.sub(rf"(?<![\w-]){re.escape(piece)}(?![\w-])", f"(?P<{name}>[^/]+)", pattern, count=1)
                seen.add(name)
        key = (job.rule, pattern)
        if key not in self._alike:
            expression = re.compile(pattern)
            hits = [(expression.fullmatch(file), file) for file in self._all_files()]
            self._alike[key] = [(hit.groupdict(), file) for hit, file in hits if hit]
        return self._alike[key]

    def _all_files(self) -> list[str]:
        if self._files is None:
            results = self.folder / "results"
            self._files = [
                os.path.relpath(Path(parent) / name, self.folder)
                for parent, folders, names in os.walk(results)
                for name in names
                if not name.startswith(".")
            ]
        return self._files

    def _time(self, path: str, by_clock: bool) -> float | None:
        if (path, by_clock) not in self._seconds:
            try:
                with open(self.folder / path, encoding="utf-8", newline="") as lines:
                    row = next(csv.DictReader(lines, delimiter="\t"), {})
                clock = float(row["s"])
            except (OSError, KeyError, ValueError):
                return None  # of an interrupted job
            try:
                processor = float(row["cpu_time"])
            except (KeyError, ValueError):  # a job that was over before its first sample
                processor = 0.0
            self._seconds[path, by_clock] = clock if by_clock or not processor else processor
        return self._seconds[path, by_clock]
