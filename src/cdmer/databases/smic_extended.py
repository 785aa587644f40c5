"""SMIC-E: HS_long/SMIC-HS-E/s03/s3_ne_01/image123456.jpg and a workbook, the extended set of SMIC.

A recording is longer than its micro-expression, may hold a second one (Onset2F, Offset2F), or that of another row whose
own folder does not exist. FirstF and LastF are the sheet's own numbers of a recording's first and last frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cdmer.databases.problems import Problems
from cdmer.databases.reading import AnnotationRow, ClipEntry, find_folder
from cdmer.databases.smic_names import EMOTIONS, FPS, MAY_LACK, checked_label, clip_name, subject_name
from cdmer.databases.spreadsheet import Table, find_annotations, places_around, read_tables
from cdmer.errors import CdmerError

_ANNOTATIONS = ("SMIC*annotation*.xlsx",)
_REQUIRED = ("Subject", "Filename", "OnsetF", "OffsetF", "FirstF", "Emotion")
_OPTIONAL = ("Onset2F", "Offset2F", "LastF", "TotalVL", "TotalMF1", "TotalMF2")


@dataclass(frozen=True)
class _Row:
    """A row, and the recording that bears its name, where there is one."""

    cells: AnnotationRow
    subject: str
    clip: str
    folder: Path | None

    @property
    def is_unreleased(self) -> bool:
        """Whether the sheet itself says that there is no recording: ``MISSING <-426679`` in place of FirstF."""
        return self.folder is None and (self.cells.text("FirstF") or "").upper().startswith("MISSING")

    def shares_recording_of(self, other: "_Row") -> bool:
        """Whether the sheet gives both the same first and last frame."""
        columns = ("FirstF", "LastF", "TotalVL")
        return self.subject == other.subject and all(self.cells.text(c) == other.cells.text(c) for c in columns)


def extended_clips(root: Path, home: Path, subset: str, annotation: Path | None, problems: Problems) -> list[ClipEntry]:
    """One entry a micro-expression of the subset's sheet, in its order; a row's second one follows its first.

    Raises
    ------
    CdmerError
        No workbook, none or several with a sheet of the subset, or a column of it is missing.
    """
    files = [annotation] if annotation else find_annotations(places_around(root, home), _ANNOTATIONS)
    named = [problems.take(_named, row, home) for row in _rows(_sheet(files, subset), subset)]
    rows = [row for row in named if row]
    entries = []
    for row in rows:
        if row.is_unreleased:
            said = f"FirstF {row.cells.text('FirstF')!r}"
            problems.notes.append(f"{row.cells.where}: {row.clip} has no recording ({said}) and is left out")
        else:
            entries += _entries(row, rows, subset, problems)
    return entries


def _sheet(files: Sequence[Path], subset: str) -> Table:
    """The one sheet of the subset: by its title, or by columns that are named after it."""
    tables = [table for file in files for table in read_tables(file, "Subject")]
    of_subset = [t for t in tables if t.title.strip().casefold() == subset or t.has(f"OnsetF {subset}")]
    if len(of_subset) == 1:
        return of_subset[0]
    names = ", ".join(map(str, files))
    if of_subset:
        raise CdmerError(
            f"databases: {len(of_subset)} sheets of {subset.upper()} in {names}",
            "name the right workbook as the database's annotation",
        )
    raise CdmerError(
        f"databases: no sheet {subset.upper()} in {names}",
        "name the workbook of the subset as the database's annotation",
    )


def _rows(table: Table, subset: str) -> list[AnnotationRow]:
    """The rows of a sheet, whose columns may bear the subset's name: ``OnsetF NIR``."""
    named = {name: f"{name} {subset}" for name in (*_REQUIRED, *_OPTIONAL) if table.has(f"{name} {subset}")}
    required, optional = ([named.get(name, name) for name in names] for names in (_REQUIRED, _OPTIONAL))
    plain = {given: name for name, given in named.items()}
    return [
        AnnotationRow(row.file, row.number, {plain.get(name, name): cell for name, cell in row.cells.items()})
        for row in table.rows(required, optional)
    ]


def _named(row: AnnotationRow, home: Path) -> _Row:
    subject, clip = _subject(row), _clip(row)
    folder = find_folder(home, subject)
    return _Row(row, subject, clip, find_folder(folder, clip) if folder else None)


def _subject(row: AnnotationRow) -> str:
    text = row.required("Subject")
    subject = subject_name(text) or subject_name(f"s{text}")
    if subject is None:
        raise CdmerError(f"{row.where}: Subject {text!r} is no number", "write it as 1 or s01")
    return subject


def _clip(row: AnnotationRow) -> str:
    text = row.required("Filename")
    clip = clip_name(text)
    if clip is None:
        raise CdmerError(f"{row.where}: Filename {text!r} is not a clip's", "write it as s1_ne_01")
    return clip


def _entries(row: _Row, rows: Sequence[_Row], subset: str, problems: Problems) -> list[ClipEntry]:
    """The one or two micro-expressions of a row."""
    cells = row.cells
    recording = problems.take(_recording, row, rows)
    span = problems.take(_span, cells)
    emotion = problems.take(cells.emotion, "Emotion", EMOTIONS.values())
    events = [("OnsetF", "OffsetF", "TotalMF1")]
    if cells.text("Onset2F") or cells.text("Offset2F"):
        events.append(("Onset2F", "Offset2F", "TotalMF2"))
    found = []
    for index, (onset_column, offset_column, total) in enumerate(events, start=1):
        onset, offset = (problems.take(cells.required_frame, column) for column in (onset_column, offset_column))
        if recording is None or span is None or emotion is None or onset is None or offset is None:
            continue
        path, elsewhere = recording
        label, mended = checked_label(f"smic_{subset}_e", row.clip, emotion, cells.where)
        found.append(
            ClipEntry(
                clip=row.clip if index == 1 else f"{row.clip}_{index}",
                subject=row.subject,
                database=f"smic_{subset}_e",
                path=path,
                where=cells.where,
                fps=FPS[subset],
                onset=onset,
                offset=offset,
                emotion=label,
                notes=(*elsewhere, *mended, *cells.count_note(total, onset, offset)),
                annotation=cells.file,
                span=span,
                may_lack=MAY_LACK,
            )
        )
    return found


def _recording(row: _Row, rows: Sequence[_Row]) -> tuple[Path, tuple[str, ...]]:
    """The row's own recording, or that of another row with the same first and last frame, and a note."""
    if row.folder:
        return row.folder, ()
    for other in rows:
        if other.folder and row.shares_recording_of(other):
            return other.folder, (f"{row.cells.where}: {row.clip} has no folder; it lies in that of {other.clip}",)
    raise CdmerError(
        f"{row.cells.where}: there is no folder of {row.clip}, and no other row of {row.subject} has its FirstF",
        "restore the folder, correct the Filename, or remove the row",
    )


def _span(row: AnnotationRow) -> tuple[int, int]:
    """The first and last frame of a row's recording, in the sheet's numbers."""
    first, last, total = row.required_frame("FirstF"), row.frame("LastF"), row.frame("TotalVL")
    if last is not None:
        return first, last
    if total is None:
        raise CdmerError(f"{row.where} has neither LastF nor TotalVL", "fill in one of them")
    return first, first + total - 1
