"""Clips of one's own: a CSV file with a row a clip, each a folder of frames or a video file."""

import csv
import math
from pathlib import Path

from cdmer.databases.problems import Problems
from cdmer.databases.reading import AnnotationRow, ClipEntry
from cdmer.errors import CdmerError
from cdmer.nearest import did_you_mean

REQUIRED = ("clip", "subject", "path")
OPTIONAL = ("onset", "apex", "offset", "fps", "emotion", "objective_class", "action_units", "database")


def entries(root: Path, annotation: Path | None, problems: Problems) -> list[ClipEntry]:
    """The rows of the CSV file `root`, in its order."""
    if annotation is not None:
        raise CdmerError(
            f"databases: the reader clips reads no annotation, and was given {annotation}",
            "leave it null; the CSV file that is the root says all",
        )
    if not root.is_file():
        raise CdmerError(f"databases: root {root} is not a file", "the reader clips wants the CSV file that lists them")
    found = [_entry(row, problems) for row in _rows(root, problems)]
    return [entry for entry in found if entry]


def _rows(table: Path, problems: Problems) -> list[AnnotationRow]:
    try:
        with open(table, encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, strict=True)
            header = [name.strip() for name in next(reader, [])]
            _check_header(table, header)
            rows = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise CdmerError(f"{table} cannot be read as CSV ({error})", "save it as comma-separated UTF-8") from error
    for number, cells in rows:
        if len(cells) > len(header):
            problems.add(
                CdmerError(
                    f"{table} row {number} has {len(cells)} cells under {len(header)} columns",
                    "put text that contains a comma between double quotes",
                )
            )
    return [AnnotationRow(table, number, dict(zip(header, cells, strict=False))) for number, cells in rows]


def _check_header(table: Path, header: list[str]) -> None:
    known = (*REQUIRED, *OPTIONAL)
    for name in header:
        if name not in known:
            raise CdmerError(
                f"{table}: unknown column {name!r}",
                f"the columns are {', '.join(known)}, separated by commas{did_you_mean(name, known)}",
            )
        if header.count(name) > 1:
            raise CdmerError(f"{table}: column {name} appears twice", "remove one of the two")
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise CdmerError(f"{table}: no column {missing[0]}", f"every table of clips has {', '.join(REQUIRED)}")


def _entry(row: AnnotationRow, problems: Problems) -> ClipEntry | None:
    clip, subject = problems.take(row.required, "clip"), problems.take(row.required, "subject")
    recording = problems.take(_recording, row)
    onset, apex, offset = (problems.take(row.frame, column) for column in ("onset", "apex", "offset"))
    objective_class = problems.take(row.objective_class, "objective_class")
    emotion = row.text("emotion")
    if clip is None or subject is None or recording is None:
        return None
    path, fps = recording
    return ClipEntry(
        clip=clip,
        subject=subject,
        database=row.text("database") or row.file.stem,
        path=path,
        where=row.where,
        fps=fps,
        onset=onset,
        apex=apex,
        offset=offset,
        emotion=emotion and emotion.lower(),
        objective_class=objective_class,
        action_units=row.text("action_units"),
        annotation=row.file,
    )


def _recording(row: AnnotationRow) -> tuple[Path, float | None]:
    """Where a row's frames are, and its frames per second; None for a video, which knows its own."""
    text = row.required("path")
    try:
        path = row.file.parent / Path(text).expanduser()
        there = path.exists()
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, an unknown user's home
        raise CdmerError(f"{row.where}: {text[:80]!r} cannot be a path ({error})", "correct its path") from error
    if not there:
        raise CdmerError(f"{row.where}: there is no {path}", f"correct its path, which counts from {row.file.parent}")
    fps = _fps(row)
    if fps is None and path.is_dir():
        raise CdmerError(f"{row.where} has no fps", "a folder of frames cannot tell its frames per second: fill it in")
    return path, fps


def _fps(row: AnnotationRow) -> float | None:
    text = row.text("fps")
    if text is None:
        return None
    try:
        fps = float(text)
    except ValueError:
        fps = math.nan
    if not (math.isfinite(fps) and fps > 0):
        raise CdmerError(f"{row.where}: fps {text!r} is no number of frames per second", "write it as 25 or 29.97")
    return fps
