"""What choosing hyper-parameters honestly costs: every adaptation method, four ways of choosing, on released features.

    python benchmarks/selection.py run FOLDER results/selection --budget quick   # FOLDER holds the released files
    python benchmarks/selection.py run FOLDER results/selection --budget paper --models TCA GFK
    python benchmarks/selection.py report FOLDER results/selection               # docs/selection.md, its table, figure

`run` goes through model by experiment, cheapest first, and keeps what every part of a grid says of the target's clips
(and, for `source`, of held-out source clips), so that a run that is stopped goes on where it was. `report` takes for
each method the largest grid that is complete, and says which. docs/released-features.md says where the files come from.
"""

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cdmer.watch import ONE_THREAD

os.environ.update({name: os.environ.get(name, value) for name, value in ONE_THREAD.items()})

import numpy as np
import pandas as pd

from cdmer import adaptation
from cdmer.evaluation.honesty import draw_honesty, price_of_honesty
from cdmer.evaluation.metrics import accuracy, uf1
from cdmer.evaluation.published import published_score
from cdmer.files import write_text
from cdmer.protocols.cdmer import CLASSES, Experiment, cdmer_experiments
from cdmer.protocols.predictions import point_text
from cdmer.protocols.selection import best_point, hold_out, mutual_information, source_score
from cdmer.store.released import read_released

FILES = {"casme2": "CASME2", "smic_vis": "SMIC_VIS", "smic_nir": "SMIC_NIR"}
MODELS = (  # cheapest first
    *("SVM", "IWSVM", "TCA", "GFK", "SA", "TKL", "DRLS", "STM", "RSTR"),
    *("TSRG@converged", "DRFST@converged", "TGSR@released", "TGSR", "TSRG", "DRFST"),
)
SELECTIONS = ("default", "source", "unsupervised", "oracle")
BUDGETS = ("quick", "paper")
DOCS = Path(__file__).parents[1] / "docs"
CLIPS = {"casme2": 130, "smic_vis": 71, "smic_nir": 71}
WEIGHTS_A_PART = 16  # of TGSR's


@dataclass(frozen=True)
class Cell:
    """One model on one experiment, on one grid."""

    model: str
    experiment: Experiment
    budget: str

    @property
    def estimator(self):
        name, _, variant = self.model.partition("@")
        return getattr(adaptation, name)(**({"solver": variant} if variant == "converged" else {}))

    def folder(self, out: Path) -> Path:
        return out / self.budget / self.experiment.key / self.model


def six() -> list[Experiment]:
    """The experiments that the released features carry."""
    return [e for e in cdmer_experiments() if {e.source, e.target} <= set(FILES)]


def load(released: Path, database: str, model: str):
    order = "released" if model.endswith("@released") else "blocks"
    features = read_released(released / f"CrossCorpus_LBPTOP_R3P8_{FILES[database]}_112by112.mat", order)
    return features.X, features.label.astype(str)


def parts(points: list[dict]) -> list[list[int]]:
    """Places in the grid that are computed, and kept, together."""
    if not points or not ({"lam", "xi"} & set(points[0])):
        return [list(range(len(points)))]
    name = "lam" if "lam" in points[0] else "xi"
    values = sorted({point[name] for point in points})
    size = WEIGHTS_A_PART if name == "xi" else 1 if len(points) > len(values) else len(values)
    groups = [set(values[i : i + size]) for i in range(0, len(values), size)]
    return [[row for row, point in enumerate(points) if point[name] in group] for group in groups]


# -- run


def run_cell(cell: Cell, released: Path, out: Path, selections: set[str]) -> None:
    (Xs, ys), (Xt, _) = (load(released, name, cell.model) for name in (cell.experiment.source, cell.experiment.target))
    model = cell.estimator
    points = model.points(len(Xs), len(Xt), cell.budget)
    keep(cell.folder(out) / "default.npz", lambda: as_arrays(model.answer_grid(Xs, ys, Xt, [{}])))
    for number, rows in enumerate(parts(points) if points else []):
        chosen = [points[row] for row in rows]
        if {"unsupervised", "oracle"} & selections:
            keep(
                cell.folder(out) / f"grid_{number:03d}.npz",
                lambda chosen=chosen: as_arrays(model.answer_grid(Xs, ys, Xt, chosen)),
            )
        if "source" in selections:
            keep(
                cell.folder(out) / f"source_{number:03d}.npz", lambda chosen=chosen: held_out(model, Xs, ys, Xt, chosen)
            )


def as_arrays(answers) -> dict:
    return {
        "predicted": answers.predicted,
        "infomax": mutual_information(answers.scores),
        "residuals": answers.residuals,
        "converged": answers.converged,
    }


def held_out(model, Xs, ys, Xt, points) -> dict:
    found = hold_out(model, Xs, ys, [None] * len(ys), Xt, points)  # the release names no subjects
    return {"source_uf1": source_score(found, ys), "converged": found.converged}


def keep(path: Path, make) -> None:
    """Compute and write, unless it is there; the file appears whole."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    start = time.process_time()
    arrays = make()
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(partial, seconds=time.process_time() - start, **arrays)
    partial.replace(path)
    print(f"{path}: {time.process_time() - start:.1f} s", flush=True)


# -- report


def read(cell: Cell, kind: str, n_parts: int, out: Path) -> dict | None:
    """What is known of a cell's whole grid, in the grid's order; None where a part is missing."""
    paths = [cell.folder(out) / f"{kind}_{number:03d}.npz" for number in range(n_parts)]
    if not all(path.exists() for path in paths):
        return None
    loaded = [dict(np.load(path)) for path in paths]
    return {name: [part[name] for part in loaded] for name in loaded[0]}


def rows_of(cell: Cell, released: Path, out: Path) -> Iterator[dict]:
    """One row a selection that is complete."""
    (Xs, _), (Xt, yt) = (load(released, name, cell.model) for name in (cell.experiment.source, cell.experiment.target))
    model = cell.estimator
    points = model.points(len(Xs), len(Xt), cell.budget)
    places = parts(points) if points else []
    order = np.argsort(np.concatenate(places)) if places else np.array([], int)
    common = {"experiment": cell.experiment.name, "model": cell.model, "points": len(points)}
    default = cell.folder(out) / "default.npz"
    if default.exists():
        kept = dict(np.load(default))
        yield {**common, "grid": "", "selection": "default", **scored(yt, kept["predicted"][0]), "point": "",
               "seconds": float(kept["seconds"]), "not_converged": int(not kept["converged"][0])}  # fmt: skip
    grid = read(cell, "grid", len(places), out) if places else None
    if grid is None:
        return
    joined = {name: np.concatenate(grid[name])[order] for name in ("predicted", "infomax", "converged")}
    usable = joined["converged"]
    values = {
        "unsupervised": joined["infomax"],
        "oracle": np.array([uf1(yt, row, CLASSES) for row in joined["predicted"]]),
    }
    seconds = {name: float(sum(grid["seconds"])) for name in values}
    allowed = dict.fromkeys(values, usable)
    source = read(cell, "source", len(places), out)
    if source is not None:
        values["source"] = np.concatenate(source["source_uf1"])[order]
        allowed["source"] = usable & np.concatenate(source["converged"])[order]
        seconds["source"] = float(sum(source["seconds"]))
    for name, value in values.items():
        best = best_point(value, allowed[name])
        if best is not None:
            yield {**common, "grid": cell.budget, "selection": name, **scored(yt, joined["predicted"][best]),
                   "point": point_text(points[best]), "seconds": seconds[name],
                   "not_converged": int((~usable).sum())}  # fmt: skip


def scored(truth, predicted) -> dict:
    return {"uf1": uf1(truth, predicted, CLASSES), "accuracy": accuracy(truth, predicted)}


def table(released: Path, out: Path) -> pd.DataFrame:
    """One row a model, experiment, selection and grid that is complete; `default` once, without a grid."""
    rows, seen = [], set()
    for model in MODELS:
        for experiment in six():
            published = published_score(experiment.type, experiment.name, model.removesuffix("@converged"))
            for budget in BUDGETS:
                for row in rows_of(Cell(model, experiment, budget), released, out):
                    key = model, experiment.name, row["selection"], row["grid"]
                    if key not in seen:
                        seen.add(key)
                        row["type"] = experiment.type
                        row["published_uf1"] = published.uf1 if published else None
                        row["published_accuracy"] = published.accuracy if published else None
                        rows.append(row)
    place = {name: number for number, name in enumerate(SELECTIONS)}
    ordered = sorted(rows, key=lambda row: (MODELS.index(row["model"]), place[row["selection"]]))
    return pd.DataFrame([{**row, "model": told(row["model"])} for row in ordered])


def told(model: str) -> str:
    """A model as pages tell it: a solver is a setting, no part of the name that `models` takes."""
    name, _, variant = model.partition("@")
    return f"{name}, solver: {variant}" if variant == "converged" else model


def alike(found: pd.DataFrame) -> pd.DataFrame:
    """For each model the rows of one grid, the largest on which all selections and experiments are complete."""
    chosen = []
    for _, group in found.groupby("model", sort=False):
        complete = [
            budget for budget in BUDGETS if len(group[(group["grid"] == budget)]) == len(six()) * (len(SELECTIONS) - 1)
        ]
        grid = complete[-1] if complete else "none"
        chosen.append(group[(group["selection"] == "default") | (group["grid"] == grid)].assign(searched=grid))
    return pd.concat(chosen, ignore_index=True)


def markdown(found: pd.DataFrame) -> str:
    """The page docs/selection.md."""
    rows = alike(found)
    prices = price_of_honesty(rows)
    grids = rows.drop_duplicates("model").set_index("model")["searched"]
    points = rows[rows["selection"] == "oracle"].groupby("model")["points"].max()
    lines = [
        HEAD,
        "| method | searched | default | source | unsupervised | oracle | price of honesty |",
        "|---|---|---|---|---|---|---|",
    ]
    for model, row in prices.iterrows():
        cells = " | ".join(f"{row[name]:.4f}" for name in SELECTIONS)
        lines.append(f"| {model} | {grids[model]}, {points[model]:.0f} points | {cells} | **{row['price']:.4f}** |")
    lines += ["", BETWEEN]
    lines += ["| method | selection | " + " | ".join(e.name.replace("->", " → ") for e in six()) + " |"]
    lines += ["|---|---|" + "---|" * len(six())]
    for model, group in rows.groupby("model", sort=False):
        for selection, chosen in group.groupby("selection", sort=False):
            lines.append(f"| {model} | {selection} | {cells_of(chosen, 'uf1', 'accuracy')} |")
        best = found[(found["model"] == model) & (found["selection"] == "oracle") & (found["grid"] == "paper")]
        if grids[model] != "paper" and len(best):
            lines.append(f"| {model} | oracle, whole grid | {cells_of(best, 'uf1', 'accuracy')} |")
        if group["published_uf1"].notna().any():
            theirs = group.drop_duplicates("experiment")
            lines.append(f"| {model} | published | {cells_of(theirs, 'published_uf1', 'published_accuracy')} |")
    return "\n".join(lines).replace("solver: converged |", "`solver: converged` |") + "\n"


def cells_of(rows: pd.DataFrame, first: str, second: str) -> str:
    """UF1 / accuracy of the six experiments; bold where both equal what is published, to four digits."""
    by_name = rows.set_index("experiment")
    cells = []
    for experiment in six():
        if experiment.name not in by_name.index or pd.isna(by_name.at[experiment.name, first]):
            cells.append("")
            continue
        row = by_name.loc[experiment.name]
        text = f"{row[first]:.4f} / {row[second]:.4f}"
        cells.append(f"**{text}**" if first == "uf1" and comes_back(row, CLIPS[experiment.target]) else text)
    return " | ".join(cells)


def comes_back(row: pd.Series, clips: int) -> bool:
    """Whether a row is what is published: the last digit of UF1, and the same number of clips right."""
    uf1_off, right_off = (abs(row[name] - row[f"published_{name}"]) for name in ("uf1", "accuracy"))
    return bool(uf1_off < 1.5e-4 and right_off < 0.5 / clips)


HEAD = """# The price of honesty

`python benchmarks/selection.py` makes this page, the figure, and [selection.csv](selection.csv), from the released
features (docs/released-features.md): six experiments, every adaptation method, four ways of choosing its
hyper-parameters. docs/adaptation.md says what each way is; the release names no subjects, so `source` holds out five
folds with equal shares of the classes, and `unsupervised` goes by `infomax`.

![Mean UF1 of each method as each selection chose](images/selection.png)

Mean UF1 of the six experiments. The price of honesty is the oracle's less the mean of the other three: what a table
that chose by the target's labels, as all published ones did, hides from whoever has none. Where the grid is `quick` and
not the `paper`'s, the oracle has less to choose from, and the price is too low. TGSR's quick grid holds the twelve
points that its paper prints as best, which were found by target labels: its honest selections choose among these too.
`solver: converged` is the objective's minimum, which a configuration asks for with
`model_settings: {TSRG: {solver: converged}, DRFST: {solver: converged}}`; `TGSR@released` has the released order of
columns; SVM and IW-SVM choose nothing.
"""

BETWEEN = """UF1 / accuracy; bold where UF1 is the published one to its last digit and as many clips are right
(four printed accuracies are no multiples of a clip, and TKL's UF1 of N → V is printed as 0.7580 and as 0.7579).
`oracle, whole grid` is the paper's grid where the other selections were made on the quick one.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="compute what is missing")
    run.add_argument("--budget", choices=BUDGETS, default="paper")
    run.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    run.add_argument("--selections", nargs="+", choices=SELECTIONS, default=SELECTIONS)
    run.add_argument("--experiments", nargs="+", choices=[e.name for e in six()], default=[e.name for e in six()])
    report = commands.add_parser("report", help="write the table")
    for command in (run, report):
        command.add_argument("released", type=Path, help="the folder of the released files")
        command.add_argument("out", type=Path, help="the folder of what is kept")
    arguments = parser.parse_args()
    if arguments.command == "run":
        for model in arguments.models:
            for experiment in six():
                if experiment.name in arguments.experiments:
                    run_cell(
                        Cell(model, experiment, arguments.budget),
                        arguments.released,
                        arguments.out,
                        set(arguments.selections),
                    )
    else:
        found = table(arguments.released, arguments.out)
        write_text(DOCS / "selection.csv", found.to_csv(index=False, lineterminator="\n", float_format="%.6f"))
        write_text(DOCS / "selection.md", markdown(found))
        rows = arguments.out / "alike.csv"
        alike(found).to_csv(rows, index=False)
        draw_honesty(rows, DOCS / "images" / "selection.png")


if __name__ == "__main__":
    main()
