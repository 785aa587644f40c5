"""The job of the faces stage on recordings made of real photographs, whole and faulty ones."""

import inspect
import logging

import cv2
import numpy as np
import pytest
from PIL import Image

from cdmer.config import STANDARD, FacesRecipe
from cdmer.errors import CdmerError
from cdmer.faces import align_clip, detect_faces, find_landmarks
from cdmer.faces.align import landmark_box
from cdmer.faces.crop_landmarks import landmarks_in_crop
from cdmer.faces.job import align_faces, choose_face

from .conftest import RECIPE


def _turned(image, degrees, centre=(225, 125)):
    matrix = cv2.getRotationMatrix2D(centre, degrees, 1)
    return cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


# -- the recipes


def test_eye_alignment_is_align_clip_on_the_onsets_landmarks(recorder, portrait):
    moved = np.roll(portrait, 9, axis=1)
    shard = recorder.crop({"a": recorder.record("a", [portrait, moved, portrait])}, color="rgb")
    landmarks = find_landmarks(portrait, detect_faces(portrait)[0])
    record = shard["a"]
    np.testing.assert_array_equal(record["landmarks"], landmarks)
    np.testing.assert_array_equal(record.frames, align_clip(np.stack([portrait, moved, portrait]), landmarks))
    assert (record["onset"], record["offset"], record["apex"], record["emotion"]) == (1, 3, None, "happiness")


@pytest.mark.parametrize("name", STANDARD["faces"])
def test_every_standard_recipe_brings_the_landmarks_to_where_its_crop_shows_them(name, recorder, portrait):
    """dlib, looking again at the crop, sees the landmarks where the shard's transform puts them."""
    settings = {**FacesRecipe(**STANDARD["faces"][name]).model_dump(), "color": "rgb", "size": 224}
    settings["intermediate"] = settings["intermediate"].get("casme2")
    record = recorder.crop({"a": recorder.record("a", [portrait] * 3)}, **settings)["a"]
    assert record.frames.shape == (3, 224, 224, 3)
    np.testing.assert_array_equal(record.frames[0], record.frames[2])
    matrix, box = record["transform"], detect_faces(portrait)[0, :4].reshape(2, 2)
    again = find_landmarks(record.frames[0], (box @ matrix[:, :2].T + matrix[:, 2]).ravel())
    expected = find_landmarks(portrait, box.ravel()) @ matrix[:, :2].T + matrix[:, 2]
    assert np.linalg.norm(again - expected, axis=1).mean() < 0.03 * 224
    assert ("landmarks" in record) == (name != "as_is")


def test_the_benchmarks_box_is_a_slice_of_the_recording(recorder, portrait):
    grey = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)
    record = recorder.crop({"a": recorder.record("a", [portrait] * 3)}, alignment="landmark_box")["a"]
    x0, y0, x1, y1 = landmark_box(record["landmarks"]).astype(int)
    expected = cv2.resize(grey[y0:y1, x0:x1], (112, 112), interpolation=cv2.INTER_AREA)
    assert np.abs(record.frames[0].astype(float) - expected).mean() < 2


def test_two_steps_go_through_the_papers_size(recorder, portrait):
    """TGSR on CASME II: the box becomes 308 x 257 pixels, and those 112 x 112."""
    grey = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)
    recordings = {"a": recorder.record("a", [portrait] * 3)}
    two = recorder.crop(recordings, alignment="landmark_box", intermediate=(308, 257))["a"]
    x0, y0, x1, y1 = landmark_box(two["landmarks"]).astype(int)
    first = cv2.resize(grey[y0:y1, x0:x1], (257, 308), interpolation=cv2.INTER_CUBIC)
    expected = cv2.resize(first, (112, 112), interpolation=cv2.INTER_AREA)
    inner = (slice(3, -3), slice(3, -3))
    assert np.abs(two.frames[0][inner].astype(float) - expected[inner]).mean() < 1.5
    one = recorder.crop(recordings, alignment="landmark_box")["a"]
    assert (one.frames != two.frames).any()
    np.testing.assert_array_equal(one["transform"], two["transform"])


def test_the_detectors_box_with_a_margin(recorder, portrait):
    record = recorder.crop(
        {"a": recorder.record("a", [portrait] * 3)}, detector="mtcnn", alignment="box", expand=(0, 0.16, 0, 0.05)
    )["a"]
    np.testing.assert_allclose(record["box"], detect_faces(portrait, "mtcnn")[0], atol=1e-3)
    # the landmarks are those that dlib's own box would give
    grey = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)
    own = find_landmarks(grey, detect_faces(grey)[0])
    distance = np.linalg.norm(record["landmarks"] - own, axis=1).mean()
    assert distance < 0.025 * np.linalg.norm(own[36:42].mean(0) - own[42:48].mean(0))
    x0, y0, x1, y1, _ = record["box"]
    matrix = record["transform"]
    corners = np.array([[x0, y0 - 0.16 * (y1 - y0)], [x1, y1 + 0.05 * (y1 - y0)]]) - 0.5
    np.testing.assert_allclose(corners @ matrix[:, :2].T + matrix[:, 2], [[-0.5, -0.5], [111.5, 111.5]], atol=1e-3)
    # the chin is at the lower edge
    assert abs(landmarks_in_crop(record)[8, 1] - 111.5) < 3


def test_cropped_databases_are_only_resized(recorder):
    cropped = np.random.default_rng(0).integers(0, 256, (3, 224, 112, 3), dtype=np.uint8)
    recordings = {"a": recorder.record("a", cropped)}
    record = recorder.crop(recordings, detector="none", alignment="whole", color="rgb")["a"]
    expected = [cv2.resize(frame, (112, 112), interpolation=cv2.INTER_AREA) for frame in cropped]
    assert np.abs(record.frames.astype(int) - expected).max() <= 1
    assert "landmarks" not in record
    assert "box" not in record


def test_what_needs_landmarks_says_that_a_cropped_database_has_none(recorder, portrait):
    record = recorder.crop({"a": recorder.record("a", [portrait] * 3)}, detector="none", alignment="whole")["a"]
    with pytest.raises(CdmerError, match=r"clip a has no landmarks.*detector: none.*\n.*recipe with a detector"):
        landmarks_in_crop(record)


def test_an_alignment_that_nobody_knows(recorder, portrait):
    with pytest.raises(ValueError, match="known: eyes, landmark_box, box, whole"):
        recorder.crop({"a": recorder.record("a", [portrait] * 3)}, alignment="mouth")


# -- faces that are not there, too many, cut or turned


@pytest.mark.parametrize("detector", ["dlib", "mtcnn"])
def test_a_clip_without_a_face_stops_the_job_or_is_left_out(detector, recorder, portrait, caplog):
    empty = np.full((200, 200), 90, np.uint8)
    recordings = {"with": recorder.record("with", [portrait] * 3), "without": recorder.record("without", [empty] * 3)}
    with pytest.raises(CdmerError, match=rf"clip without: no face on the onset frame 1 .*\(detector {detector}\)"):
        recorder.crop(recordings, detector=detector)
    assert not (recorder.folder / "s1.h5").exists()
    with caplog.at_level(logging.WARNING):
        shard = recorder.crop(recordings, detector=detector, on_missing_face="exclude")
    assert shard.clips == ["with"]
    ((clip, subject, stage, reason),) = shard.excluded
    assert (clip, subject, stage) == ("without", "s1", "faces")
    assert "no face on the onset frame 1" in reason
    assert "clip without left out" in caplog.text


def test_a_face_that_comes_later_does_not_count(recorder, portrait):
    """The onset frame decides; nothing looks for a face in the others."""
    empty = np.zeros_like(portrait)
    with pytest.raises(CdmerError, match="no face on the onset frame 1"):
        recorder.crop({"a": recorder.record("a", [empty, portrait, portrait])})


def test_a_face_that_leaves_is_cropped_where_it_was(real, recorder):
    """Frames 1 to 150 of a real video whose face is gone from about frame 70 on."""
    record = recorder.crop({"a": real / "videos/face_noface.mov"}, frames=150)["a"]
    assert len(record.frames) == 150
    assert len(detect_faces(record.frames[0], upsample=1)) == 1
    assert len(detect_faces(record.frames[149], upsample=1)) == 0


def test_the_largest_of_several_faces_is_taken_and_the_log_says_so(recorder, portrait, caplog):
    """A person and, beside her, her picture at six tenths of the size, on the better lit side."""
    small = cv2.resize(portrait, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    scene = np.full((512, 512 + small.shape[1], 3), 60, np.uint8)
    scene[: small.shape[0], : small.shape[1]] = small
    scene[:, small.shape[1] :] = portrait
    with caplog.at_level(logging.WARNING):
        record = recorder.crop({"a": recorder.record("a", [scene] * 3)}, upsample=1)["a"]
    x = (record["box"][0] + record["box"][2]) / 2
    assert 180 + small.shape[1] < x < 270 + small.shape[1]
    assert "faces; the largest that is no false alarm is taken" in caplog.text


def test_size_decides_then_the_score():
    faces = np.array([[0, 0, 50, 50, 3], [0, 0, 99, 100, 2], [0, 0, 100, 100, 1]], np.float32)
    assert choose_face(faces)[4] == 2  # as large as the third but for a pixel, and the better score
    assert choose_face(faces[:1])[4] == 3
    assert choose_face(faces[[0, 2]])[4] == 1


def test_a_larger_false_alarm_loses_unless_there_is_nothing_else():
    faces = np.array([[0, 0, 50, 50, 0.9], [0, 0, 99, 99, 0.2]], np.float32)
    assert choose_face(faces, sure=0.4)[2] == 50
    assert choose_face(faces, sure=0.1)[2] == 99
    assert choose_face(faces[1:], sure=0.4)[2] == 99


def test_dlibs_larger_false_alarm_behind_a_tilted_head(recorder, portrait):
    tilted = _turned(portrait, -25)
    false = detect_faces(tilted)[1]
    assert false[2] - false[0] > 100  # the astronaut's face has 88 pixels
    box = recorder.crop({"a": recorder.record("a", [tilted] * 3)})["a"]["box"]
    assert abs((box[0] + box[2]) / 2 - 225) < 30


def test_a_face_that_the_border_cuts_is_cropped_with_its_border_repeated(recorder, portrait, caplog):
    cut = np.ascontiguousarray(portrait[:, 195:])
    with caplog.at_level(logging.WARNING):
        record = recorder.crop({"a": recorder.record("a", [cut] * 3)}, alignment="box")["a"]
    x0, _, x1, _, _ = record["box"]
    assert x0 < -8
    assert "the image's border cuts the face" in caplog.text
    outside = int(-x0 * 112 / (x1 - x0))  # columns of the crop
    crop = record.frames[0].astype(int)
    np.testing.assert_array_equal(crop[:, 1:outside], crop[:, : outside - 1])
    assert (crop[:, outside + 4] != crop[:, outside]).any()


@pytest.mark.parametrize("degrees", [-25, 20])
def test_a_tilted_head_is_turned_upright(degrees, recorder, portrait):
    """Turning it by known degrees and aligning it gives the crop of the head that was never turned, nearly."""
    tilted, upright = (
        recorder.crop({name: recorder.record(name, [image] * 3)})[name]
        for name, image in (("tilted", _turned(portrait, degrees)), ("upright", portrait))
    )
    a, b = (record["transform"][:, :2] for record in (tilted, upright))
    angle = np.degrees(np.arctan2(a[0, 1], a[0, 0]) - np.arctan2(b[0, 1], b[0, 0]))
    assert abs(angle + degrees) < 4
    correlation = np.corrcoef(tilted.frames[0][30:80, 20:92].ravel(), upright.frames[0][30:80, 20:92].ravel())[0, 1]
    assert correlation > 0.8


def test_a_head_tilted_too_far_is_an_error_that_says_what_to_do_and_doing_it_helps(recorder, portrait):
    recordings = {"a": recorder.record("a", [_turned(portrait, 60)] * 3)}
    with pytest.raises(CdmerError, match=r"turn a recording that lies on its side.*`detector: mtcnn`"):
        recorder.crop(recordings)
    box = recorder.crop(recordings, detector="mtcnn", alignment="box")["a"]["box"]
    assert abs((box[0] + box[2]) / 2 - 225) < 30


# -- images of every kind, and broken ones


@pytest.mark.parametrize(
    ("kind", "color"),
    [("grey", "rgb"), ("grey 16-bit", "grey"), ("RGBA", "grey"), ("RGBA", "rgb"), ("palette", "grey")],
)
def test_images_of_every_kind_give_the_same_crops(kind, color, recorder, portrait):
    grey = cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY)
    folder = recorder.folder / "a"
    folder.mkdir()
    for number in (1, 2, 3):
        image = {
            "grey": lambda: Image.fromarray(grey),
            "grey 16-bit": lambda: Image.fromarray(grey.astype(np.uint16) * 257),
            "RGBA": lambda: Image.fromarray(np.dstack([portrait, np.full(grey.shape, 200, np.uint8)])),
            "palette": lambda: Image.fromarray(portrait).quantize(256),
        }[kind]()
        image.save(folder / f"{number}.png")
    record = recorder.crop({"a": folder}, color=color)["a"]
    expected = recorder.crop({"b": recorder.record("b", [portrait] * 3)}, color="grey")["b"]
    assert record.frames.shape == ((3, 112, 112) if color == "grey" else (3, 112, 112, 3))
    if color == "grey" and kind != "palette":
        np.testing.assert_array_equal(record.frames, expected.frames)
    seen = record.frames if color == "grey" else np.stack([cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in record.frames])
    assert np.abs(seen.astype(float) - expected.frames).mean() < 8


def test_a_broken_frame_is_named_and_leaves_no_shard(recorder, portrait):
    folder = recorder.record("a", [portrait] * 3)
    (folder / "img2.png").write_bytes((folder / "img2.png").read_bytes()[:5000])
    with pytest.raises(CdmerError, match=r"img2\.png: the image cannot be read"):
        recorder.crop({"a": folder})
    assert not (recorder.folder / "s1.h5").exists()


def test_a_video_with_a_broken_frame(real, recorder):
    """A hole of 20,000 bytes in a real video: the frames before it can be read, those behind it cannot."""
    content = bytearray((real / "videos/WolfgangLanger_Pexels.mp4").read_bytes())
    content[100_000:120_000] = bytes(20_000)
    video = recorder.folder / "broken.mp4"
    video.write_bytes(content)
    assert len(recorder.crop({"a": video}, frames=10)["a"].frames) == 10
    with pytest.raises(CdmerError, match=r"broken\.mp4: the video ends at frame 22, before frame 60"):
        recorder.crop({"a": video}, frames=60)


def test_a_real_video(real, recorder):
    record = recorder.crop({"a": real / "videos/WolfgangLanger_Pexels.mp4"}, frames=12)["a"]
    eyes = [landmarks_in_crop(record)[part].mean(0) for part in (slice(36, 42), slice(42, 48))]
    np.testing.assert_allclose(eyes, [[55.5 - 22.4, 40.32], [55.5 + 22.4, 40.32]], atol=1e-3)


def test_the_recipe_names_every_setting_of_the_job():
    taken = {
        name
        for name, parameter in inspect.signature(align_faces).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert set(FacesRecipe().model_dump()) == taken == set(RECIPE)
