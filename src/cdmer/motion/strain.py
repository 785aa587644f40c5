"""Optical strain: how much a flow deforms the face, whatever it moves as a whole."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError


def optical_strain(
    flow: NDArray[np.float32], derivative: Literal["central", "sobel"] = "central"
) -> NDArray[np.float32]:
    """The magnitude of the strain tensor, sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2).

    Shreve et al., "Macro- and micro-expression spotting in long videos using spatio-temporal strain", FG 2011, as
    STSTNet (Liong et al. 2019) takes it. It has no unit: pixels by pixels. A shift has none; a small turn by the angle
    a has almost none (of second order in a).

    Parameters
    ----------
    flow
        (height, width, 2), at least 2 pixels a side.
    derivative
        ``central`` differences, one-sided at the border; or ``sobel``, 3 x 3, divided by 8 so that its unit is the
        same (some public programs leave that out, which makes their strain eight times as large).

    Returns
    -------
    array
        float32 (height, width).

    Raises
    ------
    CdmerError
        No flow, too small a one, or one that is not finite; an unknown derivative.
    """
    if flow.ndim != 3 or flow.shape[2] != 2 or min(flow.shape[:2]) < 2:
        raise CdmerError(
            f"no optical strain of an array {flow.shape}", "give a flow (height, width, 2) of at least 2 x 2 pixels"
        )
    if derivative not in ("central", "sobel"):
        raise CdmerError(f"optical strain has no derivative {derivative!r}", "choose central or sobel")
    planes = np.asarray(flow, np.float32)
    if not np.isfinite(planes).all():
        raise CdmerError("no optical strain of a flow that is not finite", "mend what computed it")
    if derivative == "central":
        (uy, ux), (vy, vx) = (np.gradient(planes[..., component]) for component in (0, 1))
    else:
        (uy, ux), (vy, vx) = (_sobel(planes[..., component]) for component in (0, 1))
    return np.asarray(np.sqrt(ux**2 + vy**2 + (uy + vx) ** 2 / 2), np.float32)


def _sobel(plane: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Derivatives along y and x."""
    single = np.ascontiguousarray(plane)
    along_y = cv2.Sobel(single, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
    along_x = cv2.Sobel(single, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(along_y, np.float32), np.asarray(along_x, np.float32)
