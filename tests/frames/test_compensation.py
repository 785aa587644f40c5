"""Frames brought half-way by flow: on motions that are known."""

import numpy as np
import pytest
from scipy.ndimage import shift

from cdmer.frames.adaptive_convolution.compensation import half_way


@pytest.mark.parametrize("channels", [1, 3])
def test_both_frames_come_to_where_the_face_is_half_way(texture, channels):
    """A shift by (2, -3) pixels from first to second: half-way it is at (1, -1.5)."""
    first, second = (shift(texture, offset, order=3, mode="reflect") for offset in ((-1, 1.5), (1, -1.5)))
    frames = [frame if channels == 1 else np.dstack([frame] * channels) for frame in (first, second)]
    inside = np.s_[12:-12, 12:-12]
    still = np.abs((first + second) / 2 - texture)[inside].mean()
    for moved in half_way(*frames):
        assert moved.dtype == np.float32
        grey = moved if channels == 1 else moved[..., 0]
        assert np.abs(grey - texture)[inside].mean() < 0.25 * still


def test_frames_that_do_not_move_stay(texture):
    frame = texture.round().clip(0, 255).astype(np.uint8)
    for moved in half_way(frame, frame):
        np.testing.assert_allclose(moved, frame, atol=1e-3)


def test_a_frame_too_small_for_the_flow_stays(texture):
    first, second = texture[:10, :40], texture[5:15, :40]
    for moved, frame in zip(half_way(first, second), (first, second), strict=True):
        np.testing.assert_array_equal(moved, frame.astype(np.float32))
