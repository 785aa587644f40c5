"""One way to say how far a long step is."""

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(items: Iterable[Item], what: str, total: int | None = None, unit: str = "clip") -> Iterable[Item]:
    """Iterate over `items` behind a progress bar on standard error.

    On a terminal the bar moves; in a log it is one line every ten seconds, and none for a step shorter than that.
    """
    live = sys.stderr.isatty()
    return tqdm(
        items,
        desc=what,
        total=total,
        unit=unit,
        file=sys.stderr,
        dynamic_ncols=live,
        leave=False,
        mininterval=0.2 if live else 10.0,
        delay=0.5 if live else 10.0,
    )
