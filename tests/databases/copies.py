"""Small copies of databases for tests: frames of a few pixels, and spreadsheets."""

from collections.abc import Iterable
from functools import cache
from io import BytesIO
from pathlib import Path

from openpyxl import Workbook
from PIL import Image

CASME2_HEADER = ("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units",
                 "Estimated Emotion")  # fmt: skip
SAMM_HEADER = ("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration",
               "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes")  # fmt: skip


def write_frames(folder: Path, names: Iterable[str]) -> Path:
    """Grey pictures of 4 by 4 pixels."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(_picture("BMP" if name.endswith("bmp") else "JPEG"))
    return folder


@cache
def _picture(kind: str) -> bytes:
    encoded = BytesIO()
    Image.new("L", (4, 4)).save(encoded, kind)
    return encoded.getvalue()


def write_sheet(path: Path, rows: Iterable[Iterable[object]], title: str = "Sheet1") -> Path:
    """A workbook whose first sheet has those rows, and whose second is empty."""
    workbook = Workbook()
    workbook.active.title = title
    for row in rows:
        workbook.active.append(list(row))
    workbook.create_sheet("Sheet2")
    workbook.save(path)
    return path


def write_casme2(
    root: Path, clips: dict[str, range], rows: Iterable[Iterable[object]], frame: str = "img{}.jpg"
) -> Path:
    """Clips by name, ``sub01/EP02_01f``, with their frame numbers, and the sheet of 2014 beside the root."""
    for clip, numbers in clips.items():
        write_frames(root / clip, (frame.format(number) for number in numbers))
    write_sheet(root.parent / "CASME2-coding-20140508.xlsx", [CASME2_HEADER, *rows])
    return root


def casme2_row(clip: str, onset: object, apex: object, offset: object, emotion: str = "disgust") -> list[object]:
    """A row of CASME II's sheet."""
    subject, name = clip.split("/")
    return [subject.removeprefix("sub"), name, None, onset, apex, offset, None, "4", emotion]


def write_samm(root: Path, clips: dict[str, range], rows: Iterable[Iterable[object]]) -> Path:
    """Clips by name, ``006_1_2``, with their frame numbers, and the sheet with its 13 lines of notes in the root."""
    for clip, numbers in clips.items():
        write_frames(root / clip[:3] / clip, (f"{clip[:3]}_{number:05d}.jpg" for number in numbers))
    notes: list[list[object]] = [[f"note {line}"] for line in range(13)]
    write_sheet(root / "SAMM_Micro_FACS_Codes_v2.xlsx", [*notes, SAMM_HEADER, *rows], "MICRO_ONLY")
    return root


def samm_row(clip: str, onset: int, apex: object, offset: int) -> list[object]:
    """A row of SAMM's sheet."""
    count = offset - onset + 1
    return [clip[:3], clip, int(clip[4]), onset, apex, offset, count, "Micro - 1/2", "4A", "Anger", 3, None]
