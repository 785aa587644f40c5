"""The job of the models stage for networks: one experiment, one network, all rounds side by side."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.evaluation.metrics import all_scores, uf1
from cdmer.files import write_text
from cdmer.networks.training import Trained, Trial, clear_checkpoints
from cdmer.protocols.cdmer import CLASSES, cdmer_labels
from cdmer.protocols.clip_samples import rows_of_clips, siblings_of_rows, side_by_side
from cdmer.protocols.network_training import Training, class_rows, save_weights, training_of
from cdmer.protocols.predictions import prediction_rows, write_predictions
from cdmer.protocols.selection import (
    Criterion,
    HeldOut,
    Selection,
    deep_embedded_validation,
    mutual_information,
    soft_neighbourhood_density,
    source_folds,
    source_score,
    stratified_folds,
)
from cdmer.store.feature_store import FeatureStore

log = logging.getLogger(__name__)

SOURCE_FOLDS = {"quick": 3, "paper": 5}  # groups that the source's subjects make, each to be held out in turn


@dataclass(frozen=True, eq=False)
class Samples:
    """The clips of one database that take part in a protocol, with all their samples.

    Attributes
    ----------
    X
        (rows, ...) samples: sample 0 of each clip, which stands for it where it is predicted; then all others.
    siblings
        (clips, m) all rows of each clip, filled up with -1.
    """

    X: NDArray[Any]
    siblings: NDArray[np.int64]
    clip: list[str]
    subject: list[str | None]
    label: NDArray[np.str_]
    n_dropped: int

    @property
    def first(self) -> NDArray[np.int64]:
        """(clips,) the row of each clip's sample 0."""
        return np.arange(len(self.label))


def train_network(
    source: str | Path,
    target: str | Path,
    predictions: str | Path,
    metrics: str | Path,
    curves: str | Path,
    weights: str | Path,
    *,
    checkpoints: str | Path,
    databases: tuple[str, str],
    training: Mapping[str, Any],
    selection: Sequence[Selection],
    criterion: Criterion,
    casme2_negative: str,
    source_folds: int = 1,
) -> None:
    """Train a network on the source, with the target's clips but not their labels, and predict the target.

    Parameters
    ----------
    source, target
        Feature stores.
    predictions
        CSV to write: round, selection, point, clip, subject, label, predicted; a row a target clip, selection, round.
    metrics
        JSON to write: the scores of each selection and round, and counts.
    curves
        CSV to write: round, epoch, and each term of the loss; with the selection ``oracle`` the target's UF1 too.
    weights
        Safetensors to write: the weights of the first rounds, as many as `training` says.
    checkpoints
        A folder of this job's own, removed when everything is written.
    databases
        Names of the source and the target database.
    training
        What `cdmer.protocols.network_training.Training` holds.
    selection
        Which epoch's predictions are taken. ``default``: the last. ``source``: that with the best UF1 on source
        subjects held out, in trainings of their own. ``unsupervised``: the best by `criterion` on unlabelled target
        clips. ``oracle``: the best UF1 on the target's labels, round by round, as the field silently does.
    criterion
        What ``unsupervised`` goes by (`cdmer.protocols.selection`).
    casme2_negative
        The protocol's choice (`cdmer.config.CdmerProtocol`).
    source_folds
        With more than one, each round is that many trainings, each without one fold of the source's clips, and each
        counts as a round of its own (FR, Section 4.2, read as folds of the source).

    Raises
    ------
    CdmerError
        Features of another shape than the network's, no clips of two classes, and what `cdmer.networks.training.train`
        raises.
    """
    given = training_of(training)
    train = labelled_samples(source, databases[0], casme2_negative)
    test = labelled_samples(target, databases[1], casme2_negative)
    code, classes = class_rows(train.label, CLASSES, str(source))
    what = f"{given.kind.title} {databases[0]} to {databases[1]}"
    X, trials, siblings = _side_by_side(train, test, code, given, source_folds)
    done = given.run(X, trials, len(classes), what, checkpoints, siblings, range(given.keep_weights))
    held_out = _hold_out(given, X, train, test, code, classes, what, checkpoints, siblings, selection, criterion)

    tables, scores = [], []
    for round_, one in enumerate(done, start=1):
        by_epoch = np.array(classes)[one.logits.argmax(-1)]
        for name in selection:
            epoch = _epoch(name, one, by_epoch, test, held_out, criterion, train)
            rows = prediction_rows(
                round_=round_,
                selection=name,
                point={"epoch": epoch + 1, "budget": given.budget},
                clip=test.clip,
                subject=test.subject,
                label=test.label,
                predicted=by_epoch[epoch],
            )
            tables.append(rows)
            found = all_scores(test.label, by_epoch[epoch], CLASSES)
            scores.append({"round": round_, "selection": name, "epoch": epoch + 1, **found})
    write_predictions(predictions, tables)
    write_text(curves, _curves(done, classes, test if "oracle" in selection else None))
    counts = {
        "n_source": len(train.label),
        "n_target": len(test.label),
        "n_source_dropped": train.n_dropped,
        "n_target_dropped": test.n_dropped,
        "n_epochs": given.epochs,
        "rounds": len(done),
        "source_folds": source_folds,
        "budget": given.budget,
        "criterion": criterion if "unsupervised" in selection else None,
    }
    write_text(metrics, json.dumps({"scores": scores, **counts}, indent=2) + "\n")
    save_weights(weights, done[: given.keep_weights], given, classes)
    clear_checkpoints(checkpoints)


def _side_by_side(
    train: Samples, test: Samples, code: NDArray[np.int64], given: Training, source_folds: int
) -> tuple[torch.Tensor, list[Trial], NDArray[np.int64] | None]:
    """All samples, source first, a trial for each round, and the rows that may stand for a clip of the source."""
    if train.X.shape[1:] != test.X.shape[1:]:
        raise CdmerError(
            f"the source's features have the shape {train.X.shape[1:]}, the target's {test.X.shape[1:]}",
            "import or compute both with the same recipe",
        )
    X = torch.from_numpy(np.concatenate([train.X, test.X]))
    rows = test.first + len(train.X)
    rounds = range(1, given.rounds + 1)
    trials = [Trial(f"round {round_}", (given.seed, round_), train.first, code, rows, rows) for round_ in rounds]
    if source_folds > 1:
        trials = []
        for round_, (number, fold) in product(rounds, enumerate(stratified_folds(train.label, source_folds), start=1)):
            rest = np.setdiff1d(np.arange(len(code)), fold)
            if set(code[rest]) != set(code):
                raise CdmerError(
                    f"without fold {number} of {source_folds} the source has no clip of a class",
                    "set `cdmer: {source_folds: 1}`",
                )
            name, seed = f"round {round_}, without fold {number}", (given.seed, round_, number)
            trials.append(Trial(name, seed, train.first[rest], code[rest], rows, rows))
    return X, trials, siblings_of_rows(len(X), train.siblings)


def _hold_out(
    given: Training,
    X: torch.Tensor,
    train: Samples,
    test: Samples,
    code: NDArray[np.int64],
    classes: Sequence[str],
    what: str,
    checkpoints: str | Path,
    siblings: NDArray[np.int64] | None,
    selection: Sequence[Selection],
    criterion: Criterion,
) -> HeldOut | None:
    """What every epoch says of source clips that a training did not see; None where nobody asks."""
    if "source" not in selection and not ("unsupervised" in selection and criterion == "dev"):
        return None
    folds, over = source_folds(train.label, train.subject)
    wanted = SOURCE_FOLDS[given.budget]
    groups = [np.concatenate(folds[start::wanted]) for start in range(min(wanted, len(folds)))]
    trials, held = [], []
    rows = test.first + len(train.X)
    for number, group in enumerate(groups[: given.held_out]):
        rest = np.setdiff1d(np.arange(len(code)), group)
        if set(code[rest]) == set(code):
            trial = Trial(
                f"source fold {number + 1}", (given.seed, 0, number), train.first[rest], code[rest],
                train.first[group], rows,
            )  # fmt: skip
            trials.append(trial)
            held.append(group)
    if not trials:
        raise CdmerError(
            f"{what}: no source subjects can be held out without losing a class", "leave out the selection `source`"
        )
    done = given.run(X, trials, len(classes), f"{what}, held out", checkpoints, siblings)
    predicted = np.full((given.epochs, len(code)), "", dtype=train.label.dtype)
    for group, one in zip(held, done, strict=True):
        predicted[:, group] = np.array(classes)[one.logits.argmax(-1)]
    return HeldOut(predicted, np.ones(given.epochs, bool), over)


def _epoch(
    name: Selection,
    one: Trained,
    by_epoch: NDArray[Any],
    test: Samples,
    held_out: HeldOut | None,
    criterion: Criterion,
    train: Samples,
) -> int:
    """The epoch, from 0, that a selection takes; the first of equals."""
    if name == "default":
        return len(by_epoch) - 1
    if name == "oracle":  # the one place where a target's labels are looked at
        return int(np.argmax([uf1(test.label, predicted, CLASSES) for predicted in by_epoch]))
    if name == "unsupervised" and criterion != "dev":
        judge = mutual_information if criterion == "infomax" else soft_neighbourhood_density
        return int(np.argmax(judge(one.logits.astype(np.float64))))
    assert held_out is not None
    if name == "source":
        return int(np.argmax(source_score(held_out, train.label)))
    flat = [side.X[: len(side.label)].reshape(len(side.label), -1).astype(np.float64) for side in (train, test)]
    return int(np.argmax(deep_embedded_validation(held_out, train.label, *flat)))


def labelled_samples(store: str | Path, database: str, casme2_negative: str) -> Samples:
    """The clips of a store that the protocol keeps, in the store's order."""
    features = FeatureStore(store).load()
    rows, words = rows_of_clips(features), features.words
    label = cdmer_labels(database, [words[own[0]] for own in rows.values()], casme2_negative)
    kept = [clip for clip, name in zip(rows, label, strict=True) if name is not None]
    if not kept:
        raise CdmerError(f"{store}: no clip takes part in the protocol", "check its emotions and exclusions")
    order, siblings = side_by_side([rows[clip] for clip in kept])
    first = order[: len(kept)]
    return Samples(
        X=features.X[order],
        siblings=siblings,
        clip=kept,
        subject=[features.subject[row] for row in first],
        label=np.array([name for name in label if name is not None]),
        n_dropped=len(rows) - len(kept),
    )


def _curves(done: Sequence[Trained], classes: Sequence[str], test: Samples | None) -> str:
    tables = []
    for round_, one in enumerate(done, start=1):
        epochs = len(one.logits)
        table = pd.DataFrame({"round": round_, "epoch": np.arange(1, epochs + 1), **one.losses})
        if test is not None:
            by_epoch = np.array(classes)[one.logits.argmax(-1)]
            table["target_uf1"] = [uf1(test.label, predicted, CLASSES) for predicted in by_epoch]
        tables.append(table)
    return pd.concat(tables).to_csv(index=False, lineterminator="\n", float_format="%.6g")
