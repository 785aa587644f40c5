"""Landmarks against dlib's own tool and against points placed by hand."""

from xml.etree import ElementTree

import numpy as np
import pytest

from cdmer.faces import detect_faces, find_landmarks
from cdmer.faces.landmarks import as_dlib_box


def test_landmarks_are_those_of_dlibs_own_tool(real, photograph):
    """The boxes in the file are drawn by hand, the 68 points come from dlib's predictor on them."""
    tree = ElementTree.parse(real / "landmarks/training_with_face_landmarks.xml")
    checked = 0
    for entry in tree.iter("image"):
        path = real / "landmarks" / entry.attrib["file"]
        if not path.exists():
            continue
        image = photograph(f"landmarks/{path.name}")
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


def test_landmarks_near_those_placed_by_hand(real, photograph):
    """Einstein laughing: 0.074 of the distance between the outer corners of the eyes (docs/faces.md)."""
    rows = (real / "landmarks/einstein.pts").read_text().split("{")[1].split("}")[0].split()
    by_hand = np.array(rows, float).reshape(68, 2)
    image = photograph("landmarks/einstein.jpg")
    found = find_landmarks(image, detect_faces(image)[0])
    span = np.linalg.norm(by_hand[36] - by_hand[45])
    assert np.linalg.norm(found - by_hand, axis=1).mean() < 0.08 * span


def test_a_box_from_forehead_to_chin_is_brought_to_dlibs(photograph, portrait):
    """From MTCNN's boxes the landmarks come out where dlib's own boxes put them, and better than unchanged."""
    as_it_is, brought = [], []
    for image in (portrait, photograph("detection/multiface.jpg")):
        own = detect_faces(image)
        for face in detect_faces(image, "mtcnn"):
            distance = np.linalg.norm((own[:, :2] + own[:, 2:4] - face[:2] - face[2:4]) / 2, axis=1)
            expected = find_landmarks(image, own[distance.argmin()])
            span = np.linalg.norm(expected[36] - expected[45])
            if distance.min() < span:
                as_it_is.append(np.linalg.norm(find_landmarks(image, face) - expected, axis=1).mean() / span)
                brought.append(
                    np.linalg.norm(find_landmarks(image, as_dlib_box(face)) - expected, axis=1).mean() / span
                )
    assert len(brought) >= 5
    assert np.median(brought) < 0.02 < np.median(as_it_is)


@pytest.mark.parametrize("image", [np.zeros((5, 5)), np.zeros((5, 5, 4), np.uint8)])
def test_only_8_bit_images(image):
    with pytest.raises(ValueError, match="uint8"):
        find_landmarks(image, (0, 0, 5, 5))
