"""The job of the frames stage: from aligned crops to the frames that a feature reads."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cdmer.progress import progress
from cdmer.store.shard import read_shard, write_shard


def make_frames(
    faces: str | Path,
    output: str | Path,
    network: str | Path | None = None,
    *,
    module: str,
    function: str,
    parameters: dict[str, Any],
    origin: Mapping[str, Any] | None = None,
) -> None:
    """Choose or make the frames of every clip of one subject.

    Parameters
    ----------
    faces
        The subject's shard of the faces stage.
    output
        The shard to write: for each clip its frames, uint8 or float32, what the faces stage knew of it, and what the
        recipe found out: with an apex its number `apex`, its `apex_index` into the clip and the `apex_method`.
    network
        The weights of the recipe's own network, which the parameters name only.
    module, function, parameters
        What makes the frames of a clip: (`cdmer.store.shard.ClipRecord`, **parameters) -> (frames, facts).
    origin
        What the shard says of its making beside its stage and the faces that it was made from: recipe, code digest.
    """
    make: Callable[..., Any] = getattr(importlib.import_module(module), function)
    given = {**parameters, "network": str(network)} if network else parameters
    source = read_shard(faces)
    with write_shard(output, attrs={"stage": "frames", **(origin or {}), "faces": source.attrs}) as shard:
        for excluded in source.excluded:
            shard.exclude(*excluded)
        for clip in progress(source.clips, f"frames {Path(faces).stem}"):
            record = source[clip]
            frames, facts = make(record, **given)
            shard.add(clip, frames, **{**record.others, **facts})
