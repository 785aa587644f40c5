"""The cohort as real copies lie on disks: read back, it is the same database."""

import hashlib
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from cdmer.code import library_versions
from cdmer.config import read_config
from cdmer.databases import read_manifest
from cdmer.databases.cohort import (
    COHORT_DATABASES,
    COHORT_SIZES,
    DatabasePlan,
    annotation_name,
    layout_root,
    plan_database,
    render_subject,
    write_annotation,
)
from cdmer.databases.cohort.layouts import clip_folder, frame_name, subject_folder
from cdmer.databases.cohort.quirks import litter, lost_frames
from cdmer.planning.plan import Plan

NAMES = (37791, "0a98a3cc559286c2")  # of every frame of every size, seed 1: how many, digest
UNTOUCHED = ["clip", "subject", "onset", "offset", "fps", "emotion", "action_units"]


def lay_out(plan: DatabasePlan, folder: Path) -> Path:
    """Empty files where `render_subject` draws frames, and the sheet; the reader's root."""
    for person in plan.subjects:
        home = folder / subject_folder(plan.database, person.subject, plan.quirks)
        for clip in person.clips:
            place = home / clip_folder(plan.database, person.subject, clip, plan.quirks)
            place.mkdir(parents=True)
            for number in range(clip.onset, clip.offset + 1):
                if number not in lost_frames(plan, clip):
                    (place / frame_name(plan.database, person.subject, clip, number, plan.quirks)).touch()
        if plan.quirks:
            litter(plan, person, home)
    sheet = annotation_name(plan.database, plan.quirks)
    if sheet:
        write_annotation(plan, folder / sheet)
    return folder / layout_root(plan.database, plan.quirks)


def manifest(plan: DatabasePlan, folder: Path) -> pd.DataFrame:
    return read_manifest(plan.database.split("_")[0], lay_out(plan, folder))


@pytest.mark.parametrize("database", COHORT_DATABASES)
@pytest.mark.parametrize("size", ["tiny", "small"])
def test_the_same_clips_are_read_from_both(database: str, size: str, tmp_path: Path) -> None:
    clean = manifest(plan_database(database, size, 1), tmp_path / "clean")
    quirky = manifest(plan_database(database, size, 1, quirks=True), tmp_path / "quirky")
    assert quirky[UNTOUCHED].equals(clean[UNTOUCHED])
    lost = quirky["n_missing"]
    assert (quirky["n_frames"] + lost).equals(clean["n_frames"])
    assert list(lost[lost > 0]) == ([1] if database == "smic_hs" else [])
    same = quirky["apex"].fillna(-1) == clean["apex"].fillna(-1)
    assert quirky["apex"][~same].isna().all() and (~same).sum() == (0 if database.startswith("smic") else 1)
    if database == "samm":
        assert quirky["objective_class"].equals(clean["objective_class"])
    if database == "casme2":  # the sheet of 2014 has none, that of 2019 has
        assert clean["objective_class"].isna().all() and quirky["objective_class"].notna().all()
    assert not set(quirky["path"]) & set(clean["path"])


@pytest.mark.parametrize(
    ("database", "apexes"),
    [("casme2", {"sub04/EP12_01f": None}), ("samm", {"028_4_1": 1113, "032_3_1": 4930})],
)
def test_at_paper_size_the_releases_own_misprints_are_met(
    database: str, apexes: dict[str, int | None], tmp_path: Path
) -> None:
    plan = plan_database(database, "paper", 1, quirks=True)
    some = tuple(one for one in plan.subjects if one.subject in ("sub04", "sub05", "028", "030", "032"))
    plan = replace(plan, subjects=some)
    read = manifest(plan, tmp_path).set_index("clip")
    planned = {
        f"{person.subject}/{clip.name}" if database == "casme2" else clip.name: clip
        for person in plan.subjects
        for clip in person.clips
    }
    assert list(read.index) == list(planned)
    for clip, row in read.iterrows():
        truth = planned[str(clip)]
        assert (row["onset"], row["offset"]) == (truth.onset, truth.offset)
        assert (None if pd.isna(row["apex"]) else row["apex"]) == apexes.get(str(clip), truth.apex)
    sheet = openpyxl.load_workbook(tmp_path / str(annotation_name(database, quirks=True))).worksheets[0]
    column = [cell.value for cell in sheet[1]].index("ApexFrame" if database == "casme2" else "Apex Frame")
    printed = {(int(row[0]), row[1]): row[column] for row in sheet.iter_rows(min_row=2, values_only=True)}
    if database == "casme2":
        assert printed[4, "EP12_01f"] == "/"
    else:
        assert (printed[28, "028_4_1"], printed[32, "032_3_1"]) == (1143, 1930)


def test_quirks_change_no_other_clip() -> None:
    for database, changed in (("casme2", 1), ("samm", 2), ("smic_hs", 0), ("smic_vis", 0), ("smic_nir", 0)):
        clean, quirky = (plan_database(database, "paper", 1, quirks=quirks) for quirks in (False, True))
        pairs = list(zip(clean.subjects, quirky.subjects, strict=True))
        assert all(one.seed == other.seed and len(one.clips) == len(other.clips) for one, other in pairs)
        assert sum(len({*other.clips} - {*one.clips}) for one, other in pairs) == changed


def test_at_paper_size_smic_lacks_what_the_release_lacks(tmp_path: Path) -> None:
    read = manifest(plan_database("smic_hs", "paper", 1, quirks=True), tmp_path).set_index("clip")["n_missing"]
    assert dict(read[read > 0]) == {"s3_ne_16": 1, "s3_po_08": 2, "s3_sur_01": 1, "s3_sur_05": 1}
    assert len(read) == 164


def test_the_quirks_are_those_of_real_copies(tmp_path: Path) -> None:
    def names(database: str) -> set[str]:
        root = lay_out(plan_database(database, "small", 1, quirks=True), tmp_path)
        return {str(path.relative_to(tmp_path)) for path in root.rglob("*")}

    casme2, samm, smic = names("casme2"), names("samm"), names("smic_vis")
    assert "CASME2_RAW_selected (1)/CASME2_RAW_selected/SUB02/Desktop - Shortcut.lnk" in casme2
    assert "CASME2_RAW_selected (1)/CASME2_RAW_selected/sub01/__MACOSX" in casme2
    assert {len(Path(name).stem) for name in smic if name.endswith(".bmp")} > {5}  # digits: more than the one width
    assert any("/HS" not in name and "VIS/VIS/s14/micro/Surprise" in name for name in smic)
    assert any(name.startswith("SAMM (1)/SAMM/6/006_") for name in samm)
    book = openpyxl.load_workbook(tmp_path / "CASME2-coding-20190701.xlsx").worksheets[0]
    assert [cell.value for cell in book[1]][-1] == "Objective Classes"
    rows = list(book.iter_rows(min_row=2, values_only=True))
    assert {type(row[0]) for row in rows} == {int, str}
    assert {str(row[8]) for row in rows} > {"DISGUST ", "happiness"}
    assert rows[0][4] == "/"
    book = openpyxl.load_workbook(tmp_path / "SAMM_20181215_copy.xlsx").worksheets[0]
    assert book["A1"].value == "Subject"  # no preamble


def test_without_quirks_every_name_is_as_it_was() -> None:
    """The digest was taken before there were quirks."""
    names = [
        f"{subject_folder(database, person.subject)}/{clip_folder(database, person.subject, clip)}/"
        f"{frame_name(database, person.subject, clip, number)}"
        for database in COHORT_DATABASES
        for size in COHORT_SIZES
        for person in plan_database(database, size, 1).subjects
        for clip in person.clips
        for number in range(clip.onset, clip.offset + 1)
    ]
    assert len(names) == NAMES[0]
    assert hashlib.sha256("\n".join(names).encode()).hexdigest()[:16] == NAMES[1]


def test_rendering_writes_those_files_with_the_clean_cohort_s_pictures(tmp_path: Path) -> None:
    clean, quirky = (plan_database("smic_hs", "tiny", 1, quirks=quirks) for quirks in (False, True))
    person = replace(clean.subject("s14"), clips=clean.subject("s14").clips[:1])
    (clip,) = person.clips
    plans = [replace(plan, subjects=(person,)) for plan in (clean, quirky)]
    for plan in plans:
        render_subject(plan, "s14", tmp_path, tmp_path / f"{plan.quirks}.h5")
    lay_out(plans[1], tmp_path / "laid")

    def files(home: Path) -> set[str]:
        return {str(path.relative_to(home)) for path in (home / subject_folder("smic_hs", "s14", True)).rglob("*")}

    assert files(tmp_path) == files(tmp_path / "laid")
    (lost,) = lost_frames(plans[1], clip)
    assert clip.onset < lost < clip.offset and lost != clip.apex
    for number in {*range(clip.onset, clip.offset + 1)} - {lost}:
        one, other = (
            tmp_path / subject_folder("smic_hs", "s14", quirks) / clip_folder("smic_hs", "s14", clip, quirks)
            / frame_name("smic_hs", "s14", clip, number, quirks)
            for quirks in (False, True)
        )  # fmt: skip
        assert one.read_bytes() == other.read_bytes()


def test_spreadsheets_depend_on_no_picture_library() -> None:
    assert not {"cv2", "PIL"} & set(library_versions("cdmer.databases.cohort.annotation"))
    assert "cv2" in library_versions("cdmer.databases.cohort.render")


@pytest.mark.parametrize("quirks", [False, True])
def test_the_workflow_reads_what_it_renders(quirks: bool, tmp_path: Path) -> None:
    plan = Plan(read_config({"cohort": {"size": "tiny", "quirks": quirks}}))
    for database in COHORT_DATABASES:
        home = tmp_path / f"results/databases/{database}/synthetic"
        lay_out(plan_database(database, **plan.cohort_settings()), home)
        annotation = plan.annotation(database)
        read = read_manifest(
            plan.databases[database].reader, tmp_path / plan.root(database), annotation and tmp_path / annotation
        )
        assert list(read["subject"].unique()) == plan.subjects(database)
