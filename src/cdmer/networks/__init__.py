"""Networks on images, flow and clips: plain torch modules, and the loop that trains many of them side by side."""

from cdmer.networks.c3d import C3D
from cdmer.networks.capsulenet import CapsuleNet
from cdmer.networks.dscnn import DSCNN, OSCNN_I, OSCNN_II
from cdmer.networks.emr import EMR
from cdmer.networks.fr import FR, BasicInception, DualInception, FR_concatenated, FR_fc
from cdmer.networks.imagenet import VGG16, AlexNet, GoogLeNet
from cdmer.networks.madtn import MADTN
from cdmer.networks.mersiamc3d import MERSiamC3D, SiamC3D
from cdmer.networks.micro_attention import MicroAttention
from cdmer.networks.off_apexnet import OFFApexNet
from cdmer.networks.recurrent import CNNLSTM, FCNN3D, STRCN_A, STRCN_G
from cdmer.networks.sssn import DSSN, SSSN
from cdmer.networks.ststnet import STSTNet
from cdmer.networks.tscnn import TSCNN_I, TSCNN_II

__all__ = [
    "C3D",
    "CNNLSTM",
    "DSCNN",
    "DSSN",
    "EMR",
    "FCNN3D",
    "FR",
    "MADTN",
    "OSCNN_I",
    "OSCNN_II",
    "SSSN",
    "STRCN_A",
    "STRCN_G",
    "TSCNN_I",
    "TSCNN_II",
    "VGG16",
    "AlexNet",
    "BasicInception",
    "CapsuleNet",
    "DualInception",
    "FR_concatenated",
    "FR_fc",
    "GoogLeNet",
    "MERSiamC3D",
    "MicroAttention",
    "OFFApexNet",
    "STSTNet",
    "SiamC3D",
]
