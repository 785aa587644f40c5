"""What all networks share: how they are called, how they are trained, what they are given.

A network is a plain torch module: `forward` takes samples (N, ...) and returns logits (N, classes). Everything inside
counts its axes from the last one, so that the same code serves many trainings at once, with one more axis in front
(`cdmer.networks.stacked`). Source and target samples pass the layers one after the other, the source first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from cdmer.networks.randomness import kept

Budget = Literal["quick", "paper"]


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters of a training; each network says where its own come from.

    Attributes
    ----------
    optimizer
        ``sgd`` or ``adam``.
    rate
        Learning rate of the first epoch.
    momentum, nesterov
        Of SGD.
    betas
        Of Adam.
    weight_decay
        Factor of the weights that is added to their gradient.
    decay_every, quick_decay_every, decay_by, least_rate
        The rate is multiplied by `decay_by` every `decay_every` epochs (0: never), with ``budget: quick`` every
        `quick_decay_every` where it is another (0: the same), and stays above `least_rate`.
    step_decay
        Keras' ``decay``: at step t the rate is divided by 1 + t * `step_decay`.
    batch, quick_batch
        Samples of each domain in a step, and with ``budget: quick`` where it is another (0: the same): a few epochs of
        a few clips are no training at all if each is one step.
    samples
        Samples of an epoch, drawn anew for each; 0: all.
    variants
        How often an epoch has each sample, every time altered anew, where a paper multiplies its samples by
        augmentation; with ``budget: quick`` once.
    epochs, quick_epochs
        Epochs with ``budget: paper``, and with ``budget: quick``.
    """

    optimizer: Literal["sgd", "adam"]
    rate: float
    epochs: int
    quick_epochs: int
    batch: int = 32
    quick_batch: int = 0
    momentum: float = 0.0
    nesterov: bool = False
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    decay_every: int = 0
    quick_decay_every: int = 0
    decay_by: float = 0.1
    least_rate: float = 0.0
    step_decay: float = 0.0
    samples: int = 0
    variants: int = 1

    def rate_at(self, epoch: int, step: int) -> float:
        """The learning rate of an epoch (from 0) and of a step (from 0, counted over all epochs)."""
        rate = self.rate / (1 + step * self.step_decay)
        if self.decay_every:
            rate *= self.decay_by ** (epoch // self.decay_every)
        return max(rate, self.least_rate)

    def n_epochs(self, budget: Budget) -> int:
        """Epochs of a training."""
        return self.epochs if budget == "paper" else self.quick_epochs

    def of_budget(self, budget: Budget) -> "Recipe":
        """The recipe with a budget's batch, variants and steps of the rate."""
        if budget == "paper":
            return self
        every = self.quick_decay_every or self.decay_every
        return replace(self, batch=self.quick_batch or self.batch, variants=1, decay_every=every)

    def changed(self, **values: Any) -> "Recipe":
        """The recipe with other values; None changes nothing. Without momentum there is none of Nesterov's."""
        found = replace(self, **{name: value for name, value in values.items() if value is not None})
        return found if found.momentum else replace(found, nesterov=False)


class Batch(NamedTuple):
    """One step's samples; in a stacked network every tensor has the axis of trainings in front.

    Attributes
    ----------
    source
        (N, ...) samples with labels.
    label
        (N,) int64.
    weight
        (N,) 1, or 0 for a sample that only fills the batch up.
    target, target_weight
        (M, ...) samples without labels and (M,) their weights; None for a network that does not adapt.
    progress
        Share of the training that is over, 0 to 1.
    """

    source: Tensor
    label: Tensor
    weight: Tensor
    target: Tensor | None = None
    target_weight: Tensor | None = None
    progress: float = 0.0

    def domains(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Source, target and their weights, for networks that need both."""
        if self.target is None or self.target_weight is None:
            raise ValueError("the batch has samples of one domain only; this network needs source and target")
        return self.source, self.target, self.weight, self.target_weight


class Network(nn.Module):
    """Base of the networks.

    Attributes
    ----------
    title
        The paper's name, as tables show it.
    recipe
        How it is trained by default.
    adapts
        Whether training needs samples of the target domain.
    draws
        Random numbers that `augment` takes for each sample; 0: no augmentation.
    approximate
        Whether public facts do not settle the network's sizes.
    stackable
        Whether `cdmer.networks.stacked` knows all its layers.
    channels_last
        Whether a CPU is given its samples with the channels last in memory, which most convolutions are fastest with.
    shape
        (channels, [frames,] height, width) of a sample.
    """

    title: ClassVar[str]
    recipe: ClassVar[Recipe]
    adapts: bool = False
    draws: int = 0
    approximate: ClassVar[bool] = False
    stackable: ClassVar[bool] = True
    channels_last: ClassVar[bool] = True
    shape: tuple[int, ...]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The weighted terms whose sum is minimised, each of shape (), or (trainings,) where stacked."""
        raise NotImplementedError

    def prepare(self, X: Tensor) -> None:
        """Set the buffers that scale the input, from the labelled training samples (n, ...)."""

    def see_classes(self, counts: Tensor) -> None:
        """Take note of how many labelled training samples each class has (classes,), before training."""

    def prior_network(self) -> "Network | None":
        """The untrained network that learns on pairs first, and whose `core` this one starts from, if any."""
        return None

    def rate_factor(self, name: str) -> float:
        """Factor of the learning rate of a parameter; 0: it is not learnt."""
        return 1.0

    def augment(self, x: Tensor, draws: Tensor) -> Tensor:
        """Samples (..., N, *shape) altered by their random numbers (..., N, draws), uniform in [0, 1)."""
        return x


class Dropout(nn.Module):
    """Dropout whose zeros depend on the training's key, the step and the layer alone (`cdmer.networks.randomness`).

    Source and target pass it one after the other, so that how many samples the one has is nothing to the other.
    Used by itself, without a training, it draws from torch's generator as `torch.nn.Dropout` does.

    Parameters
    ----------
    p
        Probability of a zero, rounded to 1/65536.
    trailing
        Axes of one sample's activation, e.g. 1 for vectors and 3 for images.
    """

    def __init__(self, p: float, trailing: int = 1) -> None:
        super().__init__()
        self.p = p
        self.trailing = trailing
        self.streams: Tensor | None = None  # (trainings,) set by the training before each step
        self.calls = 0  # since then

    def forward(self, x: Tensor) -> Tensor:
        """Zero some entries of x (..., N, *trailing) and divide the others by 1 - p, in training."""
        if not self.training or self.p == 0:
            return x
        if self.streams is None:
            return nn.functional.dropout(x, self.p)
        stacked = x.dim() == self.trailing + 2
        self.calls += 1
        mask = kept(self.streams + self.calls * 0x3779B9, 1 - self.p, *(x.shape[1:] if stacked else x.shape))
        return x * ((mask if stacked else mask[0]).to(x.dtype) / (1 - self.p))

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class ClassFactors(nn.Module):
    """A number for each class, of each training its own, that is not learnt: (classes,), or (trainings, classes)."""

    def __init__(self, values: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("value", torch.tensor(values))
        self.value: Tensor

    def forward(self) -> Tensor:
        """The numbers."""
        return self.value


def count_parameters(network: nn.Module) -> int:
    """Weights and biases that are learnt."""
    return sum(parameter.numel() for parameter in network.parameters())
