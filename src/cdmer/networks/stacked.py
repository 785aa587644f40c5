"""Many networks of one build as one: every layer holds the weights of all, with the axis of trainings in front.

Networks count their axes from the last, so that only their layers change: a stacked convolution is a grouped one, a
stacked linear layer a batched product of matrices. Samples are (trainings, N, ...).
"""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from cdmer.networks.network import ClassFactors
from cdmer.networks.scaling import Scaling

_CONVOLUTIONS = {nn.Conv2d: nn.functional.conv2d, nn.Conv3d: nn.functional.conv3d}
_BY_SAMPLE = (nn.MaxPool2d, nn.AvgPool2d, nn.MaxPool3d, nn.AvgPool3d, nn.AdaptiveAvgPool2d, nn.LocalResponseNorm)


def stack(networks: Sequence[nn.Module]) -> nn.Module:
    """One module that does to samples (trainings, N, ...) what each network does to its own (N, ...).

    Raises
    ------
    TypeError
        A network has parameters in a layer that is not known here.
    """
    return _stacked([copy.deepcopy(network) for network in networks])


def unstack(stacked: nn.Module, index: int) -> dict[str, Tensor]:
    """The state of one of the networks, under the names that it has by itself."""
    found = {}
    for name, tensor in stacked.state_dict().items():
        own = tensor[index]
        layer = stacked.get_submodule(name.rpartition(".")[0]) if "." in name else stacked
        found[name] = (own[0] if isinstance(layer, Scaling) else own).clone()
    return found


def _stacked(layers: list[nn.Module]) -> nn.Module:  # noqa: PLR0911 a case a kind of layer
    first = layers[0]
    if type(first) in _CONVOLUTIONS:
        return StackedConvolution(layers)
    if isinstance(first, nn.Linear):
        return StackedLinear(layers)
    if isinstance(first, nn.BatchNorm2d | nn.BatchNorm3d):
        return StackedBatchNorm(layers)
    if isinstance(first, nn.PReLU):
        return StackedPReLU(layers)
    if isinstance(first, _BY_SAMPLE):
        return BySample(first)
    if isinstance(first, Scaling):  # broadcasts over (trainings, N)
        first.shift = torch.stack([layer.shift for layer in layers])[:, None]  # type: ignore[misc]
        first.scale = torch.stack([layer.scale for layer in layers])[:, None]  # type: ignore[misc]
        return first
    if isinstance(first, ClassFactors):
        first.value = torch.stack([layer.value for layer in layers])  # type: ignore[misc]
        return first
    own = [*first.named_parameters(recurse=False), *first.named_buffers(recurse=False)]
    if own:
        raise TypeError(f"{type(first).__name__} cannot be stacked: its {own[0][0]} is in no known layer")
    for name in [name for name, _ in first.named_children()]:
        setattr(first, name, _stacked([layer.get_submodule(name) for layer in layers]))
    return first


def _joined(layers: Sequence[nn.Module], name: str) -> nn.Parameter | None:
    values = [getattr(layer, name) for layer in layers]
    if values[0] is None:
        return None
    return nn.Parameter(torch.stack([value.detach() for value in values]), requires_grad=values[0].requires_grad)


class StackedConvolution(nn.Module):
    """Convolutions of equal build as one grouped convolution."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.first = [layers[0]]  # in a list, so that its own weights are no part of this module
        self.convolve: Callable[..., Tensor] = _CONVOLUTIONS[type(layers[0])]  # type: ignore[index]
        self.weight, self.bias = _joined(layers, "weight"), _joined(layers, "bias")

    def forward(self, x: Tensor) -> Tensor:
        """(trainings, N, C, ...) -> (trainings, N, filters, ...)."""
        trainings, samples, *rest = x.shape
        first, weight = self.first[0], self.weight
        assert weight is not None
        side_by_side = x.transpose(0, 1).reshape(samples, trainings * rest[0], *rest[1:])
        bias = None if self.bias is None else self.bias.flatten()
        out = self.convolve(
            side_by_side, weight.flatten(0, 1), bias, first.stride, first.padding, first.dilation,
            trainings * int(first.groups),  # type: ignore[arg-type]
        )  # fmt: skip
        return out.view(samples, trainings, weight.shape[1], *out.shape[2:]).transpose(0, 1)


class StackedLinear(nn.Module):
    """Linear layers as one batched product of matrices."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.weight, self.bias = _joined(layers, "weight"), _joined(layers, "bias")

    def forward(self, x: Tensor) -> Tensor:
        """(trainings, N, ..., inputs) -> (trainings, N, ..., outputs)."""
        assert self.weight is not None
        rows = x.reshape(len(x), -1, x.shape[-1])
        out = torch.bmm(rows, self.weight.transpose(1, 2))
        if self.bias is not None:
            out = out + self.bias[:, None]
        return out.view(*x.shape[:-1], -1)


class StackedPReLU(nn.Module):
    """PReLU with a slope a channel."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.weight = _joined(layers, "weight")

    def forward(self, x: Tensor) -> Tensor:
        """(trainings, N, C, ...)."""
        assert self.weight is not None
        slope = self.weight.view(len(x), 1, -1, *(1,) * (x.dim() - 3))
        return torch.where(x > 0, x, slope * x)


class BySample(nn.Module):
    """A layer without weights that treats each sample by itself."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """(trainings, N, ...)."""
        out = self.layer(x.flatten(0, 1))
        return out.view(*x.shape[:2], *out.shape[1:])  # type: ignore[no-any-return]


class StackedBatchNorm(nn.Module):
    """Batch normalisation whose statistics leave out samples of weight 0.

    Attributes
    ----------
    weights_of_samples
        Set before each step: (trainings, N) of the source's samples, then of the target's. A network passes them one
        after the other, in this order.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.eps, self.momentum = float(layers[0].eps), float(layers[0].momentum)  # type: ignore[arg-type]
        self.weight, self.bias = _joined(layers, "weight"), _joined(layers, "bias")
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, torch.stack([getattr(layer, name) for layer in layers]))
        self.weights_of_samples: list[Tensor] = []
        self.running_mean: Tensor
        self.running_var: Tensor
        self.num_batches_tracked: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """(trainings, N, C, ...)."""
        if self.training:
            mean, variance = self._statistics(x)
        else:
            mean, variance = self.running_mean, self.running_var
        each = (len(x), 1, -1, *(1,) * (x.dim() - 3))
        factor = torch.rsqrt(variance + self.eps)
        shift = -mean * factor
        if self.weight is not None and self.bias is not None:
            factor, shift = factor * self.weight, shift * self.weight + self.bias
        return x * factor.view(each) + shift.view(each)

    def _statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        weight = self.weights_of_samples.pop(0)
        axes = (1, *range(3, x.dim()))
        places = x[0, 0, 0].numel()
        count = weight.sum(1, keepdim=True) * places
        each = weight.view(*weight.shape, *(1,) * (x.dim() - 2))
        mean = (x * each).sum(axes) / count.clamp_min(1)
        centred = (x - mean.view(len(x), 1, -1, *(1,) * (x.dim() - 3))) * each
        variance = centred.square().sum(axes) / count.clamp_min(1)
        with torch.no_grad():
            momentum = self.momentum * (count > 0)
            unbiased = variance * count / (count - 1).clamp_min(1)
            self.running_mean += momentum * (mean - self.running_mean)
            self.running_var += momentum * (unbiased - self.running_var)
            self.num_batches_tracked += (count[:, 0] > 0).long()
        return mean, variance
