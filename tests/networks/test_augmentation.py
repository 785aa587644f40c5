"""Augmentation: what an image and its vectors become, where that is known without computing it."""

import pytest
import torch

from cdmer.networks.augmentation import cut_and_resize, drop_frames, flip_and_rotate
from cdmer.networks.dscnn import DSCNN


def smooth(side, channels=1):
    """An image that a bilinear sampling hardly changes, brightest at the upper right."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, side), torch.linspace(-1, 1, side), indexing="ij")
    return torch.exp(-((x - 0.4) ** 2 + (y + 0.3) ** 2) * 3).expand(1, channels, side, side).clone()


def test_nothing_happens_without_flip_and_angle():
    x = smooth(20, 3)
    out = flip_and_rotate(x, torch.tensor([False]), torch.tensor([0.0]), [(1, 2)])
    assert torch.equal(out, x)


def test_a_flip_mirrors_the_image_and_the_horizontal_component():
    x = torch.rand(1, 3, 6, 6)
    out = flip_and_rotate(x, torch.tensor([True]), torch.tensor([0.0]), [(1, 2)])
    assert torch.equal(out[:, 0], x[:, 0].flip(-1))
    assert torch.equal(out[:, 1], -x[:, 1].flip(-1))
    assert torch.equal(out[:, 2], x[:, 2].flip(-1))


def test_a_quarter_turn_is_torchs_rot90_of_image_and_vectors():
    x = torch.rand(1, 3, 8, 8)
    out = flip_and_rotate(x, torch.tensor([False]), torch.tensor([90.0]), [(1, 2)])
    turned = torch.rot90(x, 1, (-2, -1))  # anticlockwise as seen
    torch.testing.assert_close(out[:, 0], turned[:, 0], atol=1e-5, rtol=0)
    # what pointed right (u = 1) now points up (v = -1)
    torch.testing.assert_close(out[:, 2], -turned[:, 1], atol=1e-5, rtol=0)
    torch.testing.assert_close(out[:, 1], turned[:, 2], atol=1e-5, rtol=0)


def test_turning_back_restores_a_smooth_image():
    x = smooth(48)
    there = flip_and_rotate(x, torch.tensor([False]), torch.tensor([10.0]))
    back = flip_and_rotate(there, torch.tensor([False]), torch.tensor([-10.0]))
    inner = (..., slice(10, 38), slice(10, 38))
    assert (there - x)[inner].abs().max() > 0.05
    assert (back - x)[inner].abs().max() < 0.01


def test_dscnns_ten_variants_are_two_by_five():
    network = DSCNN()
    x = torch.rand(1, 5, 48, 48)
    variants = [network.augment(x, torch.tensor([[(k + 0.5) / 10]])) for k in range(10)]
    torch.testing.assert_close(variants[2], x)
    torch.testing.assert_close(variants[7][:, 0], x[:, 0].flip(-1))
    assert all((a - b).abs().max() > 1e-3 for i, a in enumerate(variants) for b in variants[:i])


@pytest.mark.parametrize(
    ("place", "rows", "columns"),
    [
        (0, slice(4, None), slice(4, None)),
        (1, slice(4, None), slice(None)),
        (4, slice(2, -2), slice(2, -2)),
        (5, slice(None), slice(0, -4)),
        (8, slice(0, -4), slice(0, -4)),
    ],
)
def test_a_cut_is_the_crop_resized_bilinearly(place, rows, columns):
    x = torch.rand(1, 2, 3, 24, 24)
    out = cut_and_resize(x, torch.tensor([place]), torch.tensor([4.0]))
    crop = x[0, ..., rows, columns].reshape(1, 6, *x[0, 0, 0, rows, columns].shape)
    expected = torch.nn.functional.interpolate(crop, (24, 24), mode="bilinear", align_corners=False).view(x.shape)
    inner = (..., slice(3, 21), slice(3, 21))  # at the seam of the crop one repeats the border, the other sees on
    torch.testing.assert_close(out[inner], expected[inner], atol=1e-4, rtol=0)


def test_dropped_frames_are_made_up_for_at_the_end():
    x = torch.arange(5.0).view(1, 1, 5, 1, 1).expand(4, 1, 5, 2, 2)
    first, second = torch.tensor([False, True, False, True]), torch.tensor([False, False, True, True])
    found = drop_frames(x, first, second)[:, 0, :, 0, 0].tolist()
    assert found == [[0, 1, 2, 3, 4], [1, 2, 3, 4, 4], [0, 2, 3, 4, 4], [2, 3, 4, 4, 4]]
