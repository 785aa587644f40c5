"""TIM: against the construction that the closed form replaces, and what must hold for it."""

import numpy as np
import pytest

from cdmer.frames import interpolate_tim
from cdmer.frames.rounding import round_half_up
from cdmer.frames.tim import interpolate_linear, linear_weights, nearest_frames, tim_weights


def _tim_by_graph_embedding(frames, length):
    """Zhou et al. 2011 step by step: embed centred frames in the path graph's eigenvectors, map the curve back."""
    n = len(frames)
    mean = frames.mean(0)
    u, s, vt = np.linalg.svd((frames - mean).T, full_matrices=False)
    u, s, vt = u[:, : n - 1], s[: n - 1], vt[: n - 1]
    reduced = s[:, None] * vt  # (n - 1, n)
    laplacian = np.diag([1, *[2] * (n - 2), 1]) - np.eye(n, k=1) - np.eye(n, k=-1)
    y = np.linalg.eigh(laplacian)[1][:, 1:]  # (n, n - 1), orthonormal
    transform = np.linalg.solve(reduced @ reduced.T, reduced @ y)  # reduced.T @ transform = y
    t = np.linspace(1 / n, 1, length)
    k = np.arange(1, n)
    curve = np.sin(np.pi * k * t[:, None] + np.pi * (n - k) / (2 * n))
    at_frames = np.sin(np.pi * k * (np.arange(1, n + 1)[:, None] / n) + np.pi * (n - k) / (2 * n))
    scale = (at_frames * y).sum(0)  # the eigenvectors' signs and lengths against the analytic ones
    curve = curve / (at_frames**2).sum(0) * scale
    return (u @ np.linalg.solve(transform.T, curve.T)).T + mean


@pytest.mark.parametrize(("n", "length"), [(4, 10), (7, 16), (13, 5), (16, 16), (100, 16)])
def test_equals_the_graph_embedding(n, length):
    frames = np.random.default_rng(n).integers(0, 256, (n, 30, 29), dtype=np.uint8)
    expected = _tim_by_graph_embedding(frames.reshape(n, -1).astype(float), length).reshape(length, 30, 29)
    np.testing.assert_allclose(interpolate_tim(frames, length), expected, rtol=0, atol=1e-3)
    np.testing.assert_array_equal(interpolate_tim(frames.astype(np.float32), length), interpolate_tim(frames, length))


def test_weights_are_made_once_and_cannot_be_changed():
    assert tim_weights(37, 16) is tim_weights(37, 16)
    with pytest.raises(ValueError, match="read-only"):
        tim_weights(37, 16)[0, 0] = 2


def test_linear_is_numpys():
    clip = np.random.default_rng(1).random((7, 3, 5)).astype(np.float32)
    found = interpolate_linear(clip, 16)
    expected = [np.interp(np.linspace(0, 6, 16), np.arange(7), clip[:, y, x]) for y in range(3) for x in range(5)]
    np.testing.assert_allclose(found.reshape(16, -1).T, expected, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(linear_weights(1, 4), np.ones((4, 1)))


def test_nearest_by_hand():
    assert nearest_frames(5, 5) == [0, 1, 2, 3, 4]
    assert nearest_frames(5, 3) == [0, 2, 4]
    assert nearest_frames(2, 3) == [0, 0, 1]  # half way: the earlier
    assert nearest_frames(1, 3) == [0, 0, 0]
    assert nearest_frames(4, 1) == [0]


def test_same_length_is_the_clip_itself():
    clip = np.random.default_rng(0).integers(0, 256, (12, 5, 5), dtype=np.uint8)
    np.testing.assert_allclose(interpolate_tim(clip, 12), clip, atol=1e-3)


@pytest.mark.parametrize(("n", "length"), [(2, 16), (9, 10), (60, 16)])
def test_first_and_last_frames_are_kept_and_rows_sum_to_one(n, length):
    weights = tim_weights(n, length)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-12)
    np.testing.assert_allclose(weights[0], np.eye(n)[0], atol=1e-12)
    np.testing.assert_allclose(weights[-1], np.eye(n)[-1], atol=1e-12)


def test_a_still_clip_and_a_single_frame():
    still = np.full((7, 3, 3), 99, np.uint8)
    np.testing.assert_allclose(interpolate_tim(still, 16), 99, atol=1e-4)
    np.testing.assert_array_equal(interpolate_tim(still[:1], 4), np.full((4, 3, 3), 99, np.float32))


def test_repeated_frames_do_no_harm():
    frames = np.random.default_rng(3).integers(0, 256, (6, 4, 4), dtype=np.uint8)
    repeated = np.repeat(frames, 2, axis=0)
    assert np.isfinite(interpolate_tim(repeated, 16)).all()


def test_colour_and_type():
    clip = np.zeros((5, 4, 6, 3), np.uint8)
    found = interpolate_tim(clip, 10)
    assert found.shape == (10, 4, 6, 3)
    assert found.dtype == np.float32


@pytest.mark.parametrize("shape", [(0, 4, 4), (4, 4)])
def test_no_frames_is_an_error(shape):
    with pytest.raises(ValueError, match="at least one frame"):
        interpolate_tim(np.zeros(shape, np.uint8), 4)


def test_rounding_is_half_up_and_clips():
    values = np.array([[[-3.2, 0.49, 0.5, 1.5, 2.5, 254.5, 255.5, 300]]], np.float32)
    np.testing.assert_array_equal(round_half_up(values)[0, 0], [0, 0, 1, 2, 3, 255, 255, 255])
