"""Frames recipes that keep a few frames of a clip as they were recorded."""

from typing import Any

from numpy.typing import NDArray

from cdmer.frames.events import find_apex
from cdmer.store.shard import ClipRecord


def select(
    record: ClipRecord,
    *,
    moments: list[str],
    apex: str | None = None,
    apex_otherwise: str = "error",
) -> tuple[NDArray[Any], dict[str, Any]]:
    """Keep the frames of the named moments, in the order named.

    Parameters
    ----------
    record
        The clip, from the faces stage.
    moments
        ``onset``, ``apex``, ``middle``, ``offset``, or ``central``: the middle frame and every frame of the central
        fifth, in order (MADTN's training samples).
    apex, apex_otherwise
        As for `find_apex`, where ``apex`` is among the moments.

    Returns
    -------
    tuple
        The frames, uint8, and what is known of them: `frame_indices` into the clip, and with ``apex`` the apex.
    """
    places = {name: _places(name, len(record.frames)) for name in moments if name != "apex"}
    facts: dict[str, Any] = {}
    if apex is not None and "apex" in moments:
        found = find_apex(record, apex, apex_otherwise)
        places["apex"], facts = [found.index], dict(found.facts)
    indices = [index for name in moments for index in places[name]]
    return record.frames[indices], {**facts, "frame_indices": indices}


def central_frames(frames: int) -> list[int]:
    """The indices of the middle frame and of the central fifth: 0.4 n <= index <= 0.6 n.

    Xia, Zheng, Zong and Jiang, "Motion attention deep transfer network for cross-database micro-expression
    recognition": any of them is a training sample; a test clip is seen by its middle frame alone.
    """
    inside = {index for index in range(frames) if 4 * frames <= 10 * index <= 6 * frames}
    return sorted(inside | {(frames - 1) // 2})


def _places(moment: str, frames: int) -> list[int]:
    if moment == "central":
        return central_frames(frames)
    return [{"onset": 0, "middle": (frames - 1) // 2, "offset": frames - 1}[moment]]
