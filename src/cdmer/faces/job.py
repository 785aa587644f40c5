"""The job of the faces stage: from a subject's clips to aligned crops."""

import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.databases.manifest import load_manifest
from cdmer.databases.recording import read_frames
from cdmer.errors import CdmerError
from cdmer.faces.align import align_clip
from cdmer.faces.detect import detect_faces, find_landmarks
from cdmer.progress import progress
from cdmer.store.shard import write_shard

log = logging.getLogger(__name__)


def align_faces(
    manifest: str | Path,
    output: str | Path,
    *,
    detector: str,
    upsample: int,
    size: int,
    eye_distance: float,
    eye_height: float,
    color: str,
    on_missing_face: str,
) -> None:
    """Crop the face out of every frame from onset to offset, for each clip of one subject.

    Parameters
    ----------
    manifest
        The subject's slice of the manifest.
    output
        The shard to write: for each clip its crops uint8 (frames, size, size[, 3]), the face's `box` (5,) and
        `landmarks` (68, 2) on the onset frame, and `onset`, `apex`, `offset`, `emotion`, ….
    detector, upsample, size, eye_distance, eye_height, color, on_missing_face
        The faces recipe (`cdmer.config.FacesRecipe`).

    Raises
    ------
    CdmerError
        A frame that cannot be read; with ``on_missing_face="error"``, a clip whose onset frame shows no face.
    """
    rows = load_manifest(manifest)
    subject = str(rows["subject"].iloc[0])
    with write_shard(output, attrs={"stage": "faces"}) as shard:
        for _, row in progress(rows.iterrows(), f"faces {subject}", total=len(rows)):
            recorded = read_frames(row["path"], int(row["onset"]), int(row["offset"]), int(row["n_missing"]))
            frames = _colored(recorded, color)
            faces = detect_faces(frames[0], detector, upsample)
            if not len(faces):
                reason = f"no face on the onset frame {row['onset']} of {row['path']}"
                if on_missing_face == "error":
                    raise CdmerError(
                        f"clip {row['clip']}: {reason}",
                        "look at that frame; raise `upsample` if the face is small, or set `on_missing_face: exclude` "
                        "in the faces recipe to leave such clips out",
                    )
                log.warning("clip %s left out: %s", row["clip"], reason)
                shard.exclude(str(row["clip"]), subject, "faces", reason)
                continue
            landmarks = find_landmarks(frames[0], faces[0])
            crops = align_clip(frames, landmarks, size, eye_distance, eye_height)
            shard.add(str(row["clip"]), crops, box=faces[0], landmarks=landmarks, **clip_facts(row))


def clip_facts(row: "pd.Series[Any]") -> dict[str, int | str | None]:
    """What later stages need to know of a clip beside its frames; an apex or an emotion may be None."""
    numbers = {key: None if pd.isna(row[key]) else int(row[key]) for key in ("onset", "apex", "offset")}
    words = {key: None if pd.isna(row[key]) else str(row[key]) for key in ("subject", "emotion")}
    return {**numbers, **words}


def _colored(frames: NDArray[np.uint8], color: str) -> NDArray[np.uint8]:
    """Grey by OpenCV's weights (0.299 R + 0.587 G + 0.114 B), or RGB, whatever was recorded."""
    if color == "grey" and frames.ndim == 4:
        return np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])
    if color == "rgb" and frames.ndim == 3:
        return np.repeat(frames[..., None], 3, axis=3)
    return frames
