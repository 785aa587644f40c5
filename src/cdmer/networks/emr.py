"""EMR: a residual network whose features should not tell one domain from the other.

Liu, Du, Zheng and Gedeon, "A neural micro-expression recognizer", FG 2019, and its authors' code. Their second domain
is macro-expressions with labels; here it is whatever target the protocol gives, without labels. Their code keeps the
epoch with the best test score, which is not done here.
"""

import math
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from cdmer.networks.losses import binary_cross_entropy, cross_entropy
from cdmer.networks.network import Batch, Dropout, Network, Recipe
from cdmer.networks.pretrained import load_pretrained
from cdmer.networks.residual import ResNet18
from cdmer.networks.scaling import Scaling


class _Reversal(torch.autograd.Function):
    """The identity; its gradient is turned round (Ganin and Lempitsky 2015)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, coefficient: float) -> Tensor:
        ctx.coefficient = coefficient
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return -ctx.coefficient * gradients[0], None


def reversal_coefficient(progress: float) -> float:
    """2 / (1 + exp(-10 p)) - 1, from 0 to 1 as the training goes on."""
    return 2 / (1 + math.exp(-10 * progress)) - 1


class EMR(Network):
    """ResNet-18; its last map's upper three and lower four rows are classified apart and together.

    Parameters
    ----------
    n_classes
        Classes.
    weights
        A file of weights for the trunk (the authors': faces); None starts from noise.
    """

    title: ClassVar[str] = "EMR"
    # trunk 1e-5, heads 1e-3 halved every 10 epochs, weight decay 1e-6, batch 32, 100 epochs: the authors' code
    recipe: ClassVar[Recipe] = Recipe(
        "adam", 1e-3, epochs=100, quick_epochs=3, batch=32, weight_decay=1e-6, decay_every=10, decay_by=0.5
    )
    stackable: ClassVar[bool] = False
    adapts = True

    def __init__(self, n_classes: int = 3, weights: str | Path | None = None) -> None:
        super().__init__()
        self.shape = (3, 224, 224)
        self.scaling = Scaling(3, "unit")
        self.trunk = ResNet18()
        if weights is not None:
            load_pretrained(self.trunk, weights, ())
        self.upper, self.lower = nn.Linear(512, 64), nn.Linear(512, 64)
        self.dropout = Dropout(0.1)
        self.both, self.of_upper, self.of_lower = (nn.Linear(width, n_classes) for width in (128, 64, 64))
        self.domain = nn.Sequential(
            nn.Linear(128, 64), nn.ReLU(), Dropout(0.5), nn.Linear(64, 32), nn.ReLU(), Dropout(0.5), nn.Linear(32, 1)
        )

    def rate_factor(self, name: str) -> float:
        """The trunk learns a hundred times slower than the heads."""
        return 0.01 if name.startswith("trunk.") else 1.0

    def features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of the upper and of the lower face, each (N, 64)."""
        found = self.trunk(self.scaling(x) * 2 - 1)
        upper, lower = found[..., :3, :].mean((-2, -1)), found[..., 3:, :].mean((-2, -1))
        return self.dropout(self.upper(upper).tanh()), self.dropout(self.lower(lower).tanh())

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of flow pictures (N, 3, 224, 224)."""
        return self.both(torch.cat(self.features(x), -1))  # type: ignore[no-any-return]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Three classifications of the source, and the domain's, whose gradient the trunk sees reversed."""
        xs, xt, ws, wt = batch.domains()
        source, target = self.features(xs), self.features(xt)
        heads = {
            "both": self.both(torch.cat(source, -1)),
            "upper": self.of_upper(source[0]),
            "lower": self.of_lower(source[1]),
        }
        terms = {name: cross_entropy(logits, batch.label, ws) for name, logits in heads.items()}
        coefficient = reversal_coefficient(batch.progress)
        joined = _Reversal.apply(torch.cat([torch.cat(source, -1), torch.cat(target, -1)], -2), coefficient)  # type: ignore[no-untyped-call]
        truth = torch.cat([torch.ones_like(ws), torch.zeros_like(wt)], -1)
        logits = self.domain(joined)[..., 0]
        return terms | {"domain": binary_cross_entropy(logits, truth, torch.cat([ws, wt], -1))}
