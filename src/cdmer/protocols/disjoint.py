"""The job that judges nobody by a model that has trained on that person: TYPE-I, subject by subject.

The subsets of SMIC show eight people in common, so an experiment between two of them recognises people whom it has
trained on. Here every such person of the target is judged by a model that was trained without his or her clips; the
others by the model of the plain experiment. Hyper-parameters stay as the plain experiment chose them, and the
unlabelled target stays whole, so that nothing but the person's own labelled clips makes the difference.

Whoever leaves a person out trains on fewer clips too. The control leaves as many clips of other people out instead, of
the same classes, and keeps the person: what it loses is what fewer clips cost, the rest is what the face is worth.
"""

import importlib
import json
import logging
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.adaptation.base import AdaptationClassifier, Answers
from cdmer.errors import CdmerError
from cdmer.progress import progress
from cdmer.protocols.people import family
from cdmer.protocols.predictions import read_predictions, write_predictions
from cdmer.protocols.train import Labelled, labelled_clips
from cdmer.store.released import Order

log = logging.getLogger(__name__)

CONTROLLED = "default"  # the selection whose answers the control is computed for


def train_disjoint(
    output: str | Path,
    controls: str | Path,
    *,
    experiments: Sequence[Mapping[str, Any]],
    draws: int,
    module: str,
    estimator: str,
    parameters: Mapping[str, Any],
    columns: Order,
    selection: Sequence[str],
    casme2_negative: str,
) -> None:
    """Train a model once more without each person whom both sides show, in every experiment that has such people.

    Parameters
    ----------
    output
        CSV to write: ``experiment``, and the columns of `judged_without_themselves`.
    controls
        CSV to write: ``experiment``, and the columns of `judged_with_fewer_clips`.
    experiments
        ``experiment`` (its name), ``databases``, and ``stores``, two each, ``predictions`` and ``metrics``, the files
        that the plain experiment wrote.
    draws
        How often the control draws the clips that it leaves out; 0 for no control.
    module, estimator, parameters, columns, casme2_negative
        As for `cdmer.protocols.train.train_model`.
    selection
        Which of the plain experiment's selections; the control is computed for `CONTROLLED`, where it is among them.

    Raises
    ------
    CdmerError
        What `PlainExperiment`, `judged_without_themselves` and `judged_with_fewer_clips` raise.
    """
    tables, fewer = [], []
    controlled = draws if CONTROLLED in selection else 0
    model: AdaptationClassifier = getattr(importlib.import_module(module), estimator)(**parameters)
    for each in progress(experiments, f"{estimator} without each person", unit="experiment"):
        plain = PlainExperiment.read(each, columns, casme2_negative, selection)
        named = {"experiment": each["experiment"]}
        tables.append(judged_without_themselves(plain, model, selection).assign(**named))
        for draw in range(1, controlled + 1):
            fewer.append(judged_with_fewer_clips(plain, model, draw).assign(**named))
    write_predictions(output, tables)
    write_predictions(controls, fewer or [pd.DataFrame(columns=list(CONTROL_COLUMNS))])


CONTROL_COLUMNS = ("experiment", "draw", "selection", "clip", "subject", "label", "predicted", "without", "fewer")


@dataclass(frozen=True, eq=False)
class PlainExperiment:
    """An experiment as it was computed: its clips, what it answered, and the points that its selections chose."""

    source: str
    databases: Sequence[str]
    train: Labelled
    test: Labelled
    people: list[str]  # whom both sides show
    told: Mapping[str, pd.DataFrame]  # by selection
    points: Mapping[str, Any]

    @classmethod
    def read(
        cls, files: Mapping[str, Any], columns: Order, casme2_negative: str, selection: Sequence[str]
    ) -> "PlainExperiment":
        """Read the stores and what the plain experiment wrote.

        Raises
        ------
        CdmerError
            Clips without a subject, or predictions of other clips than the store's.
        """
        source, target = files["stores"]
        train = labelled_clips(source, files["databases"][0], casme2_negative, columns)
        test = labelled_clips(target, files["databases"][1], casme2_negative, columns)
        people = shared_people(train, test, files["databases"])
        told = read_predictions(files["predictions"])
        plain = {name: told[told["selection"] == name].copy() for name in selection}
        for name, table in plain.items():
            if list(table["clip"]) != test.clip:
                raise CdmerError(
                    f"{files['predictions']}: {name} has not answered the clips of {target}", "train the model again"
                )
        known = json.loads(Path(files["metrics"]).read_text(encoding="utf-8"))["scores"]
        points = {name: known[name]["point"] for name in selection}
        return cls(str(source), files["databases"], train, test, people, plain, points)

    def answers(
        self, model: AdaptationClassifier, kept: NDArray[np.bool_], points: Sequence[Any], without: str
    ) -> Answers:
        """What a model says of the target that was trained on some of the source's clips."""
        off = "leave the subject-disjoint variant out (`cdmer: {disjoint: []}`)"
        if len(set(self.train.label[kept])) < 2:
            raise CdmerError(f"{self.source}: without {without} one class is left to train on", off)
        try:
            found = model.answer_grid(self.train.X[kept], self.train.label[kept], self.test.X, points)
        except ValueError as error:
            name = type(model).__name__
            problem = f"{name} cannot learn from {self.source} without {without}: {error}"
            raise CdmerError(problem, f"{off}, or the model") from error
        for converged, residual in zip(found.converged, found.residuals, strict=True):
            if not converged:
                log.warning("without %s %s has not converged: its residual is %.3g", without, model, residual)
        return found


def judged_without_themselves(
    plain: PlainExperiment, model: AdaptationClassifier, selection: Sequence[str]
) -> pd.DataFrame:
    """The answers of an experiment in which each person whom both sides show is judged by a model without him or her.

    Parameters
    ----------
    plain
        The experiment.
    model
        Not fitted; the points that the selections chose take the place of its parameters.
    selection
        Which of the plain experiment's selections.

    Returns
    -------
    DataFrame
        The columns of the plain predictions, and ``without``, who was left out of the source; empty where the answer is
        the plain experiment's.

    Raises
    ------
    CdmerError
        A source that has one class left without a person, or that the model cannot learn from.
    """
    tables = {name: plain.told[name].assign(without="") for name in selection}
    subject = np.array(plain.test.subject)
    for person in plain.people:
        kept = np.array([name != person for name in plain.train.subject])
        answers = plain.answers(model, kept, [plain.points[name] for name in selection], person)
        mine = subject == person
        for table, predicted in zip(tables.values(), answers.predicted, strict=True):
            table.loc[mine, "predicted"] = predicted[mine]
            table.loc[mine, "without"] = person
    return pd.concat(tables.values())


def judged_with_fewer_clips(plain: PlainExperiment, model: AdaptationClassifier, draw: int) -> pd.DataFrame:
    """The same, but as many clips of other people are left out as the person has, and the person stays.

    Parameters
    ----------
    plain, model
        As for `judged_without_themselves`.
    draw
        Number of the draw. All models have the same clips left out in it.

    Returns
    -------
    DataFrame
        `CONTROL_COLUMNS` but the experiment's name: ``without``, for whom clips were left out, and ``fewer``, how many.
    """
    table = plain.told[CONTROLLED].assign(draw=draw, without="", fewer=0)
    subject = np.array(plain.test.subject)
    for person in plain.people:
        out = other_clips(plain.train, person, (zlib.crc32("/".join((*plain.databases, person)).encode()), draw))
        kept = np.ones(len(plain.train.label), bool)
        kept[out] = False
        told = f"{len(out)} clips of others than {person}"
        answers = plain.answers(model, kept, [plain.points[CONTROLLED]], told)
        mine = subject == person
        table.loc[mine, "predicted"] = answers.predicted[0][mine]
        table.loc[mine, "without"] = person
        table.loc[mine, "fewer"] = len(out)
    return table[[*CONTROL_COLUMNS[1:]]]


def other_clips(train: Labelled, person: str, seed: Sequence[int]) -> NDArray[np.intp]:
    """As many clips of other people as a person has, of each class as many; drawn without replacement.

    Where others have too few clips of a class, the rest is drawn from their other classes.

    Raises
    ------
    CdmerError
        The others have fewer clips than the person.
    """
    rng = np.random.default_rng(seed)
    own = np.array([name == person for name in train.subject])
    if own.sum() > (~own).sum():
        raise CdmerError(
            f"{person} has {own.sum()} of {len(own)} clips: no others can be left out in their place",
            "leave the control out (`cdmer: {disjoint_draws: 0}`)",
        )
    out: list[int] = []
    for name in np.unique(train.label[own]):
        these = np.flatnonzero(~own & (train.label == name))
        wanted = int((own & (train.label == name)).sum())
        out += rng.choice(these, min(wanted, len(these)), replace=False).tolist()
    rest = np.setdiff1d(np.flatnonzero(~own), out)
    out += rng.choice(rest, int(own.sum()) - len(out), replace=False).tolist()
    return np.array(sorted(out), np.intp)


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
