"""A picture of a prediction: the frames that the model was shown, and the scores of the classes beside them."""

import io
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from cdmer.faces.contact_sheet import GAP, INK, PAPER, Strip, draw_strips, picture
from cdmer.files import whole_file
from cdmer.frames.rounding import round_half_up
from cdmer.prediction.clips import Sample
from cdmer.prediction.predict import Prediction, apex_of, frames_used

MOST_CLIPS, MOST_FRAMES = 24, 11  # on one picture, and of one clip
BARS, HEADER, LEAST_WIDTH = 340, 26, 560  # pixels: width of the scores, height of the title, width of the frames
TAKEN, OTHER, FAINT = "#0072b2", "#c3ccd5", "#6b7682"


def draw_prediction(prediction: Prediction, path: str | Path) -> int:
    """Write the PNG of the first clips; how many it shows.

    Of a clip with many frames some are shown, spread evenly. A caption is a frame's place, and its number where it was
    recorded; ``a`` marks the apex.
    """
    samples = prediction.samples[:MOST_CLIPS]
    strips = [draw_strips([_strip(sample)], 1) for sample in samples]
    high, left = strips[0].height, max(LEAST_WIDTH, *(strip.width for strip in strips))
    sheet = Image.new("RGB", (left + BARS + GAP, HEADER + len(samples) * high), PAPER)
    trained, judged = prediction.trained, prediction.judgement
    chosen = judged.chosen_by or "no parameters"
    title = f"{trained.name}, {trained.experiment.name}, {trained.selection} ({chosen}); scores: {judged.kind}"
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, GAP), title, INK, ImageFont.load_default(14))
    for row, strip in enumerate(strips):
        sheet.paste(strip, (0, HEADER + row * high))
        name = f"{Path(samples[row].clip.name).name}  {_facts(samples[row])}"
        draw.text((GAP, HEADER + row * high + GAP), name, INK, ImageFont.load_default(12))  # wider than two frames
        sheet.paste(_bars(prediction, row, high), (left, HEADER + row * high))
    with whole_file(path) as partial:
        sheet.save(partial, format="PNG")
    return len(samples)


def _strip(sample: Sample) -> Strip:
    frames = sample.record.frames
    frames = frames if frames.dtype == np.uint8 else round_half_up(frames)
    numbers, apex = frames_used(sample), apex_of(sample)
    captions = [str(place + 1) for place in range(len(frames))]
    if numbers is not None:
        marks = [" a" if number == apex else "" for number in numbers]
        captions = [f"{text}: {number}{mark}" for text, number, mark in zip(captions, numbers, marks, strict=True)]
    places = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), MOST_FRAMES)).round().astype(int))
    return Strip("", {captions[place]: picture(frames[place]) for place in places})


def _facts(sample: Sample) -> str:
    apex = apex_of(sample)
    middle = "" if apex is None else f", apex {apex} ({sample.record.others['apex_method']})"
    made = "" if frames_used(sample) else f", {len(sample.record.frames)} frames interpolated"
    return f"onset {sample.onset}{middle}, offset {sample.offset}{made}"


def _bars(prediction: Prediction, row: int, high: int) -> Image.Image:
    """The scores of one clip, the class that was taken in another colour."""
    judged = prediction.judgement
    scores, names, taken = judged.scores[row], list(judged.classes), judged.predicted[row]
    figure = Figure(figsize=(BARS / 100, high / 100), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.27, 0.08, 0.7, 0.72))
    axes.barh(names, scores, color=[TAKEN if name == taken else OTHER for name in names], height=0.6)
    axes.invert_yaxis()
    reach = max(1e-12, float(np.abs(judged.scores).max())) if judged.kind == "decision" else 1.0
    axes.set_xlim((-1.35 * reach, 1.35 * reach) if judged.kind == "decision" else (0, 1.25))
    axes.axvline(0, color=FAINT, linewidth=0.6)
    for place, (name, score) in enumerate(zip(names, scores, strict=True)):
        aside, weight = 0.03 * reach * (1 if score >= 0 else -1), "bold" if name == taken else "normal"
        where = "left" if score >= 0 else "right"
        axes.text(score + aside, place, f"{score:.2f}", va="center", ha=where, fontsize=8, weight=weight)
    axes.tick_params(length=0, labelsize=8.5)
    axes.set_xticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    with Image.open(buffer) as drawn:
        return drawn.convert("RGB")
