"""DSCNN, OSCNN-I and OSCNN-II: a dual-stream network with mean discrepancies on three layers.

The apex frame and the flow go through streams of the same build; the means of source and target are drawn together
after each stream's fully connected layer and after their concatenation.

Seed paper: the dual-stream convolutional network for cross-database micro-expression recognition (its Table 1 and Eqs.
1 to 4). What it leaves open is an option here; the defaults are the natural reading (docs/networks.md).
"""

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from cdmer.networks.augmentation import flip_and_rotate
from cdmer.networks.dense import Dense
from cdmer.networks.losses import cross_entropy, linear_mmd
from cdmer.networks.network import Batch, Dropout, Network, Recipe
from cdmer.networks.scaling import Scaling

ANGLES = (-10.0, -5.0, 0.0, 5.0, 10.0)  # degrees; with and without a flip: "10 times"


class Stream(nn.Module):
    """One stream: (N, channels, 48, 48) -> (N, 1024).

    Parameters
    ----------
    channels
        1 for the grey apex frame, 4 for two flows.
    pool_pads
        Padding of the max pool and the two average pools. The paper's "0 and 1" is read in order; both orders end at
        5 x 5.
    prelu
        ``channel``: a slope a channel, 0.25 at first (He et al. 2015); ``unit``: a slope an activation, 0 at first
        (Keras). Weights start as He et al. derive for these slopes (their Eq. 15).
    width
        Units of FC1.
    """

    def __init__(
        self, channels: int, pool_pads: tuple[int, int, int], prelu: str, dropout: float, width: int = 1024
    ) -> None:
        super().__init__()
        self.pads = pool_pads
        sides = (44, 22, 22, (22 + 2 * pool_pads[1] - 3) // 2 + 1)
        self.conv1 = nn.Conv2d(channels, 64, 5)
        self.act1 = _prelu(prelu, 64, sides[0])
        self.conv2 = nn.Conv2d(64, 64, 3, padding=1)
        self.act2 = _prelu(prelu, 64, sides[1])
        self.conv3 = nn.Conv2d(64, 64, 3, padding=1)
        self.act3 = _prelu(prelu, 64, sides[2])
        self.conv4 = nn.Conv2d(64, 128, 3, padding=1)
        self.act4 = _prelu(prelu, 128, sides[3])
        self.conv5 = nn.Conv2d(128, 128, 3, padding=1)
        self.act5 = _prelu(prelu, 128, sides[3])
        self.max_pool = nn.MaxPool2d(5, 2)
        self.average_pool1 = nn.AvgPool2d(3, 2, pool_pads[1])
        self.average_pool2 = nn.AvgPool2d(3, 2, pool_pads[2])
        self.fc1 = Dense(3200, width)
        slope = 0.25 if prelu == "channel" else 0.0
        self.act6 = nn.PReLU(width, slope)
        self.dropout = Dropout(dropout)
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5, self.fc1):
            # as PReLU's authors start it: from torch's own weights the signal is lost in six layers
            nn.init.kaiming_normal_(layer.weight, a=slope)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """The output of FC1, after its activation."""
        x = self.act1(self.conv1(x))
        # zeros, not -inf as torch pads: PReLU lets negative values through
        x = self.max_pool(nn.functional.pad(x, (self.pads[0],) * 4))
        x = self.act2(self.conv2(x))
        x = self.average_pool1(self.act3(self.conv3(x)))
        x = self.act4(self.conv4(x))
        x = self.average_pool2(self.act5(self.conv5(x)))
        return self.dropout(self.act6(self.fc1(x.flatten(-3))))  # type: ignore[no-any-return]


class UnitPReLU(nn.Module):
    """PReLU with a slope for each activation of an image, 0 at first."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.slope = nn.PReLU(int(torch.Size(shape).numel()), 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Elementwise: (..., *shape)."""
        return self.slope(x.flatten(-3)).view(x.shape)  # type: ignore[no-any-return]


def _prelu(kind: str, channels: int, side: int) -> nn.Module:
    return nn.PReLU(channels, 0.25) if kind == "channel" else UnitPReLU(channels, side, side)


class DSCNN(Network):
    """The dual-stream network.

    Parameters
    ----------
    n_classes
        Classes.
    flow_channels
        4: u and v of onset to apex and of apex to offset. The other readings: 2, the first flow alone; 6, u, v and
        length of both.
    fc2
        ``concat``: FC2 is the concatenation of both streams; ``dense``: a learnt layer of 2048 units on it.
    pool_pads, prelu
        As for `Stream`.
    dropout
        After FC1; the paper mentions none.
    mmd
        ``norm`` as Eq. 2 prints, or ``squared``.
    discrepancy
        Weights of the discrepancies of FC1 spatial, FC1 temporal and FC2; tuned on target labels in the paper, which
        does not give them.
    consistent_flow
        Whether flow vectors are mirrored and turned along with the image; the paper does not say.
    """

    title: ClassVar[str] = "DSCNN"
    # momentum 0.9, Nesterov, 1e-5: the paper. Rate, batch and epochs are not given.
    recipe: ClassVar[Recipe] = Recipe(
        "sgd", 0.01, epochs=100, quick_epochs=25, batch=32, momentum=0.9, nesterov=True, weight_decay=1e-5,
        variants=2 * len(ANGLES),
    )  # fmt: skip
    streams: ClassVar[tuple[str, ...]] = ("spatial", "temporal")
    width: ClassVar[int] = 1024  # of each FC1
    adapts = True
    draws = 1

    def __init__(
        self,
        n_classes: int = 3,
        flow_channels: Literal[2, 4, 6] = 4,
        fc2: Literal["concat", "dense"] = "concat",
        pool_pads: tuple[int, int, int] = (2, 0, 1),
        prelu: Literal["channel", "unit"] = "channel",
        dropout: float = 0.0,
        mmd: Literal["norm", "squared"] = "norm",
        discrepancy: tuple[float, float, float] = (0.1, 0.1, 0.1),
        consistent_flow: bool = True,
    ) -> None:
        super().__init__()
        self.shape = (1 + flow_channels, 48, 48)
        self.mmd = mmd
        self.discrepancy = dict(zip(("spatial", "temporal", "fc2"), discrepancy, strict=True))
        self.consistent_flow = consistent_flow
        self.scaling = Scaling(1 + flow_channels, "deviation")
        options: dict[str, Any] = {"pool_pads": tuple(pool_pads), "prelu": prelu, "dropout": dropout}
        options["width"] = self.width
        if "spatial" in self.streams:
            self.spatial = Stream(1, **options)
        if "temporal" in self.streams:
            self.temporal = Stream(flow_channels, **options)
        width = self.width * len(self.streams)
        self.fc2 = nn.Sequential(Dense(width, width), nn.PReLU(width, 0.25)) if fc2 == "dense" else None
        self.output = nn.Linear(width, n_classes)

    def prepare(self, X: Tensor) -> None:
        """Grey divided by 255, flow by its deviation over the training samples."""
        self.scaling.prepare(X)
        grey_is_8_bit = X.dtype == torch.uint8 or X[:, :1].max() <= 1
        self.scaling.scale[0] = 1.0 if grey_is_8_bit else 255.0

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """What the discrepancies are taken of: FC1 of each stream, and FC2."""
        x = self.scaling(x)
        found = {}
        if "spatial" in self.streams:
            found["spatial"] = self.spatial(x[..., :1, :, :])
        if "temporal" in self.streams:
            found["temporal"] = self.temporal(x[..., 1:, :, :])
        joined = torch.cat(list(found.values()), -1)
        found["fc2"] = joined if self.fc2 is None else self.fc2(joined)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of samples (N, 1 + flow channels, 48, 48): the grey apex frame, then the flow."""
        return self.output(self.features(x)["fc2"])  # type: ignore[no-any-return]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Classification of the source, and the discrepancy of each layer."""
        xs, xt, ws, wt = batch.domains()
        source, target = self.features(xs), self.features(xt)
        logits = self.output(source["fc2"])
        terms = {"classification": cross_entropy(logits, batch.label, ws)}
        # a single stream has one discrepancy, of its FC1
        names = self.streams if len(self.streams) == 1 else (*self.streams, "fc2")
        for name in names:
            distance = linear_mmd(source[name], target[name], ws, wt)
            if self.mmd == "squared":
                distance = distance.square()
            terms[f"discrepancy_{name}"] = self.discrepancy[name] * distance
        return terms

    def augment(self, x: Tensor, draws: Tensor) -> Tensor:
        """One of ten variants of each sample: flipped or not, turned by -10, -5, 0, 5 or 10 degrees."""
        variant = (draws[..., 0] * 10).long()
        angle = torch.tensor(ANGLES, device=x.device)[variant % 5]
        pairs = {2: [(1, 2)], 4: [(1, 2), (3, 4)], 6: [(1, 2), (4, 5)]}
        vectors = pairs[x.shape[-3] - 1] if self.consistent_flow else []
        return flip_and_rotate(x, variant >= 5, angle, vectors)


class OSCNN_I(DSCNN):  # noqa: N801 the paper's name
    """The spatial stream alone, with the discrepancy of its FC1."""

    title: ClassVar[str] = "OSCNN-I"
    streams: ClassVar[tuple[str, ...]] = ("spatial",)


class OSCNN_II(DSCNN):  # noqa: N801 the paper's name
    """The temporal stream alone, with the discrepancy of its FC1."""

    title: ClassVar[str] = "OSCNN-II"
    streams: ClassVar[tuple[str, ...]] = ("temporal",)
