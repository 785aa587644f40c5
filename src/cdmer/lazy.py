"""Public names of a package that are imported on first use (PEP 562): whoever plans needs neither OpenCV nor torch."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_first_use(
    package: str, public: list[str], home: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a package.

    A type checker does not follow them: the package states the same imports once more under ``TYPE_CHECKING``.

    Parameters
    ----------
    package
        Its ``__name__``.
    public
        Its ``__all__``.
    home
        Name to the module that defines it, ``".flow"``, for those that are imported on first use.
    """

    def getattribute(name: str) -> Any:
        if name in home:
            return getattr(import_module(home[name], package), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return getattribute, lambda: public
