"""The section on models: where each is right, for whom, on what part of its grid, and how it learned."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.evaluation.fold_markdown import heading_of
from cdmer.evaluation.metrics import confusion
from cdmer.progress import progress
from cdmer.protocols.cdmer import CLASSES
from cdmer.protocols.tasks import tasks
from cdmer.report.networks import network_pictures
from cdmer.report.pictures import FAINT, PALETTE, Picture, drawn, figure
from cdmer.report.regions import region_pictures
from cdmer.report.results import Results, title_of

PROTOCOLS = {
    "cdmer": "CDMER, target",
    "cde": "CDE,",
    "single": "single database,",
    "holdout": "held out,",
    "lodo": "left out,",
}
ABREAST = 6  # panels of a figure
# columns of grid.csv that are no hyper-parameter
MEASURES = {
    "residual", "converged", "source_converged", "source_uf1", "dev", "snd", "infomax", "uf1", "uar", "accuracy",
}  # fmt: skip
CURVES = {"uf1": "on the target's labels", "source_uf1": "on held-out source subjects"}


def models_section(results: Results) -> dict[str, Any]:
    """What the template of this section reads."""
    regions = region_pictures(results)
    shown = [
        {
            "name": model,
            "protocols": list(_protocols(results, model)),
            "feature": next(made.features[model] for made in results.protocols.values() if model in made.models),
            "grid": _grid(results, model),
            "regions": regions.get(model),
            "curves": _curves(results, model),
            "pictures": network_pictures(results, model),
        }
        for model in progress(_models(results), "models", unit="model")
    ]
    return {"models": shown, "subjects": list(_subjects(results)), "selection": results.honest}


def _models(results: Results) -> list[str]:
    return list(dict.fromkeys(model for made in results.protocols.values() for model in made.models))


def _protocols(results: Results, model: str) -> Iterator[dict[str, Any]]:
    """The confusion matrices of a model, protocol by protocol."""
    for protocol, made in results.protocols.items():
        matrices = []
        for key in made.models.get(model, ()):
            table = _chosen(results, protocol, key, model)
            classes = CLASSES if protocol == "cdmer" else tasks()[key].classes
            rounds = int(table["round"].nunique())
            for title, rows in _parts(protocol, key, made.experiments[key][0], table):
                counts = confusion(rows["label"], rows["predicted"], classes)
                matrices.append({"title": title, **_shaded(counts, classes, rounds)})
        if matrices:
            yield {"protocol": protocol, "matrices": matrices}


def _parts(protocol: str, key: str, name: str, table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """What has a confusion matrix of its own: an experiment, a task, or each database that a task leaves out."""
    if protocol == "cdmer":
        yield name, table
    elif tasks()[key].left_out == "subject":
        yield heading_of(protocol, key), table
    else:
        for database, rows in table.groupby("database", sort=False):
            yield heading_of(protocol, str(database)), rows


def _shaded(counts: NDArray[np.int64], classes: Sequence[str], rounds: int) -> dict[str, Any]:
    """A confusion matrix as the template reads it: counts, and by row the share that sets the colour."""
    rows = [
        {
            "truth": name,
            "cells": [{"count": int(count), "share": float(count / max(1, row.sum()))} for count in row],
        }
        for name, row in zip(classes, counts, strict=True)
    ]
    return {"classes": list(classes), "rows": rows, "rounds": rounds}


def _chosen(results: Results, protocol: str, key: str, model: str) -> pd.DataFrame:
    """The predictions of the selection that the report shows, or of the only one that there is."""
    table = results.predictions(protocol, key, model)
    names = list(table["selection"].unique())
    return table[table["selection"] == (results.honest if results.honest in names else names[0])]


def _subjects(results: Results) -> Iterator[dict[str, Any]]:
    """For each database the accuracy of every model on every person, over all experiments that predict them."""
    for protocol, made in results.protocols.items():
        parts: dict[str, list[pd.DataFrame]] = {}
        for model, keys in made.models.items():
            for key in keys:
                table = _chosen(results, protocol, key, model)
                where = table["database"] if "database" in table else made.experiments[key][-1]
                right = table["label"] == table["predicted"]
                told = pd.DataFrame(
                    {"database": where, "subject": table["subject"], "right": right.astype(float), "model": model}
                )
                for database, rows in told[told["subject"] != ""].groupby("database"):
                    parts.setdefault(str(database), []).append(rows)
        for database, found in parts.items():
            scores = pd.concat(found).pivot_table(index="model", columns="subject", values="right", sort=False)
            ordered = scores[scores.mean().sort_values().index]
            yield {
                "protocol": PROTOCOLS[protocol],
                "database": title_of(database),
                "picture": _people(ordered, database),
            }


def _people(scores: pd.DataFrame, database: str) -> Picture:
    people, models = scores.shape[1], len(scores)
    made, (axis,) = figure(max(3.6, min(10.0, 1.9 + 0.3 * people)), 1.1 + 0.2 * models)
    image = axis.imshow(scores.to_numpy(), cmap="cividis", vmin=0, vmax=1, aspect="auto")
    axis.set_xticks(range(people), list(scores.columns), rotation=90, fontsize=7)
    axis.set_yticks(range(models), list(scores.index), fontsize=7)
    if people * models > 1:
        made.colorbar(image, ax=axis, pad=0.01, ticks=[0, 0.5, 1]).ax.tick_params(labelsize=7)
    return drawn(made, f"accuracy of each model on each person of {title_of(database)}")


def _grid(results: Results, model: str) -> Picture | None:
    """UF1 over a model's grid, a panel an experiment; None for a model that searched none."""
    made = results.protocols.get("cdmer")
    if made is None or model in made.networks:
        return None
    tables = {
        made.experiments[key][0]: results.of_training("cdmer", key, model, "grid.csv")
        for key in made.models.get(model, ())
    }
    tables = {name: table for name, table in tables.items() if len(table) > 1 and CURVES.keys() & set(table)}
    if not tables:
        return None
    first = next(iter(tables.values()))
    searched = [str(name) for name in first if name not in MEASURES and first[name].nunique() > 1]
    measure = "uf1" if "uf1" in first else "source_uf1"
    rows = -(-len(tables) // ABREAST)
    columns = min(ABREAST, len(tables))
    drawing, axes = figure(1.75 * columns + 0.6, 1.75 * rows + 0.35, rows, columns)
    for axis in axes[len(tables) :]:
        axis.set_axis_off()
    for number, (axis, (name, table)) in enumerate(zip(axes, tables.items(), strict=False)):
        axis.set_title(name.replace("->", " → "))
        axis.tick_params(labelsize=6.5)
        if len(searched) == 1:
            _line(axis, table, searched[0])
        elif searched:
            image = _surface(axis, table, searched, measure)
            if (number + 1) % columns == 0 or number == len(tables) - 1:
                drawing.colorbar(image, ax=axis, shrink=0.9).ax.tick_params(labelsize=6)
        if number % columns:
            axis.set_ylabel("")
    if len(searched) == 1:  # once, above all panels: within one it would hide its curves
        lines, words = axes[0].get_legend_handles_labels()
        drawing.legend(lines, words, loc="outside upper left", ncols=len(words), fontsize=7, frameon=False)
    return drawn(drawing, f"{model}: UF1 over its grid of {' and '.join(searched) or 'one point'}")


def _line(axis: Any, table: pd.DataFrame, searched: str) -> None:
    """UF1 along one hyper-parameter, by every way of judging that there is."""
    ordered = table.sort_values(searched)
    for color, (name, words) in zip(PALETTE, CURVES.items(), strict=False):
        if name in ordered:
            axis.plot(ordered[searched], ordered[name], color=color, linewidth=1, label=words)
    axis.set_ylim(0, 1)
    axis.set_xlabel(searched, fontsize=7)
    axis.set_ylabel("UF1", fontsize=7)


def _surface(axis: Any, table: pd.DataFrame, searched: Sequence[str], measure: str) -> Any:
    """UF1 over the two hyper-parameters with most values, the best over the others; ranks, not values, on the axes."""
    by_size = sorted(searched, key=lambda name: -table[name].nunique())[:2]
    across, up = sorted(by_size, key=searched.index)
    surface = table.pivot_table(index=up, columns=across, values=measure, aggfunc="max")
    axis.set_facecolor("#e8ebee")  # points that were not searched
    image = axis.pcolormesh(
        np.arange(surface.shape[1] + 1), np.arange(surface.shape[0] + 1), np.ma.masked_invalid(surface.to_numpy()),
        cmap="viridis", vmin=0, vmax=1, rasterized=True,
    )  # fmt: skip
    for set_ticks, set_label, values, name in (
        (axis.set_xticks, axis.set_xlabel, surface.columns, across),
        (axis.set_yticks, axis.set_ylabel, surface.index, up),
    ):
        places = np.unique(np.linspace(0, len(values) - 1, min(4, len(values))).round().astype(int))
        set_ticks(places + 0.5, [f"{float(values[place]):.3g}" for place in places])
        set_label(name, fontsize=7)
    row, column = np.unravel_index(np.nanargmax(surface.to_numpy()), surface.shape)
    axis.plot(column + 0.5, row + 0.5, marker="x", color="#ff3b30", markersize=5)
    return image


def _curves(results: Results, model: str) -> Picture | None:
    """A network's loss and, where it was looked at, the target's UF1 over its epochs; None for other models."""
    made = results.protocols.get("cdmer")
    if made is None or model not in made.networks:
        return None
    keys = made.models[model]
    rows, columns = -(-len(keys) // ABREAST), min(ABREAST, len(keys))
    drawing, axes = figure(1.75 * columns + 0.6, 1.6 * rows + 0.45, rows, columns)
    for axis in axes[len(keys) :]:
        axis.set_axis_off()
    for number, (axis, key) in enumerate(zip(axes, keys, strict=False)):
        table = results.of_training("cdmer", key, model, "curves.csv")
        mean = table.groupby("epoch").mean(numeric_only=True).drop(columns=["round"])
        terms = [str(name) for name in mean if name != "target_uf1" and mean[name].notna().any()]
        for color, name in zip((*PALETTE[1:], *PALETTE[:1]), terms, strict=False):
            axis.plot(mean.index, mean[name], color=color, linewidth=1, label=name.replace("_", " "))
        axis.set_title(made.experiments[key][0].replace("->", " → "))
        axis.tick_params(labelsize=6.5)
        axis.set_ylim(bottom=0)
        if "target_uf1" in mean:
            other = axis.twinx()
            other.plot(mean.index, mean["target_uf1"], color=PALETTE[0], linewidth=1.2, label="target UF1 (right)")
            other.set_ylim(0, 1)
            other.tick_params(labelsize=6.5, colors=PALETTE[0])
            other.spines["right"].set(visible=True, color=FAINT)
            if number == 0:
                axis.plot([], [], color=PALETTE[0], label="target UF1 (right)")
        axis.set_xlabel("epoch", fontsize=7)
        if number == 0:
            axis.legend(fontsize=5.5, loc="best")
    return drawn(drawing, f"{model}: loss and target UF1 over the epochs, mean of the rounds")
