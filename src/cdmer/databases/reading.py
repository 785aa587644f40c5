"""What the readers share: the registry, the entry that a reader makes of a clip, folders, cells, the census.

A reader is a module of one function, ``entries(root, annotation, problems) -> list[ClipEntry]``: what the database says
of its clips, without opening a recording. Faults go to `problems`. `cdmer.databases.fitting` adds what the recordings
hold.
"""

import dataclasses
import hashlib
import importlib
import json
import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cdmer.databases.problems import Problems
from cdmer.databases.recording import frame_number
from cdmer.errors import CdmerError
from cdmer.nearest import did_you_mean

READERS = {
    "smic": "cdmer.databases.smic",
    "casme2": "cdmer.databases.casme2",
    "samm": "cdmer.databases.samm",
    "clips": "cdmer.databases.clips",
}
SUBJECT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BREAK = re.compile(r"[\r\n\t]+")  # within a cell
PROTOCOL_NAMES = frozenset({"smic_hs", "smic_vis", "smic_nir", "casme2", "samm"})  # each means that very database
ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII")
_WHOLE = re.compile(r"([0-9]{1,18})(?:\.0+)?")  # spreadsheets and CSV writers turn 46 into 46.0


@dataclass(frozen=True)
class ClipEntry:
    """What a database says of one clip. Frame numbers are its own; None is unknown."""

    clip: str
    subject: str
    database: str
    path: Path  # folder of frames, or video file
    where: str  # file and row, or folder, that errors name
    fps: float | None = None  # None: the video's own
    onset: int | None = None  # None: the first frame found
    apex: int | None = None
    offset: int | None = None  # None: the last frame found
    emotion: str | None = None
    objective_class: str | None = None
    action_units: str | None = None
    notes: tuple[str, ...] = ()  # what was mended, for the log
    annotation: Path | None = None  # the file of its row
    span: tuple[int, int] | None = None  # first and last frame of the recording as the annotation numbers them
    may_lack: int = 0  # frames between onset and offset that the database is known to lack here and there


def read_entries(
    reader: str, root: str | Path, annotation: str | Path | None = None, problems: Problems | None = None
) -> list[ClipEntry]:
    """What a database says of its clips, in its own order.

    Parameters
    ----------
    reader
        A key of `READERS`.
    root
        The database's folder, or the CSV file of the reader ``clips``.
    annotation
        The database's spreadsheet; None looks for it in `root` and beside it.
    problems
        Takes what is wrong with single clips; None stops at the first.

    Raises
    ------
    CdmerError
        No such reader or root, no clip, or what the reader finds wrong.
    """
    problems = Problems() if problems is None else problems
    if reader not in READERS:
        raise CdmerError(
            f"databases: unknown reader {reader!r}",
            f"choose one of {', '.join(READERS)}{did_you_mean(reader, READERS)}",
        )
    place = Path(root).expanduser()
    if not place.exists():
        raise CdmerError(
            f"databases: root {place} does not exist",
            "correct the root, or leave it null for a synthetic database in the same layout",
        )
    sheet = None if annotation is None else Path(annotation).expanduser()
    found = cast(list[ClipEntry], importlib.import_module(READERS[reader]).entries(place, sheet, problems))
    if not found and not problems.found:
        raise CdmerError(f"{place}: no clip found", f"check the layout that the reader {reader} expects")
    inside = place.resolve() if reader != "clips" else None  # a CSV of one's own may name any folder
    kept = [entry for entry in found if problems.take(_checked, entry, inside)]
    return _each_once(kept, problems)


def _checked(entry: ClipEntry, root: Path | None) -> bool:
    """Refuse a clip that a name or a link leads out of its database, and a subject that cannot name a file."""
    if root is not None and not entry.path.resolve().is_relative_to(root):
        raise CdmerError(
            f"{entry.where}: clip {entry.clip} lies outside the database: {entry.path} leads to {entry.path.resolve()}",
            f"put its folder into {root}, or point root at the folder that holds all of them",
        )
    return _named_like_a_file(entry) and _of_one_line(entry)


def _named_like_a_file(entry: ClipEntry) -> bool:
    """Refuse a subject whose name could not stand in a path or on a command line: its files bear that name."""
    if not SUBJECT_NAME.fullmatch(entry.subject):
        raise CdmerError(
            f"{entry.where}: subject {entry.subject!r} cannot name a file",
            "use at most 100 letters, digits, dots, dashes and underscores, a letter or digit first",
        )
    return True


def _of_one_line(entry: ClipEntry) -> bool:
    """Refuse texts with control characters: in a manifest a row ends where a text has a line's end."""
    for what in ("clip", "emotion", "objective_class", "action_units"):
        text = getattr(entry, what)
        if text is not None and _CONTROL.search(text):
            raise CdmerError(
                f"{entry.where}: {what.replace('_', ' ')} {text!r} holds a control character",
                "write it anew, in one line",
            )
    return True


def _each_once(entries: list[ClipEntry], problems: Problems) -> list[ClipEntry]:
    first: dict[str, ClipEntry] = {}
    for entry in entries:
        other = first.setdefault(entry.clip, entry)
        if other is not entry:
            problems.add(
                CdmerError(
                    f"{entry.where}: clip {entry.clip} is listed twice, the other time in {other.where}",
                    "remove or rename one of the two",
                )
            )
    return list(first.values())


def census(
    reader: str, root: str | Path, annotation: str | Path | None = None, database: str | None = None
) -> dict[str, str]:
    """A digest a subject, which changes when anything that its clips are read from does.

    It covers the subject's entries, in order, and name, size and modification time of each of its frame or video
    files. No recording is opened, so it is cheap enough for planning a workflow.

    Parameters
    ----------
    reader, root, annotation
        As for `read_entries`.
    database
        What the configuration calls the database; a name of `PROTOCOL_NAMES` must be its own.

    Raises
    ------
    CdmerError
        As `read_entries`; `root` holds another database than its name says.

    Returns
    -------
    dict of str
        Subject to 16 hexadecimal digits, subjects in the database's order.
    """
    facts: dict[str, list[object]] = {}
    for entry in read_entries(reader, root, annotation):
        recorded = entry.database.removesuffix("_e")  # SMIC's extended release
        if {database, recorded} <= PROTOCOL_NAMES and recorded != database:
            raise CdmerError(
                f"databases.{database}: {root} holds {recorded}",
                f"give {recorded} that root, and {database} its own",
            )
        said = dataclasses.asdict(entry) | {"path": str(entry.path)}
        for unread in ("where", "notes", "annotation"):  # not in the manifest: an inserted row changes no other subject
            del said[unread]
        inside = None if reader == "clips" else Path(root).expanduser().resolve()
        facts.setdefault(entry.subject, []).append([said, file_stamps(entry.path, inside)])
    return {
        subject: hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]
        for subject, seen in facts.items()
    }


def file_stamps(path: Path, root: Path | None = None) -> list[tuple[str, int, int]]:
    """Name, size in bytes and modification time in ns of each frame file of a folder, or of a video.

    Raises
    ------
    CdmerError
        A file is a link to nothing, or to a file that is not below `root`, where one is given.
    """
    try:
        if not path.is_dir():
            return [_stamp(path.name, path.stat())]
        with os.scandir(path) as files:
            frames = [file for file in files if frame_number(file.name) is not None]
        for file in frames:
            if root is not None and file.is_symlink() and not Path(file.path).resolve().is_relative_to(root):
                raise CdmerError(
                    f"{file.path} is a link out of the database, to {Path(file.path).resolve()}",
                    "put the file itself there, or point root at the folder that holds all of them",
                )
        return sorted(_stamp(file.name, file.stat()) for file in frames)
    except FileNotFoundError as error:
        raise CdmerError(f"{error.filename} is gone, or is a link to nothing", "restore the file") from error


def _stamp(name: str, stat: os.stat_result) -> tuple[str, int, int]:
    return name, stat.st_size, stat.st_mtime_ns


@dataclass(frozen=True)
class AnnotationRow:
    """A row of an annotation file. Cells go by the headers that the reader asked for; absent columns are empty."""

    file: Path
    number: int  # as the spreadsheet program shows it
    cells: Mapping[str, object]

    @property
    def where(self) -> str:
        """The file and the row, for errors."""
        return f"{self.file} row {self.number}"

    def text(self, column: str) -> str | None:
        """A cell as text without outer blanks, None where it is empty; 4.0 is "4"."""
        return cell_text(self.cells.get(column)) or None

    def required(self, column: str) -> str:
        """A cell as text; an error where it is empty."""
        text = self.text(column)
        if text is None:
            raise CdmerError(f"{self.where} has no {column}", f"fill in its {column}, or remove the row")
        return text

    def frame(self, column: str) -> int | None:
        """A frame number, None where the cell is empty; an error where it holds anything else."""
        text = self.text(column)
        if text is None:
            return None
        number = whole_number(text)
        if number is None:
            raise CdmerError(f"{self.where}: {column} {text!r} is no frame number", f"correct its {column}")
        return number

    def required_frame(self, column: str) -> int:
        """A frame number; an error where the cell holds anything else or nothing."""
        self.required(column)
        return cast(int, self.frame(column))

    def apex(self, column: str, onset: int, offset: int) -> tuple[int | None, tuple[str, ...]]:
        """The apex, or None and a note where the cell holds no number or one outside [onset, offset]."""
        text = self.text(column) or ""
        number = whole_number(text)
        if number is None:
            return None, (f"{self.where}: {column} {text!r} is no frame number; the apex counts as unknown",)
        if not onset <= number <= offset:
            outside = f"{column} {number} is not between onset {onset} and offset {offset}"
            return None, (f"{self.where}: {outside}; the apex counts as unknown",)
        return number, ()

    def count_note(self, column: str, onset: int, offset: int) -> tuple[str, ...]:
        """A note where the cell counts other than the frames from onset to offset: one of the three is misprinted."""
        printed, count = self.text(column), offset - onset + 1
        if printed in (None, str(count)):
            return ()
        return (f"{self.where}: {column} is {printed}, but from onset {onset} to offset {offset} it is {count} frames",)

    def emotion(self, column: str, known: Collection[str]) -> str:
        """The emotion in lower case, "other" and "others" being one; an error where the database has no such word."""
        said = self.required(column)
        word = said.lower()
        if word not in known:
            word = {"other": "others", "others": "other"}.get(word, word)
        if word in known:
            return word
        raise CdmerError(
            f"{self.where}: unknown emotion {said!r}",
            f"the database's words are {', '.join(sorted(known))}{did_you_mean(word, known)}",
        )

    def objective_class(self, column: str) -> str | None:
        """The objective class as a Roman numeral, from a number or a numeral; None where the cell is empty."""
        text = self.text(column)
        if text is None or text.upper() in ROMAN:
            return text and text.upper()
        number = whole_number(text)
        if number is None or not 1 <= number <= len(ROMAN):
            raise CdmerError(f"{self.where}: unknown objective class {text!r}", "use 1 to 7, or I to VII")
        return ROMAN[number - 1]


def cell_text(cell: object) -> str:
    """A cell's value as text in one line, without outer blanks; empty for None, no ".0" after whole numbers."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return _BREAK.sub(" ", str(cell).strip())


def whole_number(text: str) -> int | None:
    """A non-negative whole number, written "46" or "46.0"; None for any other text."""
    found = _WHOLE.fullmatch(text)
    return int(found[1]) if found else None


def natural_key(name: str) -> list[tuple[int, str]]:
    """A sorting key that reads runs of digits as numbers, so that s2 comes before s11."""
    parts = re.split(r"([0-9]+)", name.casefold())  # text and digits by turns
    return [(int(part), "") if place % 2 else (-1, part) for place, part in enumerate(parts)]


def subfolders(folder: Path) -> list[Path]:
    """The folders in `folder` in natural order, those hidden or made by archivers (``.x``, ``__MACOSX``) aside."""
    with os.scandir(folder) as found:
        names = [item.name for item in found if item.is_dir() and not item.name.startswith((".", "_"))]
    return [folder / name for name in sorted(names, key=natural_key)]


def find_homes(root: Path, is_subject: Callable[[str], object]) -> list[Path]:
    """The folders in which a database's subjects lie: `root`, or those one level down that hold subjects.

    Archives often unpack into a folder of the folder's own name (``Cropped/Cropped/sub01``), which is looked through.

    Parameters
    ----------
    is_subject
        Whether a folder's name is a subject's.
    """
    own = _home(root, is_subject)
    if own:
        return [own]
    return [home for home in (_home(folder, is_subject) for folder in subfolders(root)) if home]


def _home(folder: Path, is_subject: Callable[[str], object]) -> Path | None:
    inner = subfolders(folder)
    if any(is_subject(one.name) for one in inner):
        return folder
    doubled = [one for one in inner if one.name.casefold() == folder.name.casefold()]
    return _home(doubled[0], is_subject) if doubled else None


def is_one_name(name: str) -> bool:
    """Whether a text is the name of one thing in a folder: no way up or down, nothing that a file cannot be called."""
    return name not in ("", ".", "..") and not {"/", "\\", "\0"} & set(name) and len(os.fsencode(name)) < 256


def find_folder(parent: Path, name: str) -> Path | None:
    """The folder `name` in `parent`; failing that, the one that differs only in capitals and zero padding.

    Zeros count as padding in the leading number alone (``s01_ne_01`` is ``s1_ne_01``, ``EP01_2`` is not ``EP01_02``).

    Raises
    ------
    CdmerError
        Several folders differ from `name` in nothing else.
    """
    if not is_one_name(name):
        return None
    if (parent / name).is_dir():
        return parent / name
    alike = [f for f in subfolders(parent) if _unpadded(f.name) == _unpadded(name)] if parent.is_dir() else []
    if len(alike) > 1:
        raise CdmerError(
            f"{parent}: {' and '.join(f.name for f in alike)} both read as {name}", "remove or rename one of the two"
        )
    return alike[0] if alike else None


def _unpadded(name: str) -> str:
    return re.sub(r"^([a-z]*)0+(?=[0-9])", r"\1", name.casefold())
