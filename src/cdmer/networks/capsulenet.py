"""CapsuleNet: capsules with dynamic routing on the apex frame.

Quang, Chun and Tokuyama, "CapsuleNet for micro-expression recognition", FG 2019, and its authors' code. Their code also
turns test images at random and keeps the epoch with the best test score; neither is done here.
"""

from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from cdmer.networks.augmentation import flip_and_rotate
from cdmer.networks.losses import weighted_mean
from cdmer.networks.network import Batch, Network, Recipe
from cdmer.networks.pretrained import load_pretrained
from cdmer.networks.residual import ResNet18
from cdmer.networks.scaling import Scaling


def squash(s: Tensor) -> Tensor:
    """Shorten vectors to a length below 1: |s|² / (1 + |s|²) s / |s|."""
    squared = s.square().sum(-1, keepdim=True)
    return squared / (1 + squared) * s / (squared + 1e-12).sqrt()


class CapsuleNet(Network):
    """ResNet-18's first three stages, primary capsules, one capsule a class; its length is the score.

    Parameters
    ----------
    n_classes
        Classes.
    weights
        A file of ResNet-18's ImageNet weights; None starts from noise.
    routings
        Iterations of the routing; the gradient goes through the last alone.
    margins
        Length that the true class should have, and that the others should not exceed (0.9, 0.1 in the classic).
    """

    title: ClassVar[str] = "CapsuleNet"
    recipe: ClassVar[Recipe] = Recipe("adam", 1e-4, epochs=30, quick_epochs=3, batch=32, decay_every=1, decay_by=0.9)
    stackable: ClassVar[bool] = False
    draws = 2

    def __init__(
        self,
        n_classes: int = 3,
        weights: str | Path | None = None,
        routings: int = 3,
        margins: tuple[float, float] = (0.99, 0.01),
    ) -> None:
        super().__init__()
        self.shape = (3, 224, 224)
        self.n_classes, self.routings, self.margins = n_classes, routings, margins
        self.scaling = Scaling(3, "unit")
        self.trunk = ResNet18(stages=3, max_pool=False)
        if weights is not None:
            load_pretrained(self.trunk, weights, ())
        self.convolution = nn.Conv2d(256, 256, 9)
        self.primary = nn.Conv2d(256, 256, 9, 2)  # 32 kinds of capsules of 8
        self.transform = nn.Parameter(0.01 * torch.randn(n_classes, 6 * 6 * 32, 16, 8))

    def capsules(self, x: Tensor) -> Tensor:
        """The classes' capsules (N, classes, 16) of images (N, 3, 224, 224)."""
        x = self.primary(self.convolution(self.trunk(self.scaling(x))).relu())
        n = len(x)
        primary = squash(x.view(n, 32, 8, 36).permute(0, 1, 3, 2).reshape(n, 32 * 36, 8))
        votes = torch.einsum("kpij,npj->nkpi", self.transform, primary)
        fixed = votes.detach()
        agreement = torch.zeros(n, self.n_classes, 32 * 36, device=x.device)
        for _ in range(self.routings - 1):
            capsules = squash((agreement.softmax(1)[..., None] * fixed).sum(2))
            agreement = agreement + torch.einsum("nki,nkpi->nkp", capsules, fixed)
        return squash((agreement.softmax(1)[..., None] * votes).sum(2))

    def forward(self, x: Tensor) -> Tensor:
        """Lengths of the classes' capsules (N, classes); they are scores, not logits."""
        return torch.linalg.vector_norm(self.capsules(x), dim=-1)  # type: ignore[no-any-return]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Margin loss."""
        length = self(batch.source)
        truth = nn.functional.one_hot(batch.label, self.n_classes).to(length.dtype)
        long, short = self.margins
        each = truth * (long - length).clamp_min(0) ** 2 + 0.5 * (1 - truth) * (length - short).clamp_min(0) ** 2
        return {"margin": weighted_mean(each.sum(-1), batch.weight)}

    def augment(self, x: Tensor, draws: Tensor) -> Tensor:
        """Flipped or not, and turned by up to 8 degrees; the code's colour jitter and crop are left out."""
        return flip_and_rotate(x, draws[..., 0] < 0.5, (2 * draws[..., 1] - 1) * 8)
