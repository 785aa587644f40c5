"""The features job: from a subject's clips to its part of the store."""

import numpy as np
import pytest

from cdmer.descriptors.hog_3d import hog_3d
from cdmer.descriptors.job import compute_features
from cdmer.descriptors.lbp_top import lbp_top
from cdmer.errors import CdmerError
from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import write_shard

SETTINGS = {
    "module": "cdmer.descriptors.lbp_top",
    "parameters": {"radius": 1, "neighbors": 4, "grids": [1, 2]},
    "provenance": {"feature": "lbp_top_r1p4", "database": "casme2", "recipe": {"radius": 1}, "manifest_digest": "0"},
    "code": "0123",
}


@pytest.fixture
def clips():
    rng = np.random.default_rng(0)
    return {f"EP{n}": rng.integers(0, 256, (5, 12, 14), dtype=np.uint8) for n in range(3)}


def shard(path, clips):
    with write_shard(path, {}) as writer:
        for name, frames in clips.items():
            writer.add(name, frames, subject="07", emotion="disgust")
        writer.exclude("EP9", "07", "faces", "no face")
    return path


def test_each_clip_becomes_one_row(clips, tmp_path):
    compute_features(shard(tmp_path / "07.h5", clips), tmp_path / "out.h5", **SETTINGS)
    store = FeatureStore(tmp_path / "out.h5")
    rows = store.load()
    assert rows.clip.tolist() == list(clips)
    assert set(rows.subject) == {"07"}
    assert set(rows.emotion) == {"disgust"}
    np.testing.assert_array_equal(rows.X, [lbp_top(clip, 1, 4, (1, 2)) for clip in clips.values()])
    assert [tuple(excluded) for excluded in store.excluded] == [("EP9", "07", "faces", "no face")]
    assert store.provenance["code_digest"] == "0123"


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (np.zeros((2, 12, 14), np.uint8), "2 frames"),
        (np.zeros((5, 12, 14), np.float32), "uint8"),
        (np.zeros((5, 12, 14, 3), np.uint8), "frames, height, width"),
        (np.zeros((5, 12, 14), np.uint8), "frame 0 of 5 is all black"),
        (np.ones((5, 3, 14), np.uint8), "grid of 2 leaves blocks empty"),
    ],
)
def test_a_clip_that_cannot_be_described_is_named_and_leaves_no_store(clips, tmp_path, frames, words):
    source = shard(tmp_path / "07.h5", {**clips, "EP5": frames})
    with pytest.raises(CdmerError, match=rf"07\.h5: clip EP5: .*{words}") as caught:
        compute_features(source, tmp_path / "out.h5", **SETTINGS)
    assert caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["07.h5"]


def test_a_descriptor_may_read_the_whole_record(clips, tmp_path):
    """3DHOG reads landmarks; it gives the clip's samples with their axis."""
    rng = np.random.default_rng(1)
    frames = np.cumsum(rng.integers(0, 9, (4, 40, 40), dtype=np.uint8), axis=2, dtype=np.uint8)
    landmarks = rng.uniform(0, 39, (68, 2)).astype(np.float32)
    others = {"landmarks": landmarks, "transform": np.eye(2, 3, dtype=np.float32)}
    settings = {
        **SETTINGS,
        "module": "cdmer.descriptors.hog_3d",
        "reads": "record",
        "parameters": {"bins": [2, 3, 4]},
    }
    with write_shard(tmp_path / "07.h5", {}) as writer:
        writer.add("EP1", frames, subject="07", emotion="disgust", **others)
    compute_features(tmp_path / "07.h5", tmp_path / "out.h5", **settings)
    rows = FeatureStore(tmp_path / "out.h5").load()
    np.testing.assert_array_equal(rows.X, [hog_3d(frames, landmarks, (2, 3, 4))])
    np.testing.assert_array_equal(rows.sample, [0])


def test_a_flow_that_cannot_be_found_names_the_clip(clips, tmp_path):
    settings = {**SETTINGS, "module": "cdmer.descriptors.hoof", "reads": "record", "parameters": {"grids": [1]}}
    frames = np.ones((3, 40, 40), np.float32) * np.arange(40, dtype=np.float32)
    frames[1, 2, 3] = np.nan
    with pytest.raises(CdmerError, match=r"clip EP1: .*not finite"):
        compute_features(shard(tmp_path / "07.h5", {"EP1": frames}), tmp_path / "out.h5", **settings)
    assert not (tmp_path / "out.h5").exists()


def test_a_part_that_cannot_be_derived_is_named_by_its_clip(tmp_path):
    made = {
        "feature": "flow",
        "database": "casme2",
        "recipe": {"descriptor": {"planes": ["u", "v"]}},
        "code_digest": "",
    }
    flows = np.ones((1, 2, 28, 28), np.float32)
    FeatureStore.write(tmp_path / "07.h5", flows, ["EP1"], ["07"], provenance=made)
    settings = {
        **SETTINGS,
        "module": "cdmer.motion.flow_planes",
        "reads": "part",
        "parameters": {"planes": ["u", "strain"]},
    }
    with pytest.raises(CdmerError, match=r"07\.h5: clip EP1: .*not strain"):
        compute_features(tmp_path / "07.h5", tmp_path / "out.h5", **settings)
