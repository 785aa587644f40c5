"""Interval spotting: a recording of the cohort, a made-up one, and the overlap by hand."""

import numpy as np
import pytest

from cdmer.frames import spot_interval
from cdmer.frames.interval import overlap

METHODS = ("rise_and_fall", "frame_difference", "lbp_difference")


def _course(n, onset, apex, offset):
    """Half cosines, written out anew."""
    t = np.arange(n)
    up = (1 - np.cos(np.pi * np.clip((t - onset) / (apex - onset), 0, 1))) / 2
    down = (1 + np.cos(np.pi * np.clip((t - apex) / (offset - apex), 0, 1))) / 2
    return np.where(t <= apex, up, down)


@pytest.mark.parametrize("events", [(40, 52, 70), (30, 55, 64)])
def test_finds_onset_and_offset_under_drift(events, moving_mouth):
    clip = moving_mouth(_course(110, *events), drift=0.01)
    onset, offset = spot_interval(clip, events[1], 100)
    assert abs(onset - events[0]) <= 2
    assert abs(offset - events[2]) <= 2


@pytest.mark.slow
def test_finds_the_cohorts_intervals_in_longer_recordings(film):
    recording = film("smic_hs", 100, rest=0.6)
    truth = (recording.onset, recording.offset)
    found = spot_interval(recording.crops, recording.apex, recording.fps, landmarks=recording.landmarks)
    assert overlap(found, truth) > 0.75


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("apex", [0, 1, 11])
def test_ends_of_a_recording_and_still_ones(method, apex):
    onset, offset = spot_interval(np.full((12, 48, 48), 7, np.uint8), apex, 25, method)
    assert 0 <= onset <= apex <= offset < 12


def test_the_published_rule_is_a_third_of_a_second(moving_mouth):
    clip = moving_mouth(_course(200, 80, 100, 125))
    onset, offset = spot_interval(clip, 100, 100, "frame_difference")
    assert offset - onset == 34
    assert abs((onset + offset) / 2 - 100) <= 6


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [((10, 19), (10, 19), 1.0), ((10, 19), (15, 24), 5 / 15), ((0, 4), (5, 9), 0.0), ((0, 9), (2, 5), 0.4)],
)
def test_overlap_by_hand(first, second, expected):
    assert overlap(first, second) == pytest.approx(expected)
    assert overlap(second, first) == pytest.approx(expected)


def test_bad_input():
    clip = np.zeros((5, 8, 8), np.uint8)
    with pytest.raises(ValueError, match="outside the recording of 5"):
        spot_interval(clip, 5, 25)
    with pytest.raises(ValueError, match="known: rise_and_fall"):
        spot_interval(clip, 2, 25, "guess")
