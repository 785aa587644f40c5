"""Scaling of a network's input, part of the network so that its weights alone suffice for prediction."""

from typing import Literal

import torch
from torch import Tensor, nn

Scale = Literal["unit", "sample", "deviation", "standard"]


class Scaling(nn.Module):
    """Bring the channels of a sample into a range that a network can learn from.

    8-bit samples are divided by 255 first, whatever the mode.

    Parameters
    ----------
    channels
        Number of channels.
    mode
        ``unit``: nothing more. ``sample``: each channel of each sample from its least to its greatest value onto 0 to
        1, as the 8-bit flow images of the field are made. ``deviation``: each channel divided by the root of its mean
        square over the training samples; a flow of 0 stays 0. ``standard``: its mean over the training samples
        subtracted first.
    space
        Axes after the channels: 2 for images, 3 for clips.
    """

    def __init__(self, channels: int, mode: Scale, space: int = 2) -> None:
        super().__init__()
        self.mode = mode
        self.space = space
        self.done = False  # whether the samples come scaled already, as a training gives them
        self.register_buffer("shift", torch.zeros(channels, *(1,) * space))
        self.register_buffer("scale", torch.ones(channels, *(1,) * space))
        self.shift: Tensor
        self.scale: Tensor

    def prepare(self, X: Tensor) -> None:
        """Take mean and deviation from training samples (n, channels, ...)."""
        if self.of_each_sample:
            return
        X = _unit(X)
        axes = [axis for axis in range(X.dim()) if axis != X.dim() - self.space - 1]
        mean = X.mean(axes) if self.mode == "standard" else torch.zeros(len(self.shift), device=X.device)
        centred = X - mean.view(-1, *(1,) * self.space)
        self.shift = mean.view(self.shift.shape)
        self.scale = centred.square().mean(axes).sqrt().clamp_min(1e-8).view(self.scale.shape)

    @property
    def of_each_sample(self) -> bool:
        """Whether a sample's scale is a matter of that sample alone."""
        return self.mode in ("unit", "sample")

    def forward(self, x: Tensor) -> Tensor:
        """Samples (..., channels, [frames,] height, width), scaled."""
        if self.done:
            return x
        x = _unit(x)
        if self.mode == "sample":
            space = tuple(range(-self.space, 0))
            low, high = x.amin(space, keepdim=True), x.amax(space, keepdim=True)
            return (x - low) / (high - low).clamp_min(1e-8)
        return x if self.mode == "unit" else (x - self.shift) / self.scale

    def extra_repr(self) -> str:
        """The mode."""
        return self.mode


def _unit(x: Tensor) -> Tensor:
    return x.float() / 255 if x.dtype == torch.uint8 else x
