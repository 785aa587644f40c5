"""A contact sheet of a frames recipe: the very frames that a feature or a network reads, for a person to look at."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cdmer.faces.contact_sheet import Strip, picture, save_strips, some_clips
from cdmer.frames.rounding import round_half_up
from cdmer.store.shard import ClipRecord


def draw_frames_sheet(shards: Sequence[str | Path], output: str | Path, clips_per_subject: int = 1) -> None:
    """Draw all frames of some clips of each subject, a clip a row.

    Frames that stand for a moment of the clip are captioned by their number in the database (``a`` marks the apex),
    others by their place in the row.

    Parameters
    ----------
    shards
        Shards of the frames stage, in the order of the sheet.
    output
        The PNG to write.
    clips_per_subject
        How many clips to draw of each; they are spread over the subject's clips.

    Raises
    ------
    CdmerError
        A shard that cannot be read, or not one clip in all of them.
    """
    strips = [
        _strip(record, Path(shard).parent.name)
        for shard in shards
        for record in some_clips(Path(shard), clips_per_subject)
    ]
    save_strips(strips, 1, output)


def _strip(record: ClipRecord, database: str) -> Strip:
    frames = record.frames if record.frames.dtype == np.uint8 else round_half_up(record.frames)
    facts = record.others
    pictures = {_caption(facts, place): picture(frame) for place, frame in enumerate(frames)}
    apex = f"  apex {facts['apex']} ({facts['apex_method']})" if "apex_method" in facts else ""
    return Strip(f"{database}  {record.name}  {frames.shape[2]} x {frames.shape[1]}{apex}", pictures)


def _caption(facts: Mapping[str, Any], place: int) -> str:
    """Unique in its row, for short clips show a frame several times."""
    indices = facts.get("frame_indices")
    if indices is None:
        return str(place + 1)
    index = int(np.asarray(indices)[place])
    mark = " a" if index == facts.get("apex_index") else ""
    return f"{place + 1}: {facts['onset'] + index}{mark}"
