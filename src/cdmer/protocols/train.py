"""The job of the models stage: one experiment, one model on feature vectors."""

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.adaptation.base import AdaptationClassifier, Budget, Point
from cdmer.errors import CdmerError
from cdmer.evaluation.metrics import accuracy, uar, uf1
from cdmer.files import write_text
from cdmer.protocols.cdmer import CLASSES, cdmer_labels
from cdmer.store.feature_store import FeatureStore
from cdmer.store.released import Order, in_order


@dataclass(frozen=True)
class Labelled:
    """The clips of one database that take part in a protocol."""

    X: NDArray[Any]
    clip: list[str]
    subject: list[str | None]
    label: NDArray[np.str_]
    n_dropped: int


@dataclass(frozen=True)
class Chosen:
    """What one way of choosing hyper-parameters came to: the point, and the class of each target clip."""

    selection: str
    point: Point
    predicted: NDArray[Any]


def train_model(
    source: str | Path,
    target: str | Path,
    predictions: str | Path,
    metrics: str | Path,
    grid: str | Path,
    *,
    databases: tuple[str, str],
    module: str,
    estimator: str,
    parameters: dict[str, Any],
    columns: Order,
    selection: Sequence[Literal["default", "oracle"]],
    budget: Budget | None,
    casme2_negative: str,
) -> None:
    """Train on the source's clips and labels and predict the target's clips.

    Parameters
    ----------
    source, target
        Feature stores.
    predictions
        CSV to write: round, selection, point, clip, subject, label, predicted; one row a target clip and selection.
    metrics
        JSON to write: the scores of each selection, and counts.
    grid
        CSV to write: every point that was searched, and its scores; no line where none was.
    databases
        Names of the source and the target database.
    module, estimator, parameters
        Where the estimator is, its name, and its parameters: the point of the selection ``default``.
    columns
        The order of columns that the model is given, whatever each store's own.
    selection
        ``default``, and ``oracle``: the point of the papers' grid whose UF1 on the target's labels is best, the first
        of equals, as the papers chose theirs.
    budget
        Which points of the grid; None for a model without one.
    casme2_negative
        The protocol's choice (`cdmer.config.CdmerProtocol`).

    Raises
    ------
    CdmerError
        Features of different lengths, or a database without clips of at least two classes.
    """
    train = _labelled(source, databases[0], casme2_negative, columns)
    test = _labelled(target, databases[1], casme2_negative, columns)
    if train.X.shape[1:] != test.X.shape[1:]:
        raise CdmerError(
            f"{source} has features of shape {train.X.shape[1:]}, {target} of {test.X.shape[1:]}",
            "import or compute both with the same recipe",
        )
    if len(set(train.label)) < 2:
        raise CdmerError(f"{source}: clips of at least two classes are needed to train", "check its emotions")
    model: AdaptationClassifier = getattr(importlib.import_module(module), estimator)(**parameters)
    chosen, searched = [], []
    # the target's labels stay here: the model gets features alone
    if "default" in selection:
        model.fit(train.X, train.label, test.X)
        point = {name: value for name, value in parameters.items() if name in model.searched}
        chosen.append(Chosen("default", point, model.predict(test.X)))
    if "oracle" in selection and budget:
        points = model.grid(len(train.X), len(test.X), budget)
        predicted = model.predict_grid(train.X, train.label, test.X, points)
        searched = [{**point, **_scores(test.label, row)} for point, row in zip(points, predicted, strict=True)]
        best = int(np.argmax([scores["uf1"] for scores in searched]))
        chosen.append(Chosen("oracle", points[best], predicted[best]))
    _write_predictions(predictions, test, chosen)
    write_text(grid, pd.DataFrame(searched).to_csv(index=False, lineterminator="\n", float_format="%.10g"))
    counts = {
        "n_source": len(train.label),
        "n_target": len(test.label),
        "n_source_dropped": train.n_dropped,
        "n_target_dropped": test.n_dropped,
        "n_points": len(searched),
    }
    scores = {entry.selection: {**_scores(test.label, entry.predicted), "point": entry.point} for entry in chosen}
    write_text(metrics, json.dumps({"scores": scores, **counts}, indent=2) + "\n")


def _scores(label: NDArray[np.str_], predicted: NDArray[Any]) -> dict[str, float]:
    return {
        "uf1": uf1(label, predicted, CLASSES),
        "uar": uar(label, predicted, CLASSES),
        "accuracy": accuracy(label, predicted),
    }


def _labelled(store: str | Path, database: str, casme2_negative: str, columns: Order) -> Labelled:
    """The clips of a store that the protocol keeps, in the store's order."""
    features = FeatureStore(store).load()
    words = [
        label if label is not None else emotion for label, emotion in zip(features.label, features.emotion, strict=True)
    ]
    labels = cdmer_labels(database, words, casme2_negative)
    kept = [index for index, label in enumerate(labels) if label is not None]
    if not kept:
        raise CdmerError(f"{store}: no clip takes part in the protocol", "check its emotions and exclusions")
    return Labelled(
        X=in_order(features.X[kept], FeatureStore(store).provenance["recipe"], columns),
        clip=[str(features.clip[index]) for index in kept],
        subject=[features.subject[index] for index in kept],
        label=np.array([labels[index] for index in kept]),
        n_dropped=len(labels) - len(kept),
    )


def _write_predictions(path: str | Path, test: Labelled, chosen: Sequence[Chosen]) -> None:
    tables = [
        pd.DataFrame(
            {
                "round": 1,
                "selection": entry.selection,
                "point": " ".join(f"{name}={value:g}" for name, value in entry.point.items()),
                "clip": test.clip,
                "subject": test.subject,
                "label": test.label,
                "predicted": entry.predicted,
            }
        )
        for entry in chosen
    ]
    write_text(path, pd.concat(tables).to_csv(index=False, lineterminator="\n"))
