"""Networks on images, flow and clips: plain torch modules, and the loop that trains many of them side by side."""

from cdmer.networks.dscnn import DSCNN, OSCNN_I, OSCNN_II
from cdmer.networks.fr import FR, BasicInception, DualInception, FR_concatenated, FR_fc
from cdmer.networks.madtn import MADTN
from cdmer.networks.mersiamc3d import MERSiamC3D, SiamC3D
from cdmer.networks.off_apexnet import OFFApexNet
from cdmer.networks.ststnet import STSTNet

__all__ = [
    "DSCNN",
    "FR",
    "MADTN",
    "OSCNN_I",
    "OSCNN_II",
    "BasicInception",
    "DualInception",
    "FR_concatenated",
    "FR_fc",
    "MERSiamC3D",
    "OFFApexNet",
    "STSTNet",
    "SiamC3D",
]
