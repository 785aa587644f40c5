"""The flow from onset to apex at a small size: the input of FR, STSTNet, OFF-ApexNet and Dual-Inception.

Zhou et al., "Feature refinement", Pattern Recognition 2022, section 3.1, reads the planes u and v at 28 x 28; Liong et
al., "Shallow triple stream three-dimensional CNN (STSTNet)", FG 2019, the optical strain as a third. The flow is
computed at the size of the crops, the same for all databases, and so is its strain; then each plane is resized.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.motion.clip_flow import FlowOptions, check_count
from cdmer.motion.resizing import Resampling, resize_flow, resize_plane
from cdmer.motion.strain import optical_strain
from cdmer.store.shard import ClipRecord

PLANES = ("u", "v", "strain")


def onset_apex_flow_of_record(
    record: ClipRecord,
    *,
    planes: Sequence[str] = ("u", "v"),
    size: int = 28,
    resampling: Resampling = "bilinear",
    method: str = "tvl1",
    flow_parameters: Mapping[str, Any] | None = None,
    stabilise: bool = False,
) -> NDArray[np.float32]:
    """The one sample of a clip.

    Parameters
    ----------
    record
        Onset and apex, from the frames stage.
    planes
        Of ``u``, ``v`` and ``strain``, in the order wanted.
    size, resampling
        The side of the planes, and how they get there.
    method, flow_parameters, stabilise
        As for `cdmer.motion.optical_flow` and `cdmer.motion.stabilise`.

    Returns
    -------
    array
        float32 (1, planes, size, size): u and v in pixels of the small planes, the strain without unit.

    Raises
    ------
    CdmerError
        Other frames than two, frames that no flow can be found between, an unknown plane.
    """
    check_count(record, 2, "this feature reads onset and apex", "`moments: [onset, apex]`")
    if not planes or set(planes) - set(PLANES):
        raise CdmerError(f"planes {list(planes)} of a flow", f"choose some of {', '.join(PLANES)}")
    flow = FlowOptions(method, flow_parameters or {}, stabilise).between(record, 0, 1)
    small = resize_flow(flow, size, resampling)
    found = {"u": small[..., 0], "v": small[..., 1]}
    if "strain" in planes:
        found["strain"] = resize_plane(optical_strain(flow), size, resampling)
    return np.stack([found[plane] for plane in planes])[None]
