"""What may be seen of participants: example clips with their motion, crops, and mean faces."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from cdmer.faces.contact_sheet import draw_contact_sheet
from cdmer.frames.keyframes import keyframe_times
from cdmer.motion.colors import encode_hsv
from cdmer.motion.flow import optical_flow
from cdmer.progress import progress
from cdmer.report.pictures import Picture, animation, still
from cdmer.report.results import Results, title_of
from cdmer.store.shard import ClipRecord, read_shard

EXAMPLES = 7  # classes of a database of which a clip is shown, the most frequent first
FRAMES = 32  # of an animation, at most
SLOWER = 6  # than it happened
SIDE = 112  # pixels of an animation
CHANGE = 8  # times as strong, the difference between onset and apex
FLOW_RIM = 1.0  # pixels of a crop of SIDE: the length of motion that has the full colour
KEYFRAMES = 11
LEAST_PEOPLE = 5  # behind a mean face: of fewer, one might be recognised
SHEET_SUBJECTS = 2  # of each database, on a contact sheet


@dataclass(frozen=True)
class Example:
    """One clip: its words, and its pictures by their captions."""

    clip: str
    emotion: str
    caption: str
    pictures: dict[str, Picture]


def examples(results: Results, database: str, manifest: pd.DataFrame) -> list[Example]:
    """One clip of each emotion of a database, the most frequent first: of each the one of middle length."""
    if results.databases[database].faces != "show":
        return []
    place = {clip: shard for shard in results.shards(results.recipes[0], database) for clip in read_shard(shard).clips}
    there = manifest[manifest["clip"].isin(list(place)) & manifest["emotion"].notna()]
    emotions = list(there["emotion"].value_counts().index[:EXAMPLES])
    rows = [_middle(there[there["emotion"] == emotion]) for emotion in emotions]
    return [
        _example(read_shard(place[str(row["clip"])])[str(row["clip"])], row)
        for row in progress(rows, f"example clips of {title_of(database)}")
    ]


def _middle(rows: pd.DataFrame) -> "pd.Series[Any]":
    ordered = rows.assign(length=rows["offset"] - rows["onset"]).sort_values(["length", "clip"])
    return ordered.iloc[len(ordered) // 2]


def _example(record: ClipRecord, row: "pd.Series[Any]") -> Example:
    frames = record.frames
    fps = float(row["fps"])
    onset = int(record["onset"])
    annotated = record["apex"] is not None
    apex = min(int(record["apex"]) - onset if annotated else (len(frames) - 1) // 2, len(frames) - 1)
    word = "apex" if annotated else "middle"
    first, second = _small(frames[0]), _small(frames[apex])
    pictures = {
        "in motion": _animation(frames, fps, record.name),
        f"onset and {word}": still(np.concatenate([first, second], axis=1), f"{record.name}: onset and {word}"),
        "what changes": still(_change(first, second), f"{record.name}: amplified change"),
    }
    if (first != second).any() and np.ptp(first) and np.ptp(second):  # else nothing is seen to move
        flow = optical_flow(first, second, "coarse_to_fine")
        colors = encode_hsv(flow, "text", FLOW_RIM)
        pictures[f"flow to {word}"] = still(colors, f"{record.name}: flow to the {word}")
    numbers = keyframe_times(0, apex, len(frames) - 1, KEYFRAMES)
    strip = np.concatenate([_small(frames[number], SIDE // 2) for number in numbers], axis=1)
    pictures[f"{KEYFRAMES} key-frames"] = still(strip, f"{record.name}: key-frames")
    seconds = len(frames) / fps
    caption = f"{record['subject']}, {len(frames)} frames, {seconds:.2f} s at {fps:g} fps"
    return Example(record.name, str(record["emotion"]), caption, pictures)


def _animation(frames: NDArray[np.uint8], fps: float, name: str) -> Picture:
    """A clip in slow motion, with a rest at its end."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(FRAMES, len(frames))).round().astype(int))
    steps = np.diff([*chosen, len(frames)]) * 1000 * SLOWER / fps
    milliseconds = [max(20, round(float(step))) for step in steps]
    milliseconds[-1] += 700
    small = np.stack([_small(frames[number]) for number in chosen])
    return animation(small, milliseconds, f"{name}: onset to offset in slow motion")


def _change(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    amplified = 128 + CHANGE * (second.astype(int) - first.astype(int))
    return np.asarray(np.clip(amplified, 0, 255), np.uint8)


def _small(frame: NDArray[np.uint8], side: int = SIDE) -> NDArray[np.uint8]:
    if frame.shape[:2] == (side, side):
        return frame
    return np.asarray(Image.fromarray(frame).resize((side, side), Image.Resampling.BOX))


def flow_key() -> Picture:
    """The colours of all directions of motion, up to the length that has the full colour."""
    side = np.linspace(-1, 1, 81, dtype=np.float32)
    field = np.stack(np.meshgrid(side, side), -1) * np.float32(FLOW_RIM)
    colors = encode_hsv(field, "text", FLOW_RIM)
    colors[np.hypot(field[..., 0], field[..., 1]) > FLOW_RIM] = 255
    return still(colors, "colours of flow: direction as hue, length as saturation", width=56, of_clips=False)


def contact_sheet(results: Results, recipe: str, databases: Sequence[str]) -> Picture | None:
    """Onset, apex, offset and landmarks of a clip of some people of each database, as a recipe crops them."""
    shards = [shard for name in databases for shard in results.shards(recipe, name)[:SHEET_SUBJECTS]]
    filled = [shard for shard in shards if len(read_shard(shard))]
    if not filled:
        return None
    with TemporaryDirectory() as folder:
        sheet = Path(folder) / "sheet.png"
        draw_contact_sheet(filled, sheet, clips_per_subject=1)
        pixels = np.asarray(Image.open(sheet).convert("RGB"))
    return still(pixels, f"crops of the recipe {recipe}", quality=75)


def mean_faces(results: Results, recipe: str) -> Iterator[tuple[str, int, Picture | None]]:
    """Database, number of people, and the mean of all people's mean onset frames; None where they are too few."""
    for database in results.shown("mean"):
        faces = people_of(results, recipe, database)
        enough = len(faces) >= LEAST_PEOPLE
        mean = np.clip(np.mean(faces, axis=0).round(), 0, 255).astype(np.uint8) if enough else None
        picture = None if mean is None else still(mean, f"mean face of {title_of(database)}", width=SIDE)
        yield database, len(faces), picture


def people_of(results: Results, recipe: str, database: str) -> list[NDArray[np.float64]]:
    """The mean onset frame of each person of a database whose crops may be read, in grey, small."""
    faces = []
    for shard in progress(results.shards(recipe, database), f"mean face of {title_of(database)}", unit="subject"):
        onsets = [_small(record.frames[0]).astype(float) for record in read_shard(shard)]
        if onsets:
            faces.append(np.mean([onset if onset.ndim == 2 else onset.mean(-1) for onset in onsets], axis=0))
    return faces


def mean_face(results: Results, recipe: str) -> NDArray[np.float64] | None:
    """The mean of the people of all databases that may be shown, or whose mean may; None where none may."""
    faces = [face for database in results.shown("show") for face in people_of(results, recipe, database)]
    for database in results.shown("mean"):
        people = people_of(results, recipe, database)
        faces += people if len(people) >= LEAST_PEOPLE else []
    return np.asarray(np.mean(faces, axis=0)) if faces else None
