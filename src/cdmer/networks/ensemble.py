"""Several trainings of one network, side by side: the two ways of doing a step for all of them.

`Looped` keeps a network for each training and takes them in turn, or on several threads: on a CPU the activations of
one small network stay in the cache, which makes it the faster way there. `Stacked` does a step of all trainings in one
pass through stacked layers, which is what keeps a GPU busy. Both give what each training gives alone, to float
tolerance.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from cdmer.networks.network import Batch, Dropout, Network, Recipe
from cdmer.networks.optimizers import StackedOptimizer, optimizer_of
from cdmer.networks.randomness import stream
from cdmer.networks.stacked import StackedBatchNorm, stack, unstack

Item = TypeVar("Item")
Losses = list[dict[str, float] | None]


class Ensemble(ABC):
    """Trainings that go on together.

    Parameters
    ----------
    networks
        One a training, initialised and prepared.
    recipe
        How they are trained.
    """

    def __init__(self, networks: Sequence[Network], recipe: Recipe) -> None:
        self.networks = list(networks)
        self.recipe = recipe
        self.size = len(networks)

    @abstractmethod
    def step(self, batches: Sequence[Batch | None], rates: Sequence[float], keys: Sequence[int], place: int) -> Losses:
        """Take a step in every training that has a batch.

        Parameters
        ----------
        batches
            One a training; None where a training has no samples left in its epoch.
        rates
            Learning rates.
        keys
            Keys of the trainings (`cdmer.networks.randomness`).
        place
            Number of the step, from 0 over all epochs.

        Returns
        -------
        list
            The terms of each training's loss.
        """

    @abstractmethod
    def answer(self, samples: Sequence[Tensor]) -> list[Tensor]:
        """Logits (N, classes) of each training's network for its samples (N, ...), without dropout."""

    def each(self, function: Callable[[int], Item]) -> list[Item]:
        """What a function says of each training's number, e.g. its samples of a step."""
        return [function(index) for index in range(self.size)]

    @abstractmethod
    def weights(self, index: int) -> dict[str, Tensor]:
        """The state of one training's network, under the names that it has by itself."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint needs to go on: weights and the optimiser's state."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""


class Looped(Ensemble):
    """A network and an optimiser for each training, one after the other or on several threads."""

    def __init__(self, networks: Sequence[Network], recipe: Recipe, threads: int = 1) -> None:
        super().__init__(networks, recipe)
        self.optimizers = [optimizer_of(recipe, _groups(network, network)) for network in networks]
        self.dropouts = [_places(network, Dropout) for network in networks]
        threads = min(threads, self.size)
        self.pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def step(self, batches: Sequence[Batch | None], rates: Sequence[float], keys: Sequence[int], place: int) -> Losses:
        """As the base says."""

        def one(index: int) -> dict[str, float] | None:
            batch, network, optimizer = batches[index], self.networks[index], self.optimizers[index]
            if batch is None:
                return None
            for layer, dropout in enumerate(self.dropouts[index]):
                dropout.streams, dropout.calls = _streams([keys[index]], place, layer, batch.source.device), 0
            network.train()
            optimizer.zero_grad(set_to_none=True)
            terms = network.losses(batch)
            torch.stack([*terms.values()]).sum().backward()  # type: ignore[no-untyped-call]
            for group in optimizer.param_groups:
                group["lr"] = rates[index] * group["factor"]
            optimizer.step()
            return {name: float(term.detach()) for name, term in terms.items()}

        return self.each(one)

    def answer(self, samples: Sequence[Tensor]) -> list[Tensor]:
        """As the base says."""

        def one(index: int) -> Tensor:
            self.networks[index].eval()
            with torch.no_grad():
                return self.networks[index](samples[index])  # type: ignore[no-any-return]

        return self.each(one)

    def each(self, function: Callable[[int], Item]) -> list[Item]:
        """As the base says, on the engine's threads."""
        if self.pool is None:
            return super().each(function)
        reduced = torch.is_autocast_enabled("cpu")  # which each thread has for itself

        def one(index: int) -> Item:
            with torch.autocast("cpu", torch.bfloat16, enabled=reduced):
                return function(index)

        return list(self.pool.map(one, range(self.size)))

    def weights(self, index: int) -> dict[str, Tensor]:
        """As the base says."""
        return {name: tensor.detach().clone() for name, tensor in self.networks[index].state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """As the base says."""
        return {
            "networks": [network.state_dict() for network in self.networks],
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """As the base says."""
        for network, kept in zip(self.networks, state["networks"], strict=True):
            network.load_state_dict(kept)
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)


class Stacked(Ensemble):
    """All trainings in one pass through stacked layers."""

    def __init__(self, networks: Sequence[Network], recipe: Recipe) -> None:
        super().__init__(networks, recipe)
        plain = networks[0]
        self.network: nn.Module = stack(networks)
        self.optimizer = StackedOptimizer(recipe, _groups(self.network, plain))
        self.dropouts = _places(self.network, Dropout)
        self.norms = _places(self.network, StackedBatchNorm)

    def step(self, batches: Sequence[Batch | None], rates: Sequence[float], keys: Sequence[int], place: int) -> Losses:
        """As the base says."""
        batch = _side_by_side(batches)
        device = batch.source.device
        for layer, dropout in enumerate(self.dropouts):
            dropout.streams, dropout.calls = _streams(keys, place, layer, device), 0
        for norm in self.norms:
            norm.weights_of_samples = [batch.weight, *([] if batch.target_weight is None else [batch.target_weight])]
        self.network.train()
        self.optimizer.zero_grad()
        terms: dict[str, Tensor] = self.network.losses(batch)  # type: ignore[operator]
        torch.stack([*terms.values()]).sum().backward()  # type: ignore[no-untyped-call]
        active = torch.tensor([one is not None for one in batches], device=device)
        self.optimizer.step(torch.tensor(rates, device=device), active)
        values = {name: term.tolist() for name, term in terms.items()}
        return [
            None if one is None else {name: values[name][index] for name in values} for index, one in enumerate(batches)
        ]

    def answer(self, samples: Sequence[Tensor]) -> list[Tensor]:
        """As the base says."""
        self.network.eval()
        counts = [len(one) for one in samples]
        with torch.no_grad():
            logits = self.network(torch.stack([_filled(one, max(counts)) for one in samples]))
        return [one[:count] for one, count in zip(logits, counts, strict=True)]

    def weights(self, index: int) -> dict[str, Tensor]:
        """As the base says."""
        return unstack(self.network, index)

    def state_dict(self) -> dict[str, Any]:
        """As the base says."""
        return {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """As the base says."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])


def _groups(network: nn.Module, plain: Network) -> list[tuple[nn.Parameter, float]]:
    """Parameters that are learnt, and the factors of their learning rates, which the plain network names."""
    return [
        (parameter, plain.rate_factor(name))
        for name, parameter in network.named_parameters()
        if parameter.requires_grad and plain.rate_factor(name) > 0
    ]


def _places(network: nn.Module, kind: type[Any]) -> list[Any]:
    return [module for module in network.modules() if isinstance(module, kind)]


def _streams(keys: Sequence[int], place: int, layer: int, device: torch.device) -> Tensor:
    return torch.tensor([stream(key, place, layer) for key in keys], dtype=torch.int32, device=device)


def _side_by_side(batches: Sequence[Batch | None]) -> Batch:
    """Batches as one, filled up to the longest with samples of weight 0."""
    there = [batch for batch in batches if batch is not None]
    whole = [batch or _weightless(there[0]) for batch in batches]

    def joined(name: str) -> Tensor | None:
        parts = [getattr(batch, name) for batch in whole]
        if parts[0] is None:
            return None
        longest = max(len(part) for part in parts)
        return torch.stack([_filled(part, longest) for part in parts])

    tensors: Any = {name: joined(name) for name in ("source", "label", "weight", "target", "target_weight")}
    return Batch(**tensors, progress=there[0].progress)


def _weightless(batch: Batch) -> Batch:
    target_weight = None if batch.target_weight is None else torch.zeros_like(batch.target_weight)
    return batch._replace(weight=torch.zeros_like(batch.weight), target_weight=target_weight)


def _filled(samples: Tensor, count: int) -> Tensor:
    """Samples (N, ...) with zeros to make them `count`."""
    if len(samples) == count:
        return samples
    return torch.cat([samples, samples.new_zeros(count - len(samples), *samples.shape[1:])])
