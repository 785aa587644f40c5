"""The job of the tables stage: from predictions to `results/cdmer_table.csv` and its Markdown twin."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.evaluation.comparisons import COMPARED, answers_of_people, compare_with_best
from cdmer.evaluation.honesty import oracle_leads
from cdmer.evaluation.intervals import FEW, bootstrap_average, bootstrap_scores, few_note, interval, seed_of_people
from cdmer.evaluation.markdown import casme2_notes, cdmer_markdown
from cdmer.evaluation.metrics import absent_classes, accuracy, uar, uf1
from cdmer.evaluation.published import published_score
from cdmer.evaluation.rounds import pairs_of, rounds_of, spread
from cdmer.files import write_text
from cdmer.protocols.cdmer import CLASSES, Experiment, cdmer_experiments
from cdmer.protocols.people import person
from cdmer.protocols.predictions import read_predictions

COLUMNS = (
    "protocol",
    "type",
    "experiment",
    "source",
    "target",
    "model",
    "selection",
    "rounds",
    "uf1",
    "uf1_std",
    "uf1_low",
    "uf1_high",
    "uar",
    "accuracy",
    "accuracy_std",
    "n_target",
    "published_uf1",
    "published_accuracy",
    "published_in",
    "interval_over",
    "data",
    "point",
    "oracle_lead",
    "casme2_negative",
)
SEED = 20180515  # of the bootstrap: any fixed number, so that a table can be compared byte for byte


class Part(TypedDict):
    """One experiment × model of the table."""

    experiment: str
    model: str
    data: str  # where source and target come from: real, released, synthetic, or two of these


@dataclass(frozen=True)
class Scores:
    """What one experiment × model × selection came to."""

    experiment: Experiment
    model: str
    data: str
    selection: str
    point: str  # the hyper-parameters that were chosen
    uf1: NDArray[np.float64]  # by round
    uar: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    n_target: int
    bootstrap: NDArray[np.float64]
    over: str
    drawn: int  # how many people, or clips, were drawn from
    absent: tuple[str, ...]  # classes without a clip in the target
    rounds: tuple[tuple[NDArray[Any], NDArray[Any]], ...]  # truth and prediction
    person: tuple[str, ...]  # who each clip shows; the clip itself where a release names nobody


def tabulate_cdmer(
    predictions: Sequence[str | Path],
    exclusions: str | Path,
    leaks: str | Path,
    csv: str | Path,
    md: str | Path,
    comparisons: str | Path,
    parts: Sequence[Part],
    left_out: Sequence[Mapping[str, str]],
    disjoint: bool = False,
    casme2_negative: str = "disgust_sadness_fear",
) -> None:
    """Score all predictions and write the table.

    Parameters
    ----------
    predictions
        Files of the models stage, in the order of the rows.
    exclusions
        CSV of the clips that earlier stages left out, counted under the table.
    leaks
        CSV of what `cdmer.evaluation.leak_jobs` found, told under the table.
    csv, md
        What to write: one row a model × experiment × selection, and the papers' shape.
    comparisons
        CSV to write: every model against the best of its column, a row a pair (`cdmer.evaluation.comparisons`).
    parts
        Whose predictions they are, one by one.
    left_out
        Experiments that could not be computed: ``experiment``, ``model``, ``reason``.
    disjoint
        Whether TYPE-I with nobody on both sides is computed beside, to which the foot of the table then points.
    casme2_negative
        The protocol's choice (`cdmer.protocols.cdmer.cdmer_labels`), said in rows that CASME II has a part in, and with
        its clips under the table.
    """
    experiments = {experiment.name: experiment for experiment in cdmer_experiments()}
    scores = [
        score
        for file, part in zip(predictions, parts, strict=True)
        for score in _score(file, experiments[part["experiment"]], part)
    ]
    rows = [_row(score) for score in scores]
    rows += [_average_row(type_, group) for type_, group in _complete_types(scores)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["oracle_lead"] = oracle_leads(table)
    table["casme2_negative"] = np.where(table["type"] == "TYPE-II", casme2_negative, "")
    write_text(csv, table.to_csv(index=False, lineterminator="\n", float_format="%.6f"))
    compared = pd.DataFrame(_compared(scores), columns=["type", "experiment", *COMPARED])
    write_text(comparisons, compared.to_csv(index=False, lineterminator="\n", float_format="%.6f"))
    absent = {score.experiment.name: score.absent for score in scores if score.absent}
    counts = {
        tuple(int(np.count_nonzero(truth == name)) for name in CLASSES): None
        for score in scores
        for truth, _ in score.rounds[:1]
        if score.experiment.target == "casme2"
    }
    few = few_note(score.experiment.name for score in scores if score.over == "subjects" and score.drawn < FEW)
    rule = [*casme2_notes(table, casme2_negative, list(counts)), *filter(None, [few])]
    told = pd.read_csv(exclusions), absent, compared, pd.read_csv(leaks), disjoint, rule
    text = cdmer_markdown(table, left_out, *told)
    write_text(md, text)


def _score(file: str | Path, experiment: Experiment, part: Part) -> Iterable[Scores]:
    """One `Scores` for each selection in a file of predictions."""
    for selection, chosen in read_predictions(file).groupby("selection", sort=False):
        rounds = rounds_of(chosen)
        pairs = pairs_of(rounds)
        draws = [
            bootstrap_scores(truth, predicted, _subjects(group), CLASSES, _seed(experiment, _subjects(group)))
            for group, (truth, predicted) in zip(rounds, pairs, strict=True)
        ]
        yield Scores(
            experiment=experiment,
            model=part["model"],
            data=part["data"],
            selection=str(selection),
            point="; ".join(filter(None, chosen["point"].unique())),
            uf1=np.array([uf1(*pair, CLASSES) for pair in pairs]),
            uar=np.array([uar(*pair, CLASSES) for pair in pairs]),
            accuracy=np.array([accuracy(*pair) for pair in pairs]),
            n_target=len(rounds[0]),
            # the same people are drawn in every round: the interval is about people, the spread about rounds
            bootstrap=np.mean([draw.uf1 for draw in draws], axis=0),
            over=draws[0].over,
            drawn=draws[0].number,
            absent=tuple(absent_classes(pairs[0][0], CLASSES)),
            rounds=tuple(pairs),
            person=_people(rounds[0]),
        )


def _people(group: pd.DataFrame) -> tuple[str, ...]:
    subjects = _subjects(group)
    named = all(subject is not None for subject in subjects)
    return tuple(map(str, subjects if named else group["clip"]))


def _compared(scores: Sequence[Scores]) -> Iterable[dict[str, Any]]:
    """The rows of the comparisons: by experiment, then by type where a model has all six."""
    columns: dict[tuple[Any, ...], dict[str, list[Scores]]] = {}
    groups = [(score.experiment.type, score.experiment.name, [score]) for score in scores]
    groups += [(type_, "average", group) for type_, group in _complete_types(scores)]
    for type_, experiment, group in groups:
        # two methods that judged other clips, one computed features and one released ones, are no pair
        judged = tuple(score.person for score in group)
        columns.setdefault((type_, experiment, group[0].selection, judged), {})[group[0].model] = group
    for (type_, experiment, selection, _), models in columns.items():
        # clips of unnamed people are people of their own, whose names may recur in another target
        people = sorted({name for group in models.values() for score in group for name in _named(score)})
        answers = {
            model: [answers_of_people(score.rounds, _named(score), people, CLASSES) for score in group]
            for model, group in models.items()
        }
        for row in compare_with_best(answers, SEED):
            yield {"type": type_, "experiment": experiment, "selection": selection, **row}


def _named(score: Scores) -> list[str]:
    """Who each clip shows; the subsets of SMIC show the same people, other databases others."""
    target = score.experiment.target
    if score.over != "subjects":
        return [f"{target}/{clip}" for clip in score.person]
    return [person(target, subject) for subject in score.person]


def _subjects(group: pd.DataFrame) -> list[str | None]:
    return [str(subject) or None for subject in group["subject"]]


def _seed(experiment: Experiment, subjects: Sequence[str | None]) -> int:
    """The seed of a target's people; that of the target where none is named."""
    target = experiment.target
    people = [person(target, subject) for subject in subjects if subject is not None]
    return seed_of_people(SEED, people or [target])


def _complete_types(scores: Sequence[Scores]) -> Iterable[tuple[str, list[Scores]]]:
    """The six experiments of each type, model and selection, where all six were computed."""
    groups: dict[tuple[str, str, str], list[Scores]] = {}
    for score in scores:
        groups.setdefault((score.experiment.type, score.model, score.selection), []).append(score)
    for (type_, _, _), group in groups.items():
        if len(group) == sum(experiment.type == type_ for experiment in cdmer_experiments()):
            yield type_, group


def _row(score: Scores) -> dict[str, Any]:
    experiment = score.experiment
    return {
        "protocol": "cdmer",
        "type": experiment.type,
        "experiment": experiment.name,
        "source": experiment.source,
        "target": experiment.target,
        "model": score.model,
        "selection": score.selection,
        "n_target": score.n_target,
        "interval_over": score.over,
        "data": score.data,
        "point": score.point,
        **_numbers(score.uf1, score.uar, score.accuracy, score.bootstrap, score.drawn),
        **_published(experiment.type, experiment.name, score.model),
    }


def _average_row(type_: str, group: Sequence[Scores]) -> dict[str, Any]:
    """The mean of a type's six experiments; people whom several targets show are drawn together."""
    rounds = min(len(score.uf1) for score in group)
    f1, recall, right = (
        np.mean([getattr(score, name)[:rounds] for score in group], axis=0) for name in ("uf1", "uar", "accuracy")
    )
    draws = bootstrap_average([(score.rounds, _named(score)) for score in group], CLASSES, SEED)
    return {
        "protocol": "cdmer",
        "type": type_,
        "experiment": "average",
        "source": "",
        "target": "",
        "model": group[0].model,
        "selection": group[0].selection,
        "n_target": sum(score.n_target for score in group),
        "interval_over": " and ".join(sorted({score.over for score in group})),
        "data": " and ".join(sorted({word for score in group for word in score.data.split(" and ")})),
        **_numbers(f1, recall, right, draws, min(score.drawn for score in group)),
        **_published(type_, "average", group[0].model),
    }


def _numbers(
    f1: NDArray[np.float64],
    recall: NDArray[np.float64],
    right: NDArray[np.float64],
    draws: NDArray[np.float64],
    number: int,
) -> dict[str, Any]:
    low, high = interval(draws, number)
    return {
        "rounds": len(f1),
        "uf1": f1.mean(),
        "uf1_std": spread(f1),
        "uf1_low": low,
        "uf1_high": high,
        "uar": recall.mean(),
        "accuracy": right.mean(),
        "accuracy_std": spread(right),
    }


def _published(type_: str, experiment: str, model: str) -> dict[str, Any]:
    found = published_score(type_, experiment, model)
    return {
        "published_uf1": found.uf1 if found else None,
        "published_accuracy": found.accuracy if found else None,
        "published_in": found.paper if found else "",
    }
