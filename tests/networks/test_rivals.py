"""The compared networks: sizes that others publish, shapes, and the steps that are particular to each."""

import math

import pytest
import torch

from cdmer.errors import CdmerError
from cdmer.networks.c3d import C3D
from cdmer.networks.capsulenet import CapsuleNet, squash
from cdmer.networks.emr import EMR, reversal_coefficient
from cdmer.networks.imagenet import VGG16, AlexNet, GoogLeNet
from cdmer.networks.micro_attention import MicroAttention
from cdmer.networks.network import Batch, count_parameters
from cdmer.networks.pretrained import load_pretrained
from cdmer.networks.recurrent import CNNLSTM, FCNN3D, STRCN_A, STRCN_G
from cdmer.networks.residual import ResNet18
from cdmer.networks.sssn import DSSN, SSSN, Front
from cdmer.networks.tscnn import TSCNN_I, TSCNN_II


def on_meta(make):
    """A network without memory for its weights: for counting."""
    with torch.device("meta"):
        return make()


@pytest.mark.parametrize(
    ("make", "count"),
    [
        # torchvision's documentation, ImageNet's 1000 classes (GoogLeNet without its auxiliary classifiers)
        (lambda: AlexNet(1000), 61100840),
        (lambda: VGG16(1000), 138357544),
        (lambda: GoogLeNet(1000), 6624904),
        (ResNet18, 11689512 - 513000),
        # C3D without its last layer
        (lambda: C3D(3), 77995776 + 4097 * 3),
        # AlexNet's first two convolutions by hand, and one dense layer
        (SSSN, 96 * 363 + 96 + 256 * 48 * 25 + 256 + 3 * 57601),
        (DSSN, 2 * (96 * 363 + 96 + 256 * 48 * 25 + 256) + 3 * 57601),
    ],
    ids=["AlexNet", "VGG16", "GoogLeNet", "ResNet18", "C3D", "SSSN", "DSSN"],
)
def test_parameters_are_as_many_as_published(make, count):
    assert count_parameters(on_meta(make)) == count


@pytest.mark.parametrize(
    "make",
    [
        AlexNet,
        GoogLeNet,
        VGG16,
        C3D,
        SSSN,
        DSSN,
        MicroAttention,
        CapsuleNet,
        EMR,
        TSCNN_I,
        TSCNN_II,
        STRCN_A,
        STRCN_G,
        FCNN3D,
        CNNLSTM,
    ],
    ids=lambda make: make.title,
)
def test_two_samples_make_scores_of_each_class(make):
    network = on_meta(make).eval()
    with torch.no_grad(), torch.device("meta"):
        assert network(torch.rand(2, *network.shape)).shape == (2, 3)


def test_those_whose_sizes_are_guesses_say_so():
    assert all(kind.approximate for kind in (STRCN_A, STRCN_G, FCNN3D, CNNLSTM, TSCNN_I, TSCNN_II))
    assert not any(kind.approximate for kind in (AlexNet, SSSN, MicroAttention, CapsuleNet))


def test_the_front_of_sssn_ends_at_256_x_15_x_15():
    assert Front()(torch.rand(1, 3, 227, 227)).shape == (1, 256, 15, 15)


def test_squash_shortens_to_the_papers_length():
    v = squash(torch.tensor([[3.0, 4.0]]))
    assert v.norm().item() == pytest.approx(25 / 26, rel=1e-5)
    assert (v / v.norm()).tolist()[0] == pytest.approx([0.6, 0.8], rel=1e-5)


def test_the_margin_loss_by_hand(monkeypatch):
    network = CapsuleNet()
    monkeypatch.setattr(network, "forward", lambda x: torch.tensor([[0.9, 0.2, 0.0]]))
    loss = network.losses(Batch(torch.rand(1, 3, 224, 224), torch.tensor([0]), torch.ones(1)))["margin"]
    assert loss.item() == pytest.approx(0.09**2 + 0.5 * 0.19**2, rel=1e-4)


def test_emr_reverses_the_gradient_of_its_domain_and_slows_its_trunk():
    assert reversal_coefficient(0) == 0
    assert reversal_coefficient(0.5) == pytest.approx(2 / (1 + math.exp(-5)) - 1)
    network = EMR()
    assert network.rate_factor("trunk.conv1.weight") == 0.01
    assert network.rate_factor("upper.weight") == 1
    torch.manual_seed(0)
    x = torch.rand(2, 3, 224, 224)
    network.eval()  # no dropout: both runs see the same
    found = []
    for progress in (0.02, 1.0):
        batch = Batch(x, torch.tensor([0, 1]), torch.ones(2), x.flip(-1), torch.ones(2), progress)
        gradient = torch.autograd.grad(network.losses(batch)["domain"], network.upper.weight)[0]
        found.append(gradient / reversal_coefficient(progress))
    torch.testing.assert_close(found[0], found[1], rtol=1e-3, atol=1e-7)


def test_tscnn_shows_each_part_at_its_own_place():
    apex = torch.rand(1, 1, 48, 48)
    parts = TSCNN_I().parts(apex)
    assert parts.shape == (1, 9, 48, 48)
    torch.testing.assert_close(parts.sum(1, keepdim=True), apex)
    assert torch.equal(parts[0, 5, 16:32, 32:], apex[0, 0, 16:32, 32:])


def test_weights_of_the_user_fill_all_but_the_last_layer(tmp_path):
    torch.manual_seed(0)
    trunk = ResNet18(stages=1)
    torch.save(trunk.state_dict(), tmp_path / "w.pth")
    other = ResNet18(stages=1)
    load_pretrained(other, tmp_path / "w.pth", ("layer1.1",))
    assert torch.equal(other.conv1.weight, trunk.conv1.weight)
    one, two = (net.get_submodule("layer1.1.conv1").weight for net in (other, trunk))
    assert not torch.equal(one, two)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    torch.save(ResNet18(stages=1).state_dict(), tmp_path / "w.pth")
    with pytest.raises(CdmerError, match="lacks layer2"):
        load_pretrained(ResNet18(stages=2), tmp_path / "w.pth", ())
    with pytest.raises(CdmerError, match="do not exist"):
        load_pretrained(ResNet18(stages=1), tmp_path / "none.pth", ())
    (tmp_path / "bad.pth").write_bytes(b"nothing")
    with pytest.raises(CdmerError, match="no state dictionary"):
        load_pretrained(ResNet18(stages=1), tmp_path / "bad.pth", ())
