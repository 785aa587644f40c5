"""Who a subject is: the shape of the face, the colours of skin, hair, clothes and room, all drawn from one seed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cdmer.databases.cohort.portraits import MIRRORED, load_portrait

_JAW, _BROWS, _NOSE, _EYES, _MOUTH = slice(0, 17), slice(17, 27), slice(27, 36), slice(36, 48), slice(48, 68)


@dataclass(frozen=True)
class Identity:
    """One person. Weights of 1 are Hopper's features, of 0 Collins's."""

    seed: int
    outer: str  # whose hair, neck and clothes
    mirrored: tuple[bool, bool]  # Collins, Hopper
    eyes: float
    mouth: float
    rest: float
    shape: NDArray[np.float64]  # (68, 2): origin between the eyes, x along the eyes, unit: ear to ear
    skin: tuple[float, float, float]  # CIE L*, a*, b*
    hair: tuple[float, float, float]  # factor of L*, factor of a* and b*, shift of b*
    cloth: tuple[float, float, float]  # L*, a*, b* that the clothes are tinted with
    room: tuple[float, float]  # background L*, warmth
    smooth: float  # 0 keeps wrinkles, 1 removes most


def draw_identity(seed: int) -> Identity:
    """The person of a seed; the same seed is the same person."""
    rng = np.random.default_rng([seed, 1])
    outer = "collins" if rng.random() < 0.5 else "hopper"
    glasses = rng.random() < 0.25
    return Identity(
        seed=seed,
        outer=outer,
        mirrored=(bool(rng.random() < 0.5), bool(rng.random() < 0.5)),
        eyes=1.0 if glasses else 0.0,
        mouth=float(rng.uniform(0.85, 1.0)),
        rest=float(rng.uniform(0.1, 0.9)),
        shape=_draw_shape(rng),
        skin=(float(rng.uniform(48, 74)), float(rng.uniform(11, 17)), float(rng.uniform(14, 21))),
        hair=(float(rng.uniform(0.25, 1.0)), float(rng.uniform(0.2, 1.0)), float(rng.uniform(-1, 4))),
        cloth=(float(rng.uniform(20, 65)), float(rng.uniform(-8, 12)), float(rng.uniform(-16, 10))),
        room=(float(rng.uniform(58, 74)), float(rng.uniform(-2, 3))),
        smooth=float(rng.uniform(0.2, 0.9)),
    )


def upright(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Landmarks with the origin between the eyes, x along them, and the width from ear to ear as unit."""
    right, left = landmarks[36:42].mean(0), landmarks[42:48].mean(0)
    along = (left - right) / np.linalg.norm(left - right)
    centred = landmarks - (right + left) / 2
    turned = np.stack([centred @ along, centred @ np.array([-along[1], along[0]])], axis=1)
    return np.asarray(turned / (turned[16, 0] - turned[0, 0]))


def _draw_shape(rng: np.random.Generator) -> NDArray[np.float64]:
    collins, hopper = (_symmetric(upright(load_portrait(name).landmarks)) for name in ("collins", "hopper"))
    weight = rng.uniform(0.15, 0.85)
    shape = (1 - weight) * collins + weight * hopper
    mouth = 0.1 * collins + 0.9 * hopper  # Collins smiles: a neutral mouth is Hopper's
    shape[_MOUTH] = mouth[_MOUTH] - mouth[_MOUTH].mean(0) + shape[_MOUTH].mean(0)
    _vary(shape, rng)
    shape += rng.normal(0.0, 0.0025, shape.shape)  # no face is symmetric
    return upright(shape)


def _vary(shape: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Change the proportions in place, each by a few per cent."""

    def around(part: slice, x: float, y: float) -> None:
        centre = shape[part].mean(0)
        shape[part] = centre + (shape[part] - centre) * np.array([x, y])

    spread = rng.normal(0.0, 1.0, 12).clip(-1.8, 1.8)
    eyes_apart = 1 + 0.03 * spread[0]
    for side in (slice(36, 42), slice(42, 48)):
        shape[side, 0] += (eyes_apart - 1) * shape[side, 0].mean()
        around(side, 1 + 0.05 * spread[1], 1 + 0.08 * spread[2])
    shape[_BROWS, 1] += 0.012 * spread[3]
    shape[_BROWS, 0] *= 1 + 0.03 * spread[0]
    around(_NOSE, 1 + 0.07 * spread[4], 1 + 0.05 * spread[5])
    around(_MOUTH, 1 + 0.06 * spread[6], 1 + 0.08 * spread[7])
    shape[_MOUTH, 1] += 0.012 * spread[8]
    depth = np.linspace(-1, 1, 17)
    shape[_JAW, 1] += 0.03 * spread[9] * (1 - depth**2)  # chin
    shape[_JAW, 0] *= 1 + 0.05 * spread[10] * (1 - depth**4)  # jaw against temples
    shape[:, 1] *= 1 + 0.03 * spread[11]


def _symmetric(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mostly the mean of a shape and its mirror image: the portraits look a little aside."""
    mirror = shape[MIRRORED] * np.array([-1.0, 1.0])
    shifted = shape - [(shape[0, 0] + shape[16, 0]) / 2, 0]
    mirror = mirror - [(mirror[0, 0] + mirror[16, 0]) / 2, 0]
    return np.asarray(0.4 * shifted + 0.6 * (shifted + mirror) / 2)
