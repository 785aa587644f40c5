"""Coarse-to-fine variational optical flow.

Liu, "Beyond pixels: exploring new representations and applications for motion analysis", PhD thesis, MIT 2009,
appendix A: a pyramid of images; at each level the second image is warped by the flow so far, and an increment follows
from robust data and smoothness terms, whose linear systems are solved by successive over-relaxation
(`cdmer.motion.variational` holds the mathematics). As in his program, an image has three channels, the grey value and
its two derivatives, the pyramid shrinks by 3/4, each level has seven warps of thirty sweeps, and derivatives are taken
of a mixture of both images, 0.4 to 0.6.

Chosen here: the weight of smoothness, 0.05 for grey levels from 0 to 1 (his is 0.012 for his own scaling); where the
flow leads out of the second image only smoothness counts; sweeps run over red and black pixels in turn, with both
components of a pixel together; images are warped by bicubic interpolation.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.motion.variational import differentiate, empty_quarters, linearise, padded, relax

Floats = NDArray[np.float32]

_DERIVATIVE = np.array([[1, -8, 0, 8, -1]], np.float32) / 12
_LEAST_SIDE = 4  # pixels, of the coarsest level


def coarse_to_fine(
    first: Floats,
    second: Floats,
    *,
    alpha: float = 0.05,
    ratio: float = 0.75,
    min_width: int = 20,
    warps: int = 7,
    inner: int = 1,
    sweeps: int = 30,
    omega: float = 1.8,
    guard: float = 0.001,
    share: float = 0.4,
) -> Floats:
    """The flow of two grey frames; called by `cdmer.motion.optical_flow`.

    Parameters
    ----------
    first, second
        float32 (height, width), grey levels from 0 to 255.
    alpha
        Weight of smoothness, for grey levels from 0 to 1.
    ratio, min_width
        Each level of the pyramid has `ratio` times the size of the one below, down to `min_width` pixels on the
        shorter side.
    warps, inner, sweeps
        Warps a level, linear systems a warp, sweeps of over-relaxation a system.
    omega
        The factor of over-relaxation, between 0 and 2.
    guard
        The eps of the robust penalty sqrt(s^2 + eps^2), in grey levels from 0 to 1 and in pixels.
    share
        Of the first image in the mixture that is differentiated.

    Returns
    -------
    array
        float32 (height, width, 2), x then y.

    Raises
    ------
    CdmerError
        A parameter out of range.
    """
    _check(alpha, ratio, min_width, warps, inner, sweeps, omega, guard, share)
    levels = zip(pyramid(first, ratio, min_width), pyramid(second, ratio, min_width), strict=True)
    flow = np.zeros((2, 0, 0), np.float32)
    for one, two in reversed(list(levels)):
        flow = _enlarged(flow, *one.shape)
        first_channels = np.stack(list(channels(one)))
        second_channels = np.stack([padded(plane) for plane in channels(two)])
        quarters = empty_quarters(*one.shape)
        derivatives, inside = np.empty((3, 3, *one.shape), np.float32), np.empty(one.shape, np.float32)
        for _ in range(warps):
            differentiate(first_channels, second_channels, flow, float(share), inside, derivatives)
            warped_by = flow.copy()
            for _ in range(inner):
                linearise(derivatives, inside, warped_by, flow, float(alpha), float(guard), float(omega), quarters)
                relax(quarters, int(sweeps), float(omega), flow)
    return np.ascontiguousarray(flow.transpose(1, 2, 0))


def pyramid(image: Floats, ratio: float, min_width: int) -> list[Floats]:
    """An image from 0 to 1 at all levels, finest first; each is smoothed before it is shrunk."""
    levels = [image / np.float32(255)]
    height, width = image.shape
    scale = ratio
    while min(levels[-1].shape) * ratio >= max(min_width, _LEAST_SIDE):
        smooth = cv2.GaussianBlur(levels[-1], (0, 0), 1 / ratio - 1, borderType=cv2.BORDER_REPLICATE)
        size = round(width * scale), round(height * scale)
        levels.append(np.asarray(cv2.resize(smooth, size, interpolation=cv2.INTER_CUBIC), np.float32))
        scale *= ratio
    return levels


def channels(image: Floats) -> Iterator[Floats]:
    """The grey value and its five-point derivatives along x and y."""
    yield image
    for derivative in (_DERIVATIVE, _DERIVATIVE.T):
        yield np.asarray(cv2.filter2D(image, -1, derivative, borderType=cv2.BORDER_REPLICATE), np.float32)


def _enlarged(flow: Floats, height: int, width: int) -> Floats:
    """The flow of the level above, or none, at the size of this one."""
    _, rows, columns = flow.shape
    if not rows:
        return np.zeros((2, height, width), np.float32)
    size, factors = (width, height), (width / columns, height / rows)
    larger = [cv2.resize(plane, size, interpolation=cv2.INTER_CUBIC) for plane in flow]
    return np.stack([plane * np.float32(factor) for plane, factor in zip(larger, factors, strict=True)])


def _check(
    alpha: float,
    ratio: float,
    min_width: int,
    warps: int,
    inner: int,
    sweeps: int,
    omega: float,
    guard: float,
    share: float,
) -> None:
    ranges = {
        "alpha > 0": alpha > 0,
        "0.3 <= ratio <= 0.95": 0.3 <= ratio <= 0.95,
        "min_width >= 1": min_width >= 1,
        "warps, inner and sweeps >= 1": min(warps, inner, sweeps) >= 1,
        "0 < omega < 2": 0 < omega < 2,
        "guard > 0": guard > 0,
        "0 <= share <= 1": 0 <= share <= 1,
    }
    for needed, holds in ranges.items():
        if not holds:
            raise CdmerError(f"optical flow by coarse_to_fine needs {needed}", "correct that parameter")
