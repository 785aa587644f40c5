"""The tables of leave-one-subject-out: `results/cde_table.csv`, `results/single_table.csv` and their Markdown twins."""

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pandas as pd

from cdmer.evaluation.intervals import bootstrap_scores, interval
from cdmer.evaluation.markdown import SELECTIONS, SYNTHETIC, footnotes_of, left_out_notes, published_section
from cdmer.evaluation.metrics import absent_classes, accuracy, uar, uf1
from cdmer.evaluation.published import published_score
from cdmer.files import write_text
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
)
TEXTS = dict.fromkeys(("database", "clip", "subject", "label", "predicted", "point"), str)
SEED = 20190514  # of the bootstrap: any fixed number, so that a table can be compared byte for byte
PRINTED_AS = {"cde": "CDE", "single": "single"}  # the type of a protocol among the published numbers
TITLES = {"cde": "Composite database evaluation", "single": "Single databases"}
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
}


class LosoPart(TypedDict):
    """One task × model of a table."""

    task: str
    model: str
    data: str  # where the clips come from: real, synthetic, or both


def tabulate_loso(
    predictions: Sequence[str | Path],
    exclusions: str | Path,
    csv: str | Path,
    md: str | Path,
    protocol: str,
    parts: Sequence[LosoPart],
    left_out: Sequence[Mapping[str, str]],
) -> None:
    """Score the pooled predictions of all folds and write a table.

    In the composite each database's part of the same predictions is a row too, as MEGC 2019 reports them.

    Parameters
    ----------
    predictions
        Files of the models stage, in the order of the rows.
    exclusions
        CSV of the clips that earlier stages left out, counted under the table.
    csv, md
        What to write: one row a model × part × selection, and the papers' shape.
    protocol
        ``cde`` or ``single``.
    parts
        Whose predictions they are, one by one.
    left_out
        Tasks that could not be computed: ``experiment`` (the task), ``model``, ``reason``.
    """
    rows = [row for file, part in zip(predictions, parts, strict=True) for row in _rows(file, part)]
    table = pd.DataFrame(rows, columns=[*COLUMNS, "absent"])
    absent = table[table["absent"] != ""].drop_duplicates(["part", "absent"])
    notes = [
        f"{HEADINGS[part]}: no clip of {words}: 0 in UF1, left out of UAR."
        for part, words in absent[["part", "absent"]].itertuples(index=False, name=None)
    ]
    table = table[list(COLUMNS)]
    write_text(csv, table.to_csv(index=False, lineterminator="\n", float_format="%.6f"))
    write_text(md, _markdown(table, protocol, left_out, pd.read_csv(exclusions), notes))


def _rows(file: str | Path, part: LosoPart) -> Iterable[dict[str, Any]]:
    """The rows of a file of predictions: each selection, whole and by database."""
    task = task_named(part["task"])
    # a subject may be called NA: only an empty cell is missing
    table = pd.read_csv(file, dtype=TEXTS, keep_default_na=False, na_values=[""])
    for selection, chosen in table.groupby("selection", sort=False):
        yield _row(task, task.name, chosen, part, str(selection))
        if len(task.databases) > 1:
            for database in task.databases:
                yield _row(task, database, chosen[chosen["database"] == database], part, str(selection))


def _row(task: Task, name: str, chosen: pd.DataFrame, part: LosoPart, selection: str) -> dict[str, Any]:
    rounds = [group for _, group in chosen.groupby("round")]
    pairs = [(group["label"].to_numpy(), group["predicted"].to_numpy()) for group in rounds]
    people = [(group["database"] + "/" + group["subject"]).tolist() for group in rounds]
    seed = SEED + zlib.crc32("\n".join(sorted(set(people[0]))).encode())
    # the same people are drawn in every round: the interval is about people, the spread about rounds
    draws = [bootstrap_scores(*pair, who, task.classes, seed) for pair, who in zip(pairs, people, strict=True)]
    numbers: dict[str, Any] = {}
    for metric, values, drawn in (
        ("uf1", [uf1(*pair, task.classes) for pair in pairs], [draw.uf1 for draw in draws]),
        ("uar", [uar(*pair, task.classes) for pair in pairs], [draw.uar for draw in draws]),
    ):
        low, high = interval(np.mean(drawn, axis=0))
        numbers |= {metric: np.mean(values), f"{metric}_std": _spread(values)}
        numbers |= {f"{metric}_low": low, f"{metric}_high": high}
    right = [accuracy(*pair) for pair in pairs]
    found = published_score(PRINTED_AS[task.protocol], name, part["model"])
    return {
        "protocol": task.protocol,
        "task": task.name,
        "part": name,
        "model": part["model"],
        "selection": selection,
        "rounds": len(rounds),
        **numbers,
        "accuracy": np.mean(right),
        "accuracy_std": _spread(right),
        "n_clips": len(rounds[0]),
        "n_subjects": len(set(people[0])),
        "published_uf1": found.uf1 if found else None,
        "published_uar": found.uar if found else None,
        "published_accuracy": found.accuracy if found else None,
        "published_in": found.paper if found else "",
        "data": part["data"],
        "absent": " or ".join(absent_classes(pairs[0][0], task.classes)),
    }


def _spread(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def _markdown(
    table: pd.DataFrame,
    protocol: str,
    left_out: Sequence[Mapping[str, str]],
    exclusions: pd.DataFrame,
    absent: Sequence[str],
) -> str:
    second = "uar" if protocol == "cde" else "accuracy"
    shown = "UAR" if protocol == "cde" else "accuracy"
    lines = [
        f"# {TITLES[protocol]}, leave one subject out",
        "",
        f"UF1 / {shown} of the pooled predictions, [95 % interval of UF1]; the best UF1 of each selection in bold.",
    ]
    if table["data"].str.contains("synthetic").any():
        lines += ["", SYNTHETIC.replace("cdmer_table", f"{protocol}_table")]
    names = list(dict.fromkeys(table["part"]))
    if names:
        lines += ["", "| method | selection | " + " | ".join(HEADINGS[name] for name in names) + " |"]
        lines += ["|---|---|" + "---|" * len(names)]
    best = table.groupby(["selection", "part"])["uf1"].max()
    kind = PRINTED_AS[protocol]
    printed = footnotes_of(table, kind, kind, "part")
    for model, group in table.groupby("model", sort=False):
        for selection, chosen in group.groupby("selection", sort=False):
            cells = chosen.set_index("part")
            row = [_ours(cells, name, second, best.get((selection, name))) for name in names]
            lines.append(f"| {model} | {selection} | " + " | ".join(row) + " |")
        papers = sorted(set(cells["published_in"]) - {""})
        if papers:
            row = [_theirs(cells, name, second) + printed.mark(kind, name, str(model)) for name in names]
            mark = printed.mark(kind, "", str(model))
            lines.append(f"| {model}, published{mark} | {', '.join(papers)} | " + " | ".join(row) + " |")
    notes = [
        "Folds are pooled, then scored once (MEGC 2019); intervals are percentile bootstrap intervals over people.",
        *(note for name, note in SELECTIONS.items() if (table["selection"] == name).any()),
        *absent,
    ]
    if len(exclusions):
        notes.append(f"{len(exclusions)} clips were excluded by earlier stages: `exclusions.csv` names them.")
    notes += left_out_notes(left_out, set(table["model"]))
    return "\n".join([*lines, "", *(f"- {note}" for note in notes), *published_section(printed)]) + "\n"


def _ours(cells: pd.DataFrame, name: str, second: str, best: float | None) -> str:
    if name not in cells.index:
        return "–"
    cell = cells.loc[name]
    score = f"**{cell['uf1']:.4f}**" if cell["uf1"] == best else f"{cell['uf1']:.4f}"
    return f"{score} / {cell[second]:.4f} [{cell['uf1_low']:.2f}, {cell['uf1_high']:.2f}]"


def _theirs(cells: pd.DataFrame, name: str, second: str) -> str:
    values = [cells[f"published_{metric}"].astype(float).get(name, math.nan) for metric in ("uf1", second)]
    if all(math.isnan(value) for value in values):
        return "–"
    return " / ".join("–" if math.isnan(value) else f"{value:.4f}" for value in values)
