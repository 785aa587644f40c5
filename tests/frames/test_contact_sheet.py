"""The contact sheet of the frames stage: every frame that a recipe makes, in its place."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from cdmer.cli import app
from cdmer.errors import CdmerError
from cdmer.faces.contact_sheet import CAPTION, GAP, SIDE
from cdmer.frames.contact_sheet import draw_frames_sheet
from cdmer.store.shard import write_shard


def _shard(path, clips, count=5, dtype=np.uint8, **facts):
    """Clips of which frame i has grey level 30 i."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = np.zeros((count, 40, 40), dtype) + np.arange(0, 30 * count, 30, dtype=dtype)[:, None, None]
    with write_shard(path, attrs={"stage": "frames"}) as shard:
        for clip in clips:
            shard.add(clip, frames, onset=100, **facts)
    return path


def _picture(sheet, index, row=0):
    left, top = GAP + index * (SIDE + GAP), GAP + row * (SIDE + 2 * CAPTION + GAP) + 2 * CAPTION
    return np.asarray(sheet)[top : top + SIDE, left : left + SIDE]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_all_frames_stand_in_a_row_and_clips_below_one_another(tmp_path, dtype):
    shards = [_shard(tmp_path / f"{name}.h5", ["one", "two"], dtype=dtype) for name in "ab"]
    draw_frames_sheet(shards, tmp_path / "sheet.png", clips_per_subject=1)
    sheet = Image.open(tmp_path / "sheet.png")
    assert sheet.size == (5 * (SIDE + GAP) + 4 * GAP, 2 * (SIDE + 2 * CAPTION + GAP) + GAP)
    for row in range(2):
        assert [int(_picture(sheet, index, row)[5, 5, 0]) for index in range(5)] == [0, 30, 60, 90, 120]


def test_a_frame_that_stands_twice_in_a_row_is_shown_twice(tmp_path):
    """The key-frames of a short clip repeat its offset."""
    facts = {"frame_indices": [0, 1, 2, 2, 2], "apex": 101, "apex_index": 1, "apex_method": "annotated"}
    draw_frames_sheet([_shard(tmp_path / "a.h5", ["short"], **facts)], tmp_path / "sheet.png")
    sheet = Image.open(tmp_path / "sheet.png")
    assert int(_picture(sheet, 4)[5, 5, 0]) == 120


def test_no_clip_is_said(tmp_path):
    with pytest.raises(CdmerError, match="no clip to show"):
        draw_frames_sheet([_shard(tmp_path / "a.h5", [])], tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()


def test_the_command_finds_the_frames_of_a_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _shard(tmp_path / "results/frames/mine/casme2/sub01.h5", ["one", "two"])
    done = CliRunner().invoke(app, ["show-frames", "mine", "--clips", "2"])
    assert done.exit_code == 0, done.output
    assert done.output.strip() == "results/frames/mine/contact_sheet.png"
    assert Image.open(done.output.strip()).height == 2 * (SIDE + 2 * CAPTION + GAP) + GAP
    done = CliRunner().invoke(app, ["show-frames", "another"])
    assert isinstance(done.exception, CdmerError)
    assert "results/frames/another holds no frames" in str(done.exception)
