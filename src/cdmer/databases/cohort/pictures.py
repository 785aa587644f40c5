"""Resampling and blurring of float32 pictures: OpenCV's functions with the types that the cohort needs."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]  # (height, width) or (height, width, channels)


def sampled(image: Image, lookup: NDArray[np.float32], interpolation: int, border: int = cv2.BORDER_REPLICATE) -> Image:
    """`image` at the points of `lookup`, (height, width, 2), x then y."""
    taken = cv2.remap(image, lookup, None, interpolation, borderMode=border)  # type: ignore[call-overload]
    return np.asarray(taken, np.float32)


def blurred(image: Image, sigma: float) -> Image:
    """A Gaussian blur of standard deviation `sigma` pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def resized(image: Image, width: int, height: int, interpolation: int = cv2.INTER_LINEAR) -> Image:
    """`image` stretched to a size, edges aligned."""
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.float32)


def to_lab(rgb: Image) -> Image:
    """RGB from 0 to 255 as CIE L*a*b*."""
    return np.asarray(cv2.cvtColor(rgb / np.float32(255), cv2.COLOR_RGB2LAB), np.float32)


def to_rgb(lab: Image) -> Image:
    """CIE L*a*b* as RGB from 0 to 255."""
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB).clip(0, 1) * 255, np.float32)
