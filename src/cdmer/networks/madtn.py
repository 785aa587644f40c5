"""MADTN: a shallow network on an image of two flows and a frame, its features matched by maximum mean discrepancy.

Red: the flow from onset to the middle frame, as a grey image; green: the middle frame; blue: the flow from the middle
frame to the offset. Seed paper: the micro-expression attention domain transfer network, its channel counts from its
figure; kernel widths from its authors' Chinese version.
"""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from cdmer.networks.augmentation import flip_and_rotate
from cdmer.networks.dense import Dense
from cdmer.networks.losses import cross_entropy, gaussian_mmd2
from cdmer.networks.network import Batch, Network, Recipe
from cdmer.networks.scaling import Scaling


class MADTN(Network):
    """Three convolutions, 1024 units, softmax; loss: cross-entropy and lambda times MMD² of the 1024 units.

    Parameters
    ----------
    n_classes
        Classes.
    channels
        Filters of the three convolutions, 3 x 3 with padding 1 (the kernel is not stated).
    fc4_input
        ``flatten``: as the text says, which makes 104 million parameters; ``gap``: the mean over the image, which the
        paper's "few parameters" would suit.
    lam
        Weight of the discrepancy; 2 in every experiment of the paper.
    kernels
        Widths of the Gaussian kernels, whose mean is taken.
    inputs
        Which of the three channels are seen; the others are zero (the paper's ablation of its input).
    slope
        Of LeakyReLU; 0.01 (Maas et al. 2013), not stated.
    rotation
        Largest angle of the random rotation, in degrees.
    """

    title: ClassVar[str] = "MADTN"
    # Adam, 2e-4, 32 of each domain: the paper. Epochs are not stated.
    recipe: ClassVar[Recipe] = Recipe("adam", 2e-4, epochs=100, quick_epochs=16, batch=32, quick_batch=8)
    adapts = True
    draws = 1

    def __init__(
        self,
        n_classes: int = 3,
        channels: tuple[int, int, int] = (128, 256, 512),
        fc4_input: Literal["flatten", "gap"] = "flatten",
        lam: float = 2.0,
        kernels: tuple[float, ...] = (1, 2, 4, 8, 16),
        inputs: Literal["RGB", "RG", "GB", "RB", "R", "G", "B"] = "RGB",
        slope: float = 0.01,
        rotation: float = 30.0,
    ) -> None:
        super().__init__()
        self.shape = (3, 112, 112)
        self.lam, self.kernels, self.rotation, self.fc4_input = lam, tuple(kernels), rotation, fc4_input
        self.seen = [name in inputs for name in "RGB"]
        self.scaling = Scaling(3, "unit")
        one, two, three = channels
        self.conv1 = nn.Conv2d(3, one, 3, padding=1)
        self.conv2 = nn.Conv2d(one, two, 3, padding=1)
        self.conv3 = nn.Conv2d(two, three, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.activation = nn.LeakyReLU(slope, inplace=True)
        self.fc4 = Dense(three * (14 * 14 if fc4_input == "flatten" else 1), 1024)
        self.fc5 = nn.Linear(1024, n_classes)

    def features(self, x: Tensor) -> Tensor:
        """The 1024 units (N, 1024), after their activation."""
        x = self.scaling(x) * torch.tensor(self.seen, device=x.device).view(3, 1, 1)
        for convolution in (self.conv1, self.conv2, self.conv3):
            # the largest first: the activation keeps the order, and has a quarter to do
            x = self.activation(self.pool(convolution(x)))
        x = x.flatten(-3) if self.fc4_input == "flatten" else x.mean((-2, -1))
        return self.activation(self.fc4(x))  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of images (N, 3, 112, 112)."""
        return self.fc5(self.features(x))  # type: ignore[no-any-return]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of the source, and the discrepancy of the domains."""
        xs, xt, ws, wt = batch.domains()
        source, target = self.features(xs), self.features(xt)
        return {
            "classification": cross_entropy(self.fc5(source), batch.label, ws),
            "discrepancy": self.lam * gaussian_mmd2(source, target, ws, wt, self.kernels),
        }

    def augment(self, x: Tensor, draws: Tensor) -> Tensor:
        """Each image turned by a random angle."""
        angle = (2 * draws[..., 0] - 1) * self.rotation
        return flip_and_rotate(x, torch.zeros_like(angle, dtype=torch.bool), angle)
