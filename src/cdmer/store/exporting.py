"""A feature store for other programs (MATLAB, NumPy, Parquet), and back from NumPy's format."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import scipy.io
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.files import whole_file
from cdmer.store.container import canonical_json, check_archive
from cdmer.store.feature_store import TEXTS, Features, FeatureStore

_MATLAB_LIMIT = 2**31 - 1  # bytes of one variable, in MATLAB's format 5


def export(store: FeatureStore, path: str | Path) -> Path:
    """Write a store as `.mat`, `.npz` or `.parquet`, chosen by the suffix of `path`.

    Parameters
    ----------
    store
        What to export. Values that it keeps as uint8 are written as float32.
    path
        `.mat` (MATLAB 5): matrices `X` and `sample`, cell arrays of texts, and `provenance` as JSON text; `.npz`: the
        same as arrays, no pickling needed; in both a missing text is empty. `.parquet`: a row a sample, `X` a list of
        fixed size (flattened in C order), missing texts null, `provenance`, `excluded` and `shape` in the metadata.

    Raises
    ------
    CdmerError
        Another suffix; a store that cannot be read; more than 2 GiB for `.mat`.
    """
    target = Path(path)
    writers: dict[str, Callable[[FeatureStore, Path], None]] = {
        ".mat": _write_mat,
        ".npz": _write_npz,
        ".parquet": _write_parquet,
    }
    if target.suffix.lower() not in writers:
        raise CdmerError(f"{target}: no export of that suffix", f"end the name in {', '.join(writers)}")
    writers[target.suffix.lower()](store, target)
    return target


def import_table(path: str | Path, store_path: str | Path) -> FeatureStore:
    """Write a store from an `.npz` file that `export` made; its provenance goes on, its time is new.

    Raises
    ------
    CdmerError
        No such file, or one that `export` did not make.
    """
    source = Path(path)
    try:
        check_archive(source)
        with np.load(source, allow_pickle=False) as arrays:
            columns = {name: arrays[name].tolist() for name in (*TEXTS, "sample")}
            X, excluded = arrays["X"], arrays["excluded"].tolist()
            provenance = json.loads(str(arrays["provenance"]))
        return FeatureStore.write(
            store_path, X, **columns, provenance=provenance, excluded=excluded, double=X.dtype == np.float64
        )
    except CdmerError:
        raise
    except Exception as error:  # zip, zlib, numpy and JSON break in ways of their own
        raise CdmerError(f"{source}: not an exported feature store ({error})", "export the store again") from error


def _write_mat(store: FeatureStore, path: Path) -> None:
    features = store.load()
    if features.X.nbytes > _MATLAB_LIMIT:
        raise CdmerError(
            f"{store.path}: too large for a .mat file (2 GiB)", "export .npz or .parquet, or read the HDF5"
        )
    texts = {name: _filled(getattr(features, name))[:, None] for name in TEXTS}
    variables = {
        "X": features.X,
        "sample": features.sample[:, None],
        "provenance": canonical_json(store.provenance),
        "excluded": np.array([[text or "" for text in row] for row in store.excluded], object).reshape(-1, 4),
        **texts,
    }
    with whole_file(path) as partial, open(partial, "wb") as file:
        scipy.io.savemat(file, variables, do_compression=True)


def _write_npz(store: FeatureStore, path: Path) -> None:
    features = store.load()
    arrays: dict[str, Any] = {name: _filled(getattr(features, name)).astype(str) for name in TEXTS}
    arrays["excluded"] = np.array([[text or "" for text in row] for row in store.excluded], str).reshape(-1, 4)
    arrays["provenance"] = np.array(canonical_json(store.provenance))
    with whole_file(path) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, X=features.X, sample=features.sample, **arrays)


def _write_parquet(store: FeatureStore, path: Path) -> None:
    features = store.load()
    metadata = {
        "provenance": canonical_json(store.provenance),
        "excluded": canonical_json([list(row) for row in store.excluded]),
        "shape": canonical_json(list(features.X.shape)),
    }
    with whole_file(path) as partial:
        pyarrow.parquet.write_table(_table(features).replace_schema_metadata(metadata), partial, compression="zstd")


def _table(features: Features) -> pa.Table:
    width = int(np.prod(features.X.shape[1:], dtype=np.int64)) if len(features) else 0
    flat = pa.array(features.X.reshape(-1))
    columns = {name: pa.array(getattr(features, name).tolist(), pa.string()) for name in TEXTS}
    columns["sample"] = pa.array(features.sample)
    columns["X"] = pa.FixedSizeListArray.from_arrays(flat, width) if width else pa.array([], pa.list_(flat.type, 0))
    return pa.table(columns)


def _filled(texts: NDArray[np.object_]) -> NDArray[np.object_]:
    """Missing texts as empty ones."""
    return np.array([text or "" for text in texts.tolist()], object)
