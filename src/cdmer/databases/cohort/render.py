"""Frames of a subject, and what is true of them.

A frame is one resampling of the subject's atlas. A point p of the face at rest goes to p + D(p), where D is the sum of
the expression, head and restless fields, each times its curve; the map that a frame needs is the inverse, found by
fixed-point iteration. At the onset all curves are 0, so D at the apex is the true optical flow from onset to apex.
Eyelids close on top of that, on frames that are neither onset nor apex.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cdmer.databases.cohort.atlas import SCALE, Atlas, paint_atlas
from cdmer.databases.cohort.cameras import Camera, camera_of
from cdmer.databases.cohort.expressions import Field, dense, expression_field, head_fields, restless_fields
from cdmer.databases.cohort.identities import draw_identity
from cdmer.databases.cohort.layouts import clip_folder, frame_name, subject_folder
from cdmer.databases.cohort.motion import Motion, draw_motion
from cdmer.databases.cohort.pictures import sampled
from cdmer.databases.cohort.plan import ClipPlan, DatabasePlan
from cdmer.databases.cohort.quirks import litter, lost_frames
from cdmer.databases.cohort.truth import write_truth
from cdmer.errors import CdmerError
from cdmer.files import whole_folder
from cdmer.progress import progress

_ROUNDS = 4  # of the inversion; a round divides the error by ten
_MARGIN = 64  # the pool of noise is larger than a frame by this


def render_subject(plan: DatabasePlan, subject: str, folder: str | Path, truth: str | Path) -> None:
    """Write the frames of one subject of a planned database, then the ground truth of its clips.

    Parameters
    ----------
    plan
        From `plan_database`.
    subject
        One of its subjects, by canonical id.
    folder
        The cohort's folder; frames go to the subject's own in it (`layouts.subject_folder`), whole or not at all.
    truth
        The HDF5 file to write last.

    Raises
    ------
    CdmerError
        The plan has no such subject, a portrait is absent, or a frame cannot be written.
    """
    person = plan.subject(subject)
    camera = camera_of(plan.database)
    atlas = paint_atlas(draw_identity(person.seed), camera)
    known: dict[str, dict[str, Any]] = {}
    with whole_folder(Path(folder) / subject_folder(plan.database, subject, plan.quirks)) as partial:
        for clip in progress(person.clips, f"{plan.database} {subject}"):
            scene = Scene(plan, clip, camera, atlas)
            place = partial / clip_folder(plan.database, subject, clip, plan.quirks)
            place.mkdir(parents=True)
            lost = lost_frames(plan, clip)
            for number, frame in enumerate(scene.frames(), start=clip.onset):
                if number not in lost:
                    _write(place / frame_name(plan.database, subject, clip, number, plan.quirks), frame, camera)
            known[clip.name] = scene.truth()
        if plan.quirks:
            litter(plan, person, partial)
    write_truth(truth, known, {"database": plan.database, "subject": subject, "size": plan.size, "seed": plan.seed})


class Scene:
    """One clip, ready to be filmed: fields, curves and the way from clip pixels to atlas pixels.

    With `rest`, it is filmed from so many frames before the onset until so many after the offset.
    """

    def __init__(
        self, plan: DatabasePlan, clip: ClipPlan, camera: Camera, atlas: Atlas, rest: tuple[int, int] = (0, 0)
    ) -> None:
        self.clip, self.camera, self.atlas = clip, camera, atlas
        self.onset_index = rest[0]
        self.noise = plan.noise * camera.noise
        self.motion: Motion = draw_motion(plan, clip, camera, atlas.spectacles, rest)
        pose = self.motion.pose.matrix(atlas.landmarks.mean(0))
        self.landmarks = atlas.landmarks @ pose[:, :2].T + pose[:, 2]
        self.expression = np.float32(clip.amplitude) * expression_field(clip.units, self.landmarks, camera)
        self.head = head_fields(self.landmarks, camera)
        self.restless = restless_fields(self.landmarks, camera, self.motion.restless_turn)
        back = cv2.invertAffineTransform(pose)
        self.linear = (SCALE * back[:, :2]).astype(np.float32)
        shift = SCALE * back[:, 2] + (SCALE - 1) / 2
        x, y = np.arange(camera.width, dtype=np.float32), np.arange(camera.height, dtype=np.float32)
        self.rest = np.stack(np.meshgrid(x, y), -1) @ self.linear.T + shift.astype(np.float32)

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """The frames in order, as recorded: (height, width) grey or (height, width, 3) RGB."""
        rng = np.random.default_rng([self.clip.noise_seed, 5])
        pool = self._noise_pool(rng)
        for index in range(len(self.motion.intensity)):
            seen = self.seen(index)
            height, width = seen.shape[:2]
            top, left = rng.integers(0, _MARGIN, 2)
            grain = pool[top : top + height, left : left + width][:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
            yield np.asarray(cv2.add(seen, np.ascontiguousarray(grain), dtype=cv2.CV_8U), np.uint8)

    def seen(self, index: int) -> NDArray[np.float32]:
        """The frame of that index (0: the first filmed) without noise or rounding."""
        moved = _inverted(self.displacement(index), self.camera.grid)
        if self.motion.lids[index] > 0:
            shift = dense(moved, self.camera.width, self.camera.height)
            shift += self._lid_shift(shift, float(self.motion.lids[index]))
            lookup = self.rest + shift @ self.linear.T
        else:
            lookup = self.rest + dense(moved @ self.linear.T, self.camera.width, self.camera.height)
        return sampled(self.atlas.image, lookup.astype(np.float32, copy=False), cv2.INTER_LINEAR, cv2.BORDER_REFLECT)

    def displacement(self, index: int) -> Field:
        """Where the points of the resting face have gone by that frame, on the grid, pixels."""
        fields = (self.expression, *self.head, *self.restless)
        motion = self.motion
        weights = (motion.intensity[index], *motion.head[index], *motion.restless[index])
        total = np.zeros_like(self.expression)
        for field, weight in zip(fields, weights, strict=True):
            total += np.float32(weight) * field
        return total

    def truth(self) -> dict[str, Any]:
        """What `write_truth` keeps of the clip."""
        clip, motion = self.clip, self.motion
        apex = self.onset_index + clip.apex - clip.onset
        shown = slice(self.onset_index, self.onset_index + clip.n_frames)
        return {
            "emotion": clip.emotion, "action_units": clip.action_units, "onset": clip.onset, "apex": clip.apex,
            "offset": clip.offset, "fps": clip.fps, "amplitude": clip.amplitude, "width": self.camera.width,
            "height": self.camera.height, "intensity": motion.intensity[shown], "head": motion.head[shown],
            "lids": motion.lids[shown], "landmarks": self.landmarks, "flow": self.displacement(apex),
            "expression": self.expression,
        }  # fmt: skip

    def _noise_pool(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Noise of the camera's strength, a little larger than a frame: each frame takes another part, mirrored."""
        size = (self.camera.height + _MARGIN, self.camera.width + _MARGIN, *self.atlas.image.shape[2:])
        return rng.standard_normal(size, np.float32) * np.float32(self.noise)

    def _lid_shift(self, shift: Field, closed: float) -> Field:
        """How much further up a pixel looks while the lids are lowered: lid skin stretches over the eye."""
        extra = np.zeros_like(shift)
        right, left = self.landmarks[36:42].mean(0), self.landmarks[42:48].mean(0)
        unit = float(np.linalg.norm(left - right))
        across = (left - right) / unit
        axes = np.stack([across, [-across[1], across[0]]])  # across, down
        for eye in (slice(36, 42), slice(42, 48)):
            points = self.landmarks[eye]
            low, high = points.min(0) - 0.35 * unit, points.max(0) + 0.15 * unit
            (x0, y0), (x1, y1) = (np.floor(edge).astype(int) for edge in (low, high))
            box = np.s_[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
            y, x = np.mgrid[box]
            looked = np.stack([x, y], -1) + shift[box]
            extra[box] += _lowered(looked @ axes.T, points @ axes.T, unit, closed)[..., None] * axes[1]
        return extra


def _lowered(where: NDArray[np.float64], eye: NDArray[np.float64], unit: float, closed: float) -> NDArray[np.float64]:
    """The shift, downwards positive, of the lookup at points `where` of an upright eye with six landmarks `eye`.

    From the fold of the lid down: skin that stretches, lashes that keep their thickness, the eye, which stays.
    """
    u, v = where[..., 0], where[..., 1]
    middle = eye[:, 0].mean()
    wide = middle + 1.15 * (eye[:, 0] - middle)  # the landmarks lie a little inside the corners
    upper = np.polyval(np.polyfit(wide[[0, 1, 2, 3]], eye[[0, 1, 2, 3], 1], 2), u) - 0.015 * unit
    lower = np.polyval(np.polyfit(wide[[0, 5, 4, 3]], eye[[0, 5, 4, 3], 1], 2), u) + 0.015 * unit
    way = closed * np.maximum(lower - upper, 0)
    fold, lashes = upper - 0.16 * unit, upper + 0.03 * unit
    stretched = fold + (v - fold) * (upper - fold) / (upper + way - fold)
    skin = np.where(v < upper + way, stretched, v - way) - v
    edge = ((lashes + way - v) / 1.5 + 0.5).clip(0, 1)  # a pixel and a half soft
    return np.where((v > fold) & (way > 0), skin * edge, 0.0)


def _inverted(field: Field, step: int) -> Field:
    """The field G with G(y) = -D(y + G(y)): where a pixel's content came from, on the same grid."""
    rows, columns = field.shape[:2]
    own = np.stack(np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)), -1)
    back = -field
    for _ in range(_ROUNDS):
        back = -sampled(field, own + back / np.float32(step), cv2.INTER_CUBIC)
    return back


def _write(path: Path, frame: NDArray[np.uint8], camera: Camera) -> None:
    pixels = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    options = [] if camera.quality is None else [cv2.IMWRITE_JPEG_QUALITY, camera.quality]
    done, coded = cv2.imencode(path.suffix, pixels, options)
    if not done:
        raise CdmerError(f"{path} cannot be encoded", "check that OpenCV was built with its picture formats")
    path.write_bytes(coded.tobytes())
