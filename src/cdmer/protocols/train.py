"""The job of the models stage: one experiment, one model on feature vectors."""

import importlib
import json
import logging
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.adaptation.base import AdaptationClassifier, Answers, Budget, Point
from cdmer.errors import CdmerError
from cdmer.evaluation.metrics import all_scores
from cdmer.files import write_text
from cdmer.protocols.cdmer import CLASSES, cdmer_labels
from cdmer.protocols.predictions import prediction_rows, write_predictions
from cdmer.protocols.selection import (
    Criterion,
    Selection,
    best_point,
    deep_embedded_validation,
    hold_out,
    mutual_information,
    soft_neighbourhood_density,
    source_score,
)
from cdmer.store.feature_store import FeatureStore
from cdmer.store.released import Order, in_order

log = logging.getLogger(__name__)


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

    selection: Selection
    point: Point
    predicted: NDArray[Any]
    converged: bool

    def rows(self, **clips: Any) -> pd.DataFrame:
        """Its rows of the predictions; `clips` is what `prediction_rows` takes of the target's clips."""
        return prediction_rows(round_=1, selection=self.selection, point=self.point, predicted=self.predicted, **clips)

    def scores(self, label: NDArray[np.str_], classes: Sequence[str]) -> dict[str, Any]:
        """Its scores as the metrics tell them."""
        return {**all_scores(label, self.predicted, classes), "point": self.point, "converged": self.converged}


@dataclass(frozen=True, eq=False)
class Searched:
    """A grid, what its points say of the target's clips, and a table of what is known of each point."""

    points: list[dict[str, Any]]
    answers: Answers
    table: pd.DataFrame
    folds: str | None  # what was held apart on the source, where anything was


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
    selection: Sequence[Selection],
    criterion: Criterion,
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
        CSV to write: every point that was searched, whether it converged, and what each selection went by; no line
        where none was searched.
    databases
        Names of the source and the target database.
    module, estimator, parameters
        Where the estimator is, its name, and its parameters: the point of the selection ``default``.
    columns
        The order of columns that the model is given, whatever each store's own.
    selection
        ``default``: `parameters`; ``source``: the point with the best UF1 on source clips that were held out, a subject
        at a time, while the real target was adapted to; ``unsupervised``: the best by `criterion`, without any target
        label; ``oracle``: the point whose UF1 on the target's labels is best, as the papers chose theirs. The first of
        equals wins, in the grid's order. A point that has not converged is never chosen.
    criterion
        What ``unsupervised`` goes by: ``snd``, ``infomax`` or ``dev`` (`cdmer.protocols.selection`).
    budget
        Which points of the grid; None for a model without one.
    casme2_negative
        The protocol's choice (`cdmer.config.CdmerProtocol`).

    Raises
    ------
    CdmerError
        Features of different lengths or that are not finite, a database without clips of at least two classes, domains
        that the model cannot learn from, a grid of which no point converged.
    """
    train = labelled_clips(source, databases[0], casme2_negative, columns)
    test = labelled_clips(target, databases[1], casme2_negative, columns)
    if train.X.shape[1:] != test.X.shape[1:]:
        raise CdmerError(
            f"{source} has features of shape {train.X.shape[1:]}, {target} of {test.X.shape[1:]}",
            "import or compute both with the same recipe",
        )
    if len(set(train.label)) < 2:
        raise CdmerError(f"{source}: clips of at least two classes are needed to train", "check its emotions")
    model: AdaptationClassifier = getattr(importlib.import_module(module), estimator)(**parameters)
    try:
        chosen, searched = choose(model, train, test, selection, criterion, budget, CLASSES)
    except ValueError as error:
        raise CdmerError(
            f"{estimator} cannot learn from {source} for {target}: {error}",
            "leave the model out (`models`), or correct its settings (`model_settings`) or the features",
        ) from error
    told = {"clip": test.clip, "subject": test.subject, "label": test.label}
    write_predictions(predictions, [entry.rows(**told) for entry in chosen])
    write_grid(grid, [searched.table] if searched else [])
    scores = {entry.selection: entry.scores(test.label, CLASSES) for entry in chosen}
    counts = {
        "n_source": len(train.label),
        "n_target": len(test.label),
        "n_source_dropped": train.n_dropped,
        "n_target_dropped": test.n_dropped,
        "n_points": len(searched.points) if searched else 0,
        "n_points_not_converged": int((~searched.answers.converged).sum()) if searched else 0,
        "criterion": criterion if "unsupervised" in scores else None,
        "source_folds": searched.folds if searched else None,
    }
    write_text(metrics, json.dumps({"scores": scores, **counts}, indent=2) + "\n")


def write_grid(path: str | Path, tables: Sequence[pd.DataFrame]) -> None:
    """Write the tables of what was searched, one below the other; no line where nothing was."""
    table = pd.concat(tables) if tables else pd.DataFrame()
    write_text(path, table.to_csv(index=False, lineterminator="\n", float_format="%.10g"))


def choose(
    model: AdaptationClassifier,
    train: Labelled,
    test: Labelled,
    selection: Sequence[Selection],
    criterion: Criterion,
    budget: Budget | None,
    classes: Sequence[str],
) -> tuple[list[Chosen], Searched | None]:
    """What each selection chose, in the order that it was asked for, and the grid where one was searched."""
    searching = set(selection) - {"default"} if budget else set()
    searched = _search(model, train, test.X, searching, criterion, budget) if searching and budget else None
    if searched and "oracle" in searching:  # the one place where a target's labels are looked at
        scores = pd.DataFrame([all_scores(test.label, row, classes) for row in searched.answers.predicted])
        searched = replace(searched, table=pd.concat([searched.table, scores], axis=1))
    went_by = {"source": "source_uf1", "unsupervised": criterion, "oracle": "uf1"}
    chosen = []
    for name in selection:
        if name == "default":
            point = {key: value for key, value in model.get_params().items() if key in model.searched}
            if searched and point in searched.points:
                answers, row = searched.answers, searched.points.index(point)
            else:
                answers, row = model.answer_grid(train.X, train.label, test.X, [{}]), 0
            if not answers.converged[row]:
                log.warning("%s has not converged: its residual is %.3g", model, answers.residuals[row])
            chosen.append(Chosen(name, point, answers.predicted[row], bool(answers.converged[row])))
        elif searched:
            usable = searched.table["converged"]
            if went_by[name] in ("source_uf1", "dev"):
                usable = usable & searched.table["source_converged"]
            best = best_point(searched.table[went_by[name]].to_numpy(), usable.to_numpy())
            if best is None:
                raise ValueError(
                    f"no point of the grid converged, the nearest to {searched.answers.residuals.min():.3g}"
                )
            chosen.append(Chosen(name, searched.points[best], searched.answers.predicted[best], True))
    return chosen, searched


def _search(
    model: AdaptationClassifier,
    train: Labelled,
    Xt: NDArray[Any],
    searching: AbstractSet[Selection],
    criterion: Criterion,
    budget: Budget,
) -> Searched:
    """Every point of the grid, without the target's labels."""
    points = model.points(len(train.X), len(Xt), budget)
    answers = model.answer_grid(train.X, train.label, Xt, points)
    table = pd.DataFrame(points).assign(residual=answers.residuals, converged=answers.converged)
    folds = None
    if "source" in searching or ("unsupervised" in searching and criterion == "dev"):
        held_out = hold_out(model, train.X, train.label, train.subject, Xt, points)
        folds = held_out.over
        table["source_converged"] = held_out.converged
        table["source_uf1"] = source_score(held_out, train.label)
        if "unsupervised" in searching:
            table["dev"] = deep_embedded_validation(held_out, train.label, train.X, Xt)
    if "unsupervised" in searching:
        table["snd"] = soft_neighbourhood_density(answers.scores)
        table["infomax"] = mutual_information(answers.scores)
    if not table["converged"].all():
        log.warning("%s: %d points have not converged (grid.csv)", type(model).__name__, (~table["converged"]).sum())
    return Searched(points, answers, table, folds)


def labelled_clips(store: str | Path, database: str, casme2_negative: str, columns: Order) -> Labelled:
    """The clips of a store that the protocol keeps, in the store's order."""
    features = FeatureStore(store).load()
    labels = cdmer_labels(database, features.words, casme2_negative)
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
