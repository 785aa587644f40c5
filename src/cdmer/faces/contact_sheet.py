"""A contact sheet: what a faces recipe lets the models see, for a person to look at."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cdmer.errors import CdmerError
from cdmer.faces.crop_landmarks import landmarks_in_crop
from cdmer.files import whole_file
from cdmer.store.shard import ClipRecord, read_shard

SIDE = 168  # pixels of a picture on the sheet
GAP, CAPTION = 4, 18
PAPER, INK, DOT = (255, 255, 255), (40, 40, 40), (0, 230, 90)


@dataclass(frozen=True)
class Strip:
    """One clip on the sheet: its title, and its pictures uint8 (SIDE, SIDE, 3) by their captions."""

    title: str
    pictures: dict[str, NDArray[np.uint8]]


def draw_contact_sheet(shards: Sequence[str | Path], output: str | Path, clips_per_subject: int = 2) -> None:
    """Draw onset, apex and offset of some clips of each subject, and the onset again with its landmarks.

    Parameters
    ----------
    shards
        Shards of the faces stage, in the order of the sheet.
    output
        The PNG to write.
    clips_per_subject
        How many clips to draw of each; they are spread over the subject's clips.

    Raises
    ------
    CdmerError
        No shard, a shard that cannot be read, or not one clip in all of them.
    """
    save_strips([strip for shard in shards for strip in _strips(Path(shard), clips_per_subject)], 2, output)


def save_strips(strips: Sequence[Strip], columns: int, output: str | Path) -> None:
    """Draw clips, so many beside one another, and write the PNG; a `CdmerError` where there is none."""
    if not strips:
        raise CdmerError(
            "there is no clip to show",
            "look into results/exclusions.csv: every clip of these subjects was left out",
        )
    with whole_file(output) as partial:
        draw_strips(strips, columns).save(partial, format="PNG")


def find_shards(
    recipe: str, database: str = "", subject: str = "", results: str | Path = "results", stage: str = "faces"
) -> list[Path]:
    """The shards of a recipe of a stage that are there, of all databases and subjects or of those named.

    Raises
    ------
    CdmerError
        There is none.
    """
    folder = Path(results) / stage / recipe
    found = sorted(folder.glob(f"{database or '*'}/{subject or '*'}.h5"))
    if not found:
        wanted = f"{database or 'any database'}, {subject or 'any subject'}"
        raise CdmerError(
            f"{folder} holds no {stage} of {wanted}",
            f"snakemake --cores 2 {folder}/contact_sheet.png makes the {stage} of some subjects of each database "
            "and the sheet; else check the names of the recipe, the database and the subject",
        )
    return found


def some_clips(path: Path, count: int) -> list[ClipRecord]:
    """Clips of a shard, spread over it."""
    shard = read_shard(path)
    chosen = sorted({round(place) for place in np.linspace(0, max(0, len(shard) - 1), min(count, len(shard)))})
    return [shard[shard.clips[index]] for index in chosen]


def _strips(path: Path, count: int) -> list[Strip]:
    return [_strip(record, path.parent.name) for record in some_clips(path, count)]


def _strip(record: ClipRecord, database: str) -> Strip:
    frames, onset, apex = record.frames, record["onset"], record["apex"]
    index = (len(frames) - 1) // 2 if apex is None else apex - onset
    pictures = {
        "onset": picture(frames[0]),
        "middle" if apex is None else "apex": picture(frames[index]),
        "offset": picture(frames[-1]),
        **({"landmarks": _dotted(record)} if "landmarks" in record else {}),
    }
    return Strip(f"{database}  {record.name}  {frames.shape[2]} x {frames.shape[1]}", pictures)


def picture(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A frame enlarged or reduced to the sheet's side, in colour: pixels stay squares where they are enlarged."""
    image = Image.fromarray(frame).convert("RGB")
    grows = max(image.size) <= SIDE
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.NEAREST if grows else Image.Resampling.BOX))


def _dotted(record: ClipRecord) -> NDArray[np.uint8]:
    """The onset with its landmarks."""
    image = Image.fromarray(picture(record.frames[0]))
    draw = ImageDraw.Draw(image)
    scale = SIDE / np.array(record.frames.shape[2:0:-1])
    for x, y in (landmarks_in_crop(record) + 0.5) * scale:
        draw.ellipse((x - 1.2, y - 1.2, x + 1.2, y + 1.2), fill=DOT)
    return np.asarray(image)


def draw_strips(strips: Sequence[Strip], abreast: int) -> Image.Image:
    """The sheet: clips with their pictures, so many beside one another."""
    wide = max(len(strip.pictures) for strip in strips) * (SIDE + GAP) + 3 * GAP
    high = SIDE + 2 * CAPTION + GAP
    abreast = min(abreast, len(strips))
    rows = -(-len(strips) // abreast)
    sheet = Image.new("RGB", (abreast * wide + GAP, rows * high + GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for strip, (row, column) in zip(strips, itertools.product(range(rows), range(abreast)), strict=False):
        left, top = column * wide + GAP, row * high + GAP
        draw.text((left, top), strip.title, INK, font)
        for index, (name, picture) in enumerate(strip.pictures.items()):
            x = left + index * (SIDE + GAP)
            draw.text((x, top + CAPTION), name, INK, font)
            sheet.paste(Image.fromarray(picture), (x, top + 2 * CAPTION))
    return sheet
