"""Optical flow by every method: known motions, real images with known flow, symmetries, and bad input."""

import importlib
import inspect

import cv2
import numpy as np
import pytest

from cdmer.errors import CdmerError
from cdmer.motion import optical_flow
from cdmer.motion.methods import DEFAULTS, MODULES

from .conftest import moved

METHODS = list(MODULES)
INNER = (slice(8, -8), slice(8, -8))


def error(flow, truth, where=INNER):
    return float(np.linalg.norm(flow - truth, axis=-1)[where].mean())


@pytest.mark.parametrize(
    ("method", "most"), [("tvl1", 0.1), ("farneback", 0.1), ("dis", 0.1), ("coarse_to_fine", 0.02)]
)
@pytest.mark.parametrize("shift", [(1.0, 0.0), (0.0, -2.0), (0.4, 0.3), (-3.0, 5.0)])
def test_a_shift_is_found(texture, method, most, shift):
    truth = np.broadcast_to(np.float32(shift), (96, 96, 2))
    flow = optical_flow(*moved(texture, truth), method)
    assert (flow.dtype, flow.shape) == (np.float32, (96, 96, 2))
    assert error(flow, truth) < most
    np.testing.assert_allclose(np.median(flow.reshape(-1, 2), axis=0), shift, atol=most)


@pytest.mark.parametrize(
    ("method", "most"), [("tvl1", 0.1), ("farneback", 0.15), ("dis", 0.1), ("coarse_to_fine", 0.04)]
)
def test_an_affine_field_is_found(texture, method, most):
    """A turn by 2 degrees, a stretch by 3 per cent and a shear about the middle."""
    columns, rows = np.meshgrid(np.arange(96) - 47.5, np.arange(96) - 47.5)
    turn = np.deg2rad(2)
    truth = np.stack([0.03 * columns - turn * rows + 0.5, (turn + 0.01) * columns - 0.02 * rows], -1).astype(np.float32)
    assert np.linalg.norm(truth, axis=-1)[INNER].mean() > 1
    assert error(optical_flow(*moved(texture, truth), method), truth) < most


@pytest.mark.parametrize(
    ("method", "most"), [("tvl1", 0.01), ("farneback", 0.1), ("dis", 0.01), ("coarse_to_fine", 1e-3)]
)
def test_nothing_moves_between_a_frame_and_itself(texture, method, most):
    frame, _ = moved(texture, np.zeros((96, 80, 2)))
    assert not optical_flow(frame, frame, method).any()
    almost = frame + np.random.default_rng(0).normal(0, 0.01, frame.shape)
    assert error(optical_flow(frame, almost, method), 0) < most


@pytest.mark.parametrize(
    ("method", "most"), [("tvl1", 0.1), ("farneback", 0.1), ("dis", 0.2), ("coarse_to_fine", 0.02)]
)
def test_turned_frames_have_the_turned_flow(texture, method, most):
    """Exchanging x and y, or turning the picture by half a circle, does the same to the flow."""
    first, second = moved(texture, np.broadcast_to(np.float32((1.5, -0.6)), (96, 96, 2)))
    flow = optical_flow(first, second, method)
    exchanged = optical_flow(first.T, second.T, method).transpose(1, 0, 2)[..., ::-1]
    turned = -optical_flow(first[::-1, ::-1], second[::-1, ::-1], method)[::-1, ::-1]
    assert error(exchanged, flow) < most
    assert error(turned, flow) < most


def test_there_and_back_cancel(texture):
    """The flow back, read where the flow leads, is its opposite."""
    truth = np.broadcast_to(np.float32((2.0, 1.0)), (96, 96, 2))
    first, second = moved(texture, truth)
    there, back = (optical_flow(*pair, "coarse_to_fine") for pair in ((first, second), (second, first)))
    np.testing.assert_allclose(back[16:80, 16:80], -there[15:79, 14:78], atol=0.05)


@pytest.mark.parametrize(
    ("method", "most"), [("tvl1", 0.17), ("farneback", 0.37), ("dis", 0.24), ("coarse_to_fine", 0.12)]
)
def test_end_point_error_on_rubber_whale(rubber_whale, method, most):
    """Real images with measured flow; plain calls of Farneback and DIS are known to give 0.361 and 0.225."""
    first, second, truth, known = rubber_whale
    assert error(np.zeros_like(truth), truth, known) == pytest.approx(1.256, abs=0.001)
    flow = optical_flow(first, second, method)
    assert error(flow, truth, known) < most
    if method in ("farneback", "dis"):
        assert error(flow, truth, known) == pytest.approx({"farneback": 0.361, "dis": 0.225}[method], abs=0.002)


def test_the_parameters_reach_opencv(texture):
    first, second = (np.rint(frame).astype(np.uint8) for frame in moved(texture, np.full((96, 96, 2), 1.2, np.float32)))
    expected = cv2.calcOpticalFlowFarneback(first, second, None, 0.6, 2, 9, 2, 7, 1.5, cv2.OPTFLOW_FARNEBACK_GAUSSIAN)
    found = optical_flow(
        first, second, "farneback",
        pyramid_scale=0.6, levels=2, window=9, iterations=2, poly_n=7, poly_sigma=1.5, gaussian=True,
    )  # fmt: skip
    np.testing.assert_array_equal(found, expected)
    plain = cv2.optflow.createOptFlow_DualTVL1().calc(first, second, None)
    np.testing.assert_allclose(optical_flow(first, second, "tvl1"), plain, atol=2e-2)
    assert np.abs(optical_flow(first, second, "tvl1", lam=0.01) - plain).max() > 0.05
    slow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST).calc(first, second, None)
    np.testing.assert_array_equal(optical_flow(first, second, "dis", preset="ultrafast"), slow)


@pytest.mark.parametrize("method", METHODS)
def test_the_listed_defaults_are_those_of_the_functions(method):
    function = getattr(importlib.import_module(MODULES[method]), method)
    keywords = [p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    assert {p.name: p.default for p in keywords} == dict(DEFAULTS[method])


@pytest.mark.parametrize("method", METHODS)
def test_frames_that_overshoot_a_little_are_read(texture, method):
    """Temporal interpolation makes such frames where it does not round."""
    first, second = moved(texture, np.broadcast_to(np.float32((1.0, 0.0)), (96, 96, 2)))
    first, second = ((frame - 127.5) * 1.4 + 127.5 for frame in (first, second))
    assert first.min() < 0
    assert first.max() > 255
    np.testing.assert_allclose(np.median(optical_flow(first, second, method)[..., 0]), 1, atol=0.1)


def test_opencv_without_its_contributed_modules(monkeypatch):
    monkeypatch.delattr(cv2, "optflow")
    with pytest.raises(CdmerError, match="contributed modules") as caught:
        optical_flow(NOISE, NOISE[::-1], "tvl1")
    assert "opencv-contrib-python-headless" in caught.value.remedy


@pytest.mark.parametrize("method", METHODS)
def test_colour_is_read_as_its_grey_and_bytes_as_their_values(texture, method):
    """To the last bit: TV-L1 makes pixels of the rounding of a grey level."""
    first, second = (np.rint(f).astype(np.uint8) for f in moved(texture, np.full((64, 64, 2), 1, np.float32)))
    flow = optical_flow(first, second, method)
    colored = [np.repeat(frame[..., None], 3, axis=2) for frame in (first, second)]
    np.testing.assert_array_equal(optical_flow(*colored, method), flow)
    np.testing.assert_array_equal(optical_flow(first.astype(np.float64), second.astype(np.float32), method), flow)


NOISE = np.random.default_rng(1).integers(0, 256, (40, 50), dtype=np.uint8)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (NOISE, NOISE[:30], "40 x 50 and 30 x 50"),
        (NOISE, np.zeros_like(NOISE), "second frame is all black"),
        (np.full_like(NOISE, 9), NOISE, "first frame is all of the value 9"),
        (NOISE.astype(float), np.where(NOISE > 250, np.nan, NOISE), "second frame holds .* not finite"),
        (NOISE[:10], NOISE[:10], "10 x 50 pixels, too few"),
        (NOISE[None], NOISE[None], r"uint8 \(1, 40, 50\)"),
        (NOISE > 3, NOISE, "bool"),
        (NOISE * 2.0, NOISE, "values from 0 to 5"),
        (NOISE / 255, NOISE, "values from 0 to 1"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_frames_that_no_flow_can_be_found_between(first, second, words, method):
    with pytest.raises(CdmerError, match=words) as caught:
        optical_flow(first, second, method)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("method", "parameters", "words"),
    [
        ("tv_l1", {}, "tv_l1"),
        ("dis", {"alpha": 1}, "no parameter 'alpha'"),
        ("dis", {"preset": "slow"}, "preset 'slow'"),
        ("farneback", {"pyramid_scale": 1.5}, "OpenCV refuses"),
        ("farneback", {"window": 0}, "did not converge"),
        ("coarse_to_fine", {"omega": 2.0}, "omega < 2"),
        ("coarse_to_fine", {"ratio": 1.0}, "ratio"),
        ("coarse_to_fine", {"alpha": 0.0}, "alpha > 0"),
    ],
)
def test_methods_and_parameters_that_there_are_not(method, parameters, words):
    with pytest.raises(CdmerError, match=words):
        optical_flow(NOISE, NOISE[::-1], method, **parameters)


@pytest.mark.parametrize("method", ["farneback", "dis", "tvl1", "coarse_to_fine"])
def test_a_still_pair_does_not_move_at_all(method):
    noise = np.random.default_rng(0).integers(0, 256, (64, 48)).astype(np.uint8)
    assert not optical_flow(noise, noise, method=method).any()
