"""dlib's detector, and what holds for all of them."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from cdmer.code import code_digest, library_versions
from cdmer.faces import detect_faces
from cdmer.faces.detect import DETECTORS, code_of_faces


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


def test_best_first(photograph):
    scores = detect_faces(photograph("detection/multiface.jpg"))[:, 4]
    assert len(scores) > 1
    assert (np.diff(scores) <= 0).all()


def test_nothing_in_noise():
    noise = np.random.default_rng(0).integers(0, 256, (120, 120), dtype=np.uint8)
    assert detect_faces(noise).shape == (0, 5)


def test_grey_and_colour_give_nearly_the_same_box(portrait):
    grey = np.asarray(Image.fromarray(portrait).convert("L"))
    assert np.abs(detect_faces(grey)[0, :4] - detect_faces(portrait)[0, :4]).max() < 10


@pytest.mark.parametrize("image", [np.zeros((5, 5)), np.zeros((5, 5, 4), np.uint8), np.zeros(5, np.uint8)])
def test_only_8_bit_images(image):
    with pytest.raises(ValueError, match="uint8"):
        detect_faces(image)


def test_an_unknown_detector(portrait):
    with pytest.raises(ValueError, match="known: dlib, mtcnn, yunet"):
        detect_faces(portrait, "viola_jones")


@pytest.mark.parametrize("detector", DETECTORS)
def test_all_detectors_refuse_what_is_no_8_bit_image(detector):
    with pytest.raises(ValueError, match="uint8"):
        detect_faces(np.zeros((30, 30), np.uint16), detector)


def test_a_detector_depends_on_its_own_libraries_alone():
    """A new torch must not recompute the faces of those who use dlib."""
    libraries = {name: set(library_versions("cdmer.faces.job", *code_of_faces(name))) for name in (*DETECTORS, "none")}
    assert "torch" not in libraries["dlib"] | libraries["yunet"] | libraries["none"]
    assert {"torch", "facenet_pytorch", "face_recognition_models"} <= libraries["mtcnn"]
    assert "dlib" not in libraries["none"]
    digests = {code_digest("cdmer.faces.job", *code_of_faces(name)) for name in libraries}
    assert len(digests) == 4


def test_the_job_loads_no_detector_before_it_needs_one():
    code = "import sys, cdmer.faces.job; print([m for m in ('torch', 'dlib', 'facenet_pytorch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
