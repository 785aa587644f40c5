"""The job of the models stage under leave-one-subject-out: one task, one model on feature vectors, all folds."""

import importlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cdmer.errors import CdmerError
from cdmer.evaluation.metrics import all_scores
from cdmer.files import write_text
from cdmer.progress import progress
from cdmer.protocols.predictions import prediction_rows, write_predictions
from cdmer.protocols.task_clips import folds_of, load_task
from cdmer.protocols.tasks import task_named

log = logging.getLogger(__name__)


def train_folds(
    predictions: str | Path,
    metrics: str | Path,
    *,
    stores: Sequence[str | Path],
    manifests: Sequence[str | Path],
    task: str,
    module: str,
    estimator: str,
    parameters: Mapping[str, Any],
) -> None:
    """Train on everybody but one, predict that one, for every person of a task.

    Parameters
    ----------
    predictions
        CSV to write: round, selection, point, database, clip, subject, label, predicted; one row a clip.
    metrics
        JSON to write: pooled scores and counts.
    stores, manifests
        A feature store and a manifest for each of the task's databases, in its order.
    task
        Name of a task (`cdmer.protocols.tasks`).
    module, estimator, parameters
        Where the estimator is, its name, and its parameters.

    Raises
    ------
    CdmerError
        As `load_task`; fewer than two people; or a fold that the model cannot learn from.
    """
    chosen = task_named(task)
    clips = load_task(chosen, stores, manifests)
    folds = folds_of(chosen, clips)
    predicted = np.empty(len(clips.label), dtype=object)
    for name, train, test in progress(folds, f"{estimator} {task}"):
        missing = set(chosen.classes) - set(clips.label[train])
        if missing:
            log.warning("fold %s: nobody else shows %s", name, " or ".join(sorted(missing)))
        model = getattr(importlib.import_module(module), estimator)(**parameters)
        try:
            model.fit(clips.X[train], clips.label[train], clips.X[test])
        except ValueError as error:
            raise CdmerError(
                f"{estimator} cannot learn {task} without {name}: {error}",
                "leave the model out (`models`), or correct its settings (`model_settings`) or the features",
            ) from error
        predicted[test] = model.predict(clips.X[test])
    table = prediction_rows(
        round_=1,
        selection="default",
        point={},
        database=clips.database,
        clip=clips.clip,
        subject=clips.subject,
        label=clips.label,
        predicted=predicted,
    )
    write_predictions(predictions, [table])
    scores = all_scores(clips.label, predicted, chosen.classes)
    counts = {"n_clips": len(clips.label), "n_folds": len(folds)}
    write_text(metrics, json.dumps({"scores": {"default": scores}, **counts}, indent=2) + "\n")
