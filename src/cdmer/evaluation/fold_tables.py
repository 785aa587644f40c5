"""The tables of folds, subjects or databases left out: `results/cde_table.csv`, `single`, `holdout`, `lodo`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
import pandas as pd

from cdmer.evaluation.comparisons import COMPARED, Answers, answers_of_people, compare_with_best
from cdmer.evaluation.fold_markdown import AVERAGE, PRINTED_AS, fold_markdown, heading_of
from cdmer.evaluation.intervals import Bootstrap, bootstrap_scores, interval, seed_of_people
from cdmer.evaluation.metrics import absent_classes, accuracy, uar, uf1
from cdmer.evaluation.published import published_score
from cdmer.evaluation.rounds import pairs_of, rounds_of, spread
from cdmer.files import write_text
from cdmer.protocols.people import person
from cdmer.protocols.predictions import read_predictions
from cdmer.protocols.tasks import Task, task_named

COLUMNS = (
    "protocol",
    "task",
    "part",
    "model",
    "selection",
    "rounds",
    "uf1",
    "uf1_std",
    "uf1_low",
    "uf1_high",
    "uar",
    "uar_std",
    "uar_low",
    "uar_high",
    "accuracy",
    "accuracy_std",
    "n_clips",
    "n_subjects",
    "published_uf1",
    "published_uar",
    "published_accuracy",
    "published_in",
    "data",
    "feature",
)
SEED = 20190514  # of the bootstrap: any fixed number, so that a table can be compared byte for byte


class FoldPart(TypedDict):
    """One task × model of a table."""

    task: str
    model: str
    data: str  # where the clips come from: real, synthetic, or both
    feature: NotRequired[str]  # that the model reads


@dataclass(frozen=True, eq=False)
class Scored:
    """One model, selection and part of a table.

    Attributes
    ----------
    name
        The task, a database, or `AVERAGE`.
    targets
        What is scored by itself: all clips of the part, or, of an average, those of each database; each a list of
        rounds.
    """

    task: Task
    name: str
    model: str
    selection: str
    data: str
    feature: str
    targets: Sequence[Sequence[pd.DataFrame]]

    @property
    def clips(self) -> tuple[str, ...]:
        """What was judged: two models that judged other clips are no pair."""
        first = pd.concat([rounds[0] for rounds in self.targets])
        return tuple(sorted(first["database"] + "/" + first["clip"]))

    def answers(self) -> list[Answers]:
        """Confusion matrices by round and person, target by target, the same people everywhere."""
        people = sorted({name for rounds in self.targets for name in _people(rounds[0])})
        found = []
        for rounds in self.targets:
            # the rounds of a file may hold the clips in other orders
            ordered = [group.sort_values(["database", "clip"]) for group in rounds]
            found.append(answers_of_people(pairs_of(ordered), _people(ordered[0]), people, self.task.classes))
        return found


def tabulate_folds(
    predictions: Sequence[str | Path],
    exclusions: str | Path,
    leaks: str | Path,
    csv: str | Path,
    md: str | Path,
    comparisons: str | Path,
    protocol: str,
    parts: Sequence[FoldPart],
    left_out: Sequence[Mapping[str, str]],
) -> None:
    """Score the pooled predictions of all folds and write a table.

    In the composite each database's part of the same predictions is a row too, as MEGC 2019 reports them. Where whole
    databases are left out, each is a row, and the mean of them.

    Parameters
    ----------
    predictions
        Files of the models stage, in the order of the rows.
    exclusions
        CSV of the clips that earlier stages left out, counted under the table.
    leaks
        CSV of what `cdmer.evaluation.leak_jobs` found, told under the table.
    csv, md
        What to write: one row a model × part × selection, and the papers' shape.
    comparisons
        CSV to write: every model against the best of its column, a row a pair (`cdmer.evaluation.comparisons`).
    protocol
        ``cde``, ``single``, ``holdout`` or ``lodo``.
    parts
        Whose predictions they are, one by one.
    left_out
        Tasks that could not be computed: ``experiment`` (the task), ``model``, ``reason``.
    """
    scored = [one for file, part in zip(predictions, parts, strict=True) for one in _scored(file, part)]
    table = pd.DataFrame([_row(one) for one in scored], columns=[*COLUMNS, "absent"])
    absent = table[table["absent"] != ""].drop_duplicates(["part", "absent"])
    notes = [
        f"{heading_of(protocol, part)}: no clip of {words}: 0 in UF1, left out of UAR."
        for part, words in absent[["part", "absent"]].itertuples(index=False, name=None)
    ]
    table = table[list(COLUMNS)]
    compared = pd.DataFrame(_compared(scored), columns=["part", *COMPARED])
    write_text(csv, table.to_csv(index=False, lineterminator="\n", float_format="%.6f"))
    write_text(comparisons, compared.to_csv(index=False, lineterminator="\n", float_format="%.6f"))
    text = fold_markdown(table, protocol, left_out, pd.read_csv(exclusions), notes, compared, pd.read_csv(leaks))
    write_text(md, text)


def _scored(file: str | Path, part: FoldPart) -> Iterable[Scored]:
    """The rows of a file of predictions: each selection, whole and by database."""
    task = task_named(part["task"])
    for selection, chosen in read_predictions(file).groupby("selection", sort=False):
        by_database = [
            (name, rounds_of(chosen[chosen["database"] == name])) for name in task.databases if len(task.databases) > 1
        ]
        common = task, str(selection), part

        def scored(name: str, targets: Sequence[Sequence[pd.DataFrame]], common: Any = common) -> Scored:
            task, selection, part = common
            return Scored(task, name, part["model"], selection, part["data"], part.get("feature", ""), targets)

        if task.left_out == "subject":
            yield scored(task.name, [rounds_of(chosen)])
        yield from (scored(name, [rounds]) for name, rounds in by_database)
        if task.left_out == "database":
            yield scored(AVERAGE, [rounds for _, rounds in by_database])


def _people(group: pd.DataFrame) -> list[str]:
    return [person(database, subject) for database, subject in zip(group["database"], group["subject"], strict=True)]


def _row(one: Scored) -> dict[str, Any]:
    task, scores, draws = one.task, [], []
    for rounds in one.targets:
        pairs = pairs_of(rounds)
        scores.append([(uf1(*pair, task.classes), uar(*pair, task.classes), accuracy(*pair)) for pair in pairs])
        draws.append(_drawn(rounds, task))
    f1, recall, right = np.mean(scores, axis=0).T  # each by round
    numbers: dict[str, Any] = {}
    for metric, values in (("uf1", f1), ("uar", recall)):
        # the same people are drawn in every round: the interval is about people, the spread about rounds
        drawn = np.mean([[getattr(draw, metric) for draw in each] for each in draws], axis=(0, 1))
        low, high = interval(drawn, min(each[0].number for each in draws))
        numbers |= {metric: values.mean(), f"{metric}_std": spread(values)}
        numbers |= {f"{metric}_low": low, f"{metric}_high": high}
    found = published_score(PRINTED_AS[task.protocol], one.name, one.model, one.feature)
    firsts = [rounds[0] for rounds in one.targets]
    return {
        "protocol": task.protocol,
        "task": task.name,
        "part": one.name,
        "model": one.model,
        "selection": one.selection,
        "rounds": len(one.targets[0]),
        **numbers,
        "accuracy": right.mean(),
        "accuracy_std": spread(right),
        "n_clips": sum(map(len, firsts)),
        "n_subjects": sum(len(set(_people(first))) for first in firsts),
        "published_uf1": found.uf1 if found else None,
        "published_uar": found.uar if found else None,
        "published_accuracy": found.accuracy if found else None,
        "published_in": found.paper if found else "",
        "data": one.data,
        "feature": one.feature,
        "absent": " or ".join(absent_classes(firsts[0]["label"], task.classes)) if len(firsts) == 1 else "",
    }


def _drawn(rounds: Sequence[pd.DataFrame], task: Task) -> list[Bootstrap]:
    """Draws of the people of one target, the same for every round."""
    seed = seed_of_people(SEED, _people(rounds[0]))
    return [
        bootstrap_scores(*pair, _people(group), task.classes, seed)
        for group, pair in zip(rounds, pairs_of(rounds), strict=True)
    ]


def _compared(scored: Sequence[Scored]) -> Iterable[dict[str, Any]]:
    """Every model against the best of its column: a part, a selection, and the same clips."""
    columns: dict[tuple[Any, ...], dict[str, Scored]] = {}
    for one in scored:
        columns.setdefault((one.name, one.selection, one.clips), {})[one.model] = one
    for (part, selection, _), models in columns.items():
        answers = {name: one.answers() for name, one in models.items()}
        yield from ({"part": part, "selection": selection, **row} for row in compare_with_best(answers, SEED))
