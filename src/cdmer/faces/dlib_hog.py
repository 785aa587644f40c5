"""dlib's detector: histograms of oriented gradients on a pyramid (King 2015, arXiv:1502.00046)."""

from functools import cache
from typing import Any

import dlib
import numpy as np
from numpy.typing import NDArray


def detect(image: NDArray[np.uint8], upsample: int) -> NDArray[np.float32]:
    """The faces of an image, as `cdmer.faces.detect.detect_faces` describes them; the score is the SVM's margin."""
    rectangles, scores, _ = _detector().run(image, upsample, 0.0)
    faces = [
        (box.left(), box.top(), box.right() + 1, box.bottom() + 1, score)
        for box, score in zip(rectangles, scores, strict=True)
    ]
    return np.asarray(faces, dtype=np.float32).reshape(-1, 5)


@cache
def _detector() -> Any:
    return dlib.get_frontal_face_detector()
