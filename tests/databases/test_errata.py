"""The releases' known errata, with the printed numbers of the real spreadsheets."""

import csv
import logging
import shutil
from pathlib import Path

import pandas as pd
import pytest

from cdmer import code
from cdmer.code import code_digest
from cdmer.databases import errata, read_manifest
from cdmer.databases.errata import find_erratum
from cdmer.databases.reading import READERS
from cdmer.errors import CdmerError

from .copies import casme2_row, samm_row, write_casme2, write_frames, write_samm

OTHER = "006_1_2"  # a clip without errata
MISPRINTED = [samm_row("032_3_1", 4896, 1930, 4970), samm_row("028_4_1", 1071, 1143, 1134)]


def read_samm(tmp_path: Path, rows: list[list[object]]) -> pd.DataFrame:
    clips = {"028_4_1": range(1071, 1135), "032_3_1": range(4896, 4971), OTHER: range(5562, 5567)}
    return read_manifest("samm", write_samm(tmp_path / "SAMM", clips, rows)).set_index("clip")


def test_samm_s_misprinted_apexes_are_corrected_and_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    apex = read_samm(tmp_path, MISPRINTED)["apex"]
    assert dict(apex) == {"028_4_1": 1113, "032_3_1": 4930}
    assert "row 15: apex '1930' taken as 4930; a known erratum" in caplog.text
    assert "row 16: apex '1143' taken as 1113; a known erratum" in caplog.text
    assert len(caplog.records) == 2


def test_errata_go_by_clip_not_by_row(tmp_path: Path) -> None:
    other = samm_row(OTHER, 5562, 5564, 5566)
    apex = read_samm(tmp_path, [other, *reversed(MISPRINTED)])["apex"]
    assert dict(apex) == {OTHER: 5564, "028_4_1": 1113, "032_3_1": 4930}


def test_a_corrected_sheet_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    apex = read_samm(tmp_path, [samm_row("028_4_1", 1071, 1110, 1134), samm_row("032_3_1", 4896, 1931, 4970)])["apex"]
    assert list(apex.fillna(-1)) == [1110, -1]  # 1931 is no printed value of the release: unknown, not 4930
    assert [record.message.split(": ", 1)[1] for record in caplog.records] == [
        "Apex Frame 1931 is not between onset 4896 and offset 4970; the apex counts as unknown"
    ]


def test_a_corrected_apex_must_lie_in_the_clip(tmp_path: Path) -> None:
    assert read_samm(tmp_path, [samm_row("028_4_1", 1120, 1143, 1134)])["apex"].isna().all()


def test_casme2_s_slash_is_an_unknown_apex(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip = "sub04/EP12_01f"
    root = write_casme2(tmp_path / "Cropped", {clip: range(261, 322)}, [casme2_row(clip, 261, "/", 321)])
    assert read_manifest("casme2", root)["apex"].isna().all()
    assert "row 2: apex '/' taken as unknown; a known erratum: the coders gave this clip no apex" in caplog.text
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("apex", "read"), [(90, 90), (96, 96), (100, None)])
def test_the_clip_of_casme2_that_ends_early_is_cut(
    tmp_path: Path, apex: int, read: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    clip = "sub16/EP01_08"
    root = write_casme2(tmp_path / "Cropped", {clip: range(73, 97)}, [casme2_row(clip, 73, apex, 110)], "reg_img{}.jpg")
    row = read_manifest("casme2", root).iloc[0]
    assert (row["onset"], row["offset"], row["n_frames"]) == (73, 96, 24)
    assert pd.isna(row["apex"]) if read is None else row["apex"] == read
    assert "offset '110' taken as 96; a known erratum" in caplog.text
    assert ("apex 100 lies after it; the apex counts as unknown" in caplog.text) == (read is None)


def test_elsewhere_its_offset_holds(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip, other = "sub16/EP01_08", "sub16/EP01_05"
    rows = [casme2_row(clip, 73, 90, 110), casme2_row(other, 73, 90, 110)]
    root = write_casme2(tmp_path / "raw", {clip: range(1, 200), other: range(73, 111)}, rows)
    assert list(read_manifest("casme2", root)["offset"]) == [110, 110]
    assert not caplog.records
    for number in range(97, 111):
        (root / other / f"img{number}.jpg").unlink()
    with pytest.raises(CdmerError, match=r"clip sub16/EP01_05 has its offset at frame 110"):
        read_manifest("casme2", root)


def test_another_end_of_the_early_clip_is_an_error(tmp_path: Path) -> None:
    clip = "sub16/EP01_08"
    root = write_casme2(tmp_path / "Cropped", {clip: range(73, 96)}, [casme2_row(clip, 73, 90, 110)])
    with pytest.raises(CdmerError, match=r"its offset at frame 110, which .* 23 frames from 73 to 95"):
        read_manifest("casme2", root)


@pytest.mark.parametrize(
    ("clip", "emotion", "missing", "known"),
    [
        ("s3_po_08", "positive", 2, True),
        ("s3_sur_01", "surprise", 1, True),
        ("s3_sur_05", "surprise", 1, True),
        ("s3_ne_16", "negative", 1, True),
        ("s3_ne_16", "negative", 2, False),
        ("s3_ne_15", "negative", 1, False),
    ],
)
def test_smic_s_known_gaps_are_told_from_others(
    tmp_path: Path, clip: str, emotion: str, missing: int, known: bool, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = [number for number in range(1, 20) if not 4 <= number < 4 + missing]
    write_frames(tmp_path / f"HS/s3/micro/{emotion}/{clip}", (f"image{number:06d}.bmp" for number in numbers))
    with caplog.at_level(logging.WARNING, "cdmer"):
        manifest = read_manifest("smic", tmp_path / "HS")
    assert list(manifest["n_missing"]) == [missing]
    assert len(caplog.records) == 1
    assert ("a known erratum: the release lacks" in caplog.text) == known


def test_the_file_of_errata_holds_what_the_readers_apply() -> None:
    with open(Path(errata.__file__).with_name("errata.csv"), newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["field"] for row in rows} == {"apex", "offset", "missing", "emotion"}
    assert all(row["reason"] and row["printed"] != row["corrected"] for row in rows)
    keys = [(row["database"], row["clip"], row["field"]) for row in rows]
    assert len(set(keys)) == len(keys)
    for row in rows:
        found = find_erratum(row["database"], row["clip"], row["field"], row["printed"])
        assert found is not None and found.corrected == row["corrected"]
        assert find_erratum(row["database"], row["clip"], row["field"], "0") is None


@pytest.mark.parametrize("reader", ["smic", "casme2", "samm"])
def test_another_erratum_is_other_code(reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = code_digest("cdmer.databases.stage", READERS[reader])
    folder = Path(shutil.copytree(Path(errata.__file__).parent, tmp_path / "databases"))
    find = code._find
    copied = {"cdmer.databases.errata": folder / "errata.py"}
    monkeypatch.setattr(code, "_find", lambda name: copied.get(name) or find(name))
    caches = [cached for cached in vars(code).values() if hasattr(cached, "cache_clear")]

    def digest() -> str:
        for cached in caches:
            cached.cache_clear()
        return code_digest("cdmer.databases.stage", READERS[reader])

    try:
        assert digest() == before
        with open(folder / "errata.csv", "a") as table:
            table.write("samm,006_1_2,apex,1,2,a new one\n")
        assert digest() != before
    finally:
        for cached in caches:
            cached.cache_clear()
