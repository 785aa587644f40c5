"""Key-frames: the published sample, further cases worked out by hand from the algorithm, and the recursion itself."""

import numpy as np
import pytest

from cdmer.frames import keyframe_times
from cdmer.frames.keyframes import Step, average, plan_keyframes, synthesise


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((25, 91, 121), [25, 27, 29, 33, 41, 58, 91, 106, 113, 117, 121]),  # the paper's own sample
        ((1, 49, 97), [1, 4, 7, 13, 25, 49, 73, 85, 91, 94, 97]),
        ((1, 17, 33), [1, 3, 5, 7, 9, 17, 25, 27, 29, 31, 33]),  # 7 and 27 from the second pass
        ((0, 66, 96), [0, 2, 4, 8, 16, 33, 66, 81, 88, 92, 96]),
        ((1, 90, 97), [1, 3, 6, 9, 12, 17, 23, 45, 90, 93, 97]),  # 9 and 17 from the second pass
        ((46, 59, 86), [46, 49, 52, 59, 72, 75, 79, 82, 84, 86, 86]),  # 75 from the second pass, one copy
        ((1, 9, 17), [1, 3, 5, 9, 13, 15, 17, 17, 17, 17, 17]),  # four copies
        ((1, 5, 97), [1, 5, 51, 62, 74, 79, 85, 91, 94, 95, 97]),  # nothing before the apex
    ],
)
def test_worked_examples(events, expected):
    assert keyframe_times(*events) == expected


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((1, 1, 40), [1, 1, 20, 25, 30, 32, 35, 37, 38, 40, 40]),  # apex on the onset: all eight after it
        ((1, 40, 40), [1, 3, 5, 7, 10, 15, 20, 40, 40, 40, 40]),  # on the offset: all before it
        ((1, 1, 5), [1, 1, 3] + [5] * 8),
        ((1, 5, 5), [1, 3] + [5] * 9),
        ((1, 3, 5), [1, 3] + [5] * 9),  # five frames: no room between
        ((1, 2, 2), [1] + [2] * 10),
        ((3, 3, 3), [3] * 11),  # one frame
    ],
)
def test_clips_without_room(events, expected):
    assert keyframe_times(*events) == expected


def test_every_clip_of_up_to_60_frames_gets_eleven_ordered_key_frames():
    for last in range(60):
        for apex in range(last + 1):
            times = keyframe_times(0, apex, last)
            assert len(times) == 11
            assert times == sorted(times)
            assert {0, apex, last} <= set(times) <= set(range(last + 1))


def test_numbering_does_not_matter():
    assert [time + 7 for time in keyframe_times(0, 33, 71)] == keyframe_times(7, 40, 78)


@pytest.mark.parametrize("count", [3, 5, 7, 16, 21])
def test_other_counts(count):
    times = keyframe_times(0, 60, 100, count)
    assert len(times) == count
    assert times[0] == 0 and times[-1] == 100 and 60 in times


def test_the_recursion_of_the_published_sample():
    plan = plan_keyframes(25, 91, 121)
    assert plan.steps == (
        Step(58, 25, 91), Step(41, 25, 58), Step(33, 25, 41), Step(29, 25, 33), Step(27, 25, 29),
        Step(106, 91, 121), Step(113, 106, 121), Step(117, 113, 121),
    )  # fmt: skip


def test_every_step_has_its_frames_before_it():
    for apex in range(1, 97):
        plan = plan_keyframes(0, apex, 97)
        known = {0, apex, 97}
        for step in plan.steps:
            assert {step.first, step.second} <= known
            assert step.first < step.time < step.second
            known.add(step.time)
        assert known == set(plan.times)


def test_synthesis_by_average_is_exact_recursion():
    """On frames linear in time the recursive mean is the frame at the true, unfloored midpoint."""
    real = {time: np.full((2, 2), time, np.uint8) for time in (25, 91, 121)}
    frames = synthesise(plan_keyframes(25, 91, 121), real, average)
    expected = [25, 27.0625, 29.125, 33.25, 41.5, 58, 91, 106, 113.5, 117.25, 121]
    np.testing.assert_allclose(frames[:, 0, 0], expected, rtol=1e-6)
    assert frames.dtype == np.float32


def test_between_gets_the_earlier_frame_first():
    seen = []

    def between(first, second):
        seen.append((first.flat[0], second.flat[0]))
        return (first + second) / 2

    real = {time: np.full((1, 1), time, np.uint8) for time in (0, 60, 100)}
    synthesise(plan_keyframes(0, 60, 100), real, between)
    assert len(seen) == 8
    assert all(first < second for first, second in seen)


@pytest.mark.parametrize(("events", "count"), [((5, 4, 9), 11), ((1, 10, 9), 11), ((1, 2, 3), 2)])
def test_bad_numbers(events, count):
    with pytest.raises(ValueError, match=r"expected onset|at least 3"):
        keyframe_times(*events, count)
