import json

import numpy as np
import pyarrow.parquet
import pytest
import scipy.io

from cdmer.errors import CdmerError
from cdmer.store.exporting import export, import_table
from cdmer.store.feature_store import FeatureStore

X = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
EXCLUDED = [("d", None, "faces", "no face")]


@pytest.fixture
def store(tmp_path, provenance):
    return FeatureStore.write(
        tmp_path / "s.h5",
        X,
        ["a", "b/é", "b/é"],
        ["1", None, None],
        [None, "fear", "fear"],
        provenance=provenance,
        excluded=EXCLUDED,
    )


@pytest.fixture
def empty(tmp_path, provenance):
    return FeatureStore.write(tmp_path / "e.h5", np.zeros((0, 3)), [], provenance=provenance)


def test_mat(store, tmp_path):
    found = scipy.io.loadmat(export(store, tmp_path / "s.mat"), chars_as_strings=True)
    np.testing.assert_array_equal(found["X"], X)
    assert [cell.item() if cell.size else "" for cell in found["clip"].ravel()] == ["a", "b/é", "b/é"]
    assert [cell.item() if cell.size else "" for cell in found["emotion"].ravel()] == ["", "fear", "fear"]
    assert found["sample"].ravel().tolist() == [0, 0, 1]
    assert json.loads(found["provenance"].item())["recipe"]["radius"] == 3
    assert found["excluded"].shape == (1, 4)


def test_npz(store, tmp_path):
    with np.load(export(store, tmp_path / "s.npz"), allow_pickle=False) as found:
        np.testing.assert_array_equal(found["X"], X)
        assert found["clip"].tolist() == ["a", "b/é", "b/é"]
        assert found["subject"].tolist() == ["1", "", ""]
        assert found["excluded"].tolist() == [["d", "", "faces", "no face"]]


def test_parquet(store, tmp_path):
    table = pyarrow.parquet.read_table(export(store, tmp_path / "s.parquet"))
    np.testing.assert_array_equal(np.array(table["X"].to_pylist(), np.float32).reshape(X.shape), X)
    assert table["subject"].to_pylist() == ["1", None, None]
    assert table["sample"].to_pylist() == [0, 0, 1]
    assert json.loads(table.schema.metadata[b"shape"]) == [3, 4, 5]
    assert json.loads(table.schema.metadata[b"provenance"])["database"] == "casme2"
    assert json.loads(table.schema.metadata[b"excluded"]) == [["d", None, "faces", "no face"]]


def test_npz_comes_back(store, tmp_path, provenance):
    back = import_table(export(store, tmp_path / "s.npz"), tmp_path / "back.h5")
    one, other = store.load(), back.load()
    for name in ("X", "clip", "subject", "emotion", "label", "sample"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert back.excluded == EXCLUDED
    assert {key: back.provenance[key] for key in provenance} == provenance


@pytest.mark.parametrize("suffix", [".mat", ".npz", ".parquet"])
def test_empty_stores(empty, tmp_path, suffix):
    assert export(empty, tmp_path / f"e{suffix}").stat().st_size > 0


def test_an_empty_store_comes_back(empty, tmp_path):
    assert len(import_table(export(empty, tmp_path / "e.npz"), tmp_path / "back.h5")) == 0


def test_a_damaged_npz_is_refused_or_read_right(store, tmp_path):
    """Cut short, or a bit flipped, in many places: numpy, zipfile and zlib each complain in their own way."""
    whole, damaged = export(store, tmp_path / "s.npz").read_bytes(), tmp_path / "d.npz"
    refused = 0
    versions = [whole[:end] for end in range(0, len(whole), 97)]
    versions += [whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :] for at in range(0, len(whole), 31)]
    for content in versions:
        damaged.write_bytes(content)
        try:
            back = import_table(damaged, tmp_path / "back.h5")
        except CdmerError as error:
            refused += 1
            assert str(damaged) in error.problem
            continue
        np.testing.assert_array_equal(back.load().X, X)
    assert refused > 0.7 * len(versions)


def test_refusals(store, tmp_path):
    with pytest.raises(CdmerError, match=r"s.csv: no export of that suffix"):
        export(store, tmp_path / "s.csv")
    with pytest.raises(CdmerError, match="no such feature store"):
        export(FeatureStore(tmp_path / "none.h5"), tmp_path / "s.npz")
    np.savez(tmp_path / "foreign.npz", X=X)
    (tmp_path / "text.npz").write_text("text")
    for name in ("foreign", "text", "missing"):
        with pytest.raises(CdmerError, match=f"{name}.npz: not an exported feature store"):
            import_table(tmp_path / f"{name}.npz", tmp_path / "back.h5")
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".h5", ".npz", ".npz"]
