"""Settings of the models stage."""

from collections import Counter
from functools import cache
from typing import ClassVar, Literal

from pydantic import ConfigDict, Field, model_validator

from cdmer.config.model_settings import ModelSettings
from cdmer.config.networks import (
    AlexNetSettings,
    DSCNNSettings,
    DualInceptionSettings,
    FRconcatenatedSettings,
    FRfcSettings,
    FRSettings,
    GoogLeNetSettings,
    InceptionSettings,
    MADTNSettings,
    MERSiamC3DSettings,
    OFFApexNetSettings,
    OSCNNIISettings,
    OSCNNISettings,
    STSTNetSettings,
    VGG16Settings,
)
from cdmer.config.rival_networks import (
    C3DSettings,
    CapsuleNetSettings,
    CNNLSTMSettings,
    DSSNSettings,
    EMRSettings,
    FCNN3DSettings,
    MicroAttentionSettings,
    SSSNSettings,
    STRCNASettings,
    STRCNGSettings,
    TSCNNIISettings,
    TSCNNISettings,
)
from cdmer.config.settings import Settings


class SVMSettings(ModelSettings):
    """Linear support vector machine, the benchmark's baseline."""

    module: ClassVar[str] = "cdmer.adaptation.svm"
    estimator: ClassVar[str] = "SVM"
    adapts: ClassVar[bool] = False
    searched: ClassVar[bool] = False
    C: float = Field(1.0, gt=0, description="Cost of a violated margin.")


class TCASettings(ModelSettings):
    """Transfer component analysis (Pan et al. 2011), then a linear support vector machine."""

    module: ClassVar[str] = "cdmer.adaptation.tca"
    estimator: ClassVar[str] = "TCA"
    mu: float = Field(1.0, gt=0, description="Weight of the components' complexity.")
    dim: int = Field(30, ge=1, description="Number of components, searched from 1 to the number of clips.")
    C: float = Field(1.0, gt=0, description="Cost of a violated margin.")


class IWSVMSettings(ModelSettings):
    """Support vector machine with importance weights by uLSIF (Kanamori et al. 2009)."""

    module: ClassVar[str] = "cdmer.adaptation.iwsvm"
    estimator: ClassVar[str] = "IWSVM"
    searched: ClassVar[bool] = False
    C: float = Field(1.0, gt=0, description="Cost of a violated margin.")


class SubspaceSettings(ModelSettings):
    """What methods on principal subspaces share."""

    dim: int | None = Field(
        None, ge=1, description="Dimension of the subspaces; `null`: half of what both domains have. All are searched."
    )
    C: float = Field(1.0, gt=0, description="Cost of a violated margin.")


class GFKSettings(SubspaceSettings):
    """Geodesic flow kernel (Gong et al. 2012), then a support vector machine."""

    module: ClassVar[str] = "cdmer.adaptation.gfk"
    estimator: ClassVar[str] = "GFK"


class SASettings(SubspaceSettings):
    """Subspace alignment (Fernando et al. 2013), then a linear support vector machine."""

    module: ClassVar[str] = "cdmer.adaptation.sa"
    estimator: ClassVar[str] = "SA"


class STMSettings(ModelSettings):
    """Selective transfer machine (Chu et al. 2013)."""

    module: ClassVar[str] = "cdmer.adaptation.stm"
    estimator: ClassVar[str] = "STM"
    lam: float = Field(
        1.0, gt=0, description="Weight of the match of the domains' means, searched from 0.001 to 10000."
    )
    C: float = Field(1.0, gt=0, description="Cost of a violated margin.")


class TKLSettings(ModelSettings):
    """Transfer kernel learning (Long et al. 2015), then a support vector machine."""

    module: ClassVar[str] = "cdmer.adaptation.tkl"
    estimator: ClassVar[str] = "TKL"
    zeta: float = Field(2.5, gt=0, description="Eigenspectrum damping, searched from 0.1 to 5.")
    C: float = Field(1.0, gt=0, description="Cost of a violated margin.")


class RegeneratorSettings(ModelSettings):
    """What methods that regenerate a domain share."""

    lam: float = Field(1.0, ge=0, description="Weight of the discrepancy of means, searched from 0.001 to 1000.")
    mu: float = Field(0.1, gt=0, description="Weight of sparsity, searched from 0.001 to 10.")
    solver: Literal["schedule", "converged"] = Field(
        "schedule", description="The authors' iteration, which stops short of the minimum, or the minimum (faster)."
    )


class TSRGSettings(RegeneratorSettings):
    """Target sample re-generator (Zong et al. 2017), called DRFS-S in 2018."""

    module: ClassVar[str] = "cdmer.adaptation.tsrg"
    estimator: ClassVar[str] = "TSRG"


class DRFSTSettings(RegeneratorSettings):
    """Domain regeneration in the original feature space, with the target unchanged (Zong et al. 2018)."""

    module: ClassVar[str] = "cdmer.adaptation.drfst"
    estimator: ClassVar[str] = "DRFST"


class DRLSSettings(RegeneratorSettings):
    """Domain regeneration in the label space (Zong et al. 2018)."""

    module: ClassVar[str] = "cdmer.adaptation.drls"
    estimator: ClassVar[str] = "DRLS"


class BlockSettings(ModelSettings):
    """What methods on facial blocks share."""

    n_blocks: int = Field(85, ge=1, description="Number of blocks of the feature: the sum of its grids' squares.")


class RSTRSettings(BlockSettings):
    """Region selective transfer regression on facial blocks."""

    module: ClassVar[str] = "cdmer.adaptation.rstr"
    estimator: ClassVar[str] = "RSTR"
    lam: float = Field(100.0, ge=0, description="Weight of the discrepancy of means, searched from 0.1 to 10000.")
    mu: float = Field(2.5, gt=0, description="Weight of sparsity, searched from 0.1 to 5.")
    tau: float = Field(0.05, gt=0, description="Weight of the blocks' sparsity, searched from 0.01 to 0.1.")
    solver: Literal["schedule", "converged"] = Field(
        "converged", description="The regression's minimum, or the iteration that the patent prints."
    )


class TGSRSettings(BlockSettings):
    """Transfer group sparse regression on facial blocks."""

    module: ClassVar[str] = "cdmer.adaptation.tgsr"
    estimator: ClassVar[str] = "TGSR"
    kappa: int = Field(43, ge=1, description="Number of blocks that remain, searched from 1 to 85.")
    xi: float = Field(1.0, ge=0, description="Weight of the discrepancy of means, searched from 0.001 to 1000.")
    solver: Literal["schedule", "converged"] = Field(
        "schedule", description="The authors' iteration, or the minimum of what they write down."
    )

    @model_validator(mode="after")
    def _no_more_blocks_than_there_are(self) -> "TGSRSettings":
        if self.kappa > self.n_blocks:
            raise ValueError(f"kappa: {self.kappa} of {self.n_blocks} blocks")
        return self


class TGSRReleasedSettings(TGSRSettings):
    """TGSR on the released files' column order, as its authors ran it: a group is no facial block there."""

    columns: ClassVar[Literal["blocks", "released"]] = "released"


class Models(Settings):
    """Settings of each model, by its public name."""

    model_config = ConfigDict(serialize_by_alias=True)

    SVM: SVMSettings = SVMSettings()
    IWSVM: IWSVMSettings = IWSVMSettings()
    TCA: TCASettings = TCASettings()
    GFK: GFKSettings = GFKSettings()
    SA: SASettings = SASettings()
    STM: STMSettings = STMSettings()
    TKL: TKLSettings = TKLSettings()
    TSRG: TSRGSettings = TSRGSettings()
    DRFST: DRFSTSettings = DRFSTSettings()
    DRLS: DRLSSettings = DRLSSettings()
    RSTR: RSTRSettings = RSTRSettings()
    TGSR: TGSRSettings = TGSRSettings()
    TGSR_released: TGSRReleasedSettings = Field(TGSRReleasedSettings(), alias="TGSR@released")
    DSCNN: DSCNNSettings = DSCNNSettings()
    OSCNN_I: OSCNNISettings = Field(OSCNNISettings(), alias="OSCNN-I")
    OSCNN_II: OSCNNIISettings = Field(OSCNNIISettings(), alias="OSCNN-II")
    FR: FRSettings = FRSettings()
    FR_fc: FRfcSettings = Field(FRfcSettings(), alias="FR-fc")
    FR_concatenated: FRconcatenatedSettings = Field(FRconcatenatedSettings(), alias="FR-concatenated")
    Basic_Inception: InceptionSettings = Field(InceptionSettings(), alias="Basic-Inception")
    Dual_Inception: DualInceptionSettings = Field(DualInceptionSettings(), alias="Dual-Inception")
    STSTNet: STSTNetSettings = STSTNetSettings()
    OFF_ApexNet: OFFApexNetSettings = Field(OFFApexNetSettings(), alias="OFF-ApexNet")
    AlexNet: AlexNetSettings = AlexNetSettings()
    GoogLeNet: GoogLeNetSettings = GoogLeNetSettings()
    VGG16: VGG16Settings = VGG16Settings()
    MADTN: MADTNSettings = MADTNSettings()
    MERSiamC3D: MERSiamC3DSettings = MERSiamC3DSettings()
    SSSN: SSSNSettings = SSSNSettings()
    DSSN: DSSNSettings = DSSNSettings()
    TSCNN_I: TSCNNISettings = Field(TSCNNISettings(), alias="TSCNN-I")
    TSCNN_II: TSCNNIISettings = Field(TSCNNIISettings(), alias="TSCNN-II")
    STRCN_G: STRCNGSettings = Field(STRCNGSettings(), alias="STRCN-G")
    STRCN_A: STRCNASettings = Field(STRCNASettings(), alias="STRCN-A")
    CapsuleNet: CapsuleNetSettings = CapsuleNetSettings()
    EMR: EMRSettings = EMRSettings()
    MicroAttention: MicroAttentionSettings = MicroAttentionSettings()
    C3D: C3DSettings = C3DSettings()
    FCNN3D: FCNN3DSettings = Field(FCNN3DSettings(), alias="3D-FCNN")
    CNN_LSTM: CNNLSTMSettings = Field(CNNLSTMSettings(), alias="CNN-LSTM")

    def by_name(self) -> dict[str, ModelSettings]:
        """The settings by public name, in the table's order."""
        return {field.alias or name: getattr(self, name) for name, field in type(self).model_fields.items()}


@cache
def names_of_classes() -> dict[str, str]:
    """Names of classes that are no model's public name but of one model alone: the class to the model."""
    classes = {name: str(settings.estimator) for name, settings in Models().by_name().items()}
    number = Counter(classes.values())
    return {each: name for name, each in classes.items() if each not in classes and number[each] == 1}


def public_name(typed: str) -> str:
    """A model's public name, where that of its class may stand: OFF-ApexNet for OFFApexNet, on any feature."""
    base, at, feature = typed.partition("@")
    return f"{names_of_classes().get(base, base)}{at}{feature}"
