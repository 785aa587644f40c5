"""How skin moves for each facial action unit: smooth displacement fields anchored to landmarks.

Action units follow Ekman, Friesen and Hager, *Facial Action Coding System* (2002). Each is a few pulls: skin around an
anchor moves in a direction, fastest at the anchor, not at all beyond a radius. Lengths are in units of the distance
between the eyes; directions are outward (away from the middle of the face) and up. Fields live on a coarse grid
(`Camera.grid`); the field between its points is, by definition, their bicubic interpolation.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cdmer.databases.cohort.cameras import Camera
from cdmer.databases.cohort.pictures import resized
from cdmer.databases.cohort.plan import ActionUnit
from cdmer.databases.cohort.portraits import MIRRORED

Field = NDArray[np.float32]  # (rows, columns, 2): x then y


@dataclass(frozen=True)
class _Pull:
    landmarks: tuple[int, ...]  # the anchor is their mean; numbers of the subject's right side, or of the middle
    offset: tuple[float, float]  # of the anchor: outward, up
    direction: tuple[float, float]  # outward, up
    reach: tuple[float, float]  # radius across and along the face
    middle: bool = False  # one pull in the middle instead of one a side


_ACTION_UNITS: dict[int, tuple[_Pull, ...]] = {
    1: (_Pull((20, 21), (0.0, 0.05), (-0.10, 1.0), (0.55, 0.43)),),  # inner brow raiser
    2: (_Pull((17, 18), (0.0, 0.05), (0.10, 1.0), (0.55, 0.43)),),  # outer brow raiser
    4: (  # brow lowerer
        _Pull((20, 21), (0.0, 0.0), (-0.55, -0.80), (0.50, 0.50)),
        _Pull((18, 19), (0.0, 0.0), (-0.20, -0.45), (0.50, 0.45)),
    ),
    5: (_Pull((37, 38), (0.0, 0.0), (0.0, 0.75), (0.40, 0.22)),),  # upper lid raiser
    6: (  # cheek raiser
        _Pull((40, 41), (0.05, -0.38), (-0.15, 0.80), (0.60, 0.45)),
        _Pull((36,), (0.15, -0.02), (-0.50, -0.10), (0.32, 0.36)),
    ),
    7: (  # lid tightener
        _Pull((40, 41), (0.0, 0.0), (-0.05, 0.65), (0.42, 0.26)),
        _Pull((37, 38), (0.0, 0.0), (0.0, -0.25), (0.40, 0.20)),
    ),
    9: (  # nose wrinkler
        _Pull((31,), (0.05, 0.12), (-0.05, 0.90), (0.40, 0.50)),
        _Pull((39,), (-0.10, 0.10), (-0.20, -0.50), (0.40, 0.40)),
        _Pull((50,), (0.0, 0.0), (0.0, 0.35), (0.35, 0.30)),
    ),
    10: (  # upper lip raiser
        _Pull((49, 50), (0.0, 0.03), (0.05, 0.90), (0.40, 0.35)),
        _Pull((31,), (0.12, -0.02), (0.10, 0.45), (0.35, 0.40)),
    ),
    12: (  # lip corner puller
        _Pull((48,), (0.0, 0.0), (0.75, 0.70), (0.55, 0.50)),
        _Pull((48,), (0.18, 0.35), (0.25, 0.50), (0.50, 0.45)),
    ),
    14: (_Pull((48,), (0.05, 0.0), (0.90, 0.10), (0.38, 0.35)),),  # dimpler
    15: (_Pull((48,), (0.0, -0.05), (0.10, -0.95), (0.45, 0.45)),),  # lip corner depressor
    17: (  # chin raiser
        _Pull((8, 57), (0.0, 0.0), (0.0, 0.95), (0.60, 0.45), middle=True),
        _Pull((57,), (0.0, 0.0), (0.0, 0.45), (0.50, 0.25), middle=True),
    ),
    20: (_Pull((48,), (0.0, 0.0), (0.95, -0.15), (0.55, 0.45)),),  # lip stretcher
    25: (  # lips part
        _Pull((57, 66), (0.0, 0.0), (0.0, -0.85), (0.60, 0.35), middle=True),
        _Pull((51, 62), (0.0, 0.0), (0.0, 0.30), (0.50, 0.20), middle=True),
    ),
}
ACTION_UNIT_NUMBERS = tuple(_ACTION_UNITS)
_EYES = (_Pull((36, 39), (0.0, 0.0), (1.0, 0.0), (0.55, 0.45)),)
_MOUTH = (_Pull((48, 54), (0.0, 0.0), (1.0, 0.0), (0.75, 0.55), middle=True),)
_INTENSITY = {"": 1.0, "A": 0.8, "B": 1.0, "C": 1.2, "D": 1.4, "E": 1.6}


def expression_field(units: tuple[ActionUnit, ...], landmarks: NDArray[np.float64], camera: Camera) -> Field:
    """The displacement of the skin at full expression, scaled so that its fastest point moves one pixel.

    Parameters
    ----------
    units
        The action units that move together.
    landmarks
        (68, 2), pixels, of the face at rest.
    camera
        Whose grid to use.
    """
    face = _Face(landmarks, camera)
    field = np.zeros_like(face.grid)
    for unit in units:
        for pull in _ACTION_UNITS[unit.number]:
            field += np.float32(_INTENSITY[unit.intensity]) * face.pulled(pull, unit.side)
    return np.asarray(field / np.linalg.norm(field, axis=-1).max(), np.float32)


def restless_fields(landmarks: NDArray[np.float64], camera: Camera, turn: tuple[float, float]) -> tuple[Field, Field]:
    """Small motions around the eyes and of the mouth that mean nothing, peak one pixel, along angles `turn` (rad)."""
    face = _Face(landmarks, camera)
    fields = []
    for (pull,), angle in zip((_EYES, _MOUTH), turn, strict=True):
        field = face.pulled(_Pull(pull.landmarks, pull.offset, (1.0, 0.0), pull.reach, middle=True), "")
        if not pull.middle:  # both eyes look the same way
            field = face.shared(pull)
        size = np.linalg.norm(field, axis=-1)
        fields.append(np.stack([size * np.cos(angle), size * np.sin(angle)], -1).astype(np.float32))
    return fields[0], fields[1]


def head_fields(landmarks: NDArray[np.float64], camera: Camera) -> tuple[Field, Field, Field]:
    """One pixel right, one pixel down, one radian clockwise about the nose; shoulders and wall stay."""
    grid = grid_points(camera)
    width = float(np.linalg.norm(landmarks[16] - landmarks[0]))
    centre = landmarks[27:36].mean(0)
    away = np.hypot((grid[..., 0] - centre[0]) / 1.0, (grid[..., 1] - centre[1]) / 1.2) / width
    t = ((1.55 - away) / (1.55 - 0.85)).clip(0, 1)
    weight = t * t * (3 - 2 * t)
    right = np.stack([weight, np.zeros_like(weight)], -1)
    down = np.stack([np.zeros_like(weight), weight], -1)
    turn = np.stack([-(grid[..., 1] - centre[1]), grid[..., 0] - centre[0]], -1) * weight[..., None]
    return right.astype(np.float32), down.astype(np.float32), turn.astype(np.float32)


def grid_points(camera: Camera) -> Field:
    """The picture coordinates of the grid, (rows, columns, 2)."""
    step = camera.grid
    columns, rows = (
        np.arange(n // step, dtype=np.float32) * step + (step - 1) / 2 for n in (camera.width, camera.height)
    )
    return np.stack(np.meshgrid(columns, rows), -1)


def dense(field: Field, width: int, height: int) -> Field:
    """A field on every pixel, (height, width, 2): the bicubic interpolation of its grid."""
    return resized(field, width, height, cv2.INTER_CUBIC)


class _Face:
    """A face's own axes and unit, and the grid that its fields live on."""

    def __init__(self, landmarks: NDArray[np.float64], camera: Camera) -> None:
        right, left = landmarks[36:42].mean(0), landmarks[42:48].mean(0)
        self.landmarks = landmarks
        self.unit = float(np.linalg.norm(left - right))
        self.across = (left - right) / self.unit  # towards the subject's left: to the right of the picture
        self.up = np.array([self.across[1], -self.across[0]])
        self.grid = grid_points(camera)

    def pulled(self, pull: _Pull, side: str) -> Field:
        """The field of one pull, on the given side or both."""
        if pull.middle:
            return self._bump(self.landmarks[list(pull.landmarks)].mean(0), pull, outward=self.across)
        field = np.zeros_like(self.grid)
        if side != "L":
            field += self._bump(self.landmarks[list(pull.landmarks)].mean(0), pull, outward=-self.across)
        if side != "R":
            field += self._bump(self.landmarks[MIRRORED[list(pull.landmarks)]].mean(0), pull, outward=self.across)
        return field

    def shared(self, pull: _Pull) -> Field:
        """Both sides of a pull, moving the same way instead of as mirror images."""
        sides = (self.landmarks[list(pull.landmarks)], self.landmarks[MIRRORED[list(pull.landmarks)]])
        return np.asarray(sum(self._bump(side.mean(0), pull, outward=self.across) for side in sides), np.float32)

    def _bump(self, anchor: NDArray[np.float64], pull: _Pull, outward: NDArray[np.float64]) -> Field:
        centre = anchor + self.unit * (pull.offset[0] * outward + pull.offset[1] * self.up)
        away = (self.grid - centre) / self.unit
        across, along = away @ self.across / pull.reach[0], away @ self.up / pull.reach[1]
        weight = np.maximum(0.0, 1 - across**2 - along**2) ** 3
        direction = pull.direction[0] * outward + pull.direction[1] * self.up
        return np.asarray(weight[..., None] * direction, np.float32)
