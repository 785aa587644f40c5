"""Where the workflow lies that belongs to this installation."""

from pathlib import Path

from cdmer.errors import CdmerError

_PACKAGE = Path(__file__).resolve().parents[1]


def workflow_folder() -> Path:
    """The folder that holds the Snakefile: inside an installed package, or the top of a clone.

    Raises
    ------
    CdmerError
        It is in neither place.
    """
    for place in (_PACKAGE / "_workflow", _PACKAGE.parents[1]):
        if (place / "Snakefile").is_file() and (place / "rules").is_dir():
            return place
    raise CdmerError(
        f"the workflow (Snakefile, rules) is neither in {_PACKAGE} nor two folders above it",
        "install cdmer from its repository or from a built wheel again",
    )


def snakefile() -> str:
    """The workflow's Snakefile, for ``include:`` or ``module:`` in a Snakefile of one's own."""
    return str(workflow_folder() / "Snakefile")
