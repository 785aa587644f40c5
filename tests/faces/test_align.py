"""Alignment: where the eyes end up, and that it adds no motion."""

import numpy as np
import pytest
import scipy.ndimage
import skimage.data

from cdmer.faces import align_clip, detect_faces, find_landmarks
from cdmer.faces.align import eye_transform


def _landmarks(left, right):
    points = np.zeros((68, 2))
    points[36:42], points[42:48] = left, right
    return points


def test_eyes_are_level_and_where_asked():
    left, right = np.array([100.0, 90.0]), np.array([160.0, 130.0])
    matrix = eye_transform(_landmarks(left, right), size=200, eye_distance=0.5, eye_height=0.3)
    a, b = (matrix @ [*eye, 1] for eye in (left, right))
    np.testing.assert_allclose(b - a, [100, 0], atol=1e-9)
    np.testing.assert_allclose((a + b) / 2, [99.5, 60], atol=1e-9)
    # a similarity: rotation and scale alone
    linear = matrix[:, :2]
    np.testing.assert_allclose(linear @ linear.T, np.eye(2) * (linear[0] @ linear[0]), atol=1e-9)


def test_a_transform_that_is_a_shift_copies_pixels():
    frame = np.random.default_rng(0).integers(0, 256, (80, 90), dtype=np.uint8)
    # scale 1: eyes 20 apart in the image and in the crop; middle of the eyes at (41.5, 30) goes to (24.5, 18)
    landmarks = _landmarks([31.5, 30.0], [51.5, 30.0])
    crop = align_clip(frame[None], landmarks, size=50, eye_distance=0.4, eye_height=0.36)[0]
    np.testing.assert_array_equal(crop, frame[12:62, 17:67])


def test_a_still_clip_stays_still_and_a_clip_is_its_frames():
    portrait = skimage.data.astronaut()
    landmarks = find_landmarks(portrait, detect_faces(portrait)[0])
    crops = align_clip(np.stack([portrait, portrait[::-1], portrait]), landmarks)
    assert crops.shape == (3, 112, 112, 3)
    assert crops.dtype == np.uint8
    np.testing.assert_array_equal(crops[0], crops[2])
    np.testing.assert_array_equal(crops[1], align_clip(portrait[None, ::-1], landmarks)[0])


def test_shrinking_does_not_alias():
    """A pattern finer than the crop can show becomes its mean, not a moiré."""
    stripes = np.zeros((600, 600), np.uint8)
    stripes[:, ::2] = 200
    landmarks = _landmarks([200.0, 250.0], [400.0, 250.0])  # 200 pixels become 44.8
    crop = align_clip(stripes[None], landmarks)[0].astype(float)
    assert abs(crop.mean() - 100) < 2
    assert crop.std() < 8  # plain bilinear sampling gives about 70


def test_shrinking_agrees_with_an_independent_resampling():
    """scipy: a Gaussian of the right width, then cubic interpolation, on a smooth picture."""
    smooth = scipy.ndimage.gaussian_filter(np.random.default_rng(1).random((500, 500)) * 255, 12)
    picture = np.clip((smooth - smooth.mean()) * 12 + 128, 0, 255).astype(np.uint8)
    landmarks = _landmarks([190.0, 200.0], [330.0, 230.0])
    crop = align_clip(picture[None], landmarks)[0].astype(float)
    inverse = np.linalg.inv(np.vstack([eye_transform(landmarks), [0, 0, 1]]))
    rows, columns = np.mgrid[:112, :112]
    x, y = (inverse @ np.stack([columns, rows, np.ones_like(rows)]).reshape(3, -1))[:2]
    expected = scipy.ndimage.map_coordinates(picture.astype(float), [y, x], order=3, mode="nearest").reshape(112, 112)
    assert np.abs(crop - expected)[5:-5, 5:-5].mean() < 1


def test_bad_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(68, 2\)"):
        eye_transform(np.zeros((5, 2)))
    with pytest.raises(ValueError, match="same place"):
        eye_transform(np.zeros((68, 2)))
    with pytest.raises(ValueError, match="uint8"):
        align_clip(np.zeros((2, 8, 8)), _landmarks([1, 1], [2, 1]))
