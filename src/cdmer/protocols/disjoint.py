"""The job that judges nobody by a model that has trained on that person: TYPE-I, subject by subject.

The subsets of SMIC show eight people in common, so an experiment between two of them recognises people whom it has
trained on. Here every such person of the target is judged by a model that was trained without his or her clips; the
others by the model of the plain experiment. Hyper-parameters stay as the plain experiment chose them, and the
unlabelled target stays whole, so that nothing but the person's own labelled clips makes the difference.
"""

import importlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cdmer.adaptation.base import AdaptationClassifier
from cdmer.errors import CdmerError
from cdmer.files import write_text
from cdmer.progress import progress
from cdmer.protocols.people import family
from cdmer.protocols.train import Labelled, labelled_clips
from cdmer.store.released import Order

log = logging.getLogger(__name__)
TEXTS = dict.fromkeys(("clip", "subject", "label", "predicted", "point"), str)


def train_disjoint(output: str | Path, *, experiments: Sequence[Mapping[str, Any]], **settings: Any) -> None:
    """Train a model once more without each person whom both sides show, in every experiment that has such people.

    Parameters
    ----------
    output
        CSV to write: ``experiment``, and the columns of `judged_without_themselves`.
    experiments
        ``experiment`` (its name), ``databases``, and ``stores``, two each, ``predictions`` and ``metrics``, the files
        that the plain experiment wrote.
    settings
        The rest of what `judged_without_themselves` takes.
    """
    tables = []
    for each in progress(experiments, f"{settings['estimator']} without each person", unit="experiment"):
        files = *each["stores"], each["predictions"], each["metrics"]
        table = judged_without_themselves(*files, databases=each["databases"], **settings)
        table.insert(0, "experiment", each["experiment"])
        tables.append(table)
    write_text(output, pd.concat(tables).to_csv(index=False, lineterminator="\n"))


def judged_without_themselves(
    source: str | Path,
    target: str | Path,
    predictions: str | Path,
    metrics: str | Path,
    *,
    databases: tuple[str, str],
    module: str,
    estimator: str,
    parameters: dict[str, Any],
    columns: Order,
    selection: Sequence[str],
    casme2_negative: str,
) -> pd.DataFrame:
    """The answers of an experiment in which each person whom both sides show is judged by a model without him or her.

    Parameters
    ----------
    source, target
        Feature stores, as the plain experiment read them.
    predictions, metrics
        What the plain experiment wrote: its answers, and the hyper-parameters that each selection chose.
    databases, module, estimator, parameters, columns, casme2_negative
        As for `cdmer.protocols.train.train_model`.
    selection
        Which of the plain experiment's selections.

    Returns
    -------
    DataFrame
        The columns of `predictions`, and ``without``, who was left out of the source; empty where the answer is the
        plain experiment's.

    Raises
    ------
    CdmerError
        Clips without a subject, predictions of other clips than the store's, a source that has one class left
        without a person, or that the model cannot learn from.
    """
    train = labelled_clips(source, databases[0], casme2_negative, columns)
    test = labelled_clips(target, databases[1], casme2_negative, columns)
    people = shared_people(train, test, databases)
    told = pd.read_csv(predictions, dtype=TEXTS, keep_default_na=False)
    plain = {name: told[told["selection"] == name].copy() for name in selection}
    for name, table in plain.items():
        if list(table["clip"]) != test.clip:
            raise CdmerError(f"{predictions}: {name} has not answered the clips of {target}", "train the model again")
    known = json.loads(Path(metrics).read_text(encoding="utf-8"))["scores"]
    points = [known[name]["point"] for name in selection]
    model: AdaptationClassifier = getattr(importlib.import_module(module), estimator)(**parameters)
    for table in plain.values():
        table["without"] = ""
    for person in people:
        mine = np.array([subject == person for subject in test.subject])
        rest = np.array([subject != person for subject in train.subject])
        if len(set(train.label[rest])) < 2:
            raise CdmerError(
                f"{source}: without {person} one class is left to train on",
                "leave the subject-disjoint variant out (`cdmer: {disjoint: []}`)",
            )
        try:
            answers = model.answer_grid(train.X[rest], train.label[rest], test.X, points)
        except ValueError as error:
            raise CdmerError(
                f"{estimator} cannot learn from {source} without {person}: {error}",
                "leave the subject-disjoint variant out (`cdmer: {disjoint: []}`), or the model",
            ) from error
        for table, predicted, converged, residual in zip(
            plain.values(), answers.predicted, answers.converged, answers.residuals, strict=True
        ):
            if not converged:
                log.warning("without %s %s has not converged: its residual is %.3g", person, model, residual)
            table.loc[mine, "predicted"] = predicted[mine]
            table.loc[mine, "without"] = person
    return pd.concat(plain.values())


def shared_people(train: Labelled, test: Labelled, databases: tuple[str, str]) -> list[str]:
    """The subjects of the target whom the source shows too, by name.

    Raises
    ------
    CdmerError
        A clip without a subject: nobody could tell who is on both sides.
    """
    if None in train.subject or None in test.subject:
        raise CdmerError(
            f"{' and '.join(databases)}: there are clips without a subject, so nobody knows who is on both sides",
            "leave the subject-disjoint variant out (`cdmer: {disjoint: []}`)",
        )
    if family(databases[0]) != family(databases[1]):
        return []
    return sorted({str(subject) for subject in test.subject} & {str(subject) for subject in train.subject})
