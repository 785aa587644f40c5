"""Which facial blocks TGSR and RSTR select, and whether these are where faces move.

    python benchmarks/regions.py results                     # after `snakemake --cores 2 all_features`
    python benchmarks/regions.py results --released FOLDER   # the released features too (docs/released-features.md)

On the synthetic cohort it is known which pixels each expression moves. A block lies on moving action units when at
least half of its area moves in at least half of the source's clips of some class. The share of selected blocks that do
is compared with blocks drawn at random, as many of each grid as were selected. Prints the table of docs/adaptation.md,
and draws docs/images/adaptation_blocks.png and docs/images/adaptation_regions.png.
"""

import argparse
import os
import warnings
from pathlib import Path

from cdmer.watch import ONE_THREAD

os.environ.update(ONE_THREAD)

import cv2
import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from sklearn.exceptions import ConvergenceWarning

from cdmer.adaptation import RSTR, TGSR
from cdmer.databases.cohort.truth import read_truth
from cdmer.faces.align import box_transform, landmark_box, warp_clip
from cdmer.protocols.cdmer import CLASSES, cdmer_experiments, cdmer_labels
from cdmer.store.feature_store import FeatureStore
from cdmer.store.released import read_released
from cdmer.store.shard import read_shard

FEATURE, FACES, SIZE, RADIUS = "lbp_top_r3p8", "aligned_112", 112, 3
GRIDS = (1, 2, 4, 8)
DATABASES = ("smic_hs", "smic_vis", "smic_nir", "casme2")
IMAGES = Path(__file__).parents[1] / "docs" / "images"
DRAWS = 10_000
METHODS = {  # every one at its default but for the number of blocks that is said
    "TGSR, 5 blocks": TGSR(kappa=5),
    "TGSR, 10 blocks": TGSR(kappa=10),
    "TGSR, 20 blocks": TGSR(kappa=20),
    "TGSR, 43 blocks": TGSR(),
    "TGSR converged, 10 blocks": TGSR(kappa=10, solver="converged"),
    "RSTR": RSTR(),
}


def blocks() -> list[tuple[int, int, int, int, int]]:
    """Grid, and the top, bottom, left and right pixel edges in the crop, of each block in the feature's order."""
    found = []
    side = SIZE - 2 * RADIUS
    for grid in GRIDS:
        edges = RADIUS + np.append(np.arange(grid) * int(side / grid + 0.5), side)
        found += [(grid, *edges[i : i + 2], *edges[j : j + 2]) for i in range(grid) for j in range(grid)]
    return found


def weights_of(model) -> np.ndarray:
    """How much each block counts: the norm of its coefficients (TGSR), its weight (RSTR); 0 where it is out."""
    if isinstance(model, RSTR):
        return model.weights_
    norms = np.linalg.norm(model.coef_.reshape(model.n_blocks, -1), axis=1)
    chosen = np.zeros_like(norms)
    chosen[model.blocks_] = norms[model.blocks_]
    return chosen


def load(results: Path, database: str):
    """Features, classes, names and subjects of the clips that take part."""
    features = FeatureStore(results / "features" / FEATURE / f"{database}.h5").load()
    labels = cdmer_labels(database, list(features.emotion))
    kept = [row for row, label in enumerate(labels) if label is not None]
    names = ([column[row] for row in kept] for column in (features.clip, features.subject))
    return features.X[kept], np.array([labels[row] for row in kept]), *names


def crops(results: Path, database: str):
    """For each clip its crop's first frame, the crop's transform and landmarks in the recording."""
    for path in sorted((results / "faces" / FACES / database).glob("*.h5")):
        for clip in read_shard(path):
            yield clip.name, clip.frames[0], np.asarray(clip["transform"]), np.asarray(clip["landmarks"])


def moving(results: Path, database: str) -> np.ndarray:
    """(classes, blocks): the share of a block's area that moves in at least half of a class's clips."""
    _, labels, clips, subjects = load(results, database)
    matrices = {clip: matrix for clip, _, matrix, _ in crops(results, database)}
    truths = {  # CASME II calls a clip by its subject and its name
        (path.stem, clip): truth
        for path in sorted((results / "databases" / database / "synthetic/truth").glob("*.h5"))
        for clip, truth in read_truth(path).items()
    }
    shares = []
    for label in CLASSES:
        maps = [
            cv2.warpAffine(
                truths[of_subject, clip.rpartition("/")[2]].region.astype(np.float32), matrices[clip], (SIZE, SIZE)
            )
            for clip, of_subject, own in zip(clips, subjects, labels, strict=True)
            if own == label
        ]
        moves = np.mean(maps, axis=0) >= 0.5
        shares.append([moves[top:bottom, left:right].mean() for _, top, bottom, left, right in blocks()])
    return np.array(shares)


def by_chance(selected: np.ndarray, hit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(draws,) the share of hits among random blocks, as many of each grid as are selected."""
    grids = np.array([grid for grid, *_ in blocks()])
    total = np.zeros(DRAWS)
    for grid in GRIDS:
        of_grid = np.flatnonzero(grids == grid)
        count = int(selected[of_grid].sum())
        order = rng.random((DRAWS, len(of_grid))).argsort(axis=1)[:, :count]
        total += hit[of_grid][order].sum(axis=1)
    return total / max(1, selected.sum())


def measure(results: Path) -> list[tuple[str, float, float, tuple[float, float], float, float]]:
    """For each method, means over the experiments: blocks selected, share of hits, chance with 95 % of it, and p."""
    hits = {name: (moving(results, name) >= 0.5).any(axis=0) for name in DATABASES}
    data = {name: load(results, name) for name in DATABASES}
    rows = []
    for method, model in METHODS.items():
        counts, shares, draws = [], [], []
        for experiment in cdmer_experiments():
            (Xs, ys, *_), (Xt, *_) = data[experiment.source], data[experiment.target]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # said below
                model.fit(Xs, ys, Xt)
            if model.residual_ > model.tolerance:
                print(f"{method}, {experiment.name}: left out, its residual is {model.residual_:.2g}")
                continue
            selected = weights_of(model) > 0
            hit = hits[experiment.source]
            counts.append(selected.sum())
            shares.append(hit[selected].mean() if selected.any() else 0.0)
            # the same draws for all experiments of one source, whose selections are alike
            draws.append(by_chance(selected, hit, np.random.default_rng(DATABASES.index(experiment.source))))
        chance = np.mean(draws, axis=0)
        low, high = np.percentile(chance, [2.5, 97.5])
        p = (1 + np.count_nonzero(chance >= np.mean(shares))) / (1 + DRAWS)
        rows.append((method, np.mean(counts), np.mean(shares), np.mean(chance), (low, high), p))
    return rows


def draw_shares(rows, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(7.5, 3.2), dpi=150, layout="constrained")
    places = np.arange(len(rows))
    axes.barh(places, [row[2] for row in rows], height=0.55, color="#1f77b4", label="selected blocks")
    for place, (*_, chance, (low, high), _p) in zip(places, rows, strict=True):
        axes.plot([low, high], [place, place], color="#d62728", linewidth=2)
        axes.plot(chance, place, "d", color="#d62728", label="chance, 95 % of draws" if place == 0 else None)
    axes.set_yticks(places, [f"{row[0]}" if "block" in row[0] else f"{row[0]}, {row[1]:.0f} blocks" for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of blocks that lie on moving action units, mean of 12 experiments")
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=9)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def mean_face(results: Path, boxed: bool) -> np.ndarray:
    """The mean first frame of all clips, eyes aligned, or in the benchmark's box around the landmarks."""
    faces = []
    for database in DATABASES:
        for _, frame, matrix, landmarks in crops(results, database):
            box = landmark_box(landmarks @ matrix[:, :2].T + matrix[:, 2])
            to_box = box_transform(box, (SIZE, SIZE))
            faces.append(warp_clip(frame[None], to_box, (SIZE, SIZE))[0] if boxed else frame)
    return np.mean(faces, axis=0)


def draw_blocks(panels, path: Path) -> None:
    """A face for each (title, face, weights), with the selected blocks, redder the more they count."""
    figure, axes = plt.subplots(1, len(panels), figsize=(2.3 * len(panels), 2.75), dpi=130, layout="constrained")
    for axis, (title, face, weights) in zip(axes, panels, strict=True):
        axis.imshow(face, cmap="gray", vmin=0, vmax=255)
        chosen = [(block, weight) for block, weight in zip(blocks(), weights, strict=True) if weight > 0]
        for (_, top, bottom, left, right), weight in chosen:
            color = (0.84, 0.15, 0.16, 0.1 + 0.6 * weight / weights.max())
            corner = (left - 0.5, top - 0.5)
            axis.add_patch(Rectangle(corner, right - left, bottom - top, facecolor=color, edgecolor="w", linewidth=0.6))
        axis.set_axis_off()
        grids = sorted({grid for (grid, *_), _ in chosen})
        below = " and ".join(f"{grid} × {grid}" for grid in grids)
        axis.set_title(f"{title}\n{len(chosen)} blocks, {below} grid", fontsize=8)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="the workflow's results, with features of the cohort")
    parser.add_argument("--released", type=Path, help="the folder of the released files")
    arguments = parser.parse_args()
    rows = measure(arguments.results)
    print("| method | blocks | on moving action units | chance | 95 % of draws | p |\n|---|---|---|---|---|---|")
    for method, count, share, chance, (low, high), p in rows:
        print(f"| {method} | {count:.1f} | {share:.2f} | {chance:.2f} | {low:.2f} to {high:.2f} | {p:.4f} |")
    draw_shares(rows, IMAGES / "adaptation_regions.png")
    (Xs, ys, *_), (Xt, *_) = load(arguments.results, "smic_hs"), load(arguments.results, "casme2")
    face = mean_face(arguments.results, boxed=False)
    models = {"TGSR, κ = 10": TGSR(kappa=10), "RSTR": RSTR()}
    panels = [(f"{name}: cohort, H → C", face, weights_of(m.fit(Xs, ys, Xt))) for name, m in models.items()]
    if arguments.released:
        source, target = (
            read_released(arguments.released / f"CrossCorpus_LBPTOP_R3P8_{name}_112by112.mat")
            for name in ("SMIC_VIS", "SMIC_NIR")
        )
        face = mean_face(arguments.results, boxed=True)
        panels += [
            (f"{name}: real clips, V → N", face, weights_of(m.fit(source.X, source.label.astype(str), target.X)))
            for name, m in models.items()
        ]
    draw_blocks(panels, IMAGES / "adaptation_blocks.png")


if __name__ == "__main__":
    main()
