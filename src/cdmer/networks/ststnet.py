"""STSTNet: three streams of one convolution each, on flow and optical strain.

Liong, Gan, See, Khor and Huang, "Shallow triple stream three-dimensional CNN (STSTNet) for micro-expression
recognition", FG 2019, and its authors' code. All streams read the same three channels, so that their convolutions of
3, 5 and 8 filters are one convolution of 16 filters; every later step treats each filter by itself.
"""

from typing import ClassVar

from torch import Tensor, nn

from cdmer.networks.losses import cross_entropy
from cdmer.networks.network import Batch, Dropout, Network, Recipe
from cdmer.networks.scaling import Scale, Scaling
from cdmer.networks.shallow_front import ShallowFront

FILTERS = (3, 5, 8)


class STSTNet(Network):
    """Convolution, ReLU, batch normalisation, max pooling, dropout, average pooling, softmax.

    Parameters
    ----------
    n_classes
        Classes.
    dropout
        Before the average pooling.
    scaling
        How u, v and the strain are scaled (`Scaling`).
    """

    title: ClassVar[str] = "STSTNet"
    # Adam, 5e-5, batch 256, 800 epochs: the authors' PyTorch code (their MATLAB code trained for 500)
    recipe: ClassVar[Recipe] = Recipe("adam", 5e-5, epochs=800, quick_epochs=300, batch=256)

    channels_last: ClassVar[bool] = False  # `ShallowFront` reads plane by plane

    def __init__(self, n_classes: int = 3, dropout: float = 0.5, scaling: Scale = "sample") -> None:
        super().__init__()
        self.shape = (3, 28, 28)
        self.scaling = Scaling(3, scaling)
        self.front = ShallowFront(3, sum(FILTERS))
        self.dropout = Dropout(dropout, trailing=3)
        self.pool = nn.AvgPool2d(2)
        self.output = nn.Linear(400, n_classes)

    def prepare(self, X: Tensor) -> None:
        """Set the scale of u, v and the strain."""
        self.scaling.prepare(X[:, :3])

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of flows (N, 3, 28, 28): u, v, optical strain."""
        x = self.dropout(self.front(self.scaling(x[..., :3, :, :])))
        return self.output(self.pool(x).flatten(-3))  # type: ignore[no-any-return]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy."""
        return {"classification": cross_entropy(self(batch.source), batch.label, batch.weight)}
