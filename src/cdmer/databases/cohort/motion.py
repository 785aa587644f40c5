"""What a face does in a clip, frame by frame: expression, head, eyelids and restlessness as curves in time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cdmer.databases.cohort.cameras import Camera
from cdmer.databases.cohort.plan import ClipPlan, DatabasePlan

Curve = NDArray[np.float64]

_HEAD_DRIFT = 0.0033  # of the face's width
_HEAD_TURN = np.deg2rad(0.3)
_RESTLESS = 0.0008  # of the face's width
_BLINK_SHARE = 0.35  # of the clips
_CLOSING, _OPENING = 0.08, 0.14  # seconds


@dataclass(frozen=True)
class Pose:
    """Where the subject sits in this clip, against the neutral face of the atlas."""

    shift: tuple[float, float]  # pixels
    turn: float  # radians, clockwise in the picture
    zoom: float

    def matrix(self, centre: NDArray[np.float64]) -> NDArray[np.float64]:
        """(2, 3): neutral pixels to clip pixels, turning and zooming about `centre`."""
        cos, sin = self.zoom * np.cos(self.turn), self.zoom * np.sin(self.turn)
        linear = np.array([[cos, -sin], [sin, cos]])
        return np.column_stack([linear, centre + self.shift - linear @ centre])


@dataclass(frozen=True)
class Motion:
    """The curves of one clip; every array has one row a frame, and all start at rest."""

    pose: Pose
    intensity: Curve  # (frames,): 0 at onset, 1 at apex
    head: Curve  # (frames, 3): right and down in pixels, clockwise in radians
    lids: Curve  # (frames,): 0 open, 1 closed
    restless: Curve  # (frames, 2): eyes and mouth, pixels
    restless_turn: tuple[float, float]  # the directions of those, radians


def draw_motion(
    plan: DatabasePlan, clip: ClipPlan, camera: Camera, spectacles: bool = False, rest: tuple[int, int] = (0, 0)
) -> Motion:
    """The motion of `clip`, from its event's seed and the clock: cameras that film one event agree.

    Who wears `spectacles` does not blink: the rim touches the lid, and would move with it. `rest`: so many frames are
    filmed before the onset and after the offset too, in which the head drifts on and half of the faces blink.
    """
    rng = np.random.default_rng([clip.seed, 4])
    times = np.arange(-rest[0], clip.n_frames + rest[1]) / clip.fps
    apex = (clip.apex - clip.onset) / clip.fps
    width = camera.face_width
    pose = Pose(
        (float(rng.uniform(-0.05, 0.05)) * width, float(rng.uniform(-0.03, 0.03)) * width),
        float(rng.normal(0.0, 0.012)),
        float(rng.uniform(0.985, 1.015)),
    )
    intensity = _intensity(times, apex, clip.seconds, rng)
    head = np.stack([_drift(times, clip.seconds, rng) for _ in range(3)], 1)
    head *= np.array([_HEAD_DRIFT * width, 0.7 * _HEAD_DRIFT * width, _HEAD_TURN]) * plan.head_motion
    lids = _blink(times, apex, clip.seconds, rng)
    lids = np.maximum(lids, _blinks_at_rest(times, clip.seconds, clip.seed)) * (plan.blinks and not spectacles)
    restless = np.stack([_drift(times, 0.5 * clip.seconds, rng) for _ in range(2)], 1)
    restless *= _RESTLESS * width * plan.blinks
    turn = (float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0, 2 * np.pi)))
    return Motion(pose, intensity, head, lids, restless, turn)


def _intensity(times: Curve, apex: float, end: float, rng: np.random.Generator) -> Curve:
    """Up from 0 at onset to 1 at the apex, down to a small rest at the offset, smooth throughout."""
    haste, relief, rest = rng.uniform(0.85, 1.2), rng.uniform(0.85, 1.2), rng.uniform(0.04, 0.16)
    rise = (1 - np.cos(np.pi * (times / apex).clip(0, 1) ** haste)) / 2
    fall = (1 + np.cos(np.pi * ((times - apex) / (end - apex)).clip(0, 1) ** relief)) / 2
    return np.where(times <= apex, rise, rest + (1 - rest) * fall)


def _drift(times: Curve, period: float, rng: np.random.Generator) -> Curve:
    """A slow wander from 0, seldom beyond 1: two sines of less than a cycle over the period."""
    total = np.zeros_like(times)
    for size in (rng.uniform(0.3, 0.8), rng.uniform(0.1, 0.3)):
        phase, cycles = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.7)
        total += size * (np.sin(2 * np.pi * cycles * times / period + phase) - np.sin(phase))
    return total


def _blink(times: Curve, apex: float, end: float, rng: np.random.Generator) -> Curve:
    """Lids of a third of the clips close and open once, never at the onset or the apex."""
    blinks, place, deep = rng.random() < _BLINK_SHARE, rng.random(), rng.uniform(0.85, 1.0)
    whole = _CLOSING + _OPENING
    first, last = (0.0, apex - whole) if apex > 1.2 * whole and place < 0.5 else (apex, max(apex, end - 0.75 * whole))
    start = first + (2 * place % 1) * (last - first)
    return np.asarray(_shut(times - start) * deep * blinks)


def _blinks_at_rest(times: Curve, end: float, seed: int) -> Curve:
    """One blink before the onset and one after the offset, each in half of the recordings that last long enough."""
    rng = np.random.default_rng([seed, 6])
    lids = np.zeros_like(times)
    for first, last in ((times[0], 0.0), (end, times[-1])):
        blinks, place, deep = rng.random() < 0.5, rng.random(), rng.uniform(0.85, 1.0)
        room = last - first - _CLOSING - _OPENING
        if blinks and room > 0:
            lids = np.maximum(lids, _shut(times - first - place * room) * deep)
    return lids


def _shut(times: Curve) -> Curve:
    """Lids that close once, from time 0 on."""
    closing = (times / _CLOSING).clip(0, 1)
    opening = ((times - _CLOSING) / _OPENING).clip(0, 1)
    return np.asarray((1 - np.cos(np.pi * closing)) / 2 - (1 - np.cos(np.pi * opening)) / 2)
