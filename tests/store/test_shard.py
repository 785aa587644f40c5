import pickle

import h5py
import numpy as np
import pytest

from cdmer.errors import CdmerError
from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import read_shard, write_shard

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (5, 20, 30), np.uint8)
COLOUR = RNG.random((2, 8, 9, 3)).astype(np.float32)
LANDMARKS = RNG.random((5, 68, 2)).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "casme2" / "sub01.h5"
    with write_shard(path, {"recipe": {"detector": "mtcnn"}, "code_digest": "c0de", "subject": "sub01"}) as shard:
        shard.add("sub01/EP02_01f", GREY, landmarks=LANDMARKS, apex=3, score=np.float32(0.5), method="é", box=None)
        shard.exclude("sub01/EP03", "sub01", "faces", "no face in frame 3")
        shard.add("sub01/EP02_01f/crop", COLOUR)
        shard.add("a", GREY[:1], none=np.zeros((0, 5), np.float32), seen=np.array([True]), ok=True, single=np.array(7))
    return path


def test_ragged_clips_round_trip(path):
    shard = read_shard(path)
    assert shard.clips == ["sub01/EP02_01f", "sub01/EP02_01f/crop", "a"]
    assert len(shard) == 3
    assert "a" in shard
    assert "b" not in shard
    first = shard["sub01/EP02_01f"]
    assert first.name == "sub01/EP02_01f"
    assert first.frames.dtype == np.uint8
    np.testing.assert_array_equal(first.frames, GREY)
    np.testing.assert_array_equal(first["landmarks"], LANDMARKS)
    assert [first[key] for key in ("apex", "score", "method", "box")] == [3, 0.5, "é", None]
    np.testing.assert_array_equal(shard["sub01/EP02_01f/crop"].frames, COLOUR)
    last = shard["a"]
    assert last["none"].shape == (0, 5)
    assert last["seen"].tolist() == [True]
    assert last["ok"] is True
    assert last["single"] == 7
    assert [record.name for record in shard] == shard.clips
    assert shard.verify() == []


def test_names_make_no_groups(path):
    with h5py.File(path) as file:
        assert list(file["clips"]) == ["000000", "000001", "000002"]


def test_attributes_and_exclusions(path):
    shard = read_shard(path)
    assert shard.attrs["recipe"] == {"detector": "mtcnn"}
    assert shard.attrs["subject"] == "sub01"
    assert shard.attrs["cdmer_version"]
    assert shard.excluded == [("sub01/EP03", "sub01", "faces", "no face in frame 3")]


def test_a_record_says_what_it_has(path):
    record = read_shard(path)["sub01/EP02_01f"]
    assert "landmarks" in record
    assert "flow" not in record
    with pytest.raises(KeyError, match=r"has no 'flow'; it has landmarks, "):
        record["flow"]


def test_unknown_clip(path):
    with pytest.raises(CdmerError, match=r"sub01.h5: no clip EP99"):
        read_shard(path)["EP99"]


def test_a_shard_of_exclusions_only(tmp_path):
    with write_shard(tmp_path / "s.h5", {}) as shard:
        shard.exclude("a", None, "faces", "no face")
    read = read_shard(tmp_path / "s.h5")
    assert read
    assert read.clips == list(read) == []
    assert read.excluded == [("a", None, "faces", "no face")]
    assert read.verify() == []


def test_pickled(path):
    shard = pickle.loads(pickle.dumps(read_shard(path)))
    np.testing.assert_array_equal(shard["a"].frames, GREY[:1])


@pytest.mark.parametrize("compression", ["none", "lzf", "blosc2"])
def test_compressions(tmp_path, compression):
    with write_shard(tmp_path / "s.h5", {}, compression) as shard:
        shard.add("a", GREY, landmarks=LANDMARKS)
    np.testing.assert_array_equal(read_shard(tmp_path / "s.h5")["a"]["landmarks"], LANDMARKS)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"clip": "a", "frames": GREY}, CdmerError, "'a' is there twice"),
        ({"clip": "", "frames": GREY}, CdmerError, "has no name"),
        ({"clip": "b", "frames": GREY[0]}, ValueError, r"clip b: frames of uint8 \(20, 30\)"),
        ({"clip": "b", "frames": GREY.astype(np.float64)}, ValueError, "clip b: frames of float64"),
        ({"clip": "b", "frames": GREY, "words": np.array(["x"])}, ValueError, "clip b: words of type <U1"),
        ({"clip": "b", "frames": GREY, "fps": float("nan")}, ValueError, "JSON"),
    ],
)
def test_wrong_clips_leave_no_file(tmp_path, arguments, error, words):
    with pytest.raises(error, match=words), write_shard(tmp_path / "s.h5", {}) as shard:
        shard.add("a", GREY)
        shard.add(**arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_writer_leaves_what_was_there(path):
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="power"), write_shard(path, {}) as shard:
        shard.add("a", GREY)
        raise RuntimeError("power failed")
    assert path.read_bytes() == before
    assert len(list(path.parent.iterdir())) == 1


def test_cut_short_anywhere(path):
    whole, shard = path.read_bytes(), read_shard(path)
    for length in [0, 1, 48, 512, *range(600, len(whole), 977), len(whole) - 1]:
        path.write_bytes(whole[:length])
        for call in (lambda: read_shard(path), lambda: shard["a"]):
            with pytest.raises(CdmerError, match=r"sub01.h5: not a whole HDF5 file"):
                call()
        assert len(shard.verify()) == 1
    path.unlink()
    with pytest.raises(CdmerError, match=r"sub01.h5: no such clip shard"):
        read_shard(path)


def test_damaged_frames_are_refused(path):
    whole, shard = bytearray(path.read_bytes()), read_shard(path)
    with h5py.File(path) as file:
        chunk = file["clips/000000/frames"].id.get_chunk_info(0)
    whole[chunk.byte_offset + chunk.size // 2] ^= 16
    path.write_bytes(whole)
    with pytest.raises(CdmerError, match="damaged clip shard"):
        shard["sub01/EP02_01f"]
    np.testing.assert_array_equal(shard["a"].frames, GREY[:1])
    assert [line.split(": ")[1] for line in shard.verify()] == ["clips/000000/frames"]


def test_a_clip_lost(path):
    shard = read_shard(path)
    with h5py.File(path, "r+") as file:
        del file["clips/000002"]
    assert shard.verify() == [f"{path}: 2 clips stored, 3 named"]


def test_a_feature_store_is_no_shard(tmp_path, provenance, path):
    FeatureStore.write(tmp_path / "f.h5", np.ones((1, 2)), ["a"], provenance=provenance)
    with pytest.raises(CdmerError, match="not a clip shard"):
        read_shard(tmp_path / "f.h5")
    with pytest.raises(CdmerError, match="not a feature store"):
        FeatureStore(path).load()


def test_frames_that_were_never_written_are_not_black(path):
    with h5py.File(path, "r+") as file:
        del file["clips/000000/frames"]
        file["clips/000000"].create_dataset("frames", GREY.shape, np.uint8, chunks=(1, *GREY.shape[1:]))
    with pytest.raises(CdmerError, match=r"frames .* holds 0 of its \d+ chunks"):
        read_shard(path)["sub01/EP02_01f"]
