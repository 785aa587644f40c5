"""The feature store at the size of the papers: what every feature takes on disk, and how fast it is written and read.

    python benchmarks/store.py [--rounds 5] [--folder FOLDER] [--compressions none gzip lzf blosc2]
    python benchmarks/store.py --stores results/features --compressions none gzip

prints Markdown; docs/store-format.md keeps what it printed. With `--stores` the rows are those of stores that the
workflow has made (`snakemake all_features`), of the database with most rows. Without, they are descriptions of 20 clips
that differ, repeated to CASME II's 255: what a filter makes of a row does not depend on the others, for a chunk holds
one clip or few; flow features are smooth random fields of the right shape with a camera's noise. The file lies in the
page cache: these are the figures of the software; a slower disk sets its own.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from cdmer.watch import ONE_THREAD

os.environ.update(ONE_THREAD)  # before the libraries that read it are imported

import numpy as np
from lbp_top import processor, subject_clips
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from cdmer.descriptors import bi_woof, elbp_top, higo_top, hog_3d, hog_top, hoof, lbp_sip, lbp_top, lpq_top
from cdmer.store.feature_store import FeatureStore

ROWS, CLIPS = 255, 164 + 71 + 71 + 255 + 159  # CASME II; all five databases
MOST = 40_000_000  # bytes of a store: enough to tell its speed
PROVENANCE = {"feature": "benchmark", "database": "casme2", "recipe": {}, "code_digest": "0"}


def flows(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    fields = rng.normal(size=(20, *shape))
    smooth = gaussian_filter(fields, (0, *[0] * (len(shape) - 2), 4, 4))
    return (smooth / smooth.std() + 0.02 * fields).astype(np.float32)


def features() -> dict[str, Callable[[], np.ndarray]]:
    clips = subject_clips()
    motion = [flow.transpose(1, 2, 0) for flow in flows(2, 112, 112)]

    def of_clips(describe: Callable[..., np.ndarray], *arguments: object) -> Callable[[], np.ndarray]:
        return lambda: np.stack([describe(clip, *arguments) for clip in clips])

    return {
        "lbp_top_r3p8, lbp_top_r1p8": of_clips(lbp_top),
        "lbp_top_r3p4, lbp_top_r1p4": of_clips(lbp_top, 3, 4),
        "lbp_sip_r1, lbp_sip_r3": of_clips(lbp_sip),
        "lpq_top_decorr01, lpq_top_decorr0": of_clips(lpq_top),
        "hog_top_p8": of_clips(hog_top),
        "higo_top_p8": of_clips(higo_top),
        "elbp_top_r3p8": of_clips(elbp_top),
        "hog_3d": lambda: np.stack([hog_3d(clip, None, (8, 12, 12), (3, 2))[: 12 * 32] for clip in clips]),
        "hoof": lambda: np.stack([hoof(flow) for flow in motion]),
        "bi_woof": lambda: np.stack([bi_woof(flow) for flow in motion]),
        "mdmo": lambda: flows(36, 2).reshape(20, 72),
        "c3d": lambda: np.maximum(flows(64, 64), 0).reshape(20, 4096),
        "flow_tvl1_28": lambda: flows(2, 28, 28),
        "flow_strain_28": lambda: flows(3, 28, 28),
        "dscnn_48": lambda: flows(5, 48, 48),
        "madtn_112": lambda: (127 + 40 * flows(3, 112, 112)).clip(0, 255).astype(np.uint8),
        "mersiamc3d_10x112": lambda: flows(2, 10, 112, 112),
    }


def least(action: Callable[[], object], rounds: int) -> float:
    """Seconds of processor time, the least of some rounds: what others do on a busy machine does not count."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        action()
        taken.append(time.process_time() - start)
    return min(taken)


def measure(path: Path, X: np.ndarray, compression: str, rounds: int) -> list[float]:
    """The ratio of bytes to the file's, and megabytes a second: written, read, read in order half of the rows,
    read in batches of 32 at random."""
    names = [f"clip {number}" for number in range(len(X))]
    written = least(
        lambda: FeatureStore.write(path, X, names, provenance=PROVENANCE, compression=compression), max(1, rounds // 3)
    )
    store, rng = FeatureStore(path), np.random.default_rng(0)
    half, batch = np.sort(rng.permutation(len(X))[: len(X) // 2]), rng.permutation(len(X))[:32]
    selections = [slice(None), half, batch]
    read = [least(lambda chosen=chosen: store.rows(chosen, ["X"], decode=False), rounds) for chosen in selections]
    sizes = [X.nbytes, X.nbytes, X[half].nbytes, X[batch].nbytes]
    speeds = [size / 1e6 / seconds for size, seconds in zip(sizes, [written, *read], strict=True)]
    return [X.nbytes / path.stat().st_size, *speeds]


def table(
    rows_of: Iterable[tuple[str, str, NDArray[Any]]], compressions: list[str], folder: str | None, rounds: int
) -> None:
    """Prints a line for each (feature, MB of all databases, rows) and filter."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        for name, megabytes, X in rows_of:
            shape = " x ".join(map(str, X.shape[1:])) + (" uint8" if X.dtype == np.uint8 else "")
            for number, compression in enumerate(compressions):
                ratio, *speeds = measure(Path(own, "store.h5"), X, compression, rounds)
                what = f"{name} | {shape} | {megabytes}" if number == 0 else " | | "
                cells = " | ".join(f"{speed:.0f}" for speed in speeds)
                print(f"| {what} | {compression} | {ratio:.2f} | {cells} |", flush=True)


def made_up() -> Iterator[tuple[str, str, NDArray[Any]]]:
    """CASME II's rows of every feature, at most `MOST` bytes of them."""
    total = 0.0
    for name, make in features().items():
        few = make()
        rows = min(ROWS, MOST // few[0].nbytes)
        megabytes = few[0].nbytes * CLIPS / 1e6
        total += megabytes * (1 + name.count(","))
        yield name, f"{megabytes:.1f}", np.concatenate([few] * (rows // len(few) + 1))[:rows]
    print(f"\nAll of them, for all {CLIPS} clips: {total / 1e3:.2f} GB before compression.")


def made_by_the_workflow(folder: Path) -> Iterator[tuple[str, str, NDArray[Any]]]:
    """The rows of the largest store of every feature, with the size of its stores of all databases."""
    total, clips = 0, 0
    for feature in sorted(path for path in folder.iterdir() if path.is_dir()):
        paths = sorted(feature.glob("*.h5"))
        if not paths:
            continue
        sizes = [path.stat().st_size for path in paths]
        total += sum(sizes)
        stores = [FeatureStore(path) for path in paths]
        clips = max(clips, sum(len(store) for store in stores))
        largest = max(stores, key=len)
        yield feature.name, f"{sum(sizes) / 1e6:.1f}", largest.load(["X"], decode=False).X
    print(f"\nAll stores: {total / 1e9:.2f} GB on disk, for up to {clips} rows a feature.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where to write: another disk")
    parser.add_argument("--compressions", nargs="+", default=["none", "gzip", "lzf", "blosc2"])
    parser.add_argument("--stores", type=Path, help="results/features of a run of the workflow")
    options = parser.parse_args()
    if options.stores is not None and not any(options.stores.glob("*/*.h5")):
        parser.error(f"{options.stores} holds no feature stores; `snakemake all_features` makes them")
    print(f"{processor()}; one thread; MB are 10^6 bytes.\n")
    print("| feature | a row | MB, all clips | filter | ratio | written, MB/s | read | half of it | 32 at random |")
    print("|---|---|---|---|---|---|---|---|---|")
    rows_of = made_up() if options.stores is None else made_by_the_workflow(options.stores)
    table(rows_of, options.compressions, options.folder, options.rounds)


if __name__ == "__main__":
    main()
