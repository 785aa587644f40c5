"""How the workflow grows: with people, with cores, with a cluster; and whether jobs keep to the memory they ask for.

    python benchmarks/scaling.py plan FOLDER --project table --factors 1 10 100   # time and memory of a dry run
    python benchmarks/scaling.py cores FOLDER                                     # frames to features
    python benchmarks/scaling.py share FOLDER                                     # Snakemake's part of a whole run
    python benchmarks/scaling.py simulate RUN --times 10                          # 1 to 200 jobs at once
    python benchmarks/scaling.py memory RUN                                       # declared against measured

FOLDER is made; RUN is the working directory of a finished run, whose results/benchmarks are read. docs/scaling.md has
the results and what the simulation assumes.
"""

import argparse
import csv
import heapq
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[1]
SUBJECTS = {"smic_hs": 16, "smic_vis": 8, "smic_nir": 8, "casme2": 26, "samm": 29}  # of the real databases
CLIPS = 6  # a subject
PROJECTS = {
    # the default table: the adaptation methods on LBP-TOP
    "table": ({"models": ["adaptation"], "protocols": ["cdmer"]}, ["results/cdmer_table.csv"]),
    # all that config.yaml names: features, methods, protocols, the papers' grids and epochs, ten rounds
    "everything": ({"models": "all", "protocols": ["cdmer", "cde", "single"]}, ["all", "all_features"]),
}
QUEUEING = 12.0  # seconds from sbatch to the job's first line, and to its end being noticed, on an idle cluster
SHORT = 2.0  # seconds
STEP = 2.5  # seconds that Snakemake takes around each job on a node, on a quiet core


def snakemake(folder: Path, *arguments: str) -> list[str]:
    place = ["--snakefile", str(REPOSITORY / "Snakefile"), "--directory", str(folder)]
    return [sys.executable, "-m", "snakemake", *place, *arguments]


def run(command: list[str]) -> tuple[str, float, float]:
    """Run to the end: what it printed, its processor seconds, its peak of memory in MB."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
    done = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    text = done.stdout.read()
    _, status, used = os.wait4(done.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed:\n{text[-3000:]}")
    return text, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


# -- planning ---------------------------------------------------------------------------------------------------------


def make_people(folder: Path, factor: int) -> dict[str, dict[str, str]]:
    """Five databases with `factor` times the real ones' subjects, on three recorded frames."""
    frames = folder / "frames"
    frames.mkdir(parents=True)
    for number in range(1, 4):
        Image.new("L", (8, 8)).save(frames / f"{number}.png")
    databases = {}
    for name, count in SUBJECTS.items():
        table = folder / f"{name}.csv"
        with table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["clip", "subject", "path", "onset", "apex", "offset", "fps", "emotion"])
            for subject in range(count * factor):
                for clip in range(CLIPS):
                    writer.writerow([f"s{subject}_{clip}", f"s{subject}", "frames", 1, 2, 3, 100, "happiness"])
        databases[name] = {"reader": "clips", "root": str(table)}
    return databases


def plan(folder: Path, project: str, factors: list[int]) -> None:
    settings, targets = PROJECTS[project]
    print("| subjects | jobs | processor seconds | seconds per 1,000 jobs | memory, MB |\n|---|---|---|---|---|")
    for factor in factors:
        place = folder / f"{project}-{factor}"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        whole = {"databases": make_people(place, factor), "budget": "paper", "rounds": 10, **settings}
        (place / "config.yaml").write_text(yaml.safe_dump(whole))
        text, seconds, memory = run(snakemake(place, "--dry-run", "--quiet", "rules", "--", *targets))
        jobs = int(re.search(r"^total +(\d+)", text, flags=re.MULTILINE)[1])
        each = 1000 * seconds / jobs
        print(
            f"| {factor * sum(SUBJECTS.values()):,} | {jobs:,} | {seconds:.1f} | {each:.2f} | {memory:.0f} |",
            flush=True,
        )


# -- cores ------------------------------------------------------------------------------------------------------------


def cores(folder: Path) -> None:
    """Frames to features, as the default does it, of a tiny cohort that is rendered beforehand."""
    print("| cores | jobs | seconds | clips a second |\n|---|---|---|---|")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump({"cohort": {"size": "tiny"}, "models": ["SVM"]}))
    manifests = [f"results/databases/{name}/manifest.csv" for name in SUBJECTS]
    stores = [f"results/features/lbp_top_r3p8/{name}.h5" for name in SUBJECTS]
    run(snakemake(folder, "--cores", "2", *manifests))
    clips = sum(len((folder / manifest).read_text().splitlines()) - 1 for manifest in manifests)
    for count in (1, 2, 1, 2):
        for stage in ("faces", "frames", "features"):
            shutil.rmtree(folder / "results" / stage, ignore_errors=True)
        begun = time.monotonic()
        text, *_ = run(snakemake(folder, "--cores", str(count), *stores))
        seconds = time.monotonic() - begun
        jobs = int(re.search(r"^total +(\d+)", text, flags=re.MULTILINE)[1])
        print(f"| {count} | {jobs} | {seconds:.1f} | {clips / seconds:.2f} |", flush=True)


def share(folder: Path) -> None:
    """Processor time of Snakemake itself in a run from nothing: what the run took, less what its jobs took."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text("{}\n")
    shutil.rmtree(folder / "results", ignore_errors=True)
    process = subprocess.Popen(
        snakemake(folder, "--cores", "2", "results/cdmer_table.csv"),
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    own = jobs = 0.0
    while process.poll() is None:
        try:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            own, jobs = (sum(map(int, fields[at : at + 2])) / os.sysconf("SC_CLK_TCK") for at in (11, 13))
        except (OSError, ValueError, IndexError):
            break
        time.sleep(0.2)
    process.wait()
    jobs = max(jobs, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - own)
    print(f"Snakemake {own:.1f} s, jobs {jobs:.1f} s of processor time: {100 * own / (own + jobs):.1f} %")


# -- a finished run ---------------------------------------------------------------------------------------------------


@dataclass
class Job:
    """A job of a finished run."""

    rule: str
    inputs: list[str]
    outputs: list[str]
    seconds: float
    memory: float
    declared: int
    priority: int


def finished_jobs(folder: Path, *targets: str) -> list[Job]:
    """The jobs of a run, from what a forced dry run prints and what the benchmarks recorded."""
    text, *_ = run(snakemake(folder, "--dry-run", "--forceall", *(targets or ("results/cdmer_table.csv",))))
    jobs = []
    for block in re.split(r"^(?=rule \w+:\n)", text, flags=re.MULTILINE)[1:]:
        fields = dict(re.findall(r"^    (\w+): (.*)$", block, flags=re.MULTILINE))
        if "benchmark" not in fields or not (folder / fields["benchmark"]).exists():
            continue
        (row,) = csv.DictReader((folder / fields["benchmark"]).open(), delimiter="\t")
        memory, processor = (0.0 if row[name] in {"NA", "-"} else float(row[name]) for name in ("max_rss", "cpu_time"))
        wall = float(row["s"])
        jobs.append(
            Job(
                rule=re.match(r"rule (\w+)", block)[1],
                inputs=fields.get("input", "").split(", "),
                outputs=fields["output"].split(", "),
                # processor time is looked at twice a second, and so tells nothing of a job that is over before
                seconds=wall if wall < SHORT else processor,
                memory=memory,
                declared=int(re.search(r"mem_mb=(\d+)", fields["resources"])[1]),
                priority=int(fields.get("priority", 0)),
            )
        )
    if not jobs:
        raise SystemExit(f"{folder}/results/benchmarks holds nothing of this workflow: run it there first")
    return jobs


def packed(jobs: list[Job]) -> list[list[int]]:
    """The cluster's jobs, as `profiles/slurm` packs them: lists of positions in `jobs`."""
    text = (REPOSITORY / "profiles/slurm/config.yaml").read_text()
    settings = yaml.safe_load(text)
    groups, sizes = settings["groups"], settings["group-components"]
    makers = {output: at for at, job in enumerate(jobs) for output in job.outputs}
    parent = list(range(len(jobs)))

    def root(at: int) -> int:
        while parent[at] != at:
            at = parent[at]
        return at

    for at, job in enumerate(jobs):
        for path in job.inputs:
            other = makers.get(path)
            if other is not None and groups.get(job.rule) and groups.get(job.rule) == groups.get(jobs[other].rule):
                parent[root(at)] = root(other)
    components = defaultdict(list)
    for at in range(len(jobs)):
        components[root(at)].append(at)
    waiting: dict[str, list[list[int]]] = defaultdict(list)
    alone = []
    for members in components.values():
        group = groups.get(jobs[members[0]].rule)
        (waiting[group] if group else alone).append(members)
    for group, lists in waiting.items():
        size = sizes.get(group, 1)
        alone += [list(chain.from_iterable(lists[at : at + size])) for at in range(0, len(lists), size)]
    return alone


def makespan(jobs: list[Job], bundles: list[list[int]], workers: int, once: float, each: float) -> float:
    """Seconds until all is done: of the bundles that are ready the most urgent first, and the longest of them."""
    makers = {output: at for at, bundle in enumerate(bundles) for job in bundle for output in jobs[job].outputs}
    length = [once + sum(each + jobs[job].seconds for job in bundle) for bundle in bundles]
    urgency = [
        (-max(jobs[job].priority for job in bundle), -seconds) for bundle, seconds in zip(bundles, length, strict=True)
    ]
    needs = [
        {makers[path] for job in bundle for path in jobs[job].inputs if path in makers} - {at}
        for at, bundle in enumerate(bundles)
    ]
    followers = defaultdict(list)
    for at, found in enumerate(needs):
        for other in found:
            followers[other].append(at)
    open_needs = [len(found) for found in needs]
    ready = [(urgency[at], at) for at, count in enumerate(open_needs) if not count]
    heapq.heapify(ready)
    running: list[tuple[float, int]] = []
    now, done = 0.0, 0
    while done < len(bundles):
        while ready and len(running) < workers:
            _, at = heapq.heappop(ready)
            heapq.heappush(running, (now + length[at], at))
        if not running:
            raise RuntimeError("bundles wait for one another: the packing makes a circle")
        now, at = heapq.heappop(running)
        done += 1
        for other in followers[at]:
            open_needs[other] -= 1
            if not open_needs[other]:
                heapq.heappush(ready, (urgency[other], other))
    return now


def simulate(folder: Path, times: float) -> None:
    """What a finished run would take elsewhere, its jobs `times` as long."""
    jobs = finished_jobs(folder)
    for job in jobs:
        job.seconds *= times
    alone = [[at] for at in range(len(jobs))]
    bundles = packed(jobs)
    work = sum(job.seconds for job in jobs)
    longest = makespan(jobs, alone, 10**6, 0, 0)
    print(
        f"{len(jobs)} jobs, {work:.0f} s of work, {longest:.0f} s along the longest path; {len(bundles)} when packed\n"
    )
    print("| jobs at once | where | seconds | times as fast as one core | of the possible |\n|---|---|---|---|---|")
    for workers in (1, 2, 16):
        seconds = makespan(jobs, alone, workers, 0, 0.05)
        line(workers, "one machine", seconds, work, longest)
    for workers in (16, 200):
        line(workers, "cluster, each job alone", makespan(jobs, alone, workers, QUEUEING, STEP), work, longest)
        line(workers, "cluster, packed", makespan(jobs, bundles, workers, QUEUEING, STEP), work, longest)


def line(workers: int, where: str, seconds: float, work: float, longest: float) -> None:
    best = max(work / workers, longest)
    print(f"| {workers} | {where} | {seconds:.0f} | {work / seconds:.1f} | {100 * best / seconds:.0f} % |")


def memory(folder: Path) -> None:
    found: dict[tuple[str, int], list[Job]] = defaultdict(list)
    for job in finished_jobs(folder):
        found[job.rule, job.declared].append(job)
    print(
        "| rule | jobs | declared, MB | largest measured, MB | seconds: median | longest |\n|---|---|---|---|---|---|"
    )
    for (rule, declared), jobs in found.items():
        seconds = [job.seconds for job in jobs]
        peak = max(job.memory for job in jobs)
        print(f"| {rule} | {len(jobs)} | {declared} | {peak:.0f} | {np.median(seconds):.1f} | {max(seconds):.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["plan", "cores", "share", "simulate", "memory"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--project", choices=sorted(PROJECTS), default="everything")
    parser.add_argument("--times", type=float, default=1, help="simulate: jobs that take as many times as long")
    parser.add_argument("--factors", type=int, nargs="+", default=[1, 3, 10])
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if arguments.what == "plan":
        plan(folder, arguments.project, arguments.factors)
    elif arguments.what == "simulate":
        simulate(folder, arguments.times)
    else:
        {"cores": cores, "share": share, "memory": memory}[arguments.what](folder)


if __name__ == "__main__":
    main()
