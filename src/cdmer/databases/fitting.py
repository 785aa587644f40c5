"""What a database says of its clips and what their recordings hold, put together: the rows of the manifest."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cdmer.databases.errata import find_erratum
from cdmer.databases.problems import Problems
from cdmer.databases.reading import ClipEntry
from cdmer.databases.recording import list_frames, missing_numbers
from cdmer.databases.video import count_video
from cdmer.errors import CdmerError


@dataclass(frozen=True)
class Recording:
    """What a folder or a video holds."""

    path: Path
    numbers: Sequence[int]  # of its frames, increasing
    fps: float  # 0 where it does not say

    @classmethod
    def at(cls, path: Path) -> "Recording":
        """Look at a folder's file names, or count a video's frames."""
        if path.is_dir():
            return cls(path, tuple(list_frames(path)), 0.0)
        count, fps = count_video(path)
        return cls(path, range(1, count + 1), fps)

    @property
    def extent(self) -> str:
        """How many frames, from which to which."""
        return f"{len(self.numbers)} frames from {self.numbers[0]} to {self.numbers[-1]}"


@dataclass(frozen=True)
class Fitted:
    """A clip whose frames are there. Frame numbers are those of its recording's files."""

    entry: ClipEntry
    recording: Recording
    onset: int
    offset: int
    apex: int | None
    fps: float
    missing: tuple[int, ...]  # frames between onset and offset that are not there
    notes: tuple[str, ...]  # what was mended, the entry's own notes included

    def row(self) -> dict[str, object]:
        """The clip's row of the manifest."""
        entry = self.entry
        return {
            "clip": entry.clip,
            "database": entry.database,
            "subject": entry.subject,
            "path": str(entry.path),
            "first_frame": self.recording.numbers[0],
            "onset": self.onset,
            "apex": self.apex,
            "offset": self.offset,
            "n_frames": len(self.recording.numbers),
            "n_missing": len(self.missing),
            "fps": self.fps,
            "emotion": entry.emotion,
            "objective_class": entry.objective_class,
            "action_units": entry.action_units,
        }


def fit_clips(entries: Iterable[ClipEntry], problems: Problems) -> Iterator[Fitted]:
    """Look at each clip's recording, each recording once, and report the clips whose frames are not there."""
    recordings: dict[Path, Recording | None] = {}
    for entry in entries:
        if entry.path not in recordings:
            recordings[entry.path] = problems.take(Recording.at, entry.path)
        recording = recordings[entry.path]
        fitted = problems.take(_fitted, entry, recording) if recording else None
        if fitted:
            yield fitted


def _fitted(entry: ClipEntry, recording: Recording) -> Fitted:
    entry = _ended_early(_numbered_as_files(entry, recording), recording)
    first, last = recording.numbers[0], recording.numbers[-1]
    onset = first if entry.onset is None else entry.onset
    offset = last if entry.offset is None else entry.offset
    if onset > offset or (entry.apex is not None and not onset <= entry.apex <= offset):
        raise CdmerError(
            f"{entry.where}: clip {entry.clip} has onset {onset}, apex {entry.apex}, offset {offset}",
            "correct them so that onset <= apex <= offset, or leave the apex empty",
        )
    held = frozenset(recording.numbers)
    ends = (("onset", onset), ("offset", offset))
    _check_ends(entry, recording, [(event, frame) for event, frame in ends if frame not in held])
    missing = _missing(entry, recording, onset, offset)
    fps = entry.fps or recording.fps
    if not fps > 0:
        raise CdmerError(f"{entry.where}: {entry.path} does not say its frames per second", "fill in its fps")
    notes = (*entry.notes, *_gap_note(entry, missing))
    return Fitted(entry, recording, onset, offset, entry.apex, fps, missing, notes)


def _check_ends(entry: ClipEntry, recording: Recording, absent: Sequence[tuple[str, int]]) -> None:
    if absent:
        ends = " and ".join(f"its {event} at frame {frame}" for event, frame in absent)
        raise CdmerError(
            f"{entry.where}: clip {entry.clip} has {ends}, which {entry.path} lacks: it holds {recording.extent}",
            f"correct the {' and the '.join(event for event, _ in absent)}, or restore the frames",
        )


def _missing(entry: ClipEntry, recording: Recording, onset: int, offset: int) -> tuple[int, ...]:
    """The frames between onset and offset that are not there; an error where they are more than is known."""
    count = offset - onset + 1 - sum(onset <= number <= offset for number in recording.numbers)
    missing = missing_numbers(recording.numbers, onset, offset)
    if count > entry.may_lack:
        more = f" and {count - 5} more" if count > 5 else ""
        raise CdmerError(
            f"{entry.where}: between onset and offset of clip {entry.clip}, {entry.path} lacks "
            f"{_listed(tuple(islice(missing, 5)), count)}{more}",
            "restore the missing images",
        )
    return tuple(missing)


def _listed(numbers: Sequence[int], count: int) -> str:
    return ("frame " if count == 1 else "frames ") + ", ".join(map(str, numbers[:5]))


def _gap_note(entry: ClipEntry, missing: Sequence[int]) -> tuple[str, ...]:
    """A note on frames that the database is known to lack."""
    if not missing:
        return ()
    erratum = find_erratum(entry.database, entry.clip, "missing", str(len(missing)))
    if erratum:
        return (erratum.note(entry.where),)
    return (f"{entry.where}: {_listed(missing, len(missing))} of {entry.clip} missing, filled with the frame before",)


def _numbered_as_files(entry: ClipEntry, recording: Recording) -> ClipEntry:
    """The entry in the numbers of its files, where the annotation may count the recording's frames otherwise."""
    if entry.span is None:
        return entry
    (first, last), numbers = entry.span, recording.numbers
    if first <= numbers[0] and numbers[-1] <= last:
        return entry
    if len(numbers) != last - first + 1:
        raise CdmerError(
            f"{entry.where}: the annotation counts {last - first + 1} frames of {entry.path}, from {first} to {last}, "
            f"but it holds {recording.extent}",
            "restore the missing images, or correct the row's first and last frame",
        )
    shift = numbers[0] - first

    def moved(frame: int | None) -> int | None:
        return None if frame is None else frame + shift

    return dataclasses.replace(entry, onset=moved(entry.onset), apex=moved(entry.apex), offset=moved(entry.offset))


def _ended_early(entry: ClipEntry, recording: Recording) -> ClipEntry:
    """The entry with its offset at the last frame, where the copy is known to end there."""
    last = recording.numbers[-1]
    erratum = find_erratum(entry.database, entry.clip, "offset", str(entry.offset))
    if erratum is None or str(last) != erratum.corrected:
        return entry
    notes = (*entry.notes, erratum.note(entry.where))
    if entry.apex is not None and entry.apex > last:
        notes = (*notes, f"{entry.where}: apex {entry.apex} lies after it; the apex counts as unknown")
        entry = dataclasses.replace(entry, apex=None)
    return dataclasses.replace(entry, offset=last, notes=notes)
