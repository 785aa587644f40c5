"""What is known of every rendered clip, kept beside the frames: one HDF5 file a subject.

One group a clip. Attributes: ``emotion``, ``action_units``, ``onset``, ``apex``, ``offset``, ``fps``, ``amplitude``.
Datasets: ``intensity`` (frames,), ``head`` (frames, 3), ``lids`` (frames,), ``landmarks`` (68, 2), and the motion from
onset to apex on the coarse grid of its definition, ``flow`` and ``expression`` (rows, columns, 2), in pixels; the field
between grid points is their bicubic interpolation (`cv2.resize`, ``INTER_CUBIC``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from cdmer.databases.cohort.expressions import dense
from cdmer.errors import CdmerError
from cdmer.files import whole_file
from cdmer.store.container import new_hdf5

FORMAT = "cdmer-cohort-truth"
VERSION = 1
MOVING = 0.1  # a pixel belongs to the moving region when it moves more than this share of the fastest

_ATTRIBUTES = ("emotion", "action_units", "onset", "apex", "offset", "fps", "amplitude", "width", "height")
_DATASETS = ("intensity", "head", "lids", "landmarks", "flow", "expression")


@dataclass(frozen=True)
class Truth:
    """The ground truth of one clip. Frame numbers are the database's own; pixels are those of the frames."""

    emotion: str
    action_units: str
    onset: int
    apex: int
    offset: int
    fps: int
    amplitude: float  # the fastest pixel's way from onset to apex, expression alone
    intensity: NDArray[np.float32]  # (frames,): 0 at onset, 1 at apex
    head: NDArray[np.float32]  # (frames, 3): right and down in pixels, clockwise in radians, since the onset
    lids: NDArray[np.float32]  # (frames,): 0 open, 1 closed
    landmarks: NDArray[np.float32]  # (68, 2): of the onset frame, x then y
    flow: NDArray[np.float32]  # (height, width, 2): all motion from onset to apex, at the onset's pixels
    expression: NDArray[np.float32]  # (height, width, 2): the action units' part of it

    @property
    def blink_frames(self) -> NDArray[np.int64]:
        """The numbers of the frames in which the lids are lower than at rest."""
        return self.onset + np.flatnonzero(self.lids > 0)

    @property
    def region(self) -> NDArray[np.bool_]:
        """(height, width): where the expression moves the face by more than `MOVING` of its amplitude."""
        return np.asarray(np.linalg.norm(self.expression, axis=-1) > MOVING * self.amplitude)


def write_truth(path: str | Path, clips: Mapping[str, Mapping[str, Any]], attributes: Mapping[str, Any]) -> None:
    """Write the truth of a subject's clips: for each, the attributes and datasets named above."""
    with whole_file(path) as partial, new_hdf5(partial) as file:
        file.attrs.update({"format": FORMAT, "version": VERSION, **attributes})
        for name, known in clips.items():
            group = file.create_group(name)
            for key in _ATTRIBUTES:
                group.attrs[key] = known[key]
            for key in _DATASETS:
                group.create_dataset(
                    key, data=np.asarray(known[key], np.float32), compression="gzip", compression_opts=4, shuffle=True
                )


def read_truth(path: str | Path) -> dict[str, Truth]:
    """The ground truth of a subject, by clip name.

    Raises
    ------
    CdmerError
        No such file, or one that `render_subject` did not write.
    """
    if not Path(path).is_file():
        raise CdmerError(f"{path}: no such ground truth", "render the subject of the synthetic cohort first")
    try:
        with h5py.File(path) as file:
            if file.attrs.get("format") != FORMAT or file.attrs.get("version") != VERSION:
                raise CdmerError(f"{path} is not a ground truth of version {VERSION}", "render the subject again")
            return {name: _read_clip(group) for name, group in file.items()}
    except (OSError, KeyError) as error:
        raise CdmerError(f"{path} cannot be read as a ground truth: {error}", "render the subject again") from error


def _read_clip(group: h5py.Group) -> Truth:
    known = {key: group.attrs[key] for key in _ATTRIBUTES}
    arrays = {key: np.asarray(group[key][()], np.float32) for key in _DATASETS}
    width, height = int(known.pop("width")), int(known.pop("height"))
    numbers = {key: int(known[key]) for key in ("onset", "apex", "offset", "fps")}
    return Truth(
        emotion=str(known["emotion"]),
        action_units=str(known["action_units"]),
        amplitude=float(known["amplitude"]),
        **numbers,
        intensity=arrays["intensity"],
        head=arrays["head"],
        lids=arrays["lids"],
        landmarks=arrays["landmarks"],
        flow=dense(arrays["flow"], width, height),
        expression=dense(arrays["expression"], width, height),
    )
