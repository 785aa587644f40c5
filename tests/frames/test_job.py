"""The frames job: what each recipe writes, and where its apex comes from."""

import subprocess
import sys

import numpy as np
import pytest

from cdmer.config import read_config
from cdmer.errors import CdmerError
from cdmer.frames import AdaptiveConvolution, interpolate_tim, keyframe_times
from cdmer.frames.apex import METHODS, spot_apex
from cdmer.frames.events import find_apex
from cdmer.frames.job import make_frames
from cdmer.frames.keyframes import plan_keyframes, synthesise
from cdmer.frames.rounding import round_half_up
from cdmer.frames.selection import central_frames
from cdmer.planning.plan import Plan
from cdmer.store.shard import read_shard, write_shard

FIRST = 300  # the onset's number in the database
TRANSFORM = np.array([[0.25, 0, 5], [0, 0.25, -3]])  # from the recording's pixels to the crop's


@pytest.fixture
def faces(tmp_path, moving_mouth):
    """A subject with an annotated clip of 31 frames and one of 21 without an apex, as the faces stage writes them."""
    path = tmp_path / "faces.h5"
    landmarks = np.random.default_rng(2).uniform(50, 400, (68, 2))
    landmarks[36:42], landmarks[42:48] = landmarks[36] * 0 + [200, 150], landmarks[36] * 0 + [280, 154]
    with write_shard(path, attrs={"stage": "faces"}) as shard:
        for name, n, apex in (("annotated", 31, FIRST + 9), ("bare", 21, None)):
            crops = moving_mouth(np.sin(np.pi * np.linspace(0, 1, n)), noise=0.3)
            shard.add(name, crops, box=np.zeros(5, np.float32), landmarks=landmarks, transform=TRANSFORM,
                      subject="s1", emotion="positive", onset=FIRST, apex=apex, offset=FIRST + n - 1)  # fmt: skip
        shard.exclude("dark", "s1", "faces", "no face")
    return path


def _settings(name, **changes):
    return Plan(read_config({"frames": {name: changes}})).frames_settings(name)


def _made(faces, name, **changes):
    output = faces.with_name("frames.h5")
    make_frames(faces, output, **_settings(name, **changes))
    return read_shard(output)


def test_tim_16_is_rounded_tim(faces):
    clips, made = read_shard(faces), _made(faces, "tim_16")
    for clip in ("annotated", "bare"):
        np.testing.assert_array_equal(made[clip].frames, round_half_up(interpolate_tim(clips[clip].frames, 16)))
        assert "apex_index" not in made[clip]
    assert made["annotated"]["apex"] == FIRST + 9
    assert made["bare"]["apex"] is None
    assert [entry.clip for entry in made.excluded] == ["dark"]


def test_the_other_ways_to_a_fixed_length(faces):
    original = read_shard(faces)["annotated"].frames
    nearest = _made(faces, "near", interpolation="nearest", length=4)["annotated"].frames
    np.testing.assert_array_equal(nearest, original[[0, 10, 20, 30]])
    linear = _made(faces, "mixed", interpolation="linear", length=7, rounding="none")["annotated"].frames
    np.testing.assert_allclose(linear, original[::5], atol=1e-4)
    assert linear.dtype == np.float32


def test_moments_are_recorded_frames_in_the_order_named(faces):
    original = read_shard(faces)["annotated"].frames
    made = _made(faces, "onset_apex")["annotated"]
    np.testing.assert_array_equal(made.frames, original[[0, 9]])
    assert made["frame_indices"].tolist() == [0, 9]
    made = _made(faces, "three", interpolation="select", moments=["offset", "middle", "onset"])["annotated"]
    np.testing.assert_array_equal(made.frames, original[[30, 15, 0]])
    assert "apex_index" not in made


def test_central_frames_of_madtn(faces):
    made = _made(faces, "onset_central_offset")["annotated"]
    # 0.4 * 31 = 12.4, 0.6 * 31 = 18.6
    assert made["frame_indices"].tolist() == [0, 13, 14, 15, 16, 17, 18, 30]
    assert made.frames.shape == (8, 112, 112)


@pytest.mark.parametrize(
    ("frames", "expected"), [(1, [0]), (2, [0, 1]), (3, [1]), (5, [2, 3]), (10, [4, 5, 6]), (11, [5, 6])]
)
def test_the_middle_frame_is_always_central(frames, expected):
    assert central_frames(frames) == expected


def test_key_frames_follow_the_annotated_apex(faces):
    original = read_shard(faces)["annotated"].frames.astype(float)
    made = _made(faces, "keyframes_11", rounding="none", synthesis="average")["annotated"]
    times = keyframe_times(0, 9, 30)
    assert made["frame_indices"].tolist() == times
    assert (made["apex"], made["apex_index"], made["apex_method"]) == (FIRST + 9, 9, "annotated")
    np.testing.assert_allclose(made.frames[times.index(19)], (original[9] + original[30]) / 2)
    real = _made(faces, "keyframes_11", synthesis="nearest")["annotated"]
    np.testing.assert_array_equal(real.frames, original[times])


def test_a_clip_without_annotation_uses_the_named_second_choice(faces, caplog):
    with caplog.at_level("INFO"):
        made = _made(faces, "keyframes_11", synthesis="average")["bare"]
    assert (made["apex"], made["apex_index"], made["apex_method"]) == (FIRST + 10, 10, "middle")
    assert "clip bare: no annotated apex, spotted by middle" in caplog.text
    assert "clip annotated" not in caplog.text


def test_without_a_second_choice_it_is_an_error(faces):
    with pytest.raises(CdmerError, match="clip bare: its database annotates no apex") as caught:
        _made(faces, "strict", interpolation="select", moments=["apex"])
    assert "apex_otherwise" in caught.value.remedy
    assert not faces.with_name("frames.h5").exists()


def test_a_spotter_as_first_choice_overrules_the_annotation(faces):
    made = _made(faces, "spotted", interpolation="select", moments=["apex"], apex="rise_and_fall")["annotated"]
    assert made["apex_method"] == "rise_and_fall"
    assert abs(made["apex_index"] - 15) <= 1  # where the course really peaks; the annotation says 9
    assert made["apex"] == FIRST + made["apex_index"]


def test_spotters_get_landmarks_in_the_crops_pixels(faces, monkeypatch):
    seen = {}

    def spy(clip, method, landmarks):
        seen["eyes"] = landmarks[36:48]
        return spot_apex(clip, method)

    monkeypatch.setattr("cdmer.frames.events.spot_apex", spy)
    record = read_shard(faces)["bare"]
    find_apex(record, "rise_and_fall", "error")
    np.testing.assert_allclose(seen["eyes"][:6].mean(0), [200 / 4 + 5, 150 / 4 - 3], atol=1e-4)
    np.testing.assert_allclose(seen["eyes"][6:].mean(0), [280 / 4 + 5, 154 / 4 - 3], atol=1e-4)


def test_a_recipe_is_told_just_what_it_reads():
    plan = Plan(read_config({}))
    assert plan.frames_settings("tim_16")["parameters"] == {
        "interpolation": "tim", "length": 16, "rounding": "half_up",
    }  # fmt: skip
    assert plan.frames_settings("onset_central_offset")["parameters"] == {"moments": ["onset", "central", "offset"]}
    assert set(plan.frames_settings("onset_apex")["parameters"]) == {"moments", "apex", "apex_otherwise"}


def test_code_of_a_spotter_counts_where_it_is_used():
    plan = Plan(read_config({"frames": {"ours": {"interpolation": "select", "moments": ["apex"],
                                                 "apex": "rise_and_fall"}}}))  # fmt: skip
    assert "cdmer.frames.rise_and_fall" in plan._frames_modules("ours")
    assert plan._frames_modules("tim_16") == ["cdmer.frames.job", "cdmer.frames.resampling"]
    assert plan.frames_code("tim_16") != plan.frames_code("ours")


def test_every_spotter_can_be_named_in_a_recipe():
    for method in METHODS:
        read_config({"frames": {"mine": {"interpolation": "select", "moments": ["apex"], "apex": method}}})


def test_planning_loads_no_picture_library():
    code = "import sys, cdmer.planning.plan; print(sorted({'cv2', 'torch', 'dlib', 'skimage'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_key_frames_by_the_network_that_is_shipped(faces):
    """The same plan by another interpolator: its frames between onset and apex are its own, recorded ones are kept."""
    averaged = _made(faces, "keyframes_11", rounding="none", synthesis="average")["annotated"]
    made = _made(faces, "keyframes_11", rounding="none")["annotated"]
    assert made["frame_indices"].tolist() == averaged["frame_indices"].tolist()
    between = AdaptiveConvolution.shipped().between
    plan = plan_keyframes(0, 9, 30, 11)
    clip = read_shard(faces)["annotated"].frames
    real = {index: clip[index] for index in (0, 9, 30)}
    np.testing.assert_allclose(made.frames, synthesise(plan, real, between), atol=1e-4)
    assert np.abs(made.frames - averaged.frames).max() > 0.1
    network = "cdmer.frames.adaptive_convolution.interpolator"
    assert network in Plan(read_config({}))._frames_modules("keyframes_11")
    averaging = Plan(read_config({"frames": {"keyframes_11": {"synthesis": "average"}}}))
    assert network not in averaging._frames_modules("keyframes_11")


def test_key_frames_by_weights_that_a_recipe_names(faces, tmp_path):
    """Weights of the shipped network's shape with nothing learnt: the mean of frames that flow brought half-way."""
    torch = pytest.importorskip("torch")
    from cdmer.frames.adaptive_convolution.compensation import half_way
    from cdmer.frames.adaptive_convolution.interpolator import SHIPPED_TAPS, SHIPPED_WIDTH
    from cdmer.frames.adaptive_convolution.networks import SeparableNetwork
    from cdmer.frames.adaptive_convolution.weights import save_weights

    torch.manual_seed(0)
    state = SeparableNetwork(SHIPPED_WIDTH, SHIPPED_TAPS, normalized=True).state_dict()
    save_weights(tmp_path / "own.safetensors", {name: tensor.numpy() for name, tensor in state.items()}, {})
    settings = _settings("keyframes_11", rounding="none")
    settings["parameters"]["network"] = str(tmp_path / "own.safetensors")
    make_frames(faces, tmp_path / "frames.h5", **settings)
    made, clip = read_shard(tmp_path / "frames.h5")["annotated"].frames, read_shard(faces)["annotated"].frames
    plan = plan_keyframes(0, 9, 30, 11)
    real = {index: clip[index] for index in (0, 9, 30)}
    np.testing.assert_allclose(made, synthesise(plan, real, lambda a, b: sum(half_way(a, b)) / 2), atol=1e-2)
