"""UF1 of TGSR over its grid of kappa and xi on the released features, with the paper's optimum marked.

    python benchmarks/tgsr_surface.py FOLDER KEPT.npz            # FOLDER holds the released files; an hour on one core
    python benchmarks/tgsr_surface.py FOLDER KEPT.npz --every 5  # every fifth xi

Draws docs/images/tgsr_surface.png: SMIC-VIS to SMIC-NIR and back, columns as released (what the paper ran) and block by
block (what it describes). What is computed is kept in KEPT.npz, and a run that is stopped goes on where it was.
docs/released-features.md says where the files come from.
"""

import argparse
import os
from pathlib import Path

from cdmer.watch import ONE_THREAD

os.environ.update(ONE_THREAD)

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np

from cdmer.adaptation.tgsr import TGSR, paper_weights
from cdmer.evaluation.metrics import uf1
from cdmer.protocols.cdmer import CLASSES
from cdmer.store.released import read_released

IMAGE = Path(__file__).parents[1] / "docs" / "images" / "tgsr_surface.png"
EXPERIMENTS = {"V→N": ("SMIC_VIS", "SMIC_NIR", (12, 44.0)), "N→V": ("SMIC_NIR", "SMIC_VIS", (12, 280.0))}
ORDERS = {"released": "columns as released", "blocks": "facial blocks"}
KAPPA = range(1, 86)


def surface(released: Path, source: str, target: str, order: str, weights: list[float]) -> np.ndarray:
    """UF1 (kappa, xi)."""
    files = [released / f"CrossCorpus_LBPTOP_R3P8_{name}_112by112.mat" for name in (source, target)]
    (Xs, ys), (Xt, yt) = ((found.X, found.label.astype(str)) for found in (read_released(f, order) for f in files))
    points = [{"kappa": kappa, "xi": xi} for kappa in KAPPA for xi in weights]
    answers = TGSR().answer_grid(Xs, ys, Xt, points)
    if not answers.converged.all():
        raise SystemExit(f"{(~answers.converged).sum()} points have not converged")
    return np.array([uf1(yt, row, CLASSES) for row in answers.predicted]).reshape(len(KAPPA), len(weights))


def draw(surfaces: dict[tuple[str, str], np.ndarray], weights: list[float]) -> None:
    names = [name for name in EXPERIMENTS if any(key[0] == name for key in surfaces)]
    figure, axes = plt.subplots(
        len(ORDERS), len(names), figsize=(4.6 * len(names) + 0.6, 6.2), dpi=130, layout="constrained",
        sharex=True, sharey=True, squeeze=False,
    )  # fmt: skip
    drawn = None
    edges = np.sqrt(np.array(weights[1:]) * np.array(weights[:-1]))  # half-way between the logarithms
    edges = np.concatenate([[weights[0] ** 2 / edges[0]], edges, [weights[-1] ** 2 / edges[-1]]])
    low = min(values.min() for values in surfaces.values())
    high = max(values.max() for values in surfaces.values())
    for row, order in zip(axes, ORDERS, strict=True):
        for axis, name in zip(row, names, strict=True):
            values = surfaces[name, order]
            drawn = axis.pcolormesh(
                edges, np.arange(0.5, 86), values, vmin=low, vmax=high, cmap="viridis", rasterized=True
            )
            kappa, xi = EXPERIMENTS[name][2]
            axis.plot(xi, kappa, "x", color="#ff3030", markersize=11, markeredgewidth=2.2, label="the paper's optimum")
            best = np.argwhere(values == values.max())
            axis.plot(
                [weights[j] for _, j in best], [KAPPA[i] for i, _ in best], "o", color="none",
                markeredgecolor="white", markersize=7, label="the best here",
            )  # fmt: skip
            axis.set_xscale("log")
            axis.set_title(f"{name}, {ORDERS[order]}: at best {values.max():.4f}", fontsize=9)
    for axis in axes[-1]:
        axis.set_xlabel("ξ")
    for axis in axes[:, 0]:
        axis.set_ylabel("κ")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    legend = figure.legend(handles, labels, loc="outside upper center", ncols=2, frameon=True, fontsize=9)
    legend.get_frame().set_facecolor("#b0b0b0")
    figure.colorbar(drawn, ax=axes, label="UF1")
    figure.savefig(IMAGE, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("released", type=Path, help="the folder of the released files")
    parser.add_argument("kept", type=Path, help="where to keep what is computed")
    parser.add_argument("--every", type=int, default=1, help="of the 271 weights xi, every how manyth; the printed too")
    parser.add_argument("--experiments", nargs="+", choices=EXPERIMENTS, default=list(EXPERIMENTS))
    arguments = parser.parse_args()
    printed = {xi for _, _, (_, xi) in EXPERIMENTS.values()}
    weights = sorted({*paper_weights()[:: arguments.every], *printed})
    kept = dict(np.load(arguments.kept)) if arguments.kept.exists() else {}
    surfaces = {}
    for name in arguments.experiments:
        source, target, (kappa, xi) = EXPERIMENTS[name]
        for order in ORDERS:
            key = f"{name} {order} {len(weights)}"
            if key not in kept:
                kept[key] = surface(arguments.released, source, target, order, weights)
                np.savez_compressed(arguments.kept, **kept)
            values = surfaces[name, order] = kept[key]
            at = values[kappa - 1, weights.index(xi)]
            print(f"{key}: {at:.4f} at the printed optimum, {values.max():.4f} at best", flush=True)
    draw(surfaces, weights)


if __name__ == "__main__":
    main()
