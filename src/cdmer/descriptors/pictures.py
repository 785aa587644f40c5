"""Features of blocks, drawn for a person: LBP code planes, and the histograms of the blocks."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from cdmer.descriptors.lbp_top import GUARD, checked_radii
from cdmer.motion.pictures import INCH, show

PLANES = ("XY", "XT", "YT")
_OF_PLANES = dict.fromkeys(PLANES, 1)
SECTIONS = {  # what the numbers of a block are, from left to right, and how their counts compare
    "hog_top": _OF_PLANES,
    "higo_top": _OF_PLANES,
    "lpq_top": _OF_PLANES,
    "lbp_sip": {"spatial code": 16, "temporal code": 4},
    "elbp_top": {f"{kind} {plane}": 1 for kind in ("LBP", "radial", "angular") for plane in PLANES},
}


def lbp_figure(row: NDArray[np.float32], recipe: Mapping[str, Any], clip: NDArray[np.uint8] | None) -> Figure:
    """Draw an LBP-TOP feature: the code planes through the middle of its clip, and its histograms by plane."""
    blocks = sum(grid**2 for grid in recipe["grids"])
    histograms = row.reshape(blocks, 3, -1)
    figure = Figure(figsize=(4 * INCH, 4.3 * INCH), dpi=110, layout="constrained")
    layout = figure.add_gridspec(3, 3, height_ratios=(1.2, 1, 1.6))
    for number, plane in enumerate(PLANES):
        if clip is not None:
            axis = figure.add_subplot(layout[0, number])
            codes = code_plane(clip, plane, recipe["radius"], recipe["neighbors"])
            down = "" if plane == "XY" else ", time runs down"
            aspect = "equal" if plane == "XY" else "auto"
            show(axis, codes, f"{plane} codes through the middle{down}", cmap="nipy_spectral", aspect=aspect)
            axis.set_axis_off()
        bars = figure.add_subplot(layout[1, number])
        bars.bar(np.arange(histograms.shape[2]), histograms[0, number], width=1.0, color="#30507a")
        whole = "the whole face" if recipe["grids"][0] == 1 else "the first block"
        bars.set_title(f"{plane}: histogram of {whole}", fontsize=9)
        bars.tick_params(labelsize=7)
        bars.set_xlabel("bin (the last: not uniform)", fontsize=8)
        heat = figure.add_subplot(layout[2, number])
        _heat_map(figure, heat, histograms[:, number], recipe["grids"], f"{plane}: all blocks")
    return figure


def block_figure(row: NDArray[np.float32], descriptor: str, grids: Sequence[int]) -> Figure:
    """Draw a feature of one vector: a line of the picture for each block, a column for each of its numbers."""
    vector = np.asarray(row, np.float32).ravel()
    blocks = sum(grid**2 for grid in grids)
    lines = vector.reshape(blocks, -1) if blocks and vector.size % blocks == 0 else vector[None]
    figure = Figure(figsize=(4 * INCH, 2.4 * INCH), dpi=110, layout="constrained")
    axis = figure.add_subplot()
    if len(lines) > 1:
        _heat_map(figure, axis, lines, grids, "all blocks")
        _name_sections(axis, lines.shape[1], SECTIONS.get(descriptor, {}))
    else:
        _heat_map(figure, axis, lines, (), "all numbers")
        axis.set_yticks([])
        axis.set_xlabel("number", fontsize=8)
    return figure


def code_plane(clip: NDArray[np.uint8], plane: str, radius: int | Sequence[int], neighbors: int) -> NDArray[np.int64]:
    """The LBP codes of the XY, XT or YT plane through the middle of a clip, without its border of `radius`.

    Parameters
    ----------
    clip
        uint8 (frames, height, width).
    plane
        ``XY``, ``XT`` or ``YT``; in the last two, time runs down.
    radius, neighbors
        As for `cdmer.descriptors.lbp_top`.
    """
    middle = [side // 2 for side in clip.shape]
    image = {"XY": clip[middle[0]], "XT": clip[:, middle[1]], "YT": clip[:, :, middle[2]]}[plane].astype(np.float32)
    t, y, x = checked_radii(radius, "LBP-TOP")
    tall, wide = {"XY": (y, x), "XT": (t, x), "YT": (t, y)}[plane]
    rows, columns = np.mgrid[tall : image.shape[0] - tall, wide : image.shape[1] - wide].astype(float)
    codes = np.zeros(rows.shape, np.int64)
    for point in range(neighbors):
        cosine, sine = (turned(2 * math.pi * point / neighbors) for turned in (math.cos, math.sin))
        down, right = {"XY": (-sine, cosine), "XT": (sine, cosine), "YT": (cosine, -sine)}[plane]
        values = map_coordinates(image, [rows + tall * down, columns + wide * right], order=1)
        codes |= (values >= image[tall:-tall, wide:-wide] - GUARD).astype(np.int64) << point
    return codes


def _name_sections(axis: Any, width: int, sections: Mapping[str, int]) -> None:
    """Part the columns of a heat map by what they are."""
    if not sections:
        return
    edges = np.cumsum([0, *sections.values()]) * width / sum(sections.values())
    axis.set_xticks((edges[:-1] + edges[1:] - 1) / 2, sections)
    axis.set_xlabel("")
    for edge in edges[1:-1]:
        axis.axvline(edge - 0.5, color="white", linewidth=0.8)


def _heat_map(figure: Figure, axis: Any, lines: NDArray[np.float32], grids: Sequence[int], title: str) -> None:
    drawn = axis.imshow(np.sqrt(np.abs(lines)) * np.sign(lines), aspect="auto", interpolation="nearest", cmap="magma")
    axis.set_title(f"{title} (square roots)", fontsize=9)
    axis.set_xlabel("number within the block", fontsize=8)
    axis.tick_params(labelsize=7)
    if len(grids):
        edges = np.cumsum([0, *(grid**2 for grid in grids)])
        axis.set_yticks((edges[:-1] + edges[1:] - 1) / 2, [f"{grid} x {grid}" for grid in grids])
        for edge in edges[1:-1]:
            axis.axhline(edge - 0.5, color="white", linewidth=0.8)
    figure.colorbar(drawn, ax=axis, shrink=0.8).ax.tick_params(labelsize=7)
