"""The first stage: from a database's own layout to the manifest, one job a subject."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cdmer.databases.manifest import make_manifest, write_manifest
from cdmer.databases.reading import ClipEntry, read_entries
from cdmer.databases.recording import list_frames
from cdmer.databases.video import count_video
from cdmer.errors import CdmerError
from cdmer.progress import progress

_log = logging.getLogger("cdmer")


def read_manifest(reader: str, root: str | Path, annotation: str | Path | None = None) -> pd.DataFrame:
    """The manifest of a database, in the database's own order.

    Parameters
    ----------
    reader
        ``smic``, ``casme2``, ``samm`` or ``clips``.
    root
        The database's folder, or the CSV file of ``clips``.
    annotation
        The database's spreadsheet; None looks for it in `root` and beside it.

    Returns
    -------
    DataFrame
        One row a clip, with the columns and dtypes of `cdmer.databases.manifest.COLUMNS`. Frame numbers are the
        database's own; paths begin with `root` as given.

    Raises
    ------
    CdmerError
        Anything missing or wrong in the layout or the annotation, naming file and row. An apex that CASME II or SAMM
        gives as no number or outside [onset, offset] is no error: it is null, and a warning is logged.
    """
    return _read(reader, root, annotation)


def _read(reader: str, root: str | Path, annotation: str | Path | None, subject: str | None = None) -> pd.DataFrame:
    """The manifest of all subjects or of one; the recordings of the others are not opened."""
    found: dict[Path, _Recording] = {}
    rows = []
    entries = read_entries(reader, root, annotation)
    wanted = [entry for entry in entries if subject in (None, entry.subject)]
    if not wanted:
        raise CdmerError(f"{root}: no clip of subject {subject}", "run again: the database changed meanwhile")
    for entry in progress(wanted, "reading clips"):
        for note in entry.notes:
            _log.warning(note)
        if entry.path not in found:
            found[entry.path] = _Recording.at(entry.path)
        rows.append(_row(entry, found[entry.path]))
    return make_manifest(rows, root)


def write_subject(
    subject: str, output: str | Path, *, reader: str, root: str, annotation: str | None, database: str
) -> None:
    """Write a subject's slice of the manifest as CSV.

    Parameters
    ----------
    subject
        As the manifest has it, e.g. ``s1``, ``sub01``, ``006``.
    reader, root, annotation
        As for `read_manifest`.
    database
        The name that the configuration gives the database; it fills the column ``database``.
    """
    manifest = _read(reader, root, annotation, subject)
    manifest["database"] = pd.Series(database, index=manifest.index, dtype=manifest["database"].dtype)
    write_manifest(manifest, output)


@dataclass(frozen=True)
class _Recording:
    """What a folder or a video holds."""

    numbers: Sequence[int]  # of its frames, increasing
    fps: float  # 0 where it does not say

    @classmethod
    def at(cls, path: Path) -> "_Recording":
        if path.is_dir():
            return cls(tuple(list_frames(path)), 0.0)
        count, fps = count_video(path)
        return cls(range(1, count + 1), fps)


def _row(entry: ClipEntry, recording: _Recording) -> dict[str, object]:
    """A clip's row of the manifest."""
    first, last = recording.numbers[0], recording.numbers[-1]
    onset = first if entry.onset is None else entry.onset
    offset = last if entry.offset is None else entry.offset
    for event, frame in (("onset", onset), ("offset", offset)):
        if frame not in recording.numbers:
            raise CdmerError(
                f"{entry.where}: clip {entry.clip} has its {event} at frame {frame}, which {entry.path} lacks: "
                f"it holds {len(recording.numbers)} frames from {first} to {last}",
                f"correct the {event}, or restore the frames",
            )
    if onset > offset or (entry.apex is not None and not onset <= entry.apex <= offset):
        raise CdmerError(
            f"{entry.where}: clip {entry.clip} has onset {onset}, apex {entry.apex}, offset {offset}",
            "correct them so that onset <= apex <= offset, or leave the apex empty",
        )
    fps = entry.fps or recording.fps
    if not fps > 0:
        raise CdmerError(f"{entry.where}: {entry.path} does not say its frames per second", "fill in its fps")
    return {
        "clip": entry.clip,
        "database": entry.database,
        "subject": entry.subject,
        "path": str(entry.path),
        "first_frame": first,
        "onset": onset,
        "apex": entry.apex,
        "offset": offset,
        "n_frames": len(recording.numbers),
        "fps": fps,
        "emotion": entry.emotion,
        "objective_class": entry.objective_class,
        "action_units": entry.action_units,
    }
