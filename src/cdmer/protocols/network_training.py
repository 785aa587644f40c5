"""What the jobs that train networks share: how a network is named, built and trained."""

import importlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cdmer.errors import CdmerError
from cdmer.files import whole_file
from cdmer.networks.network import Budget, Network, Recipe
from cdmer.networks.prior_learning import core_weights, pair_trial
from cdmer.networks.training import Machinery, Trained, Trial, train

PAIRS = {"quick": 32, "paper": 0}  # of clips in an epoch of prior learning; 0: all


@dataclass(frozen=True)
class Training:
    """A network and how it is trained, as a job's settings say it.

    Attributes
    ----------
    module, network, options
        Where the network is, its name, and its own options.
    changes
        What differs from its recipe: fields of `cdmer.networks.network.Recipe`, and ``prior_epochs``.
    budget
        ``quick`` or ``paper``.
    rounds, seed
        How many trainings, and what names their randomness.
    held_out
        For `source`, how many groups of source subjects are held out in turn; None: all that the budget makes.
    keep_weights
        Of how many rounds the weights are kept.
    machinery
        On what it is trained.
    """

    module: str
    network: str
    options: Mapping[str, Any]
    changes: Mapping[str, Any]
    budget: Budget
    rounds: int
    seed: int
    keep_weights: int
    machinery: Machinery
    held_out: int | None = None

    @property
    def kind(self) -> type[Network]:
        """The network's class."""
        return getattr(importlib.import_module(self.module), self.network)  # type: ignore[no-any-return]

    @property
    def epochs(self) -> int:
        """How many there are."""
        return int(self.changes.get("epochs") or self.kind.recipe.n_epochs(self.budget))

    def make(self, n_classes: int) -> Network:
        """The network, untrained."""
        return self.kind(n_classes, **self.options)

    def run(
        self,
        X: Tensor,
        trials: Sequence[Trial],
        n_classes: int,
        what: str,
        checkpoints: str | Path | None,
        siblings: NDArray[np.int64] | None = None,
        keep_weights: Collection[int] = (),
    ) -> list[Trained]:
        """Train all trials; where the network starts from prior learning, on pairs first.

        `keep_weights` are the trials whose `Trained.weights` are wanted.
        """
        torch.set_num_threads(1)  # results must not depend on how many cores there are
        with torch.random.fork_rng(devices=[]):
            network = self.make(n_classes)
            prior = network.prior_network()
        if tuple(X.shape[1:]) != network.shape:
            raise CdmerError(
                f"{what}: the features have the shape {tuple(X.shape[1:])}, {network.title} reads {network.shape}",
                "name another feature in the model's settings, or correct its options",
            )
        recipe = network.recipe.of_budget(self.budget).changed(**self._of_recipe())
        if recipe.optimizer == "adam" and self.changes.get("momentum") is not None:
            raise CdmerError(
                f"{what}: {network.title} is trained with Adam, which has no momentum of one's own choice",
                "leave `momentum` out, or set `optimizer: sgd`",
            )
        if recipe.least_rate > recipe.rate:
            raise CdmerError(
                f"{what}: the least rate, {recipe.least_rate}, is above the rate that {network.title} begins with, "
                f"{recipe.rate}",
                "lower `least_rate`, or set `rate`",
            )
        about: list[Any] = [self.network, dict(self.options)]
        if prior is None:
            make: Callable[[int], Network] = lambda _: self.make(n_classes)  # noqa: E731
        else:
            first = self._prior_recipe(prior)
            about += [repr(first), self._prior_epochs(first)]
            make = self._after_prior_learning(first, X, trials, n_classes, what, checkpoints)
        return train(
            make, X, trials, recipe=recipe, epochs=self.epochs, what=what, machinery=self.machinery,
            checkpoints=checkpoints, about=about, siblings=siblings, keep_weights=keep_weights,
        )  # fmt: skip

    def _of_recipe(self) -> dict[str, Any]:
        return {name: value for name, value in self.changes.items() if not name.endswith("epochs")}

    def _prior_recipe(self, network: Network) -> Recipe:
        recipe = network.recipe.of_budget(self.budget)
        # both stages are trained alike (MERSiamC3D); a pair has no variants
        return recipe.changed(**{**self._of_recipe(), "variants": None}, samples=PAIRS[self.budget])

    def _prior_epochs(self, recipe: Recipe) -> int:
        return int(self.changes.get("prior_epochs") or recipe.n_epochs(self.budget))

    def _after_prior_learning(
        self,
        recipe: Recipe,
        X: Tensor,
        trials: Sequence[Trial],
        n_classes: int,
        what: str,
        checkpoints: str | Path | None,
    ) -> Callable[[int], Network]:
        """What makes the network of each trial, from prior learning on that trial's own clips."""

        def make_prior(_: int) -> Network:
            network = self.make(n_classes).prior_network()
            assert network is not None
            return network

        prior = train(
            make_prior, X, [pair_trial(trial) for trial in trials], recipe=recipe,
            epochs=self._prior_epochs(recipe), what=f"{what}, prior learning", machinery=self.machinery,
            checkpoints=checkpoints, about=[self.network, dict(self.options), "prior"], keep_weights=True,
            kept_part="core.", answers=False,
        )  # fmt: skip

        def make(index: int) -> Network:
            network = self.make(n_classes)
            network.get_submodule("core").load_state_dict(core_weights(prior, index))
            return network

        return make


def training_of(settings: Mapping[str, Any]) -> Training:
    """A `Training` from a job's settings, which hold ``machinery`` as a mapping."""
    return Training(**{**settings, "machinery": Machinery(**settings["machinery"])})


def class_rows(label: NDArray[np.str_], classes: Sequence[str], what: str) -> tuple[NDArray[np.int64], list[str]]:
    """Labels as numbers, and the classes that there are, in the protocol's order.

    Raises
    ------
    CdmerError
        Fewer than two classes.
    """
    present = [name for name in classes if name in set(label.tolist())]
    if len(present) < 2:
        raise CdmerError(f"{what}: clips of at least two classes are needed to train", "check its emotions")
    number = {name: index for index, name in enumerate(present)}
    return np.array([number.get(str(name), -1) for name in label], np.int64), present


def save_weights(path: str | Path, trained: Sequence[Trained], training: Training, classes: Sequence[str]) -> None:
    """Write the weights of some rounds as safetensors: ``round1.<parameter>`` and so on; of none, an empty file."""
    from safetensors.torch import save

    tensors = {
        f"round{round_}.{name}": tensor.contiguous()
        for round_, one in enumerate(trained, start=1)
        for name, tensor in one.weights.items()
    }
    about = {
        "module": training.module,
        "network": training.network,
        "options": json.dumps(dict(training.options), default=str),
        "classes": " ".join(classes),
    }
    with whole_file(path) as partial:
        partial.write_bytes(_in_order(save(tensors, about)))  # `save_file` would make it readable to its owner alone


def _in_order(content: bytes) -> bytes:
    """The same file with its texts in alphabetical order: the library writes them in any, another each time."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    told = json.dumps(header, separators=(",", ":")).encode()
    told += b" " * (-len(told) % 8)
    return len(told).to_bytes(8, "little") + told + content[end:]


def saved_options(path: str | Path, about: Mapping[str, str]) -> dict[str, Any]:
    """The network's options, as `save_weights` wrote them beside the weights.

    Raises
    ------
    CdmerError
        They are no JSON, as older versions wrote them.
    """
    try:
        found: dict[str, Any] = json.loads(about.get("options", ""))
    except (ValueError, RecursionError) as error:
        raise CdmerError(f"{path} was written by an older version", "delete it, and run snakemake") from error
    return found
