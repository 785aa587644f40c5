"""The cohort's pictures and their ground truth, judged by detectors and optical flow that know nothing of it."""

import importlib.util
from functools import lru_cache
from pathlib import Path

import cv2
import dlib
import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from cdmer.databases.cohort import (
    COHORT_DATABASES,
    ClipPlan,
    DatabasePlan,
    layout_root,
    plan_database,
    read_truth,
    render_subject,
)
from cdmer.databases.cohort.atlas import Atlas, paint_atlas
from cdmer.databases.cohort.cameras import CAMERAS
from cdmer.databases.cohort.expressions import dense
from cdmer.databases.cohort.identities import draw_identity
from cdmer.databases.cohort.motion import draw_motion
from cdmer.databases.cohort.portraits import load_portrait
from cdmer.databases.cohort.render import Scene
from cdmer.errors import CdmerError


@lru_cache(maxsize=16)
def atlas_of(database: str, subject: str) -> Atlas:
    person = plan_database(database, "tiny", 0).subject(subject)
    return paint_atlas(draw_identity(person.seed), CAMERAS[database])


def scene_of(plan: DatabasePlan, subject: str, clip: ClipPlan) -> Scene:
    return Scene(plan, clip, CAMERAS[plan.database], atlas_of(plan.database, subject))


def first_scene(database: str, **options: bool | float) -> Scene:
    plan = plan_database(database, "tiny", 0, **options)  # type: ignore[arg-type]
    person = plan.subjects[0]
    return scene_of(plan, person.subject, person.clips[-1])


def dense_flow(scene: Scene) -> NDArray[np.float32]:
    field = scene.displacement(scene.clip.apex - scene.clip.onset)
    return dense(field, scene.camera.width, scene.camera.height)


def face_of(scene: Scene) -> NDArray[np.bool_]:
    mask = np.zeros((scene.camera.height, scene.camera.width), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.round(scene.landmarks).astype(np.int32)), 1)
    return mask > 0


@lru_cache(maxsize=1)
def landmark_predictor() -> dlib.shape_predictor:
    spec = importlib.util.find_spec("face_recognition_models")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    return dlib.shape_predictor(str(folder / "models" / "shape_predictor_68_face_landmarks.dat"))


def predicted(image: NDArray[np.uint8], box: dlib.rectangle) -> NDArray[np.float64]:
    return np.array([(part.x, part.y) for part in landmark_predictor()(image, box).parts()], np.float64)


@pytest.mark.parametrize("database", COHORT_DATABASES)
def test_dlib_finds_one_face_where_the_truth_says(database: str) -> None:
    plan, detector = plan_database(database, "tiny", 0), dlib.get_frontal_face_detector()
    for person in plan.subjects:
        for clip in person.clips:
            scene = scene_of(plan, person.subject, clip)
            onset = np.ascontiguousarray(next(scene.frames()))
            assert onset.dtype == np.uint8
            faces = detector(onset, 0)
            assert len(faces) == 1, (person.subject, clip.name)
            error = np.linalg.norm(predicted(onset, faces[0]) - scene.landmarks, axis=1)
            assert error[17:].mean() < 0.03 * scene.camera.face_width


@pytest.mark.parametrize(("name", "from_point"), [("collins", 0), ("hopper", 17)])
def test_stored_landmarks_are_the_predictor_s(name: str, from_point: int) -> None:
    portrait = load_portrait(name)
    image = portrait.image.astype(np.uint8)
    (face,) = dlib.get_frontal_face_detector()(image, 0)
    error = np.linalg.norm(predicted(image, face) - portrait.landmarks, axis=1)
    assert error[from_point:].max() <= 3.0  # pixels; JPEG decoders and builds differ a little


@pytest.mark.parametrize("database", COHORT_DATABASES)
def test_the_apex_warped_back_by_the_true_flow_is_the_onset(database: str) -> None:
    scene = first_scene(database)
    onset, apex = scene.seen(0), scene.seen(scene.clip.apex - scene.clip.onset)
    x, y = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in (scene.camera.width, scene.camera.height)))
    back = cv2.remap(apex, np.dstack([x, y]) + dense_flow(scene), None, cv2.INTER_CUBIC)
    face = face_of(scene)
    still, undone = (np.abs(image - onset)[face].mean() for image in (apex, back))
    assert undone < 0.4 and undone < 0.2 * still  # grey levels


@pytest.mark.parametrize("database", ["smic_vis", "casme2", "samm"])
def test_an_independent_flow_sees_the_expression(database: str) -> None:
    scene = first_scene(database, head_motion=False, blinks=False, noise=0.0)
    frames = list(scene.frames())
    grey = [frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    apex = scene.clip.apex - scene.clip.onset
    seen = cv2.calcOpticalFlowFarneback(grey[0], grey[apex], None, 0.5, 3, 31, 5, 7, 1.5, 0)
    true = dense_flow(scene)
    moving = np.linalg.norm(true, axis=-1) > 0.5 * scene.clip.amplitude
    error = np.linalg.norm(seen - true, axis=-1)[moving].mean()
    assert error < 0.4 * np.linalg.norm(true, axis=-1)[moving].mean()


@pytest.mark.parametrize("database", COHORT_DATABASES)
def test_expressions_are_slight_and_keep_to_their_region(database: str) -> None:
    plan = plan_database(database, "tiny", 0, head_motion=False, blinks=False)
    for person in plan.subjects:
        for clip in person.clips:
            scene = scene_of(plan, person.subject, clip)
            flow = dense_flow(scene)
            size = np.linalg.norm(flow, axis=-1)
            assert 0.8 < size.max() < 2.5
            assert size.max() == pytest.approx(clip.amplitude, rel=0.02)
            assert np.all(size[face_far(scene)] == 0)
            assert np.mean(size > 0) < 0.35
            raised = {unit.number for unit in clip.units}
            if raised <= {1, 2, 5}:  # brows rise, the mouth rests
                assert np.all(flow[..., 1][size > 0.3] < 0)
                assert np.all(size[round(scene.landmarks[33, 1]) :] == 0)


def face_far(scene: Scene) -> NDArray[np.bool_]:
    x, y = np.meshgrid(*(np.arange(n) for n in (scene.camera.width, scene.camera.height)))
    centre = scene.landmarks.mean(0)
    return np.hypot(x - centre[0], y - centre[1]) > 1.1 * scene.camera.face_width


@pytest.mark.parametrize("database", COHORT_DATABASES)
def test_curves_start_at_rest_and_peak_at_the_apex(database: str) -> None:
    plan = plan_database(database, "paper", 0)
    blinks = 0
    for person in plan.subjects[:8]:
        for clip in person.clips:
            motion, apex = draw_motion(plan, clip, CAMERAS[database]), clip.apex - clip.onset
            assert motion.intensity[0] == 0 and motion.intensity[apex] == pytest.approx(1)
            assert motion.intensity.argmax() == apex and motion.intensity.shape == (clip.n_frames,)
            assert np.all(np.diff(motion.intensity[: apex + 1]) > 0)
            assert np.all(np.diff(motion.intensity[apex:]) < 0)
            assert np.all(motion.head[0] == 0) and np.all(motion.restless[0] == 0)
            assert motion.lids[0] == motion.lids[apex] == 0
            assert np.abs(motion.head[:, :2]).max() < 0.009 * CAMERAS[database].face_width
            blinks += motion.lids.max() > 0
    assert blinks > 0


def test_distractors_can_be_switched_off() -> None:
    plan = plan_database("samm", "paper", 0, head_motion=False, blinks=False)
    for clip in plan.subjects[0].clips:
        motion = draw_motion(plan, clip, CAMERAS["samm"])
        assert not motion.head.any() and not motion.lids.any() and not motion.restless.any()


def test_a_blink_moves_the_lids_alone() -> None:
    plan = plan_database("casme2", "small", 0)
    person, clip, motion = next(
        (person, clip, motion)
        for person in plan.subjects
        for clip in person.clips
        for motion in [draw_motion(plan, clip, CAMERAS["casme2"])]
        if motion.lids.max() > 0.8 and draw_identity(person.seed).eyes == 0
    )
    index = int(motion.lids.argmax())
    atlas = paint_atlas(draw_identity(person.seed), CAMERAS["casme2"])
    open_eyed = plan_database("casme2", "small", 0, blinks=False)
    shut = Scene(plan, clip, CAMERAS["casme2"], atlas)
    shut.restless = tuple(np.zeros_like(field) for field in shut.restless)  # type: ignore[assignment]
    change = np.abs(shut.seen(index) - Scene(open_eyed, clip, CAMERAS["casme2"], atlas).seen(index)).max(-1)
    rows, columns = np.nonzero(change > 8)
    eyes = shut.landmarks[36:48]
    reach = 0.2 * np.ptp(eyes[:, 0])
    assert len(rows) > 300
    assert eyes[:, 1].min() - reach < rows.min() and rows.max() < eyes[:, 1].max() + reach
    assert eyes[:, 0].min() - reach < columns.min() and columns.max() < eyes[:, 0].max() + reach


def test_noise_is_the_camera_s_and_new_in_every_frame() -> None:
    scene = first_scene("smic_hs", head_motion=False, blinks=False, noise=2.0)
    frames = scene.frames()
    first, second = (next(frames).astype(np.float64) - scene.seen(index) for index in range(2))
    wall = np.s_[200:400, 5:60]
    assert first[wall].std() == pytest.approx(2.0 * CAMERAS["smic_hs"].noise, rel=0.05)
    assert abs(np.corrcoef(first[wall].ravel(), second[wall].ravel())[0, 1]) < 0.03


def test_people_differ_and_return() -> None:
    first, again, other = (draw_identity(seed) for seed in (11, 11, 12))
    assert np.array_equal(first.shape, again.shape) and first.skin == again.skin
    assert not np.allclose(first.shape, other.shape, atol=0.005)
    assert np.linalg.norm(first.shape[16] - first.shape[0]) == pytest.approx(1, abs=0.02)  # ear to ear is the unit


def test_rendering_is_whole_and_repeatable(tmp_path: Path) -> None:
    plan = plan_database("smic_nir", "tiny", 0)
    clips = plan.subject("s14").clips
    for name in ("once", "twice"):
        render_subject(plan, "s14", tmp_path / name, tmp_path / name / "truth" / "s14.h5")
    root = tmp_path / "once" / layout_root("smic_nir")
    assert [path.name for path in root.iterdir()] == ["s14"]
    written = sorted(path.relative_to(tmp_path / "once") for path in root.rglob("*.bmp"))
    assert len(written) == sum(clip.n_frames for clip in clips)
    folder = root / "s14" / "micro" / "negative" / clips[0].name
    numbers = sorted(int(path.stem) for path in folder.iterdir())
    assert numbers == list(range(clips[0].onset, clips[0].offset + 1))
    for path in written:
        assert (tmp_path / "once" / path).read_bytes() == (tmp_path / "twice" / path).read_bytes()
    picture = cv2.imread(str(tmp_path / "once" / written[0]), cv2.IMREAD_UNCHANGED)
    assert picture is not None and picture.shape == (480, 640)

    other = plan_database("smic_nir", "tiny", 1).subject("s14").clips[0]
    changed = scene_of(plan_database("smic_nir", "tiny", 1), "s14", other)
    assert not np.array_equal(next(changed.frames()), picture)

    truth = read_truth(tmp_path / "once" / "truth" / "s14.h5")
    assert list(truth) == sorted(clip.name for clip in clips)
    for clip in clips:
        known, scene = truth[clip.name], scene_of(plan, "s14", clip)
        assert (known.onset, known.apex, known.offset, known.fps) == (clip.onset, clip.apex, clip.offset, 25)
        assert (known.emotion, known.action_units) == (clip.emotion, clip.action_units)
        assert known.flow.shape == (480, 640, 2) and known.flow.dtype == np.float32
        assert np.array_equal(known.flow, dense_flow(scene))
        assert np.allclose(known.landmarks, scene.landmarks, atol=1e-4)
        moved = np.linalg.norm(known.expression, axis=-1)
        assert known.region.sum() == np.sum(moved > 0.1 * clip.amplitude) > 500
        assert set(known.blink_frames) <= set(range(clip.onset + 1, clip.offset + 1)) - {clip.apex}
        middle = np.round(known.landmarks[30]).astype(int)  # the nose moves with the head
        rest = known.flow[middle[1], middle[0]] - known.expression[middle[1], middle[0]]
        assert np.allclose(rest, known.head[clip.apex - clip.onset, :2], atol=0.1)


def test_jpeg_databases_lie_beside_their_sheets(tmp_path: Path) -> None:
    plan = plan_database("samm", "tiny", 0)
    render_subject(plan, "006", tmp_path, tmp_path / "006.h5")
    clip = plan.subject("006").clips[0]
    frames = list((tmp_path / "SAMM" / "006" / clip.name).iterdir())
    assert len(frames) == clip.n_frames
    picture = cv2.imread(str(frames[0]), cv2.IMREAD_UNCHANGED)
    assert picture is not None and picture.shape == (650, 960)


def test_unreadable_truth_is_named(tmp_path: Path) -> None:
    with pytest.raises(CdmerError, match="absent"):
        read_truth(tmp_path / "absent.h5")
    (tmp_path / "text.h5").write_text("no")
    with pytest.raises(CdmerError, match="text"):
        read_truth(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file.attrs["format"] = "something else"
    with pytest.raises(CdmerError, match="other"):
        read_truth(tmp_path / "other.h5")


def test_unknown_subject_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(CdmerError, match="s99"):
        render_subject(plan_database("smic_nir", "tiny", 0), "s99", tmp_path / "cohort", tmp_path / "s99.h5")
    assert not list(tmp_path.iterdir())


def test_absent_portrait_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from cdmer.databases.cohort import portraits

    monkeypatch.setattr(portraits.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CdmerError, match="scikit-image"):
        portraits.portrait_path("collins")
