"""The jobs that look for leaks: every table's own clips, folds and predictions, read again and counted."""

import hashlib
import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.evaluation.leaks import (
    ADAPTING,
    ALL,
    ALONE,
    COLUMNS,
    ORACLE,
    Row,
    Shown,
    Sides,
    between_sides,
    judged_once,
    row_of,
)
from cdmer.files import write_text
from cdmer.progress import progress
from cdmer.protocols.cdmer import cdmer_labels
from cdmer.protocols.predictions import read_predictions
from cdmer.protocols.task_clips import folds_of, load_task
from cdmer.protocols.tasks import task_named
from cdmer.store.feature_store import FeatureStore
from cdmer.store.released import Order, in_order


@dataclass(frozen=True, eq=False)
class Loaded:
    """The clips of an experiment or task, and what is needed to fit a model on them again."""

    shown: Shown
    X: Mapping[str, NDArray[Any]]  # by database, in the order of `shown`
    recipe: Mapping[str, Mapping[str, Any]]
    label: NDArray[Any]
    folds: Sequence[Sides]

    def ordered(self, columns: Order | None) -> NDArray[Any]:
        """The features of all clips in the order of columns that a model is given."""
        parts = [X if columns is None else in_order(X, self.recipe[name], columns) for name, X in self.X.items()]
        return np.concatenate(parts)


def find_leaks(output: str | Path, *, protocol: str, parts: Sequence[Mapping[str, Any]], casme2_negative: str) -> None:
    """Look for leaks in the experiments or tasks of a table, and write what is found.

    Parameters
    ----------
    output
        CSV to write: experiment, feature, check, count, of, detail; one row a check, whether it finds anything or not.
    protocol
        ``cdmer``, ``cde``, ``single``, ``holdout`` or ``lodo``.
    parts
        A mapping for each experiment (or task) and feature: ``experiment``, its name; ``feature``; ``databases`` and
        their ``stores``; for a task the ``manifests``; and ``models``, name to ``predictions`` (the file), ``adapts``,
        and ``fit``: ``module``, ``estimator``, ``parameters`` and ``columns``, or None for a network.
    casme2_negative
        The protocol's choice (`cdmer.config.CdmerProtocol`).
    """
    rows: list[Row] = []
    models: dict[str, bool] = {}
    oracles: set[str] = set()
    for part in progress(parts, f"leak checks of {protocol}", unit="experiment"):
        loaded = _source_and_target(part, casme2_negative) if protocol == "cdmer" else _task(part)
        found = list(between_sides(loaded.shown, loaded.folds))
        judged: list[list[str]] = []
        for model, about in part["models"].items():
            told = _answers(about["predictions"], part["databases"][1] if protocol == "cdmer" else None)
            judged += [list(group) for _, group in told["named"].groupby([told["round"], told["selection"]])]
            models[model] = bool(about["adapts"])
            if (told["selection"] == "oracle").any():
                oracles.add(model)
            if not about["adapts"]:
                default = told[told["selection"] == "default"]
                scored = dict(zip(default["named"], default["predicted"], strict=True))
                found.append(_alone(model, about["fit"], loaded, scored, part["experiment"]))
        tested = [loaded.shown.named(row) for _, test in loaded.folds for row in test]
        found.append(judged_once(tested, judged))
        rows += [{"experiment": part["experiment"], "feature": part["feature"], **each} for each in found]
    adapting = [model for model, adapts in models.items() if adapts]
    _write(output, rows, [row_of(ORACLE, oracles, len(models)), row_of(ADAPTING, adapting, len(models))])


def find_disjoint_leaks(output: str | Path, *, parts: Sequence[Mapping[str, Any]], casme2_negative: str) -> None:
    """Look for leaks in TYPE-I with nobody on both sides: the answers say who was left out of training for each clip.

    Parameters
    ----------
    output
        As for `find_leaks`.
    parts
        For each experiment and feature: ``experiment``, ``feature``, ``databases``, ``stores``, and ``models``, name to
        ``predictions``, the file that `cdmer.protocols.disjoint` wrote.
    casme2_negative
        The protocol's choice.
    """
    rows: list[Row] = []
    models: set[str] = set()
    oracles: set[str] = set()
    for part in parts:
        loaded = _source_and_target(part, casme2_negative)
        shown, ((source, target),) = loaded.shown, loaded.folds
        place = {shown.named(row): row for row in target}
        folds: dict[str, set[int]] = {}
        judged: list[list[str]] = []
        for model, about in part["models"].items():
            told = _answers(about["predictions"], part["databases"][1])
            told = told[told["experiment"] == part["experiment"]]
            models.add(model)
            if (told["selection"] == "oracle").any():
                oracles.add(model)
            for without, group in told.groupby("without"):
                folds.setdefault(str(without), set()).update(place[clip] for clip in group["named"] if clip in place)
            judged += [list(group) for _, group in told["named"].groupby(told["selection"])]
        who = shown.subject[source]
        sides = [(source[who != without], np.array(sorted(test), np.intp)) for without, test in folds.items()]
        found = [*between_sides(shown, sides), judged_once(list(place), judged)]
        rows += [{"experiment": part["experiment"], "feature": part["feature"], **each} for each in found]
    _write(output, rows, [row_of(ORACLE, oracles, len(models))])


def _write(output: str | Path, rows: Iterable[Row], whole: Iterable[Row]) -> None:
    of_all = [{"experiment": ALL, "feature": ALL, **row} for row in whole]
    table = pd.DataFrame([*rows, *of_all], columns=list(COLUMNS))
    write_text(output, table.to_csv(index=False, lineterminator="\n"))


def _answers(path: str | Path, target: str | None) -> pd.DataFrame:
    """Predictions, with the column ``named``: a clip's database and name."""
    told = read_predictions(path)
    database = told["database"] if target is None else target
    return told.assign(named=database + "/" + told["clip"])


def _source_and_target(part: Mapping[str, Any], casme2_negative: str) -> Loaded:
    """The clips of two databases that take part in an experiment, source first."""
    X, recipe, label, names = {}, {}, [], []
    for database, path in zip(part["databases"], part["stores"], strict=True):
        store = FeatureStore(path)
        features = store.load()
        labels = cdmer_labels(database, features.words, casme2_negative)
        kept = [row for row, found in enumerate(labels) if found is not None and features.sample[row] == 0]
        X[database], recipe[database] = features.X[kept], store.provenance["recipe"]
        label += [labels[row] for row in kept]
        names += [(database, str(features.clip[row]), features.subject[row]) for row in kept]
    n_source = len(X[part["databases"][0]])
    sides = np.arange(n_source), np.arange(n_source, len(names))
    return Loaded(_shown(names, X.values()), X, recipe, np.asarray(label), [sides])


def _task(part: Mapping[str, Any]) -> Loaded:
    """The clips and folds of a task, as its models were trained with."""
    task = task_named(part["task"])
    clips = load_task(task, part["stores"], part["manifests"])
    X = {}
    for name in task.databases:  # one after the other in `clips`: a view, for a network's samples are large
        rows = np.flatnonzero(clips.database == name)
        X[name] = clips.X[rows[0] : rows[-1] + 1] if len(rows) else clips.X[:0]
    recipe = {
        name: FeatureStore(path).provenance["recipe"] for name, path in zip(task.databases, part["stores"], strict=True)
    }
    names = list(zip(clips.database.tolist(), clips.clip.tolist(), clips.subject.tolist(), strict=True))
    folds = [(train, test) for _, train, test in folds_of(task, clips)]
    return Loaded(_shown(names, X.values()), X, recipe, clips.label, folds)


def _shown(names: Sequence[tuple[str, str, str | None]], X: Iterable[NDArray[Any]]) -> Shown:
    database, clip, subject = (np.array(column, object) for column in zip(*names, strict=True))
    content = [hashlib.sha256(np.ascontiguousarray(row).tobytes()).hexdigest() for side in X for row in side]
    return Shown(database, clip, subject, np.array(content, object))


def _alone(
    model: str, fit: Mapping[str, Any] | None, loaded: Loaded, scored: Mapping[str, str], experiment: str
) -> Row:
    """Fit a model that does not adapt again, without any tested clip, ask it clip by clip, and compare the answers.

    Whatever is fitted on tested clips, a mean or a scale, makes answers depend on which clips are tested together.
    """
    if fit is None:
        return {
            "check": ALONE,
            "count": None,
            "of": None,
            "detail": f"{model} is a network, which is not trained again",
        }
    if not scored:
        return {"check": ALONE, "count": None, "of": None, "detail": f"{model} has no row of `default` to be compared"}
    X = loaded.ordered(fit["columns"])
    other = []
    for train, test in progress(loaded.folds, f"{model} {experiment} clip by clip", unit="fold"):
        again = getattr(importlib.import_module(fit["module"]), fit["estimator"])(**fit["parameters"])
        again.fit(X[train], loaded.label[train])
        for row in test:
            named = loaded.shown.named(row)
            if str(again.predict(X[row : row + 1])[0]) != scored.get(named):
                other.append(named)
    return row_of(ALONE, other, sum(len(test) for _, test in loaded.folds))
