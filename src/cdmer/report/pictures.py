"""Pictures inside the page: everything is a data URI, so that the page needs no other file."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

INK, FAINT = "#1d2733", "#8a94a0"
# told apart by people with any colour vision (Okabe and Ito)
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#5b4a9c", "#8c6d31")
# of all figures; in force while the job runs
STYLE: Any = {
    "font.size": 8.5,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "svg.hashsalt": "cdmer",  # the same figure is the same text
}


@dataclass(frozen=True)
class Picture:
    """A picture of the page.

    Attributes
    ----------
    uri
        ``data:`` and the picture itself.
    alt
        What it shows, for whoever does not see it.
    width, height
        Pixels at which it is shown.
    of_clips
        Whether it was made of participants' pixels.
    """

    uri: str
    alt: str
    width: int
    height: int
    of_clips: bool = False


def figure(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, list[Any]]:
    """A figure and its axes, row by row; inches of 96 pixels."""
    made = Figure(figsize=(width, height), layout="constrained")
    axes = made.subplots(rows, columns, squeeze=False, **options)
    return made, list(axes.ravel())


def drawn(made: Figure, alt: str) -> Picture:
    """A figure as SVG."""
    buffer = io.BytesIO()
    FigureCanvasSVG(made)
    made.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, dpi=110)
    width, height = (round(float(inches) * 96) for inches in made.get_size_inches())
    return Picture(_uri("image/svg+xml", buffer.getvalue()), alt, width, height)


def stored(path: Path, alt: str, width: int) -> Picture:
    """A PNG that the workflow has drawn, as it is."""
    content = path.read_bytes()
    with Image.open(io.BytesIO(content)) as image:
        height = round(image.height * width / image.width)
    return Picture(_uri("image/png", content), alt, width, height)


def still(pixels: NDArray[np.uint8], alt: str, width: int = 0, of_clips: bool = True, quality: int = 85) -> Picture:
    """Pixels (height, width[, 3]) as WebP, shown `width` pixels wide."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(buffer, format="WEBP", quality=quality, method=4)
    return _sized(buffer, "image/webp", alt, pixels.shape, width, of_clips)


def animation(frames: NDArray[np.uint8], milliseconds: Sequence[int], alt: str, width: int = 0) -> Picture:
    """Frames (frames, height, width[, 3]) as an animated WebP that runs for ever."""
    images = [Image.fromarray(frame).convert("RGB") for frame in frames]
    buffer = io.BytesIO()
    images[0].save(
        buffer,
        format="WEBP",
        save_all=True,
        append_images=images[1:],
        duration=list(milliseconds),
        loop=0,
        quality=70,
        method=3,
        minimize_size=True,
    )
    return _sized(buffer, "image/webp", alt, frames.shape[1:], width, of_clips=True)


def _sized(buffer: io.BytesIO, kind: str, alt: str, shape: Sequence[int], width: int, of_clips: bool) -> Picture:
    shown = width or shape[1]
    return Picture(_uri(kind, buffer.getvalue()), alt, shown, round(shape[0] * shown / shape[1]), of_clips)


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
