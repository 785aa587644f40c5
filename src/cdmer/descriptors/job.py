"""The job of the features stage: from clips of a fixed length to a subject's part of a feature store."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cdmer.errors import CdmerError
from cdmer.progress import progress
from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import read_shard


def compute_features(
    frames: str | Path,
    output: str | Path,
    *,
    module: str,
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
        The feature store to write, one row a clip.
    module, parameters
        The descriptor's module, which holds a function of the same name, and its keyword arguments.
    provenance
        What the store says of its origin (docs/store-format.md), without the code digest.
    code
        Digest of the code that runs.

    Raises
    ------
    CdmerError
        A clip that the descriptor cannot describe, or a shard that cannot be read.
    """
    describe: Callable[..., Any] = getattr(importlib.import_module(module), module.rpartition(".")[2])
    source = read_shard(frames)
    with FeatureStore.writer(output, provenance={**provenance, "code_digest": code}) as store:
        for clip in progress(source.clips, f"features {Path(frames).stem}"):
            record = source[clip]
            try:
                row = describe(record.frames, **parameters)
            except CdmerError as error:
                raise CdmerError(f"{frames}: clip {clip}: {error.problem}", error.remedy) from error
            store.add(clip, row[None], record["subject"], record["emotion"])
        for excluded in source.excluded:
            store.exclude(*excluded)
