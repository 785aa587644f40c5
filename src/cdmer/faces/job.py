"""The job of the faces stage: from a subject's clips to aligned crops."""

import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cdmer.databases.manifest import load_manifest
from cdmer.databases.recording import read_frames
from cdmer.errors import CdmerError
from cdmer.faces.align import box_transform, expand_box, eye_transform, landmark_box, warp_clip
from cdmer.faces.detect import LANDMARKS, detect_faces
from cdmer.progress import progress
from cdmer.store.shard import ShardWriter, write_shard

log = logging.getLogger(__name__)

# dlib's false alarms scored 0.3 at most where its faces scored 0.5 and more (docs/faces.md); the networks' thresholds
# leave no weak faces.
SURE = {"dlib": 0.4}
OR_EXCLUDE = "; or set `on_missing_face: exclude` in the faces recipe to leave such clips out"
AS_LARGE = 0.8  # of the largest face's area: detectors search in steps of scale, so sizes are no finer than that


def align_faces(
    manifest: str | Path,
    output: str | Path,
    *,
    detector: str,
    upsample: int,
    alignment: str,
    expand: Sequence[float],
    intermediate: Sequence[int] | None,
    size: int,
    eye_distance: float,
    eye_height: float,
    color: str,
    on_missing_face: str,
    origin: Mapping[str, Any] | None = None,
) -> None:
    """Crop the face out of every frame from onset to offset, for each clip of one subject.

    The face is looked for on the onset frame alone; what is found there crops the whole clip.

    Parameters
    ----------
    manifest
        The subject's slice of the manifest.
    output
        The shard to write: for each clip its crops uint8 (frames, size, size[, 3]), the `transform` (2, 3) from the
        recording's pixels to the crop's, `onset`, `apex`, `offset`, `emotion`, …, and, unless the detector is
        ``none``, the face's `box` (5,) and `landmarks` (68, 2) in the recording's pixels.
    detector, upsample, alignment, expand, size, eye_distance, eye_height, color, on_missing_face
        The faces recipe (`cdmer.config.FacesRecipe`).
    origin
        What the shard says of its making beside its stage: recipe, code digest.
    intermediate
        Height and width to which the box is brought before it is brought to `size`; None for one step.

    Raises
    ------
    CdmerError
        A frame that cannot be read; with ``on_missing_face="error"``, a clip whose onset frame shows no face.
    """
    rows = load_manifest(manifest)
    with write_shard(output, attrs={"stage": "faces", **(origin or {})}) as shard:
        for _, row in progress(rows.iterrows(), f"faces {rows['subject'].iloc[0]}", total=len(rows)):
            recorded = read_frames(row["path"], int(row["onset"]), int(row["offset"]), int(row["n_missing"]))
            frames = _colored(recorded, color)
            found: dict[str, NDArray[np.float32]] = {}
            if detector != "none":
                # the networks learned from colour, and find fewer faces without; dlib reads what the crops keep
                seen = frames[0] if detector == "dlib" else recorded[0]
                faces = detect_faces(seen, detector, upsample)
                if not len(faces):
                    _leave_out(shard, row, detector, on_missing_face)
                    continue
                box = choose_face(faces, SURE.get(detector, 0.0))
                _tell(str(row["clip"]), faces, box, seen.shape)
                found = {"box": box, "landmarks": _landmarks(frames[0], box, detector)}
            if alignment == "eyes":
                matrix = eye_transform(found["landmarks"], size, eye_distance, eye_height)
                crops = warp_clip(frames, matrix, (size, size))
            else:
                region = face_region(alignment, found, expand, frames[0].shape)
                matrix = box_transform(region, (size, size))
                crops = _crop_in_steps(frames, region, [*_pair(intermediate), (size, size)])
            shard.add(str(row["clip"]), crops, transform=matrix, **found, **clip_facts(row))


def choose_face(faces: NDArray[np.float32], sure: float = 0.0) -> NDArray[np.float32]:
    """The largest of the faces found; among those about as large, the one with the best score.

    Parameters
    ----------
    faces
        (faces, 5), as `detect_faces` returns them: best first, at least one.
    sure
        Faces of a smaller score count only where there is no better one.
    """
    candidates = faces[faces[:, 4] >= sure] if faces[0, 4] >= sure else faces
    areas = (candidates[:, 2] - candidates[:, 0]) * (candidates[:, 3] - candidates[:, 1])
    return np.asarray(candidates[np.argmax(areas >= AS_LARGE * areas.max())], dtype=np.float32)


def face_region(
    alignment: str, found: dict[str, NDArray[np.float32]], expand: Sequence[float], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """The rectangle x0, y0, x1, y1 of the recording that becomes the crop.

    Parameters
    ----------
    alignment
        ``landmark_box``, ``box`` or ``whole``.
    found
        The face's `box` and `landmarks`; empty for ``whole``.
    expand
        How far ``box`` goes beyond the detector's: left, top, right, bottom, as fractions of its width or height.
    shape
        Of a frame: height, width, ….
    """
    if alignment == "landmark_box":
        return landmark_box(found["landmarks"])
    if alignment == "box":
        return expand_box(found["box"], *expand)
    if alignment == "whole":
        return np.array([0, 0, shape[1], shape[0]], dtype=float)
    raise ValueError(f"there is no alignment {alignment!r}; known: eyes, landmark_box, box, whole")


def clip_facts(row: "pd.Series[Any]") -> dict[str, int | str | None]:
    """What later stages need to know of a clip beside its frames; an apex or an emotion may be None."""
    numbers = {key: None if pd.isna(row[key]) else int(row[key]) for key in ("onset", "apex", "offset")}
    words = {key: None if pd.isna(row[key]) else str(row[key]) for key in ("subject", "emotion")}
    return {**numbers, **words}


def _crop_in_steps(frames: NDArray[np.uint8], region: ArrayLike, sizes: Sequence[tuple[int, int]]) -> NDArray[np.uint8]:
    """Bring a rectangle to one size after the other, rounding to 8 bits at each."""
    crops = frames
    for size in sizes:
        crops = warp_clip(crops, box_transform(region, size), size)
        region = (0, 0, size[1], size[0])
    return crops


def _landmarks(frame: NDArray[np.uint8], box: NDArray[np.float32], detector: str) -> NDArray[np.float32]:
    finder = import_module(LANDMARKS)
    points: NDArray[np.float32] = finder.find_landmarks(frame, box if detector == "dlib" else finder.as_dlib_box(box))
    return points


def _pair(size: Sequence[int] | None) -> list[tuple[int, int]]:
    return [] if size is None else [(size[0], size[1])]


def _leave_out(shard: ShardWriter, row: "pd.Series[Any]", detector: str, on_missing_face: str) -> None:
    """Stop at a clip without a face, or record that it is left out."""
    reason = f"no face on the onset frame {row['onset']} of {row['path']}"
    if on_missing_face == "error":
        raise CdmerError(f"clip {row['clip']}: {reason} (detector {detector})", _remedy(detector))
    log.warning("clip %s left out: %s", row["clip"], reason)
    shard.exclude(str(row["clip"]), str(row["subject"]), "faces", reason)


def _tell(clip: str, faces: NDArray[np.float32], box: NDArray[np.float32], shape: tuple[int, ...]) -> None:
    """Put into the log what a person may want to look at."""
    x0, y0, x1, y1 = (round(float(value)) for value in box[:4])
    if len(faces) > 1:
        where = f"x {x0} to {x1}, y {y0} to {y1}"
        log.warning("clip %s: %d faces; the largest that is no false alarm is taken: %s", clip, len(faces), where)
    if x0 < 0 or y0 < 0 or x1 > shape[1] or y1 > shape[0]:
        log.warning("clip %s: the image's border cuts the face; beyond it the border is repeated", clip)


def _remedy(detector: str) -> str:
    """What to do about a clip without a face."""
    other = (
        "use `detector: mtcnn`, which sees faces that are small or more than 30 degrees tilted"
        if detector == "dlib"
        else "raise `upsample`"
    )
    return (
        f"look at that frame: turn a recording that lies on its side; where the face is small or tilted, {other}"
        + OR_EXCLUDE
    )


def _colored(frames: NDArray[np.uint8], color: str) -> NDArray[np.uint8]:
    """Grey by OpenCV's weights (0.299 R + 0.587 G + 0.114 B), or RGB, whatever was recorded."""
    if color == "grey" and frames.ndim == 4:
        return np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])
    if color == "rgb" and frames.ndim == 3:
        return np.repeat(frames[..., None], 3, axis=3)
    return frames
