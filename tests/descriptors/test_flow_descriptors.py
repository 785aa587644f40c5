"""HOOF, Bi-WOOF and MDMO: against the definitions, pixel by pixel."""

import itertools
import math

import numpy as np
import pytest

from cdmer.descriptors import bi_woof, hoof, mdmo
from cdmer.descriptors.bi_woof import bi_woof_of_record
from cdmer.descriptors.hoof import hoof_of_record
from cdmer.descriptors.mdmo import mdmo_of_record
from cdmer.descriptors.regions import MDMO_REGIONS, mdmo_labels, mdmo_outlines
from cdmer.errors import CdmerError
from cdmer.motion.flow import optical_flow
from cdmer.store.shard import ClipRecord
from tests.descriptors.blockwise import blocks


@pytest.fixture
def flows():
    """Random flows without still pixels."""
    return lambda *shape: np.random.default_rng(1).normal(0, 0.5, (*shape, 2)).astype(np.float32)


def hoof_reference(flows, bins, grids):
    parts = []
    for rows, columns in blocks(*flows.shape[1:3], grids):
        histogram = [0.0] * bins
        for u, v in flows[:, rows, columns].reshape(-1, 2).astype(float):
            angle = math.atan2(v, abs(u))
            b = next((b for b in range(1, bins + 1) if angle < math.pi * b / bins - math.pi / 2), bins)
            histogram[b - 1] += math.hypot(u, v)
        parts += [np.array(histogram) / sum(histogram)]
    return np.concatenate(parts)


@pytest.mark.parametrize(
    ("shape", "bins", "grids"), [((1, 20, 30), 8, (1, 2, 4)), ((3, 17, 16), 5, (3,)), ((2, 1, 1), 4, (1,))]
)
def test_hoof_equals_the_definition(flows, shape, bins, grids):
    found = hoof(flows(*shape), bins, grids)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, hoof_reference(flows(*shape), bins, grids), atol=1e-6)


def test_hoof_by_hand():
    """Down, up, and 45 degrees down to the left, of 4 bins: edges at -90, -45, 0, 45 and 90 degrees."""
    flow = np.array([[[0, 1], [0, -2], [-3, 3.001]]], np.float32)
    lengths = np.array([2, 0, 0, 1 + math.hypot(3, 3.001)])
    np.testing.assert_allclose(hoof(flow, 4, (1,)), lengths / lengths.sum(), atol=1e-6)


def test_hoof_takes_left_for_right_and_any_length_for_one(flows):
    ours = hoof(flows(16, 16), 8, (1, 2))
    np.testing.assert_allclose(hoof(flows(16, 16) * np.float32([-1, 1]), 8, (1, 2)), ours, atol=1e-6)
    np.testing.assert_allclose(hoof(flows(16, 16) * np.float32(3), 8, (1, 2)), ours, atol=1e-6)
    upside_down = hoof(flows(16, 16) * np.float32([1, -1]), 8, (1, 2)).reshape(5, 8)
    np.testing.assert_allclose(upside_down[:, ::-1], ours.reshape(5, 8), atol=1e-6)


def test_hoof_of_a_still_clip_is_zero():
    assert not hoof(np.zeros((3, 16, 16, 2), np.float32), 8, (1, 2)).any()


def bi_woof_reference(flow, bins, grids):
    flow = flow.astype(float)
    (uy, ux), (vy, vx) = np.gradient(flow[..., 0]), np.gradient(flow[..., 1])
    strain = np.sqrt(ux**2 + vy**2 + (uy + vx) ** 2 / 2)
    parts = []
    for rows, columns in blocks(*flow.shape[:2], grids):
        histogram = [0.0] * bins
        for u, v in flow[rows, columns].reshape(-1, 2):
            share = (math.atan2(v, u) + math.pi) / (2 * math.pi)
            histogram[math.floor(share * bins + 1e-9) % bins] += math.hypot(u, v)
        parts.append(np.array(histogram) * strain[rows, columns].mean())
    return np.concatenate(parts)


@pytest.mark.parametrize(("shape", "bins", "grids"), [((30, 30), 8, (5,)), ((31, 22), 6, (1, 3)), ((2, 2), 8, (1,))])
def test_bi_woof_equals_the_definition(flows, shape, bins, grids):
    found = bi_woof(flows(*shape), bins, grids)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, bi_woof_reference(flows(*shape), bins, grids), rtol=1e-5)


def test_bi_woof_by_hand():
    """u = 0.5 x, v = 0: strain 0.5 everywhere; each pixel of the row 0, 0.5, 1 votes for the direction 0, bin 4."""
    flow = np.zeros((3, 3, 2), np.float32)
    flow[..., 0] = [0, 0.5, 1]
    wanted = np.zeros(8)
    wanted[4] = 3 * (0 + 0.5 + 1) * 0.5
    np.testing.assert_allclose(bi_woof(flow, 8, (1,)), wanted, atol=1e-6)


def test_bi_woof_weighs_lengths_twice(flows):
    """Once as votes and once as strain; a shift of the whole face has no strain and hence no weight."""
    ours = bi_woof(flows(20, 20))
    np.testing.assert_allclose(bi_woof(flows(20, 20) * np.float32(2)), 4 * ours, rtol=1e-5)
    assert not bi_woof(np.full((20, 20, 2), 0.7, np.float32)).any()


def mdmo_reference(flows, labels, beta):
    regions = labels.max() + 1
    means = np.zeros((regions, 2))
    for flow in flows.astype(float):
        for region in range(regions):
            vectors = flow[labels == region]
            degrees = np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0]))
            parts = np.floor((degrees + 22.5) / 45).astype(int) % 8
            main = max(range(8), key=lambda part: ((parts == part).sum(), -part))
            means[region] += vectors[parts == main].mean(0) / len(flows)
    rho, theta = np.hypot(*means.T), np.arctan2(means[:, 1], means[:, 0])
    return np.column_stack([beta * rho / rho.max(), (1 - beta) * theta]).ravel()


@pytest.mark.parametrize(("pairs", "beta"), [(1, 0.9), (5, 0.9), (3, 0.4)])
def test_mdmo_equals_the_definition(flows, landmarks, pairs, beta):
    labels = mdmo_labels(landmarks, 112, 112)
    found = mdmo(flows(pairs, 112, 112), landmarks, beta)
    assert found.dtype == np.float32
    assert found.shape == (72,)
    np.testing.assert_allclose(found, mdmo_reference(flows(pairs, 112, 112), labels, beta), atol=1e-5)


def test_mdmo_by_hand(landmarks):
    """The left cheek moves up by 2, the chin down to the right by 1, and few stray vectors count for nothing."""
    labels = mdmo_labels(landmarks, 112, 112)
    cheek, chin = MDMO_REGIONS.index("left_outer_cheek"), MDMO_REGIONS.index("right_chin")
    flow = np.zeros((112, 112, 2), np.float32)
    flow[labels == cheek] = [0, -2]
    flow[labels == chin] = np.sqrt([0.5, 0.5])
    rows, columns = np.nonzero(labels == cheek)
    flow[rows[:5], columns[:5]] = [9, 0]
    found = mdmo(flow, landmarks, beta=0.75).reshape(36, 2)
    np.testing.assert_allclose(found[cheek], [0.75, -0.25 * np.pi / 2], atol=1e-6)
    np.testing.assert_allclose(found[chin], [0.75 / 2, 0.25 * np.pi / 4], atol=1e-6)
    assert not np.delete(found, [cheek, chin], axis=0).any()


def test_mdmo_of_a_still_face_is_zero(landmarks):
    assert not mdmo(np.zeros((2, 112, 112, 2), np.float32), landmarks).any()


def test_36_regions_cover_the_face_and_mirror(landmarks):
    labels = mdmo_labels(landmarks, 112, 112)
    assert len(MDMO_REGIONS) == 36
    assert np.bincount(labels[labels >= 0], minlength=36).min() >= 20
    assert (labels >= 0).mean() > 0.45
    outlines = mdmo_outlines(landmarks)
    for name in MDMO_REGIONS:
        if name.startswith("left_"):
            mirrored = outlines[name.replace("left_", "right_")] * [-1, 1] + [112, 0]
            np.testing.assert_allclose(outlines[name], mirrored, atol=1e-6)
    for name, point in [("glabella", (56, 22)), ("left_outer_lower_lid", (30, 48)), ("right_chin", (70, 96))]:
        assert MDMO_REGIONS[labels[point[1], point[0]]] == name


@pytest.mark.parametrize("method", ["farneback", "dis"])
def test_a_clip_is_described_by_its_flows(moving_face, landmarks, method):
    consecutive = np.stack([optical_flow(*pair, method=method) for pair in itertools.pairwise(moving_face)])
    from_first = np.stack([optical_flow(moving_face[0], frame, method=method) for frame in moving_face[1:]])
    np.testing.assert_array_equal(hoof(moving_face, method=method), hoof(consecutive))
    np.testing.assert_array_equal(hoof(moving_face, method=method, reference="first"), hoof(from_first))
    np.testing.assert_array_equal(mdmo(moving_face, landmarks, method=method), mdmo(from_first, landmarks))
    np.testing.assert_array_equal(bi_woof(moving_face[[0, 5]], method=method), bi_woof(from_first[-1]))
    transform = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    record = ClipRecord("EP1", moving_face, {"landmarks": landmarks, "transform": transform})
    np.testing.assert_array_equal(hoof_of_record(record, method=method)[0], hoof(consecutive))
    np.testing.assert_array_equal(mdmo_of_record(record, method=method)[0], mdmo(from_first, landmarks))
    pair = ClipRecord("EP1", moving_face[[0, 5]], record.others)
    np.testing.assert_array_equal(bi_woof_of_record(pair, method=method)[0], bi_woof(from_first[-1]))


def test_a_shift_to_the_right_is_seen(moving_face, landmarks):
    """Half a pixel a frame: HOOF's middle bins (the horizontal), MDMO's directions near 0."""
    histogram = hoof(moving_face, 8, (1,), "farneback")
    assert histogram[3:5].sum() > 0.8
    directions = mdmo(moving_face, landmarks, beta=0, method="farneback").reshape(36, 2)[:, 1]
    assert np.median(np.abs(directions)) < 0.3


@pytest.mark.parametrize("function", [hoof, bi_woof, lambda clip: mdmo(clip, np.ones((68, 2), np.float32))])
@pytest.mark.parametrize(
    ("clip", "words"),
    [
        (np.ones((3, 30, 30)), "neither clips nor flows"),
        (np.ones((1, 30, 30), np.uint8), "1 frame"),
        (np.zeros((2, 30, 30), np.uint8), "all black"),
        (np.full((30, 30, 2), np.nan, np.float32), "not finite"),
        (np.ones((2, 30, 30, 3), np.float32), "neither clips nor flows"),
    ],
)
def test_what_has_no_motion_is_said(function, clip, words):
    with pytest.raises(CdmerError, match=words) as caught:
        function(clip)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda flow: hoof(flow, 0), "0 bins"),
        (lambda flow: hoof(flow, 8, (40,)), "grid of 40"),
        (lambda flow: bi_woof(flow, 0), "0 bins"),
        (lambda flow: bi_woof(np.stack([flow, flow])), "one flow"),
        (lambda flow: mdmo(flow, np.ones((68, 2)), beta=2), "beta"),
        (lambda flow: mdmo(flow, np.ones((66, 2))), r"not \(66, 2\)"),
        (lambda flow: mdmo(flow, np.full((68, 2), np.nan)), "not 68 that are not"),
        (lambda flow: mdmo(flow, np.ones((68, 2))), "no pixel"),
        (lambda flow: hoof(np.full((2, 30, 30), 9, np.uint8), reference="last"), "reference"),
    ],
)
def test_settings_out_of_range_are_said(flows, call, words):
    with pytest.raises(CdmerError, match=words) as caught:
        call(flows(30, 30))
    assert caught.value.remedy
