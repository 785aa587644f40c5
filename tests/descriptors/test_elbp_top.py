"""ELBP-TOP: its LBP part is LBP-TOP to the last bit; the differences against a slow reference."""

import importlib
import math

import numpy as np
import pytest

from cdmer.descriptors import elbp_top, lbp_top
from cdmer.descriptors.elbp_top import KINDS
from cdmer.descriptors.lbp_top import uniform_bins
from cdmer.errors import CdmerError
from tests.descriptors.blockwise import histograms


def samples(clip, radii, border, neighbors):
    """Bilinear samples, (3 planes, P, frames, height, width), whole planes at a time, float64."""
    (rx, ry, rt), (bx, by, bt) = radii, border
    frames, height, width = clip.shape
    values = clip.astype(float)
    found = np.zeros((3, neighbors, frames - 2 * bt, height - 2 * by, width - 2 * bx))
    for p in range(neighbors):
        c, s = math.cos(2 * math.pi * p / neighbors), math.sin(2 * math.pi * p / neighbors)
        for plane, offset in enumerate([(0, -ry * s, rx * c), (rt * s, 0, rx * c), (rt * c, -ry * s, 0)]):
            rounded = [round(value, 9) for value in offset]
            for corner in np.ndindex(2, 2, 2):
                low = [math.floor(value) for value in rounded]
                weight = math.prod(
                    (v - down) if step else 1 - (v - down) for v, down, step in zip(rounded, low, corner, strict=True)
                )
                if weight:
                    t, y, x = (b + down + step for b, down, step in zip((bt, by, bx), low, corner, strict=True))
                    size = found.shape[2:]
                    found[plane, p] += weight * values[t : t + size[0], y : y + size[1], x : x + size[2]]
    return found


def reference(clip, radius, neighbors, grids):
    outer_radii = radius if isinstance(radius, tuple) else (radius,) * 3
    rx, ry, rt = outer_radii
    outer = samples(clip, outer_radii, outer_radii, neighbors)
    inner = samples(clip, [r - 1 for r in outer_radii], outer_radii, neighbors)
    frames, height, width = clip.shape
    centre = clip[rt : frames - rt, ry : height - ry, rx : width - rx].astype(float)
    bins = uniform_bins(neighbors)
    parts = []
    for kind in KINDS:
        for plane in range(3):
            codes = np.zeros(centre.shape, int)
            for p in range(neighbors):
                other = {"lbp": centre, "radial": inner[plane, p], "angular": outer[plane, (p + 1) % neighbors]}[kind]
                codes |= (outer[plane, p] >= other - 1e-3).astype(int) << p
            parts.append(histograms(bins[codes], bins.max() + 1, grids))
    return np.concatenate([np.concatenate(block) for block in zip(*parts, strict=True)])


@pytest.mark.parametrize(
    ("shape", "radius", "neighbors", "grids"),
    [
        ((16, 112, 112), 3, 8, (1, 2, 4, 8)),
        ((7, 30, 41), 2, 4, (3, 1)),
        ((9, 31, 30), (3, 2, 4), 8, (1, 2)),
        ((8, 20, 20), 2, 5, (2,)),
        ((5, 5, 5), 2, 8, (1,)),
        ((7, 12, 600), 3, 6, (1, 2)),
    ],
)
def test_equals_the_reference(any_clip, shape, radius, neighbors, grids):
    clip = any_clip(shape)
    found = elbp_top(clip, radius, neighbors, grids)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference(clip, radius, neighbors, grids), atol=2e-7)
    blocks = sum(grid**2 for grid in grids)
    np.testing.assert_array_equal(
        found.reshape(blocks, 3, -1)[:, 0], lbp_top(clip, radius, neighbors, grids).reshape(blocks, -1)
    )


@pytest.mark.parametrize("neighbors", [2, 3])
def test_few_neighbours_keep_the_last_bin_though_it_is_empty(any_clip, neighbors):
    """With 2 or 3 points every pattern is uniform; the layout stays that of `lbp_top`, P (P - 1) + 3 bins."""
    clip, bins = any_clip((8, 20, 20)), neighbors * (neighbors - 1) + 3
    found = elbp_top(clip, 2, neighbors, (1, 2)).reshape(5, 9, bins)
    np.testing.assert_array_equal(found[:, :3].ravel(), lbp_top(clip, 2, neighbors, (1, 2)))
    assert (found[..., -1] == 0).all()


def test_a_ramp_by_hand():
    """Brighter to the right by 10 a pixel, P = 4 at 0, 90, 180, 270 degrees, on XY x + R, y - R, x - R, y + R.

    LBP: right and the two that tie, 1 + 2 + 8 = 11. Radial: the same. Angular: right >= up, up >= left, but left < down
    and down < right: 1 + 2 = 3.
    """
    ramp = np.broadcast_to(np.arange(20, dtype=np.uint8) * 10 + 5, (7, 20, 20)).copy()
    found = elbp_top(ramp, 2, 4, (1,)).reshape(3, 3, 15)
    bins = uniform_bins(4)
    assert [found[kind, 0, bins[code]] for kind, code in enumerate((11, 11, 3))] == [1, 1, 1]
    assert (found[:, 2, bins[15]] == 1).all()  # along y and t all tie


def test_light_that_scales_or_adds_changes_nothing(smooth_clip):
    clip = smooth_clip((9, 30, 30)) // 2
    ours = elbp_top(clip, 3, 4, (1, 2))
    np.testing.assert_array_equal(elbp_top(clip + 100, 3, 4, (1, 2)), ours)
    np.testing.assert_array_equal(elbp_top(clip * 2, 3, 4, (1, 2)), ours)


def test_one_version_of_the_kernel_serves_all(smooth_clip):
    kernel = importlib.import_module("cdmer.descriptors.elbp_top")._count_cells
    elbp_top(smooth_clip((9, 20, 22)), 2, 4, (1,))
    elbp_top(np.asfortranarray(smooth_clip((9, 20, 22))), (2, 3, 2), 8, [1, 2])
    assert len(kernel.signatures) == 1


@pytest.mark.parametrize(
    ("clip", "settings", "words"),
    [
        (np.ones((9, 30, 30)), {}, "uint8"),
        (np.ones((6, 30, 30), np.uint8), {}, "6 frames"),
        (np.ones((9, 12, 12), np.uint8), {}, "grid of 4"),
        (np.ones((9, 30, 30), np.uint8), {"radius": 1}, "radius 1"),
        (np.ones((9, 30, 30), np.uint8), {"neighbors": 9}, "9 neighbors"),
        (np.zeros((9, 30, 30), np.uint8), {}, "all black"),
    ],
)
def test_what_cannot_be_described_is_said(clip, settings, words):
    with pytest.raises(CdmerError, match=words) as caught:
        elbp_top(clip, **settings)
    assert caught.value.remedy
