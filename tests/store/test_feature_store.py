import fcntl
import hashlib
import json
import multiprocessing
import pickle
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from cdmer import __version__
from cdmer.errors import CdmerError
from cdmer.store import FeatureStore as PublicFeatureStore
from cdmer.store.container import reading, writing
from cdmer.store.exporting import export, import_table
from cdmer.store.feature_store import KIND, FeatureStore, merge

X = np.array([[0.5, 0.25], [1, 2], [3, 4], [-1, 1e-3]], np.float32)
CLIP = ["sub01/EP02_01f", "sub01/EP02_01f", "b", "ü c"]
SUBJECT = ["sub01", "sub01", None, "26"]
EMOTION = ["happiness", "happiness", "others", None]
EXCLUDED = [("d", "sub02", "faces", "no face in frame 12"), ("e", None, "frames", "3 frames, 16 needed")]


@pytest.fixture
def store(tmp_path, provenance):
    return FeatureStore.write(
        tmp_path / "f" / "casme2.h5", X, CLIP, SUBJECT, EMOTION, provenance=provenance, excluded=EXCLUDED
    )


def calls(store):
    """Every way into a store."""
    return [
        store.load,
        lambda: store.rows([0]),
        lambda: store.provenance,
        lambda: store.excluded,
        lambda: store.shape,
        lambda: store.dtype,
        lambda: store.scale,
        lambda: len(store),
        lambda: merge([store.path], store.path.with_suffix(".merged.h5")),
    ]


def assert_all_refuse(store, words):
    for call in calls(store):
        with pytest.raises(CdmerError, match=words) as caught:
            call()
        assert str(store.path) in caught.value.problem
        assert caught.value.remedy
    assert len(store.verify()) == 1


def test_round_trip(store):
    features = store.load()
    assert features.X.dtype == np.float32
    np.testing.assert_array_equal(features.X, X)
    assert features.clip.tolist() == CLIP
    assert features.subject.tolist() == SUBJECT
    assert features.emotion.tolist() == EMOTION
    assert features.label.tolist() == [None] * 4
    assert features.sample.tolist() == [0, 1, 0, 0]
    assert len(features) == len(store) == 4
    assert (store.shape, store.dtype, store.scale) == ((4, 2), np.float32, None)
    assert store.excluded == EXCLUDED
    assert store.verify() == []
    assert PublicFeatureStore is FeatureStore


def test_a_row_is_called_by_its_label_where_it_has_one_and_else_by_its_emotion(tmp_path, provenance):
    names = {"emotion": ["fear", "sadness", None], "label": ["negative", None, None]}
    store = FeatureStore.write(tmp_path / "s.h5", np.zeros((3, 2)), list("abc"), **names, provenance=provenance)
    assert store.load().words == ["negative", "sadness", None]
    assert store.load(["clip", "emotion"]).words == ["fear", "sadness", None]


def test_provenance_tells_what_when_and_with_which_version(store, provenance):
    found = store.provenance
    assert {key: found[key] for key in provenance} == provenance
    assert found["cdmer_version"] == __version__
    assert found["format_version"] == "1.0"
    made = datetime.fromisoformat(found["created"])
    assert made.tzinfo == UTC
    assert abs((datetime.now(UTC) - made).total_seconds()) < 60


def test_layout_is_what_the_specification_says(store):
    with h5py.File(store.path) as file:
        assert set(file) == {"X", "clip", "subject", "emotion", "label", "sample", "excluded"}
        assert file.attrs["format"] == b"cdmer-features"
        assert json.loads(file.attrs["recipe"]) == {"radius": 3, "grids": [1, 2, 4, 8], "note": "é"}
        assert file["clip"][:].tolist() == [name.encode() for name in CLIP]
        assert file["subject"][2] == b""
        assert file["sample"].dtype == np.dtype("<i8")
        assert file["X"].fletcher32
        assert file["X"].attrs["sha256"].decode() == hashlib.sha256(X.tobytes()).hexdigest()
        assert file["excluded"].shape == (2, 4)


def test_one_clip_a_chunk(tmp_path, provenance):
    rows = np.zeros((6, 3000), np.float32)  # 12 kB a row
    one = FeatureStore.write(tmp_path / "one.h5", rows, list("abcdef"), provenance=provenance)
    three = FeatureStore.write(tmp_path / "three.h5", rows, list("aaabbb"), provenance=provenance)
    small = FeatureStore.write(tmp_path / "small.h5", rows[:, :10], list("abcdef"), provenance=provenance)
    large = FeatureStore.write(tmp_path / "large.h5", np.zeros((4, 150_000)), list("aaab"), provenance=provenance)
    chunks = []
    for store in (one, three, small, large):
        with h5py.File(store.path) as file:
            chunks.append(file["X"].chunks)
        assert store.verify() == []
    assert chunks == [(1, 3000), (3, 3000), (256, 10), (1, 150_000)]  # 256 x 40 bytes = 10 KiB; 600 kB a row


def test_columns_are_read_on_demand(store):
    features = store.load(["clip", "sample"])
    assert features.X.shape == (4, 0)
    assert features.clip.tolist() == CLIP
    assert features.emotion.tolist() == [None] * 4
    assert features.sample.tolist() == [0, 1, 0, 0]
    with pytest.raises(ValueError, match="no column 'emotions'"):
        store.load(["emotions"])


@pytest.mark.parametrize(
    "selection", [slice(1, 3), slice(None, None, -1), [3, 0, 0], [-1], np.array([True, False, True, False]), [], 2]
)
def test_rows_come_in_the_order_asked_for(store, selection):
    expected = np.atleast_1d(np.arange(4)[selection])
    features = store.rows(selection)
    np.testing.assert_array_equal(features.X, X[expected])
    assert features.clip.tolist() == [CLIP[i] for i in expected]
    assert features.sample.tolist() == [[0, 1, 0, 0][i] for i in expected]


def test_rows_that_are_not_there(store):
    with pytest.raises(IndexError):
        store.rows([4])


def test_missing_texts_of_pandas(tmp_path, provenance):
    frame = pd.DataFrame({"clip": list("abc"), "emotion": ["fear", None, ""]}).astype("string")
    store = FeatureStore.write(
        tmp_path / "s.h5", X[:3], frame["clip"], [float("nan"), "1", "2"], frame["emotion"], provenance=provenance
    )
    assert store.load().emotion.tolist() == ["fear", None, None]
    assert store.load().subject.tolist() == [None, "1", "2"]


def test_uint8_rows_are_decoded_by_their_scale(tmp_path, provenance):
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    store = FeatureStore.write(tmp_path / "u.h5", images, ["a", "b"], provenance=provenance, scale=0.5)
    assert (store.dtype, store.scale, store.shape) == (np.uint8, 0.5, (2, 3, 4))
    np.testing.assert_array_equal(store.load().X, images / np.float32(2))
    assert store.load().X.dtype == np.float32
    np.testing.assert_array_equal(store.load(decode=False).X, images)


@pytest.mark.parametrize("compression", ["none", "gzip", "lzf", "blosc2"])
def test_compressions(tmp_path, provenance, compression):
    rows = np.random.default_rng(0).random((5, 7, 11, 3)).astype(np.float32)
    store = FeatureStore.write(tmp_path / "c.h5", rows, list("abcde"), provenance=provenance, compression=compression)
    np.testing.assert_array_equal(store.rows([4, 2]).X, rows[[4, 2]])
    assert store.verify() == []


def test_histograms_shrink_better_than_shuffled_ones(tmp_path, provenance):
    counts = np.random.default_rng(0).poisson(2, (4, 15045)).astype(np.float32) / 1690
    sizes = {}
    for rows, name in ((counts, "histograms"), (np.random.default_rng(0).random((4, 15045)), "flow")):
        store = FeatureStore.write(tmp_path / f"{name}.h5", rows, list("abcd"), provenance=provenance)
        with h5py.File(store.path) as file:
            sizes[name] = file["X"].shuffle
    assert sizes == {"histograms": False, "flow": True}


def test_unknown_compression(tmp_path, provenance):
    with pytest.raises(ValueError, match="gzip, none, lzf, blosc2"):
        FeatureStore.write(tmp_path / "c.h5", X, CLIP, provenance=provenance, compression="zip")


def test_incremental_writing_equals_writing_at_once(tmp_path, provenance, store):
    path = tmp_path / "incremental.h5"
    with FeatureStore.writer(path, provenance=provenance) as writer:
        writer.add("sub01/EP02_01f", X[:2], "sub01", "happiness")
        writer.exclude(*EXCLUDED[0])
        writer.add("b", X[2:3], None, "others")
        writer.add("ü c", X[3:].astype(np.float64), "26")
        writer.exclude(*EXCLUDED[1])
        assert not path.exists()
    one, other = FeatureStore(path).load(), store.load()
    for name in ("X", "clip", "subject", "emotion", "label", "sample"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert FeatureStore(path).excluded == EXCLUDED


def test_samples_count_on_and_may_be_numbered(tmp_path, provenance):
    store = FeatureStore.write(tmp_path / "s.h5", X, list("abab"), provenance=provenance)
    assert store.load().sample.tolist() == [0, 0, 1, 1]
    numbered = FeatureStore.write(
        tmp_path / "n.h5", X, list("aaab"), sample=[4, 7, 1, 0], label=["1", "1", "1", "2"], provenance=provenance
    )
    assert numbered.load().sample.tolist() == [4, 7, 1, 0]
    with pytest.raises(CdmerError, match="clip a, sample 4 is there twice"):
        FeatureStore.write(tmp_path / "t.h5", X, list("abca"), sample=[4, 0, 0, 4], provenance=provenance)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"clip": CLIP[:3]}, ValueError, "clip has 3 values for 4 rows"),
        ({"emotion": ["a"]}, ValueError, "emotion has 1 values for 4 rows"),
        ({"sample": [0]}, ValueError, "sample has 1 values for 4 rows"),
        ({"clip": ["a", "b", "", "d"]}, CdmerError, "without a name"),
        ({"X": X.astype(np.int64)}, ValueError, "int64"),
        ({"X": np.where(X > 3, np.nan, X)}, CdmerError, "clip b: a feature is not finite"),
        ({"X": np.zeros((4, 0))}, ValueError, "holds nothing"),
        ({"scale": 2.0}, ValueError, "uint8 rows only"),
        ({"emotion": [1, 2, 3, 4]}, ValueError, "emotion holds 1"),
        ({"provenance": {"feature": "f"}}, ValueError, "lacks database, recipe, code_digest"),
        (
            {"provenance": {"feature": "", "database": "d", "recipe": {}, "code_digest": ""}},
            ValueError,
            "lacks feature",
        ),
        ({"X": X.astype(np.uint8), "scale": 0.0}, ValueError, "scale of 0.0"),
        ({"X": X.astype(np.uint8), "scale": float("nan")}, ValueError, "scale of nan"),
        ({"sample": [0.5] * 4}, ValueError, "sample holds 0.5"),
        ({"sample": [0, -1, 0, 0]}, ValueError, "sample holds -1"),
        ({"X": np.full(X.shape, 1e300)}, CdmerError, "not finite"),
        ({"excluded": [("a", "1", "", "")]}, ValueError, "names the clip, the stage and the reason"),
    ],
)
def test_wrong_arguments_leave_no_file(tmp_path, provenance, change, error, words):
    arguments = {"X": X, "clip": CLIP, "provenance": provenance, **change}
    with pytest.raises(error, match=words):
        FeatureStore.write(tmp_path / "new" / "s.h5", **arguments)
    assert list((tmp_path / "new").glob("*") if (tmp_path / "new").exists() else []) == []


def test_rows_of_another_shape(tmp_path, provenance):
    with (
        pytest.raises(ValueError, match="clip b"),
        FeatureStore.writer(tmp_path / "s.h5", provenance=provenance) as writer,
    ):
        writer.add("a", X)
        writer.add("b", X[:, :1])


def test_a_broken_writer_leaves_what_was_there(store, provenance):
    before = store.path.read_bytes()
    with (
        pytest.raises(KeyboardInterrupt),
        FeatureStore.writer(store.path, provenance=provenance) as writer,
    ):
        writer.add("a", X)
        raise KeyboardInterrupt
    assert store.path.read_bytes() == before
    assert [path.name for path in store.path.parent.iterdir()] == ["casme2.h5"]


def test_what_does_not_read_back_is_not_kept(tmp_path):
    def write():
        with writing(tmp_path / "s.h5", KIND) as file:
            file.create_dataset("X", data=[1.0]).attrs["sha256"] = "0" * 64

    with pytest.raises(CdmerError, match="X: content differs"):
        write()
    assert list(tmp_path.iterdir()) == []


def _clips(store):
    return store.load(["clip"]).clip.tolist()


def test_pickled_and_forked(store):
    assert _clips(pickle.loads(pickle.dumps(store))) == CLIP
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(_clips, [store] * 4) == [CLIP] * 4


def test_readers_need_no_lock(store):
    with store.path.open("rb") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)  # a reader that wanted HDF5's lock would be refused
        with pytest.raises(BlockingIOError):
            h5py.File(store.path, "r", locking=True)
        assert _clips(store) == CLIP


def test_importing_is_fast_and_light():
    code = "import sys, cdmer.store.feature_store; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pandas", "torch", "cv2", "scipy", "pyarrow", "hdf5plugin", "tqdm"} & set(loaded)


def test_missing_store(tmp_path):
    assert_all_refuse(FeatureStore(tmp_path / "none.h5"), "no such feature store")


def test_cut_short_anywhere(store, tmp_path):
    whole = store.path.read_bytes()
    cut = FeatureStore(tmp_path / "cut.h5")
    for length in [0, 1, 8, 48, 100, 511, 512, len(whole) // 2, len(whole) - 1, *range(600, len(whole), 397)]:
        cut.path.write_bytes(whole[:length])
        assert_all_refuse(cut, "not a whole HDF5 file")
        assert not cut.path.with_suffix(".merged.h5").exists()


@pytest.mark.parametrize("content", [b"", b"not HDF5 " * 100])
def test_not_hdf5(tmp_path, content):
    (tmp_path / "s.h5").write_bytes(content)
    assert_all_refuse(FeatureStore(tmp_path / "s.h5"), "not a whole HDF5 file")


def test_foreign_hdf5(tmp_path):
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["X"] = [1.0]
    assert_all_refuse(FeatureStore(tmp_path / "s.h5"), "not a feature store .it names no format.")
    with h5py.File(tmp_path / "s.h5", "r+") as file:
        file.attrs["format"] = "cdmer-clips"
    assert_all_refuse(FeatureStore(tmp_path / "s.h5"), "not a feature store .its format is 'cdmer-clips'.")


@pytest.mark.parametrize("version", ["2.0", "0.9", "one"])
def test_other_major_versions_are_refused(store, version):
    with h5py.File(store.path, "r+") as file:
        file.attrs["format_version"] = version
    assert_all_refuse(store, f"format version {version}; this cdmer reads 1.x")


def test_newer_minor_versions_are_read(store):
    with h5py.File(store.path, "r+") as file:
        file.attrs["format_version"] = "1.7"
        file.attrs["weather"] = "fine"
        file.create_dataset("age", data=[20, 20, 30, 40]).attrs["sha256"] = hashlib.sha256(
            np.array([20, 20, 30, 40]).tobytes()
        ).hexdigest()
    np.testing.assert_array_equal(store.load().X, X)
    assert store.verify() == []


def test_a_column_that_is_missing_or_too_short(store):
    with h5py.File(store.path, "r+") as file:
        del file["emotion"]
        file["emotion"] = np.array([b"a"])
    with pytest.raises(CdmerError, match="emotion has 1 values for 4 rows"):
        store.load()
    assert any("columns differ in length" in line for line in store.verify())
    with h5py.File(store.path, "r+") as file:
        del file["emotion"]
    with pytest.raises(CdmerError, match="emotion"):
        store.load()
    assert store.verify()


def test_flipped_bits_are_never_read_wrongly(tmp_path, provenance):
    rows = np.random.default_rng(1).random((3, 700)).astype(np.float32)
    intact = FeatureStore.write(tmp_path / "s.h5", rows, list("abc"), provenance=provenance, compression="none")
    whole = bytearray(intact.path.read_bytes())
    flipped = FeatureStore(tmp_path / "flipped.h5")
    where = random.Random(0)
    found = 0
    for position in where.sample(range(len(whole)), 300):
        whole[position] ^= 1 << where.randrange(8)
        flipped.path.write_bytes(whole)
        whole[:] = intact.path.read_bytes()
        problems = flipped.verify()
        found += bool(problems)
        try:
            features, provenance_read = flipped.load(), flipped.provenance
        except CdmerError:
            assert problems
            continue
        np.testing.assert_array_equal(features.X, rows)
        assert features.clip.tolist() == list("abc")
        assert provenance_read == intact.provenance
    assert found > 200  # the rest hit unused bytes


@pytest.mark.parametrize(("shape", "chunk"), [((4, 10**12), (1, 1000)), ((10**13, 2), (1000, 2)), ((4, 2), (1, 2))])
def test_chunks_that_are_not_there_are_not_read_as_zeros(store, shape, chunk):
    """Nor is memory asked for what a damaged or forged header promises."""
    with h5py.File(store.path, "r+") as file:
        sha256 = file["X"].attrs["sha256"]
        del file["X"]
        file.create_dataset("X", shape, "f4", chunks=chunk, fletcher32=True).attrs["sha256"] = sha256
    for read in (store.load, lambda: store.rows([0], ["X"])):
        with pytest.raises(CdmerError, match="holds 0 of its"):
            read()
    assert any("holds 0 of its" in line for line in store.verify())


def test_a_column_without_its_chunks(store):
    with h5py.File(store.path, "r+") as file:
        del file["subject"]
        file.create_dataset("subject", (4,), h5py.string_dtype("utf-8", 3), chunks=(4,))
    with pytest.raises(CdmerError, match=r"subject .* holds 0 of its 1 chunks"):
        store.load()


def test_places_that_cannot_be_written(store, provenance, tmp_path):
    (tmp_path / "folder.h5").mkdir()
    for path in (tmp_path / "folder.h5", store.path / "s.h5", "/proc/none/s.h5"):
        with pytest.raises(CdmerError, match=r"h5: cannot be written \(.+\)") as caught:
            FeatureStore.write(path, X, CLIP, provenance=provenance)
        assert caught.value.remedy


def test_verify_finds_what_hdf5_cannot(store):
    with h5py.File(store.path, "r+") as file:  # rewritten by another tool, so that HDF5's own checksums agree
        file["X"][1, 1] = 2.5
        file["emotion"][0] = b"sadness"
    problems = store.verify()
    assert [line.split(": ")[1] for line in problems] == ["X", "emotion"]
    assert all(line.startswith(str(store.path)) for line in problems)


def write_part(path, clips, provenance, **change):
    offset = {"a": 0, "b": 1, "c": 2, "d": 3}
    rows = X[[offset[clip] for clip in clips]].reshape(len(clips), 2)
    excluded = [(f"not {path.stem}", path.stem, "faces", "no face")]
    arguments = {"subject": [path.stem] * len(clips), "excluded": excluded, **change}
    return FeatureStore.write(path, rows, clips, provenance=provenance, **arguments).path


def test_merge_keeps_the_order_given(tmp_path, provenance):
    shards = [
        write_part(tmp_path / "s2.h5", ["d", "b"], provenance),
        write_part(tmp_path / "s0.h5", [], provenance),
        write_part(tmp_path / "s1.h5", ["a"], provenance),
    ]
    merged = merge(shards, tmp_path / "out" / "m.h5")
    features = merged.load()
    np.testing.assert_array_equal(features.X, X[[3, 1, 0]])
    assert features.clip.tolist() == ["d", "b", "a"]
    assert features.subject.tolist() == ["s2", "s2", "s1"]
    assert [exclusion.clip for exclusion in merged.excluded] == ["not s2", "not s0", "not s1"]
    assert {key: merged.provenance[key] for key in provenance} == provenance
    assert merged.verify() == []


def test_merge_of_nothing_but_empty_shards(tmp_path, provenance):
    shards = [write_part(tmp_path / f"{name}.h5", [], provenance) for name in "ab"]
    merged = merge(shards, tmp_path / "m.h5")
    assert len(merged) == len(merged.load()) == 0
    assert merged
    assert len(merged.excluded) == 2
    with pytest.raises(ValueError, match="no shard"):
        merge([], tmp_path / "m.h5")


def test_merge_digests_the_manifests(tmp_path, provenance):
    one = write_part(tmp_path / "one.h5", ["a"], {**provenance, "manifest_digest": "1", "who": "x", "by": "y"})
    two = write_part(tmp_path / "two.h5", ["b"], {**provenance, "manifest_digest": "2", "who": "z", "by": "y"})
    found = merge([one, two], tmp_path / "m.h5").provenance
    assert found["manifest_digest"] == hashlib.sha256(b"1\n2\n").hexdigest()
    assert "who" not in found
    assert found["by"] == "y"
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("clip\na\n")
    found = merge([one, two], tmp_path / "m.h5", manifest=manifest).provenance
    assert found["manifest_digest"] == hashlib.sha256(b"clip\na\n").hexdigest()


@pytest.mark.parametrize(
    ("key", "value"),
    [("recipe", {"radius": 1}), ("code_digest", "other"), ("libraries", {"numpy": "1.0"}), ("feature", "hoof")],
)
def test_merge_refuses_parts_of_another_making(tmp_path, provenance, key, value):
    one = write_part(tmp_path / "one.h5", ["a"], provenance)
    two = write_part(tmp_path / "two.h5", ["b"], {**provenance, key: value})
    with pytest.raises(CdmerError, match=f"two.h5: its {key} differs"):
        merge([one, two], tmp_path / "m.h5")
    assert not (tmp_path / "m.h5").exists()


def test_merge_refuses_repeated_clips_other_shapes_and_scales(tmp_path, provenance):
    one = write_part(tmp_path / "one.h5", ["a"], provenance)
    again = write_part(tmp_path / "again.h5", ["a"], provenance)
    with pytest.raises(CdmerError, match=r"again.h5: clip a, sample 0 is there twice"):
        merge([one, again], tmp_path / "m.h5")
    wide = FeatureStore.write(tmp_path / "wide.h5", np.ones((1, 5)), ["w"], provenance=provenance).path
    with pytest.raises(CdmerError, match=r"wide.h5: clip w: rows of float32 \(5,\) in a store of float32 \(2,\)"):
        merge([one, wide], tmp_path / "m.h5")
    small = np.ones((1, 2), np.uint8)
    half = FeatureStore.write(tmp_path / "half.h5", small, ["h"], provenance=provenance, scale=0.5).path
    full = FeatureStore.write(tmp_path / "full.h5", small, ["f"], provenance=provenance).path
    with pytest.raises(CdmerError, match=r"scale is 1.0, that of .*half.h5 is 0.5"):
        merge([half, full], tmp_path / "m.h5")
    assert merge([half], tmp_path / "m.h5").load().X.tolist() == [[0.5, 0.5]]


def test_merge_is_all_or_nothing(tmp_path, provenance):
    one = write_part(tmp_path / "one.h5", ["a"], provenance)
    two = write_part(tmp_path / "two.h5", ["b"], provenance)
    two.write_bytes(two.read_bytes()[:-1])
    with pytest.raises(CdmerError, match=r"two.h5: not a whole"):
        merge([one, two], tmp_path / "m.h5")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.h5", "two.h5"]


def test_a_key_error_of_the_caller_is_not_taken_for_a_good_file(store):
    with pytest.raises(CdmerError, match="damaged"), reading(Path(store.path), KIND) as file:
        file["nothing"]


def test_double_precision_stays_where_it_is_asked_for(tmp_path, provenance):
    """float32 by default; what a release gives in double goes through write, merge and export to the last bit."""
    exact = np.array([[1 / 3, 2 / 3]])
    single = FeatureStore.write(tmp_path / "single.h5", exact, ["a"], provenance=provenance)
    np.testing.assert_array_equal(single.load().X, exact.astype(np.float32))
    double = FeatureStore.write(tmp_path / "double.h5", exact, ["a"], provenance=provenance, double=True)
    merged = merge([double.path], tmp_path / "merged.h5")
    back = import_table(export(merged, tmp_path / "m.npz"), tmp_path / "back.h5")
    for store in (double, merged, back):
        assert store.dtype == np.float64
        np.testing.assert_array_equal(store.load().X, exact)
        assert store.verify() == []
