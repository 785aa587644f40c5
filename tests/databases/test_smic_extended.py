"""SMIC-E: long recordings, a workbook with a sheet a subset, second micro-expressions, recordings shared and absent."""

import logging
from collections.abc import Iterable
from pathlib import Path

import pytest
from openpyxl import Workbook

from cdmer.databases import read_manifest
from cdmer.databases.reading import census
from cdmer.errors import CdmerError

from .copies import write_frames

HS = ("Subject", "Filename", None, "OnsetF", "OffsetF", "Onset2F", "Offset2F", None, "FirstF", "LastF", "TotalMF1",
      "TotalMF2", "TotalVL", "Emotion")  # fmt: skip
VIS = tuple(name for name in HS if name != "LastF")
ROWS: list[list[object]] = [
    # subject, clip, -, onset, offset, onset2, offset2, -, first, last, total1, total2, total, emotion
    [20, "s20_sur_02", None, 1010, 1014, 1020, 1022, None, 1000, 1029, 5, 3, 30, "surprise"],
    [18, "s18_sur_03", None, 520, 524, 505, 507, None, 500, 529, 5, 3, 30, "negative"],
    [4, "s4_ne_04", None, 110, 119, None, None, None, 100, 149, 10, None, 50, "negative"],
    [4, "s4_ne_05", None, 121, 125, None, None, None, 100, 149, 5, None, 50, "negative"],
    [4, "s4_ne_06", None, 130, 139, None, None, None, 100, 149, 10, None, 50, "negative"],
    [3, "s3_ne_20", None, 426700, 426710, None, None, None, "MISSING <-426679", None, 11, None, None, "negative"],
]


def write_workbook(path: Path, sheets: dict[str, Iterable[Iterable[object]]]) -> Path:
    workbook = Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    workbook.save(path)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of the subset HS, its recordings numbered as in the sheet."""
    long = tmp_path / "SMIC-E_raw image" / "HS_long"
    for clip, numbers in (
        ("s20/s20_sur_02", range(1000, 1030)),
        ("s18/s18_sur_03", range(500, 530)),
        ("s04/s4_ne_04", range(100, 150)),
    ):
        write_frames(long / "SMIC-HS-E" / clip, (f"image{number:06d}.jpg" for number in numbers))
    write_workbook(long / "SMIC-HS-E_annotation_2019.xlsx", {"HS": [HS, *ROWS], "VIS": [VIS], "Sheet3": []})
    return long


def test_every_micro_expression_of_the_sheet_is_a_clip(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "cdmer"):
        manifest = read_manifest("smic", root)
    assert list(manifest["clip"]) == [
        "s20_sur_02", "s20_sur_02_2", "s18_sur_03", "s18_sur_03_2", "s4_ne_04", "s4_ne_05", "s4_ne_06",
    ]  # fmt: skip
    assert list(manifest["subject"]) == ["s20", "s20", "s18", "s18", "s4", "s4", "s4"]
    assert list(manifest["onset"]) == [1010, 1020, 520, 505, 110, 121, 130]
    assert list(manifest["offset"]) == [1014, 1022, 524, 507, 119, 125, 139]
    assert list(manifest["first_frame"]) == [1000, 1000, 500, 500, 100, 100, 100]
    assert list(manifest["n_frames"]) == [30, 30, 30, 30, 50, 50, 50]
    assert list(manifest["emotion"]) == ["surprise"] * 4 + ["negative"] * 3  # s18_sur_03 corrected, its second too
    assert set(manifest["database"]) == {"smic_hs_e"}
    assert set(manifest["fps"]) == {100.0}
    assert manifest["apex"].isna().all()
    assert set(manifest["path"].iloc[4:]) == {str(root / "SMIC-HS-E/s04/s4_ne_04")}
    for note in (
        "row 3: emotion 'negative' taken as surprise; a known erratum",
        "row 5: s4_ne_05 has no folder; it lies in that of s4_ne_04",
        "row 6: s4_ne_06 has no folder; it lies in that of s4_ne_04",
        "row 7: s3_ne_20 has no recording (FirstF 'MISSING <-426679') and is left out",
    ):
        assert note in caplog.text
    assert list(census("smic", root)) == ["s20", "s18", "s4"]


@pytest.mark.parametrize("first", [1, 77])
def test_recordings_may_be_numbered_otherwise_than_the_sheet(root: Path, first: int) -> None:
    """The frame of index OnsetF - FirstF, counted from 0, is the onset."""
    folder = root / "SMIC-HS-E/s04/s4_ne_04"
    for index, file in enumerate(sorted(folder.iterdir())):
        file.rename(folder / f"renamed{first + index}.jpg")
    manifest = read_manifest("smic", root).set_index("clip")
    assert list(manifest.loc["s4_ne_06", ["first_frame", "onset", "offset"]]) == [first, first + 30, first + 39]
    (folder / f"renamed{first + 3}.jpg").unlink()
    with pytest.raises(CdmerError, match=r"row 4: the annotation counts 50 frames of .*s4_ne_04, from 100 to 149, but"):
        read_manifest("smic", root)


def test_a_lost_first_frame_moves_nothing(root: Path) -> None:
    (root / "SMIC-HS-E/s04/s4_ne_04/image000100.jpg").unlink()
    manifest = read_manifest("smic", root).set_index("clip")
    assert list(manifest.loc["s4_ne_04", ["first_frame", "onset", "offset"]]) == [101, 110, 119]


def test_the_slow_subset_has_its_own_sheet_without_lastf(tmp_path: Path) -> None:
    home = tmp_path / "SMIC-E_raw image" / "VIS_long" / "SMIC_VIS_E"
    write_frames(home / "s11/s11_po_01", (f"image{number:06d}.jpg" for number in range(7, 27)))
    row = [11, "s11_po_01", None, 10, 14, None, None, None, 7, 5, None, 20, "positive"]
    write_workbook(home.parent / "SMIC-HS-E_annotation_orig.xlsx", {"HS": [HS, *ROWS], "VIS": [VIS, row]})
    manifest = read_manifest("smic", home)
    assert list(manifest.iloc[0][["clip", "database", "fps", "onset", "offset"]]) == [
        "s11_po_01", "smic_vis_e", 25.0, 10, 14,
    ]  # fmt: skip


def test_the_near_infrared_book_names_its_columns_after_the_subset(tmp_path: Path) -> None:
    home = tmp_path / "NIR_long" / "SMIC-NIR-E"
    write_frames(home / "s11/s11_po_01", (f"image{number:06d}.jpg" for number in range(7, 27)))
    header = [f"{name} NIR" if name in ("OnsetF", "OffsetF", "FirstF") else name for name in VIS]
    row = [11, "s11_po_01", None, 10, 14, None, None, None, 7, 5, None, 20, "Positive"]
    write_workbook(home.parent / "SMIC-NIR-E_annotation.xlsx", {"Sheet1": [header, row]})
    write_workbook(home.parent / "SMIC-HS-E_annotation.xlsx", {"HS": [HS, *ROWS], "VIS": [VIS]})
    manifest = read_manifest("smic", home)
    assert list(manifest.iloc[0][["clip", "database", "onset", "emotion"]]) == [
        "s11_po_01", "smic_nir_e", 10, "positive",
    ]  # fmt: skip


def test_which_sheet_must_be_clear(root: Path) -> None:
    book = root / "SMIC-HS-E_annotation_2019.xlsx"
    write_workbook(root / "SMIC-HS-E_annotation_orig.xlsx", {"HS": [HS, *ROWS]})
    with pytest.raises(CdmerError, match=r"2 sheets of HS in .*2019\.xlsx, .*orig\.xlsx\n.*name the right workbook"):
        read_manifest("smic", root)
    assert len(read_manifest("smic", root, book)) == 7
    book.unlink()
    write_workbook(root / "SMIC-HS-E_annotation_orig.xlsx", {"VIS": [VIS, *ROWS]})
    with pytest.raises(CdmerError, match=r"no sheet HS in .*orig"):
        read_manifest("smic", root)
    (root / "SMIC-HS-E_annotation_orig.xlsx").unlink()
    with pytest.raises(CdmerError, match=r"no annotation for .*no SMIC\*annotation\*\.xlsx in"):
        read_manifest("smic", root)
    (root.parent / "VIS_long").mkdir()
    with pytest.raises(CdmerError, match=r"SMIC-E_raw image holds HS_long, VIS_long"):
        read_manifest("smic", root.parent)


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        (0, "x", "row 4: Subject 'x' is no number"),
        (1, "s4ne04", "row 4: Filename 's4ne04' is not a clip's"),
        (1, "s4_ne_09", "row 4: there is no folder of s4_ne_09, and no other row of s4 has its FirstF"),
        (3, "?", "row 4: OnsetF '?' is no frame number"),
        (4, None, "row 4 has no OffsetF"),
        (4, 150, "row 4: clip s4_ne_04 has its offset at frame 150"),
        (5, 121, "row 4 has no Offset2F"),
        (8, None, "row 4 has no FirstF"),
        (8, "MISSING <-100", "row 4: FirstF 'MISSING <-100' is no frame number"),  # and yet there is the folder
        (13, "sad", "row 4: unknown emotion 'sad'"),
    ],
)
def test_what_is_wrong_in_a_row_is_named(root: Path, column: int, cell: object, problem: str) -> None:
    row = list(ROWS[2])
    row[column] = cell
    book = root / "SMIC-HS-E_annotation_2019.xlsx"
    write_workbook(book, {"HS": [HS, *ROWS[:2], row]})
    with pytest.raises(CdmerError) as caught:
        read_manifest("smic", root)
    assert problem in caught.value.problem


def test_a_recording_without_an_end_is_named(root: Path) -> None:
    row = list(ROWS[2])
    row[9] = row[12] = None
    write_workbook(root / "SMIC-HS-E_annotation_2019.xlsx", {"HS": [HS, row]})
    with pytest.raises(CdmerError, match="row 2 has neither LastF nor TotalVL"):
        read_manifest("smic", root)


def test_a_total_that_does_not_fit_is_noted(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    row = list(ROWS[2])
    row[10] = 9
    write_workbook(root / "SMIC-HS-E_annotation_2019.xlsx", {"HS": [HS, row]})
    assert len(read_manifest("smic", root)) == 1
    assert "row 2: TotalMF1 is 9, but from onset 110 to offset 119 it is 10 frames" in caplog.text
