"""Tables in the papers' shape: methods by experiments, UF1 / accuracy, the best in bold."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cdmer.evaluation.comparisons import LEVEL, smallest_note
from cdmer.evaluation.contradictions import Footnotes, footnotes
from cdmer.evaluation.honesty import price_of_honesty
from cdmer.evaluation.leaks import leak_notes
from cdmer.protocols.cdmer import CASME2_NEGATIVE, CLASSES, cdmer_experiments

# by what a paper counts in its tables, or gave out (the text of TGSR has the other); of DSCNN only its text is known
RULE_OF_PAPER = {
    "FR": "disgust_sadness_fear",
    "MADTN": "disgust_sadness_fear",
    "TGSR": "disgust_sadness_fear",
    "DSCNN": "disgust_repression",
}
SYNTHETIC = (
    "**Ours come from a synthetic cohort, the published ones from the real databases: the two cannot be compared.** "
    "The column `data` of `cdmer_table.csv` says which is which; give the databases a root to see real ones."
)


SYNTHETIC_ALONE = (
    "**These scores come from a synthetic cohort and say nothing about real databases.** "
    "The column `data` of `cdmer_table.csv` says what came from where; give the databases a root to see real scores."
)


def cdmer_markdown(
    table: pd.DataFrame,
    left_out: Sequence[Mapping[str, str]],
    exclusions: pd.DataFrame,
    absent: Mapping[str, Sequence[str]] | None = None,
    comparisons: pd.DataFrame | None = None,
    leaks: pd.DataFrame | None = None,
    disjoint: bool = False,
    rule: Sequence[str] = (),
) -> str:
    """The CDMER table as Markdown.

    Parameters
    ----------
    table
        As `results/cdmer_table.csv`.
    left_out
        Experiments that could not be computed: ``experiment``, ``model``, ``reason``.
    exclusions
        The clips that earlier stages left out.
    absent
        Experiment to the classes that its target has no clip of.
    comparisons
        Every model against the best of its column (`cdmer.evaluation.comparisons`).
    leaks
        What `cdmer.evaluation.leaks` found.
    disjoint
        Whether `cdmer_disjoint.md` is made too.
    rule
        What is said of CASME II's classes, as `casme2_notes` gives it, and of few people.
    """
    parts = [
        "# Cross-database micro-expression recognition",
        "",
        "UF1 / accuracy, the 95 % interval of UF1 behind averages; the best UF1 of each selection in bold.",
    ]
    if table["data"].str.contains("synthetic").any():
        parts += ["", SYNTHETIC]
    printed = footnotes_of(table, "CDMER", "type", "experiment")
    for type_ in ("TYPE-I", "TYPE-II"):
        rows = table[table["type"] == type_]
        if not rows.empty:
            parts += ["", f"## {type_}", "", *_grid(rows, type_, printed)]
    parts += _price(table)
    parts += ["", *(f"- {note}" for note in rule), *_footnotes(table, left_out, exclusions)]
    parts += [
        f"- {name}: the target has no clip of {' or '.join(classes)}: 0 in UF1, left out of UAR."
        for name, classes in (absent or {}).items()
    ]
    if leaks is not None:
        parts += [f"- {note}" for note in leak_notes(leaks)]
    if disjoint:
        parts.append("- TYPE-I with nobody on both sides, and what that costs each model: `cdmer_disjoint.md`.")
    if comparisons is not None and not comparisons.empty:
        parts += [f"- {smallest_note(comparisons)}", f"- {beaten_note(comparisons, 'cdmer')}"]
    parts += published_section(printed)
    return "\n".join(parts) + "\n"


def casme2_notes(table: pd.DataFrame, rule: str, counts: Sequence[Sequence[int]] = ()) -> list[str]:
    """By which rule CASME II's clips were given their classes, how many there are, and whose numbers follow another.

    Parameters
    ----------
    table
        As `results/cdmer_table.csv`; without a row of TYPE-II nothing is said.
    rule
        ``disgust_sadness_fear`` or ``disgust_repression``.
    counts
        Clips of each class wherever CASME II was the target; several where features hold other clips.
    """
    rows = table[table["type"] == "TYPE-II"]
    if rows.empty:
        return []
    clips = " or ".join(
        ", ".join(f"{number} {name}" for number, name in zip(each, CLASSES, strict=True)) + f" of {sum(each)} clips"
        for each in counts
    )
    notes = [f"CASME II: negative = {', '.join(CASME2_NEGATIVE[rule])}{f'; {clips}' if clips else ''}."]
    others: dict[str, list[str]] = {}
    for paper in sorted(set(rows["published_in"].dropna()) - {""}):
        if RULE_OF_PAPER.get(paper, rule) != rule:
            others.setdefault(RULE_OF_PAPER[paper], []).append(paper)
    notes += [
        f"The published numbers of TYPE-II of {', '.join(papers)} are, as said there, of another rule, negative = "
        f"{', '.join(CASME2_NEGATIVE[other])}: of other clips than ours."
        for other, papers in others.items()
    ]
    return notes


def footnotes_of(table: pd.DataFrame, protocol: str, type_: str, column: str) -> Footnotes:
    """The footnotes to the published numbers of a table.

    Parameters
    ----------
    table
        A table of results.
    protocol
        ``CDMER``, ``CDE`` or ``single``.
    type_
        The column with the type as `published.csv` has it, or the type itself.
    column
        The column that names experiments or parts.
    """
    rows = table[table["published_in"].notna() & (table["published_in"] != "")]
    types = rows[type_] if type_ in rows else [type_] * len(rows)
    cells = dict.fromkeys(zip(types, rows[column], rows["model"], strict=True))
    features = dict(zip(rows["model"], rows["feature"].fillna(""), strict=True)) if "feature" in rows else {}
    return footnotes(((str(kind), str(name), str(model)) for kind, name, model in cells), protocol, features)


def best_scores(rows: pd.DataFrame, column: str) -> dict[Any, float]:
    """The best UF1 of each selection and experiment (or part); not a number where only one score is there.

    Parameters
    ----------
    rows
        Rows of a table.
    column
        The column that names experiments or parts.
    """
    scores = rows.groupby(["selection", column])["uf1"]
    return scores.max().where(scores.count() > 1).to_dict()


def published_section(printed: Footnotes) -> list[str]:
    """The footnotes as lines of a Markdown page; none where nobody contradicts a published number."""
    if not printed.notes:
        return []
    return ["", "## Where the published numbers contradict", "", *(f"- {note}" for note in printed.notes)]


def beaten_note(comparisons: pd.DataFrame, protocol: str) -> str:
    """How many of a table's differences are more than chance makes."""
    clear = int((comparisons["p_corrected"] < LEVEL).sum())
    return (
        f"{clear} of {len(comparisons)} differences from the best of a column are more than chance makes (5 %, "
        f"corrected for all pairs by Shaffer's procedure): `{protocol}_comparisons.csv` has them all. The "
        "rest are no ranking."
    )


def _grid(rows: pd.DataFrame, type_: str, printed: Footnotes) -> list[str]:
    names = [experiment.name for experiment in cdmer_experiments() if experiment.type == type_]
    names = [name for name in [*names, "average"] if name in set(rows["experiment"])]
    best = best_scores(rows, "experiment")
    lines = [
        "| method | selection | " + " | ".join(name.replace("->", " → ") for name in names) + " |",
        "|---|---|" + "---|" * len(names),
    ]
    for model, group in rows.groupby("model", sort=False):
        for selection, chosen in group.groupby("selection", sort=False):
            cells = chosen.set_index("experiment")
            ours = [_cell(cells, name, best.get((selection, name))) for name in names]
            lines.append(f"| {model} | {selection} | " + " | ".join(ours) + " |")
        lines += published_row(cells, names, printed, str(model), "accuracy", type_, "CDMER")
    return lines


def published_row(
    cells: pd.DataFrame, names: Sequence[str], printed: Footnotes, model: str, second: str, type_: str, protocol: str
) -> list[str]:
    """The line of published numbers below a model's own; none where no paper prints any.

    Parameters
    ----------
    cells
        The model's rows of one selection, by experiment or part.
    names
        The columns of the table: experiments or parts.
    printed
        As `footnotes_of` gives them.
    model
        Its name.
    second
        The score beside UF1: ``accuracy`` or ``uar``.
    type_, protocol
        As for `Footnotes.scores`, and as for `footnotes_of`.
    """
    papers = sorted(set(cells["published_in"].dropna()) - {""})
    if not papers:
        return []
    theirs = [
        printed_cell(printed.scores(cells.loc[name].to_dict(), second, type_, name, model))
        if name in cells.index
        else "–"
        for name in names
    ]
    mark = printed.mark(protocol, "", model)
    return [f"| {model}, published{mark} | {', '.join(papers)} | " + " | ".join(theirs) + " |"]


def printed_cell(scores: Sequence[tuple[str, float | None, str]]) -> str:
    """Published scores with their marks, as `Footnotes.scores` gives them; UF1 alone where nothing is beside it."""
    if len(scores) == 1:
        ((metric, value, mark),) = scores
        return f"{metric} {value:.4f}{mark}"
    shown = [("–" if value is None else f"{value:.4f}") + mark for _, value, mark in scores]
    if scores and scores[-1][1] is None:
        shown = [shown[0] + scores[-1][2]]
    return " / ".join(shown) or "–"


def _cell(cells: pd.DataFrame, name: str, best: float | None) -> str:
    value, other, low, high = (
        cells[column].astype(float).get(name, float("nan")) for column in ("uf1", "accuracy", "uf1_low", "uf1_high")
    )
    if math.isnan(value):
        return "–"
    score = f"**{value:.4f}**" if value == best else f"{value:.4f}"
    text = score if math.isnan(other) else f"{score} / {other:.4f}"
    return f"{text} [{low:.2f}, {high:.2f}]" if name == "average" and not math.isnan(low) else text


def _price(table: pd.DataFrame) -> list[str]:
    """The price of honesty, a row a model; nothing where no model has an oracle beside another selection."""
    prices = price_of_honesty(table)
    if prices.empty:
        return []
    selections = [name for name in prices.columns if name not in ("price", "experiments")]
    lines = [
        "",
        "## The price of honesty",
        "",
        "Mean UF1 over the experiments, and the oracle's less the mean of the others: what is lost on average by "
        "whoever has no labels of the target, and hidden by a table that chose on them. Rows over other experiments "
        "are no match for one another.",
        "",
        "| method | experiments | " + " | ".join(selections) + " | price |",
        "|---|" + "---|" * (len(selections) + 2),
    ]
    for model, row in prices.iterrows():
        cells = ["–" if math.isnan(row[name]) else f"{row[name]:.4f}" for name in selections]
        lines.append(f"| {model} | {row['experiments']:.0f} | {' | '.join(cells)} | **{row['price']:.4f}** |")
    return lines


SELECTIONS = {
    "default": "`default` took the configured hyper-parameters, which no target label was looked at to find.",
    "source": "`source` chose them by the UF1 of source clips, held out a subject at a time (in five folds where a "
    "release has no subjects) while the real target was adapted to.",
    "unsupervised": "`unsupervised` chose them by how the target's clips fall into clusters, without labels.",
    "oracle": "`oracle` chose hyper-parameters on the target's labels, which nobody has in earnest, as the papers did "
    "for their published numbers; the column `point` of `cdmer_table.csv` says which it chose.",
}


def left_out_notes(left_out: Sequence[Mapping[str, str]], models: set[str]) -> list[str]:
    """One note a reason: experiments that no model of the table has for it, then the models that lack some or all.

    Parameters
    ----------
    left_out
        Mappings of experiment, model and reason.
    models
        The table's models.
    """
    reasons: dict[str, dict[str, set[str]]] = {}
    everywhere: dict[str, set[str]] = {}  # all that a model lacks, whatever the reason
    for entry in left_out:
        reasons.setdefault(entry["reason"], {}).setdefault(entry["experiment"], set()).add(entry["model"])
        everywhere.setdefault(entry["model"], set()).add(entry["experiment"])
    notes = []
    for reason, experiments in reasons.items():
        names = [name for name, these in experiments.items() if models <= these]
        lacking: dict[str, list[str]] = {}  # the experiments of each model that the names above do not cover
        for entry in left_out:
            if entry["reason"] == reason and entry["experiment"] not in names:
                lacking.setdefault(entry["model"], []).append(entry["experiment"])
        alike: dict[tuple[str, ...], list[str]] = {}
        for model, these in lacking.items():
            whole = model not in models and set(these) == everywhere[model]
            alike.setdefault(() if whole else tuple(these), []).append(model)
        parts = [", ".join(names)] if names else []
        parts += [
            ", ".join(found) + (f" in {', '.join(these)}" if these else "")
            for these, found in sorted(alike.items(), key=lambda item: -len(item[0]))
        ]
        notes.append(f"Left out: {'; '.join(parts)}: {reason}.")
    return notes


def _footnotes(table: pd.DataFrame, left_out: Sequence[Mapping[str, str]], exclusions: pd.DataFrame) -> list[str]:
    units = sorted(set(table["interval_over"])) if len(table) else []
    notes = [
        "Intervals and spreads are in `cdmer_table.csv`: 95 % percentile bootstrap over "
        + (" or ".join(units) or "subjects")
        + ("; a release without subjects leaves only clips to draw." if "clips" in units else ".")
    ]
    notes += [note for name, note in SELECTIONS.items() if (table["selection"] == name).any()]
    if len(exclusions):
        notes.append(f"{len(exclusions)} clips were excluded by earlier stages: `exclusions.csv` names them.")
    notes += left_out_notes(left_out, set(table["model"]))
    incomplete = {"TYPE-I", "TYPE-II"} - set(table.loc[table["experiment"] == "average", "type"])
    notes += [f"No average of {type_}: it needs all six experiments." for type_ in sorted(incomplete)]
    return [f"- {note}" for note in notes]
