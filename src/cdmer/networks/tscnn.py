"""TSCNN: three streams on the apex frame, its parts, and the flow; approximate.

Song, Li, Zong, Zhu, Zheng, Shi and Zhao, "Recognizing spontaneous micro-expression using a three-stream convolutional
neural network", IEEE Access 2019. Its sizes are not public: streams are built as DSCNN's, by the same authors. TSCNN-I
spots the apex itself, TSCNN-II takes the annotated one; the network is the same, its frames are not.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from cdmer.networks.dscnn import Stream
from cdmer.networks.losses import cross_entropy
from cdmer.networks.network import Batch, Network, Recipe
from cdmer.networks.scaling import Scaling

PARTS = 3  # on a side: the local stream sees the face in 3 x 3 parts of 16 x 16, each shown at its own place


class TSCNN_I(Network):  # noqa: N801 the paper's name
    """Static-spatial (apex frame), local-spatial (its nine parts) and dynamic-temporal stream (flow).

    Parameters
    ----------
    n_classes
        Classes.
    flow_channels
        Channels after the frame: 4 for the flows of onset to apex and of apex to offset.
    """

    title: ClassVar[str] = "TSCNN-I"
    recipe: ClassVar[Recipe] = Recipe("sgd", 0.01, epochs=100, quick_epochs=10, batch=32, momentum=0.9, nesterov=True)
    approximate: ClassVar[bool] = True

    def __init__(self, n_classes: int = 3, flow_channels: int = 4) -> None:
        super().__init__()
        self.shape = (1 + flow_channels, 48, 48)
        self.scaling = Scaling(1 + flow_channels, "deviation")
        options: dict[str, Any] = {"pool_pads": (2, 0, 1), "prelu": "channel", "dropout": 0.0}
        self.static, self.temporal = Stream(1, **options), Stream(flow_channels, **options)
        self.local = Stream(PARTS**2, **options)
        self.output = nn.Linear(3 * 1024, n_classes)

    def prepare(self, X: Tensor) -> None:
        """Set the scale of each channel."""
        self.scaling.prepare(X)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of samples (N, 1 + flow channels, 48, 48)."""
        x = self.scaling(x)
        apex = x[..., :1, :, :]
        streams = [self.static(apex), self.local(self.parts(apex)), self.temporal(x[..., 1:, :, :])]
        return self.output(torch.cat(streams, -1))  # type: ignore[no-any-return]

    def parts(self, apex: Tensor) -> Tensor:
        """The frame (N, 1, 48, 48) nine times (N, 9, 48, 48), all but one part black in each."""
        side = 48 // PARTS
        place = torch.arange(48, device=apex.device) // side
        number = place[:, None] * PARTS + place[None]
        shown = number == torch.arange(PARTS**2, device=apex.device)[:, None, None]
        return apex * shown

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy."""
        return {"classification": cross_entropy(self(batch.source), batch.label, batch.weight)}


class TSCNN_II(TSCNN_I):  # noqa: N801 the paper's name
    """TSCNN on annotated apexes."""

    title: ClassVar[str] = "TSCNN-II"
