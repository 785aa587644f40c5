"""Whether the networks of a finished run learnt anything, what their adaptation brought, and what bf16 does to scores.

    make table                                                  # trains the networks
    python benchmarks/networks_cohort.py run results/ablation   # the same without their adaptation terms, on TYPE-II
    python benchmarks/networks_cohort.py run results/ablation --precision bf16    # the same in bf16
    snakemake --cores 2 results/features/{madtn_112,mersiamc3d_10x112}/smic_nir.h5
    python benchmarks/networks_cohort.py run results/ablation --beyond            # what `budget: quick` leaves out
    python benchmarks/networks_cohort.py report results/ablation

Give all in the folder that the run was made in. `run` keeps each training when it is done and goes on where it was;
`report` prints Markdown, of what there is.

Chance. The classes of each target database are dealt anew among its clips, alike in all experiments on that target,
and the mean UF1 of a network's answers, which stay as they are, is taken over its experiments: 2000 times. A network
whose own mean is above the 95th percentile of those has seen something of the classes. Two experiments of twenty clips,
all that `budget: quick` makes of MADTN and MERSiamC3D, leave much to chance: `--beyond` trains two more of each.

Adaptation. DSCNN is trained once more without its discrepancies and MADTN without its MMD, from the same seeds, which
begin with the same weights and meet the same clips in the same order; the difference is what the terms brought.
"""

import argparse
import json
import os
from pathlib import Path

from cdmer.watch import ONE_THREAD

os.environ.update(ONE_THREAD)  # before the libraries that read it are imported

import numpy as np
import pandas as pd
import yaml

from cdmer.config import read_config
from cdmer.errors import CdmerError
from cdmer.evaluation.metrics import uf1
from cdmer.planning.plan import Plan
from cdmer.planning.shared import databases_of
from cdmer.protocols.cdmer import CLASSES, cdmer_experiments
from cdmer.protocols.train_network import train_network

PERMUTATIONS, SEED = 2000, 2026
WITHOUT = {"DSCNN": {"discrepancy": [0.0, 0.0, 0.0]}, "MADTN": {"lam": 0.0}}  # options that leave the terms out
BF16 = ("DSCNN", "FR", "STSTNet", "OFF-ApexNet")  # networks of which all experiments are trained again in bf16
BEYOND = {"MADTN": ("V_to_N", "N_to_V"), "MERSiamC3D": ("V_to_N", "N_to_V")}  # experiments beside the budget's
FILES = ("predictions.csv", "metrics.json", "curves.csv", "weights.safetensors")


def planned(configfile: Path | None) -> Plan:
    """The plan of the run, from the configuration that it was made with."""
    given = yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8"))
    if configfile:
        given |= yaml.safe_load(configfile.read_text(encoding="utf-8")) or {}
    return Plan(read_config(given))


def answers(file: Path, selection: str) -> pd.DataFrame:
    """The answers of one selection, or of the only one that there is."""
    table = pd.read_csv(file, dtype={"subject": str, "clip": str})
    found = table[table["selection"] == selection]
    if not len(found):
        raise CdmerError(f"{file} has no selection {selection}", "name one that the run made: --selection")
    return found


def scores(table: pd.DataFrame, label: pd.Series | None = None) -> np.ndarray:
    """UF1 of each round; with other classes than the true ones, by clip."""
    truth = table["label"] if label is None else table["clip"].map(label)
    return np.array([uf1(truth[rows.index], rows["predicted"], CLASSES) for _, rows in table.groupby("round")])


def chance(tables: dict[str, pd.DataFrame], permutations: int) -> np.ndarray:
    """The mean UF1 over experiments, each with the classes of its target dealt anew, as often as asked for."""
    rng = np.random.default_rng(SEED)
    number = {name: index for index, name in enumerate(CLASSES)}
    targets: dict[str, pd.Series] = {}
    matrices = {}
    for key, table in tables.items():
        target = databases_of(key)[1]
        first = table[table["round"] == table["round"].min()].set_index("clip")["label"]
        truth = targets.setdefault(target, first.sort_index())
        wide = table.pivot(index="clip", columns="round", values="predicted").loc[truth.index]
        matrices[key] = wide.map(number.__getitem__).to_numpy().T  # (rounds, clips)
    found = np.empty(permutations)
    for turn in range(permutations):
        dealt = {name: rng.permutation(truth.map(number).to_numpy()) for name, truth in targets.items()}
        means = []
        for key, predicted in matrices.items():
            truth = dealt[databases_of(key)[1]]
            means.append(np.mean([_uf1(truth, one) for one in predicted]))
        found[turn] = np.mean(means)
    return found


def _uf1(truth: np.ndarray, predicted: np.ndarray) -> float:
    """UF1 from counts, thirty times as fast as with the checks of `cdmer.evaluation.metrics`."""
    size = len(CLASSES)
    counts = np.bincount(truth * size + predicted, minlength=size * size).reshape(size, size)
    both = counts.sum(0) + counts.sum(1)
    return float(np.mean(np.divide(2 * counts.diagonal(), both, out=np.zeros(size), where=both > 0)))


def run(plan: Plan, out: Path) -> None:
    """Train the networks without their adaptation terms."""
    type_ii = [each.key for each in cdmer_experiments() if each.type == "TYPE-II"]
    for key, model in plan.computable("cdmer"):
        if key in type_ii and model in WITHOUT:
            train_again(plan, key, model, out, options=WITHOUT[model])


def run_beyond(plan: Plan, out: Path) -> None:
    """Train networks in more experiments than the budget has time for."""
    for model, keys in BEYOND.items():
        for key in keys:
            train_again(plan, key, model, out / "beyond")


def run_in(precision: str, plan: Plan, out: Path) -> None:
    """Train networks with another precision."""
    for key, model in plan.computable("cdmer"):
        if model in BF16:
            train_again(plan, key, model, out / precision, machinery={"precision": precision})


def train_again(plan: Plan, key: str, model: str, out: Path, **changes: dict) -> None:
    """The training of the run, from the same seeds, with something changed, unless it is done."""
    folder = out / key / model
    if (folder / "metrics.json").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    settings = plan.training_settings(model, key)
    training = {**settings["training"]}
    for name, values in changes.items():
        training[name] = {**training[name], **values}
    source, target = plan.stores_of(model, key)
    train_network(
        source, target, *(folder / name for name in FILES), checkpoints=out / "checkpoints" / f"{key}.{model}",
        databases=tuple(databases_of(key)), training=training, selection=["default"],
        criterion=settings["criterion"], casme2_negative=settings["casme2_negative"],
    )  # fmt: skip
    print(f"{model} {key} {changes}: {json.loads((folder / 'metrics.json').read_text())['scores']}", flush=True)


def report(plan: Plan, results: Path, out: Path, selection: str, permutations: int) -> None:
    """Both tables."""
    done: dict[str, dict[str, pd.DataFrame]] = {}
    for key, model in plan.computable("cdmer"):
        file = results / key / model / "predictions.csv"
        if plan.is_network(model) and file.is_file():
            done.setdefault(model, {})[key] = answers(file, selection)
    for model, keys in BEYOND.items():
        for key in keys:
            file = out / "beyond" / key / model / "predictions.csv"
            if file.is_file():
                done.setdefault(model, {})[key] = answers(file, "default")
    print(f"| network | experiments | rounds | UF1 (`{selection}`) | by chance: mean | 95th percentile | above it |")
    print("|---|---|---|---|---|---|---|")
    for model, tables in done.items():
        means = np.array([scores(table).mean() for table in tables.values()])
        null = chance(tables, permutations)
        limit = float(np.quantile(null, 0.95))
        rounds = max(table["round"].nunique() for table in tables.values())
        print(
            f"| {model} | {len(means)} | {rounds} | {means.mean():.4f} | {null.mean():.4f} | {limit:.4f} "
            f"| {'yes' if means.mean() > limit else 'no'} |"
        )
    print("\n| network | experiment | rounds | with its terms | without | difference |\n|---|---|---|---|---|---|")
    for model in WITHOUT:
        pairs = compared(results, out, model, list(done.get(model, {})))
        for key, pair in pairs.items():
            cells = [f"{one.mean():.4f}{_spread(one)}" for one in (*pair, pair[0] - pair[1])]
            print(f"| {model} | {key.replace('_to_', ' → ')} | {len(pair[0])} | {' | '.join(cells)} |")
        if len(pairs) > 1:
            whole = np.array([(one - other).mean() for one, other in pairs.values()])
            print(f"| {model} | mean of {len(whole)} | | | | {whole.mean():+.4f}{_spread(whole)} |")
    print("\n| network | experiments | float32 | bf16 | bf16 less float32, and its spread over experiments |")
    print("|---|---|---|---|---|")
    for model in BF16:
        pairs = compared(results, out / "bf16", model, list(done.get(model, {})))
        if len(pairs) > 1:
            one, other = (np.array([pair[side].mean() for pair in pairs.values()]) for side in (0, 1))
            print(f"| {model} | {len(one)} | {one.mean():.4f} | {other.mean():.4f} "
                  f"| {(other - one).mean():+.4f}{_spread(other - one)} |")  # fmt: skip


def compared(results: Path, out: Path, model: str, keys: list[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """UF1 of the rounds of a training, of the run and of the changed one, by experiment; both after the last epoch."""
    found = {}
    for key in keys:
        file = out / key / model / "predictions.csv"
        if file.is_file():
            plain = answers(results / key / model / "predictions.csv", "default")
            found[key] = scores(plain), scores(answers(file, "default"))
    return found


def _spread(values: np.ndarray) -> str:
    return f" ± {np.std(values, ddof=1):.4f}" if len(values) > 1 else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "report"])
    parser.add_argument("output", type=Path, help="where the trainings without adaptation are kept")
    parser.add_argument("--results", type=Path, default=Path("results/models/cdmer"))
    parser.add_argument("--configfile", type=Path, help="what the run was given beside config.yaml")
    parser.add_argument("--selection", default="default", help="which epoch's answers are looked at for chance")
    parser.add_argument("--permutations", type=int, default=PERMUTATIONS)
    parser.add_argument("--precision", choices=["bf16"], help="with `run`: train again in it, in place of the ablation")
    parser.add_argument(
        "--beyond", action="store_true", help="with `run`: train MADTN and MERSiamC3D in more experiments"
    )
    given = parser.parse_args()
    plan = planned(given.configfile)
    if given.what == "run" and given.beyond:
        run_beyond(plan, given.output)
    elif given.what == "run" and given.precision:
        run_in(given.precision, plan, given.output)
    elif given.what == "run":
        run(plan, given.output)
    else:
        report(plan, given.results, given.output, given.selection, given.permutations)


if __name__ == "__main__":
    main()
