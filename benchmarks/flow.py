"""Optical flow: speed against public programs, and error where the motion is known, on one thread.

    python benchmarks/flow.py [--rubber-whale FOLDER] [--cohort FOLDER] [--rounds 15]

FOLDER of RubberWhale holds frame10.png, frame11.png and flow_gt.flo (Middlebury's flow data); that of the cohort is
where the workflow ran, with its `results`. What is not given is left out, and said to be. The script prints Markdown;
docs/motion.md and docs/performance.md keep what it printed.
"""

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from cdmer.watch import ONE_THREAD

os.environ.update(ONE_THREAD)  # before the libraries that read it are imported

import cv2
import numpy as np
import pandas as pd
import skimage
from numpy.typing import NDArray
from skimage.registration import optical_flow_tvl1

from cdmer.databases.cohort.truth import Truth, read_truth
from cdmer.databases.recording import read_frames
from cdmer.faces.align import eye_transform, warp_clip
from cdmer.motion.flow import optical_flow
from cdmer.motion.methods import MODULES
from cdmer.motion.stabilisation import stabilise
from cdmer.progress import progress

Flow = NDArray[np.float32]
SIDE = 112


def scikit_image(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Flow:
    """scikit-image's TV-L1 with its defaults, on grey levels from 0 to 1 as it expects them."""
    v, u = optical_flow_tvl1(first / np.float32(255), second / np.float32(255))
    return np.stack([u, v], -1).astype(np.float32)


def by(method: str) -> Callable[..., Flow]:
    return lambda first, second: optical_flow(first, second, method)


METHODS: dict[str, Callable[..., Flow]] = {
    **{f"cdmer `{name}`": by(name) for name in MODULES},
    "scikit-image `optical_flow_tvl1`": scikit_image,
}
PEER = "cdmer `tvl1`"


def end_point_error(flow: Flow, truth: Flow) -> NDArray[np.float32]:
    return np.asarray(np.linalg.norm(flow - truth, axis=-1), np.float32)


def face() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A face of 112 x 112 that moves by half a pixel under a camera's noise."""
    rng = np.random.default_rng(0)
    picture = cv2.resize(skimage.data.astronaut()[:220, 120:340].mean(axis=2), (120, 120))
    frames = []
    for shift in ((0.0, 0.0), (0.5, -0.3)):
        moved = cv2.warpAffine(picture, np.float32([[1, 0, shift[0] - 4], [0, 1, shift[1] - 4]]), (SIDE, SIDE))
        frames.append(np.clip(moved + rng.normal(0, 1.5, moved.shape) + 0.5, 0, 255).astype(np.uint8))
    return frames[0], frames[1]


def speed(rounds: int) -> None:
    """Every method in turn, again and again, so that what else the machine does hits all alike."""
    first, second = face()
    taken = defaultdict(list)
    for method in METHODS.values():
        method(first, second)
    for _ in progress(range(rounds), "speed"):
        for name, method in METHODS.items():
            start = time.process_time()
            method(first, second)
            taken[name].append((time.process_time() - start) * 1e3)
    print(f"## Speed at {SIDE} x {SIDE}\n\nProcessor time of one thread, {rounds} rounds.\n")
    print("| method | ms: median | least | times as fast as OpenCV's TV-L1 |")
    print("|---|---|---|---|")
    for name in METHODS:
        ratio = np.median(taken[PEER]) / np.median(taken[name])
        print(f"| {name} | {np.median(taken[name]):.1f} | {min(taken[name]):.1f} | {ratio:.1f} |")
    print()


def rubber_whale(folder: Path | None) -> None:
    print("## RubberWhale\n")
    if folder is None:
        print("Left out: no folder was given with --rubber-whale.\n")
        return
    images = [cv2.imread(str(folder / f"frame{number}.png")) for number in (10, 11)]
    first, second = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in images)
    raw = (folder / "flow_gt.flo").read_bytes()
    width, height = np.frombuffer(raw[4:12], np.int32)
    truth = np.frombuffer(raw[12:], np.float32).reshape(height, width, 2)
    known = (np.abs(truth) < 1e3).all(-1)
    print(f"{height} x {width} pixels, grey; mean end-point error in pixels where the flow is known.\n")
    print("| method | error | ms |")
    print("|---|---|---|")
    print(f"| no motion | {end_point_error(np.zeros_like(truth), truth)[known].mean():.3f} | |")
    for name, method in METHODS.items():
        start = time.process_time()
        flow = method(first, second)
        taken = (time.process_time() - start) * 1e3
        print(f"| {name} | {end_point_error(flow, truth)[known].mean():.3f} | {taken:.0f} |")
    print()


# -- the cohort -------------------------------------------------------------------------------------------------------


class Moved:
    """Onset and apex of a clip as a faces recipe crops them, and what moves there, in pixels of the crop."""

    def __init__(self, path: Path, truth: Truth) -> None:
        matrix = eye_transform(truth.landmarks, SIDE)
        recorded = [read_frames(path, frame, frame)[0] for frame in (truth.onset, truth.apex)]
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) if frame.ndim == 3 else frame for frame in recorded]
        self.frames = warp_clip(np.stack(grey), matrix, (SIDE, SIDE))
        self.landmarks = (truth.landmarks @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
        columns, rows = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
        back = cv2.invertAffineTransform(matrix)
        self._at = (np.stack([columns, rows], -1) @ back[:, :2].T + back[:, 2]).astype(np.float32)
        self._turn = matrix[:, :2]
        self.all_motion = self._cropped(truth.flow)
        self.expression = self._cropped(truth.expression)
        self.region = self._read(truth.region.astype(np.float32)) > 0.5

    def _cropped(self, flow: Flow) -> Flow:
        return (self._read(flow) @ self._turn.T).astype(np.float32)

    def _read(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        return cv2.remap(plane, self._at[..., 0], self._at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def clips(folder: Path) -> Iterator[tuple[str, Moved]]:
    """Database and motion of every clip of a cohort that the workflow rendered."""
    for table in sorted(folder.glob("results/databases/*/subjects/*.csv")):
        database, subject = table.parents[1].name, table.stem
        truth = read_truth(folder / "results" / "databases" / database / "synthetic" / "truth" / f"{subject}.h5")
        paths = pd.read_csv(table, dtype=str).set_index("clip")["path"]
        for name, known in truth.items():
            # a CASME II clip is named after its subject too
            yield database, Moved(folder / paths.get(name, paths.get(f"{subject}/{name}")), known)


def cohort(folder: Path | None) -> None:
    """Mean end-point error over clips of the mean inside, and outside, the region that the expression moves."""
    print("## The synthetic cohort\n")
    if folder is None:
        print("Left out: no folder was given with --cohort.\n")
        return
    everything = list(clips(folder))
    found: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for _, clip in progress(everything, "cohort"):
        nothing = np.zeros_like(clip.all_motion)
        found["no motion"].append(_row(clip, nothing, nothing))
        for name, method in METHODS.items():
            flow = method(*clip.frames)
            found[name].append(_row(clip, flow, stabilise(flow, clip.landmarks)))
    databases = sorted({database for database, _ in everything})
    print(f"{len(everything)} clips of {', '.join(databases)}, onset to apex, crops of {SIDE} x {SIDE} pixels, mean")
    print("end-point error in pixels of the crop inside the region that the expression moves, and outside it.\n")
    print(
        "| method | all motion: inside | outside | expression alone: inside | outside | stabilised: inside | outside |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, rows in found.items():
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in np.mean(rows, axis=0)) + " |")
    print()
    print("By database, all motion, inside:\n")
    print(f"| method | {' | '.join(databases)} |")
    print(f"|---|{'---|' * len(databases)}")
    for name, rows in found.items():
        means = [np.mean([row[0] for row, (d, _) in zip(rows, everything, strict=True) if d == db]) for db in databases]
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in means) + " |")
    print()


def _row(clip: Moved, flow: Flow, stabilised: Flow) -> tuple[float, ...]:
    pairs = ((flow, clip.all_motion), (flow, clip.expression), (stabilised, clip.expression))
    errors = [end_point_error(*pair) for pair in pairs]
    return tuple(float(error[where].mean()) for error in errors for where in (clip.region, ~clip.region))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rubber-whale", type=Path)
    parser.add_argument("--cohort", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    print(f"OpenCV {cv2.__version__}, scikit-image {skimage.__version__}, one thread\n")
    speed(options.rounds)
    rubber_whale(options.rubber_whale)
    cohort(options.cohort)


if __name__ == "__main__":
    main()
