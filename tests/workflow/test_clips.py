"""Clips of one's own, from a CSV: real videos through faces, frames and features."""

import numpy as np
import pytest
import yaml

from cdmer.store.feature_store import FeatureStore

from .conftest import Workflow

STORE = "results/features/lbp_top_r3p8/mine.h5"


@pytest.fixture
def videos(real, repository, tmp_path):
    """A working directory whose only database is a CSV of two videos, one without a face."""
    (tmp_path / "clips.csv").write_text(
        "clip,subject,path,onset,offset,emotion\n"
        f"langer,p1,{real / 'videos/WolfgangLanger_Pexels.mp4'},1,60,happiness\n"
        f"nobody,p2,{real / 'videos/no_face.mp4'},1,30,\n"
    )
    others = dict.fromkeys(("smic_hs", "smic_vis", "smic_nir", "casme2", "samm"))
    mine = {"reader": "clips", "root": "clips.csv"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"models": ["SVM"], "databases": {**others, "mine": mine}}))
    return Workflow(tmp_path, repository)


def test_a_video_without_a_face_stops_with_its_clip_and_frame(videos):
    text = videos.run(STORE, expect=1)
    assert "clip nobody: no face on the onset frame 1" in text
    assert "no_face.mp4" in text
    # the other person's clip went through
    store = FeatureStore(videos.folder / "results/features/lbp_top_r3p8/mine/p1.h5").load()
    assert store.X.shape == (1, 15045)


def test_or_is_excluded_with_that_reason_when_the_configuration_says_so(videos):
    videos.run("results/features/lbp_top_r3p8/mine/p1.h5")
    videos.configure(faces={"aligned_112": {"on_missing_face": "exclude"}})
    assert "p1" not in videos.planned(STORE)["align_faces"][0]  # what is there stays
    videos.run(STORE)
    store = FeatureStore(videos.folder / STORE)
    rows = store.load()
    assert rows.clip.tolist() == ["langer"]
    assert rows.emotion.tolist() == ["happiness"]
    np.testing.assert_allclose(rows.X.reshape(-1, 59).sum(1), 1, atol=1e-5)
    (excluded,) = store.excluded
    assert excluded.clip == "nobody"
    assert "no face on the onset frame 1" in excluded.reason
    for path in ("results/features/lbp_top_r3p8/mine.exclusions.csv", "results/exclusions.csv"):
        videos.run(path)
        header, line = (videos.folder / path).read_text().splitlines()
        assert header == "database,subject,clip,stage,reason"
        assert line.startswith("mine,p2,nobody,faces,no face on the onset frame 1 of ")
    # back again: nothing is computed, and the merge stops
    videos.configure(faces={"aligned_112": {"on_missing_face": "error"}})
    assert set(videos.planned(STORE)) == {"merge_features"}
    assert "clip nobody: no face on the onset frame 1" in videos.run(STORE, expect=1)


def test_clips_alone_make_features_and_no_table(videos):
    text = videos.run("results/cdmer_table.csv", expect=1)
    assert "no experiment can be computed" in text
    assert "all_features" in text
