"""Accuracy, unweighted F1 and unweighted average recall of pooled predictions.

Predictions of all folds are pooled and scored once, as MEGC 2019 does; a mean of per-fold scores is another number.

Labels are texts or numbers, in one dimension. A `ValueError` refuses anything else: a missing label,
texts mixed with numbers, which NumPy would make texts or never call equal, and a class named twice.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """The fraction of samples predicted right (also called WAR).

    Raises
    ------
    ValueError
        `y_true` and `y_pred` are empty or of different lengths, or not labels of one kind.
    """
    truth, predicted = _pair(y_true, y_pred)
    return float(np.mean(truth == predicted))


def uf1(y_true: ArrayLike, y_pred: ArrayLike, classes: Sequence[Any] | None = None) -> float:
    """Unweighted F1 (macro F1): the mean over classes of ``2 TP / (2 TP + FP + FN)``.

    Parameters
    ----------
    y_true, y_pred
        One label a sample.
    classes
        What the mean runs over; by default the classes that occur in either. A class with neither truth nor
        prediction counts 0.

    Raises
    ------
    ValueError
        An empty or mismatched input, labels not of one kind, a label outside `classes`, or a class twice in it.
    """
    return float(uf1_of(confusion(y_true, y_pred, classes)))


def uar(y_true: ArrayLike, y_pred: ArrayLike, classes: Sequence[Any] | None = None) -> float:
    """Unweighted average recall (balanced accuracy): the mean over classes of ``TP / (TP + FN)``.

    As `uf1`, but a class without truth has no recall and is left out of the mean; `absent_classes` names those.
    """
    return float(uar_of(confusion(y_true, y_pred, classes)))


def all_scores(y_true: ArrayLike, y_pred: ArrayLike, classes: Sequence[Any]) -> dict[str, float]:
    """UF1, UAR and accuracy by name, as the metrics files of the models stage hold them."""
    return {
        "uf1": uf1(y_true, y_pred, classes),
        "uar": uar(y_true, y_pred, classes),
        "accuracy": accuracy(y_true, y_pred),
    }


def absent_classes(y_true: ArrayLike, classes: Sequence[Any]) -> list[Any]:
    """The `classes` that never occur in `y_true`: 0 at best in `uf1`, left out of `uar`."""
    present = set(np.asarray(y_true).tolist())
    return [name for name in classes if name not in present]


def confusion(y_true: ArrayLike, y_pred: ArrayLike, classes: Sequence[Any] | None = None) -> NDArray[np.int64]:
    """Confusion matrix (classes, classes): truth by row, prediction by column."""
    truth, predicted = _pair(y_true, y_pred)
    told = set(truth.tolist()) | set(predicted.tolist())
    known = sorted(told) if classes is None else np.asarray(classes, dtype=object).tolist()
    row = {name: index for index, name in enumerate(known)}
    if len(row) < len(known):
        raise ValueError(f"expected each class once, got {known!r}")
    if stranger := told - set(row):
        raise ValueError(f"labels {sorted(stranger)!r} are not among the classes {known!r}")
    matrix = np.zeros((len(row), len(row)), dtype=np.int64)
    np.add.at(matrix, ([row[name] for name in truth.tolist()], [row[name] for name in predicted.tolist()]), 1)
    return matrix


def uf1_of(matrices: NDArray[Any]) -> NDArray[np.float64]:
    """UF1 of each confusion matrix in an array (..., classes, classes)."""
    right = np.einsum("...kk->...k", matrices).astype(float)
    f1 = _ratio(2 * right, matrices.sum(-1) + matrices.sum(-2), absent=0.0)
    return np.asarray(f1.mean(-1))


def uar_of(matrices: NDArray[Any]) -> NDArray[np.float64]:
    """UAR of each confusion matrix in an array (..., classes, classes)."""
    right = np.einsum("...kk->...k", matrices).astype(float)
    recall = _ratio(right, matrices.sum(-1), absent=np.nan)
    result: NDArray[np.float64] = np.nanmean(recall, axis=-1)
    return result


def _ratio(above: NDArray[np.float64], below: NDArray[Any], absent: float) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = np.divide(above, below, out=np.full(above.shape, absent), where=below != 0)
    return ratio


def _pair(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    truth, predicted = _labels(y_true), _labels(y_pred)
    for name, given in (("y_true", truth), ("y_pred", predicted)):
        if given.ndim != 1:
            raise ValueError(f"expected one label a sample in one dimension, got {name} of shape {given.shape!r}")
    if truth.shape != predicted.shape or not truth.size:
        raise ValueError(
            f"expected as many predictions as labels, at least one, got {len(truth)} labels and {len(predicted)}"
        )
    kinds: dict[str, Any] = {}  # an example of each
    for name, given in (("y_true", truth), ("y_pred", predicted)):
        for label in dict.fromkeys(given.tolist()):
            if pd.isna(label):
                raise ValueError(f"expected a label for every sample, got {label!r} in {name}")
            kinds.setdefault("text" if isinstance(label, str) else "number", label)
    if len(kinds) > 1:
        raise ValueError(f"expected texts or numbers as labels, got both: {kinds['text']!r} and {kinds['number']!r}")
    return truth, predicted


def _labels(given: ArrayLike) -> NDArray[Any]:
    """An array of what was given: NumPy alone would make texts of numbers that are listed with texts."""
    made = np.asarray(given)
    return made if isinstance(given, np.ndarray) or made.dtype.kind in "biuf" else np.asarray(given, dtype=object)
