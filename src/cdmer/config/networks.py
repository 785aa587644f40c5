"""Settings of the networks."""

from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from cdmer.config.feature_recipe import FeatureRecipe
from cdmer.config.model_settings import ModelSettings
from cdmer.config.settings import Name, Settings

# the experiments that `budget: quick` has time for, of large networks and of the variants of others
TWO_EXPERIMENTS = ("C_to_V", "V_to_C")
NONE: tuple[str, ...] = ()
FLOW = ("onset_apex_flow", "flow_planes")  # descriptors of the flow from onset to apex
Scale = Literal["unit", "sample", "deviation", "standard"]
_SCALING = (
    "How u, v and strain are scaled: `sample` each plane of each clip onto 0 to 1, as the field's 8-bit flow images; "
    "`standard` by mean and deviation of the training clips; `deviation` by the deviation alone; `unit` not at all."
)
_TRAINING = (
    "epochs", "rate", "batch", "variants", "optimizer", "momentum", "weight_decay", "least_rate", "step_decay",
    "prior_epochs",
)  # fmt: skip


class NetworkRun(Settings):
    """How networks are trained, whichever they are."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="`auto` takes a GPU where there is one.")
    precision: Literal["float32", "tf32", "bf16"] = Field(
        "float32", description="`tf32` and `bf16` are faster on a GPU; they change scores a little."
    )
    group: int = Field(
        0, ge=0, description="Trainings side by side; 0: as many as memory allows. Halved when memory runs out."
    )
    keep_weights: int = Field(
        0, ge=0, description="Of how many rounds the weights stay on disk (MADTN's take 417 MB a round)."
    )
    seed: int = Field(1, ge=0, description="Another seed is another set of rounds.")


class NetworkSettings(ModelSettings):
    """What every network's settings hold."""

    quick_only: ClassVar[tuple[str, ...] | None] = None  # experiments that `budget: quick` computes; None: all
    no_input: ClassVar[str] = ""  # why the tables leave it out: what it reads, where no feature holds that
    quick_rounds: ClassVar[int] = 3
    quick_held_out: ClassVar[int] = 1  # groups of source subjects, of three, that are held out in turn for `source`
    memory: ClassVar[int] = 3000  # MB that its training takes
    recipe_optimizer: ClassVar[Literal["sgd", "adam"]] = "sgd"  # of the network's recipe
    reads: ClassVar[tuple[str, ...]] = ()  # descriptors
    planes: ClassVar[tuple[str, ...]] = ()  # of the flow from onset to apex that it reads, in this order
    epochs: int | None = Field(None, ge=1, description="Epochs; `null`: the budget's.")
    rate: float | None = Field(
        None, gt=0, description="Learning rate of the first epoch; `null`: the recipe's (docs/networks.md)."
    )
    batch: int | None = Field(None, ge=1, description="Clips of each domain in a step; `null`: the budget's.")
    variants: int | None = Field(
        None, ge=1, description="How often an epoch has each clip, altered anew; `null`: the budget's."
    )
    optimizer: Literal["sgd", "adam"] | None = Field(None, description="`null`: docs/networks.md tells each network's.")
    momentum: float | None = Field(None, ge=0, lt=1, description="Of SGD; `null`: the recipe's.")
    weight_decay: float | None = Field(None, ge=0, description="Factor of the weights; `null`: the recipe's.")
    least_rate: float | None = Field(None, ge=0, description="What the rate never falls below; `null`: the recipe's.")
    step_decay: float | None = Field(
        None,
        ge=0,
        description="Keras' `decay`: at step t the rate is divided by 1 + t times this; `null`: the recipe's.",
    )

    @model_validator(mode="after")
    def _training_is_of_one_mind(self) -> "NetworkSettings":
        if self.momentum is not None and (self.optimizer or self.recipe_optimizer) == "adam":
            raise ValueError(
                f"momentum {self.momentum} is of SGD, and this network is trained with Adam; leave it out, or set "
                "`optimizer: sgd`"
            )
        if self.rate is not None and self.least_rate is not None and self.least_rate > self.rate:
            raise ValueError(f"least_rate {self.least_rate} is above the rate, {self.rate}")
        return self

    def fault(self, feature: FeatureRecipe) -> str | None:
        """What keeps the network from reading a feature, found before anything is computed; None where nothing does."""
        if self.reads and feature.descriptor not in self.reads:
            return f"is a feature of {feature.descriptor}, {self.estimator} reads one of {' or '.join(self.reads)}"
        return self.misfit(feature)

    def misfit(self, feature: Any) -> str | None:
        """What of a feature of `reads` is other than the network needs it; None where nothing is."""
        if self.planes and tuple(feature.planes) != self.planes:
            return f"has the planes {', '.join(feature.planes)}, {self.estimator} reads {', '.join(self.planes)}"
        return None

    def parameters(self) -> dict[str, Any]:
        """The network's own options."""
        return self.model_dump(exclude={"feature", *_TRAINING})

    def training(self) -> dict[str, Any]:
        """What differs from the network's recipe."""
        return self.model_dump(include=set(_TRAINING), exclude_none=True)


class DscnnFamily(NetworkSettings):
    """What DSCNN and its single streams share."""

    module: ClassVar[str] = "cdmer.networks.dscnn"
    reads: ClassVar[tuple[str, ...]] = ("dscnn_input",)
    quick_rounds: ClassVar[int] = 1
    feature: Name = Field("dscnn_48", description="The feature that it is trained on.")
    flow_channels: Literal[2, 4, 6] = Field(4, description="Channels of flow in the feature, as its `planes` say.")
    pool_pads: tuple[int, int, int] = Field((2, 0, 1), description="Padding of the three pools, or [2, 1, 0].")
    prelu: Literal["channel", "unit"] = Field("channel", description="A slope for each channel or activation.")
    dropout: float = Field(0.0, ge=0, lt=1, description="After FC1; the paper mentions none.")
    mmd: Literal["norm", "squared"] = Field("norm", description="The discrepancy as printed, or squared.")
    discrepancy: tuple[float, float, float] = Field(
        (0.1, 0.1, 0.1), description="Weights of the discrepancies of FC1 spatial, FC1 temporal and FC2."
    )
    consistent_flow: bool = Field(True, description="Whether vectors are mirrored and turned with the image.")

    def misfit(self, feature: Any) -> str | None:
        """The number of planes."""
        if feature.channels != self.flow_channels:
            return (
                f"has {feature.channels} planes of flow (`planes: {feature.planes}`), `flow_channels` says "
                f"{self.flow_channels}"
            )
        return None


class DSCNNSettings(DscnnFamily):
    """Dual-stream network with three discrepancies of means."""

    estimator: ClassVar[str] = "DSCNN"
    fc2: Literal["concat", "dense"] = Field("concat", description="FC2: the streams side by side, or a learnt layer.")


class OSCNNISettings(DscnnFamily):
    """DSCNN's spatial stream alone."""

    estimator: ClassVar[str] = "OSCNN_I"
    quick_only: ClassVar[tuple[str, ...] | None] = NONE


class OSCNNIISettings(DscnnFamily):
    """DSCNN's temporal stream alone."""

    estimator: ClassVar[str] = "OSCNN_II"
    quick_only: ClassVar[tuple[str, ...] | None] = NONE


class FlowNetwork(NetworkSettings):
    """What networks on the flow from onset to apex share."""

    adapts: ClassVar[bool] = False
    reads: ClassVar[tuple[str, ...]] = FLOW
    planes: ClassVar[tuple[str, ...]] = ("u", "v")
    recipe_optimizer: ClassVar[Literal["sgd", "adam"]] = "adam"
    feature: Name = Field("flow_tvl1_28", description="The feature that it is trained on.")
    scaling: Scale = Field("sample", description=_SCALING)


class FrFamily(FlowNetwork):
    """What FR and its variants share."""

    module: ClassVar[str] = "cdmer.networks.fr"
    preset: Literal["fr_natural", "fr_table7"] = Field(
        "fr_natural", description="Round widths, or those that give the published numbers of parameters."
    )
    scaling: Scale = Field("standard", description=_SCALING)
    attention_scale: Literal["none", "width"] = Field(
        "width", description="`width` multiplies attentions by the number of features, so that they are about 1."
    )
    weight: float = Field(0.85, ge=0, description="Weight of the detectors' loss.")
    dropout: float = Field(0.5, ge=0, lt=1, description="Before the last layer.")
    channels: Literal[1, 3] = Field(1, description="Channels of a stream's input; 3 repeat the one component.")


class FRSettings(FrFamily):
    """Feature refinement: attention and detector for each expression."""

    estimator: ClassVar[str] = "FR"


class FRfcSettings(FrFamily):
    """FR with fully connected layers in place of attentions."""

    estimator: ClassVar[str] = "FR_fc"
    quick_only: ClassVar[tuple[str, ...] | None] = NONE


class FRconcatenatedSettings(FrFamily):
    """FR with the expressions' features side by side in place of their sum."""

    estimator: ClassVar[str] = "FR_concatenated"
    quick_only: ClassVar[tuple[str, ...] | None] = NONE


class InceptionSettings(FlowNetwork):
    """Two streams of Inception blocks, FR's ablation."""

    module: ClassVar[str] = "cdmer.networks.fr"
    estimator: ClassVar[str] = "BasicInception"
    quick_only: ClassVar[tuple[str, ...] | None] = NONE
    scaling: Scale = Field("standard", description=_SCALING)
    channels: Literal[1, 3] = Field(1, description="Channels of a stream's input; 3 repeat the one component.")


class DualInceptionSettings(InceptionSettings):
    """Two streams of Inception blocks, trained three clips at a time."""

    estimator: ClassVar[str] = "DualInception"


class STSTNetSettings(FlowNetwork):
    """Three shallow streams on flow and strain."""

    module: ClassVar[str] = "cdmer.networks.ststnet"
    estimator: ClassVar[str] = "STSTNet"
    planes: ClassVar[tuple[str, ...]] = ("u", "v", "strain")
    feature: Name = Field("flow_strain_28", description="The feature that it is trained on.")
    dropout: float = Field(0.5, ge=0, lt=1, description="Before the average pooling.")


class OFFApexNetSettings(FlowNetwork):
    """Two small streams on the flow's components."""

    module: ClassVar[str] = "cdmer.networks.off_apexnet"
    estimator: ClassVar[str] = "OFFApexNet"
    dropout: float = Field(0.5, ge=0, lt=1, description="After each layer of 1024 units.")


class MADTNSettings(NetworkSettings):
    """Shallow network on a picture of two flows and a face, its features matched by MMD."""

    module: ClassVar[str] = "cdmer.networks.madtn"
    estimator: ClassVar[str] = "MADTN"
    reads: ClassVar[tuple[str, ...]] = ("madtn_image",)
    quick_only: ClassVar[tuple[str, ...] | None] = TWO_EXPERIMENTS
    quick_rounds: ClassVar[int] = 1
    memory: ClassVar[int] = 7000
    recipe_optimizer: ClassVar[Literal["sgd", "adam"]] = "adam"
    feature: Name = Field("madtn_112", description="The feature that it is trained on.")
    fc4_input: Literal["flatten", "gap"] = Field(
        "flatten", description="FC4 reads the whole map (104 million parameters) or its mean (2 million)."
    )
    channels: tuple[PositiveInt, PositiveInt, PositiveInt] = Field(
        (128, 256, 512), description="Filters of the three convolutions."
    )
    kernels: tuple[PositiveFloat, ...] = Field(
        (1, 2, 4, 8, 16), min_length=1, description="Widths of the Gaussian kernels of the discrepancy."
    )
    lam: float = Field(2.0, ge=0, description="Weight of the discrepancy.")
    inputs: Literal["RGB", "RG", "GB", "RB", "R", "G", "B"] = Field("RGB", description="The channels that it sees.")
    rotation: float = Field(30.0, ge=0, le=180, description="Largest angle of the random rotation, in degrees.")


class MERSiamC3DSettings(NetworkSettings):
    """Three-dimensional network that first learns which clips are alike."""

    module: ClassVar[str] = "cdmer.networks.mersiamc3d"
    estimator: ClassVar[str] = "MERSiamC3D"
    reads: ClassVar[tuple[str, ...]] = ("keyframe_flows",)
    adapts: ClassVar[bool] = False
    quick_only: ClassVar[tuple[str, ...] | None] = TWO_EXPERIMENTS
    quick_rounds: ClassVar[int] = 1
    memory: ClassVar[int] = 5000
    feature: Name = Field("mersiamc3d_10x112", description="The feature that it is trained on.")
    channels: Literal[2, 3] = Field(2, description="Channels of the feature: 3 with `magnitude`.")
    hidden: int = Field(512, ge=1, description="Units of the head.")
    dropout: float = Field(0.5, ge=0, lt=1, description="In the head.")
    freeze: int = Field(2, ge=0, le=5, description="Convolutions that stay as prior learning left them.")
    loss: Literal["focal", "printed", "cross_entropy"] = Field(
        "focal", description="Focal loss, focal loss as printed, or cross-entropy."
    )
    alpha: PositiveFloat | list[PositiveFloat] | None = Field(
        None,
        description="Factor of the focal loss, or one for each class that is trained, in the protocol's order; `null`: "
        "the largest class by the smallest, in training.",
    )
    gamma: float = Field(2.0, ge=0, description="Focus of the focal loss.")
    prior: bool = Field(True, description="Whether there is prior learning on pairs.")
    prior_epochs: int | None = Field(None, ge=1, description="Epochs of prior learning; `null`: the budget's.")
    embed: int = Field(4096, ge=1, description="Units of the embedding in prior learning.")
    embed_activation: Literal["sigmoid", "relu"] = Field("sigmoid", description="Of the embedding.")
    distance_head: Literal["weighted", "inverted"] = Field(
        "weighted",
        description="How a pair's distance becomes an answer: Eq. 8 mended by learnt weights, or by its sign.",
    )

    @field_validator("alpha")
    @classmethod
    def _for_each_class(cls, alpha: Any) -> Any:
        if isinstance(alpha, list) and len(alpha) < 2:
            raise ValueError(f"{alpha} is a list, one number for each of two classes or more")
        return alpha

    def misfit(self, feature: Any) -> str | None:
        """The number of channels."""
        if feature.channels != self.channels:
            return f"has {feature.channels} channels (`magnitude`), `channels` says {self.channels}"
        return None


class ImageNetSettings(FlowNetwork):
    """What networks that start from ImageNet weights share."""

    module: ClassVar[str] = "cdmer.networks.imagenet"
    planes: ClassVar[tuple[str, ...]] = ("u", "v", "strain")
    recipe_optimizer: ClassVar[Literal["sgd", "adam"]] = "sgd"
    quick_only: ClassVar[tuple[str, ...] | None] = TWO_EXPERIMENTS
    quick_rounds: ClassVar[int] = 1
    memory: ClassVar[int] = 6000
    feature: Name = Field("flow_strain_28", description="The feature that it is trained on.")
    weights: str | None = Field(
        None, description="torchvision's ImageNet weights; `null`: the table leaves the network out, saying so."
    )


class AlexNetSettings(ImageNetSettings):
    """AlexNet on flow images."""

    estimator: ClassVar[str] = "AlexNet"


class GoogLeNetSettings(ImageNetSettings):
    """GoogLeNet on flow images."""

    estimator: ClassVar[str] = "GoogLeNet"


class VGG16Settings(ImageNetSettings):
    """VGG16 on flow images."""

    estimator: ClassVar[str] = "VGG16"
