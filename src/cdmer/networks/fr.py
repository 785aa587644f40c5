"""FR, its ablations, and the Dual-Inception network that they stand on.

Two streams of Inception blocks read the horizontal and the vertical flow of onset to apex. FR puts an attention and a
detector of its own on every expression and classifies the sum of what they let through.

Seed paper: the feature refinement network (Eqs. 2 to 8, Table 7); Dual-Inception: Zhou, Mao and Xue, "Dual-Inception
network for cross-database micro-expression recognition", FG 2019, and its authors' code.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from cdmer.networks.dense import Dense
from cdmer.networks.losses import binary_cross_entropy, cross_entropy
from cdmer.networks.network import Batch, Dropout, Network, Recipe
from cdmer.networks.scaling import Scale, Scaling

# widths: detector's hidden layer, detector's outputs, classifier's hidden layer
PRESETS = {"fr_natural": (128, 1, 256), "fr_table7": (128, 2, 245)}


class Inception(nn.Module):
    """Four branches of `width` filters, side by side: (N, channels, H, W) -> (N, 4 width, H, W)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(channels, width, 1)
        self.three = nn.Sequential(
            nn.Conv2d(channels, width, 1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.ReLU()
        )
        self.five = nn.Sequential(
            nn.Conv2d(channels, width, 1), nn.ReLU(), nn.Conv2d(width, width, 5, padding=2), nn.ReLU()
        )
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(channels, width, 1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """All branches, concatenated."""
        return torch.cat([self.one(x).relu(), self.three(x), self.five(x), self.pool(x)], -3)


class InceptionStream(nn.Sequential):
    """One stream: (N, channels, 28, 28) -> (N, 64, 7, 7)."""

    def __init__(self, channels: int) -> None:
        super().__init__(Inception(channels, 6), nn.MaxPool2d(2), Inception(24, 16), nn.MaxPool2d(2))


class Trunk(nn.Module):
    """Both streams and the layer that joins them: (N, 2, 28, 28) -> (N, width)."""

    def __init__(self, channels: int, width: int, scaling: Scale) -> None:
        super().__init__()
        self.channels = channels
        self.scaling = Scaling(2, scaling)
        self.horizontal = InceptionStream(channels)
        self.vertical = InceptionStream(channels)
        self.dense = Dense(6272, width)

    def forward(self, x: Tensor) -> Tensor:
        """The features z, after a ReLU."""
        x = self.scaling(x[..., :2, :, :])
        u, v = x[..., :1, :, :], x[..., 1:, :, :]
        if self.channels > 1:  # the authors' images repeat the one component in three channels
            u, v = (torch.cat([part] * self.channels, -3) for part in (u, v))
        joined = torch.cat([self.horizontal(u).flatten(-3), self.vertical(v).flatten(-3)], -1)
        return self.dense(joined).relu()  # type: ignore[no-any-return]


class DualInception(Network):
    """Two Inception streams, 1024 units, softmax.

    Parameters
    ----------
    n_classes
        Classes.
    channels
        Of each stream: 1, or 3 as the authors' code has it, which repeats the one component.
    scaling
        How u and v are scaled (`Scaling`).
    """

    title: ClassVar[str] = "Dual-Inception"
    # Adam, 1e-4, batch 3, 40 epochs: the authors' code
    recipe: ClassVar[Recipe] = Recipe("adam", 1e-4, epochs=40, quick_epochs=15, batch=3)
    width: ClassVar[int] = 1024  # of the shared features

    def __init__(self, n_classes: int = 3, channels: int = 1, scaling: Scale = "standard") -> None:
        super().__init__()
        self.shape = (2, 28, 28)
        self.trunk = Trunk(channels, self.width, scaling)
        self.output = nn.Linear(self.width, n_classes)

    def prepare(self, X: Tensor) -> None:
        """Set the scale of u and v."""
        self.trunk.scaling.prepare(X[:, :2])

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of flows (N, 2 or more, 28, 28): u, v; further channels are not read."""
        return self.output(self.trunk(x))  # type: ignore[no-any-return]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy."""
        return {"classification": cross_entropy(self(batch.source), batch.label, batch.weight)}


class BasicInception(DualInception):
    """FR's ablation without expression-specific features: Dual-Inception on spotted or annotated apexes.

    The difference is the frames that the flow is computed from, and the training.
    """

    title: ClassVar[str] = "Basic Inception"
    recipe: ClassVar[Recipe] = Recipe("adam", 1e-4, epochs=40, quick_epochs=40, batch=32)


class FR(Network):
    """Feature refinement: attention and detector for each expression, then classification of their sum.

    Parameters
    ----------
    n_classes
        Classes.
    preset
        ``fr_natural``: round widths; ``fr_table7``: those that give the published parameter counts, a numerical match.
    gate
        ``softmax``: attention over the features (Eq. 2); ``fc``: a fully connected layer in its place.
    fusion
        ``sum`` (Eq. 6) or ``concat``.
    attention_scale
        ``width``: attentions multiplied by the number of features, so that they are about 1 at first; ``none``: as
        printed, about 1/1024, with which it hardly learns (docs/networks.md).
    weight
        Of the detectors' loss (lambda = 0.85 in the paper).
    channels, scaling
        As for `DualInception`.
    """

    title: ClassVar[str] = "FR"
    # The paper's batch. Its rates (0.001 without momentum, 0.0005 with 0.8) are those of an optimiser that it does not
    # name, and its epochs are not given: docs/networks.md tells how these were chosen, on inner folds of training
    # subjects.
    recipe: ClassVar[Recipe] = Recipe("adam", 1e-4, epochs=100, quick_epochs=40, batch=32)
    width: ClassVar[int] = 1024  # of the shared features

    def __init__(
        self,
        n_classes: int = 3,
        preset: Literal["fr_natural", "fr_table7"] = "fr_natural",
        gate: Literal["softmax", "fc"] = "softmax",
        fusion: Literal["sum", "concat"] = "sum",
        attention_scale: Literal["none", "width"] = "width",
        weight: float = 0.85,
        dropout: float = 0.5,
        channels: int = 1,
        scaling: Scale = "standard",
    ) -> None:
        super().__init__()
        width = self.width
        hidden, outputs, classifier = PRESETS[preset]
        self.shape = (2, 28, 28)
        self.gate, self.fusion, self.weight = gate, fusion, weight
        self.attention_scale = float(width) if attention_scale == "width" else 1.0
        self.trunk = Trunk(channels, width, scaling)
        self.attentions = nn.ModuleList(Dense(width, width) for _ in range(n_classes))
        self.detectors = nn.ModuleList(
            nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, outputs)) for _ in range(n_classes)
        )
        self.hidden = Dense(width if fusion == "sum" else n_classes * width, classifier)
        self.dropout = Dropout(dropout)
        self.output = nn.Linear(classifier, n_classes)

    def prepare(self, X: Tensor) -> None:
        """Set the scale of u and v."""
        self.trunk.scaling.prepare(X[:, :2])

    def specific(self, z: Tensor) -> list[Tensor]:
        """The features of each expression, each (N, 1024), of shared features z (N, 1024)."""
        if self.gate == "fc":
            return [layer(z).relu() for layer in self.attentions]
        return [layer(z).softmax(-1) * self.attention_scale * z for layer in self.attentions]

    def detect(self, specific: list[Tensor]) -> Tensor:
        """The logit (N, classes) that each detector gives its own expression."""
        found = [detector(z) for detector, z in zip(self.detectors, specific, strict=True)]
        # a pair of outputs is a softmax: the sigmoid of their difference
        return torch.stack(
            [logit[..., -1] - logit[..., 0] if logit.shape[-1] == 2 else logit[..., 0] for logit in found], -1
        )

    def fused(self, specific: list[Tensor]) -> Tensor:
        """The refined features that are classified."""
        return torch.stack(specific).sum(0) if self.fusion == "sum" else torch.cat(specific, -1)

    def classify(self, specific: list[Tensor]) -> Tensor:
        """Logits (N, classes)."""
        return self.output(self.dropout(self.hidden(self.fused(specific)).relu()))  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of flows (N, 2 or more, 28, 28): u, v; further channels are not read."""
        return self.classify(self.specific(self.trunk(x)))

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy, and the weighted mean of the detectors' binary cross-entropies (batch means of Eqs. 4, 7)."""
        specific = self.specific(self.trunk(batch.source))
        truth = nn.functional.one_hot(batch.label, len(self.detectors)).to(batch.source.dtype)
        logits = self.detect(specific)
        each = [binary_cross_entropy(logits[..., k], truth[..., k], batch.weight) for k in range(truth.shape[-1])]
        return {
            "classification": cross_entropy(self.classify(specific), batch.label, batch.weight),
            "proposal": self.weight * torch.stack(each).mean(0),
        }


class FR_fc(FR):  # noqa: N801 the paper's name
    """FR with fully connected layers in place of its attentions."""

    title: ClassVar[str] = "FR-fc"

    def __init__(self, n_classes: int = 3, gate: Literal["softmax", "fc"] = "fc", **options: object) -> None:
        super().__init__(n_classes, gate=gate, **options)  # type: ignore[arg-type]


class FR_concatenated(FR):  # noqa: N801 the paper's name
    """FR that concatenates the expressions' features in place of summing them."""

    title: ClassVar[str] = "FR-concatenated"

    def __init__(self, n_classes: int = 3, fusion: Literal["sum", "concat"] = "concat", **options: object) -> None:
        super().__init__(n_classes, fusion=fusion, **options)  # type: ignore[arg-type]
