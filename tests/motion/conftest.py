"""Pictures that move as they are told."""

import cv2
import numpy as np
import pytest


class Texture:
    """A sum of plane waves, 5 to 60 pixels long, which is known exactly everywhere: grey levels from 20 to 235."""

    def __init__(self, seed=0, waves=120):
        rng = np.random.default_rng(seed)
        turn, length = rng.uniform(0, 2 * np.pi, waves), np.exp(rng.uniform(np.log(5), np.log(60), waves))
        self.waves = 2 * np.pi * np.stack([np.cos(turn), np.sin(turn)]) / length
        self.phase, self.size = rng.uniform(0, 2 * np.pi, waves), length**0.5

    def __call__(self, places):
        """Grey levels, float32 (height, width), at places (height, width, 2), x then y."""
        total = np.cos(places @ self.waves + self.phase) @ self.size
        return (127.5 + 107.5 * np.tanh(total / (2 * np.sqrt((self.size**2).sum() / 2)))).astype(np.float32)


def moved(texture, flow):
    """Two frames of a texture: the second shows at x + flow(x) what the first shows at x, for an affine flow."""
    columns, rows = np.meshgrid(np.arange(flow.shape[1]), np.arange(flow.shape[0]))
    at = np.stack([columns, rows], -1).astype(np.float64)
    flat = (at + flow).reshape(-1, 2)
    back, *_ = np.linalg.lstsq(np.c_[flat, np.ones(len(flat))], at.reshape(-1, 2), rcond=None)
    source = np.concatenate([at, np.ones((*at.shape[:2], 1))], -1) @ back
    return texture(at), texture(source)


@pytest.fixture(scope="session")
def texture():
    return Texture()


@pytest.fixture(scope="session")
def rubber_whale(real):
    """Two frames, their true flow, and where it is known."""
    folder = real / "flow" / "RubberWhale"
    first, second = (cv2.imread(str(folder / f"frame{n}.png"))[..., ::-1] for n in (10, 11))
    raw = (folder / "flow_gt.flo").read_bytes()
    width, height = np.frombuffer(raw[4:12], np.int32)
    truth = np.frombuffer(raw[12:], np.float32).reshape(height, width, 2)
    return first, second, truth, (np.abs(truth) < 1e3).all(-1)
