"""Coding spreadsheets: finding a database's own, and reading the rows below its header."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from openpyxl import load_workbook

from cdmer.databases.reading import AnnotationRow, cell_text
from cdmer.errors import CdmerError
from cdmer.files import why_no_file
from cdmer.nearest import did_you_mean

MOST_BYTES = 1 << 25  # of a workbook, unpacked; the databases' own unpack to one thousandth of it
MOST_CELLS = 2_000_000  # of a workbook, blank ones in its rows included
MOST_ROWS = 1 << 20  # that a spreadsheet program can show; of all sheets


def find_annotations(places: Sequence[Path], names: Sequence[str]) -> list[Path]:
    """The spreadsheets in some folders that bear a known name.

    Parameters
    ----------
    places
        Folders to look into.
    names
        File names that end in ``.xlsx``, ``*`` standing for any text; capitals do not matter.

    Raises
    ------
    CdmerError
        There is none.
    """
    found = list(matching_files(places, names))
    if found:
        return found
    old = next(matching_files(places, [name.removesuffix("x") for name in names]), None)
    if old:
        raise CdmerError(
            f"{old} is an .xls workbook, which is not read", "open it in a spreadsheet program, save it as .xlsx"
        )
    raise CdmerError(
        f"databases: no annotation for {places[0]}: no {' or '.join(names)} in {' or '.join(map(str, places))}",
        "put the spreadsheet there, or name it as the database's annotation",
    )


def find_annotation(places: Sequence[Path], names: Sequence[str]) -> Path:
    """The one spreadsheet in some folders that bears a known name; see `find_annotations`.

    Raises
    ------
    CdmerError
        There is none, or more than one.
    """
    found = find_annotations(places, names)
    if len(found) == 1:
        return found[0]
    raise CdmerError(
        f"databases: {len(found)} annotations for {places[0]}: {', '.join(map(str, found))}",
        "name the right one as the database's annotation",
    )


def places_around(root: Path, home: Path) -> list[Path]:
    """Where a database's spreadsheet may lie: `root`, the folder above it, and those on the way down to `home`."""
    way = [folder for folder in (home, *home.parents) if folder != root and folder.is_relative_to(root)]
    above = root.parent if root.name not in ("", "..") else root.resolve().parent
    return [root, above, *reversed(way)]


def matching_files(places: Sequence[Path], names: Sequence[str]) -> Iterator[Path]:
    """The files in some folders whose name matches one of `names`, capitals aside."""
    for place in places:
        for file in sorted(place.iterdir()):
            if file.is_file() and any(fnmatch(file.name.lower(), name.lower()) for name in names):
                yield file


@dataclass(frozen=True)
class Table:
    """A sheet with a header row, and what stands below it."""

    file: Path
    title: str
    header: int  # number of the header's row, as the spreadsheet program shows it
    names: tuple[object, ...]  # the header's cells
    below: Sequence[tuple[object, ...]]

    def has(self, name: str) -> bool:
        """Whether there is a column of that name, whatever its capitals, blanks and punctuation."""
        return _plain(name) in map(_plain, self.names)

    def rows(self, required: Sequence[str], optional: Sequence[str] = ()) -> list[AnnotationRow]:
        """The rows below the header, those aside that are blank in every column asked for.

        Raises
        ------
        CdmerError
            A required column is missing.
        """
        columns = self._columns(required, optional)
        found = []
        for number, row in enumerate(self.below, start=self.header + 1):
            cells = {name: row[place] for name, place in columns.items() if place < len(row)}
            if any(cell_text(cell) for cell in cells.values()):
                found.append(AnnotationRow(self.file, number, cells))
        return found

    def _columns(self, required: Sequence[str], optional: Sequence[str]) -> dict[str, int]:
        """The place of each column asked for that the header has."""
        places: dict[str, int] = {}
        for place, cell in enumerate(self.names):
            places.setdefault(_plain(cell), place)
        asked = {_plain(name) for name in (*required, *optional)}
        for name in required:
            if _plain(name) not in places:
                others = [cell_text(cell) for cell in self.names if _plain(cell) and _plain(cell) not in asked]
                raise CdmerError(
                    f"{self.file}, sheet {self.title!r}, row {self.header}: no column {name!r}",
                    f"rename the column that holds it (there are also {', '.join(others) or 'no others'})"
                    + did_you_mean(name, others),
                )
        return {name: places[_plain(name)] for name in (*required, *optional) if _plain(name) in places}


def read_tables(path: Path, first: str) -> list[Table]:
    """The sheets of a workbook that have a header: the first row whose first cell is `first`.

    Notes may stand above it. Headers match whatever their capitals, blanks and punctuation.

    Raises
    ------
    CdmerError
        No such file, no workbook, or no header in any sheet.
    """
    found = []
    for title, rows in _sheets(path):
        for place, row in enumerate(rows):
            if row and _plain(row[0]) == _plain(first):
                found.append(Table(path, title, place + 1, row, rows[place + 1 :]))
                break
    if not found:
        raise CdmerError(
            f"{path}: no sheet has a header row, whose first cell is {first!r}",
            "name the coding spreadsheet that comes with the database as its annotation",
        )
    return found


def _sheets(path: Path) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    """Title and rows of each sheet."""
    if not path.is_file():
        raise CdmerError(
            f"databases: annotation {path} {why_no_file(path)}", "correct its path, or leave it null to search"
        )
    try:
        _check_size(path)
        workbook = load_workbook(path, read_only=True, data_only=True)
        try:
            sheets: list[tuple[str, list[tuple[object, ...]]]] = []
            left = [MOST_CELLS, MOST_ROWS]
            for sheet in workbook.worksheets:
                rows = _rows(path, sheet, *left)
                left = [left[0] - sum(map(len, rows)), left[1] - len(rows)]
                sheets.append((sheet.title, rows))
        finally:
            workbook.close()
    except CdmerError:
        raise
    except Exception as error:  # a broken workbook breaks zip, XML and openpyxl, each in its own ways
        raise CdmerError(
            f"{path} cannot be read as an .xlsx workbook ({type(error).__name__}: {error})",
            "open it in a spreadsheet program, save it as .xlsx",
        ) from error
    yield from sheets


def _check_size(path: Path) -> None:
    """Refuse a workbook that unpacks to more than any coding spreadsheet holds; no byte is unpacked."""
    with ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
    if size > MOST_BYTES:
        raise CdmerError(
            f"{path} unpacks to {size >> 20} MB, which no coding spreadsheet does",
            "give the spreadsheet that comes with the database, or copy its cells into a new workbook",
        )


def _rows(path: Path, sheet: Any, most_cells: int, most_rows: int) -> list[tuple[object, ...]]:
    """The rows of a sheet; what is left of the workbook's cells and rows may not be passed."""
    sheet.reset_dimensions()  # some writers record a wrong size, and rows would be cut off
    rows: list[tuple[object, ...]] = []
    cells = 0
    for row in sheet.iter_rows(values_only=True):
        rows.append(row)
        cells += len(row)
        if cells > most_cells or len(rows) > most_rows:
            raise CdmerError(
                f"{path}, as far as sheet {sheet.title!r}: more than {MOST_CELLS} cells or {MOST_ROWS} rows",
                "give the spreadsheet that comes with the database, or delete what stands far right or far below",
            )
    return rows


def _plain(cell: object) -> str:
    return re.sub(r"[\W_]", "", cell_text(cell)).casefold()
