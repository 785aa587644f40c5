"""Errata of the releases, from errata.csv beside this module: known misprints and known gaps, by clip.

An erratum holds for one field of one clip, found by the clip's name and never by its row, and only where that field
shows the printed value: a corrected sheet is left alone. The fields:

``apex``, ``emotion``
    The cell of the annotation; nothing in `corrected` is unknown.
``offset``
    The last frame of a copy that ends early: it holds only where the frames end at `corrected`.
``missing``
    How many frames between onset and offset the release lacks.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DEPENDS_ON_FILES = ("errata.csv",)


@dataclass(frozen=True)
class Erratum:
    """A printed value and what is taken in its place."""

    database: str
    clip: str
    field: str
    printed: str
    corrected: str
    reason: str

    def note(self, where: str) -> str:
        """What was done, for the log."""
        if self.field == "missing":
            done = f"missing frames ({self.printed}) filled with the frame before"
        else:
            done = f"{self.field} {self.printed!r} taken as {self.corrected or 'unknown'}"
        return f"{where}: {done}; a known erratum: {self.reason}"


def find_erratum(database: str, clip: str, field: str, printed: str | None) -> Erratum | None:
    """The erratum of that field, where there is one and the printed value is the one that it expects."""
    erratum = errata_of(database, field).get(clip)
    return erratum if erratum and erratum.printed == printed else None


@cache
def errata_of(database: str, field: str) -> dict[str, Erratum]:
    """The errata of one field of a database, by clip."""
    with open(Path(__file__).with_name("errata.csv"), encoding="utf-8", newline="") as lines:
        errata = [Erratum(**row) for row in csv.DictReader(lines)]
    return {one.clip: one for one in errata if (one.database, one.field) == (database, field)}
