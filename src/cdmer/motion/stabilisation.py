"""Taking a head's motion out of a flow."""

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError

NOSE_BRIDGE = slice(27, 31)  # of the 68 landmarks: bone, which no expression moves
_RADIUS = 0.1  # of the distance between the outer corners of the eyes
_OUTER_CORNERS = 36, 45


def stabilise(flow: NDArray[np.float32], landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Subtract the motion of the nose bridge, the median around its four landmarks.

    A head that shifts moves the whole face, the nose bridge too; a head that turns leaves a rest that grows from
    there outwards. docs/motion.md shows what it does to the error of the flow.

    Parameters
    ----------
    flow
        float32 (height, width, 2).
    landmarks
        (68, 2) in pixels of the flow's first frame, x then y.

    Returns
    -------
    array
        float32 (height, width, 2).

    Raises
    ------
    CdmerError
        The nose bridge lies outside the frame.
    """
    height, width = flow.shape[:2]
    bridge = landmarks[NOSE_BRIDGE]
    radius = max(1.0, _RADIUS * float(np.linalg.norm(np.subtract(*landmarks[list(_OUTER_CORNERS)]))))
    rows, columns = np.mgrid[:height, :width]
    apart = np.hypot(columns[..., None] - bridge[:, 0], rows[..., None] - bridge[:, 1]).min(-1)
    around = apart <= radius
    if not around.any():
        raise CdmerError(
            "the nose bridge lies outside the frame, so that the motion of the head is unknown",
            "look at the crop, or switch `stabilise` off",
        )
    return np.asarray(flow - np.median(flow[around], axis=0), np.float32)
