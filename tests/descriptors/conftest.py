"""Clips to describe, of several kinds."""

import numpy as np
import pytest
import skimage.data
from scipy.ndimage import gaussian_filter, shift


def noisy(rng, shape):
    return rng.integers(1, 256, shape, dtype=np.uint8)


def plateaus(rng, shape):
    """Few levels: many ties, and many pixels without gradient."""
    return (rng.integers(1, 256, shape) // 64 * 64 + 10).astype(np.uint8)


def smooth(rng, shape):
    """What a face looks like to a descriptor: neighbours are alike."""
    values = gaussian_filter(rng.normal(size=shape), 1.5)
    return np.clip(128 + 60 * values / values.std(), 1, 255).astype(np.uint8)


KINDS = {"noisy": noisy, "plateaus": plateaus, "smooth": smooth}


@pytest.fixture(params=list(KINDS))
def any_clip(request):
    """A clip of a kind, by shape."""
    return lambda shape, seed=7: KINDS[request.param](np.random.default_rng(seed), shape)


@pytest.fixture
def smooth_clip():
    return lambda shape, seed=7: smooth(np.random.default_rng(seed), shape)


@pytest.fixture(scope="session")
def moving_face():
    """Part of a real face that shifts by half a pixel a frame to the right: uint8 (6, 112, 112)."""
    face = skimage.data.astronaut()[:220, 120:340].mean(axis=2)[::2, ::2]
    frames = [
        shift(np.pad(face, 8, mode="edge"), (0, 0.5 * t), order=1, mode="nearest")[8:120, 8:120] for t in range(6)
    ]
    return np.pad(
        np.array(frames), ((0, 0), (0, 112 - frames[0].shape[0]), (0, 112 - frames[0].shape[1])), mode="edge"
    ).astype(np.uint8)


@pytest.fixture(scope="session")
def landmarks():
    """The 68 points of a symmetric face in a crop of 112, drawn by hand on squared paper, x then y."""
    jaw = [(12, 40), (13, 52), (15, 63), (18, 74), (23, 84), (30, 93), (38, 100), (47, 104), (56, 105)]
    brow = [(18, 30), (24, 26), (31, 25), (38, 26), (45, 29)]
    nose, nostrils = [(56, 38), (56, 46), (56, 54), (56, 61)], [(47, 67), (51, 69), (56, 70)]
    eye = [(25, 40), (30, 37), (37, 37), (42, 41), (37, 43), (30, 43)]
    outer = [(40, 82), (45, 79), (52, 77), (56, 78)], [(56, 90), (51, 89), (45, 87)]
    inner = [(42, 82), (51, 81), (56, 81)], [(56, 85), (51, 85)]

    def mirror(points):
        return [(112 - x, y) for x, y in points]

    right_eye = mirror([eye[k] for k in (3, 2, 1, 0, 5, 4)])
    points = [
        *jaw,
        *mirror(jaw[:-1])[::-1],
        *brow,
        *mirror(brow)[::-1],
        *nose,
        *nostrils,
        *mirror(nostrils[:-1])[::-1],
        *eye,
        *right_eye,
        *outer[0],
        *mirror(outer[0][:-1])[::-1],
        *mirror(outer[1][1:])[::-1],
        *outer[1],
        *inner[0],
        *mirror(inner[0][:-1])[::-1],
        *mirror(inner[1][1:])[::-1],
        *inner[1],
    ]
    return np.array(points, np.float32)
