"""Recordings: a clip's frames, from a folder of images or from a video file.

Frames go by the database's own numbers: in a folder the last integer of a file's name, in a video 1, 2, 3, ….
"""

import os
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from cdmer.errors import CdmerError

MOST_PIXELS = 1 << 26  # of an image; no camera of the field makes a quarter of them
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
        Nothing at `path`; more frames missing than `n_missing`, or the first or the last; a frame that is unreadable
        or truncated, or has another size than the first; a video that ends before `last`. The message names the file
        and the frame.
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
    missing = [number for number in range(first, last + 1) if number not in files]
    if len(missing) > n_missing or first in missing or last in missing:
        raise CdmerError(
            f"{folder} has no frame {missing[0]} ({len(missing)} missing between {first} and {last})",
            "restore the missing images, or correct the clip's frame numbers",
        )
    start = read_image(files[first])
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


def read_image(path: str | Path) -> npt.NDArray[np.uint8]:
    """One image: (height, width) where it is grey, (height, width, 3) RGB otherwise.

    Raises
    ------
    CdmerError
        The file is missing, unreadable or truncated.
    """
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
        raise CdmerError(f"{path}: the image cannot be read ({error})", "restore the file from the database") from error


def picture_size(image: npt.NDArray[np.uint8]) -> str:
    """An image's size in words, e.g. ``640 x 480 RGB``."""
    return f"{image.shape[1]} x {image.shape[0]} {'grey' if image.ndim == 2 else 'RGB'}"
