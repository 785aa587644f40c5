"""The front of STSTNet: convolution 3 x 3, ReLU, batch normalisation, max pooling 3 x 3 with stride 3 and padding 1."""

from torch import Tensor, nn


class ShallowFront(nn.Module):
    """(N, channels, H, W) -> (N, filters, (H + 4) // 3, ...).

    Parameters
    ----------
    channels, filters
        Of the convolution, which keeps the size.
    """

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, 3, padding=1)
        self.norm = nn.BatchNorm2d(filters)
        self.pool = nn.MaxPool2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The four steps in order."""
        return self.pool(self.norm(self.conv(x).relu()))  # type: ignore[no-any-return]
