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
from cdmer.evaluation.intervals import bootstrap_average, interval
from cdmer.evaluation.leaks import leak_notes
from cdmer.evaluation.markdown import SYNTHETIC, left_out_notes
from cdmer.evaluation.metrics import all_scores, uf1
from cdmer.files import write_text
from cdmer.protocols.cdmer import CLASSES, Experiment, cdmer_experiments
from cdmer.protocols.people import person
from cdmer.protocols.predictions import read_predictions

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
    "draws",
    "control_uf1",
    "control_std",
    "people_difference",
    "people_p",
    "people_p_corrected",
    "data",
)
NO_CONTROL = "The price of fewer clips was not measured (`cdmer: {disjoint_draws: 0}`, or no selection `default`)."
SEED = 20131013  # of the bootstrap and the swaps: any fixed number
TITLE = "TYPE-I without the same person on both sides"
PRICE_TITLE = "The price of the shared people, apart from that of fewer clips"
PRICE_ABOUT = (
    "The change of UF1 from a model that lacks as many clips of other people, drawn at random; in brackets the change "
    "of that model from the plain one, mean and spread over the draws. In bold: more than chance makes."
)
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
    controls: tuple[NDArray[Any], ...]  # draw by draw, with fewer clips of others instead; none where not computed
    person: tuple[str, ...]
    without: tuple[str, ...]  # who was left out of the source for each clip; empty for nobody

    def answers(self, people: Sequence[str], *rounds: NDArray[Any]) -> Answers:
        """Confusion matrices by round and person."""
        return answers_of_people([(self.truth, told) for told in rounds], self.person, people, CLASSES)


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
        `cdmer.protocols.disjoint` wrote for the model, ``controls``, its other file, and ``plain``, the predictions of
        the experiment.
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
        controlled = column[column["people_p"].notna()]
        table.loc[controlled.index, "people_p_corrected"] = holm(controlled["people_p"].tolist())
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
    notes += control_notes(alone)
    counted = alone.drop_duplicates("experiment")
    listed = ", ".join(
        f"{row['experiment']} {row['shared_people']:.0f} people with {row['shared_clips']:.0f} of "
        f"{row['n_target']:.0f} clips"
        for row in counted.to_dict("records")
    )
    return [*notes, f"Judged without themselves: {listed}."]


def control_notes(alone: pd.DataFrame) -> list[str]:
    """What of the change is fewer clips and what the shared people, over the rows of single experiments."""
    known = alone[alone["control_uf1"].notna()]
    if known.empty:
        return [f"A person less is also fewer clips to learn from. {NO_CONTROL}"]
    fewer = known["control_uf1"] - known["plain_uf1"]
    clear = int((known["people_p_corrected"] < LEVEL).sum())
    return [
        f"A person less is also fewer clips to learn from. With as many clips of other people left out instead, of the "
        f"same classes ({known['draws'].max():.0f} draws), UF1 changes by {fewer.mean():+.3f}; the rest of the change, "
        f"{known['people_difference'].mean():+.3f}, is the price of the shared people "
        f"({', '.join(known['selection'].unique())}).",
        f"{clear} of {len(known)} such prices are more than chance makes (paired permutation test over people, 5 %, "
        "Holm).",
    ]


def selection_means(table: pd.DataFrame) -> str:
    """The mean change of each selection, in words."""
    means = table.groupby("selection", sort=False)["difference"].mean()
    return ", ".join(f"{name} {value:+.3f}" for name, value in means.items())


def _pairs(part: Mapping[str, str], experiment: Experiment) -> Iterable[Pair]:
    told, known = (read_predictions(part[name]) for name in ("disjoint", "plain"))
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
            controls=tuple(_controls(part, experiment, str(selection), both["clip"])),
            person=tuple(person(experiment.target, subject) for subject in both["subject"]),
            without=tuple(both["without"]),
        )


def _controls(
    part: Mapping[str, str], experiment: Experiment, selection: str, clips: pd.Series
) -> Iterable[NDArray[Any]]:
    """The control's answers to the clips, in their order, draw by draw."""
    told = read_predictions(part["controls"])
    told = told[(told["experiment"] == experiment.name) & (told["selection"] == selection)]
    for _, draw in told.groupby("draw"):
        answered = draw.set_index("clip")["predicted"]
        if not answered.index.is_unique or set(answered.index) != set(clips):
            raise ValueError(f"{part['controls']} and {part['plain']} are not of the same clips")
        yield answered[clips].to_numpy()


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
    sides = [pair.answers(people, pair.disjoint) for pair in group]
    compared = compare(sides, [pair.answers(people, pair.plain) for pair in group], SEED)
    mine = _mean([all_scores(pair.truth, pair.disjoint, CLASSES) for pair in group])
    plain = _mean([all_scores(pair.truth, pair.plain, CLASSES) for pair in group])
    drawn = bootstrap_average([([(pair.truth, pair.disjoint)], pair.person) for pair in group], CLASSES, SEED)
    low, high = interval(drawn, min(len(set(pair.person)) for pair in group))
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
        **_against_control(group, people, sides),
        "data": " and ".join(sorted({word for pair in group for word in pair.data.split(" and ")})),
    }


def _against_control(group: Sequence[Pair], people: Sequence[str], sides: Sequence[Answers]) -> dict[str, Any]:
    """The control's score, and what is below it without the shared people; None where it was not computed."""
    draws = min(len(pair.controls) for pair in group)
    if not draws:
        return dict.fromkeys(("draws", "control_uf1", "control_std", "people_difference", "people_p"))
    scores = np.mean([[uf1(pair.truth, told, CLASSES) for told in pair.controls[:draws]] for pair in group], axis=0)
    compared = compare(sides, [pair.answers(people, *pair.controls[:draws]) for pair in group], SEED)
    return {
        "draws": draws,
        "control_uf1": scores.mean(),
        "control_std": scores.std(ddof=1) if draws > 1 else None,
        "people_difference": compared.difference,
        "people_p": compared.p,
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
    lines += _price_lines(table, names)
    notes = [*disjoint_notes(table), *left_out_notes(left_out, set(table["model"]))]
    return [*lines, "", *(f"- {note}" for note in notes)]


def _price_lines(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """The second table: the change, taken apart; nothing where no control was computed."""
    known = table[table["control_uf1"].notna()]
    if known.empty:
        return []
    lines = ["", f"## {PRICE_TITLE}", "", PRICE_ABOUT, ""]
    lines += ["| method | selection | " + " | ".join(name.replace("->", " → ") for name in names) + " |"]
    lines += ["|---|---|" + "---|" * len(names)]
    for (model, selection), group in known.groupby(["model", "selection"], sort=False):
        cells = {row["experiment"]: row for row in group.to_dict("records")}
        shown = [price_of(cells[name]) if name in cells else "–" for name in names]
        lines.append(f"| {model} | {selection} | " + " | ".join(shown) + " |")
    return lines


def price_of(row: Mapping[Any, Any]) -> str:
    """A cell of that table: the price of the shared people, and in brackets that of fewer clips and its spread."""
    people = f"{row['people_difference']:+.3f}"
    people = f"**{people}**" if row["people_p_corrected"] < LEVEL else people
    spread = "" if row["control_std"] is None or math.isnan(row["control_std"]) else f" ± {row['control_std']:.3f}"
    fewer = round(row["control_uf1"] - row["plain_uf1"], 3) + 0.0  # no -0.000
    return f"{people} ({fewer:+.3f}{spread})"


def _cell(row: Mapping[Any, Any] | None) -> str:
    if row is None or math.isnan(row["uf1"]):
        return "–"
    change = f"{row['difference']:+.3f}"
    return f"{row['uf1']:.4f} ({f'**{change}**' if row['p_corrected'] < LEVEL else change})"
