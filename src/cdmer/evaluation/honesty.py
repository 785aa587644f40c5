"""What it costs to choose hyper-parameters without the target's labels: the oracle's lead, in the table and drawn."""

from pathlib import Path
from typing import Any

import pandas as pd

from cdmer.files import whole_file

HONEST = ("default", "source", "unsupervised")
COLORS = {"default": "#7f7f7f", "source": "#1f77b4", "unsupervised": "#2ca02c", "oracle": "#d62728"}
MARKERS = {"default": "s", "source": "o", "unsupervised": "^", "oracle": "D"}


def oracle_leads(table: pd.DataFrame) -> "pd.Series[float]":
    """How far the oracle's UF1 is above that of each row, which is of the same type, experiment and model.

    Parameters
    ----------
    table
        Rows with ``type``, ``experiment``, ``model``, ``selection`` and ``uf1``.

    Returns
    -------
    Series
        One number a row; missing for the oracle itself, and where there is none.
    """
    cell = ["type", "experiment", "model"]
    oracle = table.loc[table["selection"] == "oracle", [*cell, "uf1"]].rename(columns={"uf1": "best"})
    best = table[cell].merge(oracle, how="left", on=cell)["best"].to_numpy()
    leads: pd.Series[float] = (best - table["uf1"]).astype(float)
    return leads.where(table["selection"] != "oracle")


def price_of_honesty(table: pd.DataFrame) -> pd.DataFrame:
    """For each model with an oracle: mean UF1 by selection, and the price of honesty.

    Means are over the experiments that all of the model's selections have, averages aside. The price is the oracle's
    mean less the mean of the honest selections: what is lost on average by whoever has no target labels and follows one
    of them. Picking the best of the three here would itself need the labels.

    Returns
    -------
    DataFrame
        By model, in the table's order: a column a selection, ``price``, and ``experiments``, their number.
    """
    rows = table[table["experiment"] != "average"]
    found: dict[str, dict[str, Any]] = {}
    for model, group in rows.groupby("model", sort=False):
        scores = group.pivot(index="experiment", columns="selection", values="uf1").dropna()
        honest = [name for name in HONEST if name in scores]
        if "oracle" not in scores or not honest or scores.empty:
            continue
        means = scores.mean()
        found[str(model)] = {
            **{name: means[name] for name in (*honest, "oracle")},
            "price": means["oracle"] - means[honest].mean(),
            "experiments": len(scores),
        }
    columns = [name for name in (*HONEST, "oracle") if any(name in row for row in found.values())]
    return pd.DataFrame.from_dict(found, orient="index", columns=[*columns, "price", "experiments"])


def draw_honesty(table: str | Path, output: str | Path) -> None:
    """Draw a table's price of honesty (PNG): for each model, mean UF1 as each selection chose, the price beside it.

    Parameters
    ----------
    table
        `results/cdmer_table.csv`, or another with the columns that `oracle_leads` needs.
    output
        The picture.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = pd.read_csv(table, keep_default_na=False, na_values=[""])
    prices = price_of_honesty(rows)
    prices = prices if prices.empty else prices.sort_values("oracle")
    figure = Figure(figsize=(7.5, 1.6 + 0.34 * max(1, len(prices))), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_xlabel("mean UF1 over the experiments")
    if prices.empty:
        axes.text(0.5, 0.5, "no model has an oracle and another selection", ha="center", transform=axes.transAxes)
        axes.set_yticks([])
    selections = [name for name in (*HONEST, "oracle") if name in prices]
    honest = [name for name in selections if name != "oracle"]
    for place, (_, row) in enumerate(prices.iterrows()):
        axes.plot([row[honest].mean(), row["oracle"]], [place, place], color="#d0d0d0", linewidth=5, zorder=1)
        axes.annotate(
            f"−{row['price']:.3f}", (row["oracle"], place), (9, 0), textcoords="offset points", va="center", fontsize=8
        )
    for name in selections:
        axes.scatter(
            prices[name], range(len(prices)), color=COLORS[name], marker=MARKERS[name], s=30, label=name, zorder=2
        )
    if not prices.empty:
        axes.set_yticks(range(len(prices)), list(prices.index), fontsize=9)
        axes.margins(x=0.1)
        axes.grid(axis="x", color="#eeeeee")
        figure.legend(loc="outside upper center", ncols=len(selections), frameon=False, fontsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    with whole_file(output) as partial:
        figure.savefig(partial, format="png", metadata={"Software": None})
