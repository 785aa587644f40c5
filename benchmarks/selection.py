"""What choosing hyper-parameters honestly costs: every adaptation method, four ways of choosing, on released features.

    python benchmarks/selection.py run FOLDER results/selection --budget paper   # FOLDER holds the released files
    python benchmarks/selection.py run FOLDER results/selection --budget quick --models TSRG DRFST
    python benchmarks/selection.py report results/selection                      # table, figure, docs/selection.md

`run` goes through model by experiment, cheapest first, and keeps what every part of a grid says of the target's clips
(and, for `source`, of held-out source clips), so that a run that is stopped goes on where it was. `report` takes for
each cell the largest grid that is complete, and says which. docs/released-features.md says where the files come from.
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
from cdmer.evaluation.metrics import accuracy, uf1
from cdmer.evaluation.published import published_score
from cdmer.protocols.cdmer import CLASSES, Experiment, cdmer_experiments
from cdmer.protocols.selection import best_point, hold_out, mutual_information, source_score
from cdmer.store.released import read_released

FILES = {"casme2": "CASME2", "smic_vis": "SMIC_VIS", "smic_nir": "SMIC_NIR"}
MODELS = (  # cheapest first
    *("SVM", "IWSVM", "TCA", "GFK", "SA", "TKL", "DRLS", "STM", "RSTR"),
    *("TSRG@converged", "DRFST@converged", "TGSR@released", "TGSR", "TSRG", "DRFST"),
)
SELECTIONS = ("default", "source", "unsupervised", "oracle")
BUDGETS = ("quick", "paper")
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
            point = " ".join(f"{key}={value:g}" for key, value in points[best].items())
            yield {**common, "grid": cell.budget, "selection": name, **scored(yt, joined["predicted"][best]),
                   "point": point, "seconds": seconds[name], "not_converged": int((~usable).sum())}  # fmt: skip


def scored(truth, predicted) -> dict:
    return {"uf1": uf1(truth, predicted, CLASSES), "accuracy": accuracy(truth, predicted)}


def table(released: Path, out: Path) -> pd.DataFrame:
    """One row a model, experiment and selection: from the whole grid where it is complete, else from the quick one."""
    found: dict[tuple, dict] = {}
    for budget in BUDGETS:  # the paper's comes last and takes the place of the quick one
        for model in MODELS:
            for experiment in six():
                for row in rows_of(Cell(model, experiment, budget), released, out):
                    published = published_score(experiment.type, experiment.name, model)
                    row["published_uf1"] = published.uf1 if published else None
                    row["published_accuracy"] = published.accuracy if published else None
                    found[model, experiment.name, row["selection"]] = row
    rank = {name: place for place, name in enumerate(SELECTIONS)}
    rows = sorted(found.values(), key=lambda row: (MODELS.index(row["model"]), rank[row["selection"]]))
    return pd.DataFrame(rows)


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
        found.to_csv(arguments.out / "selection.csv", index=False, lineterminator="\n", float_format="%.6f")
        print(found.groupby(["model", "selection"], sort=False)["uf1"].agg(["mean", "count"]).to_string())


if __name__ == "__main__":
    main()
