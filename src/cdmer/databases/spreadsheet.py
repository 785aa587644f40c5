"""Coding spreadsheets: finding a database's own, and reading the rows below its header."""

import re
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from cdmer.databases.reading import AnnotationRow, cell_text, did_you_mean
from cdmer.errors import CdmerError


def find_annotation(root: Path, names: Sequence[str]) -> Path:
    """The one spreadsheet in `root` or in its parent that bears a known name.

    Parameters
    ----------
    root
        The database's folder.
    names
        File names, ``*`` standing for any text; capitals do not matter.

    Raises
    ------
    CdmerError
        There is none, or more than one.
    """
    places = [root, root.absolute().parent]
    found = [
        file
        for place in places
        for file in sorted(place.iterdir())
        if file.is_file() and any(fnmatch(file.name.lower(), name.lower()) for name in names)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise CdmerError(
            f"databases: {len(found)} annotations for {root}: {', '.join(map(str, found))}",
            "name the right one as the database's annotation",
        )
    raise CdmerError(
        f"databases: no annotation for {root}: no {' or '.join(names)} in {places[0]} or {places[1]}",
        "put the spreadsheet there, or name it as the database's annotation",
    )


def read_sheet(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> list[AnnotationRow]:
    """The rows below the header of a workbook's coding sheet, blank ones aside.

    The header is the first row, in the first sheet that has one, whose first cell is `required`'s first name;
    notes may stand above it. Headers match whatever their capitals, blanks and punctuation.

    Raises
    ------
    CdmerError
        No such file, no workbook, no header, or a required column missing.
    """
    for title, rows in _sheets(path):
        for index, row in enumerate(rows):
            if row and _plain(row[0]) == _plain(required[0]):
                columns = _columns(f"{path}, sheet {title!r}, row {index + 1}", row, required, optional)
                return _rows_below(path, rows, index + 1, columns)
    raise CdmerError(
        f"{path}: no sheet has a header row, whose first cell is {required[0]!r}",
        "name the coding spreadsheet that comes with the database as its annotation",
    )


def _sheets(path: Path) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    """Title and rows of each sheet."""
    if not path.is_file():
        raise CdmerError(f"databases: annotation {path} does not exist", "correct its path, or leave it null to search")
    try:
        workbook = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, KeyError, ValueError, OSError) as error:
        raise CdmerError(
            f"{path} cannot be read as an .xlsx workbook ({error})",
            "open it in a spreadsheet program, save it as .xlsx",
        ) from error
    try:
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()  # some writers record a wrong size, and rows would be cut off
            yield sheet.title, list(sheet.iter_rows(values_only=True))
    finally:
        workbook.close()


def _columns(where: str, header: Sequence[object], required: Sequence[str], optional: Sequence[str]) -> dict[str, int]:
    """The place of each column asked for that the header has."""
    places: dict[str, int] = {}
    for place, cell in enumerate(header):
        places.setdefault(_plain(cell), place)
    asked = {_plain(name) for name in (*required, *optional)}
    for name in required:
        if _plain(name) not in places:
            others = [cell_text(cell) for cell in header if _plain(cell) and _plain(cell) not in asked]
            raise CdmerError(
                f"{where}: no column {name!r}",
                f"rename the column that holds it (there are also {', '.join(others) or 'no others'})"
                + did_you_mean(name, others),
            )
    return {name: places[_plain(name)] for name in (*required, *optional) if _plain(name) in places}


def _rows_below(
    path: Path, rows: Collection[tuple[object, ...]], header: int, columns: dict[str, int]
) -> list[AnnotationRow]:
    found = []
    for number, row in enumerate(rows, start=1):
        cells = {name: row[place] for name, place in columns.items() if place < len(row)}
        if number > header and any(cell_text(cell) for cell in cells.values()):
            found.append(AnnotationRow(path, number, cells))
    return found


def _plain(cell: object) -> str:
    return re.sub(r"[\W_]", "", cell_text(cell)).casefold()
