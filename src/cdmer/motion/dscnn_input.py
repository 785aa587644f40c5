"""The input of DSCNN: the grey apex frame, and two flow fields.

Its paper gives the spatial stream the apex frame and the temporal stream the "optical flow displacement field between
three resized frames", by Liu's coarse-to-fine flow. How many channels that makes is not said; by default they are u
and v from onset to apex and from apex to offset.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cdmer.motion.clip_flow import FlowOptions, check_count
from cdmer.motion.grey import grey_levels
from cdmer.store.shard import ClipRecord

Planes = Literal["both", "rise", "both_with_lengths"]


def dscnn_input_of_record(
    record: ClipRecord,
    *,
    planes: Planes = "both",
    method: str = "coarse_to_fine",
    flow_parameters: Mapping[str, Any] | None = None,
    stabilise: bool = False,
) -> NDArray[np.float32]:
    """The one sample of a clip.

    Parameters
    ----------
    record
        Onset, apex and offset, from the frames stage, at the size of the network's input.
    planes
        What is kept of the flows: ``both`` (u, v, u, v), ``rise`` (u and v from onset to apex) or ``both_with_lengths``
        (u, v, length, u, v, length).
    method, flow_parameters, stabilise
        As for `cdmer.motion.optical_flow` and `cdmer.motion.stabilise`.

    Returns
    -------
    array
        float32 (1, 1 + planes, height, width): the apex frame's grey levels / 255, then the flow from onset to apex,
        and that from apex to offset, in pixels.
    """
    check_count(record, 3, "DSCNN reads onset, apex and offset", "`moments: [onset, apex, offset]`")
    options = FlowOptions(method, flow_parameters or {}, stabilise)
    rise, fall = options.between(record, 0, 1), options.between(record, 1, 2)
    apex = record.frames[1]
    grey = grey_levels(apex) if apex.ndim == 3 else apex.astype(np.float32)
    kept = [rise] if planes == "rise" else [rise, fall]
    if planes == "both_with_lengths":
        kept = [np.concatenate([flow, np.hypot(flow[..., :1], flow[..., 1:])], axis=-1) for flow in kept]
    flows = np.concatenate(kept, axis=-1).transpose(2, 0, 1)
    return np.concatenate([grey[None] / np.float32(255), flows])[None]
