"""LBP-SIP: bit for bit against a slow reference."""

import importlib

import numpy as np
import pytest

from cdmer.descriptors import lbp_sip
from cdmer.errors import CdmerError
from tests.descriptors.blockwise import histograms

SPATIAL = [(0, 0, 1), (0, -1, 0), (0, 0, -1), (0, 1, 0)]  # t, y, x in units of R
TEMPORAL = [(1, 0, 0), (-1, 0, 0)]


def reference(clip, radius, grids):
    frames, height, width = clip.shape
    r = radius

    def codes(points):
        centre = clip[r : frames - r, r : height - r, r : width - r]
        found = np.zeros(centre.shape, int)
        for bit, (t, y, x) in enumerate(points):
            moved = np.roll(clip, (-t * r, -y * r, -x * r), axis=(0, 1, 2))
            found += (moved[r : frames - r, r : height - r, r : width - r] >= centre) << bit
        return found

    both = zip(histograms(codes(SPATIAL), 16, grids), histograms(codes(TEMPORAL), 4, grids), strict=True)
    return np.concatenate([np.concatenate(pair) for pair in both])


@pytest.mark.parametrize(
    ("shape", "radius", "grids"),
    [
        ((16, 112, 112), 1, (1, 2, 4, 8)),
        ((16, 112, 112), 3, (1, 2, 4, 8)),
        ((7, 31, 40), 2, (3, 5)),
        ((3, 3, 3), 1, (1,)),
        ((5, 9, 90), 2, (1, 2)),
        ((11, 90, 12), 5, (1, 2)),
    ],
)
def test_equals_the_reference(any_clip, shape, radius, grids):
    clip = any_clip(shape)
    found = lbp_sip(clip, radius, grids)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, reference(clip, radius, grids).astype(np.float32))


def test_by_hand():
    """One voxel: right and below are not darker (bits 0 and 3), later is darker, earlier ties (bit 1)."""
    clip = np.full((3, 3, 3), 50, np.uint8)
    clip[1, 1] = [40, 50, 60]
    clip[1, 0, 1], clip[1, 2, 1], clip[2, 1, 1] = 49, 50, 49
    found = lbp_sip(clip, 1, (1,))
    assert np.flatnonzero(found).tolist() == [0b1001, 16 + 0b10]
    assert found.sum() == 2


def test_the_benchmarks_size(any_clip):
    found = lbp_sip(any_clip((16, 112, 112))).reshape(85, 20)
    np.testing.assert_allclose(found[:, :16].sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(found[:, 16:].sum(1), 1, atol=1e-6)


def test_what_changes_nothing(smooth_clip):
    clip = smooth_clip((9, 30, 30)) // 2
    np.testing.assert_array_equal(lbp_sip(clip, 1, (1, 4)), lbp_sip(clip + 100, 1, (1, 4)))
    np.testing.assert_array_equal(lbp_sip(clip, 1, (1, 4)), lbp_sip(clip * 2, 1, (1, 4)))


def test_a_mirrored_clip_has_its_bits_exchanged(smooth_clip):
    clip = smooth_clip((9, 32, 32))
    ours, mirrored, reversed_ = (lbp_sip(c, 1, (1,)) for c in (clip, clip[:, :, ::-1], clip[::-1]))
    spatial = [code & 0b1010 | (code & 1) << 2 | (code & 4) >> 2 for code in range(16)]
    np.testing.assert_array_equal(mirrored[:16], ours[:16][spatial])
    np.testing.assert_array_equal(mirrored[16:], ours[16:])
    np.testing.assert_array_equal(reversed_[16:], ours[16:][[0, 2, 1, 3]])


def test_a_still_clip_has_no_time():
    still = np.repeat(np.random.default_rng(0).integers(1, 256, (1, 30, 30), dtype=np.uint8), 7, axis=0)
    np.testing.assert_array_equal(lbp_sip(still, 1, (1, 2)).reshape(-1, 20)[:, 16:], [[0, 0, 0, 1]] * 5)


def test_one_version_of_the_kernel_serves_all(any_clip):
    kernel = importlib.import_module("cdmer.descriptors.lbp_sip")._count_cells
    for radius, grids in [(1, (1,)), (3, [1, 2])]:
        lbp_sip(np.asfortranarray(any_clip((9, 30, 31))), radius, grids)
        lbp_sip(any_clip((9, 30, 31))[:, ::-1], radius, grids)
    assert len(kernel.signatures) == 1


@pytest.mark.parametrize(
    ("clip", "settings", "words"),
    [
        (np.ones((9, 30, 30), np.float32), {}, "uint8"),
        (np.ones((6, 30, 30), np.uint8), {"radius": 3}, "6 frames"),
        (np.ones((9, 6, 30), np.uint8), {"radius": 3}, "6 x 30 pixels"),
        (np.ones((9, 9, 9), np.uint8), {}, "grid of 8"),
        (np.ones((9, 30, 30), np.uint8), {"radius": 0}, "radius 0"),
        (np.zeros((9, 30, 30), np.uint8), {}, "all black"),
    ],
)
def test_what_cannot_be_described_is_said(clip, settings, words):
    with pytest.raises(CdmerError, match=words) as caught:
        lbp_sip(clip, **settings)
    assert caught.value.remedy
