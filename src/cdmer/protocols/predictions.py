"""The predictions of the models stage: the columns of their files, how they are written, and how they are read.

A file has one row a judged clip, selection and round. Where a task has several databases the column ``database`` stands
before the clip. `cdmer.protocols.disjoint` adds columns of its own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from cdmer.files import write_text

# every column that is text, in any of these files; the others are whole numbers
TEXTS = dict.fromkeys(
    ("experiment", "selection", "point", "database", "clip", "subject", "label", "predicted", "without"), str
)


def prediction_rows(
    *,
    round_: int,
    selection: str,
    point: Mapping[str, Any],
    clip: ArrayLike,
    subject: Sequence[str | None] | ArrayLike,
    label: ArrayLike,
    predicted: ArrayLike,
    database: ArrayLike | None = None,
) -> pd.DataFrame:
    """The rows of one selection in one round.

    Parameters
    ----------
    round_
        From 1.
    selection, point
        How hyper-parameters or the epoch were chosen, and what they came to.
    clip, subject, label, predicted
        (clips,) the clip, who it shows, its class and what the model says.
    database
        (clips,) where each clip is from, in tasks of several databases.
    """
    columns: dict[str, Any] = {"round": round_, "selection": selection, "point": point_text(point)}
    if database is not None:
        columns["database"] = database
    return pd.DataFrame({**columns, "clip": clip, "subject": subject, "label": label, "predicted": predicted})


def write_predictions(path: str | Path, tables: Sequence[pd.DataFrame]) -> None:
    """Write tables of `prediction_rows`, one below the other."""
    write_text(path, pd.concat(tables).to_csv(index=False, lineterminator="\n"))


def read_predictions(path: str | Path) -> pd.DataFrame:
    """Read a file of predictions, or one of `cdmer.protocols.disjoint`.

    No cell is missing: a clip or a person may be called NA, and an empty cell is an empty text, where a release names
    no subject or a model has no point.
    """
    return pd.read_csv(path, dtype=TEXTS, keep_default_na=False)


def point_text(point: Mapping[str, Any]) -> str:
    """A point of a grid, or an epoch and its budget, as tables tell it."""
    return " ".join(f"{name}={_value_text(value)}" for name, value in point.items())


def _value_text(value: Any) -> str:
    if value is None:  # the method finds it by itself
        return "auto"
    return value if isinstance(value, str) else f"{value:g}"
