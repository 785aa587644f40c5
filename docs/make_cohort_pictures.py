"""Draw the pictures of the synthetic cohort that the user guide shows: ``python docs/make_cohort_pictures.py``."""

from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cdmer.databases.cohort.atlas import paint_atlas
from cdmer.databases.cohort.cameras import camera_of
from cdmer.databases.cohort.expressions import dense
from cdmer.databases.cohort.identities import draw_identity
from cdmer.databases.cohort.plan import plan_database
from cdmer.databases.cohort.render import Scene

IMAGES = Path(__file__).parent / "images"
TITLES = {
    "smic_hs": "SMIC-HS, 100 fps",
    "smic_vis": "SMIC-VIS, 25 fps",
    "smic_nir": "SMIC-NIR, 25 fps",
    "casme2": "CASME II, 200 fps",
    "samm": "SAMM, 200 fps",
}
ROWS = (  # database, subject, which clip of which emotion
    ("smic_hs", "s3", "surprise", 0),
    ("smic_nir", "s20", "positive", 0),
    ("casme2", "sub05", "disgust", 0),
    ("samm", "006", "Happiness", 0),
)
CAMERAS = (("smic_hs", "s14"), ("smic_vis", "s14"), ("smic_nir", "s14"), ("casme2", "sub02"), ("samm", "006"))
GAIN = 8


def scene_of(database: str, subject: str, emotion: str, index: int, *, still: bool = False) -> Scene:
    """The `index`-th clip of that emotion in the small cohort of seed 0; `still`: the expression and nothing else."""
    plan = plan_database(database, "small", 0, not still, not still, 0.0 if still else 1.0)
    person, camera = plan.subject(subject), camera_of(database)
    clip = [clip for clip in person.clips if clip.emotion == emotion][index]
    return Scene(plan, clip, camera, paint_atlas(draw_identity(person.seed), camera))


def rgb(image: NDArray[np.generic]) -> NDArray[np.float32]:
    """Any picture of the cohort as float RGB from 0 to 1."""
    colour = np.asarray(image, np.float32) / np.float32(255)
    return np.asarray(colour if colour.ndim == 3 else np.repeat(colour[..., None], 3, axis=2), np.float32)


def amplified(first: NDArray[np.generic], second: NDArray[np.generic]) -> NDArray[np.float32]:
    """The change from `first` to `second`, `GAIN` times, around mid-grey."""
    change = np.asarray(second, np.float32).reshape(*second.shape[:2], -1).mean(2)
    change -= np.asarray(first, np.float32).reshape(*first.shape[:2], -1).mean(2)
    return rgb((127.5 + GAIN * change).clip(0, 255))


def coloured(flow: NDArray[np.float32], peak: float) -> NDArray[np.float64]:
    """Direction as hue, speed as saturation, rest as white."""
    angle = np.arctan2(-flow[..., 1], flow[..., 0]) / (2 * np.pi) % 1
    speed = (np.linalg.norm(flow, axis=-1) / peak).clip(0, 1)
    return np.asarray(hsv_to_rgb(np.stack([angle, speed, np.ones_like(angle)], -1)))


def show(axes: Axes, picture: NDArray[np.floating], scene: Scene) -> None:
    """The face's surroundings of a picture."""
    centre, width = scene.landmarks.mean(0), scene.camera.face_width
    left, top = np.maximum(centre - np.array([0.78, 0.92]) * width, 0).astype(int)
    right, bottom = (centre + np.array([0.78, 0.70]) * width).astype(int)
    axes.imshow(picture[top:bottom, left:right], interpolation="antialiased", aspect="equal")
    bare(axes)


def bare(axes: Axes) -> None:
    """No ticks, no frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def draw_onset_apex() -> None:
    """One clip of four cameras: onset, apex, what changed, and the true motion."""
    figure, grid = plt.subplots(len(ROWS), 5, figsize=(8.6, 7.4), dpi=100)
    names = ("onset", "apex", f"recorded change × {GAIN}", f"expression alone × {GAIN}", "true flow")
    for axes, name in zip(grid[0], names, strict=True):
        axes.set_title(name, fontsize=9)
    for row, (database, subject, emotion, index) in zip(grid, ROWS, strict=True):
        scene = scene_of(database, subject, emotion, index)
        still = scene_of(database, subject, emotion, index, still=True)
        apex = scene.clip.apex - scene.clip.onset
        frames = list(scene.frames())
        flow = dense(scene.expression, scene.camera.width, scene.camera.height)
        faint = 0.75 + 0.25 * rgb(frames[0]).mean(2, keepdims=True)
        pictures: tuple[NDArray[np.floating], ...] = (
            rgb(frames[0]), rgb(frames[apex]), amplified(frames[0], frames[apex]),
            amplified(still.seen(0), still.seen(apex)), faint * coloured(flow, scene.clip.amplitude),
        )  # fmt: skip
        for axes, picture in zip(row, pictures, strict=True):
            show(axes, picture, scene)
        label = (
            f"{TITLES[database]}\n{emotion.lower()}, AU {scene.clip.action_units}\npeak {scene.clip.amplitude:.1f} px"
        )
        row[0].set_ylabel(label, fontsize=8)
    figure.subplots_adjust(left=0.085, right=0.99, top=0.965, bottom=0.06, wspace=0.03, hspace=0.04)
    key = figure.add_axes((0.905, 0.002, 0.05, 0.055))
    x, y = np.meshgrid(np.linspace(-1, 1, 101), np.linspace(-1, 1, 101))
    wheel = coloured(np.dstack([x, y]).astype(np.float32), 1.0)
    wheel[np.hypot(x, y) > 1] = 1
    key.imshow(wheel)
    bare(key)
    figure.text(0.90, 0.028, "hue: direction\nsaturation: speed", fontsize=7, ha="right", va="center")
    save(figure, IMAGES / "cohort_onset_apex.png")


def draw_cameras() -> None:
    """Whole onset frames: one person through three cameras, and the other two databases."""
    sizes = [camera_of(database).width / camera_of(database).height for database, _ in CAMERAS]
    figure, row = plt.subplots(1, 5, figsize=(12, 2.05), dpi=100, width_ratios=sizes)
    for axes, (database, subject) in zip(row, CAMERAS, strict=True):
        emotion = plan_database(database, "small", 0).subject(subject).clips[0].emotion
        scene = scene_of(database, subject, emotion, 0)
        axes.imshow(rgb(next(scene.frames())), interpolation="antialiased")
        axes.set_title(f"{TITLES[database].split(',')[0]} {subject}", fontsize=8)
        bare(axes)
    figure.subplots_adjust(left=0.005, right=0.995, top=0.87, bottom=0.01, wspace=0.02)
    save(figure, IMAGES / "cohort_cameras.png")


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, without the time of day."""
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


if __name__ == "__main__":
    draw_onset_apex()
    draw_cameras()
