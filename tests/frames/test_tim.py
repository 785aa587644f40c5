"""TIM: against the construction that the closed form replaces, and what must hold for it."""

import numpy as np
import pytest

from cdmer.frames import interpolate_tim
from cdmer.frames.rounding import round_half_up
from cdmer.frames.tim import tim_weights


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


@pytest.mark.parametrize(("n", "length"), [(4, 10), (7, 16), (13, 5), (16, 16)])
def test_equals_the_graph_embedding(n, length):
    frames = np.random.default_rng(n).random((n, 6, 7)) * 255
    expected = _tim_by_graph_embedding(frames.reshape(n, -1), length).reshape(length, 6, 7)
    found = interpolate_tim(frames.astype(np.float32), length)
    np.testing.assert_allclose(found, expected, atol=2e-3)


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
