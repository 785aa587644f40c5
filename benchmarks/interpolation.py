"""How well the shipped network puts a frame between two, against frame averaging and half-way warping by DIS flow.

    python benchmarks/interpolation.py [--real FOLDER] [--weights FILE] [--pictures FOLDER]

Three sorts of triplets that the network has not seen: a synthetic cohort of another seed (onset, half-way, apex), real
faces in videos and Middlebury's six (where FOLDER holds them). Two measures:

- PSNR (dB), the mean over triplets. A noisy truth rewards whoever smooths, so the cohort's is given against the
  recorded frame and against the same frame without noise.
- Displacement (pixels): where the points of mouth and brows lie in the estimate, found by Lucas-Kanade tracking from
  the first frame, less where they truly lie; the mean length of the difference. Truth is the cohort's motion field;
  in videos, the same tracking in the recorded frame. It is not fooled by smoothing.

Differences of the network to DIS and to averaging come with 95 % intervals over triplets.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import NDArray

from cdmer.databases.cohort.atlas import paint_atlas
from cdmer.databases.cohort.cameras import camera_of
from cdmer.databases.cohort.expressions import dense
from cdmer.databases.cohort.identities import draw_identity
from cdmer.databases.cohort.plan import COHORT_DATABASES, plan_database
from cdmer.databases.cohort.render import Scene
from cdmer.databases.video import count_video, read_video
from cdmer.frames.adaptive_convolution.interpolator import SHIPPED, AdaptiveConvolution
from cdmer.frames.adaptive_convolution.triplets import face_box

SEED = 90210  # of the held-out cohort; the shipped network was trained on another
PARTS = {"brows": slice(17, 27), "mouth": slice(48, 68)}
Frame = NDArray[np.uint8]
Method = Callable[[Frame, Frame], NDArray[np.float32]]


@dataclass
class Triplet:
    """Two frames, the recorded one between them, and what is known of it."""

    source: str
    first: Frame
    middle: Frame
    second: Frame
    clean: NDArray[np.float32] | None = None  # the middle frame without noise
    landmarks: NDArray[np.float32] | None = None  # of the first frame
    moved: NDArray[np.float32] | None = None  # of the landmarks, to the middle frame; None: tracked in `middle`


# -- methods --------------------------------------------------------------------------------------------------------


def average(first: Frame, second: Frame) -> NDArray[np.float32]:
    return (first.astype(np.float32) + second) / 2


def warp_half_way(first: Frame, second: Frame) -> NDArray[np.float32]:
    """The mean of both frames, each warped by half of the DIS flow that leads to it from the other."""
    frames = (np.ascontiguousarray(first), np.ascontiguousarray(second))
    grey = [frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    forward, backward = dis.calc(*grey, None), dis.calc(*grey[::-1], None)
    return (_warped(first, backward / 2) + _warped(second, forward / 2)) / 2


def _warped(frame: Frame, flow: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = frame.shape[:2]
    points = np.stack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)), -1)
    lookup = points + flow
    return cv2.remap(frame.astype(np.float32), lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


# -- triplets -------------------------------------------------------------------------------------------------------


def cohort_triplets() -> Iterator[Triplet]:
    for database in COHORT_DATABASES:
        plan, camera = plan_database(database, "small", SEED), camera_of(database)
        for person in plan.subjects:
            atlas = paint_atlas(draw_identity(person.seed), camera)
            for clip in person.clips:
                scene = Scene(plan, clip, camera, atlas)
                half = (clip.apex - clip.onset) // 2
                if half < 1:
                    continue
                box = face_box(scene.landmarks, camera.width, camera.height)
                seen = [frame[box] for _, frame in zip(range(2 * half + 1), scene.frames(), strict=False)]
                motion = dense(scene.displacement(half), camera.width, camera.height)
                landmarks = scene.landmarks.astype(np.float32)
                moved = cv2.remap(motion, landmarks[None], None, cv2.INTER_LINEAR).reshape(-1, 2)
                corner = np.array([box[1].start, box[0].start], np.float32)
                yield Triplet(
                    f"cohort {database}",
                    seen[0],
                    seen[half],
                    seen[2 * half],
                    scene.seen(half)[box],
                    landmarks - corner,
                    moved,
                )


def video_triplets(folder: Path) -> Iterator[Triplet]:
    from cdmer.faces.detect import detect_faces
    from cdmer.faces.landmarks import find_landmarks

    for name in ("WolfgangLanger_Pexels.mp4", "face_noface.mov"):
        count, _ = count_video(folder / "videos" / name)
        frames = read_video(folder / "videos" / name, 1, count)
        for step in (1, 2, 3):
            for start in range(0, count - 2 * step, 24):
                faces = detect_faces(frames[start], "dlib", 0)
                if not len(faces):
                    continue
                landmarks = find_landmarks(frames[start], faces[0])
                box = face_box(landmarks, frames.shape[2], frames.shape[1])
                corner = np.array([box[1].start, box[0].start], np.float32)
                first, middle, second = frames[start : start + 2 * step + 1 : step, *box]
                yield Triplet(f"{Path(name).stem} ±{step}", first, middle, second, None, landmarks - corner)


def middlebury_triplets(folder: Path) -> Iterator[Triplet]:
    for scene in sorted(path for path in (folder / "interpolation").iterdir() if path.is_dir()):
        frames = [cv2.imread(str(scene / f"{name}.png")) for name in ("frame10", "frame10i11", "frame11")]
        yield Triplet(f"Middlebury {scene.name}", *(np.ascontiguousarray(frame[..., ::-1]) for frame in frames))


# -- measures -------------------------------------------------------------------------------------------------------


def psnr(estimate: NDArray[np.float32], truth: NDArray[np.float32] | Frame) -> float:
    return float(10 * np.log10(255**2 / np.mean((estimate.astype(np.float64) - truth) ** 2)))


def displacement_error(triplet: Triplet, estimate: NDArray[np.float32], part: slice) -> float:
    assert triplet.landmarks is not None
    points = triplet.landmarks[part]
    truth = tracked(triplet.first, triplet.middle, points) if triplet.moved is None else triplet.moved[part]
    found = tracked(triplet.first, estimate, points)
    return float(np.linalg.norm(found - truth, axis=1).mean())


def tracked(first: Frame, other: NDArray[np.float32] | Frame, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far points moved, (points, 2), by Lucas-Kanade in windows of 21 pixels."""
    images = []
    for image in (first, other):
        pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
        images.append(pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 50, 1e-3)
    starts = np.ascontiguousarray(points[:, None], np.float32)
    ends, _, _ = cv2.calcOpticalFlowPyrLK(*images, starts, None, winSize=(21, 21), maxLevel=2, criteria=criteria)
    return (ends - starts)[:, 0]


# -- tables and pictures --------------------------------------------------------------------------------------------


def tabulate(triplets: list[Triplet], methods: dict[str, Method]) -> None:
    estimates = [{name: method(t.first, t.second) for name, method in methods.items()} for t in triplets]
    measures: dict[str, Callable[[Triplet, NDArray[np.float32]], float]] = {"PSNR": lambda t, e: psnr(e, t.middle)}
    if triplets[0].clean is not None:
        measures["PSNR, clean truth"] = lambda t, e: psnr(e, t.clean)
    if triplets[0].landmarks is not None:
        measures |= {
            f"displacement, {name}": lambda t, e, part=part: displacement_error(t, e, part)
            for name, part in PARTS.items()
        }
    groups = defaultdict(list)
    for triplet, made in zip(triplets, estimates, strict=True):
        groups[triplet.source].append((triplet, made))
    everything = [pair for group in groups.values() for pair in group]
    for what, measure in measures.items():
        print(
            f"\n{what}\n{'':32}{'n':>5}"
            + "".join(f"{name:>10}" for name in methods)
            + "   network - DIS    network - average"
        )
        for source, group in [*groups.items(), ("all", everything)]:
            table = np.array([[measure(triplet, made[name]) for name in methods] for triplet, made in group])
            names = list(methods)
            figures = "".join(f"{mean:10.3f}" for mean in table.mean(0))
            gaps = [table[:, names.index("network")] - table[:, names.index(peer)] for peer in ("DIS", "average")]
            spreads = [1.96 * gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else np.nan for gap in gaps]
            ours = "".join(f"   {gap.mean():+.3f} ± {spread:.3f}" for gap, spread in zip(gaps, spreads, strict=True))
            print(f"{source:32}{len(group):5}{figures}{ours}")


def draw(triplets: list[Triplet], methods: dict[str, Method], path: Path) -> None:
    """Truth and estimates at the mouth, and what is left over, eight times amplified; one row a triplet."""
    titles = ["truth", *methods]
    figure, rows = plt.subplots(
        len(triplets), len(titles) + len(methods), figsize=(11, 0.8 * len(triplets) + 0.3), squeeze=False
    )
    for row, triplet in zip(rows, triplets, strict=True):
        assert triplet.landmarks is not None
        low, high = triplet.landmarks[PARTS["mouth"]].min(0) - 14, triplet.landmarks[PARTS["mouth"]].max(0) + 14
        box = np.s_[max(0, int(low[1])) : int(high[1]), max(0, int(low[0])) : int(high[0])]
        truth = (triplet.middle if triplet.clean is None else triplet.clean)[box].astype(np.float32)
        made = [method(triplet.first, triplet.second)[box] for method in methods.values()]
        for axes, picture in zip(row, [truth, *made, *(128 + 8 * (m - truth) for m in made)], strict=True):
            axes.imshow(np.clip(picture, 0, 255).astype(np.uint8), cmap="gray", vmin=0, vmax=255)
            axes.set_xticks([])
            axes.set_yticks([])
        row[0].set_ylabel(triplet.source, fontsize=7)
    for axes, title in zip(rows[0], [*titles, *(f"{name} - truth, × 8" for name in methods)], strict=True):
        axes.set_title(title, fontsize=8)
    figure.tight_layout(pad=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare frame interpolation by the shipped network with its peers.")
    parser.add_argument("--real", type=Path, help="folder with videos/ and interpolation/")
    parser.add_argument("--weights", type=Path, default=SHIPPED, help="other weights of the shipped network's shape")
    parser.add_argument("--pictures", type=Path, help="where to draw")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    network = AdaptiveConvolution.like_shipped(options.weights)
    methods: dict[str, Method] = {"network": network.between, "DIS": warp_half_way, "average": average}
    cohort = list(cohort_triplets())
    tabulate(cohort, methods)
    if options.pictures:
        fastest = sorted(cohort, key=lambda t: -float(np.linalg.norm(t.moved[PARTS["mouth"]], axis=1).mean()))
        chosen = list({t.source: t for t in reversed(fastest)}.values())
        draw(chosen, methods, options.pictures / "interpolation_mouth.png")
    if options.real:
        tabulate(list(video_triplets(options.real)), methods)
        tabulate(list(middlebury_triplets(options.real)), methods)


if __name__ == "__main__":
    main()
