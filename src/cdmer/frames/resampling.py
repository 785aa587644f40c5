"""Frames recipes that resample a whole clip: ``tim``, ``linear`` and ``nearest``."""

from typing import Any

from numpy.typing import NDArray

from cdmer.frames.rounding import rounded
from cdmer.frames.tim import interpolate_linear, interpolate_tim, nearest_frames
from cdmer.store.shard import ClipRecord


def resample(
    record: ClipRecord, *, interpolation: str, length: int, rounding: str
) -> tuple[NDArray[Any], dict[str, Any]]:
    """Bring a clip to `length` evenly spaced frames.

    Parameters
    ----------
    record
        The clip, from the faces stage.
    interpolation
        ``tim``, ``linear``, or ``nearest``: the real frame nearest to each time, as recorded.
    length, rounding
        As in the recipe (`cdmer.config.FramesRecipe`); ``nearest`` has nothing to round.

    Returns
    -------
    tuple
        (length, height, width[, 3]), uint8 or float32, and nothing more to say of the clip.
    """
    if interpolation == "nearest":
        return record.frames[nearest_frames(len(record.frames), length)], {}
    mixed = {"tim": interpolate_tim, "linear": interpolate_linear}[interpolation](record.frames, length)
    return rounded(mixed, rounding), {}
