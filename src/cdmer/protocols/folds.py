"""Leave one subject out: every person is the test set once, and trains for everybody else."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.protocols.tasks import COMPOSITE, Task

Fold = tuple[str, NDArray[np.intp], NDArray[np.intp]]

# what the official list of MEGC 2019 calls the high-speed subset
_ALSO_CALLED = {"smic": "smic_hs"}


def leave_one_subject_out(people: Sequence[str]) -> Iterator[Fold]:
    """One fold a person: its name, the indices that train, the indices that test.

    Parameters
    ----------
    people
        Who each sample shows; in the composite a person is a database and a subject.
    """
    names, member = np.unique(np.asarray(people, dtype=object).astype(str), return_inverse=True)
    for index, name in enumerate(names):
        yield str(name), np.flatnonzero(member != index), np.flatnonzero(member == index)


def composite_folds(manifest: pd.DataFrame) -> Iterator[Fold]:
    """The folds of MEGC 2019's composite: SMIC-HS, CASME II and SAMM together, one fold a subject.

    On the real databases they are 68 folds over 442 clips (See et al., FG 2019). Clips that the composite leaves out
    (`cdmer.protocols.labels`, rule ``megc2019``) and those of other databases are in no fold.

    Parameters
    ----------
    manifest
        Rows of the three databases' manifests: ``database``, ``subject``, ``clip`` and ``emotion``; emotions may
        already be classes, and without that column every clip takes part.

    Yields
    ------
    name, train, test
        ``database/subject`` and positions of rows in `manifest`.

    Raises
    ------
    CdmerError
        A missing column, a clip without a database, and of the three databases: an emotion that nobody knows, a clip
        without a subject, a clip that is listed twice, no clip at all, or clips of one person alone.
    """
    databases = _databases(manifest)
    kept: list[int] = []
    for database in COMPOSITE.databases:
        rows = np.flatnonzero(databases == database)
        _check_clips(manifest.iloc[rows])
        kept += _taking_part(manifest.iloc[rows], rows, COMPOSITE, database)
    if not kept:
        raise CdmerError("no clip takes part in the composite", f"its databases are {', '.join(COMPOSITE.databases)}")
    rows = np.sort(np.array(kept))
    subjects = manifest["subject"].iloc[rows].astype(str)
    yield from _folds(rows, [f"{database}/{one}" for database, one in zip(databases[rows], subjects, strict=True)])


def single_folds(manifest: pd.DataFrame, task: Task | None = None) -> Iterator[Fold]:
    """The folds of one database, one a subject.

    Parameters
    ----------
    manifest
        A database's manifest: ``database``, ``subject``, ``clip``, and what the task reads.
    task
        One of `cdmer.protocols.tasks.single_tasks`, whose rule leaves clips out; None keeps every clip.

    Yields
    ------
    name, train, test
        The subject and positions of rows in `manifest`.

    Raises
    ------
    CdmerError
        A missing column, more than one database or another than the task's, an emotion that the task does not know, a
        clip without a database or a subject, a clip that is listed twice, or clips of one person alone.
    """
    databases = sorted(set(_databases(manifest)))
    if len(databases) != 1:
        raise CdmerError(
            f"a single-database protocol is given {', '.join(databases) or 'no clip'}",
            "give one database's manifest, or use composite_folds",
        )
    if task and databases[0] not in task.databases:
        raise CdmerError(
            f"{databases[0]} has no part in {task.name}", f"give the manifest of {' or '.join(task.databases)}"
        )
    _check_clips(manifest)
    rows = np.arange(len(manifest))
    kept = np.asarray(_taking_part(manifest, rows, task, databases[0]) if task else rows)
    if not len(kept):
        raise CdmerError(f"no clip of {databases[0]} takes part", "check its emotions")
    yield from _folds(kept, manifest["subject"].iloc[kept].astype(str).tolist())


def _folds(kept: NDArray[np.intp], people: Sequence[str]) -> Iterator[Fold]:
    """The folds of the rows `kept`, which show `people`, in positions of the whole manifest."""
    if len(set(people)) == 1:
        raise CdmerError(
            f"all clips that take part show {people[0]}", "leave-one-subject-out needs two people at least"
        )
    for name, train, test in leave_one_subject_out(people):
        yield name, kept[train], kept[test]


def _taking_part(manifest: pd.DataFrame, rows: NDArray[np.intp], task: Task, database: str) -> list[int]:
    if task.words not in manifest:
        return [int(row) for row in rows]
    words: list[Any] = [None if pd.isna(word) else str(word) for word in manifest[task.words]]
    names = [str(row) for row in rows] if manifest["clip"].duplicated().any() else manifest["clip"].astype(str).tolist()
    label = task.labels(database, dict(zip(names, words, strict=True)))
    return [int(row) for row, name in zip(rows, names, strict=True) if name in label]


def _databases(manifest: pd.DataFrame) -> NDArray[np.object_]:
    """The database of each row, by the name that tasks know."""
    for column in ("database", "subject", "clip"):
        if column not in manifest:
            raise CdmerError(f"the manifest has no column {column!r}", "read it with cdmer.databases.read_manifest")
    _refuse_missing(manifest, "database", "a row takes part by its database")
    return manifest["database"].astype(str).replace(_ALSO_CALLED).to_numpy(dtype=object)


def _check_clips(manifest: pd.DataFrame) -> None:
    """Refuse a clip of one database without a subject, and one that would train and test twice."""
    _refuse_missing(manifest, "subject", "leave-one-subject-out needs the subject of every clip")
    # by the subject too, for the list of MEGC 2019 gives clips of several people one name
    twice = manifest.loc[manifest.duplicated(["subject", "clip"]).to_numpy()]
    if len(twice):
        raise CdmerError(
            f"clip {twice['clip'].iloc[0]} of {twice['subject'].iloc[0]} is listed twice ({len(twice)} such)",
            "give each clip one row",
        )


def _refuse_missing(manifest: pd.DataFrame, column: str, reason: str) -> None:
    cells = manifest[column]
    missing = manifest.loc[(cells.isna() | (cells.astype(str).str.strip() == "")).to_numpy(dtype=bool), "clip"]
    if len(missing):
        raise CdmerError(f"clip {missing.iloc[0]} has no {column} ({len(missing)} such)", reason)
