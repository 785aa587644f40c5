"""Facial regions from the 68 landmarks: the 36 of MDMO and the 12 of 3DHOG.

The papers draw them; their exact outlines are nowhere written. The outlines here cover the same parts of the face, and
docs/descriptors.md shows them. Left and right are the picture's.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError

Points = NDArray[np.float64]

_MIRRORED = np.array(
    [
        *(*range(16, -1, -1), *range(26, 16, -1)),  # jaw, brows
        *(*range(27, 31), *range(35, 30, -1)),  # nose
        *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),  # eyes
        *(*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65),  # lips
    ]
)
_PARTS_OF_A_SIDE = (
    *("outer_forehead", "middle_forehead", "inner_forehead", "outer_lid", "inner_lid", "temple"),
    *("outer_lower_lid", "inner_lower_lid", "nose_side", "outer_cheek", "inner_cheek", "nasolabial_fold"),
    *("upper_lip", "mouth_corner", "lower_cheek", "lower_lip", "chin"),
)
MDMO_REGIONS = (
    *(f"{side}_{part}" for part in _PARTS_OF_A_SIDE for side in ("left", "right")),
    "glabella",
    "nose_root",
)


class Rectangle(NamedTuple):
    """Pixels from `top` to before `bottom`, from `left` to before `right`."""

    top: int
    bottom: int
    left: int
    right: int


# Landmarks that a region's rectangle holds, and how far it goes beyond them: left, top, right, bottom, in parts of the
# distance between the eyes.
_HOG_REGIONS: dict[str, tuple[Sequence[int], tuple[float, float, float, float]]] = {
    "forehead": (range(19, 25), (0, 0.6, 0, -0.15)),
    "left_brow": (range(17, 22), (0.05, 0.15, 0.05, 0.1)),
    "right_brow": (range(22, 27), (0.05, 0.15, 0.05, 0.1)),
    "glabella": ((21, 22, 27), (0.05, 0.15, 0.05, 0.05)),
    "left_eye": (range(36, 42), (0.12, 0.08, 0.12, 0.08)),
    "right_eye": (range(42, 48), (0.12, 0.08, 0.12, 0.08)),
    "left_cheek": ((36, 40, 41, 31), (0.05, -0.1, 0.0, 0.15)),
    "right_cheek": ((45, 46, 47, 35), (0.0, -0.1, 0.05, 0.15)),
    "nose": (range(28, 36), (0.08, 0, 0.08, 0.05)),
    "left_mouth_corner": ((48, 49, 59), (0.2, 0.12, 0.05, 0.12)),
    "right_mouth_corner": ((54, 53, 55), (0.05, 0.12, 0.2, 0.12)),
    "chin": ((58, 57, 56, 7, 8, 9), (0.05, 0.05, 0.05, 0)),
}
HOG_REGIONS = tuple(_HOG_REGIONS)


def mdmo_labels(landmarks: NDArray[np.float32], height: int, width: int) -> NDArray[np.int64]:
    """Which of the 36 regions each pixel belongs to, int64 (height, width); -1 for none.

    Where outlines cross, the region that comes first in `MDMO_REGIONS` has the pixel.

    Raises
    ------
    CdmerError
        No 68 finite landmarks, or regions that lie outside the frame.
    """
    from skimage.draw import polygon

    labels = np.full((height, width), -1, np.int64)
    outlines = mdmo_outlines(landmarks)
    for number, name in reversed(list(enumerate(MDMO_REGIONS))):
        x, y = outlines[name].T
        rows, columns = polygon(y, x, (height, width))  # type: ignore[no-untyped-call]
        labels[rows, columns] = number
    sizes = np.bincount(labels[labels >= 0], minlength=len(MDMO_REGIONS))
    if not sizes.all():
        raise CdmerError(
            f"the landmarks leave no pixel of {height} x {width} to the region {MDMO_REGIONS[int(sizes.argmin())]}",
            "look at the crop: choose a faces recipe that shows the whole face, or larger frames",
        )
    return labels


def mdmo_outlines(landmarks: NDArray[np.float32]) -> dict[str, Points]:
    """The outlines of the 36 regions by name, each (points, 2), x then y; in the order of `MDMO_REGIONS`."""
    points = _checked(landmarks)
    sides = {"left": _side(points), "right": _side(points[_MIRRORED])}
    found = {f"{side}_{part}": sides[side][part] for part in _PARTS_OF_A_SIDE for side in sides}
    raised_left, raised_right = _raised(points), _raised(points[_MIRRORED])
    found["glabella"] = np.array([points[21], points[22], raised_right(21), raised_left(21)])
    found["nose_root"] = points[[21, 22, 42, 28, 39]]
    return found


def hog_rectangles(landmarks: NDArray[np.float32], height: int, width: int) -> list[Rectangle]:
    """The twelve regions of 3DHOG as rectangles of a frame without its border pixels, in the order of `HOG_REGIONS`.

    Raises
    ------
    CdmerError
        No 68 finite landmarks, or a region that lies outside the frame.
    """
    points = _checked(landmarks)
    unit = float(np.linalg.norm(points[36:42].mean(0) - points[42:48].mean(0)))
    rectangles = []
    for name, (members, margins) in _HOG_REGIONS.items():
        part = points[list(members)]
        left, top = map(int, np.floor(part.min(0) - unit * np.array(margins[:2])))
        right, bottom = map(int, np.ceil(part.max(0) + unit * np.array(margins[2:])))
        inside = Rectangle(max(top, 1), min(bottom, height - 1), max(left, 1), min(right, width - 1))
        if inside.bottom <= inside.top or inside.right <= inside.left:
            raise CdmerError(
                f"the region {name} lies outside the frame of {height} x {width} pixels",
                "look at the crop: choose a faces recipe that shows the whole face, or larger frames",
            )
        rectangles.append(inside)
    return rectangles


def _checked(landmarks: NDArray[np.float32]) -> Points:
    points = np.asarray(landmarks, np.float64)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        lost = f"{68 - int(np.isfinite(points).all(axis=1).sum())} that are not" if points.shape == (68, 2) else ""
        raise CdmerError(
            f"regions of the face need 68 finite landmarks (68, 2), not {lost or points.shape}",
            "give those of `find_landmarks`, where the crop is",
        )
    return points


def _raised(points: Points) -> Callable[[int], Points]:
    """A point of the left brow, moved up the forehead by 0.8 of the brow's height over the eye."""
    up = 0.8 * (points[17:22].mean(0) - points[36:42].mean(0))
    return lambda number: np.asarray(points[number] + up)


def _side(points: Points) -> dict[str, Points]:
    """The outlines of the 17 regions of the left side."""

    def between(one: int | Points, other: int | Points, share: float) -> Points:
        a, b = (points[end] if isinstance(end, int) else end for end in (one, other))
        return np.asarray(a + share * (b - a))

    raised = _raised(points)
    under_eye, by_nose = between(41, 48, 0.4), between(39, 31, 0.5)
    cheekbone, over_corner = between(1, under_eye, 0.6), between(under_eye, 48, 0.5)
    fold, over_lip = between(31, 48, 0.6), between(31, 50, 0.5)
    aside, below = between(48, 4, 0.5), between(48, 5, 0.5)
    under_lip, under_middle = between(59, 6, 0.35), between(57, 8, 0.35)
    outlines: dict[str, list[int | Points]] = {
        "outer_forehead": [17, 18, 19, raised(19), raised(18), raised(17)],
        "middle_forehead": [19, 20, raised(20), raised(19)],
        "inner_forehead": [20, 21, raised(21), raised(20)],
        "outer_lid": [17, 18, 19, 37, 36],
        "inner_lid": [19, 20, 21, 39, 38, 37],
        "temple": [17, 36, cheekbone, 1, 0],
        "outer_lower_lid": [36, 41, under_eye, cheekbone],
        "inner_lower_lid": [41, 40, 39, by_nose, under_eye],
        "nose_side": [39, 28, 30, 31, by_nose],
        "outer_cheek": [1, cheekbone, under_eye, over_corner, 3],
        "inner_cheek": [under_eye, by_nose, fold, 48, over_corner],
        "nasolabial_fold": [by_nose, 31, over_lip, fold],
        "upper_lip": [fold, over_lip, 33, 51, 62, 61, 48],
        "mouth_corner": [over_corner, 48, below, aside],
        "lower_cheek": [3, over_corner, aside, below, 5, 4],
        "lower_lip": [48, 67, 66, under_middle, under_lip],
        "chin": [48, under_lip, under_middle, 8, 7, 6, 5, below],
    }
    return {
        name: np.array([points[corner] if isinstance(corner, int) else corner for corner in corners])
        for name, corners in outlines.items()
    }
