"""The ground that feature stores and clip shards share: an HDF5 file that is whole, versioned and checksummed.

Three nets catch damage. HDF5 itself refuses a file shorter than its superblock says. Everything that a reader touches
carries a checksum of its own: fletcher32 on each chunk, and HDF5's metadata checksums, which the 1.10 layout puts on
every header and index (texts are stored in the headers at fixed length, since HDF5's heap of variable-length texts has
none). And each dataset has the SHA-256 of its content, so that `content_problems` finds what the first two cannot.
"""

import hashlib
import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.files import whole_file, why_no_file

REMEDY = "delete it and run again; the workflow remakes it"
COMPRESSIONS = ("gzip", "none", "lzf", "blosc2")
GZIP_LEVEL = 4  # of LBP-TOP histograms: ratio 2.48 at 35 MB/s; level 1 gives 2.31 at 46, level 6 2.54 at 16
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LAYOUT = ("v110", "v110")
_BUILT_IN_FILTERS = frozenset(range(256)) | {h5py.h5z.FILTER_LZF}
_SLAB_BYTES = 1 << 24
SMALL = 1 << 26  # bytes that any dataset may have in memory
MOST_COMPRESSED = 2000  # times the size of its file: more than gzip can do, and more than a feature ever was


@dataclass(frozen=True)
class Kind:
    """A kind of file: the name in its `format` attribute, the version written, and what people call it."""

    name: str
    major: int
    minor: int
    title: str


class Exclusion(NamedTuple):
    """A clip that a stage left out, and why."""

    clip: str
    subject: str | None
    stage: str
    reason: str


@contextmanager
def reading(path: Path, kind: Kind) -> Iterator[h5py.File]:
    """Open a file of that kind for reading, without a lock; whatever HDF5 cannot read becomes one `CdmerError`.

    Only reading belongs in the block: an error there is taken for damage of the file.
    """
    if not path.is_file():
        what = f"no such {kind.title}" if not path.exists() else f"{why_no_file(path)}, no {kind.title}"
        raise CdmerError(f"{path}: {what}", "check the path, or run the workflow, which makes it")
    try:
        file = h5py.File(path, "r", locking=False)
    except PermissionError as error:
        raise CdmerError(f"{path}: may not be read", "give yourself read permission") from error
    except (OSError, RuntimeError, ValueError) as error:
        with path.open("rb") as content:
            foreign = content.read(len(_SIGNATURE)) not in (_SIGNATURE, b"")
        raise CdmerError(
            f"{path}: not a whole HDF5 file ({'damaged or foreign' if foreign else 'cut short or damaged'})",
            f"give the path of a {kind.title}; if it is one that the workflow made, {REMEDY}" if foreign else REMEDY,
        ) from error
    try:
        with file:
            _check_kind(file, path, kind)
            check_links(file)
            yield file
    # of the latter three: a broken group lists None, or a member of another kind; a text declares a terabyte
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, MemoryError) as error:
        raise CdmerError(f"{path}: damaged {kind.title} ({error})", REMEDY) from error


def _check_kind(file: h5py.File, path: Path, kind: Kind) -> None:
    """Apply the readers' rules: refuse another format or major version, read a newer minor one."""
    found = get_text(file.attrs, "format") if "format" in file.attrs else None
    if found != kind.name:
        named = f"its format is {found!r}" if found else "it names no format"
        raise CdmerError(f"{path}: an HDF5 file, but not a {kind.title} ({named})", f"give the path of a {kind.title}")
    version = get_text(file.attrs, "format_version")
    if not re.fullmatch(r"\d+\.\d+", version) or int(version.split(".")[0]) != kind.major:
        raise CdmerError(
            f"{path}: {kind.title} of format version {version}; this cdmer reads {kind.major}.x",
            "use the cdmer that wrote it, or delete it and run again; the workflow remakes it",
        )


class _Disk:
    """A file as HDF5 sees it, which takes everything; what the disk refused is kept in `error`."""

    def __init__(self, raw: io.FileIO) -> None:
        self._raw = raw
        self.error: OSError | None = None
        self.seek, self.tell, self.read, self.readinto = raw.seek, raw.tell, raw.read, raw.readinto

    def write(self, data: memoryview) -> int:
        self._attempt(lambda: self._write_all(memoryview(data).cast("B")))
        return len(data)

    def truncate(self, size: int) -> int:
        self._attempt(lambda: self._raw.truncate(size))
        return size

    def flush(self) -> None:
        pass  # nothing is buffered here; `whole_file` has the disk flushed

    def _write_all(self, data: memoryview) -> None:
        while data and self.error is None:
            data = data[self._raw.write(data) :]

    def _attempt(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as error:
            self.error = self.error or error


@contextmanager
def new_hdf5(path: Path, **options: Any) -> Iterator[h5py.File]:
    """Open a new HDF5 file for writing, on a disk that may be full.

    When one of HDF5's own last writes fails, the process crashes (seen with HDF5 1.14) before any message. So HDF5
    writes through an object that never fails, and what the disk refused is raised when HDF5 has closed the file.

    Raises
    ------
    OSError
        The disk is full or fails.
    """
    with open(path, "w+b", buffering=0) as raw:
        disk = _Disk(raw)
        try:
            with h5py.File(disk, "w", locking=False, **options) as file:
                yield file
        except Exception:
            if disk.error is None:
                raise
        if disk.error is not None:
            raise OSError(disk.error.errno, disk.error.strerror, str(path))


@contextmanager
def writing(path: Path, kind: Kind) -> Iterator[h5py.File]:
    """Open a new file of that kind; when the block ends well it is read back, checked and renamed to `path`.

    When the block or the check fails, no file is left, and an earlier file of that name stays as it was.
    """
    with whole_file(path) as partial:
        with new_hdf5(partial, libver=_LAYOUT) as file:
            put_text(file.attrs, "format", kind.name)
            put_text(file.attrs, "format_version", f"{kind.major}.{kind.minor}")
            yield file
        with reading(partial, kind) as file:
            problems = content_problems(file)
        if problems:
            raise CdmerError(f"{path}: did not read back as written ({problems[0]})", "check the disk, then run again")


def put_text(attrs: h5py.AttributeManager, name: str, text: str) -> None:
    """Store a text attribute at fixed length, inside the checksummed header."""
    data = text.encode()
    if b"\0" in data:
        raise ValueError(f"attribute {name} holds a NUL character")
    attrs.create(name, data, dtype=h5py.string_dtype("utf-8", max(1, len(data))))


def get_text(attrs: h5py.AttributeManager, name: str) -> str:
    """Read a text attribute, of fixed or variable length."""
    value = attrs[name]
    return value.decode() if isinstance(value, bytes) else str(value)


def put_json(attrs: h5py.AttributeManager, name: str, value: object) -> None:
    """Store a value as canonical JSON text: sorted keys, no spaces, NaN and infinities refused."""
    put_text(attrs, name, canonical_json(value))


def canonical_json(value: object) -> str:
    """One text for one value, so that equal settings compare equal as text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def get_json(attrs: h5py.AttributeManager, name: str) -> Any:
    """Read what `put_json` stored."""
    return json.loads(get_text(attrs, name))


def encode_texts(values: Sequence[str | None]) -> NDArray[Any]:
    """Texts as UTF-8 of fixed length; a missing one is empty."""
    data = [(value or "").encode() for value in values]
    if any(b"\0" in item for item in data):
        raise ValueError("a text holds a NUL character")
    width = max([1, *map(len, data)])
    return np.array(data, f"S{width}").astype(h5py.string_dtype("utf-8", width))


def decode_texts(data: NDArray[Any]) -> NDArray[np.object_]:
    """Invert `encode_texts`: str, and None where empty; the shape is kept."""
    texts = np.empty(data.shape, object)
    texts.ravel()[:] = [item.decode() or None for item in data.ravel().tolist()]
    return texts


def put_exclusions(file: h5py.File, excluded: Sequence[Exclusion]) -> None:
    """Write the dataset `excluded`: (n, 4) texts, clip, subject, stage, reason."""
    flat = [text for exclusion in excluded for text in exclusion]
    put_array(file, "excluded", encode_texts(flat).reshape(-1, 4))


def get_exclusions(file: h5py.File) -> list[Exclusion]:
    """Read the dataset `excluded`."""
    rows = decode_texts(bounded(file["excluded"])[()]).tolist()
    return [Exclusion(clip or "", subject, stage or "", reason or "") for clip, subject, stage, reason in rows]


def put_array(
    group: h5py.Group,
    name: str,
    array: NDArray[Any],
    compression: str = "gzip",
    chunks: tuple[int, ...] | None = None,
) -> h5py.Dataset:
    """Write an array with its checksums; scalars and empty arrays, which HDF5 cannot chunk, go uncompressed."""
    if array.size == 0 or array.ndim == 0:
        dataset = group.create_dataset(name, data=array)
    else:
        dataset = group.create_dataset(
            name, data=array, chunks=chunks or array.shape, **filters(compression, array[: (chunks or array.shape)[0]])
        )
    put_text(dataset.attrs, "sha256", digest(array))
    return dataset


def digest(array: NDArray[Any]) -> str:
    """SHA-256 of an array's bytes in C order, as stored (little-endian)."""
    return hashlib.sha256(array.tobytes()).hexdigest()


def filters(compression: str, sample: NDArray[Any]) -> dict[str, Any]:
    """Give `create_dataset`'s arguments for a compression; `sample` decides whether gzip profits from shuffling.

    Histograms repeat whole numbers (no shuffle: ratio 2.5 against 1.5), flow and pixels as float repeat only their
    high bytes (1.2 against 1.5).
    """
    if compression == "none":
        return {"fletcher32": True}
    if compression == "lzf":
        return {"compression": "lzf", "shuffle": True, "fletcher32": True}
    if compression == "blosc2":
        import hdf5plugin  # not at the top: only files that ask for it need it

        options = hdf5plugin.Blosc2(cname="zstd", clevel=1, filters=hdf5plugin.Blosc2.SHUFFLE)
        return {**options, "fletcher32": True}
    if compression != "gzip":
        raise ValueError(f"compression {compression!r} is none of {', '.join(COMPRESSIONS)}")
    shuffle = _profits_from_shuffle(sample)
    return {"compression": "gzip", "compression_opts": GZIP_LEVEL, "shuffle": shuffle, "fletcher32": True}


def _profits_from_shuffle(sample: NDArray[Any]) -> bool:
    if sample.dtype.kind == "S" or sample.dtype.itemsize == 1:
        return False
    plain = sample.tobytes()[: 1 << 20]
    plain = plain[: len(plain) // sample.dtype.itemsize * sample.dtype.itemsize]
    shuffled = np.frombuffer(plain, np.uint8).reshape(-1, sample.dtype.itemsize).T.tobytes()
    return len(zlib.compress(shuffled, GZIP_LEVEL)) < len(zlib.compress(plain, GZIP_LEVEL))


def load_filters(dataset: h5py.Dataset) -> h5py.Dataset:
    """Return the dataset, its compression made available first where HDF5 does not bring it.

    Raises
    ------
    ValueError
        It declares more than its file can hold; `reading` takes that for damage.
    """
    bounded(dataset)
    plist = dataset.id.get_create_plist()
    if any(plist.get_filter(i)[0] not in _BUILT_IN_FILTERS for i in range(plist.get_nfilters())):
        import hdf5plugin  # noqa: F401  (importing it registers its filters)
    return dataset


def check_links(file: h5py.File) -> None:
    """Raise a ValueError where a name in the file stands for something elsewhere: it is read as the file's own."""
    kept = file.visititems_links(lambda name, link: None if isinstance(link, h5py.HardLink) else name)
    if kept is not None:
        raise ValueError(f"{kept} is a link, not a member of the file")


def bounded(dataset: h5py.Dataset) -> h5py.Dataset:
    """Return the dataset; a ValueError, before memory is asked for, where it declares more than its file holds.

    HDF5 reads a chunk that was never written as zeros, without a checksum to fail, and other files where a dataset says
    that its content lies there.
    """
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"the content of {dataset.name} lies in other files")
    if dataset.chunks is not None:
        wanted = math.prod(-(-side // chunk) for side, chunk in zip(dataset.shape, dataset.chunks, strict=True))
        there = dataset.id.get_num_chunks() if wanted else 0
        if there != wanted:
            raise ValueError(f"{dataset.name} of {dataset.shape} holds {there} of its {wanted} chunks")
    limit = max(SMALL, MOST_COMPRESSED * dataset.file.id.get_filesize())
    if dataset.nbytes > limit:
        raise ValueError(f"{dataset.name} declares {dataset.nbytes} bytes, the file has {limit // MOST_COMPRESSED}")
    return dataset


def check_archive(path: Path) -> None:
    """Raise a ValueError where a zip archive (.npz) unpacks to more than arrays of its size ever do."""
    with zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
    if size > max(1 << 30, 50 * path.stat().st_size):
        raise ValueError(f"it unpacks to {size >> 20} MB")


def content_problems(file: h5py.File) -> list[str]:
    """One line for each dataset that cannot be read or whose content is not what its SHA-256 says."""
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    problems = []
    for name in names:
        try:
            dataset = load_filters(file[name])
            if "sha256" not in dataset.attrs:
                problems.append(f"{name}: has no sha256")
            elif get_text(dataset.attrs, "sha256") != _digest_on_disk(dataset):
                problems.append(f"{name}: content differs from its sha256")
        except (OSError, RuntimeError, ValueError) as error:
            problems.append(f"{name}: cannot be read ({error})")
    return problems


def _digest_on_disk(dataset: h5py.Dataset) -> str:
    """`digest` in slabs, for datasets larger than memory."""
    if dataset.ndim == 0 or dataset.size == 0:
        return digest(np.asarray(dataset[()]))
    total = hashlib.sha256()
    step = max(1, _SLAB_BYTES // max(1, dataset.nbytes // len(dataset)))
    if dataset.chunks:
        step = -(-step // dataset.chunks[0]) * dataset.chunks[0]
    for start in range(0, len(dataset), step):
        total.update(dataset[start : start + step].tobytes())
    return total.hexdigest()


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return a JSON object, or raise what `reading` takes for damage."""
    if not isinstance(value, dict):
        raise TypeError("expected a JSON object")
    return value
