"""SSSN and DSSN: the front of AlexNet, once or twice, and one dense layer.

Khor, See, Liong, Phan and Lin, "Dual-stream shallow networks for facial micro-expression recognition", ICIP 2019, and
its authors' code. SSSN reads one flow image; DSSN the flow's magnitude and the optical strain.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from cdmer.networks.losses import cross_entropy
from cdmer.networks.network import Batch, Dropout, Network, Recipe


class Front(nn.Sequential):
    """AlexNet up to its second pool: (N, 3, 227, 227) -> (N, 256, 15, 15)."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 96, 11, 4), nn.ReLU(), nn.MaxPool2d(3, 2), nn.LocalResponseNorm(5, 1e-4, 0.75),
            nn.ZeroPad2d(2), nn.Conv2d(96, 256, 5, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.LocalResponseNorm(5, 1e-4, 0.75), nn.ZeroPad2d(1),
        )  # fmt: skip


class SSSN(Network):
    """One front: the planes u, v and strain (N, 3, 28, 28), resized to 227 x 227.

    Parameters
    ----------
    n_classes
        Classes.
    dropout
        Before the dense layer.
    """

    title: ClassVar[str] = "SSSN"
    # the optimiser is not in the repository: a guess
    recipe: ClassVar[Recipe] = Recipe("sgd", 1e-3, epochs=100, quick_epochs=5, batch=32, momentum=0.9)
    fronts: ClassVar[int] = 1

    def __init__(
        self, n_classes: int = 3, dropout: float = 0.5, fusion: Literal["product", "sum", "concat"] = "product"
    ) -> None:
        super().__init__()
        self.shape = (3, 28, 28)
        self.fusion = fusion
        self.streams = nn.ModuleList(Front() for _ in range(self.fronts))
        width = 57600 * (self.fronts if fusion == "concat" else 1)
        self.dropout = Dropout(dropout)
        self.output = nn.Linear(width, n_classes)

    def images(self, x: Tensor) -> list[Tensor]:
        """What each front sees, (N, 3, H, W)."""
        return [x]

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of planes (N, 3, 28, 28): u, v, optical strain."""
        found = [
            front(_resized(_ranged(image))).flatten(-3)
            for front, image in zip(self.streams, self.images(x), strict=True)
        ]
        joined = found[0]
        for other in found[1:]:
            if self.fusion == "concat":
                joined = torch.cat([joined, other], -1)
            else:
                joined = joined * other if self.fusion == "product" else joined + other
        return self.output(self.dropout(joined))  # type: ignore[no-any-return]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy."""
        return {"classification": cross_entropy(self(batch.source), batch.label, batch.weight)}


class DSSN(SSSN):
    """Two fronts, on the flow's magnitude and on the strain; their outputs are multiplied.

    Parameters
    ----------
    n_classes
        Classes.
    dropout
        Before the dense layer.
    fusion
        ``product``, the paper's best, ``sum`` or ``concat``.
    """

    title: ClassVar[str] = "DSSN"
    fronts: ClassVar[int] = 2

    def images(self, x: Tensor) -> list[Tensor]:
        """Magnitude and strain, each three times."""
        magnitude = (x[..., :1, :, :].square() + x[..., 1:2, :, :].square()).sqrt()
        return [torch.cat([plane] * 3, -3) for plane in (magnitude, x[..., 2:3, :, :])]


def _ranged(x: Tensor) -> Tensor:
    low, high = x.amin((-2, -1), keepdim=True), x.amax((-2, -1), keepdim=True)
    return (x - low) / (high - low).clamp_min(1e-8)


def _resized(x: Tensor) -> Tensor:
    lead = x.shape[:-3]
    x = nn.functional.interpolate(x.flatten(0, -4), (227, 227), mode="bilinear", align_corners=False)
    return x.view(*lead, *x.shape[-3:])
