"""Triplets of frames to learn interpolation from: two that are given, and the recorded one half-way between them.

Two kinds: recorded, the frames t - k, t and t + k of a clip (of the synthetic cohort, of the user's own databases, of
videos); and moved, a still picture set in motion. Neither needs a label.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from cdmer.databases.cohort.atlas import paint_atlas
from cdmer.databases.cohort.cameras import camera_of
from cdmer.databases.cohort.identities import draw_identity
from cdmer.databases.cohort.pictures import sampled
from cdmer.databases.cohort.plan import plan_database
from cdmer.databases.cohort.render import Scene
from cdmer.progress import progress

Triplet = NDArray[np.float32]  # (3, height, width, 3): first, middle, second; RGB, grey levels
Stills = Sequence[Sequence[NDArray[np.uint8]]]  # groups of pictures, each group as likely as another

# Photographs that come with scikit-image, each in the public domain or under CC0.
PHOTOGRAPHS = ("astronaut", "brick", "camera", "chelsea", "coffee", "grass", "gravel", "rocket")
_SECONDS = 0.075  # a micro-expression is near to linear in time over twice as long
_MARGIN = 0.25  # of the face's width, around its landmarks


@dataclass(frozen=True)
class Footage:
    """A clip to take triplets from."""

    frames: NDArray[np.uint8]  # (frames, height, width) or (frames, height, width, 3)
    largest_step: int  # k is 1 to this

    def __post_init__(self) -> None:
        if len(self.frames) < 3 or self.largest_step < 1:
            raise ValueError(f"{len(self.frames)} frames and steps up to {self.largest_step} hold no triplet")


def cohort_footage(database: str, size: str, seed: int) -> list[Footage]:
    """The faces of one database of the synthetic cohort, as its camera records them."""
    plan, camera = plan_database(database, size, seed), camera_of(database)
    footage = []
    for person in progress(plan.subjects, f"cohort {database}", unit="subject"):
        atlas = paint_atlas(draw_identity(person.seed), camera)
        for clip in person.clips:
            scene = Scene(plan, clip, camera, atlas)
            box = face_box(scene.landmarks, camera.width, camera.height)
            frames = np.stack([frame[box].copy() for frame in scene.frames()])
            footage.append(Footage(frames, max(1, int(_SECONDS * camera.fps))))
    return footage


def face_box(landmarks: NDArray[np.float64], width: int, height: int) -> tuple[slice, slice]:
    """Rows and columns around a face's landmarks, inside the picture."""
    margin = _MARGIN * float(np.ptp(landmarks[:, 0]))
    (x0, y0), (x1, y1) = landmarks.min(0) - margin, landmarks.max(0) + margin
    return slice(max(0, int(y0)), min(height, int(y1))), slice(max(0, int(x0)), min(width, int(x1)))


def draw_recorded(footage: Sequence[Footage], side: int, rng: np.random.Generator) -> Triplet:
    """A triplet of frames t - k, t, t + k of a random clip, at a random place; no larger than the clip."""
    source = footage[int(rng.integers(len(footage)))]
    count, height, width = source.frames.shape[:3]
    step = int(rng.integers(1, min(source.largest_step, (count - 1) // 2) + 1))
    middle = int(rng.integers(step, count - step))
    rows, columns = min(side, height), min(side, width)
    top, left = int(rng.integers(0, height - rows + 1)), int(rng.integers(0, width - columns + 1))
    taken = source.frames[middle - step : middle + step + 1 : step, top : top + rows, left : left + columns]
    return _in_color(taken.astype(np.float32), has_channels=source.frames.ndim == 4)


def photographs() -> list[NDArray[np.uint8]]:
    """The pictures of `PHOTOGRAPHS`, (height, width[, 3])."""
    return [np.asarray(getattr(skimage.data, name)(), np.uint8) for name in PHOTOGRAPHS]


def draw_moved(stills: Stills, side: int, rng: np.random.Generator) -> Triplet:
    """A triplet of a still picture, half the time with a part of another one before it, both moving steadily.

    All three frames are resampled, so that none is sharper than the others. The outer two have a camera's noise; the
    middle one, which is only ever compared with, has none.
    """
    motion = _motion(side, rng)
    frames = _moving(_any_of(stills, rng), side, motion, rng)
    if rng.random() < 0.5:
        own = _motion(side, rng)
        front = _moving(_any_of(stills, rng), side, own, rng)
        mask = _moving_mask(side, own, rng)
        frames = mask * front + (1 - mask) * frames
    return _filmed(frames, rng)


def augmented(triplet: Triplet, rng: np.random.Generator) -> Triplet:
    """Played backwards, mirrored and turned by quarters, each as likely as not."""
    for axis in (0, 1, 2):
        if rng.random() < 0.5:
            triplet = np.flip(triplet, axis)
    return triplet.swapaxes(1, 2) if rng.random() < 0.5 else triplet


def _in_color(frames: NDArray[np.float32], has_channels: bool) -> NDArray[np.float32]:
    return frames if has_channels else np.repeat(frames[..., None], 3, axis=-1)


def _any_of(stills: Stills, rng: np.random.Generator) -> NDArray[np.float32]:
    group = stills[int(rng.integers(len(stills)))]
    return group[int(rng.integers(len(group)))].astype(np.float32)


def _moving(
    still: NDArray[np.float32], side: int, motion: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Three frames (3, side, side, 3) of a part of a picture, turned and scaled, in steady motion."""
    scale, angle = rng.uniform(0.5, 1.1), rng.uniform(0, 2 * np.pi)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    height, width = still.shape[:2]
    reach = min(0.75 * side * scale, height / 2, width / 2)
    centre = np.array([rng.uniform(reach, width - reach), rng.uniform(reach, height - reach)])
    frames = np.stack([_taken(still, (_points(side) + t * motion) @ turn.T + centre) for t in (-1, 0, 1)])
    return _in_color(frames, has_channels=still.ndim == 3)


def _taken(image: NDArray[np.float32], lookup: NDArray[np.float64]) -> NDArray[np.float32]:
    return sampled(image, lookup.astype(np.float32), cv2.INTER_CUBIC, cv2.BORDER_REFLECT)


def _points(side: int) -> NDArray[np.float64]:
    axis = np.arange(side) - (side - 1) / 2
    return np.stack(np.meshgrid(axis, axis), -1)


def _motion(side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """How far points move from one frame to the next, (side, side, 2): a shift, a turn or zoom, and a soft field.

    Speeds are spread evenly over orders of magnitude, from a fifth of a pixel to five.
    """
    speed = 10 ** rng.uniform(np.log10(0.2), np.log10(5))
    direction = rng.uniform(0, 2 * np.pi)
    shift = speed * rng.random() * np.array([np.cos(direction), np.sin(direction)])
    linear = rng.normal(0, 0.15 * speed / side, (2, 2))
    coarse = rng.normal(0, 0.4 * speed, (rng.integers(2, 7), rng.integers(2, 7), 2))
    soft = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(shift + _points(side) @ linear.T + soft)


def _moving_mask(side: int, motion: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float32]:
    """(3, side, side, 1): a blob with a soft edge, 1 inside, that moves with what it shows."""
    blob = cv2.resize(rng.normal(0, 1, (6, 6)), (2 * side, 2 * side), interpolation=cv2.INTER_CUBIC)
    edge = (40 * blob).clip(0, 1).astype(np.float32)
    masks = np.stack([_taken(edge, _points(side) + side + t * motion)[..., None] for t in (-1, 0, 1)])
    return masks.clip(0, 1)


def _filmed(scene: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Light, then a camera's noise and rounding on the first and the last frame; a quarter of the cameras are grey."""
    scene = scene * np.float32(rng.uniform(0.5, 1.1)) + np.float32(rng.uniform(-10, 30))
    grey = rng.random() < 0.25
    if grey:
        scene = scene.mean(-1)
    noise = rng.standard_normal((2, *scene.shape[1:]), np.float32) * np.float32(rng.uniform(0, 3))
    scene[::2] = np.rint(scene[::2] + noise)
    return _in_color(scene.clip(0, 255), has_channels=not grey)
