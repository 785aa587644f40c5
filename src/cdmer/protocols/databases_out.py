"""The job of the models stage that holds a whole database out: one task, one model on feature vectors.

Each database of a task is the target once, the others together the source (MEGC 2018's holdout-database evaluation has
two of them, leave one database out more). Unlike a person who is left out, a database is a target to adapt to.
"""

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.adaptation.base import AdaptationClassifier, Budget
from cdmer.errors import CdmerError
from cdmer.files import write_text
from cdmer.progress import progress
from cdmer.protocols.predictions import write_predictions
from cdmer.protocols.selection import Criterion, Selection
from cdmer.protocols.task_clips import TaskClips, folds_of, load_task
from cdmer.protocols.tasks import task_named
from cdmer.protocols.train import Labelled, choose, write_grid
from cdmer.store.released import Order


def train_databases_out(
    predictions: str | Path,
    metrics: str | Path,
    grid: str | Path,
    *,
    stores: Sequence[str | Path],
    manifests: Sequence[str | Path],
    task: str,
    module: str,
    estimator: str,
    parameters: dict[str, Any],
    columns: Order,
    selection: Sequence[Selection],
    criterion: Criterion,
    budget: Budget | None,
) -> None:
    """Train on all databases of a task but one, adapt to that one without its labels, and predict it; each in turn.

    Parameters
    ----------
    predictions
        CSV to write: round, selection, point, database, clip, subject, label, predicted; one row a clip and selection.
    metrics
        JSON to write: the scores of each target database and selection, and counts.
    grid
        CSV to write: ``target`` and what `cdmer.protocols.train.train_model` writes of every point that was searched.
    stores, manifests
        A feature store and a manifest for each of the task's databases, in its order.
    task
        Name of a task (`cdmer.protocols.tasks`) that leaves databases out.
    module, estimator, parameters, columns, selection, criterion, budget
        As for `cdmer.protocols.train.train_model`; held-out source subjects are people of all source databases.

    Raises
    ------
    CdmerError
        As `load_task`; clips of one database alone; domains that the model cannot learn from.
    """
    chosen = task_named(task)
    clips = load_task(chosen, stores, manifests, columns)
    tables: list[pd.DataFrame] = []
    searches: list[pd.DataFrame] = []
    scores: dict[str, Any] = {}
    for name, train, test in progress(folds_of(chosen, clips), f"{estimator} {task}", unit="database"):
        model: AdaptationClassifier = getattr(importlib.import_module(module), estimator)(**parameters)
        source, target = _side(clips, train), _side(clips, test)
        try:
            answered, searched = choose(model, source, target, selection, criterion, budget, chosen.classes)
        except ValueError as error:
            raise CdmerError(
                f"{estimator} cannot learn {task} without {name}: {error}",
                "leave the model out (`models`), or correct its settings (`model_settings`) or the features",
            ) from error
        if searched:
            searches.append(searched.table.assign(target=name))
        scores[name] = {entry.selection: entry.scores(target.label, chosen.classes) for entry in answered}
        told = {"database": clips.database[test], "clip": clips.clip[test], "subject": clips.subject[test]}
        tables += [entry.rows(**told, label=target.label) for entry in answered]
    write_predictions(predictions, tables)
    write_grid(grid, searches)
    counts = {name: int(np.sum(clips.database == name)) for name in chosen.databases}
    write_text(metrics, json.dumps({"scores": scores, "n_clips": counts}, indent=2) + "\n")


def _side(clips: TaskClips, rows: NDArray[np.intp]) -> Labelled:
    """One side of a fold; a person is a database and a subject."""
    people = clips.person
    return Labelled(
        X=clips.X[rows],
        clip=[str(name) for name in clips.clip[rows]],
        subject=[people[row] for row in rows],
        label=clips.label[rows],
        n_dropped=0,
    )
