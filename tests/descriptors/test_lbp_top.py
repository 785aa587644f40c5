"""LBP-TOP: bit for bit against a slow reference, and against scikit-image plane by plane."""

import importlib
import math

import numpy as np
import pytest
import skimage.feature

from cdmer.descriptors import lbp_top
from cdmer.descriptors.lbp_top import uniform_bins
from cdmer.errors import CdmerError


def reference(clip, radius, neighbors, grids):
    """The definition, whole planes at a time and in float32; no code shared with the kernel."""
    frames, height, width = clip.shape
    rx, ry, rt = radius if isinstance(radius, tuple) else (radius,) * 3
    centre = clip[rt : frames - rt, ry : height - ry, rx : width - rx].astype(np.float32)
    codes = np.zeros((3, *centre.shape), dtype=np.int64)
    for p in range(neighbors):
        c, s = math.cos(2 * math.pi * p / neighbors), math.sin(2 * math.pi * p / neighbors)
        for plane, exact in enumerate([(0, -ry * s, rx * c), (rt * s, 0, rx * c), (rt * c, -ry * s, 0)]):
            offset = [round(value, 9) for value in exact]
            low = [math.floor(value) for value in offset]
            value = np.zeros_like(centre)
            for corner in np.ndindex(2, 2, 2):
                weight = math.prod(
                    (o - down) if step else (1 - (o - down)) for o, down, step in zip(offset, low, corner, strict=True)
                )
                if weight:
                    t, y, x = (r + down + step for r, down, step in zip((rt, ry, rx), low, corner, strict=True))
                    size = centre.shape
                    taken = clip[t : t + size[0], y : y + size[1], x : x + size[2]]
                    value += np.float32(weight) * taken.astype(np.float32)
            assert value.dtype == np.float32
            codes[plane] |= (value >= centre - np.float32(1e-3)).astype(np.int64) << p
    mapping, bins = [], 0
    for code in range(2**neighbors):
        bits = [(code >> p) & 1 for p in range(neighbors)]
        uniform = sum(bits[p] != bits[p - 1] for p in range(neighbors)) <= 2
        mapping.append(bins if uniform else -1)
        bins += uniform
    mapped = np.array([bins if m < 0 else m for m in mapping])[codes]
    parts = []
    for grid in grids:
        sides = [math.floor(side / grid + 0.5) for side in centre.shape[1:]]
        for i in range(grid):
            for j in range(grid):
                rows = slice(i * sides[0], None if i == grid - 1 else (i + 1) * sides[0])
                columns = slice(j * sides[1], None if j == grid - 1 else (j + 1) * sides[1])
                for plane in range(3):
                    counts = np.bincount(mapped[plane][:, rows, columns].ravel(), minlength=bins + 1)
                    parts.append((counts / counts.sum()).astype(np.float32))
    return np.concatenate(parts)


def noisy(rng, shape):
    return rng.integers(0, 256, shape, dtype=np.uint8)


def plateaus(rng, shape):
    """Few levels: many ties, and neighbours that interpolate to just below their centre."""
    return (rng.integers(0, 256, shape) // 64 * 64).astype(np.uint8)


def shallow(rng, shape):
    """Differences of a grey level or two: the guard decides often."""
    return (100 + rng.integers(0, 3, shape)).astype(np.uint8)


def flat(rng, shape):
    return np.full(shape, rng.integers(0, 256), dtype=np.uint8)


@pytest.mark.parametrize("content", [noisy, plateaus, shallow, flat])
@pytest.mark.parametrize(
    ("shape", "radius", "neighbors", "grids"),
    [
        ((16, 112, 112), 3, 8, (1, 2, 4, 8)),
        ((16, 112, 112), 1, 4, (1, 2, 4, 8)),
        ((9, 40, 33), 1, 8, (1, 2, 5)),
        ((10, 33, 40), 3, 4, (3, 1)),
        ((8, 30, 31), 2, 6, (2,)),
        ((8, 31, 30), 2, 5, (1, 7)),
        ((9, 23, 57), 4, 7, (2, 3)),
        ((7, 90, 12), 2, 3, (8,)),
        ((5, 12, 200), 1, 2, (4, 1)),
        ((7, 25, 26), 3, 9, (1, 2)),
        ((9, 26, 25), 2, 12, (1, 2)),
        ((9, 24, 24), 3, 16, (3, 2)),
        ((3, 20, 20), 1, 4, (1,)),
        ((3, 3, 3), 1, 8, (1,)),
        ((9, 40, 33), (3, 3, 1), 8, (1, 2)),
        ((5, 30, 31), (4, 1, 2), 8, (1, 3)),
        ((11, 24, 30), (1, 3, 5), 4, (2,)),
        ((9, 23, 24), (2, 4, 3), 12, (1,)),
        ((40, 300, 260), 3, 8, (1, 8)),  # frames of several bands
    ],
)
def test_equals_the_reference_bit_for_bit(content, shape, radius, neighbors, grids):
    clip = content(np.random.default_rng(7), shape)
    np.testing.assert_array_equal(lbp_top(clip, radius, neighbors, grids), reference(clip, radius, neighbors, grids))


def test_xy_plane_agrees_with_scikit_image():
    """scikit-image's circle runs the same way round; its `nri_uniform` numbers the same 58 patterns otherwise."""
    clip = np.random.default_rng(5).integers(0, 256, (7, 40, 40), dtype=np.uint8)
    ours = lbp_top(clip, 3, 8, (1,)).reshape(3, 59)[0]
    theirs = np.concatenate(
        [skimage.feature.local_binary_pattern(clip[t], 8, 3, "nri_uniform")[3:-3, 3:-3].ravel() for t in range(3, 4)]
    )
    counts = np.bincount(theirs.astype(int), minlength=59) / theirs.size
    assert abs(counts[58] - ours[58]) < 2e-3
    np.testing.assert_allclose(np.sort(counts[:58]), np.sort(ours[:58]), atol=2e-3)


def test_a_flat_clip_is_all_ties():
    """Every neighbour equals its centre: code 255, the last uniform pattern, bin 57."""
    histogram = lbp_top(np.full((8, 20, 20), 77, np.uint8), 3, 8, (1, 2)).reshape(-1, 59)
    np.testing.assert_array_equal(histogram[:, 57], 1)


def test_a_ramp_by_hand():
    """Brighter to the right: in XY and XT the neighbours with x >= 0 are not darker, in YT all are equal."""
    ramp = np.broadcast_to(np.arange(20, dtype=np.uint8) * 3, (9, 20, 20)).copy()
    code = sum(1 << p for p in (0, 1, 2, 6, 7))
    histogram = lbp_top(ramp, 3, 8, (1,)).reshape(3, 59)
    bins = uniform_bins(8)
    assert histogram[0, bins[code]] == histogram[1, bins[code]] == 1
    assert histogram[2, bins[255]] == 1


def test_light_that_only_scales_changes_nothing():
    clip = np.random.default_rng(2).integers(0, 60, (9, 30, 30), dtype=np.uint8)
    np.testing.assert_array_equal(lbp_top(clip, 3, 8, (1, 2)), lbp_top(clip * 4 + 10, 3, 8, (1, 2)))


def test_a_mirrored_clip_has_its_codes_mirrored():
    """Along x: the point at angle a changes places with the one at 180 - a; on YT nothing changes."""
    clip = np.random.default_rng(6).integers(1, 256, (9, 30, 30), dtype=np.uint8)
    ours, mirrored = (lbp_top(c, 3, 8, (1,)).reshape(3, 59) for c in (clip, clip[:, :, ::-1]))
    bins = uniform_bins(8)
    turned = [sum(((code >> p) & 1) << (4 - p) % 8 for p in range(8)) for code in range(256)]
    permuted = np.zeros(59, int)
    permuted[bins] = bins[turned]
    np.testing.assert_array_equal(mirrored[:2], ours[:2, permuted])
    np.testing.assert_array_equal(mirrored[2], ours[2])


def test_a_still_clip_has_time_that_runs_both_ways():
    """Frames in reverse order are the same clip: on XT and YT a pattern is as frequent as its mirror image in time."""
    still = np.repeat(np.random.default_rng(6).integers(1, 256, (1, 30, 30), dtype=np.uint8), 9, axis=0)
    _, xt, yt = lbp_top(still, 3, 8, (1,)).reshape(3, 59)
    bins = uniform_bins(8)
    for histogram, mirror in ((xt, lambda p: -p % 8), (yt, lambda p: (4 - p) % 8)):
        turned = [sum(((code >> p) & 1) << mirror(p) for p in range(8)) for code in range(256)]
        permuted = np.zeros(59, int)
        permuted[bins] = bins[turned]
        np.testing.assert_array_equal(histogram, histogram[permuted])


def test_length_order_and_sums():
    clip = np.random.default_rng(3).integers(0, 256, (16, 112, 112), dtype=np.uint8)
    vector = lbp_top(clip)
    assert vector.shape == (85 * 3 * 59,)
    assert vector.dtype == np.float32
    np.testing.assert_allclose(vector.reshape(-1, 59).sum(1), 1, atol=1e-6)
    # the area-weighted mean of the 2 x 2 grid (53 + 53) is the whole face
    blocks = vector.reshape(85, 3, 59)
    np.testing.assert_allclose(blocks[1:5].mean(0), blocks[0], atol=1e-6)


def test_a_change_in_one_corner_changes_that_corners_blocks_only():
    clip = np.random.default_rng(4).integers(0, 256, (16, 112, 112), dtype=np.uint8)
    other = clip.copy()
    other[:, 100:, 100:] = 255 - other[:, 100:, 100:]
    changed = (lbp_top(clip) != lbp_top(other)).reshape(85, -1).any(1)
    eight = changed[21:].reshape(8, 8)
    assert eight[7, 7]
    assert not eight[:6].any()
    assert not eight[:, :6].any()


@pytest.mark.parametrize("neighbors", [4, 8, 16])
def test_number_of_bins(neighbors):
    bins = uniform_bins(neighbors)
    assert bins.max() + 1 == neighbors * (neighbors - 1) + 3
    assert (np.diff(bins[bins < bins.max()].astype(int)) == 1).all()


@pytest.mark.parametrize(
    "view",
    [
        lambda clip: clip[:, ::-1],
        lambda clip: clip.transpose(0, 2, 1),
        np.asfortranarray,
        lambda clip: np.repeat(clip, 2, axis=2)[..., ::2],
        lambda clip: np.frombuffer(clip.tobytes(), np.uint8).reshape(clip.shape),  # read-only
    ],
)
def test_any_memory_layout_will_do(view):
    clip = view(noisy(np.random.default_rng(8), (9, 30, 30)))
    np.testing.assert_array_equal(lbp_top(clip, 3, 8, (1, 2)), lbp_top(clip.copy(order="C"), 3, 8, (1, 2)))


def test_the_clip_is_left_as_it_was():
    clip = noisy(np.random.default_rng(9), (9, 30, 30))
    before = clip.copy()
    lbp_top(clip, 3, 8, (1, 2))
    np.testing.assert_array_equal(clip, before)
    assert clip.flags.writeable


def test_one_version_of_the_kernel_serves_all_settings():
    """Each further one would cost seconds at a job's first clip, and the cache relies on there being one."""
    kernel = importlib.import_module("cdmer.descriptors.lbp_top")._describe
    rng = np.random.default_rng(10)
    for radius, neighbors, grids in [(1, 2, (1,)), (3, 8, [1, 2]), (2, 6, (2,)), (1, 16, (1, 3))]:
        lbp_top(noisy(rng, (9, 30, 31)), radius, neighbors, grids)
    lbp_top(np.asfortranarray(noisy(rng, (9, 30, 31))), 3, 8, (1,))
    assert len(kernel.signatures) == 1


@pytest.mark.parametrize(
    ("clip", "settings", "words"),
    [
        (np.zeros((16, 112, 112)), {}, "uint8"),
        (np.zeros((16, 112), np.uint8), {}, "frames, height, width"),
        (np.zeros((6, 30, 30), np.uint8), {}, "6 frames .* border"),
        (np.zeros((16, 6, 30), np.uint8), {}, "6 x 30 pixels .* border"),
        (np.zeros((16, 30, 5), np.uint8), {}, "30 x 5 pixels .* border"),
        (np.ones((9, 18, 18), np.uint8), {}, "grid of 8 leaves blocks empty on a side of 12"),
        (np.ones((9, 112, 10), np.uint8), {"grids": (1, 5)}, "grid of 5 leaves blocks empty on a side of 4"),
        (np.ones((9, 10, 112), np.uint8), {"grids": (1, 5)}, "grid of 5 leaves blocks empty on a side of 4"),
        (np.zeros((9, 30, 30), np.uint8), {"grids": (1,)}, "frame 0 of 9 is all black .9 such"),
        (
            np.ones((9, 30, 30), np.uint8) * np.arange(9, dtype=np.uint8)[::-1, None, None],
            {},
            "frame 8 of 9 is all black",
        ),
        (np.ones((9, 30, 30), np.uint8), {"radius": 0}, "radius 0"),
        (np.ones((9, 30, 30), np.uint8), {"radius": (1, 2)}, "radius .1, 2."),
        (np.ones((9, 30, 30), np.uint8), {"radius": (1, 2, 0)}, "radius .1, 2, 0."),
        (np.ones((9, 30, 30), np.uint8), {"radius": (1, 1, 5)}, "9 frames .* 5, 1 away"),
        (np.ones((9, 30, 30), np.uint8), {"neighbors": 1}, "1 neighbors"),
        (np.ones((9, 30, 30), np.uint8), {"neighbors": 17}, "17 neighbors"),
        (np.ones((9, 30, 30), np.uint8), {"grids": ()}, "grids"),
        (np.ones((9, 30, 30), np.uint8), {"grids": (1, 0)}, "grids"),
    ],
)
def test_what_cannot_be_described_is_said_with_a_remedy(clip, settings, words):
    with pytest.raises(CdmerError, match=words) as caught:
        lbp_top(clip, **settings)
    assert caught.value.remedy
