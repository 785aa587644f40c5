"""Training folds of leave-one-subject-out: cdmer's loop against a plain sequential one, and seconds a fold-epoch.

    python benchmarks/networks.py [--folds 8] [--epochs 3] [--rounds 3] [--networks STSTNet ...] [--device cpu]

prints Markdown; docs/performance.md keeps what it printed. The peer is STSTNet as it is usually written in PyTorch
(three convolutions, `torch.optim.Adam`, a loop over folds, one thread), on the same samples in the same run.
"""

import argparse
import os
import platform
import resource
import time

from cdmer.watch import ONE_THREAD

os.environ.update(ONE_THREAD)  # before the libraries that read it are imported

import numpy as np
import torch
from torch import nn

from cdmer.networks.dscnn import DSCNN
from cdmer.networks.fr import FR, BasicInception
from cdmer.networks.madtn import MADTN
from cdmer.networks.mersiamc3d import MERSiamC3D
from cdmer.networks.network import Network, count_parameters
from cdmer.networks.off_apexnet import OFFApexNet
from cdmer.networks.ststnet import STSTNet
from cdmer.networks.training import Machinery, Trial, train

CLIPS = 442  # of MEGC 2019's composite, 68 of whose subjects are left out in turn
LEFT_OUT = 7
KINDS: dict[str, tuple[type[Network], int]] = {  # and how many clips: the large networks are timed on few
    "STSTNet": (STSTNet, CLIPS),
    "OFF-ApexNet": (OFFApexNet, CLIPS),
    "Basic Inception": (BasicInception, CLIPS),
    "FR": (FR, CLIPS),
    "DSCNN": (DSCNN, 64),
    "MADTN": (MADTN, 16),
    "MERSiamC3D": (MERSiamC3D, 16),
}


class PlainSTSTNet(nn.Module):
    """Three streams, each a convolution of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3, filters, 3, padding=1) for filters in (3, 5, 8))
        self.norms = nn.ModuleList(nn.BatchNorm2d(filters) for filters in (3, 5, 8))
        self.relu, self.max_pool, self.dropout = nn.ReLU(), nn.MaxPool2d(3, 3, 1), nn.Dropout(0.5)
        self.average_pool, self.output = nn.AvgPool2d(2), nn.Linear(400, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        streams = [
            self.dropout(self.max_pool(norm(self.relu(conv(x)))))
            for conv, norm in zip(self.convs, self.norms, strict=True)
        ]
        return self.output(self.average_pool(torch.cat(streams, 1)).flatten(1))


def plain_loop(X: torch.Tensor, label: torch.Tensor, folds: list[tuple[np.ndarray, np.ndarray]], epochs: int) -> None:
    """One fold after the other, as the networks' authors train."""
    for rest, test in folds:
        network = PlainSTSTNet()
        optimizer = torch.optim.Adam(network.parameters(), lr=5e-5)
        loader = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(X[rest], label[rest]), batch_size=256, shuffle=True
        )
        for _ in range(epochs):
            network.train()
            for x, y in loader:
                optimizer.zero_grad()
                nn.functional.cross_entropy(network(x), y).backward()
                optimizer.step()
            network.eval()
            with torch.no_grad():
                network(X[test])


def task(shape: tuple[int, ...], clips: int, folds: int) -> tuple[torch.Tensor, np.ndarray, list[Trial]]:
    """Random clips of a network's shape, their classes, and folds that each leave seven out."""
    rng = np.random.default_rng(0)
    X = torch.from_numpy(rng.random((clips, *shape), dtype=np.float32))
    label = np.arange(clips) % 3
    trials = []
    for fold in range(folds):
        test = np.arange(LEFT_OUT) + fold % (clips // LEFT_OUT) * LEFT_OUT
        rest = np.setdiff1d(np.arange(clips), test)
        trials.append(Trial(f"fold {fold}", (0, fold), rest, label[rest], test, test))
    return X, label, trials


def timed(function) -> tuple[float, float]:
    """Seconds of processor time, and by the clock."""
    used, clock = time.process_time(), time.perf_counter()
    function()
    return time.process_time() - used, time.perf_counter() - clock


def against_the_plain_loop(folds: int, epochs: int, rounds: int, device: str) -> None:
    """STSTNet: both ways in turn, so that a busy machine is busy for both."""
    X, label, trials = task((3, 28, 28), CLIPS, folds)
    pairs = [(trial.train, trial.test) for trial in trials]
    truth = torch.from_numpy(label)
    ways = {
        "plain loop, 1 thread": lambda: plain_loop(X, truth, pairs, epochs),
        "cdmer, 1 thread": lambda: run(STSTNet, X, trials, epochs, Machinery(device="cpu")),
        "cdmer, 2 threads": lambda: run(STSTNet, X, trials, epochs, Machinery(device="cpu", threads=2)),
        "cdmer, stacked": lambda: run(STSTNet, X, trials, epochs, Machinery(device=device, engine="stacked")),
    }
    if device == "cpu":
        ways.pop("cdmer, stacked")
    for way in ways.values():
        way()
    taken = {name: [timed(way) for _ in range(rounds)] if rounds else [] for name, way in ways.items()}
    each = folds * epochs
    first = taken["plain loop, 1 thread"]
    print(f"| STSTNet, {CLIPS} clips | s a fold-epoch, processor: median | least | by the clock: median | least "
          "| ratio, processor, least | ratio, clock, least |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for name, times in taken.items():
        used, clock = (np.array(column) / each for column in zip(*times, strict=True))
        ratios = [min(one[k] for one in first) / each / min(column) for k, column in enumerate((used, clock))]
        cells = [np.median(used), min(used), np.median(clock), min(clock)]
        print(f"| {name} | {' | '.join(f'{cell:.4f}' for cell in cells)} | {ratios[0]:.1f} | {ratios[1]:.1f} |")
    print()


def run(kind: type[Network], X: torch.Tensor, trials: list[Trial], epochs: int, machinery: Machinery) -> None:
    recipe = kind.recipe.changed(variants=1)  # each clip once, so that seconds compare
    train(lambda _: kind(), X, trials, recipe=recipe, epochs=epochs, what=kind.title, machinery=machinery)


def each_network(names: list[str], epochs: int, device: str, precision: str) -> None:
    """Seconds a fold-epoch and memory, alone and four folds together."""
    print("| network | parameters | clips | s a fold-epoch alone | four together | clips a second | memory, MiB |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        kind, clips = KINDS[name]
        X, _, trials = task(kind().shape, clips, 4)
        machinery = Machinery(device=device, precision=precision)
        run(kind, X, trials[:1], 1, machinery)
        alone = _of_an_epoch(kind, X, trials[:1], epochs, machinery)
        together = _of_an_epoch(kind, X, trials, epochs, machinery)
        if device == "cuda":
            memory = torch.cuda.max_memory_allocated() / 2**20
            torch.cuda.reset_peak_memory_stats()
        else:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        speed = (clips - LEFT_OUT) / together
        print(
            f"| {name} | {count_parameters(kind()):,} | {clips} | {alone:.3f} | {together:.3f} | {speed:.0f} "
            f"| {memory:.0f} |",
            flush=True,
        )


def _of_an_epoch(kind: type[Network], X: torch.Tensor, trials: list[Trial], epochs: int, machinery: Machinery) -> float:
    """Seconds of processor time of a fold's epoch: what more epochs cost beyond the first."""
    one = timed(lambda: run(kind, X, trials, 1, machinery))[0]
    more = timed(lambda: run(kind, X, trials, 1 + epochs, machinery))[0]
    return (more - one) / epochs / len(trials)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--networks", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--precision", default="float32", choices=["float32", "tf32", "bf16"])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors, torch {torch.__version__}, "
          f"OPENBLAS_CORETYPE {os.environ.get('OPENBLAS_CORETYPE', 'not set')}\n")  # fmt: skip
    against_the_plain_loop(given.folds, given.epochs, given.rounds, given.device)
    each_network(given.networks, given.epochs, given.device, given.precision)


if __name__ == "__main__":
    main()
