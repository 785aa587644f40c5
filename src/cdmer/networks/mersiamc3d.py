"""MERSiamC3D: a three-dimensional network that first learns which clips are alike, then what they show.

Prior learning: two copies of the core (SinC3D) judge whether a pair of clips is of one class. Target learning: the
core, its first layers frozen, with a head of its own and a focal loss. Seed paper: MERSiamC3D, its Eqs. 7 to 11 and
Table 7; printed equations that cannot work as they stand are options beside their corrections.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from cdmer.errors import CdmerError
from cdmer.networks.augmentation import cut_and_resize, drop_frames
from cdmer.networks.dense import Dense
from cdmer.networks.losses import cross_entropy, focal_loss
from cdmer.networks.network import Batch, ClassFactors, Dropout, Network, Recipe
from cdmer.networks.scaling import Scaling

WIDTHS = (32, 64, 128, 128, 256)
VARIANTS = 36  # 9 places to cut x 4 ways of dropping frames


class SinC3D(nn.Module):
    """The core: (N, channels, 10, 112, 112) -> (N, 4096).

    Convolutions keep the size; pooling rounds up, without which time would run out before the fifth pool.
    """

    def __init__(self, channels: int = 2) -> None:
        super().__init__()
        self.scaling = Scaling(channels, "deviation", space=3)
        widths = (channels, *WIDTHS)
        self.convolutions = nn.ModuleList(nn.Conv3d(before, after, 3, padding=1) for before, after in pairwise(widths))
        self.pools = nn.ModuleList(
            nn.MaxPool3d((1, 2, 2) if place == 0 else 2, ceil_mode=True) for place in range(len(WIDTHS))
        )
        _start(*self.convolutions)

    def forward(self, x: Tensor) -> Tensor:
        """The last pool's output, flattened."""
        x = self.scaling(x)
        for convolution, pool in zip(self.convolutions, self.pools, strict=True):
            x = pool(convolution(x)).relu()  # a ReLU and a maximum may change places
        return x.flatten(-4)


def _start(*layers: nn.Module) -> None:
    """Glorot and Bengio's uniform weights (AISTATS 2010, Eq. 16) and no bias; the paper does not say.

    Torch's own are so small that five layers leave 0.003 of a signal, and the loss hardly falls; He et al.'s are so
    large that the focal loss diverges at the paper's rate.
    """
    for layer in layers:
        nn.init.xavier_uniform_(layer.weight)  # type: ignore[arg-type]
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


def augmented(x: Tensor, draws: Tensor) -> Tensor:
    """One of 36 variants of each clip (..., C, T, H, W), by its random numbers (..., 2)."""
    variant = (draws[..., 0] * VARIANTS).long()
    cut = 2 + (draws[..., 1] * 4).floor()  # 2 to 5 pixels
    drop = variant // 9
    return drop_frames(cut_and_resize(x, variant % 9, cut), drop % 2 == 1, drop // 2 == 1)


class SiamC3D(Network):
    """Prior learning: are two clips of one class?

    Parameters
    ----------
    channels
        Of the flow: 2 (u, v), or 3 with the magnitude.
    embed
        Units of the embedding (not stated; 4096 with a sigmoid as in Koch 2015).
    embed_activation
        ``sigmoid`` or ``relu``.
    distance_head
        ``weighted``: a learnt weight for each component's distance; ``inverted``: one bias less their sum. Eq. 8 as
        printed has neither, and could never say "different".
    """

    title: ClassVar[str] = "SiamC3D"
    # momentum 0.9, 0.004 divided by 10 every 10 epochs, 100 epochs: the paper. The batch is not stated.
    recipe: ClassVar[Recipe] = Recipe(
        "sgd", 0.004, epochs=100, quick_epochs=2, batch=16, quick_batch=4, momentum=0.9, decay_every=10, decay_by=0.1
    )
    draws = 2

    def __init__(
        self,
        channels: int = 2,
        embed: int = 4096,
        embed_activation: Literal["sigmoid", "relu"] = "sigmoid",
        distance_head: Literal["weighted", "inverted"] = "weighted",
    ) -> None:
        super().__init__()
        self.shape = (channels, 10, 112, 112)
        self.core = SinC3D(channels)
        self.embedding = Dense(4096, embed)
        self.activation = nn.Sigmoid() if embed_activation == "sigmoid" else nn.ReLU()
        self.distance = nn.Linear(embed if distance_head == "weighted" else 1, 1)
        self.distance_head = distance_head

    def prepare(self, X: Tensor) -> None:
        """Set the scale of the flow."""
        self.core.scaling.prepare(X)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, 2), different and same, of pairs of clips (N, 2, channels, 10, 112, 112)."""
        first, second = (self.activation(self.embedding(self.core(x.select(-5, side)))) for side in (0, 1))
        apart = (first - second).abs()
        if self.distance_head == "inverted":
            # one weight that is kept negative: the farther, the less alike
            total = apart.sum(-1, keepdim=True)
            same = self.distance(torch.zeros_like(total)) - total
        else:
            same = self.distance(apart)
        return torch.cat([torch.zeros_like(same), same], -1)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Binary cross-entropy; label 1 for a pair of one class."""
        return {"same": cross_entropy(self(batch.source), batch.label, batch.weight)}

    def augment(self, x: Tensor, draws: Tensor) -> Tensor:
        """One of 36 variants of each clip."""
        return augmented(x, draws)


class MERSiamC3D(Network):
    """Target learning: the core, 512 units, softmax.

    Parameters
    ----------
    n_classes
        Classes.
    channels
        Of the flow: 2 (u, v), or 3 with the magnitude.
    hidden
        Units of the head (not stated).
    dropout
        In the head (not stated).
    freeze
        How many of the five convolutions stay as prior learning left them (Table 7: best 2).
    loss
        ``focal``: Eq. 11 with its missing factor; ``printed``: without; ``cross_entropy``: the ablation.
    alpha, gamma
        Of the focal loss. Alpha is one number, "close to the ratio of the largest class to the smallest" (7 on CASME
        II, 8 on SAMM), or one for each class; None: that ratio in the training's own clips.
    prior
        Whether there is prior learning; without, nothing is frozen.
    embed, embed_activation, distance_head
        Of prior learning (`SiamC3D`).

    Raises
    ------
    CdmerError
        Another number of alphas than of classes.
    """

    title: ClassVar[str] = "MERSiamC3D"
    # as prior learning; an epoch has the 36 variants of each clip. A quick one has but one of each: ten of those are
    # some fifty steps, after which the paper's schedule would end the learning
    recipe: ClassVar[Recipe] = Recipe(
        "sgd", 0.004, epochs=100, quick_epochs=40, batch=16, quick_batch=4, momentum=0.9, decay_every=10,
        quick_decay_every=30, decay_by=0.1, variants=VARIANTS,
    )  # fmt: skip
    draws = 2

    def __init__(
        self,
        n_classes: int = 3,
        channels: int = 2,
        hidden: int = 512,
        dropout: float = 0.5,
        freeze: int = 2,
        loss: Literal["focal", "printed", "cross_entropy"] = "focal",
        alpha: float | Sequence[float] | None = None,
        gamma: float = 2.0,
        prior: bool = True,
        embed: int = 4096,
        embed_activation: Literal["sigmoid", "relu"] = "sigmoid",
        distance_head: Literal["weighted", "inverted"] = "weighted",
    ) -> None:
        super().__init__()
        self.shape = (channels, 10, 112, 112)
        self.loss, self.gamma = loss, gamma
        factors = (
            [1.0 if alpha is None else alpha] * n_classes
            if alpha is None or isinstance(alpha, int | float)
            else list(alpha)
        )
        if len(factors) != n_classes:
            raise CdmerError(
                f"MERSiamC3D's alpha has {len(factors)} numbers, there are {n_classes} classes",
                "give one number, or one for each class",
            )
        self.alpha = ClassFactors(factors)
        self.alpha_is_ratio = alpha is None
        self.prior = prior
        self.head_of_pairs = (embed, embed_activation, distance_head)
        self.core = SinC3D(channels)
        for layer in list(self.core.convolutions)[: freeze if prior else 0]:
            layer.requires_grad_(False)
        self.hidden = Dense(4096, hidden)
        self.dropout = Dropout(dropout)
        self.output = nn.Linear(hidden, n_classes)
        _start(self.hidden, self.output)

    def prepare(self, X: Tensor) -> None:
        """Set the scale of the flow."""
        self.core.scaling.prepare(X)

    def see_classes(self, counts: Tensor) -> None:
        """Set alpha, where it is the ratio of the largest class to the smallest."""
        if self.alpha_is_ratio:
            self.alpha.value.fill_(float(counts.max() / counts[counts > 0].min()))

    def prior_network(self) -> SiamC3D | None:
        """The untrained network whose `core` this one starts from."""
        return SiamC3D(self.shape[0], *self.head_of_pairs) if self.prior else None

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of flow clips (N, channels, 10, 112, 112)."""
        return self.output(self.dropout(self.hidden(self.core(x)).relu()))  # type: ignore[no-any-return]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Focal loss, or cross-entropy."""
        logits = self(batch.source)
        if self.loss == "cross_entropy":
            return {"classification": cross_entropy(logits, batch.label, batch.weight)}
        printed = self.loss == "printed"
        loss = focal_loss(logits, batch.label, batch.weight, self.gamma, self.alpha(), printed)
        return {"classification": loss}

    def augment(self, x: Tensor, draws: Tensor) -> Tensor:
        """One of 36 variants of each clip."""
        return augmented(x, draws)
