"""The job of the frames stage: from aligned crops to clips of a fixed length."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cdmer.frames.tim import interpolate_tim
from cdmer.progress import progress
from cdmer.store.shard import read_shard, write_shard


def interpolate_frames(
    faces: str | Path, output: str | Path, *, interpolation: str, length: int, rounding: str
) -> None:
    """Bring every clip of one subject to `length` frames.

    Parameters
    ----------
    faces
        The subject's shard of the faces stage.
    output
        The shard to write: for each clip its frames (length, size, size[, 3]), uint8 or float32, and what the faces
        stage knew of it.
    interpolation, length, rounding
        The frames recipe (`cdmer.config.FramesRecipe`).
    """
    if interpolation != "tim":
        raise ValueError(f"there is no interpolation {interpolation!r}; known: tim")
    source = read_shard(faces)
    with write_shard(output, attrs={"stage": "frames"}) as shard:
        for excluded in source.excluded:
            shard.exclude(*excluded)
        for clip in progress(source.clips, f"frames {Path(faces).stem}"):
            record = source[clip]
            frames = interpolate_tim(record.frames, length)
            shard.add(clip, round_half_up(frames) if rounding == "half_up" else frames, **record.others)


def round_half_up(frames: NDArray[np.float32]) -> NDArray[np.uint8]:
    """8-bit frames: rounded half up and clipped to 0 .. 255."""
    rounded: NDArray[np.uint8] = np.clip(np.floor(frames + np.float32(0.5)), 0, 255).astype(np.uint8)
    return rounded
