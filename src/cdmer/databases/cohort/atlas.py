"""The neutral face of an identity as one camera sees it, at twice the camera's resolution.

Everything that does not move is painted here once: the blend of the two portraits warped onto the identity's shape,
the room behind, light, colour response and optical blur. Frames are then single resamplings of this atlas.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cdmer.databases.cohort.cameras import Camera
from cdmer.databases.cohort.identities import Identity
from cdmer.databases.cohort.pictures import Image, blurred, resized, sampled, to_lab, to_rgb
from cdmer.databases.cohort.portraits import Portrait, load_portrait

SCALE = 2  # atlas pixels a camera pixel
_STEP = 16  # warps are smooth: they are solved on every 16th atlas pixel


@dataclass(frozen=True)
class Atlas:
    """A painted face."""

    image: Image  # (SCALE * height, SCALE * width[, 3]), 0 to 255, as the camera records it
    landmarks: NDArray[np.float64]  # (68, 2), camera pixels
    spectacles: bool


def paint_atlas(identity: Identity, camera: Camera) -> Atlas:
    """Paint the neutral face of `identity` for `camera`."""
    landmarks = neutral_landmarks(identity, camera)
    size = (SCALE * camera.height, SCALE * camera.width)
    fine = (landmarks + 0.5) * SCALE - 0.5
    portraits = [_recolour(_portrait(identity, name), identity) for name in ("collins", "hopper")]
    warped = [_warp(portrait, fine, size) for portrait in portraits]
    colour = _compose(identity, warped, fine, size)
    return Atlas(_record(colour, identity, camera), landmarks, identity.eyes > 0)


def neutral_landmarks(identity: Identity, camera: Camera) -> NDArray[np.float64]:
    """The identity's 68 points in camera pixels, face upright and near the middle of the picture."""
    middle = np.array([0.5 * camera.width, 0.44 * camera.height])
    shape = identity.shape * camera.face_width
    return np.asarray(shape - (shape.min(0) + shape.max(0)) / 2 + middle + [0.0, 0.07 * camera.height])


def _portrait(identity: Identity, name: str) -> Portrait:
    portrait = load_portrait(name, spectacles=identity.eyes > 0)
    return portrait.mirrored() if identity.mirrored[name == "hopper"] else portrait


def _recolour(portrait: Portrait, identity: Identity) -> Portrait:
    """Skin, hair and clothes in the identity's own colours, on the portrait's own pixels."""
    lab = to_lab(portrait.image)
    tone = np.median(lab[_hull(portrait.landmarks, portrait.person.shape, up=0.0) > 0.5], axis=0)
    skin = _skin(lab, tone, portrait)
    below = _ramp(np.arange(lab.shape[0], dtype=np.float32), *_collar(portrait))[:, None]
    cloth = np.maximum((1 - skin) * below, portrait.hat)
    hair = (1 - skin) * (1 - cloth)
    target = np.array(identity.skin, np.float32)
    bare = np.dstack([lab[..., 0] * (target[0] / tone[0]), lab[..., 1:] + target[1:] - tone[1:]])
    grown = np.dstack([lab[..., 0] * identity.hair[0], lab[..., 1:] * identity.hair[1]])
    grown[..., 2] += identity.hair[2]
    dyed = np.empty_like(lab)
    dyed[..., 0] = 0.6 * lab[..., 0] + 0.4 * identity.cloth[0]
    dyed[..., 1:] = identity.cloth[1:]
    mixed = skin[..., None] * bare + hair[..., None] * grown + cloth[..., None] * dyed
    return replace(portrait, image=to_rgb(mixed.astype(np.float32)))


def _skin(lab: Image, tone: NDArray[np.float32], portrait: Portrait) -> Image:
    """How much each pixel is skin: face and neck, and what has their colour beside and above them."""
    points = portrait.landmarks
    width = float(np.ptp(points[:17, 0]))
    y, x = np.mgrid[: lab.shape[0], : lab.shape[1]].astype(np.float32)
    centre = points[27:36].mean(0)
    reach = _ramp(np.hypot(x - centre[0], (y - centre[1]) / 1.15), 0.85 * width, 0.7 * width)
    far = ((lab[..., 1:] - tone[1:]) / 9.0) ** 2
    like = np.exp(-far.sum(-1)) * _ramp(lab[..., 0], tone[0] - 26, tone[0] - 12) * reach * portrait.person
    soft = (1.6 * blurred(like.astype(np.float32), 0.01 * width)).clip(0, 1)
    sure = np.maximum(_hull(points, portrait.person.shape, up=0.03), portrait.bare)
    return np.asarray(np.maximum(soft, sure) * (1 - portrait.hat), np.float32)


def _collar(portrait: Portrait) -> tuple[float, float]:
    chin = portrait.landmarks[8, 1]
    tall = chin - portrait.landmarks[27, 1]
    return chin - 0.05 * tall, chin + 0.15 * tall


def _hull(landmarks: NDArray[np.float64], size: tuple[int, ...], up: float, feather: float = 0.02) -> Image:
    """A soft mask of the face: jaw, and brows raised by `up` of the face's width."""
    width = float(np.linalg.norm(landmarks[16] - landmarks[0]))
    middle = landmarks[27:36].mean(0)
    jaw = middle + (landmarks[:17] - middle) * 0.97
    brows = landmarks[17:27] - [0.0, up * width]
    return _soft(np.concatenate([jaw, brows]), size, 0.0, feather * width)


def _soft(points: NDArray[np.float64], size: tuple[int, ...], grow: float, feather: float) -> Image:
    """The convex hull of `points`, grown and feathered by so many pixels; drawn on a quarter of the resolution."""
    small = np.zeros((size[0] // 4, size[1] // 4), np.float32)
    hull = cv2.convexHull(((points + 0.5) / 4 - 0.5).astype(np.float32))
    cv2.fillConvexPoly(small, np.round(hull * 16).astype(np.int32), 1.0, cv2.LINE_8, 4)
    if grow >= 4:
        cv2.dilate(small, np.ones((int(grow / 4) * 2 + 1,) * 2, np.uint8), dst=small)
    return resized(blurred(small, max(feather / 4, 0.6)), size[1], size[0])


def _ramp(value: Image, low: float, high: float) -> Image:
    """0 at `low`, 1 at `high`, smooth between."""
    t = ((value - low) / (high - low)).clip(0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _warp(portrait: Portrait, target: NDArray[np.float64], size: tuple[int, int]) -> Image:
    """The portrait with its landmarks on `target`: (height, width, 4), RGB and person."""
    columns, rows = (np.arange(_STEP / 2 - 0.5, n, _STEP) for n in (size[1], size[0]))
    grid = np.stack(np.meshgrid(columns, rows), -1)
    coarse = _spline(target, portrait.landmarks, size)(grid.reshape(-1, 2)).reshape(grid.shape)
    lookup = resized(coarse.astype(np.float32), size[1], size[0], cv2.INTER_CUBIC)
    layers = np.dstack([portrait.image, portrait.person])
    return sampled(layers, lookup, cv2.INTER_CUBIC)


class _Spline:
    """A similarity plus a thin-plate spline of what it leaves (Bookstein 1989, doi:10.1109/34.24792)."""

    def __init__(self, points: NDArray[np.float64], values: NDArray[np.float64], anchors: NDArray[np.float64]) -> None:
        self.centre, self.scale = points.mean(0), float(np.linalg.norm(points - points.mean(0), axis=1).mean())
        unit = self._unit(points)
        design = np.column_stack([unit, np.ones(len(unit))])
        self.matrix = _similarity(unit, values)
        self.knots = np.concatenate([unit, self._unit(anchors)])
        residual = np.concatenate([values - design @ self.matrix, np.zeros_like(anchors)])
        kernel = self._kernel(self.knots) + 1e-3 * np.eye(len(self.knots))
        affine = np.column_stack([self.knots, np.ones(len(self.knots))])
        system = np.block([[kernel, affine], [affine.T, np.zeros((3, 3))]])
        self.weights = np.linalg.solve(system, np.concatenate([residual, np.zeros((3, 2))]))

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        unit = self._unit(points)
        affine = np.column_stack([unit, np.ones(len(unit))])
        bend = np.column_stack([self._kernel(unit), affine]) @ self.weights
        return np.asarray(affine @ self.matrix + bend)

    def _unit(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((points - self.centre) / self.scale)

    def _kernel(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        squared = ((points[:, None] - self.knots[None]) ** 2).sum(-1)
        return np.asarray(0.5 * squared * np.log(np.maximum(squared, 1e-12)))


def _similarity(points: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rotation, scale and shift, as a (3, 2) matrix, that brings `points` nearest to `values`."""
    p, v = points - points.mean(0), values - values.mean(0)
    a = (p * v).sum() / (p**2).sum()
    b = (p[:, 0] * v[:, 1] - p[:, 1] * v[:, 0]).sum() / (p**2).sum()
    linear = np.array([[a, b], [-b, a]])
    return np.concatenate([linear, (values.mean(0) - points.mean(0) @ linear)[None]])


def _spline(target: NDArray[np.float64], source: NDArray[np.float64], size: tuple[int, int]) -> _Spline:
    centre, width = target.mean(0), float(np.ptp(target[:17, 0]))
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = centre + 1.5 * width * np.stack([np.cos(turn), np.sin(turn)], 1)
    return _Spline(target, source, np.concatenate([ring, centre + (ring - centre) * 1.8]))


def _compose(identity: Identity, warped: list[Image], points: NDArray[np.float64], size: tuple[int, int]) -> Image:
    """One face of two, on the room: (height, width, 3) RGB."""
    base = warped[identity.outer == "hopper"]
    weight = _hopper_weight(identity, points, size)
    inner = _hull(points, size, up=0.06, feather=0.045)[..., None]
    collins, hopper = (layer[..., :3] for layer in warped)
    own = base[..., :3]
    width = float(np.ptp(points[:17, 0]))
    mixed = _blend(collins, hopper, weight, width)
    mixed = _smoothed(mixed, identity.smooth, width)
    face = own + inner * (mixed - own)
    person = base[..., 3:].clip(0, 1)
    return np.asarray(_room(identity, size) * (1 - person) + face * person, np.float32)


def _hopper_weight(identity: Identity, points: NDArray[np.float64], size: tuple[int, int]) -> Image:
    """How much of Hopper each pixel takes: eyes, mouth and the rest of the face have a weight each."""
    width = float(np.ptp(points[:17, 0]))
    weight = np.full(size, identity.rest, np.float32)
    eyes = np.concatenate([points[17:27], points[36:48], points[[40, 41, 46, 47]] + [0.0, 0.14 * width]])
    for part, value, grow in ((eyes, identity.eyes, 0.06), (points[48:60], identity.mouth, 0.03)):
        weight += _soft(part, size, grow * width, 0.035 * width) * (np.float32(value) - weight)
    return weight[..., None]


def _blend(first: Image, second: Image, weight: Image, width: float) -> Image:
    """Coarse structure mixes over a wide seam, fine structure over a narrow one."""
    low_first, low_second = (_lowpass(image, 0.06 * width) for image in (first, second))
    wide = _lowpass(weight[..., 0], 0.05 * width)[..., None]
    low = low_first + wide * (low_second - low_first)
    return np.asarray(low + (1 - weight) * (first - low_first) + weight * (second - low_second))


def _lowpass(image: Image, sigma: float) -> Image:
    """A Gaussian blur, done on a quarter of the resolution where that loses nothing."""
    height, width = image.shape[:2]
    small = resized(image, width // 4, height // 4, cv2.INTER_AREA)
    return resized(blurred(small, sigma / 4), width, height)


def _smoothed(image: Image, amount: float, width: float) -> Image:
    """Fewer wrinkles: small contrasts fade, edges of eyes and lips stay."""
    soft = _lowpass(image, 0.012 * width)
    detail = image - soft
    size = np.abs(detail)
    strength = np.maximum(np.maximum(size[..., 0], size[..., 1]), size[..., 2])
    keep = 1 - np.float32(amount) * (1 - _ramp(strength, 6.0, 22.0))
    return np.asarray(soft + keep[..., None] * detail, np.float32)


def _room(identity: Identity, size: tuple[int, int]) -> Image:
    """A plain wall, a little lighter on one side, with the faint unevenness of a blurred backdrop."""
    rng = np.random.default_rng([identity.seed, 2])
    height, width = size[0] // 8, size[1] // 8
    clouds = resized(rng.normal(0, 1.2, (4, 5)).astype(np.float32), width, height, cv2.INTER_CUBIC)
    light, warmth = identity.room
    lab = np.dstack([light + clouds, np.zeros_like(clouds), np.full_like(clouds, warmth)])
    return resized(to_rgb(lab.astype(np.float32)), size[1], size[0])


def _record(colour: Image, identity: Identity, camera: Camera) -> Image:
    """What the camera makes of the scene: light, spectral response, tone curve, optical blur."""
    height, width = colour.shape[:2]
    y, x = (np.linspace(-0.5, 0.5, n, dtype=np.float32) for n in (height, width))
    right, down = (np.float32(slope) for slope in camera.light)
    light = 1 + right * x[None] + down * y[:, None] - 0.25 * (x[None] ** 2 + y[:, None] ** 2)
    shade = light * _grain(identity, (height, width)) / np.float32(255)
    scene = (colour * shade[..., None]).clip(0, 1)
    if camera.infrared:  # skin and lips are bright and even, dark cloth and hair are not quite dark
        seen = 0.16 + scene @ np.array([0.605, 0.185, 0.050], np.float32)
    elif camera.grey:
        seen = scene @ np.array([0.299, 0.587, 0.114], np.float32)
    else:
        seen = scene * np.array(camera.gain, np.float32)
    recorded = 255 * seen.clip(0, 1) ** np.float32(camera.gamma)
    return blurred(recorded, camera.blur * SCALE)


def _grain(identity: Identity, size: tuple[int, int]) -> Image:
    """The fine grain of skin, cloth and wall, which portraits enlarged to the camera's scale lack."""
    rng = np.random.default_rng([identity.seed, 3])
    grain = np.ones(size, np.float32)
    for sigma, contrast in ((1.6, 0.012), (3.2, 0.010)):
        noise = blurred(rng.standard_normal(size, np.float32), sigma)
        grain += np.float32(contrast / float(noise.std())) * noise
    return grain
