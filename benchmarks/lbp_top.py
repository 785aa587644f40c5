"""LBP-TOP against scikit-image, on one thread: the same clips in one run, and what this machine's limit is.

    python benchmarks/lbp_top.py [--rounds 15]

prints Markdown; docs/performance.md keeps what it printed.
"""

import argparse
import importlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cdmer.watch import ONE_THREAD

os.environ.update(ONE_THREAD)  # before the libraries that read it are imported

import numba
import numpy as np
import skimage
from llvmlite.binding import get_host_cpu_name
from skimage.feature import local_binary_pattern
from skimage.transform import resize

from cdmer.descriptors.job import compute_features
from cdmer.descriptors.lbp_top import lbp_top
from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import read_shard, write_shard

GRIDS = (1, 2, 4, 8)
CLIPS = 20
KERNEL = importlib.import_module("cdmer.descriptors.lbp_top")


def subject_clips() -> list[np.ndarray]:
    """A face that moves by parts of a pixel under a camera's noise: 20 clips of 16 x 112 x 112."""
    rng = np.random.default_rng(0)
    face = resize(skimage.data.astronaut()[:220, 120:340].mean(axis=2), (120, 120), preserve_range=True)
    clips = []
    for _ in range(CLIPS):
        shifts = np.cumsum(rng.normal(0, 0.1, (16, 2)), axis=0) + 4
        frames = [_shifted(face, *shift) + rng.normal(0, 1.5, (112, 112)) for shift in shifts]
        clips.append(np.clip(np.array(frames) + 0.5, 0, 255).astype(np.uint8))
    return clips


def _shifted(image: np.ndarray, y: float, x: float) -> np.ndarray:
    (j, i), (b, a) = (int(y), int(x)), (y % 1, x % 1)
    corner = image[j : j + 113, i : i + 113]
    rows = (1 - b) * corner[:-1] + b * corner[1:]
    return (1 - a) * rows[:, :-1] + a * rows[:, 1:]


def with_scikit_image(clip: np.ndarray, radius: int, neighbors: int) -> np.ndarray:
    """The same histograms as one writes them with scikit-image: its codes plane by plane, then each block's counts."""
    r = radius
    codes = np.empty((3, *clip.shape), dtype=np.uint8)
    for t in range(r, clip.shape[0] - r):
        codes[0, t] = local_binary_pattern(clip[t], neighbors, radius, "nri_uniform")
    for y in range(r, clip.shape[1] - r):
        codes[1, :, y] = local_binary_pattern(clip[:, y], neighbors, radius, "nri_uniform")
    for x in range(r, clip.shape[2] - r):
        codes[2, :, :, x] = local_binary_pattern(clip[:, :, x], neighbors, radius, "nri_uniform")
    inner = codes[:, r:-r, r:-r, r:-r]
    bins = neighbors * (neighbors - 1) + 3
    histograms = []
    for grid in GRIDS:
        heights, widths = (_edges(side, grid) for side in inner.shape[2:])
        for top, bottom in heights:
            for left, right in widths:
                for plane in inner[:, :, top:bottom, left:right]:
                    histograms.append(np.bincount(plane.ravel(), minlength=bins) / plane.size)
    return np.concatenate(histograms).astype(np.float32)


def _edges(side: int, grid: int) -> list[tuple[int, int]]:
    step = int(side / grid + 0.5)
    return [(i * step, side if i == grid - 1 else (i + 1) * step) for i in range(grid)]


def timed(function, *arguments) -> float:
    """Milliseconds of processor time of one call: what others do on a busy machine does not count."""
    start = time.process_time()
    function(*arguments)
    return (time.process_time() - start) * 1e3


def figures(times: list[float]) -> str:
    return f"{np.median(times):.3f} | {min(times):.3f}"


def compare(clips: list[np.ndarray], rounds: int) -> None:
    """Ours and scikit-image's in turn, so that a busy machine is busy for both."""
    print("| R, P | cdmer, ms a clip: median | least | scikit-image: median | least | ratio of medians | of least |")
    print("|---|---|---|---|---|---|---|")
    for radius, neighbors in [(3, 8), (1, 8), (3, 4), (1, 4)]:
        ours, theirs = [], []
        assert with_scikit_image(clips[0], radius, neighbors).shape == lbp_top(clips[0], radius, neighbors).shape
        for turn in range(rounds):
            theirs.append(timed(with_scikit_image, clips[turn % CLIPS], radius, neighbors))
            ours += [timed(lbp_top, clip, radius, neighbors, GRIDS) for clip in clips]
        ratios = f"{np.median(theirs) / np.median(ours):.0f} | {min(theirs) / min(ours):.0f}"
        print(f"| {radius}, {neighbors} | {figures(ours)} | {figures(theirs)} | {ratios} |")
    print()


def floor(clips: list[np.ndarray], rounds: int) -> None:
    """What the kernel must do for a clip at R = 3, P = 8, and how long its parts take, apart and at best."""
    clip = clips[0]
    voxels = np.prod([side - 6 for side in clip.shape])
    print(
        f"A clip is {clip.nbytes:,} bytes in and {lbp_top(clip).nbytes:,} bytes out: at 10 GB/s, 0.03 ms. The work is"
    )
    print(f"{voxels:,} voxels x 3 planes: 4 comparisons of bytes, 4 interpolations and comparisons of float32")
    print(f"({voxels * 3 * 4 * 8 / 1e6:.1f} million operations), and {voxels * 3:,} increments of a counter.\n")
    clip.setflags(write=False)
    plan = KERNEL._plan(112, 112, (3, 3, 3), 8, GRIDS)
    codes = KERNEL._encode(clip, (3, 3, 3), *plan[:7])
    counts = KERNEL._count(codes, *plan[7:10])
    row, first, counted = codes[:, 0, 0], np.zeros(106, np.int64), np.zeros(3 * 256, np.int32)

    @numba.njit
    def increment(repeats, count, xy, xt, yt, first, counted):  # type: ignore[no-untyped-def]
        for _ in range(repeats):
            count(xy, xt, yt, first, counted)

    parts = {
        "codes": lambda: KERNEL._encode(clip, (3, 3, 3), *plan[:7]),
        "counting": lambda: KERNEL._count(codes, *plan[7:10]),
        "blocks": lambda: KERNEL._pool(counts, codes.shape[1], *plan[8:]),
        "limit: the increments alone, in the first cache": lambda: increment(
            voxels // first.size, KERNEL._count_row, *row, first, counted
        ),
    }
    print("| part, R = 3, P = 8 | ms: median | least |")
    print("|---|---|---|")
    for name, part in parts.items():
        part()
        print(f"| {name} | {figures([timed(part) for _ in range(20 * rounds)])} |")
    print()


def whole_job(clips: list[np.ndarray], rounds: int) -> None:
    """A job of the features stage as the workflow runs it: a subject of 20 clips, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        frames, output = Path(folder, "frames.h5"), Path(folder, "features.h5")
        with write_shard(frames, {}) as shard:
            for number, clip in enumerate(clips):
                shard.add(f"clip {number}", clip, subject="01", emotion="surprise")
        provenance = {"feature": "lbp_top_r3p8", "database": "benchmark", "recipe": {}}
        settings = {"module": "cdmer.descriptors.lbp_top", "parameters": {}, "provenance": provenance}
        job = [sys.executable, "-m", "cdmer.cli", "features", "compute", str(frames), str(output)]
        job += ["--settings", json.dumps(settings), "--code", "benchmark"]
        imports = "import numpy; from cdmer.descriptors.lbp_top import lbp_top"
        first = f"{imports}; lbp_top(numpy.ones((16, 112, 112), numpy.uint8))"
        steps = {
            "a job of 20 clips": lambda: _run(job),
            "a process that imports `lbp_top`": lambda: _run([sys.executable, "-c", imports]),
            "a process that describes one clip": lambda: _run([sys.executable, "-c", first]),
            "the job's function alone, in a process that described clips before": lambda: compute_features(
                frames, output, **settings, code="benchmark"
            ),
            "reading the clips": lambda: list(read_shard(frames)),
            "describing them": lambda: [lbp_top(clip) for clip in clips],
        }
        print("| R = 3, P = 8 | processor time, s: median | least | by the clock: median |")
        print("|---|---|---|---|")
        for name, step in steps.items():
            step()
            taken = [_processor_time(step) for _ in range(rounds)]
            used, clock = zip(*taken, strict=True)
            print(f"| {name} | {figures(list(used))} | {np.median(clock):.3f} |")
        assert len(FeatureStore(output)) == CLIPS
        used, clock = _processor_time(lambda: _run([sys.executable, "-c", first], XDG_CACHE_HOME=folder))
        print(f"| one clip, the first time on a machine: compiles the kernel | {used:.3f} | | {clock:.3f} |\n")


def _run(command: list[str], **environment: str) -> None:
    subprocess.run(command, check=True, env={**os.environ, **environment})


def _processor_time(step) -> tuple[float, float]:
    """Seconds of processor time, in this process and its children, and by the clock."""

    def spent() -> float:
        both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in both)

    before, start = spent(), time.perf_counter()
    step()
    return spent() - before, time.perf_counter() - start


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often scikit-image is timed")
    rounds = parser.parse_args().rounds
    versions = f"numba {numba.__version__}, numpy {np.__version__}, scikit-image {skimage.__version__}"
    print(f"{processor()} ({get_host_cpu_name()}), {os.cpu_count()} processors, {platform.node()}")
    print(f"Python {platform.python_version()}, {versions}; 1 thread, {CLIPS} clips of 16 x 112 x 112, 85 blocks\n")
    clips = subject_clips()
    compare(clips, rounds)
    subject = np.median([timed(lambda: [lbp_top(clip) for clip in clips]) for _ in range(20 * rounds)])
    print(f"A subject of {CLIPS} clips in {subject:.2f} ms: {CLIPS / subject * 1e3:.0f} clips a second.\n")
    floor(clips, rounds)
    whole_job(clips, rounds)


if __name__ == "__main__":
    main()
