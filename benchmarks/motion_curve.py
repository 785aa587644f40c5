"""How far the key-frames move as their clip does: figure 6 of MERSiamC3D, and its likeness as a number.

    python benchmarks/motion_curve.py [--picture docs/images/motion_curve.png]

The motion of a frame is the mean length of the Farneback flow from the clip's first frame to it, in pixels of the
112 x 112 crop. A clip's curve is taken at the numbers of its key-frames; the figure is Pearson's correlation of it with
the curve of the eleven key-frames, and the mean distance of the two, by each synthesis. The clips are the first of each
subject of the small cohort's high-speed cameras, of a seed that the interpolation network has not seen; onset, apex and
offset are the true ones.
"""

import argparse
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import NDArray

from cdmer.databases.cohort.atlas import paint_atlas
from cdmer.databases.cohort.cameras import camera_of
from cdmer.databases.cohort.identities import draw_identity
from cdmer.databases.cohort.plan import plan_database
from cdmer.databases.cohort.render import Scene
from cdmer.faces.align import align_clip
from cdmer.frames.keyframes import keyframes, plan_keyframes
from cdmer.progress import progress
from cdmer.store.shard import ClipRecord

SEED = 90210
DATABASES = {"smic_hs": "SMIC-HS", "casme2": "CASME II", "samm": "SAMM"}
SYNTHESES = {"average": "averaging", "adaptive_convolution": "the network", "nearest": "recorded frames (TAS)"}
FARNEBACK = (0.5, 3, 15, 3, 5, 1.2, 0)
EYES = {"eye_distance": 0.37, "eye_height": 0.32}  # as the recipe mersiamc3d_112


def clips(database: str) -> list[ClipRecord]:
    """The first clip of each subject, cropped."""
    plan, camera = plan_database(database, "small", SEED), camera_of(database)
    records = []
    for person in progress(plan.subjects, f"cohort {database}"):
        clip = person.clips[0]
        scene = Scene(plan, clip, camera, paint_atlas(draw_identity(person.seed), camera))
        frames = [frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in scene.frames()]
        crops = align_clip(np.stack(frames), scene.landmarks, **EYES)
        facts = {"onset": clip.onset, "apex": clip.apex, "offset": clip.onset + len(crops) - 1}
        records.append(ClipRecord(f"{DATABASES[database]} {clip.name}", crops, facts))
    return records


def motion(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean length of the flow from the first frame to each, pixels."""
    flows = (cv2.calcOpticalFlowFarneback(frames[0], frame, None, *FARNEBACK) for frame in frames)
    return np.array([np.linalg.norm(flow, axis=-1).mean() for flow in flows])


def key_frames(record: ClipRecord, synthesis: str) -> NDArray[np.uint8]:
    made, _ = keyframes(
        record, length=11, synthesis=synthesis, rounding="half_up", apex="annotated", apex_otherwise="error"
    )
    return made


def likeness(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """Correlation of two curves, and their mean distance in pixels."""
    return float(np.corrcoef(one, other)[0, 1]), float(np.abs(one - other).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description="The motion of key-frames beside that of their clip.")
    parser.add_argument("--picture", type=Path, help="the PNG to draw")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    print("| | clips | " + " | ".join(SYNTHESES.values()) + " |\n|---|---|" + "---|" * len(SYNTHESES))
    every: list[NDArray[np.float64]] = []
    shown, fall = None, 0.0  # the clip that comes to rest the most after its apex: others drift on with their head
    for database, title in DATABASES.items():
        figures = []
        for record in clips(database):
            last = len(record.frames) - 1
            times = list(plan_keyframes(0, record["apex"] - record["onset"], last).times)
            whole = motion(record.frames)
            made = {synthesis: motion(key_frames(record, synthesis)) for synthesis in SYNTHESES}
            figures.append(
                [
                    (np.corrcoef(whole[times], curve)[0, 1], np.abs(whole[times] - curve).mean())
                    for curve in made.values()
                ]
            )
            rest = whole[record["apex"] - record["onset"]] - whole[-1]
            if database == "casme2" and (shown is None or rest > fall):
                shown, fall = (record, times, whole, made), rest
        every += figures
        print(_row(title, figures))
    print(_row("all", every))
    if options.picture and shown:
        draw(*shown, options.picture)


def _row(title: str, figures: list) -> str:
    mean = np.mean(figures, 0)
    return f"| {title} | {len(figures)} | " + " | ".join(f"{r:.3f} ({away:.3f} px)" for r, away in mean) + " |"


def draw(record: ClipRecord, times: list[int], whole: NDArray, made: dict[str, NDArray], path: Path) -> None:
    figure, (above, *below) = plt.subplots(1, 1 + len(made), figsize=(11, 2.6), sharey=True)
    onset = record["onset"]
    above.plot(np.arange(len(whole)) + onset, whole, color="0.3")
    above.plot(np.array(times) + onset, whole[times], "o", color="0.3", markersize=3)
    above.set_title(f"the clip ({record.name})", fontsize=9)
    above.set_ylabel("mean flow from the onset, px", fontsize=8)
    for axes, (synthesis, curve) in zip(below, made.items(), strict=True):
        axes.plot(np.array(times) + onset, whole[times], color="0.7", label="the clip")
        axes.plot(np.array(times) + onset, curve, "o-", color="C0", markersize=3, label="key-frames")
        axes.set_title(f"key-frames by {SYNTHESES[synthesis]}", fontsize=9)
    below[0].legend(fontsize=7)
    for axes in (above, *below):
        axes.set_xlabel("frame", fontsize=8)
        axes.tick_params(labelsize=7)
    figure.tight_layout(pad=0.5)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
