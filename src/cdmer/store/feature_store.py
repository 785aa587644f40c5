"""The feature store: one HDF5 file with one row a sample, which explains itself (docs/store-format.md)."""

import hashlib
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import index
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdmer import __version__
from cdmer.errors import CdmerError
from cdmer.store.container import (
    Exclusion,
    Kind,
    as_mapping,
    bounded,
    content_problems,
    decode_texts,
    encode_texts,
    filters,
    get_exclusions,
    get_json,
    get_text,
    load_filters,
    put_array,
    put_exclusions,
    put_json,
    put_text,
    reading,
    writing,
)

KIND = Kind("cdmer-features", major=1, minor=0, title="feature store")
TEXTS = ("clip", "subject", "emotion", "label")
COLUMNS = ("X", *TEXTS, "sample")
_NAMES = ("feature", "database")
_REQUIRED = (*_NAMES, "recipe", "code_digest")
_KNOWN = (*_REQUIRED, "manifest_digest", "libraries")
_BY_WRITER = ("cdmer_version", "created", "format_version")
_MUST_AGREE = (*_REQUIRED, "libraries")
_SMALL_CHUNK, _LARGE_CHUNK = 10 << 10, 1 << 20  # bytes; below, overhead rules; above, reading one sample costs many
_GAP, _PART = 256 << 10, 4 << 20  # bytes: to skip less costs as much as to read it; a part lies in memory twice


@dataclass(frozen=True, eq=False)
class Features:
    """Rows of a store, in the store's order; row i of each array belongs to the same sample.

    Attributes
    ----------
    X
        (rows, ...) float32 or float64 as stored; or uint8, where decoding was declined.
    clip, subject, emotion, label
        (rows,) objects: str, or None where missing (`clip` never is).
    sample
        (rows,) int64, the number of the sample within its clip, from 0.
    """

    X: NDArray[Any]
    clip: NDArray[np.object_]
    subject: NDArray[np.object_]
    emotion: NDArray[np.object_]
    label: NDArray[np.object_]
    sample: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.clip)

    @property
    def words(self) -> list[str | None]:
        """What each row is labelled with: the release's own label where there is one, else the emotion."""
        return [word if word is not None else other for word, other in zip(self.label, self.emotion, strict=True)]


class FeatureStore:
    """A handle on a feature store.

    It holds the path alone and opens the file inside each call, in the process that calls, without a lock: it can be
    pickled, sent to workers and used after a fork.

    Parameters
    ----------
    path
        The HDF5 file. It need not exist yet.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"FeatureStore({str(self.path)!r})"

    @staticmethod
    def write(
        path: str | Path,
        X: ArrayLike,
        clip: Sequence[str],
        subject: Sequence[str | None] | None = None,
        emotion: Sequence[str | None] | None = None,
        label: Sequence[str | None] | None = None,
        sample: Sequence[int] | None = None,
        *,
        provenance: Mapping[str, Any],
        excluded: Iterable[Sequence[str | None]] = (),
        scale: float | None = None,
        compression: str = "gzip",
        double: bool = False,
    ) -> "FeatureStore":
        """Write a store from arrays in memory, whole or not at all.

        Parameters
        ----------
        X
            (rows, ...) floating point, or uint8, whose values are `scale` times what is stored.
        clip, subject, emotion, label
            (rows,) texts; None, NaN and "" are missing, which a clip may not be. Arrays and Series do as well.
        sample
            (rows,) whole numbers from 0; by default the rows of a clip are counted.
        provenance
            `feature`, `database`, `recipe` and `code_digest`; optionally `manifest_digest`, `libraries` (name to
            version) and whatever else JSON can hold. The cdmer version and the time are added.
        excluded
            (clip, subject, stage, reason) of each clip left out.
        scale
            The scale of uint8 rows, 1 by default.
        compression
            "gzip" (any HDF5 tool reads it), "none", "lzf" or "blosc2" (readers need hdf5plugin).
        double
            Keep floating point as float64, where published results depend on its last digits; float32 otherwise.

        Raises
        ------
        CdmerError
            A clip without a name, a sample twice, or a row that is not finite.
        ValueError
            Arrays that do not align, a type other than the two, or incomplete provenance.
        """
        rows = np.asarray(X)
        texts = {"clip": clip, "subject": subject, "emotion": emotion, "label": label}
        columns = {
            name: [None] * len(rows) if values is None else [_text(value, name) for value in values]
            for name, values in texts.items()
        }
        for name, values in {**columns, **({} if sample is None else {"sample": list(sample)})}.items():
            if len(values) != len(rows):
                raise ValueError(f"{name} has {len(values)} values for {len(rows)} rows of X")
        with FeatureStore.writer(
            path, provenance=provenance, scale=scale, compression=compression, double=double
        ) as writer:
            for run in _runs(list(zip(*columns.values(), strict=True))):
                name, *others = (values[run.start] for values in columns.values())
                writer.add(name, rows[run], *others, sample=None if sample is None else sample[run])
            for exclusion in excluded:
                writer.exclude(*exclusion)
        return FeatureStore(path)

    @staticmethod
    @contextmanager
    def writer(
        path: str | Path,
        *,
        provenance: Mapping[str, Any],
        scale: float | None = None,
        compression: str = "gzip",
        double: bool = False,
    ) -> Iterator["StoreWriter"]:
        """Write a store clip by clip, for features larger than memory; parameters as for `write`.

        The store appears when the block ends well; when it raises, nothing does.
        """
        missing = [key for key in _REQUIRED if key not in provenance or (key in _NAMES and not provenance[key])]
        if missing:
            raise ValueError(f"provenance lacks {', '.join(missing)}")
        if scale is not None and not (math.isfinite(scale) and scale > 0):
            raise ValueError(f"a scale of {scale} would lose the values; give a positive number")
        with writing(Path(path), KIND) as file:
            _put_provenance(file, provenance)
            writer = StoreWriter(file, scale, compression, double)
            yield writer
            writer.finish()

    def load(self, columns: Collection[str] = COLUMNS, *, decode: bool = True) -> Features:
        """Read all rows.

        Parameters
        ----------
        columns
            What to read, of `COLUMNS`: without "X" the call is fast. What is not read comes back empty: an `X` of no
            columns, texts of None, samples of 0.
        decode
            Turn stored uint8 into float32 values; otherwise `X` is as stored.

        Raises
        ------
        CdmerError
            No such file, or one that is not a whole feature store.
        """
        return self.rows(slice(None), columns, decode=decode)

    def rows(
        self, selection: slice | ArrayLike, columns: Collection[str] = COLUMNS, *, decode: bool = True
    ) -> Features:
        """Read some rows only, in the order asked for: a slice, indices or a mask.

        Raises
        ------
        IndexError
            A row that the store does not have.
        CdmerError
            As `load`.
        """
        unknown = sorted(set(columns) - set(COLUMNS))
        if unknown:
            raise ValueError(f"no column {unknown[0]!r}; there are {', '.join(COLUMNS)}")
        with reading(self.path, KIND) as file:
            count = len(bounded(file["X"]))
            wanted = np.atleast_1d(np.arange(count)[selection])  # type: ignore[index]
            texts = {name: _read_texts(file, name, name in columns)[wanted] for name in TEXTS}
            sample = _read_column(file, "sample") if "sample" in columns else np.zeros(count, np.int64)
            X = _read_rows(file["X"], wanted, decode) if "X" in columns else np.empty((len(wanted), 0), np.float32)
            return Features(X=X, sample=sample[wanted], **texts)

    @property
    def provenance(self) -> dict[str, Any]:
        """What made the store: the keys given to `write`, `cdmer_version`, `created` and `format_version`."""
        with reading(self.path, KIND) as file:
            attrs = file.attrs
            found = {key: get_text(attrs, key) for key in ("feature", "database", "code_digest", "manifest_digest")}
            found |= {key: get_text(attrs, key) for key in _BY_WRITER}
            return {
                **as_mapping(get_json(attrs, "extra")),
                **found,
                "recipe": get_json(attrs, "recipe"),
                "libraries": get_json(attrs, "libraries"),
            }

    @property
    def excluded(self) -> list[Exclusion]:
        """The clips left out on the way, each with its subject, the stage and the reason."""
        with reading(self.path, KIND) as file:
            return get_exclusions(file)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of X."""
        with reading(self.path, KIND) as file:
            return tuple(int(size) for size in file["X"].shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of X as stored."""
        with reading(self.path, KIND) as file:
            dtype: np.dtype[Any] = file["X"].dtype
            return dtype

    @property
    def scale(self) -> float | None:
        """What a stored uint8 is multiplied by; None for floating point."""
        with reading(self.path, KIND) as file:
            return float(file["X"].attrs["scale"]) if "scale" in file["X"].attrs else None

    def __len__(self) -> int:
        return self.shape[0]

    def __bool__(self) -> bool:
        return True  # a handle is not false because the store has no rows

    def verify(self) -> list[str]:
        """Read every byte: one line for each problem, none for a store that is intact."""
        try:
            with reading(self.path, KIND) as file:
                problems = content_problems(file)
                lengths = {name: len(file[name]) for name in COLUMNS}
                get_exclusions(file)
            if len(set(lengths.values())) > 1:
                problems.append(f"columns differ in length: {lengths}")
            if not problems:
                _ = self.provenance
        except CdmerError as error:
            return [error.problem]
        return [f"{self.path}: {problem}" for problem in problems]


class StoreWriter:
    """Appends the rows of one clip after another; made by `FeatureStore.writer`."""

    def __init__(self, file: h5py.File, scale: float | None, compression: str, double: bool) -> None:
        self._file = file
        self._float = np.dtype("<f8" if double else "<f4")
        self._scale = scale
        self._compression = compression
        self._X: h5py.Dataset | None = None
        self._sha256 = hashlib.sha256()
        self._texts: dict[str, list[str | None]] = {name: [] for name in TEXTS}
        self._sample: list[int] = []
        self._seen: set[tuple[str, int]] = set()
        self._count: dict[str, int] = {}
        self._excluded: list[Exclusion] = []

    def add(
        self,
        clip: str,
        X: ArrayLike,
        subject: str | None = None,
        emotion: str | None = None,
        label: str | None = None,
        *,
        sample: Sequence[int] | None = None,
    ) -> None:
        """Append the samples of a clip.

        Parameters
        ----------
        clip
            Its name.
        X
            (samples, ...): the leading axis is there for a single sample too.
        subject, emotion, label
            The same for all its samples; None where missing.
        sample
            (samples,) their numbers, from 0; by default they are counted on from the clip's last.
        """
        rows = self._checked(clip, np.asarray(X))
        start = self._count.get(clip, 0)
        numbers = list(range(start, start + len(rows))) if sample is None else [_number(each) for each in sample]
        if len(numbers) != len(rows):
            raise ValueError(f"clip {clip}: {len(numbers)} sample numbers for {len(rows)} rows of X")
        for number in numbers:
            if (clip, number) in self._seen:
                raise CdmerError(f"clip {clip}, sample {number} is there twice", "give each clip a name of its own")
            self._seen.add((clip, number))
        self._count[clip] = start + len(rows)
        for name, value in zip(TEXTS, (clip, subject, emotion, label), strict=True):
            self._texts[name] += [_text(value, name)] * len(rows)
        self._sample += numbers
        self._append(rows)

    def exclude(self, clip: str | None, subject: str | None, stage: str | None, reason: str | None) -> None:
        """Record a clip that is left out: the stage that left it out, and why."""
        if not (clip and stage and reason):
            raise ValueError("an exclusion names the clip, the stage and the reason")
        self._excluded.append(Exclusion(clip, _text(subject, "subject"), stage, reason))

    def finish(self) -> None:
        """Write the columns that were gathered; `FeatureStore.writer` calls it."""
        X = self._X if self._X is not None else self._create(np.empty((0,), self._float))
        put_text(X.attrs, "sha256", self._sha256.hexdigest())
        for name, values in self._texts.items():
            put_array(self._file, name, encode_texts(values))
        put_array(self._file, "sample", np.array(self._sample, "<i8"))
        put_exclusions(self._file, self._excluded)

    def _checked(self, clip: str | None, rows: NDArray[Any]) -> NDArray[Any]:
        if not isinstance(clip, str) or not clip:
            raise CdmerError(f"a clip without a name ({clip!r})", "give every row the name of its clip")
        if rows.ndim == 0 or rows.size == 0:
            raise ValueError(f"clip {clip}: X of shape {rows.shape} holds nothing; exclude the clip instead")
        if rows.dtype.kind == "f":
            if self._scale is not None:
                raise ValueError("a scale is for uint8 rows only")
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which is refused
                rows = rows.astype(self._float, copy=False)
            if not np.isfinite(rows).all():
                raise CdmerError(f"clip {clip}: a feature is not finite", "exclude the clip, or mend what computed it")
        elif rows.dtype != np.uint8:
            raise ValueError(f"clip {clip}: X is {rows.dtype}; a store holds floating point or uint8")
        if self._X is not None and (rows.shape[1:], rows.dtype) != (self._X.shape[1:], self._X.dtype):
            raise ValueError(
                f"clip {clip}: rows of {rows.dtype} {rows.shape[1:]} in a store of {self._X.dtype} {self._X.shape[1:]}"
            )
        return rows

    def _append(self, rows: NDArray[Any]) -> None:
        if self._X is None:
            self._X = self._create(rows)
        start = len(self._X)
        self._X.resize(start + len(rows), axis=0)
        self._X[start:] = rows
        self._sha256.update(rows.tobytes())

    def _create(self, first: NDArray[Any]) -> h5py.Dataset:
        """Create an X of no rows yet, its chunks and filters chosen by the first clip."""
        X = self._file.create_dataset(
            "X",
            shape=(0, *first.shape[1:]),
            maxshape=(None, *first.shape[1:]),
            dtype=first.dtype,
            chunks=_chunk(first),
            **filters(self._compression, first),
        )
        if first.dtype == np.uint8:
            X.attrs["scale"] = 1.0 if self._scale is None else float(self._scale)
        return X


def merge(
    shards: Sequence[str | Path],
    path: str | Path,
    *,
    manifest: str | Path | None = None,
    compression: str = "gzip",
) -> FeatureStore:
    """Write the one store of a database from its subjects' stores.

    Rows and exclusions follow one another in the order of `shards`; a shard without rows is fine. The merged
    `manifest_digest` is the SHA-256 of the file `manifest`; without it that of all shards, or, where they differ, the
    SHA-256 of theirs, one a line. Other provenance beyond what must agree is kept where all shards say the same.

    Raises
    ------
    CdmerError
        A shard that cannot be read; shards that another recipe, code or library version made, or with rows of
        another shape; a sample found twice.
    """
    from cdmer.progress import progress  # not at the top: readers of a store would wait for it

    if not shards:
        raise ValueError("no shard to merge")
    stores = [FeatureStore(shard) for shard in shards]
    provenance = _merged_provenance(stores)
    if manifest is not None:
        provenance["manifest_digest"] = hashlib.sha256(Path(manifest).read_bytes()).hexdigest()
    scale, double = _common_scale(stores), any(store.dtype == np.float64 for store in stores)
    with FeatureStore.writer(
        path, provenance=provenance, scale=scale, compression=compression, double=double
    ) as writer:
        for store in progress(stores, f"merge {Path(path).name}", unit="shard"):
            _append_store(writer, store)
    return FeatureStore(path)


def _append_store(writer: StoreWriter, store: FeatureStore) -> None:
    index = store.load([*TEXTS, "sample"])
    for run in _runs(index.clip.tolist()):
        rows = store.rows(run, ["X"], decode=False)
        first = run.start
        try:
            writer.add(
                index.clip[first],
                rows.X,
                index.subject[first],
                index.emotion[first],
                index.label[first],
                sample=index.sample[run].tolist(),
            )
        except (CdmerError, ValueError) as error:
            problem = error.problem if isinstance(error, CdmerError) else str(error)
            raise CdmerError(f"{store.path}: {problem}", "delete the shards and run again") from error
    for exclusion in store.excluded:
        writer.exclude(*exclusion)


def _merged_provenance(stores: Sequence[FeatureStore]) -> dict[str, Any]:
    all_of_them = [store.provenance for store in stores]
    first = all_of_them[0]
    for store, other in zip(stores, all_of_them, strict=True):
        for key in _MUST_AGREE:
            if other[key] != first[key]:
                raise CdmerError(
                    f"{store.path}: its {key} differs from that of {stores[0].path}: {other[key]} and {first[key]}",
                    "delete the older of the two and run again; the workflow remakes it",
                )
    kept = {key: first[key] for key in first if all(other.get(key) == first[key] for other in all_of_them)}
    if "manifest_digest" not in kept:
        lines = "".join(f"{other['manifest_digest']}\n" for other in all_of_them)
        kept["manifest_digest"] = hashlib.sha256(lines.encode()).hexdigest()
    return kept


def _common_scale(stores: Sequence[FeatureStore]) -> float | None:
    scales = {store.scale: store for store in stores if len(store)}
    if len(scales) > 1:
        one, other = list(scales.values())[:2]
        raise CdmerError(
            f"{other.path}: its scale is {other.scale}, that of {one.path} is {one.scale}",
            "delete the older of the two and run again; the workflow remakes it",
        )
    return next(iter(scales), None)


def _put_provenance(file: h5py.File, provenance: Mapping[str, Any]) -> None:
    attrs = file.attrs
    for key in ("feature", "database", "code_digest"):
        put_text(attrs, key, str(provenance[key]))
    put_text(attrs, "manifest_digest", str(provenance.get("manifest_digest", "")))
    put_json(attrs, "recipe", provenance["recipe"])
    put_json(attrs, "libraries", dict(provenance.get("libraries", {})))
    put_json(attrs, "extra", {key: provenance[key] for key in provenance if key not in _KNOWN + _BY_WRITER})
    put_text(attrs, "cdmer_version", __version__)
    put_text(attrs, "created", datetime.now(UTC).isoformat(timespec="seconds"))


def _runs(keys: Sequence[object]) -> Iterator[slice]:
    """Slices of equal neighbours."""
    start = 0
    for _, group in groupby(keys):
        stop = start + sum(1 for _ in group)
        yield slice(start, stop)
        start = stop


def _chunk(rows: NDArray[Any]) -> tuple[int, ...]:
    """One clip a chunk; more where a clip is very small, whole samples of it where it is very large."""
    row = max(1, rows[:1].nbytes)
    count = max(1, len(rows))
    if count * row < _SMALL_CHUNK:
        count *= -(-_SMALL_CHUNK // (count * row))
    elif count * row > _LARGE_CHUNK:
        count = max(1, _LARGE_CHUNK // row)
    return (count, *rows.shape[1:])


def _read_texts(file: h5py.File, name: str, wanted: bool) -> NDArray[np.object_]:
    count = len(file["X"])
    if not wanted:
        return np.full(count, None, object)
    return decode_texts(_read_column(file, name))


def _read_column(file: h5py.File, name: str) -> NDArray[Any]:
    values, count = bounded(file[name])[()], len(file["X"])
    if len(values) != count:
        raise ValueError(f"{name} has {len(values)} values for {count} rows")
    return np.asarray(values)


def _read_rows(dataset: h5py.Dataset, wanted: NDArray[np.int64], decode: bool) -> NDArray[Any]:
    """Rows in the order asked for, in as few readings as pay: HDF5's own lists of indices are twenty times as slow."""
    load_filters(dataset)
    X = np.empty((len(wanted), *dataset.shape[1:]), dataset.dtype)
    order = np.argsort(wanted, kind="stable")
    ascending = wanted[order]
    in_order = bool((order == np.arange(len(order))).all())
    for part in _parts(ascending, max(1, X[:1].nbytes)):
        first, last = int(ascending[part.start]), int(ascending[part.stop - 1]) + 1
        each_once = bool((np.diff(ascending[part]) == 1).all())
        if in_order and each_once:
            dataset.read_direct(X, np.s_[first:last], part)
        else:
            rows = dataset[first:last]
            X[order[part]] = rows if each_once else rows[ascending[part] - first]
    if decode and X.dtype == np.uint8:
        return X.astype(np.float32) * np.float32(dataset.attrs["scale"])
    return X


def _parts(ascending: NDArray[np.int64], row: int) -> Iterator[slice]:
    """Cut rows of `row` bytes into parts to read at once: where a gap is wide, and before a part grows large."""
    if not len(ascending):
        return
    gap, most = max(1, _GAP // row), max(1, _PART // row)
    start = 0
    for stop in [*(np.flatnonzero(np.diff(ascending) > gap) + 1), len(ascending)]:
        while start < stop:
            end = min(stop, max(start + 1, int(np.searchsorted(ascending, ascending[start] + most))))
            yield slice(start, end)
            start = end


def _number(value: Any) -> int:
    """Return the number of a sample, which is whole and not negative."""
    try:
        number = index(value)
    except TypeError as error:
        raise ValueError(f"sample holds {value!r}; a whole number from 0 belongs there") from error
    if number < 0:
        raise ValueError(f"sample holds {number}; a whole number from 0 belongs there")
    return number


def _text(value: object, column: str) -> str | None:
    """Return a text, or None, also for what pandas takes for missing."""
    if isinstance(value, str):
        return str(value) or None
    if value is None or (isinstance(value, float) and np.isnan(value)) or type(value).__name__ == "NAType":
        return None
    raise ValueError(f"{column} holds {value!r}; a text or None belongs there")
