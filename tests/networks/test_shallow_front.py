"""STSTNet's fused front against the four steps that it stands for, done by torch in double precision."""

import copy

import pytest
import torch

from cdmer.networks.shallow_front import ShallowFront


def plain(front, x):
    return front.pool(front.norm(front.conv(x).relu()))


@pytest.mark.parametrize("size", [(28, 28), (13, 35), (6, 4)])
def test_output_gradients_and_running_moments_are_torchs(size):
    torch.manual_seed(0)
    front = ShallowFront(3, 5)
    with torch.no_grad():
        front.norm.weight.uniform_(-1, 1)  # negative factors turn the maximum into a minimum
        front.norm.bias.uniform_(-1, 1)
    assert (front.norm.weight < 0).any()
    assert (front.norm.weight > 0).any()
    reference = copy.deepcopy(front).double()
    x = torch.rand(6, 3, *size)
    out, expected = front(x), plain(reference, x.double())
    assert out.shape == expected.shape
    torch.testing.assert_close(out, expected.float(), atol=2e-5, rtol=0)
    above = torch.randn_like(out)
    above[:, :, ::2] = 0  # as dropout leaves them
    out.backward(above)
    expected.backward(above.double())
    for (name, one), other in zip(front.named_parameters(), reference.parameters(), strict=True):
        size_of = other.grad.abs().max()
        assert (one.grad - other.grad).abs().max() / size_of < 2e-5, name
    for one, other in zip(front.norm.buffers(), reference.norm.buffers(), strict=True):
        torch.testing.assert_close(one.double(), other.double(), atol=1e-6, rtol=1e-5)


def test_flat_regions_whose_extremes_tie_send_the_gradient_to_the_first():
    torch.manual_seed(1)
    front = ShallowFront(1, 2)
    reference = copy.deepcopy(front)
    x = torch.zeros(2, 1, 9, 9)
    x[:, :, 4:] = 1  # two flat halves
    out, expected = front(x), plain(reference, x)
    above = torch.arange(out.numel(), dtype=torch.float32).view(out.shape)
    out.backward(above)
    expected.backward(above)
    torch.testing.assert_close(front.conv.weight.grad, reference.conv.weight.grad, rtol=1e-3, atol=1e-3)


def test_in_prediction_it_is_the_four_steps():
    front = ShallowFront(3, 4)
    x = torch.rand(5, 3, 28, 28)
    front(x)
    front.eval()
    assert torch.equal(front(x), plain(front, x))
