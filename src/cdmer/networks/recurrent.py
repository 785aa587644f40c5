"""STRCN, 3D-FCNN and CNN + LSTM, as far as public facts allow: their sizes are guesses, and every class says so.

Xia, Hong, Gao, Feng and Zhao, "Spatiotemporal recurrent convolutional networks for recognizing spontaneous
micro-expressions", IEEE Transactions on Multimedia 2020. Li, Wang, See and Liu, "Micro-expression recognition based on
3D flow convolutional neural network", Pattern Analysis and Applications 2018. Kim, Baddar and Ro, "Micro-expression
recognition with expression-state constrained spatio-temporal feature representations", ACM Multimedia 2016.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from cdmer.networks.losses import cross_entropy
from cdmer.networks.network import Batch, Dropout, Network, Recipe
from cdmer.networks.scaling import Scaling


class _Approximate(Network):
    """Trained on cross-entropy with guessed hyper-parameters."""

    recipe: ClassVar[Recipe] = Recipe("sgd", 1e-3, epochs=100, quick_epochs=10, batch=32, momentum=0.9)
    approximate: ClassVar[bool] = True
    scaling: Scaling

    def prepare(self, X: Tensor) -> None:
        """Set the scale of each channel."""
        self.scaling.prepare(X)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy."""
        return {"classification": cross_entropy(self(batch.source), batch.label, batch.weight)}


class RecurrentConvolution(nn.Module):
    """A convolution whose output feeds back into it: x_t = norm(relu(feed-forward + recurrent(x_{t-1})))."""

    def __init__(self, before: int, after: int, steps: int = 3) -> None:
        super().__init__()
        self.forward_convolution = nn.Conv2d(before, after, 3, padding=1)
        self.recurrent = nn.Conv2d(after, after, 3, padding=1)
        self.steps = steps

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, after, H, W)."""
        driven = self.forward_convolution(x)
        state = driven.relu()
        for _ in range(self.steps):
            state = (driven + self.recurrent(state)).relu()
        return state  # type: ignore[no-any-return]


class STRCN_G(_Approximate):  # noqa: N801 the paper's name
    """Recurrent convolutions on the flow from onset to apex (N, 2, 28, 28).

    Parameters
    ----------
    n_classes
        Classes.
    width
        Filters.
    channels
        Of the input.
    """

    title: ClassVar[str] = "STRCN-G"

    def __init__(self, n_classes: int = 3, width: int = 32, channels: int = 2) -> None:
        super().__init__()
        self.shape: tuple[int, ...] = (channels, 28, 28)
        self.scaling = Scaling(channels, "standard")
        self.first = nn.Conv2d(channels, width, 5, padding=2)
        self.pool = nn.MaxPool2d(2)
        self.blocks = nn.ModuleList(RecurrentConvolution(width, width) for _ in range(2))
        self.dropout = Dropout(0.5)
        self.output = nn.Linear(width, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        x = self.pool(self.first(self.scaling(x)).relu())
        for block in self.blocks:
            x = self.pool(block(x))
        return self.output(self.dropout(x.mean((-2, -1))))  # type: ignore[no-any-return]


class STRCN_A(STRCN_G):  # noqa: N801 the paper's name
    """Recurrent convolutions on a clip as one matrix of places by frames (N, 1, places, frames).

    Parameters
    ----------
    n_classes
        Classes.
    width
        Filters.
    places, frames
        Of the matrix.
    """

    title: ClassVar[str] = "STRCN-A"

    def __init__(self, n_classes: int = 3, width: int = 32, places: int = 784, frames: int = 30) -> None:
        super().__init__(n_classes, width, channels=1)
        self.shape = (1, places, frames)


class FCNN3D(_Approximate):
    """Three streams of three-dimensional convolutions: grey, u, v (N, 3, frames, side, side).

    Parameters
    ----------
    n_classes
        Classes.
    frames, side
        Of a clip.
    """

    title: ClassVar[str] = "3D-FCNN"

    def __init__(self, n_classes: int = 3, frames: int = 16, side: int = 32) -> None:
        super().__init__()
        self.shape = (3, frames, side, side)
        self.scaling = Scaling(3, "standard", space=3)
        self.streams = nn.ModuleList(
            nn.Sequential(
                nn.Conv3d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2),
                nn.Conv3d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2),
            )
            for _ in range(3)
        )  # fmt: skip
        self.hidden = nn.Linear(3 * 32 * (frames // 4) * (side // 4) ** 2, 256)
        self.dropout = Dropout(0.5)
        self.output = nn.Linear(256, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        x = self.scaling(x)
        found = [stream(x[..., k : k + 1, :, :, :]).flatten(-4) for k, stream in enumerate(self.streams)]
        return self.output(self.dropout(self.hidden(torch.cat(found, -1)).relu()))  # type: ignore[no-any-return]


class CNNLSTM(_Approximate):
    """A convolutional network on each of five expression states, then an LSTM over them (N, 1, 5, 64, 64).

    The paper trains the first part on five terms of its own; here both parts learn from the class alone.

    Parameters
    ----------
    n_classes
        Classes.
    width
        Units of the frames' features and of the LSTM.
    """

    title: ClassVar[str] = "CNN + LSTM"

    def __init__(self, n_classes: int = 3, width: int = 128) -> None:
        super().__init__()
        self.shape = (1, 5, 64, 64)
        self.scaling = Scaling(1, "standard", space=3)
        self.frames = nn.Sequential(
            nn.Conv2d(1, 16, 5, 2, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d(2),
        )  # fmt: skip
        self.feature = nn.Linear(32 * 8 * 8, width)
        self.gates = nn.Linear(2 * width, 4 * width)
        self.output = nn.Linear(width, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        x = self.scaling(x)
        hidden = cell = torch.zeros((), device=x.device)
        for state in range(x.shape[-3]):
            frame = self.feature(self.frames(x[..., state, :, :]).flatten(-3)).relu()
            hidden = hidden.expand_as(frame) if state == 0 else hidden
            enter, forget, leave, new = self.gates(torch.cat([frame, hidden], -1)).chunk(4, -1)
            cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
            hidden = leave.sigmoid() * cell.tanh()
        return self.output(hidden)  # type: ignore[no-any-return]
