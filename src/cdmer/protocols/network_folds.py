"""The job of the models stage for networks on tasks of folds: all folds and rounds of a task side by side."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cdmer.evaluation.metrics import all_scores, uf1
from cdmer.files import write_text
from cdmer.networks.training import Trial, clear_checkpoints
from cdmer.protocols.clip_samples import siblings_of_rows
from cdmer.protocols.network_training import class_rows, training_of
from cdmer.protocols.predictions import prediction_rows, write_predictions
from cdmer.protocols.task_clips import folds_of, load_task
from cdmer.protocols.tasks import task_named


def train_network_folds(
    predictions: str | Path,
    metrics: str | Path,
    *,
    stores: Sequence[str | Path],
    manifests: Sequence[str | Path],
    checkpoints: str | Path,
    task: str,
    training: Mapping[str, Any],
    selection: Sequence[str],
) -> None:
    """Train on everybody but one, predict that one, for every person of a task (or database) and every round.

    A network that adapts is given the unlabelled clips of a database that is left out.

    Parameters
    ----------
    predictions
        CSV to write: round, selection, point, database, clip, subject, label, predicted.
    metrics
        JSON to write: pooled scores of each selection and round, and counts.
    stores, manifests
        A feature store and a manifest for each of the task's databases, in its order.
    checkpoints
        A folder of this job's own, removed when everything is written.
    task
        Name of a task (`cdmer.protocols.tasks`).
    training
        What `cdmer.protocols.network_training.Training` holds.
    selection
        ``default``: the last epoch. ``oracle``: the epoch, the same for all folds, whose pooled UF1 is best. Others
        mean nothing here and are passed over.

    Raises
    ------
    CdmerError
        As `load_task`; fewer than two people; a class that only one person shows; and what
        `cdmer.networks.training.train` raises.
    """
    given = training_of(training)
    chosen = task_named(task)
    clips = load_task(chosen, stores, manifests)
    folds = folds_of(chosen, clips)
    code, classes = class_rows(clips.label, chosen.classes, task)
    adapts = chosen.left_out == "database"
    trials = [
        Trial(f"round {round_}, {name}", (given.seed, round_, fold), train, code[train], test, test if adapts else None)
        for round_ in range(1, given.rounds + 1)
        for fold, (name, train, test) in enumerate(folds)
    ]
    siblings = siblings_of_rows(len(clips.X), clips.siblings)
    done = given.run(
        torch.from_numpy(clips.X), trials, len(classes), f"{given.kind.title} {task}", checkpoints, siblings
    )

    tables, scores = [], []
    for round_ in range(given.rounds):
        by_epoch = np.empty((given.epochs, len(code)), dtype=object)
        for fold, (_, _, test) in enumerate(folds):
            by_epoch[:, test] = np.array(classes)[done[round_ * len(folds) + fold].logits.argmax(-1)]
        for name in [name for name in selection if name in ("default", "oracle")] or ["default"]:
            pooled = [uf1(clips.label, predicted, chosen.classes) for predicted in by_epoch] if name == "oracle" else []
            epoch = int(np.argmax(pooled)) if name == "oracle" else given.epochs - 1
            predicted = by_epoch[epoch].astype(str)
            rows = prediction_rows(
                round_=round_ + 1,
                selection=name,
                point={"epoch": epoch + 1, "budget": given.budget},
                database=clips.database,
                clip=clips.clip,
                subject=clips.subject,
                label=clips.label,
                predicted=predicted,
            )
            tables.append(rows)
            scores.append(
                {
                    "round": round_ + 1,
                    "selection": name,
                    "epoch": epoch + 1,
                    **all_scores(clips.label, predicted, chosen.classes),
                }
            )
    write_predictions(predictions, tables)
    counts = {"n_clips": len(code), "n_folds": len(folds), "n_epochs": given.epochs, "budget": given.budget}
    write_text(metrics, json.dumps({"scores": scores, **counts}, indent=2) + "\n")
    clear_checkpoints(checkpoints)
