"""One way to say how far a long step is."""

import sys
from collections.abc import Iterable
from typing import Any, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


class _Lines(tqdm):  # type: ignore[type-arg]
    """A bar for a file: a line each time, where a terminal would see one line move."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        text = str(self) if msg is None else msg
        if text:
            self.fp.write(f"{text}\n")
            self.fp.flush()


def progress(items: Iterable[Item], what: str, total: int | None = None, unit: str = "clip") -> "tqdm[Item]":
    """Iterate over `items` behind a progress bar on standard error.

    On a terminal the bar moves; in a log it is one line every ten seconds, and none for a step shorter than that.
    """
    live = sys.stderr.isatty()
    options: dict[str, Any] = {"desc": what, "total": total, "unit": unit, "file": sys.stderr, "leave": False}
    if live:
        return tqdm(items, dynamic_ncols=True, mininterval=0.2, delay=0.5, **options)
    return _Lines(items, mininterval=10.0, delay=10.0, ncols=100, **options)
