"""Alignment: where the eyes end up, and that it adds no motion."""

import cv2
import numpy as np
import pytest
import scipy.ndimage
import skimage.data

from cdmer.faces import align_clip, detect_faces, find_landmarks
from cdmer.faces.align import box_transform, expand_box, eye_transform, landmark_box, warp_clip


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


# -- boxes


def _jaw_and_brows():
    points = np.full((68, 2), 100.0)
    points[:17, 0] = np.linspace(60, 160, 17)
    points[17:27, 1] = [82, 80, 79, 80, 82, 83, 81, 80, 81, 83]
    points[8] = (110, 190)
    return points


def test_the_benchmarks_box_by_hand():
    """Patent CN111259759A: cheeks and 10 pixels, brows and 30 pixels, chin."""
    np.testing.assert_array_equal(landmark_box(_jaw_and_brows()), [50, 49, 170, 190])


def test_a_box_of_whole_pixels_in_its_own_size_is_a_slice():
    frame = np.random.default_rng(0).integers(0, 256, (90, 80), dtype=np.uint8)
    crop = warp_clip(frame[None], box_transform((12, 20, 62, 80), (60, 50)), (60, 50))[0]
    np.testing.assert_array_equal(crop, frame[20:80, 12:62])


@pytest.mark.parametrize(("size", "method"), [((30, 20), cv2.INTER_AREA), ((70, 93), cv2.INTER_CUBIC)])
def test_a_whole_frame_is_resized_as_opencv_does(size, method):
    """Averages where it shrinks by whole factors, cubic where it grows; the border, where cubic differs, aside."""
    frame = np.random.default_rng(1).integers(0, 256, (60, 80), dtype=np.uint8)
    crop = warp_clip(frame[None], box_transform((0, 0, 80, 60), size), size)[0]
    expected = cv2.resize(frame, size[::-1], interpolation=method)
    inner = (slice(4, -4), slice(4, -4))
    # warpAffine places samples on a grid of 1/32 pixel
    assert np.abs(crop[inner].astype(float) - expected[inner]).mean() < 2


def test_a_box_may_shrink_in_one_direction_and_grow_in_the_other():
    """A ramp stays a ramp, stripes across the shrinking axis become their mean."""
    frame = np.zeros((300, 40, 3), np.uint8)
    frame[::2] = 200
    crop = warp_clip(frame[None], box_transform((0, 0, 40, 300), (50, 80)), (50, 80))[0].astype(float)
    assert crop.shape == (50, 80, 3)
    assert np.abs(crop - 100).max() < 3
    ramp = np.tile(np.arange(40, dtype=np.uint8) * 5, (300, 1))
    crop = warp_clip(ramp[None], box_transform((0, 0, 40, 300), (50, 80)), (50, 80))[0].astype(float)
    expected = ((np.arange(80) + 0.5) / 2 - 0.5) * 5
    np.testing.assert_allclose(crop[:, 4:-4], np.tile(expected[4:-4], (50, 1)), atol=1)


def test_beyond_the_image_its_border_is_repeated():
    frame = np.random.default_rng(2).integers(0, 256, (40, 40), dtype=np.uint8)
    crop = warp_clip(frame[None], box_transform((-10, 0, 30, 40), (40, 40)), (40, 40))[0]
    np.testing.assert_array_equal(crop[:, 10:], frame[:, :30])
    np.testing.assert_array_equal(crop[:, :10], np.repeat(frame[:, :1], 10, axis=1))


def test_a_box_moves_outwards_by_fractions_of_its_sides():
    np.testing.assert_allclose(expand_box((10, 20, 110, 70, 0.9), 0.1, 0.2, 0.3, -0.4), [0, 10, 140, 50])


def test_a_box_without_area_is_refused():
    with pytest.raises(ValueError, match="no area"):
        box_transform((5, 5, 5, 9), (10, 10))


# -- the motion that alignment adds


def test_aligning_each_frame_by_itself_adds_motion_that_is_not_there(portrait):
    """A still person under a camera's noise: one transform shows the noise alone, one a frame a trembling head."""
    still = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)
    noise = np.random.default_rng(0).normal(0, 2, (5, *still.shape))
    clip = np.clip(still + noise, 0, 255).round().astype(np.uint8)
    landmarks = [find_landmarks(frame, detect_faces(frame)[0]) for frame in clip]
    once = align_clip(clip, landmarks[0])
    each = np.concatenate([align_clip(frame[None], points) for frame, points in zip(clip, landmarks, strict=True)])

    def motion(crops):
        flows = [cv2.calcOpticalFlowFarneback(crops[0], crop, None, 0.5, 3, 15, 3, 5, 1.2, 0) for crop in crops[1:]]
        return np.linalg.norm(flows, axis=-1).mean()

    assert motion(once) < 0.06  # pixels; a micro-expression moves a 112-pixel face by about half of one
    assert motion(each) > 0.2
