"""Flow as a colour picture, and back.

The direction becomes the hue, H = atan2(v, u) in degrees, from red (to the right) through yellow (60, right and down)
and on; y points down. The length r, brought to 0 .. 1, becomes the value (`figure`, with S = 1: what does not move is
black) or the saturation (`text`, with V = 1: what does not move is white). MADTN's text says the latter, its figures
show the former.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError

Code = Literal["figure", "text"]
_CORNERS = np.array([0, 4, 2], np.float32)  # sixths of the circle that red, green and blue turn by


def polar(flow: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The length of each vector in pixels, and its direction in degrees, clockwise from the right, from 0 to 360."""
    u, v = flow[..., 0], flow[..., 1]
    angle = np.degrees(np.arctan2(v, u)) % np.float32(360)
    angle[angle >= 360] = 0  # what lies just below 0 rounds up
    return np.hypot(u, v), angle


def from_polar(length: NDArray[np.float32], angle: NDArray[np.float32]) -> NDArray[np.float32]:
    """The flow of lengths and directions; the inverse of `polar`."""
    radians = np.radians(angle)
    return np.stack([length * np.cos(radians), length * np.sin(radians)], axis=-1).astype(np.float32)


def encode_hsv(flow: NDArray[Any], code: Code = "figure", limit: float | None = None) -> NDArray[np.uint8]:
    """A flow as an RGB picture.

    Parameters
    ----------
    flow
        (height, width, 2), finite.
    code
        Where the length goes: ``figure``, H = angle, S = 1, V = r; ``text``, H = angle, S = r, V = 1.
    limit
        The length in pixels that becomes r = 1, and 0 becomes 0; what is longer is cut off. Without, the picture's own
        shortest and longest vector become 0 and 1 (a field of one length throughout becomes 0).

    Returns
    -------
    array
        uint8 (height, width, 3), rounded half up. With a `limit`, `decode_hsv` brings the flow back.

    Raises
    ------
    CdmerError
        No flow, an unknown code, or a limit that is not positive.
    """
    field = np.asarray(flow, np.float32)
    if field.ndim != 3 or field.shape[2] != 2 or field.size == 0 or not np.isfinite(field).all():
        raise CdmerError(
            f"no flow to encode: {field.shape}, {np.count_nonzero(~np.isfinite(field))} values not finite",
            "give a finite flow (height, width, 2)",
        )
    _check(code, limit)
    length, angle = polar(field)
    hue = _hue(angle)
    r = _unit(length, limit)[..., None]
    picture = r * hue if code == "figure" else 1 - r * (1 - hue)
    return np.asarray(np.floor(picture * np.float32(255) + np.float32(0.5)), np.uint8)


def decode_hsv(picture: NDArray[np.uint8], limit: float, code: Code = "figure") -> NDArray[np.float32]:
    """The flow of a picture of `encode_hsv` with the same `limit` and `code`.

    Rounding to 8 bits leaves the length within limit / 510 pixels; the direction of a vector of r * limit within about
    a quarter of a degree by r.

    Parameters
    ----------
    picture
        uint8 (height, width, 3) RGB.
    limit, code
        As for `encode_hsv`.

    Returns
    -------
    array
        float32 (height, width, 2).
    """
    _check(code, limit)
    colors = np.asarray(picture, np.float32) / 255
    colored = colors if code == "figure" else 1 - colors  # in the complement, the hue is turned by half a circle
    highest, lowest = colored.max(-1), colored.min(-1)
    spread = np.where(highest > lowest, highest - lowest, 1)
    red, green, blue = np.moveaxis(colored, -1, 0)
    sixths = np.where(
        highest == red,
        (green - blue) / spread,
        np.where(highest == green, 2 + (blue - red) / spread, 4 + (red - green) / spread),
    )
    turned = sixths if code == "figure" else sixths + 3
    return from_polar((highest * limit).astype(np.float32), (turned * 60 % 360).astype(np.float32))


def _hue(angle: NDArray[np.float32]) -> NDArray[np.float32]:
    """The pure colour of each direction, (..., 3) from 0 to 1."""
    place = (angle[..., None] / 60 + _CORNERS) % 6
    return np.asarray(np.clip(np.abs(place - 3) - 1, 0, 1), np.float32)


def _unit(length: NDArray[np.float32], limit: float | None) -> NDArray[np.float32]:
    if limit is not None:
        return np.asarray(np.clip(length / np.float32(limit), 0, 1), np.float32)
    lowest, highest = length.min(), length.max()
    return np.asarray((length - lowest) / (highest - lowest if highest > lowest else 1), np.float32)


def _check(code: str, limit: float | None) -> None:
    if code not in ("figure", "text"):
        raise CdmerError(f"there is no flow code {code!r}", "choose figure (length as value) or text (as saturation)")
    if limit is not None and not 0 < limit < np.inf:
        raise CdmerError(f"the limit of a flow picture is {limit}", "give a positive length in pixels")
