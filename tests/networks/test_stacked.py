"""Stacked layers against the layers that they hold, one by one."""

import copy

import pytest
import torch
from torch import nn

from cdmer.networks.mersiamc3d import SinC3D
from cdmer.networks.micro_attention import AttentiveStage
from cdmer.networks.recurrent import CNNLSTM, FCNN3D, STRCN_G
from cdmer.networks.scaling import Scaling
from cdmer.networks.sssn import SSSN
from cdmer.networks.stacked import StackedBatchNorm, stack, unstack


def networks(make, count=3):
    found = []
    for seed in range(count):
        torch.manual_seed(seed)
        network = make().double().eval()
        for layer in network.modules():
            if isinstance(layer, Scaling):
                layer.scale += seed
        found.append(network)
    return found


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.Conv2d(4, 6, 3, 2, 1, groups=2), (4, 9, 7)),
        (lambda: nn.Conv3d(2, 3, 3, padding=1), (2, 4, 5, 6)),
        (lambda: nn.Linear(5, 2), (5,)),
        (lambda: nn.Sequential(nn.BatchNorm2d(3), nn.PReLU(3), nn.MaxPool2d(2)), (3, 6, 6)),
        (SinC3D, (2, 4, 16, 16)),
        (lambda: AttentiveStage(4, 6, 2, True), (4, 8, 8)),
        (STRCN_G, (2, 28, 28)),
        (lambda: FCNN3D(frames=4, side=8), (3, 4, 8, 8)),
        (CNNLSTM, (1, 5, 64, 64)),
        (SSSN, (3, 28, 28)),
    ],
    ids=["Conv2d", "Conv3d", "Linear", "BatchNorm", "SinC3D", "AttentiveStage", "STRCN", "3D-FCNN", "CNN+LSTM", "SSSN"],
)
def test_stacked_networks_answer_as_each_by_itself(make, shape):
    singles = networks(make)
    x = torch.rand(3, 2, *shape, dtype=torch.float64)
    stacked = stack(singles).eval()
    with torch.no_grad():
        together = stacked(x)
        for index, single in enumerate(singles):
            torch.testing.assert_close(together[index], single(x[index]), atol=1e-10, rtol=1e-8)
    state = unstack(stacked, 1)
    assert {name: tensor.shape for name, tensor in state.items()} == {
        name: tensor.shape for name, tensor in singles[1].state_dict().items()
    }
    for name, tensor in singles[1].state_dict().items():
        assert torch.equal(state[name], tensor)


def test_samples_of_weight_0_leave_no_trace_in_normalisation():
    singles = networks(lambda: nn.BatchNorm2d(3), 2)
    x = torch.rand(2, 4, 3, 5, 5, dtype=torch.float64)
    stacked = stack(singles).train()
    assert isinstance(stacked, StackedBatchNorm)
    weight = torch.tensor([[1.0, 1, 1, 0], [1, 1, 1, 1]], dtype=torch.float64)
    stacked.weights_of_samples = [weight]
    together = stacked(x)
    plain = [copy.deepcopy(single).train() for single in singles]
    torch.testing.assert_close(together[0, :3], plain[0](x[0, :3]))
    torch.testing.assert_close(together[1], plain[1](x[1]))
    for index in (0, 1):
        state = unstack(stacked, index)
        torch.testing.assert_close(state["running_var"], plain[index].running_var)
        torch.testing.assert_close(state["running_mean"], plain[index].running_mean)


def test_a_training_without_samples_keeps_its_running_moments():
    stacked = stack(networks(lambda: nn.BatchNorm2d(3), 2)).train()
    stacked.weights_of_samples = [torch.tensor([[0.0, 0], [1, 1]], dtype=torch.float64)]
    stacked(torch.rand(2, 2, 3, 4, 4, dtype=torch.float64))
    assert unstack(stacked, 0)["running_mean"].abs().max() == 0
    assert unstack(stacked, 1)["running_mean"].abs().max() > 0
    assert stacked.num_batches_tracked.tolist() == [0, 1]


def test_a_layer_that_is_not_known_is_named():
    with pytest.raises(TypeError, match="LSTM cannot be stacked"):
        stack([nn.LSTM(3, 2), nn.LSTM(3, 2)])
