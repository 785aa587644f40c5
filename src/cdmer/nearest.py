"""What a mistyped name was meant to be."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name nearest to a mistyped one, capitals aside; empty where none is near."""
    lower = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.5)
    return lower[close[0]] if close else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that ends a sentence, or nothing where no known name is near."""
    close = nearest(name, known)
    return f"; did you mean {close!r}?" if close else ""
