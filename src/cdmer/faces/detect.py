"""Face detection: one function in front of the detectors, each a module of its own that is loaded when it is used."""

from importlib import import_module

import numpy as np
from numpy.typing import NDArray

# Each has `detect(image, upsample)`. Named, not imported: a job's code digest holds the detector in use alone, so a
# new torch recomputes nothing for those who use dlib.
DETECTORS = {
    "dlib": "cdmer.faces.dlib_hog",
    "mtcnn": "cdmer.faces.mtcnn",
    "yunet": "cdmer.faces.yunet",
}
LANDMARKS = "cdmer.faces.landmarks"


def detect_faces(image: NDArray[np.uint8], method: str = "dlib", upsample: int = 0) -> NDArray[np.float32]:
    """Find the faces of an image.

    Parameters
    ----------
    image
        uint8 (height, width) grey or (height, width, 3) RGB.
    method
        ``dlib``: histogram of oriented gradients; ``mtcnn``: Zhang et al. (2016), as in facenet-pytorch; ``yunet``:
        the present form of libfacedetection, whose weights are to be downloaded (`cdmer doctor` says from where).
    upsample
        How often the image is doubled first. With dlib, faces under some 80 pixels are missed without; each doubling
        costs four times the time and may add false faces.

    Returns
    -------
    array
        float32 (faces, 5): x0, y0, x1, y1 in pixels, and the detector's score; best first, (0, 5) where there is none.
        A box may reach beyond the image where its border cuts a face.

    Raises
    ------
    CdmerError
        The detector's weights, or the packages that it runs on, are not there.
    ValueError
        No such detector, or no 8-bit image.
    """
    if method not in DETECTORS:
        raise ValueError(f"there is no detector {method!r}; known: {', '.join(DETECTORS)}")
    array = np.ascontiguousarray(image)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise ValueError(f"expected uint8 (height, width) or (height, width, 3), got {array.dtype} {array.shape}")
    faces = np.asarray(import_module(DETECTORS[method]).detect(array, upsample), dtype=np.float32).reshape(-1, 5)
    return faces[np.argsort(-faces[:, 4], kind="stable")]


def code_of_faces(detector: str) -> tuple[str, ...]:
    """The modules that find a recipe's faces, beside those that the job names itself."""
    return () if detector == "none" else (DETECTORS[detector], LANDMARKS)
