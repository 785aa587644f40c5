"""The clip shard: one HDF5 file with the clips of one subject, each of its own length (docs/store-format.md)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
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

KIND = Kind("cdmer-clips", major=1, minor=0, title="clip shard")
_CHUNK = 1 << 20  # bytes
_FRAMES = (np.dtype(np.uint8), np.dtype("<f4"))


@dataclass(frozen=True, eq=False)
class ClipRecord:
    """One clip of a shard.

    Attributes
    ----------
    name
        The clip's name.
    frames
        (frames, height, width) or (frames, height, width, channels), uint8 or float32.
    others
        What was stored with it, by name: arrays, and scalars (a number, a text, a truth value or None).
    """

    name: str
    frames: NDArray[Any]
    others: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        if key not in self.others:
            raise KeyError(f"clip {self.name} has no {key!r}; it has {', '.join(self.others) or 'frames only'}")
        return self.others[key]

    def __contains__(self, key: object) -> bool:
        return key in self.others


class ClipShard:
    """A handle on a shard that was read with `read_shard`; each clip is read when it is asked for.

    Like a `FeatureStore` it keeps no file open, so it can be pickled and used after a fork.

    Attributes
    ----------
    path
        The HDF5 file.
    clips
        The clips' names, in the order written.
    excluded
        The clips left out so far, each with its subject, the stage and the reason.
    attrs
        What the writer said of the shard, with `cdmer_version`.
    """

    def __init__(self, path: Path, clips: list[str], excluded: list[Exclusion], attrs: dict[str, Any]) -> None:
        self.path = path
        self.clips = clips
        self.excluded = excluded
        self.attrs = attrs
        self._number = {name: number for number, name in enumerate(clips)}

    def __len__(self) -> int:
        return len(self.clips)

    def __bool__(self) -> bool:
        return True  # a shard whose clips are all excluded is still a shard

    def __iter__(self) -> Iterator[ClipRecord]:
        return (self[clip] for clip in self.clips)

    def __contains__(self, clip: object) -> bool:
        return clip in self._number

    def __getitem__(self, clip: str) -> ClipRecord:
        """Read a clip.

        Raises
        ------
        CdmerError
            The shard has no such clip, or its file is damaged or gone.
        """
        if clip not in self._number:
            raise CdmerError(f"{self.path}: no clip {clip}", "run the stage that makes this file again")
        with reading(self.path, KIND) as file:
            group = file["clips"][_group_name(self._number[clip])]
            arrays = {name: np.asarray(load_filters(dataset)[()]) for name, dataset in group.items()}
            scalars = as_mapping(get_json(group.attrs, "scalars"))
            return ClipRecord(clip, arrays.pop("frames"), {**arrays, **scalars})

    def verify(self) -> list[str]:
        """Read every byte: one line for each problem, none for a shard that is intact."""
        try:
            with reading(self.path, KIND) as file:
                problems = content_problems(file)
                if len(file["clips"]) != len(self.clips):
                    problems.append(f"{len(file['clips'])} clips stored, {len(self.clips)} named")
        except CdmerError as error:
            return [error.problem]
        return [f"{self.path}: {problem}" for problem in problems]


def read_shard(path: str | Path) -> ClipShard:
    """Open a shard: the clips' names, the exclusions and the attributes now, the clips when asked for.

    Raises
    ------
    CdmerError
        No such file, or one that is not a whole clip shard.
    """
    with reading(Path(path), KIND) as file:
        clips = [name or "" for name in decode_texts(bounded(file["clip"])[()]).tolist()]
        attrs = dict(as_mapping(get_json(file.attrs, "attrs")))
        attrs["cdmer_version"] = get_text(file.attrs, "cdmer_version")
        return ClipShard(Path(path), clips, get_exclusions(file), attrs)


@contextmanager
def write_shard(path: str | Path, attrs: Mapping[str, Any], compression: str = "gzip") -> Iterator["ShardWriter"]:
    """Write a shard clip by clip; it appears, read back and checked, when the block ends well.

    Parameters
    ----------
    path
        The file to be.
    attrs
        What to say of it (recipe, code digest, library versions, subject): anything that JSON can hold.
    compression
        "gzip", "none", "lzf" or "blosc2".
    """
    with writing(Path(path), KIND) as file:
        put_json(file.attrs, "attrs", dict(attrs))
        put_text(file.attrs, "cdmer_version", __version__)
        writer = ShardWriter(file, compression)
        yield writer
        writer.finish()


class ShardWriter:
    """Appends clips to a shard; made by `write_shard`."""

    def __init__(self, file: h5py.File, compression: str) -> None:
        self._file = file
        self._compression = compression
        self._clips: list[str] = []
        self._excluded: list[Exclusion] = []
        self._group = file.create_group("clips", track_order=True)

    def add(self, clip: str, frames: ArrayLike, **others: Any) -> None:
        """Append a clip.

        Parameters
        ----------
        clip
            Its name, any text; once a shard.
        frames
            (frames, height, width[, channels]), uint8 or float32.
        others
            Numeric arrays of any shape and type, and scalars: numbers, texts, truth values, None.

        Raises
        ------
        CdmerError
            The clip is there already, or has no name.
        ValueError
            Frames or arrays of a type that a shard does not hold.
        """
        if not clip or clip in self._clips:
            raise CdmerError(f"clip {clip!r} is there twice or has no name", "give each clip a name of its own")
        images = np.asarray(frames)
        if images.ndim not in (3, 4) or images.dtype not in _FRAMES:
            raise ValueError(
                f"clip {clip}: frames of {images.dtype} {images.shape}; want uint8 or float32, 3 or 4 axes"
            )
        arrays = {name: np.asarray(value) for name, value in others.items() if not _is_scalar(value)}
        for name, array in arrays.items():
            if name == "frames" or array.dtype.kind not in "biuf":
                raise ValueError(f"clip {clip}: {name} of type {array.dtype} cannot be stored")
        group = self._group.create_group(_group_name(len(self._clips)))
        put_json(group.attrs, "scalars", {key: _plain(other) for key, other in others.items() if key not in arrays})
        step = min(max(1, len(images)), max(1, _CHUNK // max(1, images[:1].nbytes)))
        put_array(group, "frames", images, self._compression, chunks=(step, *images.shape[1:]))
        for name, array in arrays.items():
            put_array(group, name, array, self._compression)
        self._clips.append(clip)

    def exclude(self, clip: str, subject: str | None, stage: str, reason: str) -> None:
        """Record a clip that is left out: the stage that left it out, and why."""
        if not (clip and stage and reason):
            raise ValueError("an exclusion names the clip, the stage and the reason")
        self._excluded.append(Exclusion(clip, subject, stage, reason))

    def finish(self) -> None:
        """Write the names and the exclusions; `write_shard` calls it."""
        put_array(self._file, "clip", encode_texts(self._clips))
        put_exclusions(self._file, self._excluded)


def _group_name(number: int) -> str:
    return f"{number:06d}"


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | bool | int | float | np.generic)


def _plain(value: object) -> object:
    """Turn a numpy scalar into Python's, for JSON."""
    return value.item() if isinstance(value, np.generic) else value
