"""Video files as recordings: frames are numbered from 1 and decoded from the start.

The number of frames in a video's header is an estimate (containers count packets or multiply duration by rate), and
seeking lands on neighbouring frames in some codecs; only decoding in order gives numbers that hold.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from cdmer.databases.recording import IMAGE_SUFFIXES, check_clip_size
from cdmer.errors import CdmerError
from cdmer.files import why_no_file

LEAST_SHARE = 0.9  # of the frames that a header declares, which is an estimate


def count_video(path: str | Path) -> tuple[int, float]:
    """The number of frames that decode, and the video's own frames per second (0 where it states none).

    Raises
    ------
    CdmerError
        The file is no video that OpenCV can read, holds no frame, or far fewer than its header declares.
    """
    count = 0
    with _opened(Path(path)) as video:
        while video.grab():
            count += 1
        fps = float(video.get(cv2.CAP_PROP_FPS))
        declared = video.get(cv2.CAP_PROP_FRAME_COUNT)
    if 0 < count < min(LEAST_SHARE * declared, declared - 1):
        raise CdmerError(
            f"{path}: its header declares {declared:.0f} frames, {count} can be decoded: cut short or damaged",
            "restore the file; if what is there is all that was filmed, re-encode it",
        )
    if count == 0:
        raise CdmerError(f"{path}: not one frame of the video can be decoded", "restore or re-encode the file")
    return count, fps


def read_video(path: str | Path, first: int, last: int) -> npt.NDArray[np.uint8]:
    """Frames `first` to `last` of a video, both included, the first frame being 1.

    Returns
    -------
    ndarray of uint8, (frames, height, width, 3)
        RGB.

    Raises
    ------
    CdmerError
        The file cannot be read, `first` is below 1, or the video ends before `last`.
    """
    if first < 1:
        raise CdmerError(f"{path} has no frame {first}", "a video's frames are numbered from 1")
    images: list[npt.NDArray[np.uint8]] = []
    with _opened(Path(path)) as video:
        for number in range(1, last + 1):
            if not video.grab():
                raise CdmerError(
                    f"{path}: the video ends at frame {number - 1}, before frame {last}",
                    "correct the clip's frame numbers, or restore the file",
                )
            if number >= first:
                images.append(_retrieve(video, path, number))
                check_clip_size(Path(path), len(images), images[0])
    return np.stack(images)


def _retrieve(video: cv2.VideoCapture, path: str | Path, number: int) -> npt.NDArray[np.uint8]:
    try:
        decoded, image = video.retrieve()
    except cv2.error:  # a size that does not fit into memory
        decoded, image = False, None
    if not decoded or image is None:
        raise CdmerError(f"{path}: frame {number} cannot be decoded", "restore or re-encode the file")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    if not path.is_file():
        raise CdmerError(f"the video {path} {why_no_file(path)}", "correct the path, or restore the file")
    if path.suffix.lower() in IMAGE_SUFFIXES:  # FFmpeg would read it as a video of one frame
        raise CdmerError(f"{path} is a single image", "give the folder that holds the frames, or a video file")
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)  # other backends take names for patterns or devices
    try:
        if not video.isOpened():
            raise CdmerError(f"{path}: OpenCV cannot read it as a video", "restore or re-encode the file, e.g. as MP4")
        yield video
    finally:
        video.release()
