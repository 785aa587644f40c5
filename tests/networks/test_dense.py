"""The dense layer against the same product in double precision."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from cdmer.networks.dense import Dense


@pytest.mark.parametrize(("samples", "inputs", "outputs"), [(32, 627, 102), (3, 6272, 16), (1, 7, 5), (17, 128, 1)])
@pytest.mark.parametrize("bias", [True, False])
def test_output_and_gradients_are_those_of_the_product(samples, inputs, outputs, bias):
    torch.manual_seed(0)
    layer = Dense(inputs, outputs, bias=bias)
    exact = nn.Linear(inputs, outputs, bias=bias).double()
    exact.load_state_dict({name: tensor.double() for name, tensor in layer.state_dict().items()})
    x = torch.randn(inputs, samples).t().requires_grad_()  # not in the order of memory, as after channels last
    y = x.detach().double().requires_grad_()
    above = torch.randn(samples, outputs)
    found, expected = layer(x), exact(y)
    found.backward(above)
    expected.backward(above.double())
    pairs = [(found, expected), (x.grad, y.grad)]
    pairs += [(one.grad, two.grad) for one, two in zip(layer.parameters(), exact.parameters(), strict=True)]
    for one, two in pairs:
        assert one.shape == two.shape
        assert (one - two).abs().max() / two.abs().max() < 3e-6


def test_frozen_weights_get_no_gradient():
    layer = Dense(5, 4).requires_grad_(False)
    x = torch.randn(3, 5, requires_grad=True)
    layer(x).sum().backward()
    assert layer.weight.grad is None
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand(3, 5))


def test_other_shapes_and_types_go_torchs_way():
    layer = Dense(6, 2)
    x = torch.randn(4, 3, 6)
    torch.testing.assert_close(layer(x), layer(x.view(12, 6)).view(4, 3, 2))
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(x[0]).dtype == torch.bfloat16
    assert layer.double()(x.double()).dtype == torch.float64


def test_freed_memory_is_kept():
    """In a process of its own: what else one has done decides where the C library takes memory from."""
    program = """
import resource
import torch
from cdmer.networks.memory import keep_freed_memory

keep_freed_memory()
for _ in range(20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(40 << 18)  # 40 MB: 10,240 pages
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert sum(map(int, done.stdout.split()[-10:])) < 100  # after a few the heap holds a piece that is large enough
