"""Clips with a known course: the synthetic cohort's, cropped as the faces stage crops them, and simple made-up ones."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift


@dataclass(frozen=True)
class Filmed:
    crops: np.ndarray  # (frames, 112, 112)
    landmarks: np.ndarray  # (68, 2), crop pixels
    onset: int  # indices
    apex: int
    offset: int
    fps: int


def _film(database, number, *, seed=5, head_motion=True, blinks=True, rest=0.0):
    """The `number`-th clip of the paper-size cohort, with so many seconds before the onset and after the offset."""
    from cdmer.databases.cohort.atlas import paint_atlas
    from cdmer.databases.cohort.cameras import camera_of
    from cdmer.databases.cohort.identities import draw_identity
    from cdmer.databases.cohort.plan import plan_database
    from cdmer.databases.cohort.render import Scene
    from cdmer.faces.align import align_clip, eye_transform

    plan = plan_database(database, "paper", seed, head_motion=head_motion, blinks=blinks)
    person, clip = [(person, clip) for person in plan.subjects for clip in person.clips][number]
    camera = camera_of(database)
    more = round(rest * camera.fps)
    scene = Scene(plan, clip, camera, paint_atlas(draw_identity(person.seed), camera), (more, more))
    frames = [frame if frame.ndim == 2 else frame.mean(-1).round().astype(np.uint8) for frame in scene.frames()]
    matrix = eye_transform(scene.landmarks)
    return Filmed(
        align_clip(np.stack(frames), scene.landmarks),
        scene.landmarks @ matrix[:, :2].T + matrix[:, 2],
        more,
        more + clip.apex - clip.onset,
        more + clip.n_frames - 1,
        camera.fps,
    )


@pytest.fixture(scope="session")
def film():
    return _film


@pytest.fixture(scope="session")
def filmed():
    """A few clips of two cameras, with heads that move and eyes that blink."""
    return [_film("casme2", number) for number in (3, 90)] + [_film("smic_hs", 100)]


def _texture(seed=0, side=112):
    rng = np.random.default_rng(seed)
    return 40 * gaussian_filter(rng.standard_normal((side, side)), 2) / 0.14 + 128


def _moving_mouth(course, drift=0.0, seed=0, noise=1.0, at=(56, 86), size=9):
    """A textured face whose mouth region, or another, goes down by `course` pixels, all by `drift` a frame."""
    image = _texture(seed)
    y, x = np.mgrid[:112, :112]
    weight = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * size**2))
    frames = []
    for time, amount in enumerate(course):
        moved = image - amount * weight * np.gradient(image, axis=0)  # first order: amounts are below a pixel
        frames.append(shift(moved, (drift * time, 0), order=1, mode="nearest"))
    grain = np.random.default_rng(seed + 1).normal(0, noise, (len(course), 112, 112))
    return np.clip(np.stack(frames) + grain, 0, 255).round().astype(np.uint8)


@pytest.fixture(scope="session")
def texture():
    return _texture()


@pytest.fixture(scope="session")
def moving_mouth():
    return _moving_mouth
