"""TYPE-I with nobody on both sides, beside the plain scores: `results/cdmer_disjoint.csv` and its Markdown twin."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.evaluation.comparisons import LEVEL, Answers, answers_of_people, compare, holm, smallest_note
from cdmer.evaluation.intervals import bootstrap_scores, interval
from cdmer.evaluation.leaks import leak_notes
from cdmer.evaluation.markdown import SYNTHETIC, left_out_notes
from cdmer.evaluation.metrics import all_scores
from cdmer.files import write_text
from cdmer.protocols.cdmer import CLASSES, Experiment, cdmer_experiments
from cdmer.protocols.people import person

COLUMNS = (
    "type",
    "experiment",
    "source",
    "target",
    "model",
    "selection",
    "n_target",
    "shared_clips",
    "shared_people",
    "plain_uf1",
    "uf1",
    "uf1_low",
    "uf1_high",
    "uar",
    "accuracy",
    "plain_accuracy",
    "difference",
    "p",
    "p_corrected",
    "smallest",
    "data",
)
TEXTS = dict.fromkeys(("clip", "subject", "label", "predicted", "point", "without"), str)
SEED = 20131013  # of the bootstrap and the swaps: any fixed number
TITLE = "TYPE-I without the same person on both sides"
ABOUT = (
    "The subsets of SMIC show the same people. Here each person of the target whom the source shows too is judged by a "
    "model that was trained without that person's clips; hyper-parameters are those that the plain experiment chose, "
    "and the unlabelled target is the same."
)


@dataclass(frozen=True, eq=False)
class Pair:
    """One experiment × model × selection, plain and disjoint, on the same clips."""

    experiment: Experiment
    model: str
    selection: str
    data: str
    truth: NDArray[Any]
    plain: NDArray[Any]
    disjoint: NDArray[Any]
    person: tuple[str, ...]
    without: tuple[str, ...]  # who was left out of the source for each clip; empty for nobody

    def answers(self, people: Sequence[str]) -> tuple[Answers, Answers]:
        """Confusion matrices by person, of the disjoint variant and of the plain one."""
        disjoint, plain = (
            answers_of_people([(self.truth, told)], self.person, people, CLASSES)
            for told in (self.disjoint, self.plain)
        )
        return disjoint, plain


def tabulate_disjoint(
    leaks: str | Path,
    csv: str | Path,
    md: str | Path,
    *,
    parts: Sequence[Mapping[str, str]],
    left_out: Sequence[Mapping[str, str]],
) -> None:
    """Score the subject-disjoint variant and write its table.

    Parameters
    ----------
    leaks
        CSV of what `cdmer.evaluation.leak_jobs.find_disjoint_leaks` found, told under the table.
    csv, md
        What to write: one row a model × experiment × selection, the plain score beside; and the papers' shape.
    parts
        The rows in their order: ``experiment``, ``model``, ``data``, and the files ``disjoint``, which
        `cdmer.protocols.disjoint` wrote for the model, and ``plain``, the predictions of the experiment.
    left_out
        What of TYPE-I has no such variant: ``experiment``, ``model``, ``reason``.
    """
    experiments = {experiment.name: experiment for experiment in cdmer_experiments()}
    pairs = [pair for part in parts for pair in _pairs(part, experiments[part["experiment"]])]
    rows = [_row([pair]) for pair in pairs]
    rows += [_row(group) for group in _complete(pairs)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    # one correction a column of the table: all models that share experiment and selection
    for _, column in table.groupby(["experiment", "selection"], sort=False):
        table.loc[column.index, "p_corrected"] = holm(column["p"].tolist())
    write_text(csv, table.to_csv(index=False, lineterminator="\n", float_format="%.6f"))
    lines = [*_markdown(table, left_out), *(f"- {note}" for note in leak_notes(pd.read_csv(leaks)))]
    write_text(md, "\n".join(lines) + "\n")


def disjoint_notes(table: pd.DataFrame) -> list[str]:
    """What the table says as a whole, a line each: how much the same people are worth, and what could be found."""
    if table.empty:
        return []
    alone = table[table["experiment"] != "average"]
    clear = int((alone["p_corrected"] < LEVEL).sum())
    notes = [
        f"On average over models and experiments UF1 changes by {alone['difference'].mean():+.3f} "
        f"({selection_means(alone)}).",
        f"{clear} of {len(alone)} changes are more than chance makes (paired permutation test over people, 5 %, Holm).",
        smallest_note(table, "a change of UF1"),
    ]
    fewest = int(alone["shared_people"].min())
    least = 2 / 2**fewest
    if fewest and least > LEVEL:
        notes.append(
            f"The answers of {fewest} shared people can be swapped in {2**fewest} ways: no change of such an "
            f"experiment can have a p value below {least:.2f}, however large it is."
        )
    notes.append("A person less is also fewer clips to learn from, the more so the fewer people the source shows.")
    counted = alone.drop_duplicates("experiment")
    listed = ", ".join(
        f"{row['experiment']} {row['shared_people']:.0f} people with {row['shared_clips']:.0f} of "
        f"{row['n_target']:.0f} clips"
        for row in counted.to_dict("records")
    )
    return [*notes, f"Judged without themselves: {listed}."]


def selection_means(table: pd.DataFrame) -> str:
    """The mean change of each selection, in words."""
    means = table.groupby("selection", sort=False)["difference"].mean()
    return ", ".join(f"{name} {value:+.3f}" for name, value in means.items())


def _pairs(part: Mapping[str, str], experiment: Experiment) -> Iterable[Pair]:
    told, known = (pd.read_csv(part[name], dtype=TEXTS, keep_default_na=False) for name in ("disjoint", "plain"))
    told = told[told["experiment"] == experiment.name]
    for selection, chosen in told.groupby("selection", sort=False):
        both = chosen.merge(
            known.loc[known["selection"] == selection, ["clip", "label", "predicted"]],
            on="clip",
            suffixes=("", "_plain"),
            validate="one_to_one",
        )
        if len(both) != len(chosen) or not (both["label"] == both["label_plain"]).all():
            raise ValueError(f"{part['disjoint']} and {part['plain']} are not of the same clips")
        yield Pair(
            experiment=experiment,
            model=part["model"],
            selection=str(selection),
            data=part["data"],
            truth=both["label"].to_numpy(),
            plain=both["predicted_plain"].to_numpy(),
            disjoint=both["predicted"].to_numpy(),
            person=tuple(person(experiment.target, subject) for subject in both["subject"]),
            without=tuple(both["without"]),
        )


def _complete(pairs: Sequence[Pair]) -> Iterable[list[Pair]]:
    """The six experiments of each model and selection that has all."""
    groups: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.model, pair.selection), []).append(pair)
    size = sum(experiment.type == "TYPE-I" for experiment in cdmer_experiments())
    return [group for group in groups.values() if len(group) == size]


def _row(group: Sequence[Pair]) -> dict[str, Any]:
    """One experiment, or the mean of six."""
    first = group[0]
    people = sorted({name for pair in group for name in pair.person})
    sides = [pair.answers(people) for pair in group]
    compared = compare([mine for mine, _ in sides], [plain for _, plain in sides], SEED)
    mine = _mean([all_scores(pair.truth, pair.disjoint, CLASSES) for pair in group])
    plain = _mean([all_scores(pair.truth, pair.plain, CLASSES) for pair in group])
    # people who are the target of several experiments are drawn together: one seed, one list of names
    drawn = [bootstrap_scores(pair.truth, pair.disjoint, pair.person, CLASSES, SEED) for pair in group]
    low, high = interval(np.mean([each.uf1 for each in drawn], axis=0), min(each.number for each in drawn))
    alone = len(group) == 1
    return {
        "type": first.experiment.type,
        "experiment": first.experiment.name if alone else "average",
        "source": first.experiment.source if alone else "",
        "target": first.experiment.target if alone else "",
        "model": first.model,
        "selection": first.selection,
        "n_target": sum(len(pair.truth) for pair in group),
        "shared_clips": sum(sum(map(bool, pair.without)) for pair in group),
        "shared_people": len({name for pair in group for name in pair.without if name}),
        "plain_uf1": plain["uf1"],
        **mine,
        "uf1_low": low,
        "uf1_high": high,
        "plain_accuracy": plain["accuracy"],
        "difference": compared.difference,
        "p": compared.p,
        "smallest": compared.smallest,
        "data": " and ".join(sorted({word for pair in group for word in pair.data.split(" and ")})),
    }


def _mean(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([each[name] for each in scores])) for name in scores[0]}


def _markdown(table: pd.DataFrame, left_out: Sequence[Mapping[str, str]]) -> list[str]:
    lines = [
        f"# {TITLE}",
        "",
        f"{ABOUT} UF1, and behind it the change from the plain score in `cdmer_table.md`; a change that is more than "
        "chance makes is in bold.",
    ]
    if table["data"].str.contains("synthetic").any():
        lines += ["", SYNTHETIC.replace("cdmer_table", "cdmer_disjoint")]
    names = list(dict.fromkeys(table["experiment"]))
    if names:
        lines += ["", "| method | selection | " + " | ".join(name.replace("->", " → ") for name in names) + " |"]
        lines += ["|---|---|" + "---|" * len(names)]
    for (model, selection), group in table.groupby(["model", "selection"], sort=False):
        cells = {row["experiment"]: row for row in group.to_dict("records")}
        lines.append(f"| {model} | {selection} | " + " | ".join(_cell(cells.get(name)) for name in names) + " |")
    notes = [*disjoint_notes(table), *left_out_notes(left_out, set(table["model"]))]
    return [*lines, "", *(f"- {note}" for note in notes)]


def _cell(row: Mapping[Any, Any] | None) -> str:
    if row is None or math.isnan(row["uf1"]):
        return "–"
    change = f"{row['difference']:+.3f}"
    return f"{row['uf1']:.4f} ({f'**{change}**' if row['p_corrected'] < LEVEL else change})"
