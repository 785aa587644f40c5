"""Settings that name files by their place among a job's inputs.

Where a file lies is for Snakemake to say: without a shared disk it has been fetched to a place of its own before the
job begins. So where a job's settings speak of one of several inputs, they hold ``{"input": 3}``, the fourth of the
files that its rule hands over, and never a path.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

PLACE = "input"


class Files(tuple[Path, ...]):
    """Several files in one argument of the command line, parted by blanks."""

    @classmethod
    def of(cls, text: str) -> "Files":
        """The files that the argument lists."""
        return cls(Path(name) for name in text.split())


def by_place(settings: Any, files: Sequence[str]) -> Any:
    """The settings, with its place among `files` instead of each path that is one of them."""
    if isinstance(settings, str) and settings in files:
        return {PLACE: files.index(settings)}
    return _each(settings, lambda value: by_place(value, files))


def with_files(settings: Any, files: Sequence[str | Path]) -> Any:
    """The settings, with the file instead of each place: `by_place` undone, wherever the files lie now."""
    if isinstance(settings, Mapping) and set(settings) == {PLACE}:
        return files[settings[PLACE]]
    return _each(settings, lambda value: with_files(value, files))


def _each(settings: Any, change: Callable[[Any], Any]) -> Any:
    """The settings with every value of a mapping or a list changed."""
    if isinstance(settings, Mapping):
        return {name: change(value) for name, value in settings.items()}
    if isinstance(settings, list | tuple):
        return [change(value) for value in settings]
    return settings
