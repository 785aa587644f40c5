"""The training loop of all networks: many trainings side by side, the same however often it is interrupted.

A `Trial` is one training: a fold of a round. Trials are taken in groups (`group`), each group epoch by epoch. All that
is random depends on a trial's own seed and on the place in its training (`cdmer.networks.randomness`), so that a trial
ends alike in any group, and a run that was killed goes on from its checkpoint and ends in the same predictions.
"""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cdmer.errors import CdmerError
from cdmer.files import whole_file
from cdmer.networks.ensemble import Ensemble, Looped, Stacked
from cdmer.networks.memory import keep_freed_memory
from cdmer.networks.network import Batch, Network, Recipe
from cdmer.networks.randomness import permutation, stream, trial_key, uniform
from cdmer.networks.scaling import Scaling
from cdmer.progress import progress

log = logging.getLogger(__name__)

SAVE_EVERY = 20.0  # seconds between checkpoints of a group, at least
SAVING_SHARE = 0.05  # of the time that may go into them
LARGEST_GROUP = 64  # trainings side by side, where memory allows
SAMPLES_AT_ONCE = 64  # when a network only answers
_SOURCE, _TARGET, _SIBLING = 1, 2, 3  # places of random numbers
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Trial:
    """One training.

    Attributes
    ----------
    name
        What errors and logs call it, e.g. the subject that is held out.
    seed
        Numbers that name its randomness, e.g. seed, round and fold.
    train, label
        Rows of the samples (n,) that it learns from, and their classes from 0 (n,). Rows (n, m) make a sample
        of m rows.
    test
        Rows whose classes are predicted after every epoch.
    target
        Rows without labels, for networks that adapt.
    """

    name: str
    seed: tuple[int, ...]
    train: Rows
    label: Rows
    test: Rows
    target: Rows | None = None


@dataclass(frozen=True, eq=False)
class Trained:
    """What came of a trial.

    Attributes
    ----------
    logits
        Float32 (epochs, test rows, classes).
    losses
        Mean of each term of the loss, by epoch.
    weights
        The network's state after the last epoch, or the part of it that is kept, on the CPU; empty where none is.
    """

    logits: NDArray[np.float32]
    losses: dict[str, list[float]]
    weights: dict[str, Tensor]


@dataclass(frozen=True)
class Machinery:
    """How trainings are run; nothing here changes what they learn beyond float tolerance.

    Attributes
    ----------
    device
        ``cpu``, ``cuda`` or ``auto``.
    engine
        ``looped``, ``stacked`` or ``auto``: looped on a CPU, stacked on a GPU (`cdmer.networks.ensemble`).
    group
        Trainings side by side; 0: as many as memory allows, at most 64. Halved when memory runs out.
    threads
        Trainings of a group that a looped engine does at once.
    precision
        ``float32``; on a GPU also ``tf32`` and ``bf16``.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    engine: Literal["auto", "looped", "stacked"] = "auto"
    group: int = 0
    threads: int = 1
    precision: Literal["float32", "tf32", "bf16"] = "float32"

    def chosen_device(self) -> torch.device:
        """The device that ``auto`` stands for.

        Raises
        ------
        CdmerError
            A GPU is asked for and there is none.
        """
        if self.device == "cuda" and not torch.cuda.is_available():
            raise CdmerError("the device cuda is asked for, but torch finds no GPU", "set the device to auto or cpu")
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)


def train(
    make: Callable[[int], Network],
    X: Tensor,
    trials: Sequence[Trial],
    *,
    recipe: Recipe,
    epochs: int,
    what: str,
    machinery: Machinery = Machinery(),
    checkpoints: str | Path | None = None,
    about: Any = None,
    siblings: Rows | None = None,
    keep_weights: bool | Collection[int] = False,
    kept_part: str = "",
    answers: bool = True,
) -> list[Trained]:
    """Train every trial; predict its test rows after every epoch.

    Parameters
    ----------
    make
        The untrained network of the trial of that index; torch's generator is seeded for each.
    X
        (rows, ...) all samples, as the network takes them.
    trials
        What to train.
    recipe, epochs
        How.
    what
        A few words for the progress bar and for errors, e.g. ``STSTNet H->V``.
    machinery
        On what.
    checkpoints
        A folder for checkpoints, below which each set of trials, samples and settings has its own; None: none are
        kept. `clear_checkpoints` removes it when the results are safe.
    about
        Whatever else the result depends on, e.g. the network's settings; a checkpoint of another `about` is not used.
    siblings
        (rows, m) rows that may stand for a row in training, -1 where there are fewer: one is drawn each epoch.
    keep_weights
        Whether `Trained.weights` is wanted, or of which trials.
    kept_part
        What the names of the weights begin with that are wanted, e.g. ``core.``; empty: all.
    answers
        Whether `Trained.logits` is wanted; else nothing is predicted, and it has no epochs.

    Raises
    ------
    CdmerError
        A trial without samples of a class, without a target where the network adapts, a loss that is not finite, or
        memory that does not suffice for a single training.
    """
    device = machinery.chosen_device()
    kept = range(len(trials) if keep_weights else 0) if isinstance(keep_weights, bool) else keep_weights
    with torch.random.fork_rng(devices=[]):
        plain = make(0)
    _check(plain, trials, what)
    folder = None
    if checkpoints is not None:
        folder = Path(checkpoints) / _digest(
            X, trials, recipe, epochs, machinery, device, [about, sorted(kept), kept_part, answers], siblings
        )
    _set_up(machinery, device)
    samples = _scaled(plain, X, device)
    results: dict[int, Trained] = {}
    group = _group_size(folder, machinery, plain, device, len(trials))
    waiting = list(range(len(trials)))
    finished = _finished(folder, waiting)
    results.update(finished)
    waiting = [index for index in waiting if index not in finished]
    if finished:
        log.info("%s: %d of %d trainings were finished before", what, len(finished), len(trials))
    with _Bar(what, len(waiting) * epochs) as bar:
        while waiting:
            indices = waiting[:group]
            run = _Group(
                make, samples, [trials[index] for index in indices], indices, recipe, epochs, what, machinery, folder,
                siblings, bar, kept, kept_part, answers,
            )  # fmt: skip
            try:
                done = run.run()
            except (MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
                if group == 1:
                    raise CdmerError(
                        f"{what}: memory does not suffice for one training",
                        "lower the batch in the model's settings, or use a machine with more memory",
                    ) from error
                group = max(1, group // 2)
                log.warning("%s: out of memory; %d trainings at a time from here", what, group)
                if device.type == "cuda":
                    torch.cuda.empty_cache()
                _remember_group(folder, group)
                continue
            for index, trained in zip(indices, done, strict=True):
                _keep(folder, index, trained)
                results[index] = trained
            run.forget()
            waiting = waiting[group:]
    return [results[index] for index in range(len(trials))]


def clear_checkpoints(folder: str | Path) -> None:
    """Remove the checkpoints below a folder, once what came of them is written."""
    shutil.rmtree(folder, ignore_errors=True)


class _Group:
    """The trainings that go on together."""

    def __init__(
        self,
        make: Callable[[int], Network],
        X: Tensor,
        trials: Sequence[Trial],
        indices: Sequence[int],
        recipe: Recipe,
        epochs: int,
        what: str,
        machinery: Machinery,
        folder: Path | None,
        siblings: Rows | None,
        bar: "_Bar",
        kept: Collection[int],
        kept_part: str,
        answers: bool,
    ) -> None:
        self.X, self.trials, self.recipe, self.epochs, self.what = X, trials, recipe, epochs, what
        self.machinery, self.siblings, self.bar, self.kept, self.kept_part = machinery, siblings, bar, kept, kept_part
        self.make, self.indices, self.answers = make, indices, answers
        self.keys = [trial_key(trial.seed) for trial in trials]
        self.file = folder / f"group-{indices[0]}-{indices[-1]}.pt" if folder else None
        self.logits: list[list[Tensor]] = [[] for _ in trials]
        self.losses: list[dict[str, list[float]]] = [{} for _ in trials]
        self.done = self.saved = 0

    def run(self) -> list[Trained]:
        """Train to the end, from the checkpoint where there is one."""
        ensemble = self._ensemble()
        self._resume(ensemble)
        last, wait = time.monotonic(), SAVE_EVERY
        for epoch in range(self.done, self.epochs):
            self._train_epoch(ensemble, epoch)
            if self.answers:
                self._answer(ensemble, epoch)
            else:
                self._check_weights(ensemble, epoch)
            self.done = epoch + 1
            self.bar.advance(len(self.trials))
            if self.file and self.done < self.epochs and time.monotonic() - last > wait:
                began = time.monotonic()
                self._save(ensemble)
                last = time.monotonic()
                wait = max(SAVE_EVERY, (last - began) / SAVING_SHARE)  # hundreds of megabytes for the larger networks
        return [
            Trained(_by_epoch(logits).numpy(), losses, self._weights(ensemble, place))
            for place, (logits, losses) in enumerate(zip(self.logits, self.losses, strict=True))
        ]

    def _weights(self, ensemble: Ensemble, place: int) -> dict[str, Tensor]:
        if self.indices[place] not in self.kept:
            return {}
        return {
            name: tensor.cpu() for name, tensor in ensemble.weights(place).items() if name.startswith(self.kept_part)
        }

    def forget(self) -> None:
        """Remove the group's checkpoint."""
        if self.file:
            self.file.unlink(missing_ok=True)

    def _ensemble(self) -> Ensemble:
        networks = []
        for trial, key, index in zip(self.trials, self.keys, self.indices, strict=True):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(key)
                network = self.make(index)
            network = network.to(self.X.device)
            for scaling in (layer for layer in network.modules() if isinstance(layer, Scaling)):
                scaling.done = scaling.of_each_sample
            network.prepare(self.X[torch.from_numpy(np.unique(trial.train)).to(self.X.device)])
            network.see_classes(torch.from_numpy(np.bincount(trial.label)))
            networks.append(network)
        self.network = networks[0]
        engine = self.machinery.engine
        if engine == "auto":
            engine = "stacked" if self.X.device.type == "cuda" and self.network.stackable else "looped"
        if engine == "stacked":
            if not self.network.stackable:
                raise CdmerError(
                    f"{self.what}: {self.network.title} has layers that cannot be stacked",
                    "set the engine to looped or auto",
                )
            return Stacked(networks, self.recipe)
        return Looped(networks, self.recipe, self.machinery.threads)

    def _train_epoch(self, ensemble: Ensemble, epoch: int) -> None:
        size = self.recipe.batch
        counts = [len(trial.train) for trial in self.trials]
        whole = [count * self.recipe.variants for count in counts]
        taken = [min(count, self.recipe.samples or count) for count in whole]
        steps = [-(-count // size) for count in taken]
        orders = [
            permutation(key, epoch, all_)[:some] % count
            for key, count, all_, some in zip(self.keys, counts, whole, taken, strict=True)
        ]
        targets = [_shuffled(trial.target, key, epoch) for trial, key in zip(self.trials, self.keys, strict=True)]
        sums: list[dict[str, float]] = [{} for _ in self.trials]
        for step in range(max(steps)):

            def batch(index: int, step: int = step) -> Batch | None:
                if step >= steps[index]:
                    return None
                return self._batch(index, orders[index][step * size : (step + 1) * size], targets[index], epoch, step)

            batches = ensemble.each(batch)
            rates = [self.recipe.rate_at(epoch, epoch * own + step) for own in steps]
            with self._precision():
                found = ensemble.step(batches, rates, [stream(key, epoch, step) for key in self.keys], 0)
            for index, terms in enumerate(found):
                if terms is None:
                    continue
                if not np.isfinite(sum(terms.values())):
                    self._diverged(index, epoch, "the loss")
                for name, value in terms.items():
                    sums[index][name] = sums[index].get(name, 0.0) + value / steps[index]
        for index, terms in enumerate(sums):
            for name, value in terms.items():
                self.losses[index].setdefault(name, []).append(value)

    def _batch(self, index: int, chosen: Rows, target: Rows | None, epoch: int, step: int) -> Batch:
        trial, key, device = self.trials[index], self.keys[index], self.X.device
        rows = trial.train[chosen]
        if self.siblings is not None:
            rows = self._sibling(rows, stream(key, epoch, step, _SIBLING))
        source = self._samples(rows, stream(key, epoch, step, _SOURCE))
        label = torch.from_numpy(trial.label[chosen]).to(device)
        weight = torch.ones(len(rows), device=device)
        other = other_weight = None
        if self.network.adapts and target is not None:
            count = min(self.recipe.batch, len(target))
            taken = target[(step * count + np.arange(count)) % len(target)]
            other = self._samples(taken, stream(key, epoch, step, _TARGET))
            other_weight = torch.ones(count, device=device)
        return Batch(source, label, weight, other, other_weight, progress=(epoch + 0.5) / self.epochs)

    def _samples(self, rows: Rows, place: int) -> Tensor:
        found = self.X[torch.from_numpy(rows).to(self.X.device)]
        if self.network.draws:
            lead = found.shape[: found.dim() - len(self.network.shape)]
            streams = torch.tensor([place], dtype=torch.int32, device=found.device)
            found = self.network.augment(found, uniform(streams, *lead, self.network.draws)[0])
        return _channels_last(found) if self.network.channels_last else found

    def _sibling(self, rows: Rows, place: int) -> Rows:
        assert self.siblings is not None
        choices = self.siblings[rows]
        count = (choices >= 0).sum(-1)
        streams = torch.tensor([place], dtype=torch.int32)
        draw = uniform(streams, *rows.shape)[0].numpy()
        return np.take_along_axis(choices, (draw * count).astype(np.int64)[..., None], -1)[..., 0]

    def _answer(self, ensemble: Ensemble, epoch: int) -> None:
        longest = max(len(trial.test) for trial in self.trials)
        parts: list[list[Tensor]] = [[] for _ in self.trials]
        for start in range(0, longest, SAMPLES_AT_ONCE):
            rows = [trial.test[start : start + SAMPLES_AT_ONCE] for trial in self.trials]
            samples = [self.X[torch.from_numpy(own).to(self.X.device)] for own in rows]
            if self.network.channels_last:
                samples = [_channels_last(found) for found in samples]
            with self._precision():
                for part, logits in zip(parts, ensemble.answer(samples), strict=True):
                    part.append(logits.float().cpu())
        for index, part in enumerate(parts):
            logits = torch.cat(part)
            if not logits.isfinite().all():  # the last step may have spoilt weights whose loss nobody saw
                self._diverged(index, epoch, "an answer")
            self.logits[index].append(logits)

    def _check_weights(self, ensemble: Ensemble, epoch: int) -> None:
        for index in range(len(self.trials)):
            if not all(tensor.isfinite().all() for tensor in ensemble.weights(index).values()):
                self._diverged(index, epoch, "a weight")

    def _precision(self) -> Any:
        enabled = self.machinery.precision == "bf16"
        return torch.autocast(self.X.device.type, dtype=torch.bfloat16, enabled=enabled)

    def _diverged(self, index: int, epoch: int, what: str) -> None:
        good = (
            f"the last good checkpoint is {self.file}, epoch {self.saved}" if self.saved else "no checkpoint was kept"
        )
        raise CdmerError(
            f"{self.what}, {self.trials[index].name}: {what} is not finite in epoch {epoch + 1} ({good})",
            f"lower the learning rate ({self.recipe.rate:g}) in the model's settings; look for values in its features "
            "that are no numbers, or far larger than the others (`cdmer store show`)",
        )

    def _save(self, ensemble: Ensemble) -> None:
        assert self.file is not None
        state = {
            "done": self.done, "losses": self.losses, "ensemble": ensemble.state_dict(),
            "logits": [_by_epoch(logits) for logits in self.logits],
        }  # fmt: skip
        with whole_file(self.file) as partial:
            torch.save(state, partial)
        self.saved = self.done

    def _resume(self, ensemble: Ensemble) -> None:
        if self.file is None or not self.file.is_file():
            return
        state = torch.load(self.file, weights_only=True, map_location=self.X.device)
        ensemble.load_state_dict(state["ensemble"])
        self.done = self.saved = int(state["done"])
        self.losses = state["losses"]
        self.logits = [list(logits.cpu()) for logits in state["logits"]]
        self.bar.advance(self.done * len(self.trials))
        log.info("%s: going on after epoch %d of %s", self.what, self.done, self.file)


class _Bar:
    """A progress bar that several places advance."""

    def __init__(self, what: str, total: int) -> None:
        self._bar = progress(range(total), what, total=total, unit="epoch")
        self._steps: Iterator[int] = iter(self._bar)

    def __enter__(self) -> "_Bar":
        next(self._steps, None)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:  # a bar at its end beside an error would lie
            self._bar.close()
            return
        for _step in self._steps:
            pass

    def advance(self, count: int) -> None:
        for _ in range(count):
            next(self._steps, None)


def _by_epoch(logits: Sequence[Tensor]) -> Tensor:
    """Answers of the epochs, each (rows, classes), as one (epochs, rows, classes)."""
    return torch.stack([*logits]) if logits else torch.empty(0, 0, 0)


def _check(plain: Network, trials: Sequence[Trial], what: str) -> None:
    classes = sorted({int(label) for trial in trials for label in np.unique(trial.label)})
    for trial in trials:
        missing = [label for label in classes if label not in trial.label]
        if missing:
            raise CdmerError(
                f"{what}, {trial.name}: no clip of class {', '.join(map(str, missing))} is left to learn from",
                "hold fewer clips out at a time, or leave the database out",
            )
        if plain.adapts and (trial.target is None or not len(trial.target)):
            raise CdmerError(
                f"{what}, {trial.name}: the network adapts to a target, and no target clip is given",
                "give clips of the target domain, or choose a network that does not adapt",
            )


def _scaled(plain: Network, X: Tensor, device: torch.device) -> Tensor:
    """All samples on the device, scaled once where a sample's scale is a matter of that sample alone."""
    X = X.to(device)
    for scaling in (layer for layer in plain.modules() if isinstance(layer, Scaling)):
        if scaling.of_each_sample:
            X = scaling.to(device)(X[:, : len(scaling.shift)])
    return X


def _digest(
    X: Tensor,
    trials: Sequence[Trial],
    recipe: Recipe,
    epochs: int,
    machinery: Machinery,
    device: torch.device,
    about: Any,
    siblings: Rows | None,
) -> str:
    """What a checkpoint belongs to; the group's size is not part of it, but recorded in its folder."""
    digest = hashlib.sha256(X.contiguous().numpy().tobytes() if X.device.type == "cpu" else b"")
    for trial in trials:
        digest.update(f"{trial.name} {trial.seed}".encode())
        for rows in (trial.train, trial.label, trial.test, trial.target, siblings):
            digest.update(b"-" if rows is None else rows.tobytes())
    told = [repr(recipe), epochs, machinery.engine, machinery.precision, str(device), str(torch.__version__), about]
    digest.update(json.dumps(told, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:16]


def _set_up(machinery: Machinery, device: torch.device) -> None:
    keep_freed_memory()
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = machinery.precision != "float32"
        torch.backends.cudnn.allow_tf32 = machinery.precision != "float32"
        torch.backends.cudnn.deterministic = True


def _group_size(folder: Path | None, machinery: Machinery, plain: Network, device: torch.device, trials: int) -> int:
    """Trainings side by side: what an interrupted run had, what is asked for, or what memory allows."""
    recorded = folder / "group.json" if folder else None
    if recorded and recorded.is_file():
        before = int(json.loads(recorded.read_text(encoding="utf-8")))
        return min(before, machinery.group) if machinery.group else before
    group = machinery.group
    if not group:
        # weights, gradients, two moments
        each = 16 * sum(parameter.numel() for parameter in plain.parameters())
        memory = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 2 << 30
        group = int(min(LARGEST_GROUP, max(1, memory // 2 // max(each, 1))))
    group = max(1, min(group, trials))
    _remember_group(folder, group)
    return group


def _remember_group(folder: Path | None, group: int) -> None:
    if folder:
        with whole_file(folder / "group.json") as partial:
            partial.write_text(json.dumps(group), encoding="utf-8")


def _keep(folder: Path | None, index: int, trained: Trained) -> None:
    if folder:
        state = {"logits": torch.from_numpy(trained.logits), "losses": trained.losses, "weights": trained.weights}
        with whole_file(folder / f"trial-{index}.pt") as partial:
            torch.save(state, partial)


def _finished(folder: Path | None, indices: Sequence[int]) -> dict[int, Trained]:
    found = {}
    for index in indices if folder else []:
        assert folder is not None
        file = folder / f"trial-{index}.pt"
        if file.is_file():
            state = torch.load(file, weights_only=True)
            found[index] = Trained(state["logits"].numpy(), state["losses"], state["weights"])
    return found


def _is_out_of_memory(error: Exception) -> bool:
    words = str(error).lower()
    told = ("allocate memory", "out of memory", "alloc_failed")  # the CPU, CUDA's driver, cuBLAS and cuDNN
    return isinstance(error, MemoryError | torch.cuda.OutOfMemoryError) or any(said in words for said in told)


def _shuffled(target: Rows | None, key: int, epoch: int) -> Rows | None:
    return None if target is None else target[permutation(stream(key, _TARGET) & 0xFFFFFFFF, epoch, len(target))]


def _channels_last(x: Tensor) -> Tensor:
    """Samples in the layout that convolutions on a CPU are fastest with."""
    if x.device.type != "cpu" or x.dim() not in (4, 5):
        return x
    return x.contiguous(memory_format=torch.channels_last if x.dim() == 4 else torch.channels_last_3d)
