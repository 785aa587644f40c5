"""Recordings: a clip's frames, from a folder of images or from a video file.

Frames go by the database's own numbers: in a folder the last integer of a file's name, in a video 1, 2, 3, ….
"""

import os
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from cdmer.errors import CdmerError

MOST_PIXELS = 1 << 26  # of an image; no camera of the field makes a quarter of them
MOST_BYTES = 1 << 31  # of a clip; SAMM's hundred frames of the camera's full size take a tenth
LARGEST_NUMBER = (1 << 63) - 1  # that a manifest can hold
IMAGE_SUFFIXES = frozenset({".bmp", ".jpg", ".jpeg", ".png", ".tif", ".tiff"})
_LAST_INTEGER = re.compile(r"([0-9]+)[^0-9]*$")


def frame_number(file_name: str) -> int | None:
    """The frame number in an image file's name; None for any other file: hidden, no image, no number."""
    stem, _, suffix = file_name.rpartition(".")
    if file_name.startswith(".") or f".{suffix.lower()}" not in IMAGE_SUFFIXES:
        return None
    found = _LAST_INTEGER.search(stem)
    return int(found[1]) if found and int(found[1]) <= LARGEST_NUMBER else None


def list_frames(path: str | Path) -> dict[int, Path]:
    """The image files of a folder by frame number, in increasing order; other files are ignored.

    Raises
    ------
    CdmerError
        `path` is no folder, holds no frame, or holds two files of one number.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise CdmerError(
            f"the folder of frames {folder} does not exist",
            "check the root, or restore the folder (of a look-alike: delete its folder `synthetic` and run again)",
        )
    frames: dict[int, Path] = {}
    for name in sorted(os.listdir(folder)):
        number = frame_number(name)
        if number is None:
            continue
        if number in frames:
            raise CdmerError(
                f"{folder}: {frames[number].name} and {name} are both frame {number}", "remove one of the two files"
            )
        frames[number] = folder / name
    if not frames:
        raise CdmerError(
            f"{folder} holds no frame", f"frames are numbered images: one of {' '.join(sorted(IMAGE_SUFFIXES))}"
        )
    return dict(sorted(frames.items()))


def missing_numbers(numbers: Iterable[int], first: int, last: int) -> Iterator[int]:
    """Those from `first` to `last` that `numbers`, increasing, lacks, one by one: a gap may be longer than memory."""
    before = first - 1
    for number in chain((number for number in numbers if first <= number <= last), (last + 1,)):
        yield from range(before + 1, number)
        before = number


def read_frames(path: str | Path, first: int, last: int, n_missing: int = 0) -> npt.NDArray[np.uint8]:
    """Frames `first` to `last` of a folder of images or of a video file, both ends included.

    Parameters
    ----------
    path
        Folder of frames, or video file.
    first, last
        Frame numbers of the database's own, ``first <= last``; a video's start at 1.
    n_missing
        How many of a folder's frames in between may be absent, as the manifest counts them: each shows the frame
        before it, so that frame `n` is always at index ``n - first``.

    Returns
    -------
    ndarray of uint8
        (frames, height, width) where the images are grey (Pillow's modes L, 1 and I;16, the last scaled from 16 to
        8 bits), (frames, height, width, 3) RGB otherwise; a video is always RGB.

    Raises
    ------
    CdmerError
        Nothing at `path`; a clip of more than `MOST_BYTES`; more frames missing than `n_missing`, or the first or the
        last; a frame that is unreadable or truncated, or has another size than the first; a video that ends before
        `last`. The message names the file and the frame.
    ValueError
        `first` is greater than `last`.
    """
    if first > last:
        raise ValueError(f"first frame {first} comes after last frame {last}")
    recording = Path(path)
    if recording.is_file():
        # Here, not above: listing folders, as a plan of the workflow does, must not wait for OpenCV.
        from cdmer.databases.video import read_video

        return read_video(recording, first, last)
    return _read_folder(recording, first, last, n_missing)


def _read_folder(folder: Path, first: int, last: int, n_missing: int) -> npt.NDArray[np.uint8]:
    files = list_frames(folder)
    lacking = last - first + 1 - sum(first <= number <= last for number in files)
    if lacking > n_missing or first not in files or last not in files:
        raise CdmerError(
            f"{folder} has no frame {next(missing_numbers(files, first, last))} ({lacking} missing between {first} "
            f"and {last})",
            "restore the missing images, or correct the clip's frame numbers",
        )
    start = read_image(files[first])
    check_clip_size(folder, last - first + 1, start)
    clip = np.empty((last - first + 1, *start.shape), np.uint8)
    for number in range(first, last + 1):
        if number not in files:
            clip[number - first] = clip[number - first - 1]
            continue
        image = read_image(files[number])
        if image.shape != start.shape:
            raise CdmerError(
                f"{files[number]}: frame {number} is {picture_size(image)}, frame {first} is {picture_size(start)}",
                "make all frames of a clip the same size and colour",
            )
        clip[number - first] = image
    return clip


def check_clip_size(path: Path, frames: int, image: npt.NDArray[np.uint8]) -> None:
    """Refuse a clip that would take the memory of the machine rather than that of a micro-expression."""
    if frames * image.nbytes > MOST_BYTES:
        raise CdmerError(
            f"{path}: {frames} frames of {picture_size(image)} take {frames * image.nbytes >> 20} MB, more than "
            f"a clip's {MOST_BYTES >> 20}",
            "correct the clip's onset and offset, or give frames of a smaller size",
        )


def read_image(path: str | Path) -> npt.NDArray[np.uint8]:
    """One image: (height, width) where it is grey, (height, width, 3) RGB otherwise.

    Raises
    ------
    CdmerError
        The file is missing, unreadable or truncated.
    """
    place = Path(path)
    if place.exists() and not place.is_file():  # to open a pipe would be to wait for ever
        raise CdmerError(f"{path} is no plain file", "put the image itself there, from the database")
    try:
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:  # told before a pixel is decoded
                raise CdmerError(f"{path}: an image of {image.width} x {image.height}", "give frames of a camera")
            if image.mode.startswith("I;16"):
                return ((np.asarray(image).astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 -> 255, rounded
            return np.array(image.convert("L" if image.mode in ("L", "1") else "RGB"))
    except Image.DecompressionBombError as error:
        raise CdmerError(f"{path}: an image beyond all bounds ({error})", "give frames of a camera") from error
    except CdmerError:
        raise
    except Exception as error:  # Pillow's decoders raise errors of a dozen types for broken files
        raise CdmerError(
            f"{path}: the image cannot be read ({error})",
            "restore the file from the database, or save it as grey or RGB of 8 bits",
        ) from error


def picture_size(image: npt.NDArray[np.uint8]) -> str:
    """An image's size in words, e.g. ``640 x 480 RGB``."""
    return f"{image.shape[1]} x {image.shape[0]} {'grey' if image.ndim == 2 else 'RGB'}"
