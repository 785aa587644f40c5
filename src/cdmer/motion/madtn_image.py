"""The input of MADTN: a picture of two flows and a face.

Xia et al., "Motion attention deep transfer network for cross-database micro-expression recognition": red is the flow
from onset to middle frame as a grey image, green the grey middle frame, blue the flow from middle frame to offset. A
flow becomes grey by way of its colour picture (`cdmer.motion.colors`). Every frame of the central fifth serves as the
middle frame of a training sample; a test clip is seen by its exact middle frame.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.motion.clip_flow import FlowOptions
from cdmer.motion.colors import Code, encode_hsv
from cdmer.motion.grey import to_grey
from cdmer.store.shard import ClipRecord

SCALE = 1 / 255  # the store gives 0 to 1 back, which networks learn from


def madtn_image_of_record(
    record: ClipRecord,
    *,
    code: Code = "figure",
    limit: float | None = None,
    method: str = "farneback",
    flow_parameters: Mapping[str, Any] | None = None,
    stabilise: bool = False,
) -> NDArray[np.uint8]:
    """The samples of a clip: one for each central frame, that of the exact middle first.

    Parameters
    ----------
    record
        Onset, central frames and offset, from the frames stage, which says their indices.
    code, limit
        As for `cdmer.motion.encode_hsv`.
    method, flow_parameters, stabilise
        As for `cdmer.motion.optical_flow` and `cdmer.motion.stabilise`.

    Returns
    -------
    array
        uint8 (central frames, 3, height, width), stored with `SCALE`. Sample 0 is the middle
        frame's; the others follow in order of time.
    """
    indices = record.others.get("frame_indices", ())
    if len(indices) != len(record.frames) or len(indices) < 3:
        raise CdmerError(
            f"{len(record.frames)} frames, but MADTN reads onset, central frames and offset",
            "use a frames recipe with `moments: [onset, central, offset]`",
        )
    options, last = FlowOptions(method, flow_parameters or {}, stabilise), len(indices) - 1
    middle = int(indices[last]) // 2
    order = sorted(range(1, last), key=lambda place: (int(indices[place]) != middle, place))
    samples = []
    for place in order:
        pictures = [encode_hsv(options.between(record, *pair), code, limit) for pair in ((0, place), (place, last))]
        frame = record.frames[place]
        rise, fall = (to_grey(picture) for picture in pictures)
        samples.append(np.stack([rise, to_grey(frame) if frame.ndim == 3 else frame, fall]))
    return np.stack(samples)
