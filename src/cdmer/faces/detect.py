"""Face detection and 68 landmarks with dlib.

The detector is dlib's histogram of oriented gradients; the landmarks are those of Kazemi and Sullivan (2014), with the
weights that come with the package face_recognition_models. They were trained on iBUG 300-W, whose licence excludes
commercial use.
"""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import dlib
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cdmer.errors import CdmerError

DEPENDS_ON_LIBRARIES = ("face_recognition_models",)

LANDMARK_WEIGHTS = "shape_predictor_68_face_landmarks.dat"


def detect_faces(image: NDArray[np.uint8], method: str = "dlib", upsample: int = 0) -> NDArray[np.float32]:
    """Find the faces of an image.

    Parameters
    ----------
    image
        uint8 (height, width) grey or (height, width, 3) RGB.
    method
        ``dlib``: the HOG detector.
    upsample
        How often the image is doubled first. Without, faces under some 80 pixels are missed; each doubling costs
        four times the time and may add false faces.

    Returns
    -------
    array
        float32 (faces, 5): x0, y0, x1, y1 in pixels, and the detector's score; best first, (0, 5) where there is none.
    """
    if method != "dlib":
        raise ValueError(f"there is no detector {method!r}; known: dlib")
    rectangles, scores, _ = _detector().run(_image(image), upsample, 0.0)
    faces = [
        (box.left(), box.top(), box.right() + 1, box.bottom() + 1, score)
        for box, score in zip(rectangles, scores, strict=True)
    ]
    faces.sort(key=lambda face: -face[4])
    return np.asarray(faces, dtype=np.float32).reshape(-1, 5)


def find_landmarks(image: NDArray[np.uint8], box: ArrayLike) -> NDArray[np.float32]:
    """The 68 landmarks of the face in a box.

    Parameters
    ----------
    image
        uint8 (height, width) grey or (height, width, 3) RGB.
    box
        x0, y0, x1, y1 in pixels, as `detect_faces` returns them (a score behind them is ignored).

    Returns
    -------
    array
        float32 (68, 2): x then y in pixels, in the order of iBUG 300-W (0-16 jaw, 17-26 brows, 27-35 nose,
        36-41 and 42-47 eyes, 48-67 mouth).
    """
    x0, y0, x1, y1 = (round(float(value)) for value in np.asarray(box, dtype=float)[:4])
    shape = _predictor()(_image(image), dlib.rectangle(x0, y0, x1 - 1, y1 - 1))
    return np.asarray([(point.x, point.y) for point in shape.parts()], dtype=np.float32)


def landmark_weights() -> Path:
    """Where the landmark weights are.

    Raises
    ------
    CdmerError
        The package that brings them is not installed.
    """
    # The package itself cannot be imported with today's setuptools; its files can be found.
    spec = importlib.util.find_spec("face_recognition_models")
    folders = [Path(folder) / "models" for folder in (spec.submodule_search_locations or ())] if spec else []
    for folder in folders:
        if (folder / LANDMARK_WEIGHTS).exists():
            return folder / LANDMARK_WEIGHTS
    raise CdmerError(
        f"the landmark weights {LANDMARK_WEIGHTS} are not installed",
        "pip install face_recognition_models==0.3.0, or run `make setup`",
    )


def _image(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    array = np.ascontiguousarray(image)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise ValueError(f"expected uint8 (height, width) or (height, width, 3), got {array.dtype} {array.shape}")
    return array


@cache
def _detector() -> Any:
    return dlib.get_frontal_face_detector()


@cache
def _predictor() -> Any:
    return dlib.shape_predictor(str(landmark_weights()))
