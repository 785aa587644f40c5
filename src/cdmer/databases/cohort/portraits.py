"""The two faces that every identity grows from: where the pictures lie, their landmarks, their outlines.

Both portraits are in the public domain and come with libraries that cdmer needs anyway: Eileen Collins (NASA, 1999)
with scikit-image, Grace Hopper (United States Navy, 1984) with matplotlib. Landmarks are those of dlib's 68-point
predictor, stored so that the cohort needs no weights; Hopper's jaw on her left follows the cheek, where the predictor
follows the ear. Outlines were traced on the pictures.
"""

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError

DEPENDS_ON_LIBRARIES = ("skimage", "matplotlib")  # which bring the portraits

_COLLINS_LANDMARKS = (
    (179, 104), (179, 116), (180, 127), (181, 139), (185, 151), (191, 160), (200, 169), (209, 176), (221, 178),
    (232, 177), (243, 171), (253, 164), (260, 154), (265, 144), (268, 132), (270, 120), (272, 108), (186, 94),
    (192, 88), (200, 87), (208, 89), (216, 92), (236, 93), (244, 91), (252, 91), (260, 92), (265, 98), (225, 103),
    (225, 111), (225, 119), (225, 127), (214, 131), (219, 132), (224, 134), (229, 133), (234, 132), (195, 101),
    (200, 98), (207, 98), (212, 104), (206, 104), (199, 104), (238, 105), (244, 101), (250, 101), (255, 104),
    (250, 107), (244, 106), (201, 140), (209, 139), (218, 139), (223, 141), (229, 140), (237, 140), (245, 141),
    (237, 151), (229, 155), (222, 156), (216, 155), (208, 150), (204, 141), (217, 143), (223, 144), (229, 143),
    (243, 142), (229, 150), (223, 150), (217, 150),
)  # fmt: skip
_HOPPER_LANDMARKS = (
    (181, 202), (185, 225), (190, 248), (195, 270), (204, 290), (217, 307), (234, 319), (254, 328), (276, 331),
    (297, 327), (314, 317), (327, 303), (337, 286), (344, 266), (348, 244), (351, 220), (353, 196), (186, 182),
    (194, 165), (210, 159), (228, 161), (243, 169), (282, 166), (297, 156), (316, 153), (334, 157), (346, 171),
    (264, 191), (265, 206), (266, 222), (266, 238), (245, 247), (256, 250), (268, 253), (279, 250), (289, 246),
    (207, 199), (216, 192), (227, 191), (239, 198), (228, 201), (216, 202), (294, 195), (304, 187), (316, 186),
    (327, 190), (318, 195), (306, 196), (233, 278), (245, 274), (257, 272), (266, 274), (275, 271), (291, 273),
    (309, 272), (292, 286), (278, 290), (268, 291), (259, 291), (246, 287), (239, 278), (258, 280), (267, 280),
    (276, 279), (302, 274), (276, 279), (268, 280), (258, 280),
)  # fmt: skip
_COLLINS_OUTLINE = (
    (258, 22), (248, 18), (236, 16), (227, 16), (214, 20), (205, 21), (199, 24), (195, 29), (187, 36), (176, 42),
    (166, 49), (156, 60), (153, 67), (154, 94), (157, 108), (168, 118), (172, 129), (181, 132), (183, 145),
    (179, 148), (156, 150), (141, 157), (129, 170), (122, 182), (114, 201), (101, 215), (77, 234), (64, 247),
    (54, 267), (44, 284), (39, 306), (31, 331), (20, 400), (18, 511), (390, 511), (375, 400), (362, 330), (356, 301),
    (346, 275), (340, 260), (319, 243), (303, 233), (300, 221), (290, 204), (274, 187), (255, 173), (256, 163),
    (264, 149), (267, 137), (275, 134), (291, 116), (300, 94), (300, 78), (296, 58), (289, 44), (276, 31),
)  # fmt: skip
_HOPPER_OUTLINE = (
    (218, 30), (210, 44), (202, 46), (185, 58), (173, 66), (171, 83), (157, 101), (151, 112), (147, 120), (146, 179),
    (150, 183), (155, 187), (153, 195), (153, 213), (156, 228), (160, 253), (164, 270), (174, 284), (190, 293),
    (199, 298), (202, 313), (195, 322), (177, 335), (151, 346), (121, 356), (95, 364), (68, 375), (53, 382),
    (47, 388), (38, 411), (28, 430), (23, 496), (19, 522), (10, 599), (511, 599), (508, 440), (496, 401), (483, 390),
    (457, 375), (420, 366), (400, 358), (373, 344), (350, 329), (339, 318), (333, 311), (342, 307), (351, 297),
    (359, 279), (362, 262), (365, 245), (370, 223), (370, 209), (375, 197), (374, 188), (368, 182), (371, 134),
    (368, 95), (363, 87), (353, 84), (348, 71), (334, 55), (322, 48), (307, 43), (300, 35), (279, 26), (271, 24),
    (249, 23), (237, 25), (227, 29),
)  # fmt: skip
_COLLINS_BARE = (((185, 148), (186, 174), (200, 186), (235, 190), (252, 180), (256, 158)),)  # neck
_HOPPER_BARE = (  # neck, forehead, ears
    ((205, 298), (206, 330), (219, 368), (241, 405), (283, 398), (316, 355), (330, 318), (333, 298)),
    ((190, 164), (196, 149), (215, 139), (260, 137), (300, 138), (329, 148), (343, 164), (265, 172)),
    ((157, 188), (155, 213), (164, 233), (173, 252), (182, 268), (189, 266), (187, 250), (178, 207), (175, 192)),
    ((373, 193), (368, 211), (363, 233), (356, 262), (350, 268), (344, 266), (341, 253), (350, 220), (354, 197)),
)  # fmt: skip
_HOPPER_HAT = (
    (146, 183), (150, 183), (157, 172), (170, 155), (185, 141), (215, 133), (260, 131), (300, 132), (335, 141),
    (352, 152), (364, 170), (370, 183), (380, 180), (380, 10), (140, 10), (140, 180),
)  # fmt: skip
# Hopper's spectacles below and beside the eyes: what shows when a face wears Collins's eyes.
_RIMS = (
    ((186, 190), (190, 204), (196, 217), (206, 228), (218, 232), (234, 229), (245, 218), (251, 202), (254, 187)),
    ((254, 184), (264, 189), (276, 184)),
    ((278, 186), (281, 203), (290, 219), (305, 227), (321, 224), (334, 211), (341, 195)),
)  # fmt: skip
_TEMPLES = ((172, 201, 173, 206), (332, 368, 165, 198))  # left, right, top, bottom

_Outline = tuple[tuple[int, int], ...]
# Of each portrait: landmarks; outlines of the person, of bare skin around the face, of the hat.
_TRACED: dict[str, tuple[_Outline, tuple[tuple[_Outline, ...], ...]]] = {
    "collins": (_COLLINS_LANDMARKS, ((_COLLINS_OUTLINE,), _COLLINS_BARE, ())),
    "hopper": (_HOPPER_LANDMARKS, ((_HOPPER_OUTLINE,), _HOPPER_BARE, (_HOPPER_HAT,))),
}

# Landmark numbers after a left-right mirror.
MIRRORED = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37,
     36, 41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
)  # fmt: skip

_FILES = {
    "collins": ("skimage", "data/astronaut.png", "scikit-image"),
    "hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "matplotlib"),
}


@dataclass(frozen=True)
class Portrait:
    """A portrait: picture, 68 landmarks and soft masks, all on the picture's pixels."""

    name: str
    image: NDArray[np.float32]  # (height, width, 3) RGB, 0 to 255
    landmarks: NDArray[np.float64]  # (68, 2), x then y, pixels
    person: NDArray[np.float32]  # (height, width), 1 on the person, 0 on the background
    bare: NDArray[np.float32]  # skin around the face: neck, and where it shows forehead and ears
    hat: NDArray[np.float32]

    def mirrored(self) -> "Portrait":
        """The portrait seen in a mirror."""
        landmarks = self.landmarks[MIRRORED].copy()
        landmarks[:, 0] = self.image.shape[1] - 1 - landmarks[:, 0]
        image, *masks = (np.ascontiguousarray(a[:, ::-1]) for a in (self.image, self.person, self.bare, self.hat))
        return Portrait(self.name, image, landmarks, *masks)


def portrait_path(name: str) -> Path:
    """Where the portrait ``collins`` or ``hopper`` lies, found without importing the library that brings it.

    Raises
    ------
    CdmerError
        The library, or the picture in it, is absent.
    """
    package, relative, distribution = _FILES[name]
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or ():
        path = Path(folder) / relative
        if path.is_file():
            return path
    raise CdmerError(
        f"the portrait {relative} of {distribution} is not installed", f"install {distribution} as pinned in envs/"
    )


@lru_cache(maxsize=4)
def load_portrait(name: str, spectacles: bool = True) -> Portrait:
    """Read the portrait ``collins`` or ``hopper``, the latter with or without the rims of her spectacles."""
    path = portrait_path(name)
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise CdmerError(f"{path} cannot be read as a picture", "reinstall the library that brings it")
    landmarks, outlines = _TRACED[name]
    if name == "hopper" and not spectacles:
        image = _without_rims(image)
    rgb = image[:, :, ::-1].astype(np.float32)
    masks = (_filled(shapes, image.shape[0], image.shape[1]) for shapes in outlines)
    return Portrait(name, rgb, np.array(landmarks, np.float64), *masks)


def _without_rims(image: NDArray[Any]) -> NDArray[Any]:
    mask = np.zeros(image.shape[:2], np.uint8)
    for rim in _RIMS:
        cv2.polylines(mask, [np.array(rim, np.int32)], False, 255, 9)
    bare = cv2.inpaint(image, mask, 4, cv2.INPAINT_TELEA).astype(np.float32)
    filled, where = bare.copy(), np.zeros(image.shape[:2], np.float32)
    for left, right, top, bottom in _TEMPLES:  # too wide to inpaint: fade from the skin above to the skin below
        above, below = (bare[y : y + 5, left:right].mean(0) for y in (top - 5, bottom))
        share = np.linspace(0, 1, bottom - top, dtype=np.float32)[:, None, None]
        filled[top:bottom, left:right] = (1 - share) * above + share * below
        where[top:bottom, left:right] = 1.0
    soft = cv2.GaussianBlur(where, (0, 0), 2.0)[..., None]
    return np.asarray(np.rint(bare + soft * (cv2.GaussianBlur(filled, (0, 0), 2.0) - bare)).clip(0, 255), np.uint8)


def _filled(outlines: tuple[_Outline, ...], height: int, width: int) -> NDArray[np.float32]:
    """The inside of outlines, drawn four times as large and shrunk: its edge is a ramp about two pixels wide.

    Nothing is inside on the left and right borders, so that no border pixel can be stretched into a stripe.
    """
    fine = np.zeros((4 * height, 4 * width), np.uint8)
    for outline in outlines:
        cv2.fillPoly(fine, [4 * np.array(outline, np.int32) + 2], 255)
    soft = cv2.GaussianBlur(fine, (0, 0), 4.0)
    mask = cv2.resize(soft, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    mask[:, [0, -1]] = 0
    return np.asarray(mask, np.float32)
