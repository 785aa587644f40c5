"""Features of facial regions, drawn on the face: MDMO's main motions, and 3DHOG's main gradients."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon
from numpy.typing import NDArray

from cdmer.descriptors.regions import HOG_REGIONS, MDMO_REGIONS, hog_rectangles, mdmo_outlines
from cdmer.motion.colors import encode_hsv
from cdmer.motion.pictures import INCH, show, wheel

PLANES = ("XY", "XT", "YT")
_FACE: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 255}
_FLOW_KEY = "the key: direction,\nthe longest at the rim"
_GRADIENT_KEY = "the key: right is x (YT: y),\ndown is y (XT and YT: t),\na share of {:.2f} at the rim"

Outlines = Mapping[str, NDArray[np.float64]]


def mdmo_figure(
    row: NDArray[np.float32], recipe: Mapping[str, Any], face: NDArray[np.uint8], landmarks: NDArray[np.float32]
) -> Figure:
    """Draw MDMO: each region in the colour of its main motion, and its arrow.

    Parameters
    ----------
    row
        (72,): lengths and directions, as the store has them.
    recipe
        The descriptor's settings, of which `beta` is needed to undo the weights.
    face, landmarks
        The first frame, and the 68 landmarks in it.
    """
    vectors = main_motions(row, recipe["beta"])
    outlines = mdmo_outlines(landmarks)
    figure = Figure(figsize=(4 * INCH, 1.75 * INCH), dpi=110, layout="constrained")
    colored, arrows, key = figure.subplots(1, 3, width_ratios=(1.6, 1.6, 1))
    show(colored, face, "main motion of 36 regions, direction as hue", **_FACE)
    _fill(colored, outlines, encode_hsv(vectors[None], "figure", 1.0)[0] / 255)
    show(arrows, face, "the same as arrows", **_FACE)
    longest = 0.12 * max(face.shape[:2])
    centres = np.array([outlines[name].mean(0) for name in MDMO_REGIONS])
    arrows.quiver(
        *centres.T, *(vectors * longest).T,
        angles="xy", scale_units="xy", scale=1, color="#ffd400", edgecolor="black", linewidth=0.4, width=0.008,
    )  # fmt: skip
    wheel(key, 1.0, _FLOW_KEY)
    for axis in (colored, arrows, key):
        axis.set_axis_off()
    return figure


def main_motions(row: NDArray[np.float32], beta: float) -> NDArray[np.float32]:
    """The vectors of the 36 regions, (36, 2), the longest of length 1; what `beta` weighs by 0 is lost: 1, or right."""
    rho, theta = np.asarray(row, np.float32).reshape(-1, 2).T
    lengths = rho / beta if beta > 0 else np.ones_like(rho)
    directions = theta / (1 - beta) if beta < 1 else np.zeros_like(theta)
    return np.column_stack([lengths * np.cos(directions), lengths * np.sin(directions)]).astype(np.float32)


def hog_3d_figure(
    row: NDArray[np.float32],
    recipe: Mapping[str, Any],
    face: NDArray[np.uint8] | None,
    landmarks: NDArray[np.float32] | None,
) -> Figure:
    """Draw 3DHOG: each region in the colour of its fullest bin, plane by plane, and all histograms.

    Parameters
    ----------
    row
        (12 * sum of `bins`,), as the store has it.
    recipe
        The descriptor's settings, of which `bins` is needed.
    face, landmarks
        The onset frame, and the 68 landmarks in it; without them the histograms alone are drawn.
    """
    cuts = np.cumsum(recipe["bins"])
    histograms = dict(zip(PLANES, np.split(row.reshape(len(HOG_REGIONS), cuts[-1]), cuts[:-1], axis=1), strict=True))
    with_face = face is not None and landmarks is not None
    figure = Figure(figsize=(4.4 * INCH, (2.9 if with_face else 1.5) * INCH), dpi=110, layout="constrained")
    grid = figure.add_gridspec(1 + with_face, 4, width_ratios=(1, 1, 1, 0.75))
    if face is not None and landmarks is not None:
        outlines = hog_outlines(landmarks, *face.shape[:2])
        gradients = {plane: main_gradients(votes) for plane, votes in histograms.items()}
        limit = max(1e-6, *(float(np.hypot(*vectors.T).max()) for vectors in gradients.values()))
        for column, (plane, vectors) in enumerate(gradients.items()):
            axis = figure.add_subplot(grid[0, column])
            show(axis, face, f"{plane}: main gradient", **_FACE)
            _fill(axis, outlines, encode_hsv(vectors[None], "figure", limit)[0] / 255)
            axis.set_axis_off()
        key = figure.add_subplot(grid[0, 3])
        wheel(key, limit, _GRADIENT_KEY.format(limit))
        key.set_axis_off()
    for column, (plane, votes) in enumerate(histograms.items()):
        axis = figure.add_subplot(grid[-1, column])
        drawn = show(axis, votes, f"{plane}: histograms", aspect="auto", cmap="magma", vmin=0)
        axis.set_yticks(range(len(HOG_REGIONS)), [name.replace("_", " ") for name in HOG_REGIONS] if not column else [])
        axis.set_xlabel("bin", fontsize=8)
        axis.tick_params(labelsize=7)
        figure.colorbar(drawn, ax=axis, shrink=0.8).ax.tick_params(labelsize=7)
    return figure


def main_gradients(votes: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each histogram the direction in the middle of its fullest bin, as long as its share: (regions, 2)."""
    fullest = votes.argmax(axis=1)
    angle = (fullest + 0.5) * (2 * np.pi / votes.shape[1])
    share = votes[np.arange(len(votes)), fullest]
    return np.column_stack([share * np.cos(angle), share * np.sin(angle)]).astype(np.float32)


def hog_outlines(landmarks: NDArray[np.float32], height: int, width: int) -> dict[str, NDArray[np.float64]]:
    """The corners of the 12 rectangles by name, x then y."""
    rectangles = zip(HOG_REGIONS, hog_rectangles(landmarks, height, width), strict=True)
    return {
        name: np.array([(left, top), (right, top), (right, bottom), (left, bottom)]) - 0.5
        for name, (top, bottom, left, right) in rectangles
    }


def _fill(axis: Axes, outlines: Outlines, colors: NDArray[np.float64]) -> None:
    for outline, color in reversed(list(zip(outlines.values(), colors, strict=True))):  # what comes first lies on top
        axis.add_patch(Polygon(outline, facecolor=(*color, 0.75), edgecolor="white", linewidth=0.6))
