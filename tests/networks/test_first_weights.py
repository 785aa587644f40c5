"""How weights start where a deep network learns by gradient descent: from torch's own it answers alike for ever."""

import numpy as np
import pytest
import torch

from cdmer.networks.dscnn import DSCNN
from cdmer.networks.mersiamc3d import SinC3D

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


def test_what_tells_clips_apart_comes_through_five_layers_in_three_dimensions():
    """The same of MERSiamC3D's core, whose 4096 units would differ by 0.003."""
    torch.manual_seed(3)
    with torch.no_grad():
        found = SinC3D()(torch.randn(3, 2, 10, 112, 112))
    assert found.shape == (3, 4096)
    assert 0.1 < found.std(0).mean() < 10
