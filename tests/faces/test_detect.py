"""dlib's detector and landmarks against dlib's own example photographs."""

from xml.etree import ElementTree

import numpy as np
import pytest
import skimage.data
from PIL import Image

from cdmer.faces import detect_faces, find_landmarks


@pytest.fixture(scope="module")
def portrait():
    return skimage.data.astronaut()


def test_one_face_of_the_astronaut(portrait):
    faces = detect_faces(portrait)
    assert faces.shape == (1, 5)
    assert faces.dtype == np.float32
    x0, y0, x1, y1, _ = faces[0]
    # her face, by eye: between the ears and from the brows to the chin
    assert 150 < x0 < 200
    assert 250 < x1 < 300
    assert 50 < y0 < 110
    assert 150 < y1 < 220


def test_best_first(real):
    image = np.asarray(Image.open(real / "detection/multiface.jpg").convert("RGB"))
    scores = detect_faces(image)[:, 4]
    assert len(scores) > 1
    assert (np.diff(scores) <= 0).all()


def test_nothing_in_noise():
    noise = np.random.default_rng(0).integers(0, 256, (120, 120), dtype=np.uint8)
    assert detect_faces(noise).shape == (0, 5)


def test_grey_and_colour_give_nearly_the_same_box(portrait):
    grey = np.asarray(Image.fromarray(portrait).convert("L"))
    assert np.abs(detect_faces(grey)[0, :4] - detect_faces(portrait)[0, :4]).max() < 10


def test_landmarks_are_those_of_dlibs_own_tool(real):
    """The boxes in the file are drawn by hand, the 68 points come from dlib's predictor on them."""
    tree = ElementTree.parse(real / "landmarks/training_with_face_landmarks.xml")
    checked = 0
    for entry in tree.iter("image"):
        path = real / "landmarks" / entry.attrib["file"]
        if not path.exists():
            continue
        image = np.asarray(Image.open(path).convert("RGB"))
        for box in entry.iter("box"):
            left, top, width, height = (int(box.attrib[key]) for key in ("left", "top", "width", "height"))
            expected = np.array([[float(p.attrib["x"]), float(p.attrib["y"])] for p in box.iter("part")])
            found = find_landmarks(image, (left, top, left + width, top + height))
            # a pixel or two is what decoding the same JPEG with another library moves them by
            assert np.abs(found - expected).mean() < 1
            checked += 1
    assert checked >= 3


def test_landmarks_move_with_the_picture(portrait):
    box = detect_faces(portrait)[0]
    moved = np.roll(portrait, (20, -30), axis=(0, 1))
    there = find_landmarks(moved, box + np.array([-30, 20, -30, 20, 0]))
    assert np.abs(there - find_landmarks(portrait, box) - np.array([-30, 20])).max() <= 1


@pytest.mark.parametrize("image", [np.zeros((5, 5)), np.zeros((5, 5, 4), np.uint8), np.zeros(5, np.uint8)])
def test_only_8_bit_images(image):
    with pytest.raises(ValueError, match="uint8"):
        detect_faces(image)


def test_an_unknown_detector(portrait):
    with pytest.raises(ValueError, match="known: dlib"):
        detect_faces(portrait, "viola_jones")
