"""The job of the features stage: from clips of a fixed length to a subject's part of a feature store."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cdmer.errors import CdmerError
from cdmer.progress import progress
from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import read_shard


def compute_features(
    frames: str | Path,
    output: str | Path,
    *,
    module: str,
    reads: Literal["clip", "record", "part"] = "clip",
    parameters: dict[str, Any],
    provenance: dict[str, Any],
    code: str,
) -> None:
    """Describe every clip of one subject.

    Parameters
    ----------
    frames
        The subject's shard of the frames stage.
    output
        The feature store to write.
    module, parameters
        The descriptor's module, and the keyword arguments of its function.
    reads
        ``clip``: the function has the module's own name, and gives a clip's frames one row; ``record``: it is called
        NAME_of_record, and gives a `cdmer.store.shard.ClipRecord` its samples, (samples, ...); ``part``: `frames` is
        the subject's part of another feature's store, and the function, called NAME_of_part, is given a clip's samples
        and that feature's recipe. A module whose samples are 8-bit says by its ``SCALE`` what one step of them is.
    provenance
        What the store says of its origin (docs/store-format.md), without the code digest.
    code
        Digest of the code that runs.

    Raises
    ------
    CdmerError
        A clip that the descriptor cannot describe, or a shard that cannot be read.
    """
    suffix = "" if reads == "clip" else f"_of_{reads}"
    made_by = importlib.import_module(module)
    describe: Callable[..., Any] = getattr(made_by, module.rpartition(".")[2] + suffix)
    if reads == "part":
        _derive(FeatureStore(frames), output, describe, parameters, {**provenance, "code_digest": code})
        return
    source = read_shard(frames)
    origin = {**provenance, "code_digest": code, "frames": source.attrs}
    with FeatureStore.writer(output, provenance=origin, scale=getattr(made_by, "SCALE", None)) as store:
        for clip in progress(source.clips, f"features {Path(frames).stem}"):
            record = source[clip]
            try:
                samples = describe(record, **parameters) if suffix else describe(record.frames, **parameters)[None]
            except CdmerError as error:
                raise CdmerError(f"{frames}: clip {clip}: {error.problem}", error.remedy) from error
            store.add(clip, samples, record["subject"], record["emotion"])
        for excluded in source.excluded:
            store.exclude(*excluded)


def _derive(
    part: FeatureStore,
    output: str | Path,
    describe: Callable[..., Any],
    parameters: dict[str, Any],
    provenance: dict[str, Any],
) -> None:
    """Make the part of a feature of that of another one."""
    rows, made = part.load(), part.provenance
    origin = {**provenance, "frames": made.get("frames"), "made_of": {key: made[key] for key in ("feature", "recipe")}}
    with FeatureStore.writer(output, provenance=origin) as store:
        for clip in dict.fromkeys(rows.clip.tolist()):
            of_clip = np.flatnonzero(rows.clip == clip)
            try:
                samples = describe(rows.X[of_clip], made["recipe"]["descriptor"], **parameters)
            except CdmerError as error:
                raise CdmerError(f"{part.path}: clip {clip}: {error.problem}", error.remedy) from error
            store.add(clip, samples, rows.subject[of_clip[0]], rows.emotion[of_clip[0]])
        for excluded in part.excluded:
            store.exclude(*excluded)
