"""Rounds of predictions, as the tables read them."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def rounds_of(chosen: pd.DataFrame) -> list[pd.DataFrame]:
    """The predictions of one selection, round by round."""
    return [group for _, group in chosen.groupby("round")]


def pairs_of(rounds: Iterable[pd.DataFrame]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Truth and prediction of each round, one label a clip."""
    return [(group["label"].to_numpy(), group["predicted"].to_numpy()) for group in rounds]


def spread(values: NDArray[np.float64]) -> float | None:
    """The standard deviation of a score over rounds; None of one round."""
    return float(values.std(ddof=1)) if len(values) > 1 else None
