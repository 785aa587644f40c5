"""Recordings: numbering, decoding and every way in which a folder or a video can be broken."""

import os
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from cdmer.databases import recording
from cdmer.databases.recording import frame_number, list_frames, missing_numbers, read_frames
from cdmer.databases.video import count_video
from cdmer.errors import CdmerError

VIDEOS = Path(__file__).parents[2].parent / "shared" / "real" / "videos"


def ramp(number: int, shape: tuple[int, ...] = (5, 4)) -> np.ndarray:
    """An image that tells which frame it is: its first value is the number, the others count up from it."""
    return (number + np.arange(np.prod(shape)).reshape(shape)).astype(np.uint8)


def write_folder(folder: Path, numbers: range, pattern: str = "img{}.png", shape: tuple[int, ...] = (5, 4)) -> Path:
    folder.mkdir(parents=True)
    for number in numbers:
        Image.fromarray(ramp(number, shape)).save(folder / pattern.format(number))
    return folder


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 frames at 25 frames per second; frame n is uniformly (R, G, B) = (20 n, 100, 0)."""
    path = tmp_path_factory.mktemp("video") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25.0, (32, 16))
    for number in range(1, 13):
        writer.write(np.full((16, 32, 3), (0, 100, 20 * number), np.uint8))  # BGR
    writer.release()
    return path


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("img46.jpg", 46),
        ("reg_img46.jpg", 46),
        ("image000123.bmp", 123),
        ("image17581039.bmp", 17581039),
        ("006_05562.jpg", 5562),
        ("reg_EP01_5-113.JPG", 113),
        ("00042.TiFF", 42),
        ("12_3f.jpeg", 3),
        ("7.png", 7),
        ("._img46.jpg", None),
        ("cover.png", None),
        ("Thumbs.db", None),
        ("Desktop - Shortcut.lnk", None),
        ("img46.txt", None),
        ("img46", None),
    ],
)
def test_the_last_integer_of_an_image_files_name_is_its_number(name: str, number: int | None) -> None:
    assert frame_number(name) == number


def test_frames_are_listed_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", range(98, 103))
    (folder / "Thumbs.db").write_bytes(b"junk")
    (folder / "._img98.png").write_bytes(b"junk")
    (folder / "folder").mkdir()
    frames = list_frames(folder)
    assert list(frames) == [98, 99, 100, 101, 102]
    assert frames[100] == folder / "img100.png"


def test_two_files_of_one_number_are_an_error(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", range(46, 48))
    Image.fromarray(ramp(46)).save(folder / "img046.png")
    with pytest.raises(CdmerError, match=r"img046\.png and img46\.png are both frame 46"):
        list_frames(folder)


def test_a_folder_that_is_missing_or_empty_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CdmerError, match="absent does not exist"):
        list_frames(tmp_path / "absent")
    with pytest.raises(CdmerError, match="absent does not exist"):
        read_frames(tmp_path / "absent", 1, 2)
    with pytest.raises(CdmerError, match="holds no frame"):
        list_frames(tmp_path)


def test_frames_are_read_by_number(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", range(95, 106))
    clip = read_frames(folder, 99, 101)
    assert clip.dtype == np.uint8
    np.testing.assert_array_equal(clip, np.stack([ramp(99), ramp(100), ramp(101)]))
    np.testing.assert_array_equal(read_frames(folder, 105, 105), ramp(105)[None])


def test_colour_is_rgb(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", range(1, 4), "{:05d}.bmp", (5, 4, 3))
    clip = read_frames(folder, 1, 3)
    np.testing.assert_array_equal(clip, np.stack([ramp(n, (5, 4, 3)) for n in (1, 2, 3)]))


def test_modes_become_grey_or_rgb(tmp_path: Path) -> None:
    def read(image: Image.Image, suffix: str = "png") -> np.ndarray:
        folder = tmp_path / f"{image.mode.replace(';', '')}_{suffix}"
        folder.mkdir()
        image.save(folder / f"1.{suffix}")
        return read_frames(folder, 1, 1)[0]

    deep = np.array([[0, 128, 129, 257], [32896, 65535, 65406, 65407]], np.uint16)  # 257 of 65535 a step of 255
    for suffix in ("png", "tif"):
        np.testing.assert_array_equal(read(Image.fromarray(deep), suffix), [[0, 0, 1, 1], [128, 255, 254, 255]])
    black_and_white = Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1")
    np.testing.assert_array_equal(read(black_and_white), [[0, 255]])
    colour = Image.fromarray(np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8))
    np.testing.assert_array_equal(read(colour.convert("P")), np.asarray(colour))
    np.testing.assert_array_equal(read(colour.convert("RGBA")), np.asarray(colour))


def test_a_gap_is_an_error_that_names_the_frame(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", range(1, 10))
    (folder / "img4.png").unlink()
    (folder / "img6.png").unlink()
    with pytest.raises(CdmerError, match=r"clip has no frame 4 \(2 missing between 2 and 7\)"):
        read_frames(folder, 2, 7)
    assert len(read_frames(folder, 7, 9)) == 3


def test_a_gap_may_be_longer_than_memory(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", [1, 2, 5, 9_000_000_000_000_000])
    with pytest.raises(CdmerError, match=r"has no frame 3 \(8999999999999996 missing between 1 and 90+\)"):
        read_frames(folder, 1, 9_000_000_000_000_000)
    assert list(islice(missing_numbers([1, 2, 5, 1 << 60], 0, 1 << 60), 5)) == [0, 3, 4, 6, 7]
    assert list(missing_numbers([2, 3, 9], 3, 7)) == [4, 5, 6, 7]


def test_a_clip_beyond_memory_is_refused(tmp_path: Path, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path / "clip", range(1, 10))
    size = read_frames(folder, 1, 9).nbytes
    monkeypatch.setattr(recording, "MOST_BYTES", size)
    assert len(read_frames(folder, 1, 9)) == 9
    monkeypatch.setattr(recording, "MOST_BYTES", size - 1)
    with pytest.raises(CdmerError, match=r"clip: 9 frames of .* grey take 0 MB"):
        read_frames(folder, 1, 9)
    with pytest.raises(CdmerError, match=rf"{video.name}: . frames of .* RGB take"):
        read_frames(video, 1, 5)


def test_a_pipe_named_like_a_frame_is_not_waited_for(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", range(1, 4))
    (folder / "img2.png").unlink()
    os.mkfifo(folder / "img2.png")
    with pytest.raises(CdmerError, match=r"img2.png is no plain file"):
        read_frames(folder, 1, 3)


def test_known_gaps_show_the_frame_before(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "clip", range(1, 10))
    for number in (4, 5, 8):
        (folder / f"img{number}.png").unlink()
    clip = read_frames(folder, 2, 9, n_missing=3)
    np.testing.assert_array_equal(clip, np.stack([ramp(n) for n in (2, 3, 3, 3, 6, 7, 7, 9)]))
    with pytest.raises(CdmerError, match=r"clip has no frame 4 \(3 missing between 2 and 9\)"):
        read_frames(folder, 2, 9, n_missing=2)
    for first, last in ((4, 9), (2, 8)):  # an end cannot be filled
        with pytest.raises(CdmerError, match="has no frame 4"):
            read_frames(folder, first, last, n_missing=3)


@pytest.mark.parametrize("suffix", ["bmp", "jpg", "png", "tif"])
def test_a_truncated_image_is_an_error_that_names_the_file(tmp_path: Path, suffix: str) -> None:
    folder = write_folder(tmp_path / "clip", range(1, 4), f"img{{}}.{suffix}", (40, 30, 3))
    broken = folder / f"img2.{suffix}"
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    with pytest.raises(CdmerError, match=rf"clip/img2\.{suffix}: the image cannot be read"):
        read_frames(folder, 1, 3)


@pytest.mark.parametrize("content", [b"", b"no image at all"])
def test_a_file_that_is_no_image_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    folder = write_folder(tmp_path / "clip", range(1, 4))
    (folder / "img3.png").write_bytes(content)
    with pytest.raises(CdmerError, match=r"img3\.png: the image cannot be read"):
        read_frames(folder, 1, 3)


@pytest.mark.parametrize(("shape", "size"), [((4, 5), "5 x 4 grey"), ((5, 4, 3), "4 x 5 RGB")])
def test_frames_of_different_sizes_are_an_error(tmp_path: Path, shape: tuple[int, ...], size: str) -> None:
    folder = write_folder(tmp_path / "clip", range(1, 4))
    Image.fromarray(ramp(3, shape)).save(folder / "img3.png")
    with pytest.raises(CdmerError, match=rf"img3\.png: frame 3 is {size}, frame 1 is 4 x 5 grey"):
        read_frames(folder, 1, 3)


def test_frames_in_the_wrong_order_are_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="first frame 3 comes after last frame 2"):
        read_frames(tmp_path, 3, 2)


def test_a_videos_frames_are_numbered_from_1_and_rgb(video: Path) -> None:
    assert count_video(video) == (12, 25.0)
    clip = read_frames(video, 3, 5)
    assert clip.shape == (3, 16, 32, 3)
    assert clip.dtype == np.uint8
    expected = np.array([[60, 100, 0], [80, 100, 0], [100, 100, 0]])  # what was written, up to JPEG's loss
    assert np.abs(clip.astype(int) - expected[:, None, None]).max() <= 4
    np.testing.assert_array_equal(read_frames(video, 5, 12)[0], clip[2])


def test_a_video_that_ends_early_is_an_error(video: Path) -> None:
    with pytest.raises(CdmerError, match=r"clip\.avi: the video ends at frame 12, before frame 14"):
        read_frames(video, 10, 14)
    with pytest.raises(CdmerError, match=r"clip\.avi has no frame 0"):
        read_frames(video, 0, 3)


def test_a_video_that_was_cut_short_is_an_error(tmp_path: Path) -> None:
    """Its header still says how many frames there were."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25.0, (96, 96))
    for picture in np.random.default_rng(0).integers(0, 256, (20, 96, 96, 3), np.uint8):
        writer.write(picture)
    writer.release()
    assert count_video(path) == (20, 25.0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CdmerError, match=r"clip.avi: its header declares 20 frames, (9|10) can be decoded"):
        count_video(path)


def test_a_file_that_is_no_video_is_an_error(tmp_path: Path) -> None:
    nonsense = tmp_path / "clip.mp4"
    nonsense.write_bytes(b"nonsense" * 100)
    with pytest.raises(CdmerError, match=r"clip\.mp4: OpenCV cannot read it as a video"):
        read_frames(nonsense, 1, 2)
    Image.fromarray(ramp(1)).save(tmp_path / "img1.png")
    with pytest.raises(CdmerError, match=r"img1\.png is a single image"):
        count_video(tmp_path / "img1.png")
    with pytest.raises(CdmerError, match=r"absent\.mp4 does not exist"):
        count_video(tmp_path / "absent.mp4")


@pytest.mark.parametrize(
    ("name", "frames", "fps"),  # no_face.mp4 states 98 frames in its header, and 95 decode
    [("WolfgangLanger_Pexels.mp4", 472, 23.976), ("face_noface.mov", 169, 26.398), ("no_face.mp4", 95, 23.672)],
)
def test_real_videos_hold_as_many_frames_as_decode(name: str, frames: int, fps: float) -> None:
    if not (VIDEOS / name).exists():
        pytest.skip(f"the real video {name} is not on this machine")
    count, own_fps = count_video(VIDEOS / name)
    assert count == frames
    assert own_fps == pytest.approx(fps, abs=1e-3)
    last = read_frames(VIDEOS / name, frames, frames)
    assert last.shape[0] == 1
    with pytest.raises(CdmerError, match=f"the video ends at frame {frames}"):
        read_frames(VIDEOS / name, frames, frames + 1)
