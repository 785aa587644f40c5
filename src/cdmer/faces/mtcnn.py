"""MTCNN (Zhang et al. 2016, doi:10.1109/LSP.2016.2603342), as facenet-pytorch implements it, with its weights.

The detector of MADTN. The weights lie inside the package facenet-pytorch; Zhang's training data were WIDER FACE, whose
boxes hold a face from the forehead to the chin.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.faces.torchvision_stand_in import torchvision_at_hand

DEPENDS_ON_LIBRARIES = ("facenet_pytorch",)  # the weights are in it

SMALLEST_FACE = 20  # pixels; facenet-pytorch's default


def detect(image: NDArray[np.uint8], upsample: int) -> NDArray[np.float32]:
    """The faces of an image, as `cdmer.faces.detect.detect_faces` describes them; the score is a probability."""
    return detect_with_points(image, upsample)[0]


def detect_with_points(image: NDArray[np.uint8], upsample: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Faces and their five points.

    Parameters
    ----------
    image
        uint8 (height, width) grey or (height, width, 3) RGB.
    upsample
        Each doubling halves the smallest face that is looked for, 20 pixels without.

    Returns
    -------
    faces
        float32 (faces, 5): x0, y0, x1, y1 in pixels, and the probability; largest first.
    points
        float32 (faces, 5, 2): x then y of the two eyes, the tip of the nose and the two corners of the mouth, left
        before right as seen in the image.
    """
    colored = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    smallest = SMALLEST_FACE / 2**upsample
    if min(image.shape[:2]) < smallest:  # its pyramid would be empty, which facenet-pytorch does not survive
        return np.empty((0, 5), np.float32), np.empty((0, 5, 2), np.float32)
    boxes, probabilities, points = _network(smallest).detect(colored, landmarks=True)
    if boxes is None:
        return np.empty((0, 5), np.float32), np.empty((0, 5, 2), np.float32)
    # object arrays are what facenet-pytorch returns
    faces = np.column_stack([boxes.astype(np.float32), probabilities.astype(np.float32)])
    return faces, points.astype(np.float32)


@cache
def _network(smallest: float) -> Any:
    try:
        with torchvision_at_hand():
            from facenet_pytorch import MTCNN
    except ImportError as error:
        raise CdmerError(
            f"MTCNN needs facenet-pytorch, which cannot be imported ({error})",
            "pip install --no-deps facenet-pytorch==2.6.0 requests, or choose `detector: dlib` in the faces recipe",
        ) from error
    return MTCNN(keep_all=True, min_face_size=smallest)
