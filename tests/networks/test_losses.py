"""Losses against their printed formulas, done sample by sample in numpy."""

import math

import numpy as np
import pytest
import torch

from cdmer.networks.fr import FR
from cdmer.networks.losses import binary_cross_entropy, cross_entropy, focal_loss, gaussian_mmd2, linear_mmd
from cdmer.networks.network import Batch


@pytest.fixture
def domains():
    rng = np.random.default_rng(3)
    return rng.normal(size=(5, 4)), rng.normal(0.5, 2, size=(7, 4))


def tensors(*arrays):
    return [torch.tensor(array, dtype=torch.float64) for array in arrays]


def test_linear_mmd_is_the_distance_of_the_means(domains):
    s, t = domains
    found = linear_mmd(*tensors(s, t, np.ones(5), np.ones(7)))
    assert float(found) == pytest.approx(np.linalg.norm(s.mean(0) - t.mean(0)), rel=1e-9)


def test_gaussian_mmd2_is_the_double_sum_of_the_paper(domains):
    s, t = domains
    widths = (1.0, 4.0)
    expected = 0.0
    for width in widths:

        def k(a, b, width=width):
            return math.exp(-((a - b) ** 2).sum() / (2 * width**2))

        expected += sum(k(s[i], s[j]) for i in range(5) for j in range(5) if i != j) / (5 * 4)
        expected += sum(k(t[i], t[j]) for i in range(7) for j in range(7) if i != j) / (7 * 6)
        expected -= 2 * sum(k(a, b) for a in s for b in t) / (5 * 7)
    found = gaussian_mmd2(*tensors(s, t, np.ones(5), np.ones(7)), widths)
    assert float(found) == pytest.approx(expected / 2, rel=1e-9)


def test_unbiased_mmd2_of_one_distribution_is_0_on_average():
    rng = np.random.default_rng(0)
    values = [
        float(gaussian_mmd2(*tensors(rng.normal(size=(8, 2)), rng.normal(size=(8, 2)), np.ones(8), np.ones(8)), (1.0,)))
        for _ in range(400)
    ]
    assert abs(np.mean(values)) < 3 * np.std(values) / 20
    assert min(values) < 0


@pytest.mark.parametrize("loss", [linear_mmd, lambda *a: gaussian_mmd2(*a, (1.0, 2.0))])
def test_samples_of_weight_0_count_for_nothing_in_a_discrepancy(loss, domains):
    s, t = domains
    whole = loss(*tensors(s, t, np.ones(5), np.ones(7)))
    padded = np.concatenate([s, np.full((3, 4), 9.0)])
    weight = np.array([1.0] * 5 + [0.0] * 3)
    assert float(loss(*tensors(padded, t, weight, np.ones(7)))) == pytest.approx(float(whole), rel=1e-9)


def test_mmd_of_a_single_clip_is_no_estimate():
    """The unbiased estimate divides by n (n - 1): of one clip there is none."""
    rng = np.random.default_rng(0)
    one, many = rng.normal(size=(1, 4)), rng.normal(size=(6, 4))
    assert float(gaussian_mmd2(*tensors(one, many, np.ones(1), np.ones(6)), (1.0, 2.0))) == 0
    assert float(gaussian_mmd2(*tensors(many, one, np.ones(6), np.ones(1)), (1.0, 2.0))) == 0


def test_discrepancies_are_computed_in_full_precision():
    """They are differences of nearly equal numbers, of which bf16 leaves nothing."""
    rng = np.random.default_rng(1)
    s, t = (torch.tensor(rng.normal(size=(20, 64)) + shift).bfloat16() for shift in (0.0, 0.01))
    ones = torch.ones(20)
    for loss in (lambda *a: gaussian_mmd2(*a, (4.0, 8.0)), linear_mmd):
        with torch.autocast("cpu", torch.bfloat16):
            found = float(loss(s, t, ones, ones))
        assert found == pytest.approx(float(loss(s.double(), t.double(), ones.double(), ones.double())), rel=1e-3)


def test_cross_entropy_by_hand():
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [5.0, 5.0, 5.0]], dtype=torch.float64)
    expected = [math.log(math.exp(2) + 2) - 2, math.log(math.e + 2) - 0.0]
    found = cross_entropy(logits, torch.tensor([0, 2, 1]), torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64))
    assert float(found) == pytest.approx(np.mean(expected), rel=1e-9)


def test_binary_cross_entropy_by_hand():
    def bce(p, y):
        return -(y * math.log(p) + (1 - y) * math.log(1 - p))

    logits, truth = [0.3, -2.0], [1.0, 0.0]
    expected = np.mean([bce(1 / (1 + math.exp(-x)), y) for x, y in zip(logits, truth, strict=True)])
    found = binary_cross_entropy(*tensors(np.array(logits), np.array(truth), np.ones(2)))
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_focal_loss_by_hand_corrected_and_as_printed():
    p = np.array([0.7, 0.2, 0.1])
    logits = torch.tensor(np.log(p))[None]
    label, weight = torch.tensor([1]), torch.ones(1, dtype=torch.float64)
    one = torch.ones(3, dtype=torch.float64)
    corrected = -((1 - 0.2) ** 2) * math.log(0.2)
    assert float(focal_loss(logits, label, weight, 2, one)) == pytest.approx(corrected, rel=1e-9)
    # Eq. 11: y_i is 0 for a wrong class, so that its factor is (1 - 0)^gamma = 1
    printed = sum(-((1 - y * q) ** 2) * math.log(q) for y, q in zip([0, 1, 0], p, strict=True))
    assert float(focal_loss(logits, label, weight, 2, one, printed=True)) == pytest.approx(printed, rel=1e-9)
    alpha = [2.0, 3.0, 5.0]
    printed = sum(-a * ((1 - y * q) ** 2) * math.log(q) for a, y, q in zip(alpha, [0, 1, 0], p, strict=True))
    found = focal_loss(logits, label, weight, 2, torch.tensor(alpha, dtype=torch.float64), printed=True)
    assert float(found) == pytest.approx(printed, rel=1e-9)


def test_focal_loss_without_focus_is_cross_entropy():
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    label, weight = torch.tensor([0, 1, 2, 2, 1, 0]), torch.ones(6)
    assert float(focal_loss(logits, label, weight, 0.0, torch.ones(3))) == pytest.approx(
        float(cross_entropy(logits, label, weight)), rel=1e-5
    )


def test_frs_head_is_its_equations_step_by_step():
    torch.manual_seed(0)
    network = FR(attention_scale="none", scaling="sample").double().eval()
    x = torch.rand(2, 2, 28, 28, dtype=torch.float64)
    label = torch.tensor([2, 0])
    with torch.no_grad():
        z = network.trunk(x).numpy()
        refined, proposal = np.zeros_like(z), 0.0
        for k, (attention, detector) in enumerate(zip(network.attentions, network.detectors, strict=True)):
            scores = z @ attention.weight.numpy().T + attention.bias.numpy()
            weights = np.exp(scores - scores.max(1, keepdims=True))
            specific = weights / weights.sum(1, keepdims=True) * z  # Eqs. 2, 3
            first, _, second = detector
            hidden = np.maximum(specific @ first.weight.numpy().T + first.bias.numpy(), 0)
            p = 1 / (1 + np.exp(-(hidden @ second.weight.numpy().T + second.bias.numpy())[:, 0]))
            truth = (label.numpy() == k).astype(float)
            proposal += -np.mean(truth * np.log(p) + (1 - truth) * np.log(1 - p)) / 3
            refined += specific  # Eq. 6
        hidden = np.maximum(refined @ network.hidden.weight.numpy().T + network.hidden.bias.numpy(), 0)
        logits = hidden @ network.output.weight.numpy().T + network.output.bias.numpy()
        terms = network.losses(Batch(x, label, torch.ones(2, dtype=torch.float64)))
    np.testing.assert_allclose(network(x).detach().numpy(), logits, rtol=1e-9)
    assert float(terms["proposal"]) == pytest.approx(0.85 * proposal, rel=1e-9)
