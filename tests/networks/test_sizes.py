"""Every network's parameter count and shapes, against the papers' tables and sums done by hand."""

import pytest
import torch

from cdmer.networks.dscnn import DSCNN, OSCNN_I, OSCNN_II, Stream
from cdmer.networks.fr import FR, BasicInception, DualInception, FR_concatenated, FR_fc, InceptionStream
from cdmer.networks.madtn import MADTN
from cdmer.networks.mersiamc3d import MERSiamC3D, SiamC3D, SinC3D
from cdmer.networks.network import count_parameters
from cdmer.networks.off_apexnet import OFFApexNet
from cdmer.networks.ststnet import STSTNet

# layer by layer: kernel weights + biases (+ slopes), summed by hand from the papers' layer tables
STREAM_1 = 1664 + 64 + 2 * (36928 + 64) + 73856 + 128 + 147584 + 128 + 3277824 + 1024
STREAM_4 = STREAM_1 - 1664 + 6464
INCEPTION = 1284 + 10336
CONVOLUTIONS_2 = 1760 + 55360 + 221312 + 442496 + 884992
with torch.device("meta"):  # counts and shapes need no numbers, of which there are hundreds of millions
    COUNTS = [
        (DSCNN(), STREAM_1 + STREAM_4 + 6147),
        (DSCNN(fc2="dense"), STREAM_1 + STREAM_4 + 6147 + 2048 * 2048 + 2048 + 2048),
        (DSCNN(flow_channels=2), STREAM_1 + STREAM_1 - 1664 + 3264 + 6147),
        (OSCNN_I(), STREAM_1 + 3 * 1025),
        (OSCNN_II(), STREAM_4 + 3 * 1025),
        (DualInception(), 2 * INCEPTION + 6423552 + 3 * 1025),
        (DualInception(4), 6450892),
        (DualInception(3, channels=3), 6449963),
        (DualInception(4, channels=3), 6450988),
        (BasicInception(), 6449867),
        (FR(), 2 * INCEPTION + 6423552 + 3 * (1049600 + 131329) + 1025 * 256 + 3 * 257),
        (FR(4), 11433936),
        (FR(3, preset="fr_table7"), 10241829),  # published: 10.2418 million
        (FR(4, preset="fr_table7"), 11423133),  # published: 11.4231 million
        (FR_fc(), 10252750),
        (FR_concatenated(), 10777038),
        (FR_concatenated(4), 12220368),
        (STSTNet(), 16 * 27 + 16 + 2 * 16 + 3 * 401 + 0),
        (OFFApexNet(), 2664475),
        (MADTN(), 104243459),
        (MADTN(fc4_input="gap"), 2007299),
        (SiamC3D(), CONVOLUTIONS_2 + 4096 * 4097 + 4097),
        (MERSiamC3D(), CONVOLUTIONS_2 + 512 * 4097 + 3 * 513),
    ]


@pytest.mark.parametrize(("network", "count"), COUNTS, ids=[type(n).__name__ + str(c) for n, c in COUNTS])
def test_the_number_of_parameters_is_that_of_the_layer_table(network, count):
    assert count_parameters(network) == count


@pytest.mark.parametrize(("channels", "count"), [(1, 1605056), (2, 1605920), (3, 1606784)])
def test_the_core_of_mersiamc3d_has_the_parameters_of_its_table(channels, count):
    assert count_parameters(SinC3D(channels)) == count


@pytest.mark.parametrize(
    "make",
    [DSCNN, OSCNN_I, OSCNN_II, DualInception, FR, FR_fc, FR_concatenated, OFFApexNet, MADTN, MERSiamC3D],
    ids=lambda make: make.title,
)
def test_two_samples_make_logits_of_each_class(make):
    with torch.device("meta"):
        network = make()
        assert network(torch.rand(2, *network.shape)).shape == (2, 3)
        assert make(5)(torch.rand(1, *network.shape)).shape == (1, 5)


def test_two_samples_of_ststnet_make_logits_of_each_class():
    assert STSTNet()(torch.rand(2, 3, 28, 28)).shape == (2, 3)
    assert STSTNet(5)(torch.rand(1, 3, 28, 28)).shape == (1, 5)


@pytest.mark.parametrize("pads", [(2, 0, 1), (2, 1, 0)])
def test_both_readings_of_dscnns_padding_end_at_5_x_5(pads):
    stream = Stream(1, pads, "channel", 0.0)
    seen = {}
    stream.average_pool1.register_forward_hook(lambda *a: seen.update(first=a[2].shape))
    stream.average_pool2.register_forward_hook(lambda *a: seen.update(second=a[2].shape))
    assert stream(torch.rand(1, 1, 48, 48)).shape == (1, 1024)
    assert seen["first"][-1] == {(2, 0, 1): 10, (2, 1, 0): 11}[pads]
    assert seen["second"] == (1, 128, 5, 5)


def test_the_layers_of_the_inception_stream_have_the_shapes_of_its_table():
    x = torch.rand(1, 1, 28, 28)
    for layer, shape in zip(InceptionStream(1), [(24, 28, 28), (24, 14, 14), (64, 14, 14), (64, 7, 7)], strict=True):
        x = layer(x)
        assert x.shape[1:] == shape


def test_the_core_of_mersiamc3d_pools_to_4096():
    core, x, shapes = SinC3D(2), torch.rand(1, 2, 10, 112, 112), []
    for convolution, pool in zip(core.convolutions, core.pools, strict=True):
        x = pool(convolution(x)).relu()
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(32, 10, 56, 56), (64, 5, 28, 28), (128, 3, 14, 14), (128, 2, 7, 7), (256, 1, 4, 4)]


def test_the_pairs_of_mersiamc3d_make_logits():
    assert SiamC3D(embed=64)(torch.rand(1, 2, 2, 10, 112, 112)).shape == (1, 2)
