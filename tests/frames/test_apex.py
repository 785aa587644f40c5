"""Apex spotting: against the cohort's truth, by hand, and what must hold whatever the clip."""

import numpy as np
import pytest

from cdmer.frames import spot_apex
from cdmer.frames.apex import METHODS, grey
from cdmer.frames.divide_and_conquer import search
from cdmer.frames.rise_and_fall import raised_cosine, vertex


def test_finds_the_cohorts_apexes_with_blinks_and_head_motion(filmed):
    """At most three hundredths of the clip on average, where the middle frame misses by several."""
    ours = [abs(spot_apex(f.crops, landmarks=f.landmarks) - f.apex) / len(f.crops) for f in filmed]
    middle = [abs(spot_apex(f.crops, "middle") - f.apex) / len(f.crops) for f in filmed]
    assert np.mean(ours) < 0.03
    assert np.mean(ours) < np.mean(middle) / 2


@pytest.mark.parametrize("apex", [8, 15, 27])
def test_a_course_that_is_no_cosine_under_drift(apex, moving_mouth):
    """A linear rise and a slow exponential fall while the head slides on."""
    t = np.arange(40)
    course = np.where(t <= apex, t / apex, np.exp(-(t - apex) / 10))
    clip = moving_mouth(course, drift=0.02)
    assert abs(spot_apex(clip) - apex) <= 1
    assert abs(spot_apex(clip, "frame_difference") - apex) > 4  # what drift does to it


def test_invariant_to_light_and_reversible(filmed):
    clip = filmed[0].crops
    apex = spot_apex(clip, landmarks=filmed[0].landmarks)
    dimmed = 0.7 * clip.astype(np.float32) + np.linspace(0, 20, len(clip), dtype=np.float32)[:, None, None]
    assert spot_apex(dimmed, landmarks=filmed[0].landmarks) == apex
    assert spot_apex(clip[::-1].copy(), landmarks=filmed[0].landmarks) == len(clip) - 1 - apex


def test_standard_landmarks_do_for_aligned_crops(filmed):
    away = [abs(spot_apex(f.crops) - f.apex) / len(f.crops) for f in filmed]
    assert np.mean(away) < 0.03


def test_frame_difference_by_hand():
    clip = np.zeros((5, 2, 2), np.uint8)
    clip[1, 0, 0] = 4
    clip[2, 0, :] = 3  # 6 in all
    clip[3, 0, 0] = 6  # as much, but later
    assert spot_apex(clip, "frame_difference") == 2
    below = 255 - clip  # the absolute value, which the printed formula lacks
    assert spot_apex(below, "frame_difference") == 2


@pytest.mark.parametrize(("frames", "middle"), [(1, 0), (2, 0), (3, 1), (10, 4), (11, 5)])
def test_the_middle_frame(frames, middle):
    assert spot_apex(np.zeros((frames, 8, 8), np.uint8), "middle") == middle


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 30])
def test_still_black_and_short_clips_have_an_apex(method, frames):
    for clip in (np.zeros((frames, 40, 32), np.uint8), np.full((frames, 112, 112, 3), 90, np.uint8)):
        assert 0 <= spot_apex(clip, method) < frames


@pytest.mark.parametrize(
    ("method", "away"), [("rise_and_fall", 0), ("frame_difference", 1), ("divide_and_conquer_strain", 2)]
)
def test_a_clear_peak_is_found(method, away, moving_mouth):
    clip = moving_mouth(raised_cosine(25, 0, 8, 24), noise=0.2)
    assert abs(spot_apex(clip, method) - 8) <= away


def test_lids_count_where_nothing_else_moves(moving_mouth):
    """A small motion inside the box of one eye, which is left out at first."""
    clip = moving_mouth(raised_cosine(41, 0, 26, 40), noise=0.5, at=(33, 40), size=2)
    assert abs(spot_apex(clip) - 26) <= 1


def test_divide_and_conquer_sees_texture_that_comes_and_goes(texture):
    """A checked mouth at frame 6, nowhere else: one peak of the curve."""
    clip = np.repeat(texture[None].round().clip(0, 255).astype(np.uint8), 15, axis=0)
    clip[6, 80:96:2, 40:72:2] = 255
    assert spot_apex(clip, "divide_and_conquer") == 6


def test_binary_search_by_hand():
    heights = np.zeros(40)
    heights[[5, 15]], heights[[25, 35]] = 2.0, [3.0, 0.5]
    # halves 0-20: 2 + 2, 20-40: 3 + 0.5; then 0-10 and 10-20 are equal and the earlier is kept
    assert search(heights) == 5
    assert search(np.arange(10.0)) == 9  # no peak inside: the largest value


def test_vertex_of_unequal_parabolas():
    t = np.arange(60)
    course = np.where(t <= 22, -((t - 22) ** 2) / 40, -((t - 22) ** 2) / 400)
    assert vertex(course) == 22


def test_grey_uses_the_usual_weights():
    clip = np.array([[[[10, 20, 30]]]], np.uint8)
    np.testing.assert_allclose(grey(clip), [[[0.299 * 10 + 0.587 * 20 + 0.114 * 30]]], rtol=1e-6)


@pytest.mark.parametrize(
    ("clip", "method", "landmarks", "words"),
    [
        (np.zeros((4, 8, 8), np.uint8), "apex", None, "known: middle"),
        (np.zeros((0, 8, 8), np.uint8), "middle", None, "at least one frame"),
        (np.zeros((8, 8), np.uint8), "middle", None, "at least one frame"),
        (np.zeros((4, 8, 8), np.uint8), "rise_and_fall", np.zeros((5, 2)), r"shape \(68, 2\)"),
    ],
)
def test_bad_input_is_named(clip, method, landmarks, words):
    with pytest.raises(ValueError, match=words):
        spot_apex(clip, method, landmarks)
