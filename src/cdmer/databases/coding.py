"""Databases of one folder a clip and one coding spreadsheet row a clip: CASME II, SAMM and their kind."""

import re
from dataclasses import dataclass
from pathlib import Path

from cdmer.databases.reading import AnnotationRow, ClipEntry, find_folder
from cdmer.databases.spreadsheet import find_annotation, read_sheet
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


def coded_clips(coding: Coding, root: Path, annotation: Path | None) -> list[ClipEntry]:
    """One entry a row of the coding spreadsheet, in its order.

    Raises
    ------
    CdmerError
        `root` is no folder; the spreadsheet or a column of it is missing; a row whose folder is missing or whose
        cells are wrong. An apex that is no number or lies outside [onset, offset] is no error, but unknown and noted.
    """
    if not root.is_dir():
        raise CdmerError(f"databases: root {root} is not a folder", "give the folder that holds the subjects' folders")
    required = ("Subject", "Filename", *coding.frames, "Action Units", "Estimated Emotion")
    rows = read_sheet(annotation or find_annotation(root, coding.annotations), required, ("Objective Classes",))
    return [_entry(coding, root, row) for row in rows]


def _entry(coding: Coding, root: Path, row: AnnotationRow) -> ClipEntry:
    subject, name = _subject(coding, row), row.required("Filename")
    onset_column, apex_column, offset_column = coding.frames
    onset, offset = row.required_frame(onset_column), row.required_frame(offset_column)
    apex, notes = row.apex(apex_column, onset, offset)
    return ClipEntry(
        clip=coding.clip.format(subject=subject, name=name),
        subject=subject,
        database=coding.database,
        path=_folder(coding, root, row, subject, name),
        where=row.where,
        fps=coding.fps,
        onset=onset,
        apex=apex,
        offset=offset,
        emotion=row.emotion("Estimated Emotion", coding.emotions),
        objective_class=row.objective_class("Objective Classes"),
        action_units=row.text("Action Units"),
        notes=notes,
    )


def _subject(coding: Coding, row: AnnotationRow) -> str:
    """The subject's folder name, from a cell that holds it or its number, padded or not."""
    text = row.required("Subject")
    found = re.fullmatch(r"[a-z]*([0-9]+)", text, re.IGNORECASE)
    if not found:
        raise CdmerError(f"{row.where}: Subject {text!r} is no number", f"write it as {coding.subject.format(1)}")
    return coding.subject.format(int(found[1]))


def _folder(coding: Coding, root: Path, row: AnnotationRow, subject: str, name: str) -> Path:
    expected = root / subject
    folder = find_folder(find_folder(root, subject) or expected, name)
    if folder is None:
        raise CdmerError(
            f"{row.where}: there is no folder {expected / name}",
            f"point root at the folder that holds {coding.subject.format(1)} and the other subjects, or restore it",
        )
    return folder
