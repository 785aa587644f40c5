"""Micro-attention: a small residual network whose stages attend to what their own layers show.

Wang, Peng, Bi and Chen, "Micro-attention for micro-expression recognition", Neurocomputing 2020 (arXiv 2018), and its
authors' Caffe model.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from cdmer.networks.losses import cross_entropy
from cdmer.networks.network import Batch, Network, Recipe
from cdmer.networks.scaling import Scaling

WIDTHS = (64, 128, 256, 512)


class AttentiveStage(nn.Module):
    """A residual unit and its attention: out = sum + mask * sum."""

    def __init__(self, before: int, after: int, stride: int, normalise: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(before) if normalise else None
        self.shortcut = nn.Conv2d(before, after, 1, stride, bias=False) if stride > 1 or before != after else None
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.attention = nn.Conv2d(3 * after, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, after, H / stride, W / stride)."""
        if self.norm is not None:
            x = self.norm(x).relu()
        shortcut = x if self.shortcut is None else self.shortcut(x)
        first = self.conv1(x)
        second = self.conv2(self.norm1(first).relu())
        mask = self.attention(torch.cat([shortcut, first, second], -3)).mean(-3, keepdim=True).sigmoid()
        total = shortcut + second
        return total + mask * total  # type: ignore[no-any-return]


class MicroAttention(Network):
    """ResNet-10 with an attention in each stage, on the grey apex frame.

    Parameters
    ----------
    n_classes
        Classes.
    """

    title: ClassVar[str] = "MicroAttention"
    # a secondary source: 1e-3, momentum 0.9, weight decay 5e-4, a tenth every 10 epochs, batch 10
    recipe: ClassVar[Recipe] = Recipe(
        "sgd", 1e-3, epochs=40, quick_epochs=3, batch=10, momentum=0.9, weight_decay=5e-4, decay_every=10
    )

    def __init__(self, n_classes: int = 3) -> None:
        super().__init__()
        self.shape = (1, 224, 224)
        self.scaling = Scaling(1, "standard")
        self.data_norm = nn.BatchNorm2d(1)
        self.conv = nn.Conv2d(1, 64, 7, 2, 3, bias=False)
        self.norm = nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        befores = (64, *WIDTHS[:-1])
        self.stages = nn.Sequential(
            *(
                AttentiveStage(before, after, 1 if place == 0 else 2, place > 0)
                for place, (before, after) in enumerate(zip(befores, WIDTHS, strict=True))
            )
        )
        self.last_norm = nn.BatchNorm2d(512)
        self.output = nn.Linear(512, n_classes)

    def prepare(self, X: Tensor) -> None:
        """Set the scale of the frames."""
        self.scaling.prepare(X)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of grey frames (N, 1, 224, 224)."""
        x = self.norm(self.conv(self.data_norm(self.scaling(x)))).relu()
        x = self.last_norm(self.stages(self.pool(x))).relu()
        return self.output(x.mean((-2, -1)))  # type: ignore[no-any-return]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy."""
        return {"classification": cross_entropy(self(batch.source), batch.label, batch.weight)}
