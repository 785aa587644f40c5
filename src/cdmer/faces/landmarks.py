"""68 landmarks by Kazemi and Sullivan (2014), as dlib implements them.

The weights come with the package face_recognition_models. They were trained on iBUG 300-W, whose licence excludes
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
    array = np.ascontiguousarray(image)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise ValueError(f"expected uint8 (height, width) or (height, width, 3), got {array.dtype} {array.shape}")
    x0, y0, x1, y1 = (round(float(value)) for value in np.asarray(box, dtype=float)[:4])
    shape = _predictor()(array, dlib.rectangle(x0, y0, x1 - 1, y1 - 1))
    return np.asarray([(point.x, point.y) for point in shape.parts()], dtype=np.float32)


def as_dlib_box(box: ArrayLike) -> NDArray[np.float32]:
    """The square that dlib's own detector would draw around the face in a box from forehead to chin.

    The landmarks were trained on dlib's boxes; from MTCNN's or YuNet's they are found twice as far from where dlib's
    own box finds them. Side and place are the medians over 41 faces that dlib and MTCNN both find (docs/faces.md).

    Parameters
    ----------
    box
        x0, y0, x1, y1 in pixels, from the forehead to the chin and from cheek to cheek.

    Returns
    -------
    array
        float32 (4,): x0, y0, x1, y1.
    """
    corners = np.asarray(box, dtype=float)[:4].reshape(2, 2)
    extent = float(np.sqrt(np.prod(corners[1] - corners[0])))
    middle = corners.mean(0) + np.array([0, 0.07 * extent])
    half = 0.957 * extent / 2
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


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


@cache
def _predictor() -> Any:
    return dlib.shape_predictor(str(landmark_weights()))
