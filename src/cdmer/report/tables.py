"""The sections with scores: the summary, and every table with its published numbers and what chance has to say."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from cdmer.evaluation.comparisons import LEVEL, smallest_note
from cdmer.evaluation.contradictions import Footnotes
from cdmer.evaluation.disjoint_table import ABOUT, PRICE_ABOUT, PRICE_TITLE, TITLE, disjoint_notes
from cdmer.evaluation.fold_markdown import AVERAGE, BETWEEN, NOT_PRINTED, PRINTED_AS, SECOND, TITLES, WAYS, heading_of
from cdmer.evaluation.honesty import price_of_honesty
from cdmer.evaluation.intervals import FEW
from cdmer.evaluation.leaks import leak_notes
from cdmer.evaluation.markdown import SELECTIONS, best_scores, casme2_notes, footnotes_of
from cdmer.evaluation.published import not_here_note
from cdmer.report.pictures import stored
from cdmer.report.results import Results

NAMES = {"cdmer": "CDMER", **TITLES}
SHORT = {"uf1": "UF1", "uar": "UAR", "accuracy": "accuracy"}
TYPES = {"TYPE-I": "between subsets of SMIC", "TYPE-II": "between SMIC and CASME II"}


def summary_section(results: Results) -> dict[str, Any]:
    """The headline: what each model comes to, honestly and as published."""
    headings: list[str] = []
    rows: dict[str, dict[str, Any]] = {}
    for protocol in results.protocols:
        table = results.table(f"{protocol}_table.csv")
        for heading, part in _headlines(protocol, table):
            headings.append(heading)
            for model, group in part.groupby("model", sort=False):
                rows.setdefault(str(model), {})[heading] = _headline(group, results.honest)
    for heading in headings:
        scores = [cells[heading]["honest"] for cells in rows.values() if heading in cells]
        compared = [score for score in scores if score is not None]
        best = max(compared) if len(compared) > 1 else None
        for cells in rows.values():
            if heading in cells:
                cells[heading]["best"] = best is not None and cells[heading]["honest"] == best
    leaks = [
        {"title": NAMES[protocol], "notes": [note for note in _leaks(results, protocol) if note.startswith("Leak")]}
        for protocol in results.protocols
    ]
    return {
        "headings": headings,
        "rows": rows,
        "selection": results.honest,
        "synthetic": [name for name, database in results.databases.items() if database.origin == "synthetic"],
        "all_synthetic": all(database.origin == "synthetic" for database in results.databases.values()),
        "leaks": [found for found in leaks if found["notes"]],
    }


def _headlines(protocol: str, table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    if protocol == "cdmer":
        averages = table[table["experiment"] == "average"]
        for type_ in TYPES:
            if (averages["type"] == type_).any():
                yield f"{type_}, average", averages[averages["type"] == type_]
        if averages.empty:  # no model has all six experiments of a type: each of what there is
            for name, part in table.groupby("experiment", sort=False):
                yield str(name).replace("->", " → "), part
    elif protocol == "cde":
        yield "CDE, composite", table[table["part"] == "composite"]
    elif protocol in ("holdout", "lodo"):
        yield f"{TITLES[protocol]}, average", table[table["part"] == AVERAGE]


def _headline(group: pd.DataFrame, honest: str) -> dict[str, Any]:
    by_selection = group.set_index("selection")
    name = honest if honest in by_selection.index else next(n for n in by_selection.index)
    row = by_selection.loc[name]
    oracle = by_selection["uf1"].get("oracle")
    return {
        "honest": _number(row["uf1"]),
        "low": _number(row["uf1_low"]),
        "high": _number(row["uf1_high"]),
        "oracle": _number(oracle),
        "published": _number(row["published_uf1"]),
        "paper": _text(row["published_in"]),
    }


def tables_section(results: Results) -> dict[str, Any]:
    """What the template of this section reads."""
    shown = []
    prices: list[dict[str, Any]] = []
    contradicted: list[dict[str, Any]] = []
    for protocol in results.protocols:
        table = results.table(f"{protocol}_table.csv")
        printed = _printed(protocol, table)
        if printed.notes:
            contradicted.append({"title": NAMES[protocol], "notes": printed.notes})
        if protocol == "cdmer":
            compared = results.table("cdmer_comparisons.csv")
            shown += list(_cdmer_tables(table, compared, printed, results.casme2_negative))
            found = price_of_honesty(table)
            columns = [name for name in found.columns if name not in ("price", "experiments")]
            prices = [
                {"model": model, "price": row["price"], "means": [(name, _number(row[name])) for name in columns]}
                for model, row in found.iterrows()
            ]
        else:
            compared = results.table(f"{protocol}_comparisons.csv")
            shown.append(_fold_table(protocol, table, compared, printed))
        shown[-1]["leaks"] = _leaks(results, protocol)
    used = {name for each in shown for name in each["selections"]}
    named = "cdmer_table" if "cdmer" in results.protocols else f"{next(iter(results.protocols))}_table"
    return {
        "tables": shown,
        "contradicted": contradicted,
        "prices": prices,
        "honesty": stored(results.file("cdmer_honesty.png"), "the price of honesty", 720) if results.honesty else None,
        "selections": {name: SELECTIONS[name].replace("cdmer_table", named) for name in SELECTIONS if name in used},
        "level": LEVEL,
        "few": FEW,
        "disjoint": _disjoint(results),
    }


def _disjoint(results: Results) -> dict[str, Any] | None:
    """TYPE-I with nobody on both sides, the plain score beside; None where it was not computed."""
    if not results.disjoint:
        return None
    table = results.table("cdmer_disjoint.csv")
    names = list(dict.fromkeys(table["experiment"]))
    rows = []
    for (model, selection), group in table.groupby(["model", "selection"], sort=False):
        cells = {row["experiment"]: row for row in group.to_dict("records")}
        shown = [
            {
                "uf1": float(cells[name]["uf1"]),
                "plain": float(cells[name]["plain_uf1"]),
                "change": float(cells[name]["difference"]),
                "beyond_chance": bool(cells[name]["p_corrected"] < LEVEL),
                "said": f"p = {cells[name]['p_corrected']:.3f} (Holm)",
            }
            if name in cells
            else None
            for name in names
        ]
        rows.append({"model": model, "selection": selection, "cells": shown})
    return {
        "title": TITLE,
        "about": ABOUT,
        "columns": [name.replace("->", " → ") for name in names],
        "rows": rows,
        "selections": list(dict.fromkeys(table["selection"])),
        "prices": _prices(table, names),
        "price_title": PRICE_TITLE,
        "price_about": PRICE_ABOUT.replace("in brackets", "below it, small,"),
        "notes": disjoint_notes(table),
        "leaks": _leaks(results, "cdmer_disjoint"),
    }


def _prices(table: pd.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    """The change taken apart, the price of the shared people and that of fewer clips; no row where it was not."""
    rows = []
    known = table[table["control_uf1"].notna()]
    for (model, selection), group in known.groupby(["model", "selection"], sort=False):
        cells = {row["experiment"]: row for row in group.to_dict("records")}
        shown = [
            {
                "people": float(cells[name]["people_difference"]),
                "beyond_chance": bool(cells[name]["people_p_corrected"] < LEVEL),
                "fewer": round(float(cells[name]["control_uf1"] - cells[name]["plain_uf1"]), 3) + 0.0,
                "spread": _number(cells[name]["control_std"]),
                "said": f"p = {cells[name]['people_p_corrected']:.3f} (Holm)",
            }
            if name in cells
            else None
            for name in names
        ]
        rows.append({"model": model, "selection": selection, "cells": shown})
    return rows


def _leaks(results: Results, name: str) -> list[str]:
    return leak_notes(results.table(f"{name}_leaks.csv"))


def _printed(protocol: str, table: pd.DataFrame) -> Footnotes:
    kind = "CDMER" if protocol == "cdmer" else PRINTED_AS[protocol]
    type_, column = ("type", "experiment") if protocol == "cdmer" else (kind, "part")
    return footnotes_of(table, kind, type_, column)


def _cdmer_tables(
    table: pd.DataFrame, compared: pd.DataFrame, printed: Footnotes, casme2_negative: str
) -> Iterator[dict[str, Any]]:
    clear = {
        (row["experiment"], row["selection"], row["type"], row["model"]): (row["best"], row["p_corrected"])
        for row in compared.to_dict("records")
        if row["p_corrected"] < LEVEL
    }
    for type_, words in TYPES.items():
        rows = table[table["type"] == type_]
        if rows.empty:
            continue
        names = list(dict.fromkeys(rows["experiment"]))
        names = [*(name for name in names if name != "average"), *(["average"] if "average" in names else [])]
        lost = {key[:2] + key[3:]: found for key, found in clear.items() if key[2] == type_}
        about = " ".join(casme2_notes(rows, casme2_negative))
        arrows = {name: name.replace("->", " → ") for name in names}
        made = _table(f"CDMER, {type_}", words, rows, "experiment", arrows, lost, printed, type_, "accuracy")
        yield {**made, "note": smallest_note(compared[compared["type"] == type_]), "about": about}


def _fold_table(protocol: str, table: pd.DataFrame, compared: pd.DataFrame, printed: Footnotes) -> dict[str, Any]:
    names = {name: heading_of(protocol, name) for name in dict.fromkeys(table["part"])}
    lost = {
        (row["part"], row["selection"], row["model"]): (row["best"], row["p_corrected"])
        for row in compared.to_dict("records")
        if row["p_corrected"] < LEVEL
    }
    named = compared.assign(part=[names[name] for name in compared["part"]])
    kind, second = PRINTED_AS[protocol], SECOND[protocol]
    made = _table(TITLES[protocol], WAYS[protocol], table, "part", names, lost, printed, kind, second)
    about = f"{BETWEEN} {NOT_PRINTED}" if protocol in ("holdout", "lodo") else not_here_note(kind)
    return {**made, "note": smallest_note(named, column="part"), "about": about}


def _table(
    title: str,
    words: str,
    rows: pd.DataFrame,
    column: str,
    names: Mapping[str, str],
    lost: Mapping[tuple[Any, ...], tuple[str, float]],
    printed: Footnotes,
    type_: str,
    second: str,
) -> dict[str, Any]:
    """A table as the template reads it: a row a model and selection, a cell an experiment or part.

    `second` is the score that stands beside UF1, ours and the papers'.
    """
    kind = "CDMER" if type_ in TYPES else type_
    best = best_scores(rows, column)
    lines = []
    for (model, selection), group in rows.groupby(["model", "selection"], sort=False):
        cells = {row[column]: row for row in group.to_dict("records")}
        shown = [
            {
                **_cell(cells[name], second, best[selection, name], lost.get((name, selection, model))),
                "printed": [
                    {"metric": SHORT[metric], "score": value, "mark": mark}
                    for metric, value, mark in printed.scores(cells[name], second, type_, name, str(model))
                ],
                "paper_mark": printed.mark(kind, "", str(model)),
            }
            if name in cells
            else None
            for name in names
        ]
        lines.append({"model": model, "selection": selection, "cells": shown})
    selections = list(dict.fromkeys(rows["selection"]))
    return {
        "title": title,
        "words": words,
        "second": SHORT[second],
        "columns": list(names.values()),
        "rows": lines,
        "selections": selections,
    }


def _cell(row: Mapping[Any, Any], second: str, best: float, lost: tuple[str, float] | None) -> dict[str, Any]:
    low, high, spread = (_number(row.get(name)) for name in ("uf1_low", "uf1_high", "uf1_std"))
    said = [f"95 % interval {low:.3f} to {high:.3f}"] if low is not None and high is not None else []
    said += [f"spread over {row['rounds']:.0f} rounds {spread:.3f}"] if spread is not None else []
    said += [f"below {lost[0]} by more than chance, p = {lost[1]:.3f} (Shaffer)"] if lost else []
    printed = {name: _number(row.get(f"published_{name}")) for name in SHORT}
    theirs = ", ".join(f"{SHORT[name]} {value:.4f}" for name, value in printed.items() if value is not None)
    said += [f"published {theirs} ({_text(row['published_in'])})"] if theirs else []
    return {
        "uf1": float(row["uf1"]),
        "second": float(row[second]),
        "low": low,
        "high": high,
        "paper": _text(row["published_in"]),
        "best": float(row["uf1"]) == best,
        "lost": lost is not None,
        "said": "; ".join(said),
    }


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)
