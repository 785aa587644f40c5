"""OFF-ApexNet: two small streams on the horizontal and the vertical flow of onset to apex.

Gan, Liong, Yau, Huang and Tan, "OFF-ApexNet on micro-expression recognition system", Signal Processing: Image
Communication 74, 2019.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from cdmer.networks.dense import Dense
from cdmer.networks.losses import cross_entropy
from cdmer.networks.network import Batch, Dropout, Network, Recipe
from cdmer.networks.scaling import Scale, Scaling


class Stream(nn.Sequential):
    """(N, 1, 28, 28) -> (N, 16, 7, 7)."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip


class OFFApexNet(Network):
    """Both streams, two layers of 1024 units, softmax.

    Parameters
    ----------
    n_classes
        Classes.
    dropout
        After each layer of 1024 units (0.5 in a public re-implementation; the paper's is not public).
    scaling
        How u and v are scaled (`Scaling`).
    """

    title: ClassVar[str] = "OFF-ApexNet"
    # Adam and its rate: a public re-implementation, which trains for up to 3000 epochs
    recipe: ClassVar[Recipe] = Recipe("adam", 1e-4, epochs=300, quick_epochs=100, batch=32)

    def __init__(self, n_classes: int = 3, dropout: float = 0.5, scaling: Scale = "sample") -> None:
        super().__init__()
        self.shape = (2, 28, 28)
        self.scaling = Scaling(2, scaling)
        self.horizontal, self.vertical = Stream(), Stream()
        self.first, self.second = Dense(1568, 1024), Dense(1024, 1024)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        self.output = nn.Linear(1024, n_classes)

    def prepare(self, X: Tensor) -> None:
        """Set the scale of u and v."""
        self.scaling.prepare(X[:, :2])

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of flows (N, 2 or more, 28, 28): u, v; further channels are not read."""
        x = self.scaling(x[..., :2, :, :])
        u, v = self.horizontal(x[..., :1, :, :]), self.vertical(x[..., 1:, :, :])
        joined = torch.cat([u.flatten(-3), v.flatten(-3)], -1)
        hidden = self.dropout2(self.second(self.dropout1(self.first(joined).relu())).relu())
        return self.output(hidden)  # type: ignore[no-any-return]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy."""
        return {"classification": cross_entropy(self(batch.source), batch.label, batch.weight)}
