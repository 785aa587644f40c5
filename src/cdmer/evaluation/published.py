"""The numbers that the papers printed, beside which ours stand.

`published.csv` holds one row a printed cell, with the paper, its table and a note where the number is doubtful.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

DEPENDS_ON_FILES = ("published.csv",)
# Which paper is quoted where several print a cell: TGSR first, whose authors released the benchmark's features.
PRECEDENCE = ("TGSR", "MADTN", "FR", "DSCNN", "MERSiamC3D")

_PRINTED = {"Basic-Inception": "Basic Inception"}  # a folder's name has no blank


class Published(NamedTuple):
    """Scores as printed (fractions, None where not printed), and the paper."""

    uf1: float | None
    accuracy: float | None
    paper: str
    uar: float | None = None


def published_score(type_: str, experiment: str, model: str) -> Published | None:
    """What the papers print for a model (its public name) in an experiment, or None.

    Parameters
    ----------
    type_
        ``TYPE-I`` or ``TYPE-II`` of CDMER, ``CDE`` or ``single``.
    experiment
        ``H->V`` and the like, or ``average``; in CDE ``composite`` or a database; else a task of
        `cdmer.protocols.tasks`.
    model
        Its public name; what follows ``@`` says on what it ran here, and is no part of the papers' name.
    """
    name = _PRINTED.get(model.partition("@")[0], model.partition("@")[0])
    cells = _cells()
    for paper in PRECEDENCE:
        uf1, uar, accuracy = (
            cells.get((paper, type_, experiment, name, metric)) for metric in ("uf1", "uar", "accuracy")
        )
        if {uf1, uar, accuracy} != {None}:
            return Published(uf1, accuracy, paper, uar)
    return None


@cache
def _cells() -> dict[tuple[str, ...], float]:
    table = pd.read_csv(Path(__file__).with_name("published.csv"), keep_default_na=False)
    plain = table[table["variant"] == ""]
    keys = plain[["paper", "type", "experiment", "model", "metric"]].itertuples(index=False, name=None)
    return dict(zip(keys, plain["value"].astype(float), strict=True))
