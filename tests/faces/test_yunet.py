"""YuNet's road through OpenCV, with a network in its form that finds red squares in place of its weights.

The weights themselves come with no package, so the last test runs only where a person has put them in their place.
"""

import hashlib

import numpy as np
import pytest

from cdmer.errors import CdmerError
from cdmer.faces import detect_faces, yunet

from .stop_sign_detector import HEIGHT, WIDTH, write_stop_sign_detector


@pytest.fixture
def red_squares(tmp_path, monkeypatch):
    """The place of the weights, with the detector of red squares in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    place = yunet.weights_place()
    place.parent.mkdir()
    write_stop_sign_detector(place)
    monkeypatch.setattr(yunet, "SHA256", hashlib.sha256(place.read_bytes()).hexdigest())
    yunet._network.cache_clear()
    yield place
    yunet._network.cache_clear()


def _scene(width, height, *squares, scale=1):
    """Black, with squares of red on the detector's 16-pixel cells, enlarged by `scale`."""
    image = np.zeros((height, width, 3), np.uint8)
    for column, row, red in squares:
        image[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16, 0] = red
    return image.repeat(scale, 0).repeat(scale, 1)


def _box(column, row):
    x, y = column * 16, row * 16  # the detector puts a box's centre on the cell's corner
    return np.array([x - 8 * WIDTH, y - 8 * HEIGHT, x + 8 * WIDTH, y + 8 * HEIGHT])


def test_boxes_scores_and_order(red_squares):
    faces = detect_faces(_scene(320, 160, (4, 6, 200), (12, 4, 255)), "yunet")
    np.testing.assert_allclose(faces[:, :4], [_box(12, 4), _box(4, 6)], atol=1e-3)
    np.testing.assert_allclose(faces[:, 4], [1, 200 / 255], atol=1e-3)


@pytest.mark.parametrize("scale", [2, 4])
def test_boxes_are_in_the_pixels_of_the_image(red_squares, scale):
    (face,) = detect_faces(_scene(320, 192, (7, 5, 255), scale=scale), "yunet")
    np.testing.assert_allclose(face[:4], _box(7, 5) * scale, atol=1e-2)


def test_upsampling_doubles_the_image(red_squares):
    """A square of 8 pixels fills a cell of the network only when the image is twice as large."""
    small = np.ascontiguousarray(_scene(640, 320, (9, 5, 255))[::2, ::2])
    assert len(detect_faces(small, "yunet")) == 0
    (face,) = detect_faces(small, "yunet", upsample=1)
    np.testing.assert_allclose((face[:2] + face[2:4]) / 2, [9 * 8, 5 * 8], atol=0.5)


def test_nothing_in_grey_and_blue(red_squares):
    image = _scene(320, 160, (4, 6, 255))
    assert detect_faces(image[..., 0].copy(), "yunet").shape == (0, 5)
    assert detect_faces(image[..., ::-1].copy(), "yunet").shape == (0, 5)


def test_without_weights_the_user_is_told_where_they_are_and_where_they_belong(tmp_path, monkeypatch, portrait):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(CdmerError) as caught:
        detect_faces(portrait, "yunet")
    place = tmp_path / "cdmer" / yunet.WEIGHTS
    assert str(place) in caught.value.problem
    assert f"--output {place} https://github.com/opencv/opencv_zoo/" in caught.value.remedy


def test_another_file_is_refused(red_squares, portrait):
    """What a browser or git saves in place of the file: a page, or a pointer to large-file storage."""
    red_squares.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(CdmerError, match=r"\(43 bytes\) is not the file"):
        detect_faces(portrait, "yunet")


def test_the_place_without_a_cache_variable(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert yunet.weights_place() == tmp_path / ".cache/cdmer/face_detection_yunet_2023mar.onnx"


def test_the_astronaut_where_the_weights_are(portrait):
    try:
        yunet.weights()
    except CdmerError as error:
        pytest.skip(f"{error.problem}; nothing here may download them")
    face = detect_faces(portrait, "yunet")[0]
    np.testing.assert_allclose(face[:4], detect_faces(portrait, "mtcnn")[0, :4], atol=20)
