"""The input of MERSiamC3D: the flows between neighbouring key-frames.

Zhao et al., "A two-stage 3D CNN based learning method for spontaneous micro-expression recognition", Neurocomputing
2021: ten flows between eleven key-frames, by Farnebäck's method. Whether the network reads u and v, or also the
magnitude that the paper defines, is not said.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.motion.clip_flow import FlowOptions
from cdmer.store.shard import ClipRecord


def keyframe_flows_of_record(
    record: ClipRecord,
    *,
    magnitude: bool = False,
    method: str = "farneback",
    flow_parameters: Mapping[str, Any] | None = None,
    stabilise: bool = False,
) -> NDArray[np.float32]:
    """The one sample of a clip.

    Parameters
    ----------
    record
        Key-frames, from the frames stage.
    magnitude
        Whether the vectors' length is a third channel.
    method, flow_parameters, stabilise
        As for `cdmer.motion.optical_flow` and `cdmer.motion.stabilise`.

    Returns
    -------
    array
        float32 (1, 2 or 3, key-frames - 1, height, width), in pixels. Between a key-frame and its copy it is 0.
    """
    steps = len(record.frames) - 1
    if steps < 1:
        raise CdmerError("one frame, but flows need two", "use a frames recipe with `interpolation: keyframes`")
    options = FlowOptions(method, flow_parameters or {}, stabilise)
    flows = np.stack([options.between(record, step, step + 1) for step in range(steps)])
    channels = flows.transpose(3, 0, 1, 2)
    if magnitude:
        channels = np.concatenate([channels, np.hypot(channels[0], channels[1])[None]])
    return np.ascontiguousarray(channels)[None]
