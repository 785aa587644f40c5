"""What a descriptor of texture asks of a clip."""

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError


def checked_clip(clip: NDArray[np.uint8], name: str, borders: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The clip as kernels read it: C-contiguous and read-only.

    Parameters
    ----------
    clip
        What a caller gave.
    name
        The descriptor's name, for errors.
    borders
        Frames, rows and columns that the descriptor leaves out on each side.

    Raises
    ------
    CdmerError
        A clip of another type than uint8 (frames, height, width), one that has no voxel inside the borders, or one
        with a frame that is all black.
    """
    if clip.ndim != 3 or clip.dtype != np.uint8:
        raise CdmerError(
            f"{name} reads clips of uint8 (frames, height, width), not {clip.dtype} {clip.shape}",
            "give it grey frames of 8 bits: a frames recipe that rounds",
        )
    frames, height, width = clip.shape
    of_frames, of_rows, of_columns = borders
    what = ""
    if frames <= 2 * of_frames:
        what = f"{frames} frames"
    elif height <= 2 * of_rows or width <= 2 * of_columns:
        what = f"frames of {height} x {width} pixels"
    if what:
        raise CdmerError(
            f"{name}: {what} hold no voxel {', '.join(map(str, dict.fromkeys(borders)))} away from the border",
            f"choose a smaller neighbourhood, or a frames recipe with more than {2 * of_frames} frames and "
            f"{2 * max(of_rows, of_columns)} pixels a side",
        )
    refuse_black(clip)
    pixels = np.ascontiguousarray(clip)[:]
    pixels.setflags(write=False)  # one type for all clips, so that one version of the kernel serves all
    return pixels


def refuse_black(clip: NDArray[np.uint8]) -> None:
    """Raise a `CdmerError` where a frame is all black; (frames, height, width)."""
    if clip[:, clip.shape[1] // 2].any(axis=1).all():
        return  # a row of each frame tells, at no cost
    dark = np.flatnonzero(~clip.reshape(len(clip), -1).any(axis=1))
    if len(dark):
        raise CdmerError(
            f"frame {dark[0]} of {len(clip)} is all black ({len(dark)} such frames)",
            "look at the recording, and leave the clip out if it is damaged",
        )
