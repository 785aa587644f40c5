"""The readers of SMIC, CASME II and SAMM on tiny look-alikes, the census, and the files that the stage writes."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from cdmer.databases import read_manifest
from cdmer.databases.manifest import COLUMNS, join_manifest, load_manifest
from cdmer.databases.reading import READERS, census, natural_key
from cdmer.databases.stage import write_subject
from cdmer.errors import CdmerError

from .copies import CASME2_HEADER, SAMM_HEADER, casme2_row, write_casme2, write_frames, write_sheet

# ---------------------------------------------------------------- SMIC


@pytest.fixture
def smic(tmp_path: Path) -> Path:
    """A base set with subset HS: two subjects, three clips, and what else lies about."""
    root = tmp_path / "SMIC_all_raw" / "HS"
    long = range(9999999, 10000002)  # 7 digits, then 8: lexicographic order would end with the first
    write_frames(root / "s11/micro/surprise/s11_sur_01", (f"image{n:06d}.bmp" for n in long))
    write_frames(root / "s2/micro/positive/s2_po_10", (f"image{n:06d}.bmp" for n in (7, 8, 10)))  # 9 is missing
    write_frames(root / "s2/micro/negative/s2_ne_02", (f"image{n:06d}.bmp" for n in range(98, 103)))
    write_frames(root / "s2/micro/positive/s2_po_9", ["image000001.bmp"])
    write_frames(root / "s2/non_micro/s2_non_01", ["image000001.bmp"])
    (root / "s2/micro/negative/old").mkdir()
    (root / "s2/micro/__MACOSX").mkdir()
    (root / "s2/micro/negative/s2_ne_02/Thumbs.db").write_bytes(b"junk")
    (root / "readme.txt").write_text("junk")
    return root


def test_smic_is_read_from_its_folders(smic: Path) -> None:
    manifest = read_manifest("smic", smic)
    assert dict(manifest.dtypes.astype(str)) == {
        name: dtype.replace("string", str(manifest["clip"].dtype)) for name, dtype in COLUMNS.items()
    }
    assert list(manifest["clip"]) == ["s2_ne_02", "s2_po_9", "s2_po_10", "s11_sur_01"]
    assert list(manifest["subject"]) == ["s2", "s2", "s2", "s11"]
    assert set(manifest["database"]) == {"smic_hs"}
    assert set(manifest["fps"]) == {100.0}
    assert list(manifest["onset"]) == list(manifest["first_frame"]) == [98, 1, 7, 9999999]
    assert list(manifest["offset"]) == [102, 1, 10, 10000001]
    assert list(manifest["n_frames"]) == [5, 1, 3, 3]
    assert list(manifest["emotion"]) == ["negative", "positive", "positive", "surprise"]
    assert manifest[["apex", "objective_class", "action_units"]].isna().all(axis=None)
    assert manifest["path"].iloc[3] == str(smic / "s11/micro/surprise/s11_sur_01")


@pytest.mark.parametrize(("subset", "fps"), [("VIS", 25.0), ("nir", 25.0), ("Hs", 100.0)])
def test_the_subset_is_the_nearest_folder_so_named(smic: Path, subset: str, fps: float) -> None:
    other = smic.rename(smic.with_name(subset))
    manifest = read_manifest("smic", other)
    assert set(manifest["database"]) == {f"smic_{subset.lower()}"}
    assert set(manifest["fps"]) == {fps}
    assert read_manifest("smic", other.parent)["path"].equals(manifest["path"])  # descends into the only subset
    inner = other / "VIS"
    (other / "s2").rename(inner.parent / "moved")
    inner.mkdir()
    (other / "moved").rename(inner / "s2")
    assert set(read_manifest("smic", inner)["database"]) == {"smic_vis"}


def test_a_link_to_a_subset_is_that_subset(smic: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(smic)
    assert set(read_manifest("smic", tmp_path / "link")["database"]) == {"smic_hs"}


def test_padding_and_capitals_of_smics_names_do_not_matter(smic: Path) -> None:
    (smic / "s2/micro/negative/s2_ne_02").rename(smic / "s2/micro/negative/S02_NE_02")
    (smic / "s2/micro/negative").rename(smic / "s2/micro/Negative")
    (smic / "s2").rename(smic / "s02")
    first = read_manifest("smic", smic).iloc[0]
    assert list(first[["clip", "subject", "emotion"]]) == ["s2_ne_02", "s2", "negative"]


def test_what_is_wrong_with_a_root_of_smic_is_named(smic: Path, tmp_path: Path) -> None:
    (smic.parent / "NIR").mkdir()
    with pytest.raises(CdmerError, match=r"SMIC_all_raw holds HS, NIR\n.*point root at one of them"):
        read_manifest("smic", smic.parent)
    with pytest.raises(CdmerError, match="holds neither a subject"):
        read_manifest("smic", tmp_path)
    with pytest.raises(CdmerError, match="is not a folder"):
        read_manifest("smic", smic / "readme.txt")
    with pytest.raises(CdmerError, match="reads no annotation, and was given"):
        read_manifest("smic", smic, smic / "readme.txt")
    unnamed = smic.rename(tmp_path / "high_speed")
    with pytest.raises(CdmerError, match=r"cannot tell which subset of SMIC .*high_speed is"):
        read_manifest("smic", unnamed)


def test_what_is_wrong_with_a_clip_of_smic_is_named(smic: Path) -> None:
    twin = smic / "s2/micro/negative/s2_ne_02/image98.bmp"
    twin.write_bytes(b"")
    with pytest.raises(CdmerError, match=r"s2_ne_02: image000098\.bmp and image98\.bmp are both frame 98"):
        read_manifest("smic", smic)
    twin.unlink()
    (smic / "s2/micro/positve").mkdir()
    with pytest.raises(CdmerError, match=r"unknown emotion 'positve'\n.*negative, positive, surprise.*'positive'\?"):
        read_manifest("smic", smic)
    (smic / "s2/micro/positve").rmdir()
    (smic / "s2/micro/positive/s2_po_11").mkdir()
    with pytest.raises(CdmerError, match="s2_po_11 holds no frame"):
        read_manifest("smic", smic)
    (smic / "s2/micro/positive/s2_po_11").rename(smic / "s2/micro/positive/s2_po_09")
    write_frames(smic / "s02/micro/positive/s02_po_10", ["1.bmp"])
    (smic / "s2/micro/positive/s2_po_09").rmdir()
    with pytest.raises(CdmerError, match="clip s2_po_10 is listed twice"):
        read_manifest("smic", smic)


@pytest.mark.parametrize(("subset", "frame"), [("HS", "reg_image{:06d}.bmp"), ("NIR", "reg_{:05d}.bmp")])
def test_cropped_faces_of_smic_are_read_alike(tmp_path: Path, subset: str, frame: str) -> None:
    home = tmp_path / "SMIC_all_cropped" / subset
    for clip in ("s1_ne_01", "s01_ne_02"):  # as in the release, and as MEGC 2019 pads it
        write_frames(home / "s1/micro/negative" / clip, (frame.format(number) for number in range(99, 105)))
    manifest = read_manifest("smic", home)
    assert list(manifest["clip"]) == ["s1_ne_01", "s1_ne_02"]
    assert list(manifest["onset"]) == [99, 99] and list(manifest["offset"]) == [104, 104]
    doubled = tmp_path / "again" / subset / subset
    doubled.parent.mkdir(parents=True)
    home.rename(doubled)
    assert read_manifest("smic", doubled.parent)["onset"].equals(manifest["onset"])


def test_up_to_two_missing_frames_of_smic_are_counted_and_noted(smic: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = smic / "s2/micro/negative/s2_ne_02"  # frames 98 to 102
    with caplog.at_level(logging.WARNING, "cdmer"):
        manifest = read_manifest("smic", smic).set_index("clip")
    assert list(manifest["n_missing"]) == [0, 0, 1, 0]
    assert "s2_po_10: frame 9 of s2_po_10 missing, filled with the frame before" in caplog.text
    (folder / "image000099.bmp").unlink()
    (folder / "image000101.bmp").unlink()
    assert read_manifest("smic", smic).set_index("clip").loc["s2_ne_02", "n_missing"] == 2
    (folder / "image000100.bmp").unlink()
    with pytest.raises(CdmerError, match=r"s2_ne_02: between onset and offset .* lacks frames 99, 100, 101"):
        read_manifest("smic", smic)


def test_a_label_that_the_name_contradicts_is_kept_and_noted(smic: Path, caplog: pytest.LogCaptureFixture) -> None:
    (smic / "s2/micro/negative/s2_ne_02").rename(smic / "s2/micro/positive/s2_ne_02")
    with caplog.at_level(logging.WARNING, "cdmer"):
        assert read_manifest("smic", smic).set_index("clip").loc["s2_ne_02", "emotion"] == "positive"
    assert "s2_ne_02 is labelled positive, and its name says negative" in caplog.text


def test_a_subset_without_a_clip_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "HS/s1/micro/negative").mkdir(parents=True)
    with pytest.raises(CdmerError, match="no clip found"):
        read_manifest("smic", tmp_path / "HS")


# ---------------------------------------------------------------- CASME II


CASME2_ROWS: list[list[object]] = [  # row 2 on; Subject as text or number, Action Units mixed, as in the release
    ["17", "EP01_06", None, 98, 100, 102, None, 4, "disgust"],
    [1, "EP02_01f", None, 46, 59, 86, None, "4+L10", "Happiness "],
    ["01", "EP01_2", None, "46", "/", 47.0, None, "?", "others"],
    ["04", "EP12_01f", None, 46, 10, 47, None, None, "other"],
]


def casme2_with(tmp_path: Path, rows: list[list[object]], header: Iterable[object] = CASME2_HEADER) -> Path:
    root = tmp_path / "CASME2_RAW_selected"
    if not root.exists():
        write_frames(root / "sub17/EP01_06", (f"img{n}.jpg" for n in range(98, 103)))
        write_frames(root / "sub01/EP02_01f", (f"img{n}.jpg" for n in range(46, 87)))
        write_frames(root / "sub01/EP01_2", (f"img{n}.jpg" for n in range(46, 48)))
        write_frames(root / "sub01/EP01_02", ["img1.jpg"])  # another clip, not a spelling of EP01_2
        write_frames(root / "sub04/EP12_01f", (f"img{n}.jpg" for n in range(1, 121)))  # a whole recording
        (root / "sub01/Desktop - Shortcut.lnk").write_bytes(b"junk")
    write_sheet(tmp_path / "CASME2-coding-20140508.xlsx", [header, *rows])
    return root


def test_casme2_is_read_in_the_order_of_its_spreadsheet(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = casme2_with(tmp_path, CASME2_ROWS)
    with caplog.at_level(logging.WARNING, "cdmer"):
        manifest = read_manifest("casme2", root)
    assert list(manifest["clip"]) == ["sub17/EP01_06", "sub01/EP02_01f", "sub01/EP01_2", "sub04/EP12_01f"]
    assert list(manifest["subject"]) == ["sub17", "sub01", "sub01", "sub04"]
    assert set(manifest["database"]) == {"casme2"}
    assert set(manifest["fps"]) == {200.0}
    assert list(manifest["onset"]) == [98, 46, 46, 46]
    assert list(manifest["apex"].fillna(-1)) == [100, 59, -1, -1]
    assert list(manifest["offset"]) == [102, 86, 47, 47]
    assert list(manifest["first_frame"]) == [98, 46, 46, 1]
    assert list(manifest["n_frames"]) == [5, 41, 2, 120]
    assert list(manifest["emotion"]) == ["disgust", "happiness", "others", "others"]
    assert list(manifest["action_units"].fillna("")) == ["4", "4+L10", "?", ""]
    assert manifest["objective_class"].isna().all()
    assert manifest["path"].iloc[2] == str(root / "sub01/EP01_2")
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "CASME2-coding-20140508.xlsx row 4: ApexFrame '/' is no frame number" in caplog.records[0].message
    assert "row 5: ApexFrame 10 is not between onset 46 and offset 47" in caplog.records[1].message


@pytest.mark.parametrize(("cell", "numeral"), [(1, "I"), ("4", "IV"), (7.0, "VII"), ("vi", "VI"), (None, None)])
def test_objective_classes_become_roman_numerals(tmp_path: Path, cell: object, numeral: str | None) -> None:
    root = casme2_with(tmp_path, [[*CASME2_ROWS[0], cell]], [*CASME2_HEADER, "Objective Classes"])
    found = read_manifest("casme2", root)["objective_class"]
    assert found.isna().all() if numeral is None else list(found) == [numeral]


def test_folders_may_differ_in_padding_and_capitals(tmp_path: Path) -> None:
    root = casme2_with(tmp_path, CASME2_ROWS[:2])
    (root / "sub01").rename(root / "Sub1")
    (root / "Sub1/EP02_01f").rename(root / "Sub1/ep02_01F")
    row = read_manifest("casme2", root).iloc[1]
    assert list(row[["clip", "subject", "path"]]) == ["sub01/EP02_01f", "sub01", str(root / "Sub1/ep02_01F")]
    (root / "SUB001").mkdir()
    with pytest.raises(CdmerError, match="SUB001 and Sub1 both read as sub01"):
        read_manifest("casme2", root)


@pytest.mark.parametrize(
    ("column", "cell", "problem", "remedy"),
    [
        (0, None, "row 2 has no Subject", "fill in"),
        (0, "?", "row 2: Subject '?' is no number", "write it as sub01"),
        (0, "99", "row 2: there is no folder", "point root at the folder that holds sub01"),
        (1, None, "row 2 has no Filename", "fill in"),
        (1, "EP09_09", "sub17/EP09_09", "restore it"),
        (3, None, "row 2 has no OnsetFrame", "fill in"),
        (3, "/", "row 2: OnsetFrame '/' is no frame number", "correct its OnsetFrame"),
        (3, 98.5, "row 2: OnsetFrame '98.5' is no frame number", "correct its OnsetFrame"),
        (3, 97, "row 2: clip sub17/EP01_06 has its onset at frame 97", "correct the onset, or restore the frames"),
        (5, "soon", "row 2: OffsetFrame 'soon' is no frame number", "correct its OffsetFrame"),
        (5, 110, "has its offset at frame 110, which", "correct the offset"),
        (8, None, "row 2 has no Estimated Emotion", "fill in"),
        (8, "supprise", "row 2: unknown emotion 'supprise'", "did you mean 'surprise'?"),
    ],
)
def test_what_is_wrong_in_a_row_is_named(tmp_path: Path, column: int, cell: object, problem: str, remedy: str) -> None:
    row = list(CASME2_ROWS[0])
    row[column] = cell
    with pytest.raises(CdmerError) as caught:
        read_manifest("casme2", casme2_with(tmp_path, [row]))
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


def test_a_frame_that_the_folder_lacks_is_told_with_what_it_holds(tmp_path: Path) -> None:
    root = casme2_with(tmp_path, CASME2_ROWS[:1])
    (root / "sub17/EP01_06/img102.jpg").unlink()
    with pytest.raises(CdmerError, match=r"offset at frame 102, which .*sub17/EP01_06 lacks.* 4 frames from 98 to 101"):
        read_manifest("casme2", root)


def test_onset_after_offset_is_an_error_that_names_the_row(tmp_path: Path) -> None:
    row = list(CASME2_ROWS[0])
    row[3], row[5] = 102, 98
    with pytest.raises(CdmerError, match="row 2: clip sub17/EP01_06 has onset 102, apex None, offset 98"):
        read_manifest("casme2", casme2_with(tmp_path, [row]))


def test_a_row_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CdmerError, match=r"row 3: clip sub17/EP01_06 is listed twice, the other time in .* row 2"):
        read_manifest("casme2", casme2_with(tmp_path, [CASME2_ROWS[0], CASME2_ROWS[0]]))


def test_headers_match_whatever_their_blanks_and_capitals(tmp_path: Path) -> None:
    header = ["subject ", "file name", None, "Onset Frame", "APEXFRAME", "offset_frame", None, "Action  Units",
              "Estimated emotion"]  # fmt: skip
    assert len(read_manifest("casme2", casme2_with(tmp_path, CASME2_ROWS, header))) == 4


def test_what_is_wrong_with_a_spreadsheet_is_named(tmp_path: Path) -> None:
    root = casme2_with(tmp_path, CASME2_ROWS, ["Subject", "Filename", None, "OnsetF", *CASME2_HEADER[4:]])
    with pytest.raises(CdmerError, match=r"'Sheet1', row 1: no column 'OnsetFrame'\n.*did you mean 'OnsetF'"):
        read_manifest("casme2", root)
    sheet = write_sheet(tmp_path / "other.xlsx", CASME2_ROWS)
    with pytest.raises(CdmerError, match=r"other\.xlsx: no sheet has a header row, whose first cell is 'Subject'"):
        read_manifest("casme2", root, sheet)
    header_only = write_sheet(tmp_path / "empty.xlsx", [CASME2_HEADER, [None, " "]])
    with pytest.raises(CdmerError, match="no clip found"):
        read_manifest("casme2", root, header_only)
    sheet.write_bytes(sheet.read_bytes()[:500])
    with pytest.raises(CdmerError, match=r"other\.xlsx cannot be read as an \.xlsx workbook"):
        read_manifest("casme2", root, sheet)
    old = sheet.rename(tmp_path / "CASME2_label_Ver_2.xls")
    with pytest.raises(CdmerError, match=r"Ver_2\.xls cannot be read as an \.xlsx workbook"):
        read_manifest("casme2", root, old)
    with pytest.raises(CdmerError, match=r"annotation .*absent\.xlsx does not exist"):
        read_manifest("casme2", root, tmp_path / "absent.xlsx")


def test_the_spreadsheet_is_looked_for_in_the_root_and_beside_it(tmp_path: Path) -> None:
    root = casme2_with(tmp_path, CASME2_ROWS)
    beside = read_manifest("casme2", root)
    sheet = tmp_path / "CASME2-coding-20140508.xlsx"
    inside = sheet.rename(root / "casme2-CODING-20190701.xlsx")
    assert read_manifest("casme2", root).equals(beside)
    (tmp_path / "~$CASME2-coding-20140508.xlsx").write_bytes(b"lock of a spreadsheet program")
    sheet.write_bytes(inside.read_bytes())
    with pytest.raises(CdmerError, match=r"2 annotations for .*20190701\.xlsx.*20140508\.xlsx\n.*name the right one"):
        read_manifest("casme2", root)
    assert read_manifest("casme2", root, sheet).equals(beside)
    sheet.unlink()
    inside.unlink()
    with pytest.raises(CdmerError) as caught:
        read_manifest("casme2", root)
    assert f"no CASME2-coding-*.xlsx in {root} or {tmp_path}" in caught.value.problem


@pytest.mark.parametrize("frame", ["img{}.jpg", "reg_img{}.jpg", "reg_img{:03d}.JPG"])
def test_the_copies_of_casme2_differ_in_their_files_names_alone(tmp_path: Path, frame: str) -> None:
    clip = "sub01/EP02_01f"
    root = write_casme2(tmp_path / "Cropped", {clip: range(98, 121)}, [casme2_row(clip, 98, 101, 120)], frame)
    manifest = read_manifest("casme2", root)
    assert list(manifest.iloc[0][["clip", "first_frame", "onset", "apex", "offset", "n_frames", "n_missing"]]) == [
        clip, 98, 98, 101, 120, 23, 0,
    ]  # fmt: skip


@pytest.mark.parametrize("inner", ["Cropped", "cropped/Cropped", "CASME2_RAW_selected"])
def test_a_folder_that_unpacking_doubled_is_looked_through(tmp_path: Path, inner: str) -> None:
    clip = "sub01/EP02_01f"
    root = tmp_path / "Cropped"
    write_casme2(root / inner, {clip: range(1, 4)}, [casme2_row(clip, 1, 2, 3)])
    (root / "__MACOSX" / "sub01").mkdir(parents=True)
    (root / ".DS_Store").write_bytes(b"junk")
    manifest = read_manifest("casme2", root)
    assert list(manifest["path"]) == [str(root / inner / clip)]
    sheet = next(root.rglob("*.xlsx"))
    for place in (root, tmp_path, root / inner):
        sheet = sheet.rename(place / sheet.name)
        assert read_manifest("casme2", root).equals(manifest)


def test_a_root_of_several_copies_or_of_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    with pytest.raises(CdmerError, match=r"all holds no subject's folder, but nothing\n.*that holds sub01"):
        read_manifest("casme2", tmp_path / "all")
    for copy in ("CASME2-RAW/CASME2-RAW", "Cropped"):
        (tmp_path / "all" / copy / "sub01").mkdir(parents=True)
    with pytest.raises(CdmerError, match=r"2 folders of subjects: .*CASME2-RAW/CASME2-RAW, .*Cropped\n.*one of them"):
        read_manifest("casme2", tmp_path / "all")


def test_a_subject_without_a_folder_is_reported_once_with_its_first_row(tmp_path: Path) -> None:
    absent = [["18", name, None, 1, 2, 3, None, 4, "disgust"] for name in ("EP01_01", "EP02_01")]
    with pytest.raises(CdmerError, match=r"row 3: there is no folder .*sub18 \(2 of the rows name it\)"):
        read_manifest("casme2", casme2_with(tmp_path, [CASME2_ROWS[0], *absent]))


def test_a_missing_frame_of_casme2_is_an_error(tmp_path: Path) -> None:
    root = casme2_with(tmp_path, CASME2_ROWS[:1])
    for number in (99, 101):
        (root / f"sub17/EP01_06/img{number}.jpg").unlink()
    with pytest.raises(CdmerError, match=r"row 2: .* clip sub17/EP01_06, .*EP01_06 lacks frames 99, 101\n.*restore"):
        read_manifest("casme2", root)


OBJECTIVE_CLASSES = [["Subject", "Filename", "Objective Class"], [1, "ep02_01F", 2], ["17", "EP01_06", "7"]]


def test_objective_classes_come_from_their_own_workbook(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = casme2_with(tmp_path, CASME2_ROWS[:3])
    before = census("casme2", root)
    workbook = write_sheet(tmp_path / "CASME2-ObjectiveClasses.xlsx", OBJECTIVE_CLASSES)
    with caplog.at_level(logging.WARNING, "cdmer"):
        found = read_manifest("casme2", root)["objective_class"]
    assert list(found.fillna("")) == ["VII", "II", ""]
    assert f"row 4: {workbook} has no class of sub01/EP01_2" in caplog.text
    assert [subject for subject, digest in census("casme2", root).items() if digest != before[subject]] == [
        "sub17", "sub01",
    ]  # fmt: skip
    workbook.rename(root / "casme2-objectiveclasses.xlsx")
    assert list(read_manifest("casme2", root)["objective_class"].fillna("")) == ["VII", "II", ""]
    write_sheet(tmp_path / "CASME2-ObjectiveClasses.xlsx", [OBJECTIVE_CLASSES[0], [17, "EP01_06", 8]])
    (root / "casme2-objectiveclasses.xlsx").unlink()
    with pytest.raises(CdmerError, match=r"ObjectiveClasses\.xlsx row 2: unknown objective class '8'"):
        read_manifest("casme2", root)


def test_the_sheet_s_own_objective_classes_are_preferred(tmp_path: Path) -> None:
    write_sheet(tmp_path / "CASME2-ObjectiveClasses.xlsx", OBJECTIVE_CLASSES)
    root = casme2_with(tmp_path, [[*CASME2_ROWS[0], 4]], [*CASME2_HEADER, "Objective Classes"])
    assert list(read_manifest("casme2", root)["objective_class"]) == ["IV"]


def test_an_old_workbook_is_named_where_there_is_no_other(tmp_path: Path) -> None:
    root = casme2_with(tmp_path, CASME2_ROWS)
    sheet = tmp_path / "CASME2-coding-20140508.xlsx"
    sheet.rename(sheet.with_suffix(".xls"))
    with pytest.raises(CdmerError, match=r"20140508\.xls is an \.xls workbook.*\n.*save it as \.xlsx"):
        read_manifest("casme2", root)


@pytest.mark.parametrize(
    ("here", "root"), [("", "CASME2_RAW_selected"), ("CASME2_RAW_selected", "."), ("CASME2_RAW_selected/sub01", "..")]
)
def test_a_relative_root_has_a_folder_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: str, root: str
) -> None:
    casme2_with(tmp_path, CASME2_ROWS)
    monkeypatch.chdir(tmp_path / here)
    assert len(read_manifest("casme2", root)) == len(CASME2_ROWS)


# ---------------------------------------------------------------- SAMM


def samm_with(tmp_path: Path, rows: list[list[object]], preamble: int = 13) -> Path:
    root = tmp_path / "SAMM"
    if not root.exists():
        write_frames(root / "006/006_1_2", (f"006_{n:05d}.jpg" for n in range(5562, 5567)))
        write_frames(root / "016/016_7_8", (f"016_{n:04d}.jpg" for n in range(9998, 10003)))  # 4 digits, then 5
    notes = [["Spontaneous Micro-Movement Dataset"], *([None, "a note"] for _ in range(preamble - 1))][:preamble]
    write_sheet(root / "SAMM_Micro_FACS_Codes_v2.xlsx", [*notes, SAMM_HEADER, *rows], "MICRO_ONLY")
    return root


SAMM_ROWS: list[list[object]] = [
    ["006", "006_1_2", 1, 5562, 5564, 5566, 5, "Micro - 1/2", "R4A+L10A/B ", "Contempt", 7, None],
    [16, "016_7_8", 7, 9998, 10000, 10002, 5, "Micro - 1/2", 12, "Other", 3, "a note"],
]


@pytest.mark.parametrize("preamble", [13, 0])  # as released, and as some redistribute it
def test_samm_is_read_below_its_preamble(tmp_path: Path, preamble: int, caplog: pytest.LogCaptureFixture) -> None:
    root = samm_with(tmp_path, SAMM_ROWS, preamble)
    manifest = read_manifest("samm", str(root))
    assert list(manifest["clip"]) == ["006_1_2", "016_7_8"]
    assert list(manifest["subject"]) == ["006", "016"]
    assert set(manifest["database"]) == {"samm"}
    assert set(manifest["fps"]) == {200.0}
    assert list(manifest["onset"]) == list(manifest["first_frame"]) == [5562, 9998]
    assert list(manifest["apex"]) == [5564, 10000]
    assert list(manifest["offset"]) == [5566, 10002]
    assert list(manifest["n_frames"]) == [5, 5]
    assert list(manifest["emotion"]) == ["contempt", "other"]
    assert list(manifest["objective_class"]) == ["VII", "III"]
    assert list(manifest["action_units"]) == ["R4A+L10A/B", "12"]
    assert not caplog.records


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        (1, "006_1_3", "row 15: there is no folder"),
        (3, "?", "row 15: Onset Frame '?' is no frame number"),
        (5, 5570, "5 frames from 5562 to 5566"),
        (9, "Repression", "row 15: unknown emotion 'Repression'"),
        (10, 8, "row 15: unknown objective class '8'"),
    ],
)
def test_what_is_wrong_in_a_row_of_samm_is_named(tmp_path: Path, column: int, cell: object, problem: str) -> None:
    row = list(SAMM_ROWS[0])
    row[column] = cell
    with pytest.raises(CdmerError) as caught:
        read_manifest("samm", samm_with(tmp_path, [row]))
    assert problem in caught.value.problem


def test_a_duration_that_does_not_fit_is_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    row = list(SAMM_ROWS[0])
    row[3] = 5563  # the onset misprinted: Duration still says 5
    assert list(read_manifest("samm", samm_with(tmp_path, [row]))["onset"]) == [5563]
    assert "row 15: Duration is 5, but from onset 5563 to offset 5566 it is 4 frames" in caplog.text


def test_samms_misprinted_apex_is_unknown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    row = list(SAMM_ROWS[0])
    row[4] = 5586  # after the offset, as in 028_4_1
    assert read_manifest("samm", samm_with(tmp_path, [row]))["apex"].isna().all()
    assert "row 15: Apex Frame 5586 is not between" in caplog.text


# ---------------------------------------------------------------- all readers


def test_an_unknown_reader_or_root_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CdmerError, match=r"unknown reader 'casme'\n.*smic, casme2, samm, clips.*'casme2'\?"):
        read_manifest("casme", tmp_path)
    for reader in READERS:
        with pytest.raises(CdmerError, match=r"databases: root /x/y does not exist\n  -> "):
            read_manifest(reader, "/x/y")


@pytest.mark.parametrize("reader", ["casme2", "samm"])
def test_a_file_is_no_root_of_folders(tmp_path: Path, reader: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CdmerError, match="file is not a folder"):
        read_manifest(reader, tmp_path / "file")


def test_natural_order_reads_digits_as_numbers() -> None:
    names = ["s11_ne_01", "s2_ne_10", "S2_ne_9", "s2", "10", "9", "s²"]
    assert sorted(names, key=natural_key) == ["9", "10", "s2", "S2_ne_9", "s2_ne_10", "s11_ne_01", "s²"]


# ---------------------------------------------------------------- census


def test_the_census_names_the_subjects_of_the_manifest(smic: Path, tmp_path: Path) -> None:
    for reader, root in (("smic", smic), ("casme2", casme2_with(tmp_path, CASME2_ROWS))):
        assert list(census(reader, root)) == list(read_manifest(reader, root)["subject"].unique())
        assert census(reader, root) == census(reader, str(root))


def test_the_census_changes_for_the_subject_whose_frames_change_alone(smic: Path) -> None:
    before = census("smic", smic)
    frame = smic / "s2/micro/negative/s2_ne_02/image000099.bmp"
    stat = frame.stat()

    def changed() -> list[str]:
        return [subject for subject, digest in census("smic", smic).items() if digest != before[subject]]

    os.utime(frame, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert changed() == ["s2"]
    os.utime(frame, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert changed() == []
    (smic / "s2/micro/negative/s2_ne_02/Thumbs.db").write_bytes(b"other junk")
    assert changed() == []
    frame.rename(frame.with_name("image000104.bmp"))
    assert changed() == ["s2"]


def test_the_census_changes_for_the_subject_whose_row_changes_alone(tmp_path: Path) -> None:
    root = casme2_with(tmp_path, CASME2_ROWS)
    before = census("casme2", root)
    casme2_with(tmp_path, [CASME2_ROWS[0], [], *CASME2_ROWS[1:]])  # the others' row numbers move
    assert census("casme2", root) == before
    row = list(CASME2_ROWS[3])
    row[7] = "12"
    after = census("casme2", casme2_with(tmp_path, [*CASME2_ROWS[:3], row]))
    assert [subject for subject in before if before[subject] != after[subject]] == ["sub04"]


def test_a_link_to_nothing_is_an_error_of_the_census(smic: Path) -> None:
    (smic / "s2/micro/negative/s2_ne_02/image000103.bmp").symlink_to("nowhere")
    with pytest.raises(CdmerError, match=r"image000103\.bmp is gone, or is a link to nothing"):
        census("smic", smic)


def test_the_census_of_frame_folders_needs_neither_pandas_nor_opencv(smic: Path) -> None:
    code = (
        "import sys; from cdmer.databases import census; census('smic', sys.argv[1]); "
        "print(sorted({'pandas', 'cv2', 'openpyxl', 'torch'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code, smic], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


# ---------------------------------------------------------------- the stage


def write_all(root: Path, database: str, out: Path) -> None:
    """What the workflow's jobs do: every subject's slice, then the manifest."""
    subjects = list(census("casme2", root))
    for subject in subjects:
        write_subject(
            subject, out / f"{subject}.csv", reader="casme2", root=str(root), annotation=None, database=database
        )
    join_manifest([out / f"{subject}.csv" for subject in subjects], out / "manifest.csv")


def test_the_slices_of_all_subjects_join_to_the_manifest(tmp_path: Path) -> None:
    root = casme2_with(tmp_path, CASME2_ROWS)
    write_all(root, "mine", tmp_path / "out")
    manifest = load_manifest(tmp_path / "out/manifest.csv")
    expected = read_manifest("casme2", root)
    assert set(manifest["database"]) == {"mine"}
    in_order = manifest.set_index("clip").loc[expected["clip"]].reset_index()
    assert in_order.drop(columns="database").equals(expected.drop(columns="database"))
    first = load_manifest(tmp_path / "out/sub01.csv")
    assert first.equals(manifest[manifest["subject"] == "sub01"].reset_index(drop=True))


def test_another_subjects_clip_leaves_a_slice_byte_for_byte_alone(tmp_path: Path) -> None:
    root = casme2_with(tmp_path, CASME2_ROWS)
    write_all(root, "casme2", tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    row = list(CASME2_ROWS[0])
    row[4] = 101
    casme2_with(tmp_path, [row, *CASME2_ROWS[1:]])
    write_all(root, "casme2", tmp_path / "out")
    changed = {path.name for path in (tmp_path / "out").iterdir() if path.read_bytes() != before[path.name]}
    assert changed == {"manifest.csv", "sub17.csv"}


def test_a_failed_stage_writes_nothing(tmp_path: Path) -> None:
    rows = [CASME2_ROWS[0], [*CASME2_ROWS[1][:8], "joy"]]
    root = casme2_with(tmp_path, rows)
    out = tmp_path / "out/sub17.csv"
    with pytest.raises(CdmerError, match="unknown emotion 'joy'"):
        write_subject("sub17", out, reader="casme2", root=str(root), annotation=None, database="casme2")
    assert not out.exists()


def test_a_subject_that_is_gone_is_an_error(tmp_path: Path) -> None:
    root = casme2_with(tmp_path, CASME2_ROWS)
    with pytest.raises(CdmerError, match="no clip of subject sub99"):
        write_subject("sub99", tmp_path / "x.csv", reader="casme2", root=str(root), annotation=None, database="casme2")


def test_a_root_that_holds_another_database_than_its_name_says_is_refused(smic: Path) -> None:
    assert census("smic", smic, database="smic_hs") == census("smic", smic) == census("smic", smic, database="mine")
    with pytest.raises(CdmerError, match=r"databases\.smic_vis: .* holds smic_hs"):
        census("smic", smic, database="smic_vis")
