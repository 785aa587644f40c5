"""A picture of a prediction: the frames that the model was shown, and the scores of the classes beside them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cdmer.faces.contact_sheet import picture
from cdmer.files import whole_file
from cdmer.frames.rounding import round_half_up
from cdmer.prediction.clips import Sample
from cdmer.prediction.predict import Prediction, apex_of, frames_used

MOST_CLIPS, MOST_FRAMES = 24, 11  # on one picture, and of one clip
TAKEN, OTHER, INK, FAINT = "#0072b2", "#c3ccd5", "#1d2733", "#6b7682"


def draw_prediction(prediction: Prediction, path: str | Path) -> int:
    """Write the PNG of the first clips; how many it shows.

    Of a clip with many frames some are shown, spread evenly.
    """
    samples = prediction.samples[:MOST_CLIPS]
    columns = max(len(_shown(sample)) for sample in samples)
    wide, high = max(7.5, 1.15 * columns + 3.6), 1.85 * len(samples) + 0.5
    figure = Figure(figsize=(wide, high), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    trained, judged = prediction.trained, prediction.judgement
    figure.suptitle(
        f"{trained.name}, {trained.experiment.name}, {trained.selection} ({judged.chosen_by or 'no parameters'}); "
        f"scores: {judged.kind}",
        fontsize=9, color=INK, x=0.01, ha="left",
    )  # fmt: skip
    grid = figure.add_gridspec(2 * len(samples), columns + 3, height_ratios=[0.16, 1] * len(samples))
    for row, sample in enumerate(samples):
        title = figure.add_subplot(grid[2 * row, :])
        title.set_axis_off()
        said = title.text(0, 0, f"{_short(sample.clip.name)}   {_facts(sample)}", fontsize=8, color=INK)
        said.set_in_layout(False)  # it may be longer than the frames are wide
        for column, (caption, frame) in enumerate(_shown(sample)):
            axes = figure.add_subplot(grid[2 * row + 1, column])
            axes.imshow(frame)
            axes.set_axis_off()
            axes.set_title(caption, fontsize=7, color=FAINT, pad=2)
        _bars(figure.add_subplot(grid[2 * row + 1, columns:]), prediction, row)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    with whole_file(path) as partial:
        partial.write_bytes(buffer.getvalue())
    return len(samples)


def _shown(sample: Sample) -> list[tuple[str, NDArray[Any]]]:
    """Captions and pictures of a clip's frames."""
    frames = sample.record.frames
    frames = frames if frames.dtype == np.uint8 else round_half_up(frames)
    numbers, apex = frames_used(sample), apex_of(sample)
    places = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), MOST_FRAMES)).round().astype(int))
    captions = [str(place + 1) if numbers is None else f"frame {numbers[place]}" for place in places]
    if numbers is not None and apex is not None:
        captions = [
            f"{text}, apex" if numbers[place] == apex else text for text, place in zip(captions, places, strict=True)
        ]
    return [(text, picture(frames[place])) for text, place in zip(captions, places, strict=True)]


def _facts(sample: Sample) -> str:
    apex = apex_of(sample)
    middle = "" if apex is None else f", apex {apex} ({sample.record.others['apex_method']})"
    made = "" if frames_used(sample) else f", {len(sample.record.frames)} frames interpolated"
    return f"onset {sample.onset}{middle}, offset {sample.offset}{made}"


def _bars(axes: Axes, prediction: Prediction, row: int) -> None:
    judged = prediction.judgement
    scores, taken = judged.scores[row], judged.predicted[row]
    names = list(judged.classes)
    axes.barh(names, scores, color=[TAKEN if name == taken else OTHER for name in names], height=0.6)
    axes.invert_yaxis()
    reach = max(1e-12, float(np.abs(judged.scores).max())) if judged.kind == "decision" else 1.0
    axes.set_xlim((-1.35 * reach, 1.35 * reach) if judged.kind == "decision" else (0, 1.25))
    axes.axvline(0, color=FAINT, linewidth=0.6)
    for place, (name, score) in enumerate(zip(names, scores, strict=True)):
        aside = 0.03 * reach * (1 if score >= 0 else -1)
        axes.text(
            score + aside, place, f"{score:.2f}", va="center", ha="left" if score >= 0 else "right", fontsize=7.5,
            color=INK, weight="bold" if name == taken else "normal",
        )  # fmt: skip
    axes.tick_params(length=0, labelsize=8, colors=INK)
    axes.set_xticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def _short(name: str) -> str:
    return name if len(name) <= 48 else f"…{name[-47:]}"
