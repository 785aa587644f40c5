"""What a task is learnt and tested on: its samples, database by database, and its folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.databases.manifest import load_manifest
from cdmer.errors import CdmerError
from cdmer.protocols.clip_samples import rows_of_clips, side_by_side
from cdmer.protocols.folds import Fold, leave_one_subject_out
from cdmer.protocols.tasks import Task
from cdmer.store.feature_store import FeatureStore
from cdmer.store.released import Order, in_order


@dataclass(frozen=True, eq=False)
class TaskClips:
    """The clips of a task, database by database, in the stores' order.

    Attributes
    ----------
    X
        (rows, ...) samples: sample 0 of each clip, which stands for it, in the order of the clips; then all others.
    siblings
        (clips, m) the rows of `X` that show each clip, filled up with -1.
    database, clip, subject, label
        (clips,)
    """

    X: NDArray[Any]
    siblings: NDArray[np.int64]
    database: NDArray[np.str_]
    clip: NDArray[np.str_]
    subject: NDArray[np.str_]
    label: NDArray[np.str_]

    @property
    def person(self) -> list[str]:
        """Who each clip shows: a database and a subject."""
        return [f"{database}/{subject}" for database, subject in zip(self.database, self.subject, strict=True)]


def load_task(
    task: Task, stores: Sequence[str | Path], manifests: Sequence[str | Path], columns: Order | None = None
) -> TaskClips:
    """The clips that take part in a task.

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
    counts = [len(part.label) for part in parts]
    if not sum(counts):
        raise CdmerError(f"no clip takes part in {task.name}", "check the emotions of its databases")
    # sample 0 of every clip of every database comes first
    order = [part.X[:count] for part, count in zip(parts, counts, strict=True)]
    order += [part.X[count:] for part, count in zip(parts, counts, strict=True)]
    firsts, others, siblings = 0, sum(counts), []
    for part, count in zip(parts, counts, strict=True):
        own = part.siblings
        siblings.append(np.where(own < 0, -1, np.where(own < count, own + firsts, own - count + others)))
        firsts, others = firsts + count, others + len(part.X) - count
    longest = max(own.shape[1] for own in siblings)
    padded = [np.pad(own, ((0, 0), (0, longest - own.shape[1])), constant_values=-1) for own in siblings]
    names = ("database", "clip", "subject", "label")
    return TaskClips(
        X=np.concatenate(order),
        siblings=np.concatenate(padded),
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names},
    )


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
    rows = {clip: own for clip, own in rows_of_clips(features).items() if clip in label}
    first = [own[0] for own in rows.values()]
    order, siblings = side_by_side(list(rows.values()))
    X = features.X[order]
    return TaskClips(
        X=X if columns is None else in_order(X, FeatureStore(store).provenance["recipe"], columns),
        siblings=siblings,
        database=np.full(len(rows), database),
        clip=np.array(list(rows), dtype=str),
        subject=features.subject[first].astype(str),
        label=np.array([label[clip] for clip in rows], dtype=str),
    )
