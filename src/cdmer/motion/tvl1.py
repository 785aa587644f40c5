"""TV-L1 optical flow, by OpenCV's contributed modules.

Zach, Pock and Bischof, "A duality based approach for realtime TV-L1 optical flow", DAGM 2007. OpenCV's results differ
from version to version at single pixels; the version is kept with every feature.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError


def tvl1(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    *,
    tau: float = 0.25,
    lam: float = 0.15,
    theta: float = 0.3,
    scales: int = 5,
    warps: int = 5,
    epsilon: float = 0.01,
    inner: int = 30,
    outer: int = 10,
    scale_step: float = 0.8,
    gamma: float = 0.0,
    median: int = 5,
) -> NDArray[np.float32]:
    """The flow of two grey frames; called by `cdmer.motion.optical_flow`.

    Parameters
    ----------
    first, second
        float32 (height, width), grey levels.
    tau, lam, theta, scales, warps, epsilon, inner, outer, scale_step, gamma, median
        As `cv2.optflow.DualTVL1OpticalFlow_create` has them, with its defaults: time step, weight of the data,
        tightness, pyramid, stopping criterion, iterations, and the median filter between them (1: none).
    """
    if not hasattr(cv2, "optflow"):
        raise CdmerError(
            f"OpenCV {cv2.__version__} is installed without its contributed modules, which hold TV-L1",
            "pip uninstall the other builds of OpenCV, and pip install opencv-contrib-python-headless",
        )
    solver = cv2.optflow.DualTVL1OpticalFlow.create()  # set one by one: a keyword of `create` is misspelt
    solver.setTau(tau)
    solver.setLambda(lam)
    solver.setTheta(theta)
    solver.setScalesNumber(scales)
    solver.setWarpingsNumber(warps)
    solver.setEpsilon(epsilon)
    solver.setInnerIterations(inner)
    solver.setOuterIterations(outer)
    solver.setScaleStep(scale_step)
    solver.setGamma(gamma)
    solver.setMedianFiltering(median)
    flow = np.zeros((*first.shape, 2), np.float32)
    scale = np.float32(1 / 255)  # of floating-point frames it expects values up to 1
    return np.asarray(solver.calc(first * scale, second * scale, flow), np.float32)
