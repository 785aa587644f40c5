"""The inputs of the networks: each against flow, strain and colours put together by hand."""

import cv2
import numpy as np
import pytest

from cdmer.config import read_config
from cdmer.descriptors.job import compute_features
from cdmer.errors import CdmerError
from cdmer.motion import encode_hsv, optical_flow, optical_strain, stabilise
from cdmer.motion.dscnn_input import dscnn_input_of_record
from cdmer.motion.keyframe_flows import keyframe_flows_of_record
from cdmer.motion.madtn_image import madtn_image_of_record
from cdmer.motion.methods import DEFAULTS
from cdmer.motion.onset_apex_flow import onset_apex_flow_of_record
from cdmer.planning.plan import Plan
from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import ClipRecord, read_shard, write_shard

from .conftest import Texture

LANDMARKS = np.zeros((68, 2), np.float32)
LANDMARKS[27:31], LANDMARKS[[36, 45]] = (24, 20), ((10, 20), (38, 20))


def clip(frames, side=48, step=0.4):
    """Frames that move further and further, in 8 bits."""
    places = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).astype(float)
    shifts = [np.array([step, -step / 2]) * number for number in range(frames)]
    return np.rint([Texture()(places - shift) for shift in shifts]).astype(np.uint8)


def record(frames, **others):
    known = {"landmarks": LANDMARKS, "transform": np.eye(2, 3), "subject": "07", "emotion": "disgust", **others}
    return ClipRecord("EP01", frames, known)


def test_onset_apex_flow_in_small_pixels():
    frames = clip(2, 56)
    flow = optical_flow(*frames, "farneback")
    sample = onset_apex_flow_of_record(record(frames), planes=["strain", "u", "v"], method="farneback")
    assert (sample.dtype, sample.shape) == (np.float32, (1, 3, 28, 28))
    # halved: every small pixel lies between four large ones
    small = flow.reshape(28, 2, 28, 2, 2).mean((1, 3)) / 2
    np.testing.assert_allclose(sample[0, 1:], small.transpose(2, 0, 1), atol=1e-5)
    strain = optical_strain(flow).reshape(28, 2, 28, 2).mean((1, 3))
    np.testing.assert_allclose(sample[0, 0], strain, atol=1e-5)


def test_stabilised_flow_does_not_see_the_head():
    frames = clip(2, 48, step=1.0)
    plain, steady = (
        onset_apex_flow_of_record(record(frames), size=48, method="coarse_to_fine", stabilise=switch)
        for switch in (False, True)
    )
    assert np.hypot(*plain[0, :, 10:38, 10:38]).mean() > 1
    assert np.hypot(*steady[0, :, 10:38, 10:38]).mean() < 0.05
    expected = stabilise(plain[0].transpose(1, 2, 0), LANDMARKS)
    np.testing.assert_allclose(steady[0].transpose(1, 2, 0), expected, atol=1e-5)


def test_dscnn_reads_the_apex_and_two_flows():
    frames = clip(3)
    sample = dscnn_input_of_record(record(frames))
    assert (sample.dtype, sample.shape) == (np.float32, (1, 5, 48, 48))
    np.testing.assert_allclose(sample[0, 0], frames[1] / 255, atol=1e-6)
    for place, pair in ((1, frames[:2]), (3, frames[1:])):
        expected = optical_flow(*pair, "coarse_to_fine").transpose(2, 0, 1)
        np.testing.assert_array_equal(sample[0, place : place + 2], expected)


@pytest.mark.parametrize("planes", ["rise", "both_with_lengths"])
def test_dscnn_reads_the_other_readings_of_its_flow(planes):
    frames = clip(3)
    both = dscnn_input_of_record(record(frames), method="farneback")[0]
    lengths = [np.hypot(both[place], both[place + 1]) for place in (1, 3)]
    expected = {
        "rise": both[:3],
        "both_with_lengths": np.stack([*both[:3], lengths[0], *both[3:], lengths[1]]),
    }[planes]
    found = dscnn_input_of_record(record(frames), method="farneback", planes=planes)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], expected, atol=1e-6)


def test_madtn_puts_two_flows_and_a_face_into_a_picture():
    frames = clip(5)
    indices = np.array([0, 4, 5, 6, 10])  # of 11 frames; the middle one is number 5
    samples = madtn_image_of_record(record(frames, frame_indices=indices))
    assert (samples.dtype, samples.shape) == (np.uint8, (3, 3, 48, 48))
    for sample, place in zip(samples, (2, 1, 3), strict=True):  # the exact middle first
        np.testing.assert_array_equal(sample[1], frames[place])
        for channel, pair in ((0, (frames[0], frames[place])), (2, (frames[place], frames[4]))):
            picture = encode_hsv(optical_flow(*pair, "farneback"), "figure")
            grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(int)
            assert np.abs(sample[channel] - grey).max() <= 1
    text = madtn_image_of_record(record(frames, frame_indices=indices), code="text", limit=4.0)
    assert text[:, 0].mean() > samples[:, 0].mean()


def test_mersiamc3d_reads_the_flow_from_key_frame_to_key_frame():
    frames = clip(4)[[0, 1, 2, 3, 3]]
    sample = keyframe_flows_of_record(record(frames), magnitude=True)
    assert (sample.dtype, sample.shape) == (np.float32, (1, 3, 4, 48, 48))
    for step in range(3):
        expected = optical_flow(frames[step], frames[step + 1], "farneback")
        np.testing.assert_array_equal(sample[0, :2, step], expected.transpose(2, 0, 1))
    np.testing.assert_allclose(sample[0, 2], np.hypot(*sample[0, :2]), atol=1e-6)
    assert not sample[0, :, 3].any()  # a copy of the offset


@pytest.mark.parametrize(
    ("describe", "frames", "words"),
    [
        (onset_apex_flow_of_record, clip(3), "onset and apex"),
        (dscnn_input_of_record, clip(2), "onset, apex and offset"),
        (madtn_image_of_record, clip(3), "central frames"),
        (keyframe_flows_of_record, clip(1), "one frame"),
        (onset_apex_flow_of_record, np.zeros((2, 48, 48), np.uint8), "all black"),
        (keyframe_flows_of_record, np.zeros((3, 48, 48), np.uint8), "all black"),
    ],
)
def test_clips_that_have_no_such_flow(describe, frames, words):
    with pytest.raises(CdmerError, match=words):
        describe(record(frames))


def test_a_plane_that_there_is_not():
    with pytest.raises(CdmerError, match="magnitude"):
        onset_apex_flow_of_record(record(clip(2)), planes=["u", "magnitude"])


def test_the_job_writes_the_samples_and_names_a_clip_that_is_black(tmp_path):
    recipe = read_config({"databases": {"casme2": {"root": "/data"}}}).features["madtn_112"]
    settings = {
        "module": recipe.module,
        "reads": recipe.reads,
        "parameters": recipe.parameters(),
        "provenance": {"feature": "madtn_112", "database": "casme2", "recipe": {}},
        "code": "0",
    }

    def shard(frames):
        path = tmp_path / "frames.h5"
        with write_shard(path, {}) as writer:
            writer.add("EP03", frames, frame_indices=np.array([0, 4, 5, 6, 10]), subject="07", emotion="disgust")
        return path

    compute_features(shard(clip(5)), tmp_path / "out.h5", **settings)
    rows = FeatureStore(tmp_path / "out.h5").load()
    assert (rows.clip.tolist(), rows.sample.tolist()) == (["EP03"] * 3, [0, 1, 2])
    expected = madtn_image_of_record(read_shard(tmp_path / "frames.h5")["EP03"])
    # a network reads 0 to 1, and not 8-bit steps
    np.testing.assert_allclose(rows.X, expected / 255, atol=1e-7)
    assert 0.5 < rows.X.max() <= 1
    black = clip(5)
    black[0] = 0
    with pytest.raises(CdmerError, match="clip EP03: the first frame is all black"):
        compute_features(shard(black), tmp_path / "black.h5", **settings)
    assert not (tmp_path / "black.h5").exists()


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"descriptor": "onset_apex_flow", "frames": "tim_16"}, r"moments: \[onset, apex\]"),
        ({"descriptor": "dscnn_input", "frames": "onset_apex"}, r"moments: \[onset, apex, offset\]"),
        ({"descriptor": "madtn_image", "frames": "onset_apex_offset"}, "central"),
        ({"descriptor": "keyframe_flows", "frames": "tim_16"}, "interpolation: keyframes"),
        ({"descriptor": "onset_apex_flow", "flow_parameters": {"lambda": 0.1}}, "no parameter 'lambda'"),
        ({"descriptor": "onset_apex_flow", "flow_parameters": {"scales": "five"}}, "scales is 'five', which is no int"),
        ({"descriptor": "onset_apex_flow", "planes": ["u", "u"]}, "twice"),
        ({"descriptor": "onset_apex_flow", "method": "tvl2"}, "method"),
    ],
)
def test_recipes_that_contradict_themselves(recipe, words):
    with pytest.raises(CdmerError, match=words):
        read_config({"features": {"mine": recipe}})


def test_the_store_says_every_parameter_of_the_method():
    plan = Plan(read_config({"cohort": {"size": "tiny"}}))
    origin = plan.feature_settings("dscnn_48", "casme2", plan.subjects("casme2")[0])["provenance"]
    assert origin["recipe"]["descriptor"]["flow_parameters"] == dict(DEFAULTS["coarse_to_fine"])
    assert {"cv2", "numba", "numpy"} <= set(origin["libraries"])


def test_a_recipe_tells_every_parameter_of_its_method_and_which_code_it_runs():
    features = read_config(
        {"features": {"mine": {"descriptor": "onset_apex_flow", "flow_parameters": {"lam": 0.05}}}}
    ).features
    parameters = features["mine"].parameters()
    assert parameters["flow_parameters"]["lam"] == 0.05
    assert parameters["flow_parameters"]["tau"] == 0.25
    assert features["mine"].modules == ("cdmer.motion.onset_apex_flow", "cdmer.motion.tvl1")
    assert features["dscnn_48"].modules == ("cdmer.motion.dscnn_input", "cdmer.motion.coarse_to_fine")


def test_planes_of_a_stored_feature_are_not_computed_again(tmp_path):
    config = read_config({"features": {"mine": {"descriptor": "flow_planes", "planes": ["strain", "u"]}}})
    with write_shard(tmp_path / "frames.h5", {}) as writer:
        writer.add("EP03", clip(2), subject="07", emotion="disgust")
        writer.exclude("EP09", "07", "faces", "no face")

    def compute(feature, source):
        recipe = config.features[feature].model_copy(update={"method": "farneback"} if feature != "mine" else {})
        provenance = {"feature": feature, "database": "casme2", "recipe": {"descriptor": recipe.model_dump()}}
        settings = {"module": recipe.module, "reads": recipe.reads, "parameters": recipe.parameters()}
        if feature != "mine":
            settings["parameters"]["flow_parameters"] = {}
        compute_features(source, tmp_path / f"{feature}.h5", **settings, provenance=provenance, code="0")
        return FeatureStore(tmp_path / f"{feature}.h5")

    whole = compute("flow_strain_28", tmp_path / "frames.h5")
    some = compute("mine", whole.path)
    np.testing.assert_array_equal(some.load().X, whole.load().X[:, [2, 0]])
    assert (some.load().clip.tolist(), some.load().emotion.tolist()) == (["EP03"], ["disgust"])
    assert [tuple(excluded) for excluded in some.excluded] == [("EP09", "07", "faces", "no face")]
    assert some.provenance["made_of"]["feature"] == "flow_strain_28"


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"feature": "flow_stain_28"}, "flow_stain_28.*did you mean 'flow_strain_28'"),
        ({"feature": "dscnn_48"}, "no feature of onset_apex_flow"),
        ({"frames": "onset_apex_offset"}, "reads the frames recipe onset_apex"),
        ({"feature": "uv", "planes": ["strain"]}, "uv has no plane strain"),
    ],
)
def test_planes_that_another_feature_does_not_have(recipe, words):
    features = {"uv": {"descriptor": "onset_apex_flow"}, "mine": {"descriptor": "flow_planes", **recipe}}
    with pytest.raises(CdmerError, match=words):
        read_config({"features": features})


def test_one_flow_serves_fr_and_ststnet(tmp_path):
    plan = Plan(read_config({"cohort": {"size": "tiny"}}))
    subject = plan.subjects("casme2")[0]
    place = "casme2", subject
    assert plan.frames_of_feature("flow_tvl1_28", *place) == f"results/features/flow_strain_28/casme2/{subject}.h5"
    assert plan.frames_of_feature("flow_strain_28", *place) == f"results/frames/onset_apex/casme2/{subject}.h5"
    other = Plan(read_config({"cohort": {"size": "tiny"}, "features": {"flow_strain_28": {"method": "dis"}}}))
    # what changes the flow changes what is made of it
    assert plan.frames_made_of("flow_tvl1_28", *place) != other.frames_made_of("flow_tvl1_28", *place)
    assert plan.frames_made_of("flow_strain_28", *place) == other.frames_made_of("flow_strain_28", *place)
    assert plan.parts_made_of("flow_tvl1_28", "casme2") != other.parts_made_of("flow_tvl1_28", "casme2")


def test_flow_images_stand_for_the_planes_of_a_feature(tmp_path):
    (tmp_path / "flow.npz").touch()
    entry = {"database": "smic_hs", "feature": "flow_tvl1_28", "file": "flow.npz"}
    plan = Plan(read_config({"imported_from": str(tmp_path), "imported_features": [entry]}))
    settings = plan.import_settings("flow_tvl1_28", "smic_hs")
    assert settings == {"feature": "flow_tvl1_28", "database": "smic_hs", "planes": ["u", "v"]}


@pytest.mark.parametrize(("feature", "file"), [("flow_strain_28", "x.mat"), ("lbp_top_r3p8", "x.npz")])
def test_a_release_of_the_wrong_kind(feature, file):
    with pytest.raises(CdmerError, match=f"{feature} is released as .*; {file} is something else"):
        read_config({"imported_features": [{"database": "casme2", "feature": feature, "file": file}]})
