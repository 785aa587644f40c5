"""The two networks of Niklaus, Mai and Liu (2017) that estimate a kernel for every pixel from two frames.

Both map frames (batch, 3, height, width), RGB from 0 to 1, to the kernels of `local_convolution`. `width` multiplies
the numbers of channels; at 1 they are the papers'.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from cdmer.frames.adaptive_convolution.local_convolution import full_convolution, separable_convolution

_DIFFERENCE_GAIN, _DERIVATIVE_GAIN = 10.0, 5.0  # they bring both kinds of features near to 1
_LEAST_WEIGHT = 0.01  # below it a normalised pixel is not divided


class SeparableNetwork(nn.Module):
    """Separable kernels: an encoder and a decoder with skips by sum, then four heads, two for each frame.

    Niklaus, Mai and Liu, "Video frame interpolation via adaptive separable convolution", ICCV 2017. 21 675 452
    parameters with `width` 1 and 51 taps. It starts as the average of the two frames: the last layers give the
    central tap and nothing else.

    Parameters
    ----------
    width
        Factor of the numbers of channels.
    taps
        Length of a kernel, odd; pixels further than half of it from their place in a frame cannot be reached.
    normalized
        Divide every pixel by the sum of its kernels' weights, so that light is kept whatever the kernels. The paper
        does not; its authors added it in "Revisiting adaptive convolutions for video frame interpolation", WACV 2021.
        Without it most of a training goes into making the weights sum to 1.
    """

    multiple = 32  # five times halved

    def __init__(self, width: float = 1.0, taps: int = 51, normalized: bool = False) -> None:
        super().__init__()
        self.taps, self.normalized = taps, normalized
        self.title = "separable, normalised kernels" if normalized else "separable"
        a, b, c, d, e = (_channels(count, width) for count in (32, 64, 128, 256, 512))
        self.encoders = nn.ModuleList([_basic(6, a), _basic(a, b), _basic(b, c), _basic(c, d), _basic(d, e)])
        self.decoders = nn.ModuleList([_basic(e, e), _basic(e, d), _basic(d, c), _basic(c, b)])
        self.upsamplers = nn.ModuleList([_upsampler(count) for count in (e, d, c, b)])
        heads = ("vertical_first", "vertical_second", "horizontal_first", "horizontal_second")
        self.heads = nn.ModuleDict({name: _head(b, taps) for name in heads})
        self.apply(_initialise)
        _start_with_derivatives(self.encoders[0][0])  # type: ignore[index]
        for head in self.heads.values():
            _start_central(head[-1], taps)  # type: ignore[index]

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The middle frame, (batch, 3, height, width); sides are multiples of 32."""
        kernels = self.kernels(first, second)
        middle, weight = torch.zeros_like(first), torch.zeros_like(first[:, :1])
        for which, frame in (("first", first), ("second", second)):
            vertical, horizontal = kernels[f"vertical_{which}"], kernels[f"horizontal_{which}"]
            padded = functional.pad(frame, [self.taps // 2] * 4, mode="replicate")
            middle = middle + separable_convolution(padded, vertical, horizontal)
            weight = weight + vertical.sum(1, keepdim=True) * horizontal.sum(1, keepdim=True)
        if not self.normalized:
            return middle
        return middle / torch.where(weight.abs() < _LEAST_WEIGHT, torch.ones_like(weight), weight)

    def kernels(self, first: Tensor, second: Tensor) -> dict[str, Tensor]:
        """The four kernels of every pixel, (batch, taps, height, width) each."""
        skips = []
        features = torch.cat([first, second], 1)
        for encoder in self.encoders:
            skips.append(encoder(features))
            features = functional.avg_pool2d(skips[-1], 2)
        for decoder, upsampler, skip in zip(self.decoders, self.upsamplers, skips[:0:-1], strict=True):
            features = upsampler(decoder(features)) + skip
        return {name: head(features) for name, head in self.heads.items()}


class FullNetwork(nn.Module):
    """Two-dimensional kernels of 41 x 41 taps for each frame, from the 79 x 79 patches around a pixel.

    Niklaus, Mai and Liu, "Video frame interpolation via adaptive convolution", CVPR 2017. 15 927 394 parameters with
    `width` 1. Both kernels of a pixel are non-negative and sum to 1 together (softmax).

    The paper's network gives one pixel a patch. Here it runs on whole frames with the same weights: a stride after
    which the next layers are dense is a dilation of theirs, so no work is done twice.
    """

    taps = 41
    patch = 79
    title = "full"

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        a, b, c, d, e = (_channels(count, width) for count in (32, 64, 128, 256, 2048))
        self.layers = nn.Sequential(
            nn.Conv2d(6, a, 7), nn.BatchNorm2d(a), nn.ReLU(),
            nn.Conv2d(a, a, 2, stride=2), nn.ReLU(),
            nn.Conv2d(a, b, 5), nn.BatchNorm2d(b), nn.ReLU(),
            nn.Conv2d(b, b, 2, stride=2), nn.ReLU(),
            nn.Conv2d(b, c, 5), nn.BatchNorm2d(c), nn.ReLU(),
            nn.Conv2d(c, c, 2, stride=2), nn.ReLU(),
            nn.Conv2d(c, d, 3), nn.BatchNorm2d(d), nn.ReLU(),
            nn.Conv2d(d, e, 4), nn.ReLU(),
            nn.Conv2d(e, 2 * self.taps**2, 1),
        )  # fmt: skip
        self.apply(_initialise)
        _start_average(self.layers[-1], self.taps)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """The middle frame, (batch, 3, height, width)."""
        halo = [self.patch // 2] * 4
        return self.inside(*(functional.pad(frame, halo, mode="replicate") for frame in (first, second)))

    def inside(self, first: Tensor, second: Tensor) -> Tensor:
        """The middle frame of the part of two frames that lies 39 pixels from their edges."""
        edge = self.patch // 2 - self.taps // 2
        return sum(  # type: ignore[return-value]
            full_convolution(frame[..., edge:-edge, edge:-edge], part)
            for frame, part in zip((first, second), self.kernels(first, second).chunk(2, 1), strict=True)
        )

    def kernels(self, first: Tensor, second: Tensor) -> Tensor:
        """The two kernels, (batch, 2 * 41 * 41, height - 78, width - 78), of the pixels 39 from the frames' edges.

        The first half is the first frame's. The strides drop a patch's last row and column: 78 of its 79 are read.
        """
        features = torch.cat([first, second], 1)[..., :-1, :-1]
        dilation = 1
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                features = functional.conv2d(features, layer.weight, layer.bias, dilation=dilation)
                dilation *= layer.stride[0]
            else:
                features = layer(features)
        return functional.softmax(features, 1)

    def patch_kernels(self, first: Tensor, second: Tensor) -> Tensor:
        """The kernels of 79 x 79 patches' central pixels, (batch, 2 * 41 * 41, 1, 1), as the paper computes them."""
        return functional.softmax(self.layers(torch.cat([first, second], 1)), 1)


def title(network: SeparableNetwork | FullNetwork, compensated: bool) -> str:
    """What a file of weights calls its network, so that no other is loaded from it."""
    return f"{network.title}, on frames brought half-way by flow" if compensated else network.title


def parameters(network: nn.Module) -> int:
    """How many parameters a network has."""
    return sum(parameter.numel() for parameter in network.parameters())


def _channels(count: int, width: float) -> int:
    return max(1, round(count * width))


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _basic(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        _conv(inputs, outputs), nn.ReLU(), _conv(outputs, outputs), nn.ReLU(), _conv(outputs, outputs), nn.ReLU()
    )


def _twice() -> nn.Upsample:
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)


def _upsampler(channels: int) -> nn.Sequential:
    return nn.Sequential(_twice(), _conv(channels, channels), nn.ReLU())


def _head(channels: int, taps: int) -> nn.Sequential:
    return nn.Sequential(
        _conv(channels, channels), nn.ReLU(), _conv(channels, channels), nn.ReLU(), _conv(channels, taps), nn.ReLU(),
        _twice(), _conv(taps, taps),
    )  # fmt: skip


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        assert module.bias is not None
        nn.init.zeros_(module.bias)


@torch.no_grad()
def _start_with_derivatives(layer: nn.Module) -> None:
    """The first filters: half subtract the frames, half sum them and are blind to light; each has its negative.

    Motion is in small differences of bright frames, which random filters bury, and training takes long to dig out.
    """
    assert isinstance(layer, nn.Conv2d)
    count = layer.out_channels
    grey = layer.weight[: (count + 1) // 2].mean(1, keepdim=True).repeat(1, 3, 1, 1)
    half = len(grey) // 2
    apart = torch.cat([grey[:half], -grey[:half]], 1)
    together = grey[half:] - grey[half:].mean((2, 3), keepdim=True)
    filters = torch.cat([_DIFFERENCE_GAIN * apart, _DERIVATIVE_GAIN * torch.cat([together, together], 1)])
    layer.weight.copy_(torch.cat([filters, -filters])[:count])


@torch.no_grad()
def _start_central(layer: nn.Module, taps: int) -> None:
    """The central tap of a vertical and a horizontal kernel multiply to one half."""
    assert isinstance(layer, nn.Conv2d) and layer.bias is not None
    layer.weight.zero_()
    layer.bias.zero_()
    layer.bias[taps // 2] = 0.5**0.5


@torch.no_grad()
def _start_average(layer: nn.Module, taps: int) -> None:
    """Nearly all of the softmax on the two central taps: the odds of 12 logits leave 2 % to the other 3360."""
    assert isinstance(layer, nn.Conv2d) and layer.bias is not None
    layer.weight.zero_()
    layer.bias.zero_()
    layer.bias[[taps * taps // 2, taps * taps + taps * taps // 2]] = 12.0
