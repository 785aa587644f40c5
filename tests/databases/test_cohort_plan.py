"""The cohort's plan and spreadsheets against the published counts and layouts of the real databases."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from cdmer.databases.cohort import (
    COHORT_DATABASES,
    ClipPlan,
    DatabasePlan,
    annotation_name,
    layout_root,
    plan_database,
    write_annotation,
)
from cdmer.databases.cohort.layouts import frame_name
from cdmer.errors import CdmerError


def clips_of(plan: DatabasePlan) -> list[ClipPlan]:
    return [clip for person in plan.subjects for clip in person.clips]


@pytest.mark.parametrize(
    ("database", "subjects", "emotions"),
    [
        ("smic_hs", 16, {"negative": 70, "positive": 51, "surprise": 43}),
        ("smic_vis", 8, {"negative": 23, "positive": 28, "surprise": 20}),
        ("smic_nir", 8, {"negative": 23, "positive": 28, "surprise": 20}),
        (
            "casme2",
            26,
            {"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2},
        ),
        (
            "samm",
            29,
            {
                "Anger": 57, "Happiness": 26, "Other": 26, "Surprise": 15, "Contempt": 12, "Disgust": 9, "Fear": 8,
                "Sadness": 6,
            },
        ),
    ],
)  # fmt: skip
def test_paper_size_has_the_real_counts(database: str, subjects: int, emotions: dict[str, int]) -> None:
    plan = plan_database(database, "paper", 0)
    assert len(plan.subjects) == subjects
    assert Counter(clip.emotion for clip in clips_of(plan)) == emotions


def test_paper_size_has_the_real_clips_per_subject() -> None:
    casme2 = {person.subject: len(person.clips) for person in plan_database("casme2", "paper", 0).subjects}
    assert (casme2["sub01"], casme2["sub17"], casme2["sub22"], casme2["sub26"]) == (9, 36, 2, 17)
    samm = {person.subject: len(person.clips) for person in plan_database("samm", "paper", 0).subjects}
    assert (samm["006"], samm["011"], samm["031"], samm["037"]) == (11, 20, 1, 3)
    assert "027" not in samm and "029" not in samm


@pytest.mark.parametrize(
    ("database", "shortest", "longest", "median"),
    [("smic_hs", 11, 58, 33), ("smic_vis", 4, 13, 8), ("casme2", 24, 141, 61), ("samm", 30, 101, 78)],
)
def test_paper_size_has_real_lengths(database: str, shortest: int, longest: int, median: int) -> None:
    lengths = sorted(clip.n_frames for clip in clips_of(plan_database(database, "paper", 0)))
    assert lengths[0] >= shortest and lengths[-1] <= longest
    assert abs(lengths[len(lengths) // 2] - median) <= 0.15 * median


@pytest.mark.parametrize("size", ["tiny", "small", "paper"])
def test_slow_cameras_film_the_events_of_the_fast_one(size: str) -> None:
    fast = {c.name: c for c in clips_of(plan_database("smic_hs", size, 3))}
    people = {person.subject: person.seed for person in plan_database("smic_hs", size, 3).subjects}
    for database in ("smic_vis", "smic_nir"):
        plan = plan_database(database, size, 3)
        for person in plan.subjects:
            assert person.seed == people[person.subject]
        for clip in clips_of(plan):
            event = fast[clip.name]
            assert (clip.seed, clip.units, clip.emotion) == (event.seed, event.units, event.emotion)
            assert 4 * (clip.apex - clip.onset) == event.apex - event.onset  # 25 against 100 frames a second
            assert 0 <= (event.offset - event.onset) - 4 * (clip.offset - clip.onset) < 4
            assert clip.noise_seed != event.noise_seed


@pytest.mark.parametrize("database", COHORT_DATABASES)
@pytest.mark.parametrize("size", ["tiny", "small", "paper"])
def test_every_clip_is_in_order_and_named_once(database: str, size: str) -> None:
    clips = clips_of(plan_database(database, size, 0))
    assert all(clip.onset < clip.apex < clip.offset for clip in clips)
    keys = [(p.subject, c.name) for p in plan_database(database, size, 0).subjects for c in p.clips]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("size", ["tiny", "small"])
@pytest.mark.parametrize("database", COHORT_DATABASES)
def test_short_sizes_give_every_subject_each_class(database: str, size: str) -> None:
    plan = plan_database(database, size, 0)
    for person in plan.subjects:
        words = {clip.emotion.lower() for clip in person.clips}
        assert words & {"negative", "disgust", "sadness", "fear", "anger", "contempt"}
        assert words & {"positive", "happiness"}
        assert "surprise" in words
    if not database.startswith("smic"):
        assert {clip.emotion.lower() for clip in clips_of(plan)} & {"others", "other", "repression"}


def test_a_subject_does_not_depend_on_the_others() -> None:
    small, paper = (plan_database("casme2", size, 5) for size in ("small", "paper"))
    assert [small.subject(s).seed for s in ("sub01", "sub17")] == [paper.subject(s).seed for s in ("sub01", "sub17")]
    hs, vis = (plan_database(d, "small", 5).subject("s14") for d in ("smic_hs", "smic_vis"))
    assert [c.units for c in hs.clips] == [c.units for c in vis.clips]


def test_another_seed_is_another_cohort() -> None:
    first, second = plan_database("casme2", "tiny", 0), plan_database("casme2", "tiny", 1)
    assert first == plan_database("casme2", "tiny", 0)
    assert {p.seed for p in first.subjects}.isdisjoint(p.seed for p in second.subjects)
    assert [c.onset for c in clips_of(first)] != [c.onset for c in clips_of(second)]


def test_objective_classes_follow_the_published_table() -> None:
    clips = [clip for size in ("small", "paper") for clip in clips_of(plan_database("samm", size, 0))]
    listed = {(6, 12): 1, (12,): 1, (1, 2): 2, (5,): 2, (4,): 3, (4, 7): 3, (9,): 4, (4, 9): 4, (15,): 5, (20,): 6}
    listed |= {(14,): 7, (17,): 7, (7,): 7}
    checked = 0
    for clip in clips:
        key = tuple(sorted({unit.number for unit in clip.units}))
        if key in listed:
            assert clip.objective_class == listed[key], clip.action_units
            checked += 1
    assert checked > 40


def test_planning_loads_no_picture_library() -> None:
    code = (
        "import sys; from cdmer.databases.cohort import plan_database; plan_database('casme2', 'paper', 0);"
        "heavy = {'cv2', 'numpy', 'pandas', 'h5py', 'openpyxl', 'dlib'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("casme3", "tiny", 0), "casme3"),
        (("samm", "huge", 0), "huge"),
        (("samm", "tiny", 0, True, True, -1.0), "-1.0"),
    ],
)
def test_bad_requests_are_named(arguments: tuple[object, ...], named: str) -> None:
    with pytest.raises(CdmerError, match=named):
        plan_database(*arguments)  # type: ignore[arg-type]


def test_unknown_subject_is_named() -> None:
    with pytest.raises(CdmerError, match="sub99"):
        plan_database("casme2", "tiny", 0).subject("sub99")


def test_casme2_sheet(tmp_path: Path) -> None:
    plan = plan_database("casme2", "paper", 0)
    path = tmp_path / str(annotation_name("casme2"))
    write_annotation(plan, path)
    assert path.name == "CASME2-coding-20140508.xlsx"
    sheet = openpyxl.load_workbook(path)["Sheet1"]
    header = [cell.value for cell in sheet[1]]
    assert header == [
        "Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units",
        "Estimated Emotion",
    ]  # fmt: skip
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert len(rows) == 255
    assert [row[:2] for row in rows] == sorted(row[:2] for row in rows)
    assert all(isinstance(row[0], str) and len(row[0]) == 2 for row in rows)
    assert {type(row[7]) for row in rows} == {int, str}  # a single unit is a number, as in the real sheet
    assert rows[0][3:6] == tuple(getattr(plan.subjects[0].clips[0], key) for key in ("onset", "apex", "offset"))


def test_samm_sheet(tmp_path: Path) -> None:
    plan = plan_database("samm", "paper", 0)
    path = tmp_path / str(annotation_name("samm"))
    write_annotation(plan, path)
    sheet = openpyxl.load_workbook(path)["MICRO_ONLY"]
    assert sheet.max_row == 173 and sheet.max_column == 12
    assert [cell.value for cell in sheet[14]] == [
        "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
        "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
    ]  # fmt: skip
    for row in sheet.iter_rows(min_row=15, values_only=True):
        subject, name, film, onset, _, offset, duration = row[:7]
        assert str(name).split("_")[:2] == [subject, str(film)]
        assert isinstance(onset, int) and isinstance(offset, int)
        assert duration == offset - onset + 1


def test_sheets_are_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_database("samm", "tiny", 0)
    write_annotation(plan, tmp_path / "now.xlsx")
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    write_annotation(plan, tmp_path / "later.xlsx")
    assert (tmp_path / "now.xlsx").read_bytes() == (tmp_path / "later.xlsx").read_bytes()


def test_smic_has_no_sheet(tmp_path: Path) -> None:
    assert annotation_name("smic_hs") is None
    with pytest.raises(CdmerError, match="smic_hs"):
        write_annotation(plan_database("smic_hs", "tiny", 0), tmp_path / "none.xlsx")
    assert not list(tmp_path.iterdir())


def test_frames_are_named_as_the_databases_name_them() -> None:
    def name(database: str, subject: str, clip: int, number: int) -> str:
        person = plan_database(database, "paper", 0).subject(subject)
        return frame_name(database, subject, person.clips[clip], number)

    assert layout_root("smic_hs") == "SMIC_all_raw/HS" and layout_root("casme2") == "CASME2_RAW_selected"
    assert name("smic_hs", "s1", 0, 123) == "image000123.bmp"
    assert name("smic_hs", "s20", 0, 17581039) == "image17581039.bmp"
    assert name("smic_nir", "s20", 0, 12) == "00012.bmp"
    assert name("casme2", "sub01", 0, 46) == "img46.jpg"
    padded = {len(name("samm", p.subject, 0, 7)) for p in plan_database("samm", "paper", 0).subjects}
    assert padded == {len("006_0007.jpg"), len("006_00007.jpg")}
