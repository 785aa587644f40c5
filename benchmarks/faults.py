"""Kill jobs and whole runs at random moments, again and again, and compare the table with an undisturbed run's.

    python benchmarks/faults.py FOLDER --kills 100 --seed 1

A small study (two synthetic databases, SVM and TCA) is run once in peace. Then it is started from nothing, and every
run is disturbed once: a stage, a kind of kill and a moment are drawn at random; when a job of that stage is at work,
it, or Snakemake, or both, get SIGKILL. The same command is given again, ten kills a round, until the table is there.
It must equal the undisturbed one byte for byte, every store must pass its checksums, no half-written file may be left
under its final name, and a dry run must find nothing to do; then all results go and the next round begins.

FOLDER keeps the protocol (kills.csv), so that a session that is ended goes on where it was.
"""

import argparse
import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import read_shard

REPOSITORY = Path(__file__).resolve().parents[1]
TABLE = "results/cdmer_table.csv"
CONFIG = {
    "cohort": {"size": "tiny"},
    "models": ["SVM", "TCA"],
    "selection": ["default"],
    "databases": {"smic_hs": None, "samm": None, "casme2": None},
}
# stage -> the words by which a job's command line is known
STAGES = {
    "databases": ("databases render", "databases read", "databases join"),
    "faces": ("faces",),
    "frames": ("frames",),
    "features": ("features compute", "features merge"),
    "models": ("models",),
    "tables": ("tables exclusions", "tables leaks", "tables cdmer"),
}
KINDS = ("job", "run", "both")
ROUND = 10  # kills from nothing to a finished table
LONGEST = 900  # seconds that a run of this study may take before it counts as hanging


@dataclass
class Study:
    """The study in a folder."""

    folder: Path
    cores: int = 2
    processes: list[subprocess.Popen] = field(default_factory=list)

    def command(self, *arguments: str) -> list[str]:
        return [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile")),
            *("--directory", str(self.folder), "--cores", str(self.cores), *arguments),
        ]

    def start(self, *arguments: str) -> subprocess.Popen:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
        with open(self.folder / "run.log", "a", encoding="utf-8") as log:
            return subprocess.Popen(
                self.command(*(arguments or (TABLE,))), cwd=self.folder, env=environment, stdout=log, stderr=log
            )

    def jobs(self) -> dict[int, str]:
        """The jobs at work in the folder: process number -> what they do."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = [word.decode(errors="replace") for word in (entry / "cmdline").read_bytes().split(b"\0")]
                here = (entry / "cwd").resolve() == self.folder.resolve()
            except OSError:
                continue
            if here and any(word.endswith("/cdmer") for word in words[:2]):
                found[int(entry.name)] = f" {' '.join(words[2:])} "
        return found

    def jobs_of(self, stage: str) -> list[int]:
        return [pid for pid, words in self.jobs().items() if any(f" {word} " in words for word in STAGES[stage])]

    def forget(self) -> None:
        shutil.rmtree(self.folder / "results", ignore_errors=True)

    def lost(self, undisturbed: bytes) -> list[str]:
        """What a finished study lacks; nothing, or there is a fault."""
        faults = []
        if (self.folder / TABLE).read_bytes() != undisturbed:
            faults.append("the table differs")
        for path in self.folder.glob("results/features/**/*.h5"):
            faults += FeatureStore(path).verify()
        for stage in ("faces", "frames"):
            for path in self.folder.glob(f"results/{stage}/**/*.h5"):
                faults += read_shard(path).verify()
        planned = subprocess.run(
            self.command("--dry-run", TABLE), cwd=self.folder, capture_output=True, text=True, check=True
        )
        if "Nothing to be done" not in planned.stdout + planned.stderr:
            faults.append("a dry run still finds work")
        return faults


def kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def disturb(study: Study, stage: str, kind: str, delay: float) -> tuple[bool, bool]:
    """Start a run and kill once in `stage`: whether it was in time, and whether the run nevertheless ended well."""
    run = study.start()
    deadline = time.monotonic() + LONGEST
    struck = False
    while run.poll() is None:
        if time.monotonic() > deadline:
            run.kill()
            raise TimeoutError(f"a run went on for more than {LONGEST} s: see {study.folder / 'run.log'}")
        victims = [] if struck else study.jobs_of(stage)
        if victims:
            time.sleep(delay)
            if kind in ("run", "both"):
                struck = kill(run.pid) or struck
            if kind in ("job", "both"):
                struck = kill(victims[0]) or struck
        time.sleep(0.01)
    gone = time.monotonic() + 30
    while study.jobs():  # jobs of a dead run end by themselves
        if time.monotonic() > gone:
            raise TimeoutError("a job outlived its run by half a minute")
        time.sleep(0.05)
    return struck, run.returncode == 0


def peaceful(folder: Path, cores: int) -> bytes:
    """The table of the undisturbed study, made once."""
    study = lay_out(folder / "undisturbed", cores)
    if not (study.folder / TABLE).exists() and study.start().wait() != 0:
        raise RuntimeError(f"the undisturbed run failed: see {study.folder / 'run.log'}")
    return (study.folder / TABLE).read_bytes()


def lay_out(folder: Path, cores: int) -> Study:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    return Study(folder, cores)


def campaign(folder: Path, kills: int, seed: int, cores: int, progress: bool = True) -> list[dict[str, str]]:
    """Kill until `kills` have struck and the study was finished after the last: the protocol, one row a kill.

    Raises
    ------
    AssertionError
        Something was lost; the message says what.
    """
    undisturbed = peaceful(folder, cores)
    study = lay_out(folder / "disturbed", cores)
    protocol = folder / "kills.csv"
    rows = list(csv.DictReader(protocol.open())) if protocol.exists() else []
    rng = random.Random(f"{seed} {len(rows)}")
    order = list(STAGES)
    study.forget()
    while len(rows) < kills:
        # in the order of the stages, so that a round from nothing takes many kills
        for stage in sorted(rng.choices(order, k=min(ROUND, kills - len(rows))), key=order.index):
            kind, delay = rng.choice(KINDS), rng.uniform(0, 1.5)
            struck, finished = disturb(study, stage, kind, delay)
            if struck:
                rows.append({"stage": stage, "kind": kind, "delay": f"{delay:.3f}"})
                _note(protocol, rows)
                if progress:
                    print(f"{len(rows)}/{kills}: {stage}, {kind}, after {delay:.2f} s", file=sys.stderr, flush=True)
            if finished:
                break
        while not finished:
            finished = study.start().wait() == 0
        faults = study.lost(undisturbed)
        assert not faults, f"after {len(rows)} kills: {faults}"
        study.forget()
    return rows


def _note(protocol: Path, rows: list[dict[str, str]]) -> None:
    with protocol.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["stage", "kind", "delay"])
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    begun = time.monotonic()
    rows = campaign(arguments.folder.resolve(), arguments.kills, arguments.seed, arguments.cores)
    counts = Counter((row["stage"], row["kind"]) for row in rows)
    print("| stage | a job killed | the run killed | both |\n|---|---|---|---|")
    for stage in STAGES:
        print(f"| {stage} | " + " | ".join(str(counts[stage, kind]) for kind in KINDS) + " |")
    print(f"\n{len(rows)} kills; nothing lost; this session took {(time.monotonic() - begun) / 60:.0f} minutes.")


if __name__ == "__main__":
    main()
