"""Settings of more networks that the papers compare theirs with: of some few facts are public, some no feature feeds.

`budget: quick` computes none of them.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

from cdmer.config.networks import FLOW, NetworkSettings
from cdmer.config.settings import Name


class RivalSettings(NetworkSettings):
    """What the rivals' settings hold."""

    adapts: ClassVar[bool] = False
    quick_only: ClassVar[tuple[str, ...] | None] = ()


class SSSNSettings(RivalSettings):
    """The front of AlexNet on u, v and strain."""

    module: ClassVar[str] = "cdmer.networks.sssn"
    estimator: ClassVar[str] = "SSSN"
    reads: ClassVar[tuple[str, ...]] = FLOW
    planes: ClassVar[tuple[str, ...]] = ("u", "v", "strain")
    feature: Name = Field("flow_strain_28", description="The feature that it is trained on.")
    dropout: float = Field(0.5, ge=0, lt=1, description="Before the dense layer.")


class DSSNSettings(SSSNSettings):
    """The front of AlexNet twice, on the flow's length and on the strain."""

    estimator: ClassVar[str] = "DSSN"
    fusion: Literal["product", "sum", "concat"] = Field("product", description="How both are joined.")


class TSCNNISettings(RivalSettings):
    """Three streams on a spotted apex, its parts and the flow; approximate."""

    module: ClassVar[str] = "cdmer.networks.tscnn"
    estimator: ClassVar[str] = "TSCNN_I"
    reads: ClassVar[tuple[str, ...]] = ("dscnn_input",)
    feature: Name = Field("dscnn_48", description="The feature that it is trained on.")

    def misfit(self, feature: Any) -> str | None:
        """The planes, by their name."""
        return None if feature.planes == "both" else f"has `planes: {feature.planes}`, {self.estimator} reads both"


class TSCNNIISettings(TSCNNISettings):
    """TSCNN on annotated apexes; approximate."""

    estimator: ClassVar[str] = "TSCNN_II"
    feature: Name = Field("tscnn_48", description="The feature that it is trained on.")


class STRCNGSettings(RivalSettings):
    """Recurrent convolutions on the flow from onset to apex; approximate."""

    module: ClassVar[str] = "cdmer.networks.recurrent"
    estimator: ClassVar[str] = "STRCN_G"
    reads: ClassVar[tuple[str, ...]] = FLOW
    planes: ClassVar[tuple[str, ...]] = ("u", "v")
    feature: Name = Field("flow_tvl1_28", description="The feature that it is trained on.")
    width: int = Field(32, ge=1, description="Filters; the paper's number is not public.")


class WithoutInput(RivalSettings):
    """What the settings of networks share that the library has, and no feature feeds: tables name them as left out."""

    def parameters(self) -> dict[str, object]:
        """None: the feature is not its own."""
        return {}


class CapsuleNetSettings(WithoutInput):
    """Capsules on the colour apex frame, behind ResNet-18."""

    module: ClassVar[str] = "cdmer.networks.capsulenet"
    estimator: ClassVar[str] = "CapsuleNet"
    recipe_optimizer: ClassVar[Literal["sgd", "adam"]] = "adam"
    no_input: ClassVar[str] = "reads the apex frame in colour, 224 × 224, and ImageNet weights; no feature holds it"


class EMRSettings(WithoutInput):
    """Residual network behind gradient reversal."""

    module: ClassVar[str] = "cdmer.networks.emr"
    estimator: ClassVar[str] = "EMR"
    recipe_optimizer: ClassVar[Literal["sgd", "adam"]] = "adam"
    adapts: ClassVar[bool] = True
    no_input: ClassVar[str] = (
        "learns from macro-expressions and weights of faces, which are others', and from pictures of flow, 224 × 224; "
        "no feature holds them"
    )


class MicroAttentionSettings(WithoutInput):
    """Residual network with attention on the grey apex frame."""

    module: ClassVar[str] = "cdmer.networks.micro_attention"
    estimator: ClassVar[str] = "MicroAttention"
    no_input: ClassVar[str] = (
        "reads the grey apex frame, 224 × 224, and weights of macro-expressions; no feature holds it"
    )


class C3DSettings(WithoutInput):
    """Convolutions in space and time on a clip."""

    module: ClassVar[str] = "cdmer.networks.c3d"
    estimator: ClassVar[str] = "C3D"
    no_input: ClassVar[str] = "serves as a feature, with weights of others: `SVM@c3d_fc1_sports1m`"


class STRCNASettings(WithoutInput):
    """Recurrent convolutions on a clip as a matrix; approximate."""

    module: ClassVar[str] = "cdmer.networks.recurrent"
    estimator: ClassVar[str] = "STRCN_A"
    no_input: ClassVar[str] = "reads a clip as a matrix of places by frames; no feature holds it"


class FCNN3DSettings(WithoutInput):
    """Three streams of convolutions in space and time; approximate."""

    module: ClassVar[str] = "cdmer.networks.recurrent"
    estimator: ClassVar[str] = "FCNN3D"
    no_input: ClassVar[str] = "reads grey, u and v of 16 frames; no feature holds them"


class CNNLSTMSettings(WithoutInput):
    """A convolutional network on five frames, then an LSTM; approximate."""

    module: ClassVar[str] = "cdmer.networks.recurrent"
    estimator: ClassVar[str] = "CNNLSTM"
    no_input: ClassVar[str] = "reads five expression states, 64 × 64; no feature holds them"
