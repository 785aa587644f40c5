"""An interpolation network that the workflow trains on the user's own clips, and the key-frames that it makes."""

import numpy as np
import pytest

from cdmer.frames import AdaptiveConvolution
from cdmer.frames.keyframes import plan_keyframes, synthesise
from cdmer.store.shard import read_shard

NETWORK = "results/interpolators/own.safetensors"
FRAMES = "results/frames/mine/casme2/sub01.h5"
OWN = {"databases": ["casme2"], "faces": "aligned_112", "steps": 3, "batch": 1, "side": 32, "seed": 5}
MINE = {
    "faces": "aligned_112", "interpolation": "keyframes", "length": 11, "rounding": "none",
    "synthesis": "adaptive_convolution", "network": "own", "apex_otherwise": "middle",
}  # fmt: skip


@pytest.fixture
def trains(workflow):
    """A finished run whose configuration then asks for a network of its own."""
    workflow.configure(interpolators={"own": OWN}, frames={"mine": MINE})
    return workflow


def test_key_frames_by_a_network_of_ones_own(trains):
    planned = trains.planned(FRAMES)
    assert set(planned) == {"train_interpolator", "interpolate_frames"}  # the crops are there
    trains.run(FRAMES)
    assert trains.planned(FRAMES) == {}
    assert not list(trains.folder.glob("results/checkpoints/*"))
    assert "step 3" in (trains.folder / NETWORK).with_suffix(".log").read_text()

    between = AdaptiveConvolution.like_shipped(trains.folder / NETWORK).between
    made, crops = (
        read_shard(trains.folder / FRAMES),
        read_shard(trains.folder / "results/faces/aligned_112/casme2/sub01.h5"),
    )
    clip = made.clips[0]
    apex, last = made[clip]["apex_index"], len(crops[clip].frames) - 1
    plan = plan_keyframes(0, apex, last, 11)
    real = {index: crops[clip].frames[index] for index in (0, apex, last)}
    np.testing.assert_allclose(made[clip].frames, synthesise(plan, real, between), atol=1e-3)

    # another seed is another network, and another network makes other frames; the table does not know it
    trains.configure(interpolators={"own": {**OWN, "seed": 6}})
    assert set(trains.planned(FRAMES)) == {"train_interpolator", "interpolate_frames"}
    assert trains.planned() == {}


def test_a_database_without_clips_cannot_teach_one(trains):
    trains.configure(interpolators={"own": {**OWN, "databases": ["samm"]}})
    text = trains.run(FRAMES, expect=1)
    assert "interpolators.own.databases: samm has no clips to learn from" in text
