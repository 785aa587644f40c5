"""HOG-TOP, HIGO-TOP and 3DHOG: against the definition, voxel by voxel."""

import importlib

import numpy as np
import pytest

from cdmer.descriptors import higo_top, hog_3d, hog_top
from cdmer.descriptors.hog_3d import hog_3d_of_record
from cdmer.descriptors.hog_top import orientation_table
from cdmer.descriptors.regions import HOG_REGIONS, hog_rectangles
from cdmer.errors import CdmerError
from cdmer.store.shard import ClipRecord
from tests.descriptors.blockwise import blocks


def reference(clip, bins, grids, weighted, signed=True):
    values = clip.astype(float)
    inner = slice(1, -1)
    gradients = {
        "x": values[inner, inner, 2:] - values[inner, inner, :-2],
        "y": values[inner, 2:, inner] - values[inner, :-2, inner],
        "t": values[2:, inner, inner] - values[:-2, inner, inner],
    }
    parts = []
    for rows, columns in blocks(*gradients["x"].shape[1:], grids):
        for (p, q), count in zip(["xy", "xt", "yt"], bins, strict=True):
            gp, gq = gradients[p][:, rows, columns].ravel(), gradients[q][:, rows, columns].ravel()
            turn = 360 if signed else 180
            degrees = np.degrees(np.arctan2(gq, gp)) % turn
            votes = np.hypot(gp, gq)
            moved = votes > 0
            chosen = np.floor(degrees / (turn / count) + 1e-9).astype(int) % count
            weights = votes if weighted else np.ones_like(votes)
            histogram = np.bincount(chosen[moved], weights[moved], minlength=count)
            parts.append(histogram / histogram.sum() if histogram.sum() else histogram)
    return np.concatenate(parts)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(("function", "weighted"), [(hog_top, True), (higo_top, False)])
@pytest.mark.parametrize(
    ("shape", "bins", "grids"),
    [
        ((16, 112, 112), 4, (1, 2, 4, 8)),
        ((6, 112, 112), 8, (1, 2, 4, 8)),
        ((5, 31, 40), 5, (3, 1)),
        ((3, 3, 3), 8, (1,)),
        ((4, 20, 90), 9, (6,)),
    ],
)
def test_equals_the_reference(any_clip, function, weighted, shape, bins, grids, signed):
    clip = any_clip(shape)
    found = function(clip, bins, grids, signed)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference(clip, (bins,) * 3, grids, weighted, signed), atol=2e-7)


def test_by_hand():
    """One voxel, gradients 3, 4 and 0: 53 degrees on XY (bin 1 of 8), 0 on XT and on YT."""
    clip = np.full((3, 3, 3), 10, np.uint8)
    clip[1, 1, 2], clip[1, 2, 1] = 13, 14
    assert [row.argmax() for row in hog_top(clip, 8, (1,)).reshape(3, 8)] == [1, 0, 0]
    clip[2, 1, 1] = 4  # -6 in time: XT 297 degrees, YT 304
    assert [row.argmax() for row in higo_top(clip, 8, (1,)).reshape(3, 8)] == [1, 6, 6]


def test_edges_between_bins_belong_to_the_next():
    for bins in (4, 8, 12, 7):
        table = orientation_table(bins, True)
        for number, (gp, gq) in enumerate([(1, 0), (0, 1), (-1, 0), (0, -1)]):
            assert table[255 + gq, 255 + gp] == number * bins // 4
        assert table[255, 255] == bins
    assert orientation_table(8, True)[255 + 200, 255 + 200] == 1
    assert orientation_table(4, False)[255 - 7, 255 + 7] == 3


def test_votes_of_hog_are_lengths():
    """Two voxels with gradients 2 and 6 to the right and to the left."""
    clip = np.full((3, 3, 6), 100, np.uint8)
    clip[1, 1] = [100, 100, 102, 102, 96, 96]
    xy = hog_top(clip, 4, (1,)).reshape(3, 4)[0]
    # gradients along x at columns 1 to 4: 2, 2, -6, -6; along y none
    np.testing.assert_allclose(xy, [4 / 16, 0, 12 / 16, 0], atol=1e-7)
    np.testing.assert_allclose(higo_top(clip, 4, (1,)).reshape(3, 4)[0], [0.5, 0, 0.5, 0], atol=1e-7)


@pytest.mark.parametrize("function", [hog_top, higo_top])
def test_light_that_scales_or_adds_changes_nothing(any_clip, function):
    clip = any_clip((6, 30, 30)) // 2
    ours = function(clip, 8, (1, 2))
    np.testing.assert_allclose(function(clip + 100, 8, (1, 2)), ours, atol=1e-7)
    np.testing.assert_allclose(function(clip * 2, 8, (1, 2)), ours, atol=1e-7)


def test_a_mirrored_clip_has_its_bins_mirrored():
    """Along x: direction a becomes 180 - a, bin b becomes 3 - b (of 8, edges aside: no gradient lies on one)."""
    clip = np.random.default_rng(0).integers(1, 256, (6, 40, 40), dtype=np.uint8)
    ours, mirrored = (hog_top(c, 8, (1,)).reshape(3, 8) for c in (clip, clip[:, :, ::-1]))
    turned = [(3 - b) % 8 for b in range(8)]
    np.testing.assert_allclose(mirrored[:2], ours[:2, turned], atol=0.01)
    np.testing.assert_allclose(mirrored[2], ours[2], atol=1e-6)


def test_a_still_clip_moves_nowhere():
    still = np.repeat(np.random.default_rng(0).integers(1, 256, (1, 30, 30), dtype=np.uint8), 5, axis=0)
    _, xt, yt = hog_top(still, 8, (1,)).reshape(3, 8)
    assert np.flatnonzero(xt).tolist() == np.flatnonzero(yt).tolist() == [0, 4]
    assert not hog_top(np.full((5, 20, 20), 9, np.uint8), 4, (1, 2)).any()


def test_3dhog_on_grids_is_hog_with_other_bins(any_clip):
    clip = any_clip((5, 40, 40))
    found = hog_3d(clip, grids=(1, 3))
    np.testing.assert_allclose(found, reference(clip, (8, 12, 12), (1, 3), True), atol=2e-7)


def test_3dhog_on_regions_is_that_of_each_rectangle(any_clip, landmarks):
    clip = any_clip((5, 112, 112))
    found = hog_3d(clip, landmarks).reshape(12, 32)
    for row, (top, bottom, left, right) in zip(found, hog_rectangles(landmarks, 112, 112), strict=True):
        part = clip[:, top - 1 : bottom + 1, left - 1 : right + 1]
        np.testing.assert_allclose(row, reference(part, (8, 12, 12), (1,), True), atol=2e-7)


def test_regions_hold_their_landmarks(landmarks):
    boxes = dict(zip(HOG_REGIONS, hog_rectangles(landmarks, 112, 112), strict=True))
    for name, points in [("left_eye", range(36, 42)), ("right_brow", range(22, 27)), ("nose", range(28, 36))]:
        top, bottom, left, right = boxes[name]
        for x, y in landmarks[list(points)]:
            assert left <= x < right
            assert top <= y < bottom
    for one, other in [("left_eye", "right_eye"), ("left_mouth_corner", "right_mouth_corner")]:
        (top, bottom, left, right), mirrored = boxes[one], boxes[other]
        assert (top, bottom) == mirrored[:2]
        assert abs(right + mirrored.left - 112) <= 1
        assert abs(left + mirrored.right - 112) <= 1


def test_of_a_record(any_clip, landmarks):
    """Landmarks are stored where the camera saw them; the transform says where the crop has them."""
    clip = any_clip((5, 112, 112))
    transform = np.array([[0.5, 0, -10], [0, 0.5, -20]], np.float32)
    seen = ((landmarks - transform[:, 2]) / 0.5).astype(np.float32)
    record = ClipRecord("EP1", clip, {"landmarks": seen, "transform": transform})
    np.testing.assert_allclose(hog_3d_of_record(record, (4, 4, 4))[0], hog_3d(clip, landmarks, (4, 4, 4)), atol=1e-6)
    with pytest.raises(CdmerError, match="no landmarks"):
        hog_3d_of_record(ClipRecord("EP1", clip, {}))


def test_one_version_of_the_kernel_serves_all(any_clip):
    kernel = importlib.import_module("cdmer.descriptors.hog_top")._vote
    hog_top(any_clip((6, 20, 22)), 4, (1,))
    higo_top(np.asfortranarray(any_clip((6, 20, 22))), 8, [1, 2])
    hog_3d(any_clip((6, 20, 22)), grids=(1,))
    assert len(kernel.signatures) == 1


@pytest.mark.parametrize(
    ("clip", "settings", "words"),
    [
        (np.ones((9, 30, 30)), {}, "uint8"),
        (np.ones((2, 30, 30), np.uint8), {}, "2 frames"),
        (np.ones((9, 2, 30), np.uint8), {}, "2 x 30 pixels"),
        (np.ones((9, 9, 9), np.uint8), {}, "grid of 8"),
        (np.ones((9, 30, 30), np.uint8), {"bins": 0}, "bins"),
        (np.ones((9, 30, 30), np.uint8), {"bins": 256}, "bins"),
        (np.zeros((9, 30, 30), np.uint8), {}, "all black"),
    ],
)
@pytest.mark.parametrize("function", [hog_top, higo_top])
def test_what_cannot_be_described_is_said(function, clip, settings, words):
    with pytest.raises(CdmerError, match=words) as caught:
        function(clip, **settings)
    assert caught.value.remedy


def test_a_face_outside_the_frame_is_said(landmarks):
    clip = np.ones((5, 112, 112), np.uint8)
    with pytest.raises(CdmerError, match="forehead lies outside"):
        hog_3d(clip, landmarks - np.float32(120))
    with pytest.raises(CdmerError, match="68 finite landmarks"):
        hog_3d(clip, np.full((68, 2), np.nan, np.float32))


def test_3dhog_wants_bins_for_three_planes():
    with pytest.raises(CdmerError, match=r"no bins \[8, 12\]"):
        hog_3d(np.ones((5, 30, 30), np.uint8), bins=(8, 12))
