"""The job of the models stage under leave-one-subject-out: one task, one model on feature vectors, all folds."""

import importlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.databases.manifest import load_manifest
from cdmer.errors import CdmerError
from cdmer.evaluation.metrics import all_scores
from cdmer.files import write_text
from cdmer.progress import progress
from cdmer.protocols.folds import Fold, leave_one_subject_out
from cdmer.protocols.predictions import prediction_rows, write_predictions
from cdmer.protocols.tasks import Task, task_named
from cdmer.store.feature_store import FeatureStore
from cdmer.store.released import Order, in_order

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TaskClips:
    """The samples of a task, database by database, in the stores' order; `person` is a database and a subject."""

    X: NDArray[Any]
    database: NDArray[np.str_]
    clip: NDArray[np.str_]
    subject: NDArray[np.str_]
    label: NDArray[np.str_]

    @property
    def person(self) -> list[str]:
        """Who each sample shows."""
        return [f"{database}/{subject}" for database, subject in zip(self.database, self.subject, strict=True)]


def load_task(
    task: Task, stores: Sequence[str | Path], manifests: Sequence[str | Path], columns: Order | None = None
) -> TaskClips:
    """The samples that take part in a task.

    Parameters
    ----------
    task
        Whose rule maps words to classes.
    stores, manifests
        A feature store and a manifest for each of the task's databases, in its order.
    columns
        The order of columns of the features; None leaves them as they are stored.

    Raises
    ------
    CdmerError
        A store that cannot be read, a clip that its manifest does not know, features of different shapes, a word that
        the task's rule does not know, or no clip at all.
    """
    parts = [_part(task, *each, columns) for each in zip(task.databases, stores, manifests, strict=True)]
    shapes = {part.X.shape[1:]: store for part, store in zip(parts, stores, strict=True)}
    if len(shapes) > 1:
        listed = ", ".join(f"{store} {shape}" for shape, store in shapes.items())
        raise CdmerError(f"features of different shapes: {listed}", "compute them with the same recipe")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in TaskClips.__annotations__}
    clips = TaskClips(**joined)
    if not len(clips.label):
        raise CdmerError(f"no clip takes part in {task.name}", "check the emotions of its databases")
    return clips


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


def folds_of(task: Task, clips: TaskClips) -> list[Fold]:
    """The folds of a task, what its `left_out` says: one a person, or one a database.

    Raises
    ------
    CdmerError
        There is but one, and nothing to learn from when it is left out.
    """
    folds = list(leave_one_subject_out(clips.person if task.left_out == "subject" else clips.database.tolist()))
    if len(folds) < 2:
        needs = "leave-one-subject-out needs two people" if task.left_out == "subject" else "two databases are needed"
        raise CdmerError(f"{task.name}: all clips show {folds[0][0]}", f"{needs} at least")
    return folds


def _part(task: Task, database: str, store: str | Path, manifest: str | Path, columns: Order | None) -> TaskClips:
    features = FeatureStore(store).load()
    table = load_manifest(manifest)
    words = {
        str(clip): None if pd.isna(word) else str(word)
        for clip, word in zip(table["clip"], table[task.words], strict=True)
    }
    strangers = [str(clip) for clip in features.clip if clip not in words]
    if strangers:
        raise CdmerError(f"{store}: {manifest} does not know the clip {strangers[0]}", "compute the features again")
    if any(subject is None for subject in features.subject):
        raise CdmerError(f"{store} has clips without a subject", "every clip needs one to be left out by")
    label = task.labels(database, {str(clip): words[str(clip)] for clip in features.clip})
    kept = np.array([index for index, clip in enumerate(features.clip) if clip in label], dtype=np.intp)
    X = features.X[kept]
    return TaskClips(
        X=X if columns is None else in_order(X, FeatureStore(store).provenance["recipe"], columns),
        database=np.full(len(kept), database),
        clip=features.clip[kept].astype(str),
        subject=features.subject[kept].astype(str),
        label=np.array([label[str(features.clip[index])] for index in kept], dtype=str),
    )
