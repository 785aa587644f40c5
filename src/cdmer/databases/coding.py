"""Databases of one folder a clip and one coding spreadsheet row a clip: CASME II, SAMM and their kind."""

import re
from dataclasses import dataclass
from pathlib import Path

from cdmer.databases.errata import find_erratum
from cdmer.databases.problems import Problems
from cdmer.databases.reading import AnnotationRow, ClipEntry, find_folder, find_homes, whole_number
from cdmer.databases.spreadsheet import find_annotation, places_around, read_tables
from cdmer.errors import CdmerError


@dataclass(frozen=True)
class Coding:
    """How such a database names its things."""

    database: str
    fps: float
    annotations: tuple[str, ...]  # file names of the spreadsheet, * for any text
    subject: str  # a subject's folder name, of its number
    clip: str  # a clip's unique name, of {subject} and of the folder's {name}
    frames: tuple[str, str, str]  # columns of onset, apex and offset
    emotions: frozenset[str]

    def is_subject(self, folder: str) -> bool:
        """Whether a folder is named like a subject's, padded or not."""
        letters = self.subject.partition("{")[0]
        return re.fullmatch(f"{letters}[0-9]{{1,3}}", folder, re.IGNORECASE) is not None

    def subject_of(self, row: AnnotationRow) -> str:
        """The subject's folder name, from a cell that holds it or its number, padded or not."""
        text = row.required("Subject")
        found = re.fullmatch(r"[a-z]*([0-9]{1,9})", text, re.IGNORECASE)
        if not found:
            raise CdmerError(f"{row.where}: Subject {text!r} is no number", f"write it as {self.subject.format(1)}")
        return self.subject.format(int(found[1]))


@dataclass(frozen=True)
class Location:
    """Where a database lies."""

    home: Path  # the folder of the subjects' folders
    places: list[Path]  # folders in which its spreadsheets may lie
    annotation: Path


def locate(coding: Coding, root: Path, annotation: Path | None) -> Location:
    """Find the subjects' folders, in `root` or one level down, and the spreadsheet.

    Raises
    ------
    CdmerError
        `root` is no folder, or holds no subject, or several copies of the database; no spreadsheet, or several.
    """
    if not root.is_dir():
        raise CdmerError(f"databases: root {root} is not a folder", "give the folder that holds the subjects' folders")
    homes = find_homes(root, coding.is_subject)
    if not homes:
        raise CdmerError(
            f"databases: {root} holds no subject's folder, but {_listed(root)}",
            f"point root at the folder that holds {coding.subject.format(1)} and the other subjects",
        )
    if len(homes) > 1:
        raise CdmerError(
            f"databases: {root} holds {len(homes)} folders of subjects: {', '.join(map(str, homes))}",
            "each is a database of its own: point root at one of them",
        )
    places = places_around(root, homes[0])
    return Location(homes[0], places, annotation or find_annotation(places, coding.annotations))


def _listed(folder: Path) -> str:
    """The first few names in a folder."""
    names = sorted(path.name for path in folder.iterdir())
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "") or "nothing"


def coded_clips(coding: Coding, location: Location, problems: Problems) -> list[ClipEntry]:
    """One entry a row of the coding spreadsheet, in its order.

    Rows whose folder is missing or whose cells are wrong are reported. An apex that is no number or lies outside
    [onset, offset] is no fault, but unknown and noted; a known misprint of one is corrected and noted.

    Raises
    ------
    CdmerError
        The spreadsheet or a column of it is missing.
    """
    required = ("Subject", "Filename", *coding.frames, "Action Units", "Estimated Emotion")
    rows = read_tables(location.annotation, "Subject")[0].rows(required, ("Objective Classes", "Duration"))
    subjects = [problems.take(coding.subject_of, row) for row in rows]
    folders = _subject_folders(coding, location.home, rows, subjects, problems)
    entries = [
        _entry(coding, row, subject, folders[subject], problems)
        for row, subject in zip(rows, subjects, strict=True)
        if subject
    ]
    return [entry for entry in entries if entry]


def _subject_folders(
    coding: Coding, home: Path, rows: list[AnnotationRow], subjects: list[str | None], problems: Problems
) -> dict[str, Path | None]:
    """Each subject's folder; an absent one is reported once, however many rows name it."""
    rows_of: dict[str, list[AnnotationRow]] = {}
    for row, subject in zip(rows, subjects, strict=True):
        if subject:
            rows_of.setdefault(subject, []).append(row)
    return {
        subject: problems.take(_subject_folder, coding, home, subject, naming) for subject, naming in rows_of.items()
    }


def _subject_folder(coding: Coding, home: Path, subject: str, naming: list[AnnotationRow]) -> Path:
    folder = find_folder(home, subject)
    if folder is None:
        raise CdmerError(
            f"{naming[0].where}: there is no folder {home / subject} ({len(naming)} of the rows name it)",
            f"point root at the folder that holds {coding.subject.format(1)} and the other subjects, or restore it",
        )
    return folder


def _entry(
    coding: Coding, row: AnnotationRow, subject: str, folder: Path | None, problems: Problems
) -> ClipEntry | None:
    name = problems.take(row.required, "Filename")
    path = problems.take(_clip_folder, row, folder, name) if folder and name else None
    onset_column, _, offset_column = coding.frames
    onset = problems.take(row.required_frame, onset_column)
    offset = problems.take(row.required_frame, offset_column)
    emotion = problems.take(row.emotion, "Estimated Emotion", coding.emotions)
    objective_class = problems.take(row.objective_class, "Objective Classes")
    if name is None or path is None or onset is None or offset is None:
        return None
    clip = coding.clip.format(subject=subject, name=name)
    apex, notes = _apex(coding, row, clip, onset, offset)
    return ClipEntry(
        clip=clip,
        subject=subject,
        database=coding.database,
        path=path,
        where=row.where,
        fps=coding.fps,
        onset=onset,
        apex=apex,
        offset=offset,
        emotion=emotion,
        objective_class=objective_class,
        action_units=row.text("Action Units"),
        notes=(*notes, *row.count_note("Duration", onset, offset)),
        annotation=row.file,
    )


def _clip_folder(row: AnnotationRow, subject: Path, name: str) -> Path:
    folder = find_folder(subject, name)
    if folder is None:
        raise CdmerError(
            f"{row.where}: there is no folder {subject / name}",
            "restore it, correct the Filename, or remove the row",
        )
    return folder


def _apex(coding: Coding, row: AnnotationRow, clip: str, onset: int, offset: int) -> tuple[int | None, tuple[str, ...]]:
    """The apex of a row, None where it is unknown; known misprints are corrected."""
    column = coding.frames[1]
    erratum = find_erratum(coding.database, clip, "apex", row.text(column))
    if erratum is None:
        return row.apex(column, onset, offset)
    corrected = whole_number(erratum.corrected)
    if corrected is not None and not onset <= corrected <= offset:  # a sheet with other onsets: another misprint
        return row.apex(column, onset, offset)
    return corrected, (erratum.note(row.where),)
