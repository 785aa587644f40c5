"""AlexNet, VGG16 and GoogLeNet on flow images: rows of STSTNet's table, reproduced by its authors.

Liong et al. (FG 2019) resize u, v and the optical strain to the networks' own input and give the last layer three
classes; their optimiser and weights are not public. Layers bear torchvision's names, so that its ImageNet weights fit.
Krizhevsky, Sutskever and Hinton 2012 (in the one-tower form of 2014); Simonyan and Zisserman 2015; Szegedy et al. 2015
(with batch normalisation, without auxiliary classifiers).
"""

from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from cdmer.networks.losses import cross_entropy
from cdmer.networks.network import Batch, Dropout, Network, Recipe
from cdmer.networks.pretrained import load_pretrained
from cdmer.networks.scaling import Scale, Scaling

# torchvision's weights expect these after values from 0 to 1
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class FlowImageNetwork(Network):
    """What the three share: flow planes (N, 3, 28, 28), resized to 224 x 224 and classified.

    Parameters
    ----------
    n_classes
        Classes.
    weights
        A file of ImageNet weights; None starts from noise, which no published row did.
    scaling
        How u, v and the strain are scaled (`Scaling`).
    """

    # a guess: optimiser and rate are not public
    recipe: ClassVar[Recipe] = Recipe("sgd", 1e-4, epochs=100, quick_epochs=5, batch=32, momentum=0.9)
    last: ClassVar[str]
    mean_of_images: ClassVar[tuple[float, float, float]] = MEAN
    deviation_of_images: ClassVar[tuple[float, float, float]] = DEVIATION
    stackable: ClassVar[bool] = False

    def __init__(self, n_classes: int = 3, weights: str | Path | None = None, scaling: Scale = "sample") -> None:
        super().__init__()
        self.shape = (3, 28, 28)
        self.build(n_classes)
        if weights is not None:
            load_pretrained(self, weights, (self.last, "scaling.", "mean", "deviation"))
        self.scaling = Scaling(3, scaling)
        self.register_buffer("mean", torch.tensor(self.mean_of_images).view(3, 1, 1))
        self.register_buffer("deviation", torch.tensor(self.deviation_of_images).view(3, 1, 1))
        self.mean: Tensor
        self.deviation: Tensor

    def build(self, n_classes: int) -> None:
        """Make the layers."""
        raise NotImplementedError

    def classify(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of images (N, 3, 224, 224)."""
        raise NotImplementedError

    def prepare(self, X: Tensor) -> None:
        """Set the scale of the planes."""
        self.scaling.prepare(X)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of flow planes (N, 3, 28, 28): u, v, optical strain."""
        x = nn.functional.interpolate(self.scaling(x), (224, 224), mode="bilinear", align_corners=False)
        return self.classify((x - self.mean) / self.deviation)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy."""
        return {"classification": cross_entropy(self(batch.source), batch.label, batch.weight)}


def _conv(before: int, after: int, kernel: int, stride: int = 1, padding: int = 0) -> list[nn.Module]:
    return [nn.Conv2d(before, after, kernel, stride, padding), nn.ReLU()]


def _classifier(width: int, first_dropout: bool, n_classes: int) -> nn.Sequential:
    dense = [nn.Linear(width, 4096), nn.ReLU()]
    if first_dropout:
        return nn.Sequential(
            Dropout(0.5), *dense, Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, n_classes)
        )
    return nn.Sequential(
        *dense, Dropout(0.5), nn.Linear(4096, 4096), nn.ReLU(), Dropout(0.5), nn.Linear(4096, n_classes)
    )


class AlexNet(FlowImageNetwork):
    """Five convolutions, three dense layers."""

    title: ClassVar[str] = "AlexNet"
    last: ClassVar[str] = "classifier.6"

    def build(self, n_classes: int) -> None:
        """Make the layers."""
        self.features = nn.Sequential(
            *_conv(3, 64, 11, 4, 2), nn.MaxPool2d(3, 2), *_conv(64, 192, 5, 1, 2), nn.MaxPool2d(3, 2),
            *_conv(192, 384, 3, 1, 1), *_conv(384, 256, 3, 1, 1), *_conv(256, 256, 3, 1, 1), nn.MaxPool2d(3, 2),
        )  # fmt: skip
        self.classifier = _classifier(256 * 6 * 6, True, n_classes)

    def classify(self, x: Tensor) -> Tensor:
        """Logits."""
        return self.classifier(self.features(x).flatten(-3))  # type: ignore[no-any-return]


class VGG16(FlowImageNetwork):
    """Thirteen convolutions, three dense layers."""

    title: ClassVar[str] = "VGG16"
    last: ClassVar[str] = "classifier.6"

    def build(self, n_classes: int) -> None:
        """Make the layers."""
        layers: list[nn.Module] = []
        before = 3
        for width, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(repeats):
                layers += _conv(before, width, 3, 1, 1)
                before = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = _classifier(512 * 7 * 7, False, n_classes)

    def classify(self, x: Tensor) -> Tensor:
        """Logits."""
        return self.classifier(self.features(x).flatten(-3))  # type: ignore[no-any-return]


class _ConvBN(nn.Module):
    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(after, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x)).relu()  # type: ignore[no-any-return]


class _InceptionBlock(nn.Module):
    """1 x 1; 1 x 1 then 3 x 3; 1 x 1 then another 3 x 3 (the paper's 5 x 5, as torchvision has it); pool then 1 x 1."""

    def __init__(self, before: int, one: int, three: tuple[int, int], five: tuple[int, int], pool: int) -> None:
        super().__init__()
        self.branch1 = _ConvBN(before, one, 1)
        self.branch2 = nn.Sequential(_ConvBN(before, three[0], 1), _ConvBN(three[0], three[1], 3, padding=1))
        self.branch3 = nn.Sequential(_ConvBN(before, five[0], 1), _ConvBN(five[0], five[1], 3, padding=1))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), _ConvBN(before, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], -3)


class GoogLeNet(FlowImageNetwork):
    """Nine Inception blocks."""

    title: ClassVar[str] = "GoogLeNet"
    last: ClassVar[str] = "fc."
    # its ImageNet weights expect -1 to 1 (torchvision's `transform_input`)
    mean_of_images: ClassVar[tuple[float, float, float]] = (0.5, 0.5, 0.5)
    deviation_of_images: ClassVar[tuple[float, float, float]] = (0.5, 0.5, 0.5)

    def build(self, n_classes: int) -> None:
        """Make the layers."""
        self.conv1, self.conv2 = _ConvBN(3, 64, 7, 2, 3), _ConvBN(64, 64, 1)
        self.conv3 = _ConvBN(64, 192, 3, padding=1)
        self.maxpool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.inception3a = _InceptionBlock(192, 64, (96, 128), (16, 32), 32)
        self.inception3b = _InceptionBlock(256, 128, (128, 192), (32, 96), 64)
        self.inception4a = _InceptionBlock(480, 192, (96, 208), (16, 48), 64)
        self.inception4b = _InceptionBlock(512, 160, (112, 224), (24, 64), 64)
        self.inception4c = _InceptionBlock(512, 128, (128, 256), (24, 64), 64)
        self.inception4d = _InceptionBlock(512, 112, (144, 288), (32, 64), 64)
        self.inception4e = _InceptionBlock(528, 256, (160, 320), (32, 128), 128)
        self.maxpool4 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.inception5a = _InceptionBlock(832, 256, (160, 320), (32, 128), 128)
        self.inception5b = _InceptionBlock(832, 384, (192, 384), (48, 128), 128)
        self.dropout = Dropout(0.2)
        self.fc = nn.Linear(1024, n_classes)

    def classify(self, x: Tensor) -> Tensor:
        """Logits."""
        x = self.maxpool(self.conv3(self.conv2(self.maxpool(self.conv1(x)))))
        x = self.maxpool(self.inception3b(self.inception3a(x)))
        for block in (self.inception4a, self.inception4b, self.inception4c, self.inception4d, self.inception4e):
            x = block(x)
        x = self.inception5b(self.inception5a(self.maxpool4(x)))
        return self.fc(self.dropout(x.mean((-2, -1))))  # type: ignore[no-any-return]
