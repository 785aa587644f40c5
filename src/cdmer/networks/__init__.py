"""Networks on images, flow and clips: plain torch modules, and the loop that trains many of them side by side."""

from cdmer.networks.dscnn import DSCNN, OSCNN_I, OSCNN_II
from cdmer.networks.fr import FR, BasicInception, DualInception, FR_concatenated, FR_fc
from cdmer.networks.off_apexnet import OFFApexNet
from cdmer.networks.ststnet import STSTNet

__all__ = [
    "DSCNN",
    "FR",
    "OSCNN_I",
    "OSCNN_II",
    "BasicInception",
    "DualInception",
    "FR_concatenated",
    "FR_fc",
    "OFFApexNet",
    "STSTNet",
]
