"""The contact sheet: the right pictures in the right places."""

import os

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from cdmer.cli import app
from cdmer.errors import CdmerError
from cdmer.faces.contact_sheet import CAPTION, GAP, SIDE, draw_contact_sheet, find_shards, some_clips
from cdmer.store.shard import write_shard


def _shard(path, clips, landmarks=None, apex=105):
    """Clips of 11 frames, frame i of grey level 20 i, from onset 100 to offset 110."""
    frames = np.arange(0, 220, 20, dtype=np.uint8)[:, None, None].repeat(56, 1).repeat(56, 2)
    found = {} if landmarks is None else {"landmarks": landmarks, "transform": np.array([[0.5, 0, 3], [0, 0.5, 1]])}
    with write_shard(path, attrs={"stage": "faces"}) as shard:
        for clip in clips:
            shard.add(clip, frames, onset=100, apex=apex, offset=110, **found)
        shard.exclude("lost", "s1", "faces", "no face")
    return path


def _picture(sheet, index, row=0, column=0, per_clip=4):
    left = GAP + column * (per_clip * (SIDE + GAP) + 3 * GAP) + index * (SIDE + GAP)
    top = GAP + row * (SIDE + 2 * CAPTION + GAP) + 2 * CAPTION
    return np.asarray(sheet)[top : top + SIDE, left : left + SIDE]


def test_onset_apex_offset_and_the_landmarks(tmp_path):
    points = np.array([[30.0, 60.0]] * 68)  # at (18, 31) of the crop
    draw_contact_sheet([_shard(tmp_path / "a.h5", ["one"], points)], tmp_path / "sheet.png")
    sheet = Image.open(tmp_path / "sheet.png")
    for index, level in enumerate((0, 100, 200)):
        assert (_picture(sheet, index) == level).all()
    rows, columns = np.nonzero((_picture(sheet, 3) != 0).any(-1))
    np.testing.assert_allclose([columns.mean(), rows.mean()], np.array([18.5, 31.5]) * SIDE / 56, atol=1)


@pytest.mark.parametrize(("apex", "level"), [(None, 100), (103, 60)])
def test_without_an_apex_the_middle_and_without_landmarks_three_pictures(tmp_path, apex, level):
    draw_contact_sheet([_shard(tmp_path / "a.h5", ["one"], apex=apex)], tmp_path / "sheet.png")
    sheet = Image.open(tmp_path / "sheet.png")
    assert sheet.width == 3 * (SIDE + GAP) + 4 * GAP
    assert (_picture(sheet, 1, per_clip=3) == level).all()


def test_some_clips_of_each_subject(tmp_path):
    shards = [_shard(tmp_path / f"{name}.h5", [f"c{i}" for i in range(7)]) for name in "ab"]
    draw_contact_sheet(shards, tmp_path / "sheet.png", clips_per_subject=2)
    sheet = Image.open(tmp_path / "sheet.png")
    assert sheet.height == 2 * (SIDE + 2 * CAPTION + GAP) + GAP
    assert (_picture(sheet, 2, row=1, column=1, per_clip=3) == 200).all()


def test_of_a_subject_there_are_no_more_clips_than_it_has(tmp_path):
    path = _shard(tmp_path / "a.h5", ["c1", "c2", "c3"])
    assert len(some_clips(path, 10**20)) == 3


def test_nothing_to_show_is_said(tmp_path):
    with pytest.raises(CdmerError, match=r"exclusions\.csv"):
        draw_contact_sheet([_shard(tmp_path / "a.h5", [])], tmp_path / "sheet.png")
    with pytest.raises(CdmerError, match=r"no faces of casme2, any subject"):
        find_shards("aligned_112", "casme2", results=tmp_path)
    assert not (tmp_path / "sheet.png").exists()


@pytest.mark.parametrize(
    ("stage", "typed", "meant"), [("faces", "alinged_112", "aligned_112"), ("frames", "tim_61", "tim_16")]
)
def test_a_mistyped_recipe_is_answered_with_the_nearest_of_the_configuration(
    tmp_path, monkeypatch, stage, typed, meant
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("models: [SVM]")
    for recipe, problem in ((typed, f"no {stage} recipe '{typed}'"), (meant, f"{meant} holds no {stage}")):
        done = CliRunner().invoke(app, [f"show-{stage}", recipe])
        assert isinstance(done.exception, CdmerError)
        assert problem in done.exception.problem
        assert (f"did you mean '{meant}'?" in done.exception.remedy) == (recipe == typed)


def test_the_command_finds_the_shards_of_a_recipe(tmp_path, monkeypatch):
    for name in ("casme2/sub01", "casme2/sub02", "smic_hs/s1"):
        (tmp_path / "results/faces/mine" / name).parent.mkdir(parents=True, exist_ok=True)
        _shard(tmp_path / f"results/faces/mine/{name}.h5", ["one"])
    monkeypatch.chdir(tmp_path)
    assert [os.fspath(p)[19:] for p in find_shards("mine", "casme2")] == ["casme2/sub01.h5", "casme2/sub02.h5"]
    for arguments, clips in ((), 3), (("--database", "casme2"), 2), (("--subject", "s1", "--output", "x.png"), 1):
        done = CliRunner().invoke(app, ["show-faces", "mine", *arguments])
        assert done.exit_code == 0, done.output
        sheet = Image.open(done.output.strip())
        assert sheet.height == -(-clips // 2) * (SIDE + 2 * CAPTION + GAP) + GAP
        assert (tmp_path / done.output.strip()).exists()
