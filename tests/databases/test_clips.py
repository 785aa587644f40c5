"""The reader of one's own clips: a CSV file, with folders of frames and videos."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cdmer.databases import read_frames, read_manifest
from cdmer.databases.clips import OPTIONAL, REQUIRED
from cdmer.databases.reading import census
from cdmer.errors import CdmerError

VIDEOS = Path(__file__).parents[2].parent / "shared" / "real" / "videos"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with frames 98 to 103, one without a frame, and a video of 9 frames at 30 a second."""
    for number in range(98, 104):
        (tmp_path / "frames").mkdir(exist_ok=True)
        Image.new("L", (4, 4)).save(tmp_path / "frames" / f"{number}.png")
    (tmp_path / "empty").mkdir()
    writer = cv2.VideoWriter(str(tmp_path / "video.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 30.0, (32, 16))
    for _ in range(9):
        writer.write(np.zeros((16, 32, 3), np.uint8))
    writer.release()
    return tmp_path


def table(home: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = home / "mine.csv"
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def test_three_columns_are_enough_for_a_video(home: Path) -> None:
    manifest = read_manifest("clips", table(home, "clip,subject,path", "smile,anna,video.avi"))
    row = manifest.iloc[0]
    assert list(row[["clip", "database", "subject"]]) == ["smile", "mine", "anna"]
    assert row["path"] == str(home / "video.avi")
    assert list(row[["first_frame", "onset", "offset", "n_frames", "fps"]]) == [1, 1, 9, 9, 30.0]
    assert row[["apex", "emotion", "objective_class", "action_units"]].isna().all()


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('"a\0b",anna,video.avi,x', r"row 2: clip 'a\\x00b' holds a control character"),
        ("a,anna,video.avi,x\0y", r"row 2: emotion 'x\\x00y' holds a control character"),
        (f"a,{'s' * 101},video.avi,x", "row 2: subject 's+' cannot name a file"),
    ],
)
def test_what_no_later_stage_could_keep_is_refused_at_once(home: Path, row: str, words: str) -> None:
    with pytest.raises(CdmerError, match=words):
        read_manifest("clips", table(home, "clip,subject,path,emotion", row))


def test_a_break_within_a_cell_is_a_blank(home: Path) -> None:
    """A manifest is read line by line; a carriage return in it would end the row."""
    csv = home / "mine.csv"
    csv.write_bytes(b'clip,subject,path,emotion\n"a\rb",anna,video.avi,"sad\r\nness"\n')
    assert read_manifest("clips", csv).iloc[0][["clip", "emotion"]].tolist() == ["a b", "sad ness"]


def test_a_gap_of_any_length_is_told(home: Path) -> None:
    Image.new("L", (4, 4)).save(home / "frames" / "9000000000000000.png")
    with pytest.raises(CdmerError, match=r"lacks frames 104, 105, 106, 107, 108 and 8999999999999891 more"):
        read_manifest("clips", table(home, "clip,subject,path,fps", "a,anna,frames,25"))


def test_every_column_reaches_the_manifest(home: Path) -> None:
    csv = table(
        home,
        "subject,clip,path,fps,onset,apex,offset,emotion,objective_class,action_units,database",
        '007,b,frames,99.5,99,101.0,102,Surprise,4,"1+2, or 5",lab',
        "",
        f"007,a,{home / 'frames'},100,,,,,,,",
        "anna,c,video.avi,25,2,,5,Happiness,VII,12,lab",
    )
    manifest = read_manifest("clips", csv)
    assert list(manifest["clip"]) == ["b", "a", "c"]
    assert list(manifest["subject"]) == ["007", "007", "anna"]
    assert list(manifest["database"]) == ["lab", "mine", "lab"]
    assert list(manifest["first_frame"]) == [98, 98, 1]
    assert list(manifest["onset"]) == [99, 98, 2]
    assert list(manifest["offset"]) == [102, 103, 5]
    assert list(manifest["apex"].fillna(-1)) == [101, -1, -1]
    assert list(manifest["n_frames"]) == [6, 6, 9]
    assert list(manifest["fps"]) == [99.5, 100.0, 25.0]
    assert list(manifest["emotion"].fillna("")) == ["surprise", "", "happiness"]
    assert list(manifest["objective_class"].fillna("")) == ["IV", "", "VII"]
    assert list(manifest["action_units"].fillna("")) == ["1+2, or 5", "", "12"]


def test_what_the_manifest_says_can_be_read(home: Path) -> None:
    csv = table(home, "clip,subject,path,fps,onset", "a,x,frames,25,99", "b,x,video.avi,,3")
    shapes = [
        read_frames(clip.path, clip.onset, clip.offset).shape for _, clip in read_manifest("clips", csv).iterrows()
    ]
    assert shapes == [(5, 4, 4), (7, 16, 32, 3)]


def test_every_column_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "databases.md").read_text(encoding="utf-8")
    section = page.split("## `clips`")[1].split("\n## ")[0]
    rows = {
        cell.strip("` ")
        for line in section.splitlines()
        if line.startswith("| `")
        for cell in line.split("|")[1].split(",")
    }
    assert rows == {*REQUIRED, *OPTIONAL}


def test_a_byte_order_mark_as_spreadsheets_write_it_is_no_part_of_the_header(home: Path) -> None:
    csv = table(home, "clip,subject,path", "smile,anna,video.avi", encoding="utf-8-sig")
    assert len(read_manifest("clips", csv)) == 1


@pytest.mark.parametrize(
    ("header", "row", "problem", "remedy"),
    [
        ("clip,subjet,path", "a,anna,video.avi", "unknown column 'subjet'", "did you mean 'subject'?"),
        ("clip;subject;path", "a;anna;video.avi", "unknown column 'clip;subject;path'", "separated by commas"),
        ("clip,subject", "a,anna", "no column path", "clip, subject, path"),
        ("clip,clip,subject,path", "a,a,anna,video.avi", "column clip appears twice", "remove one"),
        ("clip,subject,path", "a,anna,video.avi,25", "row 2 has 4 cells under 3 columns", "double quotes"),
        ("clip,subject,path", 'a,"anna,video.avi', "cannot be read as CSV", "UTF-8"),
        ("clip,subject,path", ",anna,video.avi", "row 2 has no clip", "fill in its clip"),
        ("clip,subject,path", "a,,video.avi", "row 2 has no subject", "fill in its subject"),
        ("clip,subject,path", "a,anna", "row 2 has no path", "fill in its path"),
        ("clip,subject,path", "a,anna,vidoe.avi", "row 2: there is no ", "correct its path, which counts from "),
        ("clip,subject,path", "a,anna,frames", "row 2 has no fps", "fill it in"),
        ("clip,subject,path,fps", "a,anna,frames,fast", "row 2: fps 'fast' is no number", "25"),
        ("clip,subject,path,fps", "a,anna,frames,0", "row 2: fps '0' is no number", "25"),
        ("clip,subject,path,fps", "a,anna,empty,25", "holds no frame", "numbered images"),
        (
            "clip,subject,path,onset",
            "a,anna,video.avi,two",
            "row 2: onset 'two' is no frame number",
            "correct its onset",
        ),
        ("clip,subject,path,apex", "a,anna,video.avi,/", "row 2: apex '/' is no frame number", "correct its apex"),
        ("clip,subject,path,onset", "a,anna,video.avi,0", "at frame 0, which", "correct the onset"),
        ("clip,subject,path,offset", "a,anna,video.avi,10", "9 frames from 1 to 9", "correct the offset"),
        ("clip,subject,path,onset,offset", "a,anna,video.avi,6,4", "onset 6, apex None, offset 4", "onset <= apex"),
        ("clip,subject,path,onset,apex", "a,anna,video.avi,6,4", "onset 6, apex 4, offset 9", "onset <= apex"),
        ("clip,subject,path,objective_class", "a,anna,video.avi,8", "unknown objective class '8'", "I to VII"),
        ("clip,subject,path", "a,an na,video.avi", "subject 'an na' cannot name a file", "letters"),
        ("clip,subject,path", "a,anna,video.avi\na,anna,video.avi", "clip a is listed twice", "remove or rename"),
        ("clip,subject,path", "", "no clip found", "layout"),
    ],
)
def test_what_is_wrong_in_the_table_is_named(home: Path, header: str, row: str, problem: str, remedy: str) -> None:
    with pytest.raises(CdmerError) as caught:
        read_manifest("clips", table(home, header, row))
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


def test_the_root_must_be_a_csv_file_and_needs_no_annotation(home: Path) -> None:
    with pytest.raises(CdmerError, match="is not a file"):
        read_manifest("clips", home)
    csv = table(home, "clip,subject,path", "smile,anna,video.avi")
    with pytest.raises(CdmerError, match="reads no annotation"):
        read_manifest("clips", csv, csv)
    csv.write_bytes(b"clip,subject,path\nl\xe4cheln,anna,video.avi\n")
    with pytest.raises(CdmerError, match="cannot be read as CSV"):
        read_manifest("clips", csv)


def test_the_census_tells_which_subjects_row_or_video_changed(home: Path) -> None:
    header, anna, ben = "clip,subject,path,onset", "a,anna,video.avi,", "b,ben,other.avi,"
    (home / "other.avi").write_bytes((home / "video.avi").read_bytes())
    before = census("clips", table(home, header, anna, ben))
    after = census("clips", table(home, header, anna, ben + "2"))
    assert list(before) == ["anna", "ben"]
    assert before["anna"] == after["anna"]
    assert before["ben"] != after["ben"]
    (home / "video.avi").write_bytes(b"shorter")
    changed = census("clips", table(home, header, anna, ben))
    assert changed["anna"] != before["anna"]
    assert changed["ben"] == before["ben"]


def test_real_videos_are_read_with_their_own_rate(tmp_path: Path) -> None:
    if not VIDEOS.exists():
        pytest.skip("the real videos are not on this machine")
    csv = table(tmp_path, "clip,subject,path,offset", f"a,x,{VIDEOS}/no_face.mp4,", f"b,x,{VIDEOS}/no_face.mp4,40")
    manifest = read_manifest("clips", csv)
    assert list(manifest["offset"]) == [95, 40]  # its header says 98
    assert list(manifest["n_frames"]) == [95, 95]
    assert isinstance(manifest, pd.DataFrame)
    assert manifest["fps"].iloc[0] == pytest.approx(23.672, abs=1e-3)


@pytest.mark.parametrize("subject", ["an na", "-x", "../../etc", "a; rm -rf x", "né", "a/b", ".hidden"])
def test_a_subject_that_cannot_name_a_file_is_refused_before_anything_is_planned(home: Path, subject: str) -> None:
    path = table(home, "clip,subject,path", f"a,{subject},video.avi")
    for plan in (census, read_manifest):
        with pytest.raises(CdmerError, match=r"mine\.csv row 2: subject .* cannot name a file"):
            plan("clips", path)
