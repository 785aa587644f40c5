"""Features that are made of flow, drawn for a person: flow as colours and as arrows, its planes, and the frames."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cdmer.motion.colors import encode_hsv

INCH = 2.5  # a panel's side
ARROWS = 18  # on a side
_FACE: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 255}


def flow_figure(row: NDArray[Any], recipe: Mapping[str, Any], frames: NDArray[Any] | None) -> Figure:
    """Draw one sample of a feature of flow.

    Parameters
    ----------
    row
        The sample, as the store has it.
    recipe
        The feature's recipe, with its key `descriptor`.
    frames
        The frames that it was made of, where they are still there.
    """
    draw = {
        "onset_apex_flow": _onset_apex_flow,
        "flow_planes": _onset_apex_flow,
        "dscnn_input": _dscnn_input,
        "madtn_image": _madtn_image,
        "keyframe_flows": _keyframe_flows,
    }[recipe["descriptor"]]
    return draw(row, recipe, frames)


def panels(rows: int, columns: int) -> tuple[Figure, list[Axes]]:
    """A figure of panels without axes, row by row."""
    figure = Figure(figsize=(INCH * columns, (INCH + 0.25) * rows + 0.45), dpi=110, layout="constrained")
    axes = [figure.add_subplot(rows, columns, number + 1) for number in range(rows * columns)]
    for axis in axes:
        axis.set_axis_off()
    return figure, axes


def show(axis: Axes, picture: NDArray[Any], title: str, **style: Any) -> Any:
    """Put a picture with its title into a panel."""
    axis.set_title(title, fontsize=9)
    return axis.imshow(picture, interpolation="nearest", **style)


def arrows(axis: Axes, flow: NDArray[np.float32], under: NDArray[Any] | None, title: str) -> None:
    """Draw a flow as arrows, over a frame or over the length of its vectors; lengths are enlarged to be seen."""
    height, width, _ = flow.shape
    length = np.hypot(flow[..., 0], flow[..., 1])
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    if under is None:
        axis.imshow(length, cmap="gray", extent=extent)
    else:
        axis.imshow(under, extent=extent, **({} if under.ndim == 3 else _FACE))
    rows, columns = (np.linspace(0, side - 1, min(ARROWS, side)).round().astype(int) for side in (height, width))
    at_x, at_y = np.meshgrid(columns, rows)
    vectors = flow[np.ix_(rows, columns)]
    # the longest arrow spans two and a half steps of the raster of arrows
    stretch = 2.5 * max(height, width) / ARROWS / max(float(length.max()), 1e-6)
    axis.quiver(
        at_x, at_y, vectors[..., 0] * stretch, vectors[..., 1] * stretch,
        angles="xy", scale_units="xy", scale=1, color="#ffd400", edgecolor="black", linewidth=0.4, width=0.008,
    )  # fmt: skip
    axis.set_title(f"{title}\n(arrows {stretch:.1f} times as long)", fontsize=9)


def wheel(axis: Axes, limit: float, title: str = "") -> None:
    """The key of the colours: direction of motion as hue, up to a length in pixels."""
    side = np.linspace(-1, 1, 121, dtype=np.float32)
    field = np.stack(np.meshgrid(side, side), -1) * np.float32(limit)
    picture = encode_hsv(field, "figure", limit)
    picture[np.hypot(field[..., 0], field[..., 1]) > limit] = 255
    show(axis, picture, title or f"the key: rim {limit:.2g} pixels")


def _largest(*flows: NDArray[np.float32]) -> float:
    return max(1e-6, *(float(np.hypot(flow[..., 0], flow[..., 1]).max()) for flow in flows))


def _onset_apex_flow(row: NDArray[Any], recipe: Mapping[str, Any], frames: NDArray[Any] | None) -> Figure:
    planes = dict(zip(recipe["planes"], row, strict=True))
    figure, axes = panels(2, 4)
    if frames is not None:
        show(axes[0], frames[0], "onset", **_FACE)
        show(axes[1], frames[1], "apex", **_FACE)
    if {"u", "v"} <= set(planes):  # one of them alone has no direction
        flow = np.stack([planes["u"], planes["v"]], -1)
        limit = _largest(flow)
        show(axes[2], encode_hsv(flow, "figure", limit), "flow, direction as hue")
        arrows(axes[3], flow, None if frames is None else frames[0], "flow")
        wheel(axes[7], limit)
    for axis, (name, plane) in zip(axes[4:], planes.items(), strict=False):
        _plane(figure, axis, name, plane)
    return figure


def _plane(figure: Figure, axis: Axes, name: str, plane: NDArray[np.float32]) -> None:
    most = float(np.abs(plane).max()) or 1.0
    style: dict[str, Any] = (
        {"cmap": "magma", "vmin": 0} if name == "strain" else {"cmap": "RdBu_r", "vmin": -most, "vmax": most}
    )
    unit = "" if name == "strain" else ", pixels"
    figure.colorbar(show(axis, plane, f"{name}{unit}", **style), ax=axis, shrink=0.75).ax.tick_params(labelsize=7)


def _dscnn_input(row: NDArray[Any], recipe: Mapping[str, Any], frames: NDArray[Any] | None) -> Figure:
    apex = np.rint(row[0] * 255)
    second = {3: {}, 5: {"apex to offset": slice(3, 5)}, 7: {"apex to offset": slice(4, 6)}}[len(row)]  # by planes
    places = {"onset to apex": slice(1, 3), **second}
    flows = {name: row[place].transpose(1, 2, 0) for name, place in places.items()}
    limit = _largest(*flows.values())
    figure, axes = panels(2, 3)
    show(axes[0], apex, "apex", **_FACE)
    wheel(axes[3], limit)
    for column, (name, flow) in enumerate(flows.items()):
        show(axes[1 + column], encode_hsv(flow, "figure", limit), f"{name}, direction as hue")
        under = apex if frames is None or column else frames[0]
        arrows(axes[4 + column], flow, under, name)
    return figure


def _madtn_image(row: NDArray[Any], recipe: Mapping[str, Any], frames: NDArray[Any] | None) -> Figure:
    figure, axes = panels(1, 4)
    show(axes[0], np.moveaxis(row, 0, -1), "the network's input")
    for axis, plane, title in zip(
        axes[1:], row, ("red: onset to middle", "green: middle frame", "blue: middle to offset"), strict=True
    ):
        show(axis, plane, title, **_FACE)
    return figure


def _keyframe_flows(row: NDArray[Any], recipe: Mapping[str, Any], frames: NDArray[Any] | None) -> Figure:
    flows = row[:2].transpose(1, 2, 3, 0)
    limit = _largest(*flows)
    columns = (len(flows) + 2) // 2
    figure, axes = panels(2, columns)
    for number, flow in enumerate(flows):
        copy = "" if flow.any() else " (a copy)"
        show(axes[number], encode_hsv(flow, "figure", limit), f"key-frames {number + 1} to {number + 2}{copy}")
    largest = int(np.argmax([_largest(flow) for flow in flows]))
    under = None if frames is None else frames[largest]
    arrows(axes[len(flows)], flows[largest], under, f"key-frames {largest + 1} to {largest + 2}")
    if len(axes) > len(flows) + 1:
        wheel(axes[len(flows) + 1], limit)
    return figure


FLOW_FEATURES = ("onset_apex_flow", "flow_planes", "dscnn_input", "madtn_image", "keyframe_flows")
