"""Flow between frames of a clip, as the recipes of the features stage ask for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.faces.crop_landmarks import landmarks_in_crop
from cdmer.motion.flow import optical_flow
from cdmer.motion.stabilisation import stabilise
from cdmer.store.shard import ClipRecord


@dataclass(frozen=True)
class FlowOptions:
    """How a recipe computes flow: the method, its parameters, and whether the head's motion is taken out."""

    method: str
    parameters: Mapping[str, Any]
    stabilise: bool

    def between(self, record: ClipRecord, first: int, second: int) -> NDArray[np.float32]:
        """The flow between two frames of a record, by index, float32 (height, width, 2) in pixels of the crop."""
        frames = record.frames
        flow = optical_flow(frames[first], frames[second], self.method, **self.parameters)
        return stabilise(flow, landmarks_in_crop(record)) if self.stabilise else flow


def check_count(record: ClipRecord, wanted: int, what: str, recipe: str) -> None:
    """Refuse a clip with another number of frames than a feature reads."""
    if len(record.frames) != wanted:
        raise CdmerError(f"{len(record.frames)} frames, but {what}", f"use a frames recipe that keeps {recipe}")
