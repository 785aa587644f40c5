"""Landmarks where the crops are, for the stages that read them."""

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.store.shard import ClipRecord


def landmarks_in_crop(record: ClipRecord) -> NDArray[np.float32]:
    """The landmarks of a clip's onset frame, in pixels of its crops.

    Parameters
    ----------
    record
        A clip of a shard of the faces stage, or of a later one that kept the size of the crops.

    Returns
    -------
    array
        float32 (68, 2): x then y.

    Raises
    ------
    CdmerError
        The clip came cropped (`detector: none`), so nobody looked for landmarks.
    """
    if "landmarks" not in record:
        raise CdmerError(
            f"clip {record.name} has no landmarks: its faces recipe took the frames as they are (`detector: none`)",
            "use a faces recipe with a detector, on recordings that are not cropped yet",
        )
    matrix = record["transform"]
    points: NDArray[np.float32] = (record["landmarks"] @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return points
