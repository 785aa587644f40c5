"""C3D: eight convolutions in space and time, whose dense layers serve as features.

Tran, Bourdev, Fergus, Torresani and Paluri, "Learning spatiotemporal features with 3D convolutional networks", ICCV
2015. The rows C3D-FC1 and C3D-FC2 of the benchmark are a linear machine on what `features` returns, with weights from
Sports-1M or UCF-101; without such a file there is no such row.
"""

from pathlib import Path
from typing import ClassVar

from torch import Tensor, nn

from cdmer.networks.losses import cross_entropy
from cdmer.networks.network import Batch, Dropout, Network, Recipe
from cdmer.networks.pretrained import load_pretrained
from cdmer.networks.scaling import Scaling


class C3D(Network):
    """Clips of 16 frames (N, 3, 16, 112, 112).

    Parameters
    ----------
    n_classes
        Classes.
    weights
        A file of weights; names are those of the layers here, ``conv1.weight`` to ``fc7.bias``.
    """

    title: ClassVar[str] = "C3D"
    recipe: ClassVar[Recipe] = Recipe("sgd", 3e-3, epochs=16, quick_epochs=1, batch=30, momentum=0.9)

    def __init__(self, n_classes: int = 3, weights: str | Path | None = None) -> None:
        super().__init__()
        self.shape = (3, 16, 112, 112)
        self.scaling = Scaling(3, "unit", space=3)
        before = 3
        for name, width in {
            "conv1": 64, "conv2": 128, "conv3a": 256, "conv3b": 256, "conv4a": 512, "conv4b": 512, "conv5a": 512,
            "conv5b": 512,
        }.items():  # fmt: skip
            setattr(self, name, nn.Conv3d(before, width, 3, padding=1))
            before = width
        self.pool1, self.pool = nn.MaxPool3d((1, 2, 2)), nn.MaxPool3d(2)
        self.pool5 = nn.MaxPool3d(2, padding=(0, 1, 1))
        self.fc6, self.fc7 = nn.Linear(8192, 4096), nn.Linear(4096, 4096)
        self.dropout6, self.dropout7 = Dropout(0.5), Dropout(0.5)
        if weights is not None:
            load_pretrained(self, weights, ("scaling.",))
        self.fc8 = nn.Linear(4096, n_classes)

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """FC1 and FC2 of the benchmark, each (N, 4096), after their ReLU."""
        layers = dict(self.named_children())
        x = self.pool1(layers["conv1"](self.scaling(x)).relu())
        x = self.pool(layers["conv2"](x).relu())
        for group in ("3", "4", "5"):
            x = layers[f"conv{group}b"](layers[f"conv{group}a"](x).relu()).relu()
            x = self.pool5(x) if group == "5" else self.pool(x)
        first = self.fc6(x.flatten(-4)).relu()
        return first, self.fc7(self.dropout6(first)).relu()

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        return self.fc8(self.dropout7(self.features(x)[1]))  # type: ignore[no-any-return]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy."""
        return {"classification": cross_entropy(self(batch.source), batch.label, batch.weight)}
