"""The pool that training draws from: the same from any step on, and what its scenes are."""

import numpy as np
import pytest
import torch

from cdmer.frames.adaptive_convolution import scenes
from cdmer.frames.adaptive_convolution.scenes import ScenePool
from cdmer.frames.adaptive_convolution.triplets import Footage


@pytest.fixture
def pool(monkeypatch, texture):
    monkeypatch.setattr(scenes, "_KEPT", 6)
    clip = np.stack([np.roll(texture, time, axis=1) for time in range(9)]).clip(0, 255).astype(np.uint8)

    def make(**options):
        return ScenePool([Footage(clip, 2)], [[clip[0]]], 32, **{"compensated": False, "seed": 4, **options})

    return make


def test_a_pool_begun_late_is_the_pool_that_got_there(pool):
    early, late = pool(), pool()
    batches = [early.batch(step, 3) for step in range(12)]
    assert torch.equal(late.batch(11, 3), batches[11])
    assert not torch.equal(batches[0], batches[11])
    assert not torch.equal(pool(seed=5).batch(0, 3), batches[0])


def test_triplets_are_frame_then_channel_from_0_to_1(pool):
    batch = pool().batch(0, 5)
    assert batch.shape == (5, 3, 3, 32, 32)
    assert batch.dtype == torch.float32
    assert -0.1 < float(batch.min()) < float(batch.max()) < 1.1


def test_compensation_brings_the_outer_frames_to_the_middle_one(pool, monkeypatch):
    """The clip rolls by a pixel or two a frame, which flow follows; its camera has no noise."""
    monkeypatch.setattr(scenes, "_MOVED_SHARE", 0.0)

    def far(options):
        batch = pool(**options).batch(0, 24)
        return float((batch[:, ::2] - batch[:, 1:2]).abs().mean())

    assert far({"compensated": True}) < 0.3 * far({"compensated": False})
