"""The checker: all that is wrong and odd at once, and wrong exactly where the workflow would stop."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from cdmer.cli import app
from cdmer.databases import read_frames, read_manifest
from cdmer.databases.check import check_database
from cdmer.databases.reading import census
from cdmer.databases.releases import CASME2_CLIPS, CASME2_EMOTIONS
from cdmer.errors import CdmerError

from .copies import CASME2_HEADER, casme2_row, write_casme2, write_frames, write_sheet

CLIPS = {"sub01/EP02_01f": range(46, 60), "sub01/EP03_02": range(98, 121), "sub17/EP01_06": range(5, 31)}
ROWS = [
    casme2_row("sub01/EP02_01f", 46, 52, 59, "happiness"),
    casme2_row("sub01/EP03_02", 98, 110, 120, "others"),
    casme2_row("sub17/EP01_06", 5, 9, 30, "disgust"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_casme2(tmp_path / "CASME2_RAW_selected", CLIPS, ROWS)


def rewrite(root: Path, *rows: list[object]) -> None:
    write_sheet(root.parent / "CASME2-coding-20140508.xlsx", [CASME2_HEADER, *rows])


def changed(row: list[object], column: int, cell: object) -> list[object]:
    return [*row[:column], cell, *row[column + 1 :]]


def stops(root: Path, reader: str = "casme2") -> bool:
    """Whether the workflow would stop: at its plan, at the manifest, or at the frames."""
    try:
        census(reader, root)
        for _, row in read_manifest(reader, root).iterrows():
            read_frames(row["path"], row["onset"], row["offset"], row["n_missing"])
    except CdmerError:
        return True
    return False


def test_a_sound_copy_is_described(root: Path) -> None:
    report = check_database("casme2", root)
    facts = dict(report.facts)
    assert facts == {
        "database": f"casme2 at {root}",
        "annotation": str(root.parent / "CASME2-coding-20140508.xlsx"),
        "clips": "3 of 2 subjects",
        "emotions": "disgust 1, happiness 1, others 1",
        "apexes": "3 known, 0 unknown",
        "frames per second": "200",
        "frames of a clip": "14 to 26, median 23",
        "frames on disk": "63 in 3 recordings",
        "pictures": "4 x 4 grey in 3 clips",
        "release": "unlike the coding sheet of 2014-05-08",
    }
    assert report.wrong == []
    assert report.odd[0] == "release: 3 clips, of 255 released"
    assert "nothing wrong, 4 things odd" in str(report)


def test_every_fault_is_found_and_named_at_once(root: Path) -> None:
    rewrite(
        root,
        ROWS[0],
        changed(changed(ROWS[1], 3, "soon"), 8, "other people"),
        changed(ROWS[2], 8, "joy"),
        casme2_row("sub01/EP99_99", 1, 2, 3),
        casme2_row("sub18/EP01_01", 1, 2, 3),
        casme2_row("sub18/EP01_02", 1, 2, 3),
        ROWS[0],
        changed(ROWS[2], 0, "?"),
    )
    (root / "sub01/EP02_01f/img59.jpg").unlink()
    (root / "sub17/EP01_06/img5.jpg").write_bytes(b"no image")
    report = check_database("casme2", root)
    expected = [
        "row 2: clip sub01/EP02_01f has its offset at frame 59",
        "row 3: OnsetFrame 'soon' is no frame number",
        "row 3: unknown emotion 'other people'",
        "row 4: unknown emotion 'joy'",
        "row 5: there is no folder",
        r"row 6: there is no folder .*sub18 \(2 of the rows name it\)",
        "row 8: clip sub01/EP02_01f is listed twice, the other time in .* row 2",
        r"row 9: Subject '\?' is no number",
        r"sub17/EP01_06/img5\.jpg: the image cannot be read",
    ]
    assert len(report.wrong) == len(expected)
    for pattern, error in zip(expected, report.wrong, strict=True):
        assert re.search(pattern, error.problem), error.problem
        assert error.remedy
    text = str(report)
    assert "wrong: the workflow stops here (9)" in text
    assert "\n    -> fill in" not in text and text.count("\n    -> ") == 9
    assert "9 things wrong" in text


def test_what_is_read_after_a_decision_is_odd(root: Path) -> None:
    rewrite(root, changed(ROWS[0], 4, "/"), changed(ROWS[1], 4, 98), changed(changed(ROWS[2], 4, 31), 8, "DISGUST "))
    write_frames(root / "sub01/EP04_01", ["img1.jpg"])
    (root / "sub01/Thumbs.db").write_bytes(b"junk")
    (root / "sub01/EP02_01f/._img46.jpg").write_bytes(b"junk")
    (root / "sub01/EP02_01f/Thumbs.db").write_bytes(b"junk")
    (root / "__MACOSX/sub01").mkdir(parents=True)
    report = check_database("casme2", root)
    assert report.wrong == []
    assert dict(report.facts)["other files"] == "Thumbs.db 2, ._* 1: not read"
    assert dict(report.facts)["apexes"] == "1 known, 2 unknown"
    for pattern in (
        "row 2: ApexFrame '/' is no frame number",
        "row 3: the apex of sub01/EP03_02 is its onset, frame 98",
        "row 4: ApexFrame 31 is not between onset 5 and offset 30",
        "EP04_01 holds frames, and is the folder of no clip",
    ):
        assert sum(re.search(pattern, line) is not None for line in report.odd) == 1, pattern
    assert not stops(root)


FAULTS: dict[str, Callable[[Path], object]] = {
    "no header": lambda root: write_sheet(root.parent / "CASME2-coding-20140508.xlsx", ROWS),
    "no spreadsheet": lambda root: (root.parent / "CASME2-coding-20140508.xlsx").unlink(),
    "two spreadsheets": lambda root: write_sheet(root.parent / "CASME2-coding-20190701.xlsx", [CASME2_HEADER, *ROWS]),
    "no rows": rewrite,
    "a missing column": lambda root: write_sheet(
        root.parent / "CASME2-coding-20140508.xlsx", [CASME2_HEADER[:-1], *ROWS]
    ),
    "an unknown emotion": lambda root: rewrite(root, changed(ROWS[0], 8, "joy"), *ROWS[1:]),
    "a clip twice": lambda root: rewrite(root, *ROWS, ROWS[0]),
    "no onset": lambda root: rewrite(root, changed(ROWS[0], 3, None), *ROWS[1:]),
    "an onset before the frames": lambda root: rewrite(root, changed(ROWS[0], 3, 45), *ROWS[1:]),
    "an offset after the frames": lambda root: rewrite(root, changed(ROWS[0], 5, 60), *ROWS[1:]),
    "an onset after the offset": lambda root: rewrite(root, changed(ROWS[0], 3, 70), *ROWS[1:]),
    "a missing frame": lambda root: (root / "sub01/EP03_02/img100.jpg").unlink(),
    "a frame twice": lambda root: (root / "sub01/EP03_02/img0099.jpg").write_bytes(b""),
    "an empty folder": lambda root: [file.unlink() for file in (root / "sub01/EP03_02").iterdir()],
    "a missing folder": lambda root: (root / "sub01/EP03_02").rename(root / "sub01/EP77_77"),
    "no subject": lambda root: [(root / name).rename(root.parent / name) for name in ("sub01", "sub17")],
    "a link to nothing": lambda root: (root / "sub01/EP03_02/img121.jpg").symlink_to("nowhere"),
    "an onset frame that is no image": lambda root: (root / "sub01/EP03_02/img98.jpg").write_bytes(b"nothing"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_stops_the_workflow_is_wrong(root: Path, fault: str) -> None:
    assert not stops(root) and not check_database("casme2", root).wrong
    FAULTS[fault](root)
    assert stops(root)
    wrong = check_database("casme2", root).wrong
    assert len(wrong) == 1 or fault == "a link to nothing"
    assert all(error.remedy for error in wrong)


ODDITIES: dict[str, Callable[[Path], object]] = {
    "a slash for an apex": lambda root: rewrite(root, changed(ROWS[0], 4, "/"), *ROWS[1:]),
    "an apex outside the clip": lambda root: rewrite(root, changed(ROWS[0], 4, 60), *ROWS[1:]),
    "a doubled folder": lambda root: [
        root.rename(root.parent / "x"), root.mkdir(), (root.parent / "x").rename(root / root.name)
    ],
    "junk": lambda root: (root / "sub01/EP02_01f/Thumbs.db").write_bytes(b"junk"),
    "capitals": lambda root: rewrite(root, changed(ROWS[0], 8, "Happiness"), changed(ROWS[1], 8, "OTHER "), ROWS[2]),
    "frames around the clip": lambda root: (root / "sub01/EP02_01f/img99.jpg").write_bytes(b"of no clip"),
    "a folder without a row": lambda root: rewrite(root, *ROWS[:2]),
}  # fmt: skip


@pytest.mark.parametrize("oddity", ODDITIES)
def test_what_does_not_stop_the_workflow_is_not_wrong(root: Path, oddity: str) -> None:
    ODDITIES[oddity](root)
    assert not stops(root)
    assert check_database("casme2", root, all_frames=True).wrong == []


def test_all_frames_finds_the_broken_one_and_the_one_of_another_size(root: Path) -> None:
    broken = root / "sub01/EP03_02/img101.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    Image.new("RGB", (4, 5)).save(root / "sub17/EP01_06/img7.jpg")
    Image.new("L", (4, 4)).save(root / "sub01/EP02_01f/img60.jpg")
    (root / "sub01/EP02_01f/img61.jpg").write_bytes(b"of no clip")
    assert stops(root)
    assert check_database("casme2", root).wrong == []  # it opened one frame a clip, and says so
    report = check_database("casme2", root, all_frames=True)
    size, unreadable = report.wrong  # in the order of their messages, the sheet's before the folders'
    assert "row 4: in " in size.problem and "frame 7 is 4 x 5 RGB, frame 5 is 4 x 4 grey" in size.problem
    assert "img101.jpg: the image cannot be read" in unreadable.problem
    assert sum("img61.jpg" in line and "no clip holds this frame" in line for line in report.odd) == 1


def test_a_whole_copy_is_as_released(tmp_path: Path) -> None:
    """255 clips with the counts of the sheet of 2019; of 2014 once surprise and sadness are exchanged."""

    def copy(root: Path, counts: dict[str, int]) -> str:
        emotions = iter([emotion for emotion, count in counts.items() for _ in range(count)])
        clips = [f"sub{number:02d}/EP{index:02d}_01" for number, n in CASME2_CLIPS.items() for index in range(n)]
        rows = [casme2_row(clip, 1, 2, 3, next(emotions)) for clip in clips]
        report = check_database("casme2", write_casme2(root, dict.fromkeys(clips, range(1, 4)), rows))
        assert (report.wrong, report.odd) == ([], [])
        return dict(report.facts)["release"]

    assert copy(tmp_path / "a/x", CASME2_EMOTIONS) == "as released: the coding sheet of 2014-05-08"
    newer = {**CASME2_EMOTIONS, "surprise": 28, "sadness": 4}
    assert copy(tmp_path / "b/x", newer) == "as released: the coding sheet of 2019-07-01"


def test_smic_and_one_s_own_clips_are_checked_too(tmp_path: Path) -> None:
    clip = write_frames(tmp_path / "VIS/s11/micro/negative/s11_ne_01", [f"{n:05d}.bmp" for n in (7, 8, 10, 11)])
    write_frames(tmp_path / "VIS/s11/micro/sadness/s11_ne_02", ["00001.bmp"])
    write_frames(tmp_path / "VIS/s11/non_micro/s11_non_01", ["00001.bmp"])
    report = check_database("smic", tmp_path / "VIS")
    assert [error.problem for error in report.wrong] == [f"{tmp_path}/VIS/s11/micro/sadness: unknown emotion 'sadness'"]
    assert report.odd[0] == f"{clip}: frame 9 of s11_ne_01 missing, filled with the frame before"
    assert not any("non_micro" in line for line in report.odd)
    assert dict(report.facts)["apexes"] == "none annotated"

    table = tmp_path / "mine.csv"
    table.write_text(f"clip,subject,path,fps,onset\na,x,{clip},25,7\nb,x y,{clip},fast,x\nc,x,nowhere,25,\n")
    report = check_database("clips", table)
    assert [error.problem.removeprefix(f"{table} ") for error in report.wrong] == [
        f"row 2: between onset and offset of clip a, {clip} lacks frame 9",
        "row 3: fps 'fast' is no number of frames per second",
        "row 3: onset 'x' is no frame number",
        f"row 4: there is no {tmp_path}/nowhere",
    ]
    assert report.odd == []


def test_the_command_fails_where_something_is_wrong(root: Path) -> None:
    sound = CliRunner().invoke(app, ["check-database", "casme2", str(root)])
    assert sound.exit_code == 0
    assert "nothing wrong" in sound.stdout
    sheet = (root.parent / "CASME2-coding-20140508.xlsx").rename(root.parent / "elsewhere.xlsx")
    lost = CliRunner().invoke(app, ["check-database", "casme2", str(root)])
    assert lost.exit_code == 1
    assert "no annotation for" in lost.stdout and "1 thing wrong" in lost.stdout
    assert "clips" not in lost.stdout  # nothing is said of what could not be read
    named = CliRunner().invoke(app, ["check-database", "casme2", str(root), "--annotation", str(sheet), "--all-frames"])
    assert named.exit_code == 0
    unknown = CliRunner().invoke(app, ["check-database", "casme", str(root)])
    assert unknown.exit_code == 1 and "did you mean 'casme2'?" in unknown.stdout
