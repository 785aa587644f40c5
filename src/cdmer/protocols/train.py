"""The job of the models stage: one experiment, one model on feature vectors."""

import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.evaluation.metrics import accuracy, uar, uf1
from cdmer.files import write_text
from cdmer.protocols.cdmer import CLASSES, cdmer_labels
from cdmer.store.feature_store import FeatureStore


@dataclass(frozen=True)
class Labelled:
    """The clips of one database that take part in a protocol."""

    X: NDArray[Any]
    clip: list[str]
    subject: list[str | None]
    label: NDArray[np.str_]
    n_dropped: int


def train_model(
    source: str | Path,
    target: str | Path,
    predictions: str | Path,
    metrics: str | Path,
    *,
    databases: tuple[str, str],
    module: str,
    estimator: str,
    parameters: dict[str, Any],
    casme2_negative: str,
) -> None:
    """Train on the source's clips and labels and predict the target's clips.

    Parameters
    ----------
    source, target
        Feature stores.
    predictions
        CSV to write: round, selection, clip, subject, label, predicted; one row a target clip.
    metrics
        JSON to write: scores and counts.
    databases
        Names of the source and the target database.
    module, estimator, parameters
        Where the estimator is, its name, and its parameters.
    casme2_negative
        The protocol's choice (`cdmer.config.CdmerProtocol`).

    Raises
    ------
    CdmerError
        Features of different lengths, or a database without clips of at least two classes.
    """
    train = _labelled(source, databases[0], casme2_negative)
    test = _labelled(target, databases[1], casme2_negative)
    if train.X.shape[1:] != test.X.shape[1:]:
        raise CdmerError(
            f"{source} has features of shape {train.X.shape[1:]}, {target} of {test.X.shape[1:]}",
            "import or compute both with the same recipe",
        )
    if len(set(train.label)) < 2:
        raise CdmerError(f"{source}: clips of at least two classes are needed to train", "check its emotions")
    model = getattr(importlib.import_module(module), estimator)(**parameters)
    # the target's labels stay here: the model gets features alone
    predicted = model.fit(train.X, train.label, test.X).predict(test.X)
    _write_predictions(predictions, test, predicted)
    scores = {
        "uf1": uf1(test.label, predicted, CLASSES),
        "uar": uar(test.label, predicted, CLASSES),
        "accuracy": accuracy(test.label, predicted),
        "n_source": len(train.label),
        "n_target": len(test.label),
        "n_source_dropped": train.n_dropped,
        "n_target_dropped": test.n_dropped,
    }
    write_text(metrics, json.dumps(scores, indent=2) + "\n")


def _labelled(store: str | Path, database: str, casme2_negative: str) -> Labelled:
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
        X=features.X[kept],
        clip=[str(features.clip[index]) for index in kept],
        subject=[features.subject[index] for index in kept],
        label=np.array([labels[index] for index in kept]),
        n_dropped=len(labels) - len(kept),
    )


def _write_predictions(path: str | Path, test: Labelled, predicted: NDArray[Any]) -> None:
    table = pd.DataFrame(
        {
            "round": 1,
            "selection": "default",
            "clip": test.clip,
            "subject": test.subject,
            "label": test.label,
            "predicted": predicted,
        }
    )
    write_text(path, table.to_csv(index=False, lineterminator="\n"))
