"""Encodings of a flow: by hand, back and forth, and what must not change them."""

import colorsys

import cv2
import numpy as np
import pytest

from cdmer.errors import CdmerError
from cdmer.motion import decode_hsv, encode_hsv, optical_strain, resize_flow, stabilise
from cdmer.motion.colors import from_polar, polar
from cdmer.motion.grey import grey_levels, to_grey

RNG = np.random.default_rng(0)
FLOW = RNG.normal(0, 1.5, (40, 50, 2)).astype(np.float32)


def affine(matrix, shift=(0.0, 0.0), side=30):
    columns, rows = np.meshgrid(np.arange(side), np.arange(side))
    return (np.stack([columns, rows], -1) @ np.transpose(matrix) + shift).astype(np.float32)


# -- polar and colour


@pytest.mark.parametrize(
    ("vector", "length", "angle"),
    [((1, 0), 1, 0), ((0, 2), 2, 90), ((-3, 0), 3, 180), ((0, -1), 1, 270), ((3, 4), 5, 53.13)],
)
def test_polar_by_hand(vector, length, angle):
    found = polar(np.float32([[vector]]))
    np.testing.assert_allclose([found[0][0, 0], found[1][0, 0]], [length, angle], atol=1e-3)


def test_polar_and_back():
    length, angle = polar(FLOW)
    assert (angle >= 0).all()
    assert (angle < 360).all()
    np.testing.assert_allclose(from_polar(length, angle), FLOW, atol=1e-5)
    tiny = np.float32([[[1.0, -1e-12]]])
    assert polar(tiny)[1][0, 0] == 0


@pytest.mark.parametrize(
    ("vector", "figure", "text"),
    [
        ((2, 0), (255, 0, 0), (255, 0, 0)),  # right: red
        ((1, 0), (128, 0, 0), (255, 128, 128)),
        ((0, 0), (0, 0, 0), (255, 255, 255)),  # nothing moves: black, or white
        ((1, np.sqrt(3)), (255, 255, 0), (255, 255, 0)),  # 60 degrees down: yellow
        ((-2, 0), (0, 255, 255), (0, 255, 255)),
        ((5, 0), (255, 0, 0), (255, 0, 0)),  # beyond the limit
    ],
)
def test_colours_by_hand(vector, figure, text):
    flow = np.float32([[vector]])
    assert tuple(encode_hsv(flow, "figure", limit=2)[0, 0]) == figure
    assert tuple(encode_hsv(flow, "text", limit=2)[0, 0]) == text


@pytest.mark.parametrize("code", ["figure", "text"])
def test_colours_are_those_of_the_standard_library(code):
    """By default the picture's shortest vector is 0 and its longest 1."""
    length, angle = polar(FLOW)
    r = (length - length.min()) / (length.max() - length.min())
    picture = encode_hsv(FLOW, code)
    for y, x in RNG.integers(0, 40, (60, 2)):
        saturation, value = (1, r[y, x]) if code == "figure" else (r[y, x], 1)
        expected = 255 * np.array(colorsys.hsv_to_rgb(angle[y, x] / 360, saturation, value))
        assert np.abs(picture[y, x] - expected).max() <= 0.51
    assert encode_hsv(FLOW).tolist() == encode_hsv(FLOW, "figure").tolist()


def test_colours_agree_with_opencv_to_its_two_degrees():
    length, angle = polar(FLOW)
    r = (length / length.max() * 255).round().astype(np.uint8)
    hsv = np.stack([(angle / 2).astype(np.uint8), np.full_like(r, 255), r], -1)
    theirs = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype(int)
    assert np.abs(encode_hsv(FLOW, "figure", float(length.max())) - theirs).max() <= 10


@pytest.mark.parametrize("code", ["figure", "text"])
def test_colours_and_back(code):
    back = decode_hsv(encode_hsv(FLOW, code, limit=6), 6, code)
    length, angle = polar(FLOW)
    length_back, angle_back = polar(back)
    np.testing.assert_allclose(length_back, length, atol=6 / 510 + 1e-5)
    apart = np.abs((angle_back - angle + 180) % 360 - 180)
    assert (apart <= 0.26 * 6 / np.maximum(length, 1e-3)).all()


def test_what_cannot_be_coloured():
    for arguments, words in [
        ((FLOW[..., 0],), "no flow"),
        ((np.where(FLOW > 2, np.nan, FLOW),), "not finite"),
        ((FLOW, "picture"), "no flow code"),
        ((FLOW, "figure", 0), "limit"),
        ((FLOW, "figure", np.inf), "limit"),
        ((FLOW[:0],), "no flow to encode"),
    ]:
        with pytest.raises(CdmerError, match=words):
            encode_hsv(*arguments)


def test_a_still_field_has_no_colour():
    assert (encode_hsv(np.zeros((5, 5, 2))) == 0).all()
    assert (encode_hsv(np.zeros((5, 5, 2)), "text") == 255).all()


def test_grey_weights():
    picture = np.uint8([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [255, 255, 255]]])
    np.testing.assert_array_equal(to_grey(picture), [[76, 150, 29, 226, 255]])


def test_grey_is_rounded_half_up_exactly():
    """The whole cube in steps, against whole numbers: the sum of a colour may be just a half, such as (0, 0, 250)."""
    cube = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    exact = [(299 * int(r) + 587 * int(g) + 114 * int(b) + 500) // 1000 for r, g, b in cube[:, 0]]
    np.testing.assert_array_equal(to_grey(cube.astype(np.uint8))[:, 0], exact)


def test_what_is_grey_already_stays_what_it_was():
    levels = np.concatenate([np.arange(256), np.random.default_rng(0).uniform(0, 255, 999)]).astype(np.float32)
    np.testing.assert_array_equal(grey_levels(np.repeat(levels[:, None], 3, axis=1)), levels)


# -- strain


@pytest.mark.parametrize("derivative", ["central", "sobel"])
@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[0.1, 0], [0, 0]], 0.1),  # stretched along x
        ([[0.1, 0], [0, 0.1]], 0.1 * np.sqrt(2)),
        ([[0, 0.2], [0, 0]], 0.2 / np.sqrt(2)),  # sheared
        ([[0, -0.1], [0.1, 0]], 0),  # turned, to the first order
        ([[0.03, -0.02], [0.05, 0.01]], np.sqrt(0.03**2 + 0.01**2 + 0.03**2 / 2)),
    ],
)
def test_the_strain_of_an_affine_field(derivative, matrix, expected):
    strain = optical_strain(affine(matrix, (3, -1)), derivative)
    np.testing.assert_allclose(strain[1:-1, 1:-1], expected, atol=1e-5)
    if derivative == "central":
        np.testing.assert_allclose(strain, expected, atol=1e-5)


@pytest.mark.parametrize("derivative", ["central", "sobel"])
def test_strain_does_not_see_a_shift_and_turns_with_the_field(derivative):
    strain = optical_strain(FLOW, derivative)
    np.testing.assert_allclose(optical_strain(FLOW + np.float32((2, -3)), derivative), strain, atol=1e-4)
    exchanged = optical_strain(FLOW.transpose(1, 0, 2)[..., ::-1], derivative)
    np.testing.assert_allclose(exchanged.T, strain, atol=1e-4)
    np.testing.assert_allclose(optical_strain(2 * FLOW, derivative), 2 * strain, atol=1e-4)


def test_what_has_no_strain():
    for arguments, words in [
        ((FLOW[..., :1],), "no optical strain"),
        ((np.where(FLOW > 2, np.nan, FLOW),), "not finite"),
        ((FLOW[:1],), "at least 2"),
        ((FLOW, "x"), "'x'"),
    ]:
        with pytest.raises(CdmerError, match=words):
            optical_strain(*arguments)


# -- size and head


@pytest.mark.parametrize("resampling", ["bilinear", "area"])
def test_a_resized_flow_is_in_pixels_of_its_new_size(resampling):
    flow = np.broadcast_to(np.float32((4, -2)), (140, 70, 2))
    small = resize_flow(flow, 28, resampling)
    assert small.shape == (28, 28, 2)
    np.testing.assert_allclose(small[..., 0], 4 * 28 / 70, rtol=1e-6)
    np.testing.assert_allclose(small[..., 1], -2 * 28 / 140, rtol=1e-6)


def test_bilinear_reads_the_centres_and_area_the_means():
    flow = np.zeros((140, 140, 2), np.float32)
    flow[2::5, 2::5, 0] = 5  # the middle of each new pixel
    np.testing.assert_allclose(resize_flow(flow, 28)[..., 0], 1, atol=1e-5)
    np.testing.assert_allclose(resize_flow(flow, 28, "area")[..., 0], 1 / 25, atol=1e-5)


LANDMARKS = np.zeros((68, 2), np.float32)
LANDMARKS[27:31] = [[15, 10], [15, 12], [15, 14], [15, 16]]
LANDMARKS[[36, 45]] = [[5, 10], [25, 10]]


def test_a_shift_of_the_head_is_taken_out_and_the_rest_stays():
    mouth = np.zeros((30, 30, 2), np.float32)
    mouth[22:26, 10:20] = (0.5, 1.0)
    np.testing.assert_allclose(stabilise(mouth + np.float32((1.5, -0.7)), LANDMARKS), mouth, atol=1e-6)
    np.testing.assert_allclose(stabilise(mouth, LANDMARKS), mouth, atol=1e-6)


def test_a_few_wrong_vectors_on_the_nose_do_no_harm():
    flow = np.full((30, 30, 2), 1, np.float32)
    flow[12, 14:16] = 9
    np.testing.assert_allclose(stabilise(flow, LANDMARKS)[0, 0], 0, atol=1e-6)


def test_a_nose_outside_the_frame():
    with pytest.raises(CdmerError, match="nose bridge"):
        stabilise(np.zeros((30, 30, 2), np.float32), LANDMARKS + 100)
