"""Look a copy of a database over: what is there, what is wrong, what is odd, and in which row or file.

Wrong is exactly what the workflow would stop at; odd is what it reads all the same, after a decision that a person may
want to know of.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from cdmer.databases.fitting import Fitted, fit_clips
from cdmer.databases.manifest import make_manifest
from cdmer.databases.problems import Problems
from cdmer.databases.reading import ClipEntry, file_stamps, natural_key, read_entries
from cdmer.databases.recording import frame_number, list_frames, picture_size, read_frames, read_image
from cdmer.databases.releases import RELEASES, Counts
from cdmer.errors import CdmerError
from cdmer.progress import progress

_MOST_LISTED = 10  # folders or file names of one kind


@dataclass(frozen=True)
class Report:
    """What was found."""

    facts: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[CdmerError] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    opened: str = "only onset frames were opened; --all-frames opens the rest"

    def __str__(self) -> str:
        width = max((len(name) for name, _ in self.facts), default=0)
        lines = [f"{name:{width}}  {value}" for name, value in self.facts]
        for title, items in (
            ("wrong: the workflow stops here", list(map(str, self.wrong))),
            ("odd: read all the same", self.odd),
        ):
            if items:
                lines += ["", f"{title} ({len(items)})"]
                lines += [f"- {item}".replace("\n", "\n  ") for item in items]
        verdict = f"{_number(len(self.wrong))} wrong, {_number(len(self.odd))} odd; {self.opened}"
        return "\n".join([*lines, "", verdict])


def _number(count: int) -> str:
    return {0: "nothing", 1: "1 thing"}.get(count, f"{count} things")


def check_database(
    reader: str, root: str | Path, annotation: str | Path | None = None, all_frames: bool = False
) -> Report:
    """Look a copy of a database over.

    Parameters
    ----------
    reader, root, annotation
        As for `cdmer.databases.read_manifest`.
    all_frames
        Read every frame, not only each clip's onset frame. A video is decoded whole in either case.
    """
    problems = Problems(keep=True)
    entries = problems.take(read_entries, reader, root, annotation, problems) or []
    clips = list(progress(fit_clips(entries, problems), "looking into folders", total=len(entries)))
    for path in dict.fromkeys(clip.recording.path for clip in clips):
        problems.take(file_stamps, path)
    if clips:
        problems.take(make_manifest, [clip.row() for clip in clips], root)
    sizes, outside = _open_frames(clips, all_frames, problems)
    litter, unread = _left_over(Path(root).expanduser(), entries)
    release, differences = _compared(entries)
    onset_sizes = Counter(sizes[key] for clip in clips if (key := (clip.recording.path, clip.onset)) in sizes)
    facts = [("database", f"{reader} at {root}"), *_facts(entries, clips, onset_sizes), *litter, *release]
    odd = [*problems.notes, *_notes(clips), *outside, *differences, *unread]
    wrong = sorted(problems.found, key=lambda error: natural_key(error.problem))  # row by row
    opened = "every frame was opened" if all_frames else Report.opened
    return Report([(name, value) for name, value in facts if value], wrong, odd, opened)


def _facts(entries: Sequence[ClipEntry], clips: Sequence[Fitted], sizes: Counter[str]) -> Iterator[tuple[str, str]]:
    if not entries:
        return
    subjects = {entry.subject for entry in entries}
    complete = "" if len(clips) == len(entries) else f", {len(clips)} of them with the frames that they need"
    yield "annotation", ", ".join(sorted({str(entry.annotation) for entry in entries if entry.annotation}))
    yield "clips", f"{len(entries)} of {len(subjects)} subjects{complete}"
    yield "emotions", _counted(entry.emotion for entry in entries)
    yield "objective classes", _counted(entry.objective_class for entry in entries)
    known = sum(clip.apex is not None for clip in clips)
    yield "apexes", f"{known} known, {len(clips) - known} unknown" if known else "none annotated"
    yield "frames per second", ", ".join(f"{fps:g}" for fps in sorted({clip.fps for clip in clips}))
    yield "frames of a clip", _range([clip.offset - clip.onset + 1 for clip in clips])
    held = {clip.recording.path: len(clip.recording.numbers) for clip in clips}
    yield "frames on disk", f"{sum(held.values())} in {len(held)} recordings" if held else ""
    yield "pictures", _sizes_in_words(sizes)


def _counted(words: Iterable[str | None]) -> str:
    counts = Counter(word for word in words if word)
    return ", ".join(f"{word} {count}" for word, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _range(numbers: Sequence[int]) -> str:
    return f"{min(numbers)} to {max(numbers)}, median {median(numbers):g}" if numbers else ""


def _sizes_in_words(sizes: Counter[str]) -> str:
    if len(sizes) <= 3:
        return ", ".join(f"{size} in {count} clips" for size, count in sizes.most_common())
    by_width = sorted(sizes, key=lambda size: [int(part) for part in size.split() if part.isdigit()])
    return f"{len(sizes)} sizes, from {by_width[0]} to {by_width[-1]}"


def _notes(clips: Sequence[Fitted]) -> Iterator[str]:
    """What was mended in each clip, and apexes that show no movement."""
    for clip in clips:
        yield from clip.notes
        for event, frame in (("onset", clip.onset), ("offset", clip.offset)):
            if clip.apex == frame:
                yield f"{clip.entry.where}: the apex of {clip.entry.clip} is its {event}, frame {frame}"


def _compared(entries: Sequence[ClipEntry]) -> tuple[list[tuple[str, str]], list[str]]:
    """A fact, and what differs from the release that is nearest."""
    releases = RELEASES.get(entries[0].database, ()) if entries else ()
    if not releases:
        return [], []
    copy = Counts(
        Counter(entry.subject for entry in entries),
        Counter(entry.emotion for entry in entries if entry.emotion),
        Counter(entry.objective_class for entry in entries if entry.objective_class),
    )
    nearest = min(releases, key=lambda release: release.distance(copy))
    differences = nearest.differences(copy)
    verdict = "unlike" if differences else "as released:"
    return [("release", f"{verdict} {nearest.name}")], [f"release: {line}" for line in differences]


def _left_over(root: Path, entries: Sequence[ClipEntry]) -> tuple[list[tuple[str, str]], list[str]]:
    """A fact on the files that are no frames, and the folders of frames that are no clip's."""
    if not entries:
        return [], []
    used = {str(entry.path).casefold() for entry in entries}  # some file systems find sub01 under the name Sub01
    sheets = {entry.annotation for entry in entries}
    unread: list[str] = []
    others: Counter[str] = Counter()
    for place, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")) and name.lower() != "non_micro")
        strangers = [name for name in files if frame_number(name) is None and Path(place, name) not in sheets]
        others.update("._*" if name.startswith("._") else name for name in strangers)
        if len(strangers) < len(files) and place.casefold() not in used and any(map(frame_number, files)):
            unread.append(f"{place} holds frames, and is the folder of no clip that could be read")
    listed = ", ".join(f"{name} {count}" for name, count in others.most_common(_MOST_LISTED))
    return [("other files", f"{listed}: not read" if listed else "")], unread


@dataclass(frozen=True)
class _Frame:
    """A frame to open, and the clips that it is part of."""

    recording: Path
    number: int
    file: Path | None  # None in a video
    clips: tuple[Fitted, ...]

    def size(self) -> str:
        """The picture's size in words, once it is decoded."""
        picture = read_image(self.file) if self.file else read_frames(self.recording, self.number, self.number)[0]
        return picture_size(picture)


def _open_frames(
    clips: Sequence[Fitted], all_frames: bool, problems: Problems
) -> tuple[dict[tuple[Path, int], str], list[str]]:
    """The size of each frame opened, by recording and number; and what cannot be opened but is no clip's."""
    sizes, outside = {}, []
    frames = list(_frames(clips, all_frames))
    for frame in progress(frames, "opening frames", unit="frame"):
        try:
            sizes[frame.recording, frame.number] = frame.size()
        except CdmerError as error:
            if frame.clips:
                problems.add(error)
            else:
                outside.append(f"{error.problem}; no clip holds this frame")
    for clip in clips:
        problems.take(_check_sizes, clip, sizes)
    return sizes, outside


def _frames(clips: Sequence[Fitted], all_frames: bool) -> Iterator[_Frame]:
    of_recording: dict[Path, list[Fitted]] = {}
    for clip in clips:
        of_recording.setdefault(clip.recording.path, []).append(clip)
    for path, sharing in of_recording.items():
        files: dict[int, Path] = list_frames(path) if path.is_dir() else {}
        for number in files if files and all_frames else sorted({clip.onset for clip in sharing}):
            holding = tuple(clip for clip in sharing if clip.onset <= number <= clip.offset)
            yield _Frame(path, number, files.get(number), holding)


def _check_sizes(clip: Fitted, sizes: Mapping[tuple[Path, int], str]) -> None:
    """All frames of a clip that were opened have one size."""
    path = clip.recording.path
    onset = sizes.get((path, clip.onset))
    for number in range(clip.onset, clip.offset + 1):
        size = sizes.get((path, number), onset)
        if onset and size != onset:
            raise CdmerError(
                f"{clip.entry.where}: in {path} frame {number} is {size}, frame {clip.onset} is {onset}",
                "make all frames of a clip the same size and colour",
            )
