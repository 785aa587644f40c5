"""Triplets, and the training job: it learns, it resumes to the same bits, it says what is wrong."""

import numpy as np
import pytest
import torch

from cdmer.databases.cohort.plan import plan_database
from cdmer.errors import CdmerError
from cdmer.frames.adaptive_convolution import scenes, training
from cdmer.frames.adaptive_convolution.training import interpolation_loss, train_interpolator
from cdmer.frames.adaptive_convolution.triplets import (
    Footage,
    augmented,
    cohort_footage,
    draw_moved,
    draw_recorded,
    photographs,
)
from cdmer.frames.adaptive_convolution.weights import load_weights
from cdmer.store.shard import write_shard

TINY = {"width": 0.05, "taps": 5, "batch": 2, "side": 32, "rate": 1e-3, "seed": 3}


@pytest.fixture(autouse=True)
def _few_scenes(monkeypatch):
    monkeypatch.setattr(scenes, "_KEPT", 16)


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    """Two clips of a pattern that wanders by a pixel a frame."""
    path = tmp_path_factory.mktemp("faces") / "sub01.h5"
    rows, columns = np.mgrid[:48, :60]
    clips = {
        name: np.stack([128 + 90 * np.sin((columns - t) / 2.0) * np.sin((rows + slant * t) / 3.0) for t in range(9)])
        for name, slant in (("one", 0.5), ("two", -1.0))
    }
    with write_shard(path, attrs={"stage": "faces"}) as writer:
        for name, clip in clips.items():
            writer.add(name, np.rint(clip).astype(np.uint8))
    return path


def test_recorded_triplets_are_evenly_spaced_frames_of_the_clip():
    clip = np.broadcast_to((10 * np.arange(12, dtype=np.uint8))[:, None, None], (12, 40, 50))
    rng = np.random.default_rng(0)
    steps = set()
    for _ in range(60):
        triplet = draw_recorded([Footage(clip, 4)], 32, rng)
        assert triplet.shape == (3, 32, 32, 3)
        first, middle, second = triplet[:, 0, 0, 0]
        assert middle - first == second - middle
        steps.add(int(middle - first) // 10)
    assert steps == {1, 2, 3, 4}


def test_moved_triplets_move_steadily():
    """On a ramp, grey levels are places: half-way in place is half-way in grey level."""
    ramp = np.tile(np.linspace(40, 200, 400), (400, 1)).astype(np.uint8)
    errors, moved = [], []
    for seed in range(40):
        first, middle, second = draw_moved([[ramp]], 48, np.random.default_rng(seed))[..., 0]
        errors.append(abs(float(np.median((first + second) / 2 - middle))))
        moved.append(abs(float(np.median(first - second))))
    assert np.median(errors) < 0.3  # grey levels
    assert max(moved) > 1  # the ramp rises by 0.4 a pixel


def test_augmentation_keeps_the_middle_frame_in_the_middle():
    triplet = np.random.default_rng(2).random((3, 8, 8, 3)).astype(np.float32)
    drawn = [augmented(triplet, np.random.default_rng(seed)) for seed in range(40)]
    assert {round(float(frames[1].sum()), 2) for frames in drawn} == {round(float(triplet[1].sum()), 2)}
    assert {bool(np.isclose(frames[0].sum(), triplet[0].sum())) for frames in drawn} == {True, False}  # backwards too


def test_cohort_footage_is_the_faces_of_every_clip():
    plan = plan_database("smic_vis", "tiny", 1)
    footage = cohort_footage("smic_vis", "tiny", 1)
    assert [len(clip.frames) for clip in footage] == [clip.n_frames for p in plan.subjects for clip in p.clips]
    assert all(clip.frames.dtype == np.uint8 and min(clip.frames.shape[1:3]) > 150 for clip in footage)
    assert {clip.largest_step for clip in footage} == {1}  # 25 frames a second


def test_too_short_footage_is_refused():
    with pytest.raises(ValueError, match="triplet"):
        Footage(np.zeros((2, 40, 40), np.uint8), 1)


def test_the_loss_by_hand():
    truth = torch.zeros(1, 1, 2, 2)
    estimate = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    # pixels: 1/4; across: |0 - 1|, 0 -> 1/2; down: the same
    assert float(interpolation_loss(estimate, truth)) == pytest.approx(0.25 + 0.5 * (0.5 + 0.5))


@pytest.mark.slow
def test_an_interrupted_training_ends_in_the_same_bits(shard, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_SAVE_EVERY", 2)
    train_interpolator([shard], tmp_path / "whole.safetensors", checkpoint=tmp_path / "a", steps=5, **TINY)

    trained = training._train_step
    calls = []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return trained(*arguments)

    monkeypatch.setattr(training, "_train_step", interrupted)
    again = {"checkpoint": tmp_path / "b", "steps": 5, **TINY}
    with pytest.raises(KeyboardInterrupt):
        train_interpolator([shard], tmp_path / "parts.safetensors", **again)
    assert not (tmp_path / "parts.safetensors").exists()
    assert (tmp_path / "b").exists()
    train_interpolator([shard], tmp_path / "parts.safetensors", **again)
    assert len(calls) == 4 + 3  # steps 2, 3 and 4 anew, from the checkpoint after step 2
    assert (tmp_path / "parts.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert not (tmp_path / "b").exists()


@pytest.mark.slow
def test_training_beats_frame_averaging_on_what_it_sees(shard, tmp_path, monkeypatch):
    monkeypatch.setattr(scenes, "_MOVED_SHARE", 0.0)
    settings = {**TINY, "width": 0.1, "batch": 8, "rate": 4e-3, "largest_step": 2, "compensated": False}
    train_interpolator([shard], tmp_path / "w.safetensors", checkpoint=tmp_path / "c", steps=300, **settings)
    last = (tmp_path / "w.log").read_text(encoding="utf-8").splitlines()[-1]
    ours, average = (
        float(words.split()[0].strip(",")) for words in (last.split("error ")[1], last.split("averaging ")[1])
    )
    assert ours < 0.8 * average
    tensors, about = load_weights(tmp_path / "w.safetensors")
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())
    assert about["clips"] == "2"


def test_a_checkpoint_of_other_settings_is_refused(shard, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_SAVE_EVERY", 1)
    monkeypatch.setattr(training, "save_weights", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    options = {"checkpoint": tmp_path / "c", **TINY}
    with pytest.raises(KeyboardInterrupt):
        train_interpolator([shard], tmp_path / "w.safetensors", steps=2, **options)
    with pytest.raises(CdmerError, match="other settings"):
        train_interpolator([shard], tmp_path / "w.safetensors", steps=2, **{**options, "seed": 9})


@pytest.mark.slow
def test_a_checkpoint_of_before_the_decay_goes_on_to_another_number_of_steps(shard, tmp_path, monkeypatch):
    """10 steps decay from the 7th on, 20 from the 14th: until the 7th they go the same way."""
    monkeypatch.setattr(training, "_SAVE_EVERY", 1)
    train_interpolator([shard], tmp_path / "whole.safetensors", checkpoint=tmp_path / "a", steps=10, **TINY)
    trained, calls = training._train_step, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == stop:
            raise KeyboardInterrupt
        return trained(*arguments)

    monkeypatch.setattr(training, "_train_step", interrupted)
    stop = 7
    with pytest.raises(KeyboardInterrupt):
        train_interpolator([shard], tmp_path / "b.safetensors", checkpoint=tmp_path / "b", steps=20, **TINY)
    stop = 0
    train_interpolator([shard], tmp_path / "b.safetensors", checkpoint=tmp_path / "b", steps=10, **TINY)
    assert (tmp_path / "b.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    calls.clear()
    stop = 10
    with pytest.raises(KeyboardInterrupt):
        train_interpolator([shard], tmp_path / "c.safetensors", checkpoint=tmp_path / "c", steps=20, **TINY)
    with pytest.raises(CdmerError, match="20 and 10 steps have parted"):
        train_interpolator([shard], tmp_path / "c.safetensors", checkpoint=tmp_path / "c", steps=10, **TINY)


@pytest.mark.parametrize(
    ("shards", "options", "message"),
    [(0, {}, "nothing to train"), (1, {"side": 40}, "halved"), (1, {"side": 64}, "48 pixels")],
)
def test_what_cannot_be_trained_is_said(shard, tmp_path, shards, options, message):
    settings = {**TINY, **options}
    with pytest.raises(CdmerError, match=message):
        train_interpolator([shard] * shards, tmp_path / "w", checkpoint=tmp_path / "c", steps=1, **settings)


def test_photographs_are_large_enough_to_move():
    assert all(min(picture.shape[:2]) >= 256 and picture.dtype == np.uint8 for picture in photographs())
