"""What a mistyped name was meant to be."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """A question that names the known name nearest to `name`; empty where none is near."""
    lower = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.5)
    return f", did you mean {lower[close[0]]!r}?" if close else ""
