"""Optical flow between two frames, by any of four methods."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.motion.grey import grey_levels
from cdmer.motion.methods import DEFAULTS, MODULES

Flow = NDArray[np.float32]

_OVERSHOOT = 64  # grey levels: temporal interpolation may leave the range a little, other scales leave it far
_LEAST = 16  # pixels a side: below, no method has a level to work on


def optical_flow(first: NDArray[Any], second: NDArray[Any], method: str = "tvl1", **parameters: Any) -> Flow:
    """The motion from one frame to another.

    Parameters
    ----------
    first, second
        Frames of one size, (height, width) grey or (height, width, 3) RGB, uint8 or floating point from 0 to 255;
        at least 16 pixels a side. Colour is turned into grey, 0.299 R + 0.587 G + 0.114 B.
    method
        ``tvl1`` (Zach, Pock and Bischof 2007), ``farneback`` (Farnebäck 2003) and ``dis`` (Kroeger et al. 2016), all
        by OpenCV, or ``coarse_to_fine`` (Liu 2009), written here. docs/motion.md compares them.
    parameters
        Those of the method, by name (`cdmer.motion.methods.DEFAULTS`).

    Returns
    -------
    array
        float32 (height, width, 2), x then y: the pixel (x, y) of `first` is found at (x + u, y + v) of `second`; x
        points right and y down. Between a frame and itself it is 0, whatever the method.

    Raises
    ------
    CdmerError
        Frames that differ in size, are too small, hold NaN, or are all of one value; an unknown method or parameter.
    """
    check_method(method, parameters)
    pair = _image(first, "first"), _image(second, "second")
    if pair[0].shape != pair[1].shape:
        sizes = " and ".join(f"{image.shape[0]} x {image.shape[1]}" for image in pair)
        raise CdmerError(f"optical flow between frames of {sizes} pixels", "give two frames of one size")
    if np.array_equal(*pair):  # where nothing moves; at its border OpenCV's Farneback would see something all the same
        return np.zeros((*pair[0].shape, 2), np.float32)
    compute: Callable[..., Flow] = getattr(importlib.import_module(MODULES[method]), method)
    try:
        flow = compute(*pair, **parameters)
    except cv2.error as error:
        raise CdmerError(
            f"OpenCV refuses optical flow by {method} with {parameters or 'its defaults'}: {error.err}",
            "correct the parameters (docs/motion.md)",
        ) from error
    if not np.isfinite(flow).all():
        raise CdmerError(
            f"optical flow by {method} did not converge with {parameters or 'its defaults'}",
            "take parameters nearer to the defaults, or another method",
        )
    return flow


def check_method(method: str, parameters: Mapping[str, Any]) -> None:
    """Refuse a method or a parameter that there is not, with a `CdmerError`."""
    if method not in MODULES:
        raise CdmerError(f"there is no optical flow method {method!r}", f"choose one of {', '.join(MODULES)}")
    for name in parameters:
        if name not in DEFAULTS[method]:
            raise CdmerError(
                f"optical flow by {method} has no parameter {name!r}", f"its parameters: {', '.join(DEFAULTS[method])}"
            )


def as_bytes(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Grey levels rounded half up to 8 bits, for methods that read nothing else."""
    return np.asarray(np.clip(np.floor(image + np.float32(0.5)), 0, 255), np.uint8)


def _image(frame: NDArray[Any], which: str) -> NDArray[np.float32]:
    """A frame in grey levels, float32 (height, width), checked."""
    image = np.asarray(frame)
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or image.dtype.kind not in "uif":
        raise CdmerError(
            f"the {which} frame is {image.dtype} {image.shape}",
            "give grey (height, width) or RGB (height, width, 3), uint8 or floating point from 0 to 255",
        )
    if min(image.shape[:2]) < _LEAST:
        raise CdmerError(
            f"the {which} frame has {image.shape[0]} x {image.shape[1]} pixels, too few for optical flow",
            f"give frames of at least {_LEAST} pixels a side: a faces recipe with a larger `size`",
        )
    if image.dtype.kind == "f" and not np.isfinite(image).all():
        raise CdmerError(
            f"the {which} frame holds {np.count_nonzero(~np.isfinite(image))} values that are not finite",
            "give frames without NaN; look at what made them",
        )
    lowest, highest = image.min(), image.max()
    if lowest == highest:
        color = "black" if highest == 0 else f"of the value {highest:g}"
        raise CdmerError(
            f"the {which} frame is all {color}: nothing in it can be seen to move",
            "look at the recording and the crop, and leave the clip out if it is empty",
        )
    if lowest < -_OVERSHOOT or highest > 255 + _OVERSHOOT or (image.dtype.kind == "f" and highest <= 1):
        raise CdmerError(
            f"the {which} frame has values from {lowest:g} to {highest:g}",
            "give grey levels from 0 to 255",
        )
    return np.ascontiguousarray(grey_levels(image) if image.ndim == 3 else image, dtype=np.float32)
