"""How weights start where a deep network learns by gradient descent: from torch's own it answers alike for ever."""

import numpy as np
import pytest
import torch

from cdmer.networks.dscnn import DSCNN
from cdmer.networks.mersiamc3d import WIDTHS, MERSiamC3D

# inputs of each unit of Table 1's layers, of one stream; the flow has four channels
STREAM = {"conv1": 4 * 25, "conv2": 64 * 9, "conv3": 64 * 9, "conv4": 64 * 9, "conv5": 128 * 9, "fc1": 3200}


@pytest.mark.parametrize(("prelu", "slope"), [("channel", 0.25), ("unit", 0.0)])
def test_weights_start_as_prelu_s_authors_derive(prelu, slope):
    """He et al. 2015, Eq. 15: a variance of ``2 / ((1 + slope^2) inputs)``, and biases of 0."""
    torch.manual_seed(1)
    stream = DSCNN(prelu=prelu).temporal
    for name, inputs in STREAM.items():
        layer = getattr(stream, name)
        expected = np.sqrt(2 / ((1 + slope**2) * inputs))
        np.testing.assert_allclose(layer.weight.std().item(), expected, rtol=0.03)
        assert not layer.bias.any()


def test_what_tells_clips_apart_comes_through_six_layers():
    """Noise of variance 1 in; clips still differ by that order after FC1. Torch's own weights leave a thousandth."""
    torch.manual_seed(2)
    X = torch.randn(16, 5, 48, 48)
    with torch.no_grad():
        found = DSCNN().features(X)["fc2"]
    assert 0.05 < found.std(0).mean() < 5


def test_mersiamc3d_starts_from_uniform_weights():
    """Glorot and Bengio 2010, Eq. 16: up to ``sqrt(6 / (inputs + outputs))``, of kernels 3 x 3 x 3."""
    torch.manual_seed(3)
    network = MERSiamC3D()
    for layer, inputs, outputs in zip(network.core.convolutions, (2, 32, 64, 128, 128), WIDTHS, strict=True):
        bound = np.sqrt(6 / (27 * (inputs + outputs)))
        assert 0.97 * bound < layer.weight.abs().max() <= bound
        assert not layer.bias.any()
    assert 0.97 * np.sqrt(6 / (4096 + 512)) < network.hidden.weight.abs().max() <= np.sqrt(6 / (4096 + 512))
