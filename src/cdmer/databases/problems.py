"""What is wrong with a database: raised at once, or kept, all of it, for a report."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from cdmer.errors import CdmerError

P = ParamSpec("P")
Value = TypeVar("Value")


class Problems:
    """Where a reader reports what is wrong, and what it left out.

    The same reader stops at the first fault, as the workflow wants it, or goes on to find them all, as
    `cdmer check-database` wants it.

    Parameters
    ----------
    keep
        Whether to go on: `found` then holds every fault, in the order of the reading.
    """

    def __init__(self, keep: bool = False) -> None:
        self.keep = keep
        self.found: list[CdmerError] = []
        self.notes: list[str] = []  # what was left out or mended and belongs to no clip, for the log

    def add(self, error: CdmerError) -> None:
        """Report a fault: raised, or kept."""
        if not self.keep:
            raise error
        self.found.append(error)

    def take(self, read: Callable[P, Value], *args: P.args, **kwargs: P.kwargs) -> Value | None:
        """What `read` returns; None where it raises a `CdmerError`, which is reported."""
        try:
            return read(*args, **kwargs)
        except CdmerError as error:
            self.add(error)
            return None
