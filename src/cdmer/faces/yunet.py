"""YuNet (Wu et al. 2023, doi:10.1007/s11633-023-1423-y), the present form of libfacedetection, run by OpenCV.

The detector of FR. Its weights come with no package: a person puts the file of the OpenCV model zoo (MIT licence) at
`weights_place`. Any other file is refused, so that the code alone says which numbers come out.
"""

import hashlib
import os
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError

WEIGHTS = "face_detection_yunet_2023mar.onnx"
# as the model zoo's own pointer file states them
SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
SOURCE = f"https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/{WEIGHTS}"

LEAST_SCORE, MOST_OVERLAP, MOST_CANDIDATES = 0.6, 0.3, 5000  # the model zoo's own settings
LONGER_SIDE = 320  # pixels: the network knows faces of 10 to 300, and faces fill half the height of a recording


def detect(image: NDArray[np.uint8], upsample: int) -> NDArray[np.float32]:
    """The faces of an image, as `cdmer.faces.detect.detect_faces` describes them; the score is in 0 .. 1.

    The image is brought to a longer side of 320 pixels, doubled `upsample` times.

    Raises
    ------
    CdmerError
        The weights are not in their place, or the file there is another one.
    """
    height, width = image.shape[:2]
    scale = LONGER_SIDE * 2**upsample / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    bgr = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR if image.ndim == 2 else cv2.COLOR_RGB2BGR)
    network = _network(str(weights()))
    network.setInputSize(size)
    found = network.detect(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))[1]
    if found is None:
        return np.empty((0, 5), np.float32)
    x, y, wide, high = found[:, :4].T / np.array([[size[0] / width], [size[1] / height]] * 2)
    return np.column_stack([x, y, x + wide, y + high, found[:, 14]]).astype(np.float32)


def weights_place() -> Path:
    """Where the weights belong: `cdmer` in the user's cache folder, whether they are there or not."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cdmer" / WEIGHTS


def weights() -> Path:
    """The weights' file, checked.

    Raises
    ------
    CdmerError
        It is not there, or it is another file than the one published.
    """
    place = weights_place()
    remedy = f"curl --create-dirs --location --output {place} {SOURCE}"
    if not place.is_file():
        raise CdmerError(f"the weights of YuNet are not at {place}", remedy)
    content = place.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise CdmerError(
            f"{place} ({len(content)} bytes) is not the file that the OpenCV model zoo published (SHA-256 {SHA256})",
            remedy,
        )
    return place


@cache
def _network(path: str) -> cv2.FaceDetectorYN:
    return cv2.FaceDetectorYN.create(path, "", (LONGER_SIDE, LONGER_SIDE), LEAST_SCORE, MOST_OVERLAP, MOST_CANDIDATES)
