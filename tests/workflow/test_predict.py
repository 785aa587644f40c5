"""Trained models on new clips: a clip of the target must get what the table says of it, by the same features."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cdmer.config.files import load_config
from cdmer.databases.recording import read_frames
from cdmer.errors import CdmerError
from cdmer.planning.plan import Plan
from cdmer.prediction.clips import NewClip, clips_of, samples_of
from cdmer.prediction.predict import predict
from cdmer.prediction.trained import find_trained
from cdmer.store.feature_store import FeatureStore


@pytest.fixture
def study(workflow, monkeypatch):
    """A finished study as the folder that we are in; the manifest of SMIC-VIS."""
    monkeypatch.chdir(workflow.folder)
    return pd.read_csv("results/databases/smic_vis/manifest.csv")


def trained(model="SVM", experiment="C->V", selection="default"):
    return find_trained(Plan(load_config()), model, experiment, selection)


def test_clips_of_the_target_get_the_features_and_the_classes_of_the_table(study, tmp_path):
    rows = study.iloc[[0, 1, 4]]
    table = tmp_path / "clips.csv"
    new = rows[["clip", "subject", "path", "onset", "offset", "fps"]].copy()
    new["path"] = [str(pd.io.common.os.path.abspath(path)) for path in new["path"]]
    new.to_csv(table, index=False)
    clips = clips_of([table], None, None, None)
    for model, selection in (("SVM", "default"), ("TCA", "default"), ("TCA", "oracle")):
        found = predict(trained(model, selection=selection), clips)
        said = pd.read_csv(f"results/models/cdmer/C_to_V/{model}/predictions.csv")
        said = said[said["selection"] == selection].set_index("clip")["predicted"]
        assert list(found.judgement.predicted) == [said[clip] for clip in rows["clip"]]
    store = FeatureStore("results/features/lbp_top_r3p8/smic_vis.h5").load()
    for clip, sample in zip(rows["clip"], found.samples, strict=True):
        assert np.array_equal(sample.X[0], store.X[list(store.clip).index(clip)])  # to the last bit
        assert sample.record.frames.shape == (16, 112, 112)


def test_the_command_prints_json_of_a_video_and_draws_a_picture(study, workflow, tmp_path):
    row = study.iloc[0]
    frames = read_frames(row["path"], int(row["onset"]), int(row["offset"]))
    frames = frames if frames.ndim == 4 else np.repeat(frames[..., None], 3, -1)
    video = tmp_path / "a clip; with words.avi"
    height, width = frames.shape[1:3]
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"FFV1"), 25, (width, height))  # loses nothing
    for frame in frames:
        writer.write(frame[..., ::-1])
    writer.release()
    command = [sys.executable, "-m", "cdmer.cli", "predict", "TCA", str(video), "--experiment", "C->V", "--json"]
    environment = workflow.environment()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=workflow.folder)
    told = json.loads(done.stdout)
    (clip,) = told["clips"]
    said = pd.read_csv("results/models/cdmer/C_to_V/TCA/predictions.csv").query("selection == 'default'")
    assert clip["predicted"] == said.set_index("clip")["predicted"][row["clip"]]
    assert (clip["onset"], clip["offset"], clip["frames"]) == (1, len(frames), None)
    assert set(clip["scores"]) == {"negative", "positive", "surprise"}
    x0, y0, x1, y1 = clip["face"]
    assert 0 < x1 - x0 < width and 0 < y1 - y0 < height
    with Image.open(told["picture"]) as picture:
        shown = np.asarray(picture.convert("RGB")).astype(int)
    blue = (np.abs(shown - [0, 114, 178]).max(-1) < 3).sum()
    grey = ((np.ptp(shown, axis=-1) == 0) & (shown[..., 0] < 250) & (shown[..., 0] > 5)).sum()
    assert blue > 500 and grey > 10 * 100 * 100  # the bar of the class that was taken, and frames


@pytest.mark.parametrize(
    ("model", "experiment", "selection", "message"),
    [
        ("FR", "C->V", "default", "FR is not among the `models` of the configuration: SVM, TCA"),
        ("SVM", "H->V", "default", "not trained for 'H->V'; it is for V->N, N->V, C->V"),
        ("SVM", None, "default", "SVM is trained for 6 experiments"),
        ("SVM", "C->V", "oracle", "trained with the selections default, not oracle"),
    ],
)
def test_a_model_that_is_not_there_is_refused_by_what_is(study, model, experiment, selection, message):
    with pytest.raises(CdmerError, match=message):
        trained(model, experiment, selection)


def test_clips_that_cannot_be_judged_are_named(study, tmp_path):
    random = np.random.default_rng(1)
    noise = tmp_path / "noise"
    noise.mkdir()
    for number in range(5):
        Image.fromarray(random.integers(0, 255, (120, 160), np.uint8)).save(noise / f"{number}.png")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 100)
    (tmp_path / "empty").mkdir()
    face = NewClip("mine", tmp_path / study["path"][0])
    whole = Path(study["path"][0]).resolve()
    cases = [
        (NewClip("noise", noise), "clip noise: no face on the onset frame 0"),
        (NewClip("broken", broken), "clip broken: .*broken.mp4: OpenCV cannot read it as a video"),
        (NewClip("empty", tmp_path / "empty"), "clip empty: .*empty holds no frame"),
        (NewClip("short", whole, onset=int(study["offset"][0]) - 1), "clip short: 2 frames .* too few"),
    ]
    for number, (clip, message) in enumerate(cases):
        scratch = tmp_path / f"scratch{number}"
        with pytest.raises(CdmerError, match=message) as caught:
            samples_of([clip], trained(), scratch)
        assert str(scratch) not in str(caught.value) and caught.value.remedy
    with pytest.raises(CdmerError, match="does not exist"):
        clips_of([face.path], None, None, None)
    with pytest.raises(CdmerError, match="are for one clip, and there are 2"):
        clips_of([noise, noise], 1, None, None)


def test_a_model_of_other_settings_or_another_answer_is_refused(study, workflow):
    clip = NewClip("one", Path(study["path"][0]).resolve())
    predictions = workflow.folder / "results/models/cdmer/C_to_V/SVM/predictions.csv"
    rows = pd.read_csv(predictions)
    rows.loc[0, "predicted"] = "surprise" if rows["predicted"][0] != "surprise" else "negative"
    rows.to_csv(predictions, index=False)
    with pytest.raises(CdmerError, match=r"another model than can be had today: 1 of \d+ clips"):
        predict(trained(), [clip])
    workflow.configure(faces={"aligned_112": {"eye_distance": 0.45}})
    with pytest.raises(CdmerError, match="h5 was made by other settings"):
        trained()
