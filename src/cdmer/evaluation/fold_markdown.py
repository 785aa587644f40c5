"""The Markdown twins of the tables of folds: models by parts, UF1 and a second score, the published numbers below."""

from collections.abc import Mapping, Sequence

import pandas as pd

from cdmer.evaluation.comparisons import smallest_note
from cdmer.evaluation.contradictions import Footnotes
from cdmer.evaluation.intervals import FEW, few_note
from cdmer.evaluation.leaks import leak_notes
from cdmer.evaluation.markdown import (
    SELECTIONS,
    SYNTHETIC,
    SYNTHETIC_ALONE,
    beaten_note,
    best_scores,
    footnotes_of,
    left_out_notes,
    published_row,
    published_section,
)
from cdmer.evaluation.published import not_here_note
from cdmer.protocols.tasks import tasks

AVERAGE = "average"
POOLED = ("cde", "single")  # subjects are left out, and one score is taken of all predictions; else databases are
# the type of a protocol among the published numbers; of those that hold databases out no paper here prints any
PRINTED_AS = {"cde": "CDE", "single": "single", "holdout": "holdout", "lodo": "lodo"}
TITLES = {
    "cde": "Composite database evaluation",
    "single": "Single databases",
    "holdout": "Held-out database",
    "lodo": "Leave one database out",
}
WAYS = {
    "cde": "leave one subject out, pooled",
    "single": "leave one subject out, pooled",
    "holdout": "objective classes, trained on one database and tested on the other",
    "lodo": "three classes, trained on all databases but the one that is tested",
}
SECOND = {"cde": "uar", "single": "accuracy", "holdout": "uar", "lodo": "uar"}
HEADINGS = {
    "composite": "composite",
    "smic_hs": "SMIC-HS",
    "casme2": "CASME II",
    "samm": "SAMM",
    "smic_hs_3": "SMIC-HS, 3 classes",
    "casme2_3": "CASME II, 3 classes",
    "samm_3": "SAMM, 3 classes",
    "casme2_4": "CASME II, 4 classes",
    "samm_4": "SAMM, 4 classes",
    "casme2_5": "CASME II, 5 classes",
    "samm_5": "SAMM, 5 classes",
    "casme2_objective": "CASME II, objective classes",
    "samm_objective": "SAMM, objective classes",
    AVERAGE: "average",
}
BETWEEN = (
    "Each column is source → target. The source's clips train with their labels; the target's are tested, and methods "
    "that adapt see them before without labels."
)
NOT_PRINTED = "No paper that published numbers are taken from prints a score of this protocol."


def heading_of(protocol: str, part: str) -> str:
    """What a column is called: a database, a task, or source and target."""
    if part == AVERAGE or protocol not in ("holdout", "lodo"):
        return HEADINGS[part]
    task = next(task for task in tasks().values() if task.protocol == protocol)
    source = " + ".join(HEADINGS[name] for name in task.databases if name != part)
    return f"{source} → {HEADINGS[part]}"


def fold_markdown(
    table: pd.DataFrame,
    protocol: str,
    left_out: Sequence[Mapping[str, str]],
    exclusions: pd.DataFrame,
    absent: Sequence[str],
    compared: pd.DataFrame,
    leaks: pd.DataFrame,
) -> str:
    """A table of folds as Markdown.

    Parameters
    ----------
    table
        As `results/{protocol}_table.csv`.
    protocol
        ``cde``, ``single``, ``holdout`` or ``lodo``.
    left_out
        Tasks that could not be computed: ``experiment``, ``model``, ``reason``.
    exclusions
        The clips that earlier stages left out.
    absent
        Notes on classes without a clip.
    compared
        Every model against the best of its column, as `results/{protocol}_comparisons.csv`.
    leaks
        What `cdmer.evaluation.leak_jobs` found.
    """
    kind = PRINTED_AS[protocol]
    printed = footnotes_of(table, kind, kind, "part")
    notes = [*_notes(table, protocol), *absent]
    if not compared.empty:
        named = compared.assign(part=[heading_of(protocol, name) for name in compared["part"]])
        notes += [smallest_note(named, column="part"), beaten_note(compared, protocol)]
    if len(exclusions):
        notes.append(f"{len(exclusions)} clips were excluded by earlier stages: `exclusions.csv` names them.")
    notes += left_out_notes(left_out, set(table["model"]))
    notes += leak_notes(leaks)
    lines = [*_head(table, protocol), *_grid(table, protocol, printed), "", *(f"- {note}" for note in notes)]
    return "\n".join([*lines, *published_section(printed)]) + "\n"


def _head(table: pd.DataFrame, protocol: str) -> list[str]:
    """The title, what the cells hold, and what must be known before they are read."""
    shown = "UAR" if SECOND[protocol] == "uar" else SECOND[protocol]
    pooled = protocol in POOLED
    lines = [
        f"# {TITLES[protocol]}, {'leave one subject out' if pooled else WAYS[protocol]}",
        "",
        f"UF1 / {shown} of {'the pooled predictions' if pooled else 'each target'}, [95 % interval of UF1]; the best "
        "UF1 of each selection in bold.",
    ]
    if not pooled:
        lines += ["", BETWEEN]
    if table["data"].str.contains("synthetic").any():
        banner = SYNTHETIC if _published(table) else SYNTHETIC_ALONE
        lines += ["", banner.replace("cdmer_table", f"{protocol}_table")]
    return lines


def _grid(table: pd.DataFrame, protocol: str, printed: Footnotes) -> list[str]:
    """Models by parts; no line of an empty table."""
    names = list(dict.fromkeys(table["part"]))
    if not names:
        return []
    lines = ["", "| method | selection | " + " | ".join(heading_of(protocol, name) for name in names) + " |"]
    lines += ["|---|---|" + "---|" * len(names)]
    second, kind = SECOND[protocol], PRINTED_AS[protocol]
    best = best_scores(table, "part")
    for model, group in table.groupby("model", sort=False):
        for selection, chosen in group.groupby("selection", sort=False):
            cells = chosen.set_index("part")
            row = [_ours(cells, name, second, best.get((selection, name))) for name in names]
            lines.append(f"| {model} | {selection} | " + " | ".join(row) + " |")
        lines += published_row(cells, names, printed, str(model), second, kind, kind)
    return lines


def _notes(table: pd.DataFrame, protocol: str) -> list[str]:
    """How the scores came to be, and of how few people some are."""
    published = _published(table)
    few, not_here = few_note(_few(table, protocol)), not_here_note(PRINTED_AS[protocol])
    return [
        "Folds are pooled, then scored once (MEGC 2019); intervals are percentile bootstrap intervals over people."
        if protocol in POOLED
        else "The average is the mean of the targets; intervals are percentile bootstrap intervals over people.",
        *(selection_note(name, protocol, published) for name in SELECTIONS if (table["selection"] == name).any()),
        *([] if protocol in POOLED else [NOT_PRINTED]),
        *filter(None, (few, not_here)),
    ]


def _published(table: pd.DataFrame) -> bool:
    """Whether a published number stands anywhere in a table."""
    return bool((table["published_in"] != "").any())


def selection_note(name: str, protocol: str, published: bool) -> str:
    """How a selection chose; of a protocol without published numbers nothing is said of those."""
    note = SELECTIONS[name].replace("cdmer_table", f"{protocol}_table")
    return note if published else note.replace(", as the papers did for their published numbers", "")


def _few(table: pd.DataFrame, protocol: str) -> list[str]:
    """The columns whose intervals are of few people; an average's are those of its smallest part."""
    return [heading_of(protocol, name) for name in table.loc[table["n_subjects"] < FEW, "part"].unique()]


def _ours(cells: pd.DataFrame, name: str, second: str, best: float | None) -> str:
    if name not in cells.index:
        return "–"
    cell = cells.loc[name]
    score = f"**{cell['uf1']:.4f}**" if cell["uf1"] == best else f"{cell['uf1']:.4f}"
    return f"{score} / {cell[second]:.4f} [{cell['uf1_low']:.2f}, {cell['uf1_high']:.2f}]"
