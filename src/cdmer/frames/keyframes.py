"""The key-frames of MERSiamC3D: eleven frames, dense where little moves and sparse around the apex.

Zhao et al., "A two-stage 3D CNN based learning method for spontaneous micro-expression recognition", Neurocomputing
2021, Algorithm 1. Between onset and apex, and between apex and offset, frames are synthesised halfway between two
others, again and again towards the onset or the offset, so that the gap next to the apex stays wide. The printed
algorithm loses a side that fills its budget at the first pass and stores the apex twice; here both sides are kept,
the apex once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.frames.events import find_apex
from cdmer.frames.rounding import rounded
from cdmer.store.shard import ClipRecord

Image = NDArray[np.float32]
Between = Callable[[Image, Image], Image]

ADAPTIVE_CONVOLUTION = "cdmer.frames.adaptive_convolution.interpolator"
SHIPPED = "shipped"  # the network that comes with cdmer


@dataclass(frozen=True)
class Step:
    """One synthetic frame: its time, and the times of the earlier and the later frame that it lies between."""

    time: int
    first: int
    second: int


@dataclass(frozen=True)
class KeyframePlan:
    """Which frames of a clip are its key-frames, and how those that are synthesised come about.

    Attributes
    ----------
    times
        The key-frames in order, onset, apex and offset among them; copies of the offset fill what is left.
    steps
        The synthetic frames in an order that can be carried out: both frames of a step are real or made before it.
    """

    times: tuple[int, ...]
    steps: tuple[Step, ...]


def keyframe_times(onset: int, apex: int, offset: int, count: int = 11) -> list[int]:
    """The numbers of the key-frames.

    Parameters
    ----------
    onset, apex, offset
        Frame numbers, ``onset <= apex <= offset``.
    count
        How many key-frames, at least 3.

    Returns
    -------
    list of int
        `count` frame numbers, never decreasing.

    Raises
    ------
    ValueError
        The numbers are not in order, or `count` is below 3.

    Examples
    --------
    The sample of the paper:

    >>> keyframe_times(25, 91, 121)
    [25, 27, 29, 33, 41, 58, 91, 106, 113, 117, 121]
    """
    return list(plan_keyframes(onset, apex, offset, count).times)


def plan_keyframes(onset: int, apex: int, offset: int, count: int = 11) -> KeyframePlan:
    """The key-frames of a clip and the recursion that makes them; parameters as for `keyframe_times`.

    Each side gets its share of the ``count - 3`` synthetic frames by its length; an empty side gets none. An apex on
    the onset or the offset stands beside it as a frame of its own, the same image twice. What a short clip has no room
    for is filled with copies of the offset, down to a clip of one frame.
    """
    if not onset <= apex <= offset:
        raise ValueError(f"expected onset <= apex <= offset, got {onset}, {apex}, {offset}")
    if count < 3:
        raise ValueError(f"key-frames are onset, apex, offset and what lies between: at least 3, not {count}")
    budget = count - 3
    before = 0 if apex == onset else budget * (apex - onset + 1) // (offset - onset + 1)
    rise = _side(onset, apex, before)
    fall = _side(offset, apex, budget - before)
    times = [onset, *sorted(s.time for s in rise), apex, *sorted(s.time for s in fall), offset]
    return KeyframePlan((*times, *[offset] * (count - len(times))), (*rise, *fall))


def synthesise(plan: KeyframePlan, real: dict[int, NDArray[Any]], between: Between) -> Image:
    """The key-frames themselves.

    Parameters
    ----------
    plan
        From `plan_keyframes`.
    real
        The onset, apex and offset frame, by number.
    between
        The frame halfway between two, the earlier first: float32 in, float32 out.

    Returns
    -------
    array
        float32 (key-frames, height, width[, 3]), not rounded: a synthetic frame enters others as it is.
    """
    images = {time: frame.astype(np.float32) for time, frame in real.items()}
    for step in plan.steps:
        images[step.time] = between(images[step.first], images[step.second])
    return np.stack([images[time] for time in plan.times])


def average(first: Image, second: Image) -> Image:
    """The mean of two frames: what lies between them if nothing moved."""
    return np.asarray((first + second) / 2, np.float32)


def keyframes(
    record: ClipRecord,
    *,
    length: int,
    synthesis: str,
    rounding: str,
    apex: str,
    apex_otherwise: str,
    network: str = SHIPPED,
) -> tuple[NDArray[Any], dict[str, Any]]:
    """The frames recipe ``keyframes``.

    Parameters
    ----------
    record
        The clip, from the faces stage.
    length
        How many key-frames.
    synthesis
        ``average``, ``adaptive_convolution``, or ``nearest``, which takes the recorded frame at each key-frame's number
        (the paper's TAS).
    rounding
        ``half_up`` or ``none``, as for resampling.
    apex, apex_otherwise
        As for `find_apex`.
    network
        With ``adaptive_convolution``: ``shipped``, the small network that cdmer brings, or the weights of one that was
        trained like it.

    Returns
    -------
    tuple
        The key-frames, and what is known of them: `frame_indices` into the clip, and the apex.
    """
    found = find_apex(record, apex, apex_otherwise)
    last = len(record.frames) - 1
    plan = plan_keyframes(0, found.index, last, length)
    facts = {**found.facts, "frame_indices": list(plan.times)}
    if synthesis == "nearest":
        return record.frames[list(plan.times)], facts
    real = {index: record.frames[index] for index in (0, found.index, last)}
    return rounded(synthesise(plan, real, _between(synthesis, network)), rounding), facts


@cache
def _between(synthesis: str, network: str) -> Between:
    if synthesis == "adaptive_convolution":
        # by name: a recipe that does not use the network neither loads it nor depends on its code
        networks: Any = import_module(ADAPTIVE_CONVOLUTION).AdaptiveConvolution
        loaded = networks.shipped() if network == SHIPPED else networks.like_shipped(network)
        between: Between = loaded.between
        return between
    if synthesis != "average":
        raise ValueError(f"there is no synthesis {synthesis!r}; known: average, adaptive_convolution, nearest")
    return average


def _side(fixed: int, apex: int, budget: int) -> list[Step]:
    """The synthetic frames between the onset or the offset, `fixed`, and the apex: at most `budget`."""
    steps: list[Step] = []
    near = apex
    while len(steps) < budget:
        time = (fixed + near) // 2
        if abs(time - fixed) <= 1:
            break
        steps.append(_step(time, fixed, near))
        near = time
    made = sorted(step.time for step in steps)
    for first, second in pairwise(made):
        time = (first + second) // 2
        if len(steps) < budget and time - first > 1:
            steps.append(_step(time, first, second))
    return steps


def _step(time: int, one: int, other: int) -> Step:
    return Step(time, *sorted((one, other)))
