"""The job of the models stage: what the model sees, what is written, what is refused."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score
from sklearn.svm import SVC

from cdmer.errors import CdmerError
from cdmer.protocols.train import train_model
from cdmer.store.feature_store import FeatureStore
from cdmer.store.released import in_order

# An estimator that keeps all that it is given, and predicts the class of the nearest source clip.
RECORDER = """
import numpy as np

from cdmer.adaptation.base import Answers

calls = []

class Nearest:
    searched = ("scale",)

    def __init__(self, scale):
        self.scale = scale

    def get_params(self):
        return {"scale": self.scale}

    def answer_grid(self, *args, **kwargs):
        calls.append((args, kwargs))
        Xs, ys, Xt, points = args
        predicted = ys[((Xt[:, None] - Xs[None]) ** 2).sum(-1).argmin(1)]
        return Answers(predicted[None], np.zeros((1, len(Xt), 3)), np.zeros(1), np.ones(1, bool))
"""
NEAREST = {"module": "recorder_of_calls", "estimator": "Nearest", "parameters": {"scale": 3}}
WORDS = {"negative": "disgust", "positive": "happiness", "surprise": "surprise"}


@pytest.fixture
def store(tmp_path):
    """Write a feature store and return its path."""

    def write(name, X, emotion=None, subject=None, label=None, recipe=None):
        provenance = {"feature": "f", "database": name, "recipe": recipe or {}, "code_digest": "c"}
        clips = [f"{name}/{index}" for index in range(len(X))]
        path = tmp_path / f"{name}.h5"
        FeatureStore.write(path, np.asarray(X), clips, subject, emotion, label, provenance=provenance)
        return path

    return write


@pytest.fixture
def train(tmp_path):
    """Train on two stores; returns the predictions and the metrics."""
    standard = {
        "databases": ("casme2", "smic_vis"),
        "casme2_negative": "disgust_sadness_fear",
        "module": "cdmer.adaptation.svm",
        "estimator": "SVM",
        "parameters": {"C": 1.0},
        "columns": "blocks",
        "selection": ["default"],
        "criterion": "snd",
        "budget": None,
    }

    def run(source, target, **settings):
        out = tmp_path / "out"
        train_model(
            source, target, out / "predictions.csv", out / "metrics.json", out / "grid.csv", **(standard | settings)
        )  # fmt: skip
        return pd.read_csv(out / "predictions.csv"), json.loads((out / "metrics.json").read_text())

    run.out = tmp_path / "out"
    return run


@pytest.fixture
def recorder(tmp_path, monkeypatch):
    """The estimator that keeps what it is given."""
    (tmp_path / "recorder_of_calls.py").write_text(RECORDER)
    monkeypatch.syspath_prepend(tmp_path)
    import recorder_of_calls

    yield recorder_of_calls
    del sys.modules["recorder_of_calls"]


def clips(seed, n=12, spread=0.5):
    """Features of three separable classes (n, 4), and their classes, in mixed order."""
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.resize(list(WORDS), n))
    centre = {"negative": (0, 0, 0, 1), "positive": (3, 0, 0, 1), "surprise": (0, 3, 0, 1)}
    X = np.array([centre[name] for name in label]) + rng.normal(0, spread, (n, 4))
    return X.astype(np.float32), label


def casme2(label):
    return [WORDS[name] for name in label]


def test_the_model_sees_source_source_labels_and_target_features_and_nothing_else(store, train, recorder):
    Xs, ys = clips(0)
    Xt, yt = clips(1, n=7)
    train(store("source", Xs, casme2(ys)), store("target", Xt, yt), **NEAREST)
    ((given, no_more),) = recorder.calls
    assert no_more == {}
    for one, other in zip(given[:3], (Xs, ys, Xt), strict=True):
        np.testing.assert_array_equal(one, other)
    assert given[3:] == ([{}],)  # the default's point


def test_the_targets_labels_change_scores_and_no_prediction(store, train):
    Xs, ys = clips(0)
    Xt, yt = clips(1)
    source = store("source", Xs, casme2(ys))
    first, scores = train(source, store("target", Xt, yt))
    second, others = train(source, store("target", Xt, np.roll(yt, 1)))
    assert first["predicted"].tolist() == second["predicted"].tolist()
    assert first["label"].tolist() == yt.tolist()
    assert scores["scores"]["default"]["accuracy"] > others["scores"]["default"]["accuracy"]


def test_predictions_are_one_row_a_target_clip_in_the_stores_order(store, train):
    Xs, ys = clips(0)
    Xt, yt = clips(1, n=5)
    subjects = ["s2", "s2", None, "s11", "006"]
    predictions, _ = train(store("source", Xs, casme2(ys)), store("target", Xt, yt, subjects))
    assert list(predictions.columns) == ["round", "selection", "point", "clip", "subject", "label", "predicted"]
    assert predictions["clip"].tolist() == [f"target/{index}" for index in range(5)]
    assert predictions["label"].tolist() == yt.tolist()
    assert set(predictions["round"]) == {1}
    assert set(predictions["selection"]) == {"default"}
    text = pd.read_csv(train.out / "predictions.csv", dtype=str, keep_default_na=False)
    assert text["subject"].tolist() == ["s2", "s2", "", "s11", "006"]


def test_predictions_equal_libsvms(store, train):
    Xs, ys = clips(0, n=30, spread=1.5)
    Xt, yt = clips(1, n=30, spread=1.5)
    predictions, _ = train(store("source", Xs, casme2(ys)), store("target", Xt, yt), parameters={"C": 0.3})
    expected = SVC(kernel="linear", C=0.3).fit(Xs.astype(float), ys).predict(Xt.astype(float))
    assert predictions["predicted"].tolist() == expected.tolist()
    assert predictions["predicted"].tolist() != yt.tolist()  # or the labels themselves would pass


def test_scores_and_counts_by_hand(store, train, recorder):
    """Six target clips, of which four are right: F1 is 1/2, 4/5 and 2/3, recall is 1/2, 1 and 1/2."""
    Xs = np.eye(3, dtype=np.float32)
    Xt = np.eye(3, dtype=np.float32)[[0, 1, 1, 1, 2, 0]]
    truth = ["negative", "negative", "positive", "positive", "surprise", "surprise"]
    source = store("source", np.concatenate([Xs, Xs]), [*WORDS.values(), "others", "repression", "others"])
    _, metrics = train(source, store("target", Xt, truth), **NEAREST)
    assert metrics == {
        "scores": {
            "default": {
                "uf1": pytest.approx((0.5 + 0.8 + 2 / 3) / 3, abs=1e-12),
                "uar": pytest.approx((1 / 2 + 1 + 1 / 2) / 3, abs=1e-12),
                "accuracy": pytest.approx(4 / 6, abs=1e-12),
                "point": {"scale": 3},
                "converged": True,
            }
        },
        "n_source": 3,
        "n_target": 6,
        "n_source_dropped": 3,
        "n_target_dropped": 0,
        "n_points": 0,
        "n_points_not_converged": 0,
        "criterion": None,
        "source_folds": None,
    }


def test_the_rule_of_casme2_decides_who_takes_part(store, train):
    Xs, ys = clips(0)
    Xt, yt = clips(1, n=6)
    words = ["fear" if name == "negative" else "repression" if name == "positive" else "surprise" for name in yt]
    source, target = store("source", Xs, ys), store("target", Xt, words)
    databases = ("smic_hs", "casme2")
    predictions, metrics = train(source, target, databases=databases)
    assert predictions["label"].tolist() == [name for name in yt if name != "positive"]
    assert (metrics["n_target"], metrics["n_target_dropped"]) == (4, 2)
    predictions, _ = train(source, target, databases=databases, casme2_negative="disgust_repression")
    assert predictions["label"].tolist() == [
        *("negative" if name == "positive" else name for name in yt if name != "negative"),
    ]


def test_a_releases_own_labels_come_before_emotions(store, train):
    Xs, ys = clips(0)
    Xt, yt = clips(1, n=6)
    target = store("target", Xt, [None] * 5 + ["surprise"], label=[*yt[:5], None])
    predictions, _ = train(store("source", Xs, ["others"] * 12, label=ys), target)
    assert predictions["label"].tolist() == [*yt[:5], "surprise"]


def test_without_a_grid_the_oracle_has_no_row(store, train):
    Xs, ys = clips(0)
    stores = store("source", Xs, casme2(ys)), store("target", Xs, ys)
    predictions, metrics = train(*stores, selection=["default", "oracle"], budget=None)
    assert set(predictions["selection"]) == {"default"}
    assert predictions["point"].isna().all()
    assert list(metrics["scores"]) == ["default"]
    assert (train.out / "grid.csv").read_text().strip() == ""


@pytest.mark.parametrize("columns", ["blocks", "released"])
def test_both_databases_reach_the_model_in_the_order_that_it_needs(store, train, recorder, columns):
    """One bin a histogram is enough: 85 blocks of 3 planes."""
    blocks = np.random.default_rng(0).random((6, 255)).astype(np.float32)
    released = in_order(blocks, {}, "released")
    assert not np.array_equal(blocks, released)
    label = list(WORDS) * 2
    source = store("source", blocks, casme2(label))
    target = store("target", released, label, recipe={"imported": {"order": "released", "direction": "columns"}})
    train(source, target, **NEAREST, columns=columns)
    given, _ = recorder.calls[0]
    np.testing.assert_array_equal(given[0], blocks if columns == "blocks" else released)
    np.testing.assert_array_equal(given[2], given[0])


def test_two_trainings_write_the_same_bytes(store, train):
    Xs, ys = clips(0, n=30, spread=2)
    Xt, yt = clips(1, n=30, spread=2)
    stores = store("source", Xs, casme2(ys)), store("target", Xt, yt)
    written = []
    for _ in range(2):
        train(*stores)
        written.append({path.name: path.read_bytes() for path in train.out.iterdir()})
    assert set(written[0]) == {"predictions.csv", "metrics.json", "grid.csv"}
    assert written[0] == written[1]


def test_a_class_that_the_source_lacks_is_never_predicted_and_counts_zero(store, train):
    """All that can be right is: twenty of thirty clips, two recalls of three."""
    Xs, ys = clips(0, n=30, spread=0.1)
    two = ys != "surprise"
    Xt, yt = clips(1, n=30, spread=0.1)
    predictions, metrics = train(store("source", Xs[two], casme2(ys[two])), store("target", Xt, yt))
    assert set(predictions["predicted"]) == {"negative", "positive"}
    scores = metrics["scores"]["default"]
    assert scores["accuracy"] == pytest.approx(20 / 30)
    assert scores["uar"] == pytest.approx(2 / 3)
    expected = f1_score(yt, predictions["predicted"], labels=list(WORDS), average="macro", zero_division=0)
    assert scores["uf1"] == pytest.approx(expected)
    assert scores["uf1"] < 2 / 3


def test_a_class_that_the_target_lacks_counts_zero_in_uf1_and_not_in_uar(store, train):
    Xs, ys = clips(0, n=30, spread=0.1)
    Xt, yt = clips(1, n=30, spread=0.1)
    two = yt != "surprise"
    _, metrics = train(store("source", Xs, casme2(ys)), store("target", Xt[two], yt[two]))
    scores = metrics["scores"]["default"]
    assert scores["accuracy"] == 1
    assert scores["uf1"] == pytest.approx(2 / 3)
    assert scores["uar"] == pytest.approx(1)


def test_one_class_is_not_enough_to_train(store, train):
    Xt, yt = clips(1)
    source = store("source", Xt, ["disgust"] * 6 + ["fear"] * 6)
    with pytest.raises(CdmerError, match="at least two classes") as caught:
        train(source, store("target", Xt, yt))
    assert str(source) in caught.value.problem
    assert not train.out.exists()


def test_a_target_of_which_no_clip_takes_part_is_an_error(store, train):
    Xs, ys = clips(0)
    target = store("target", Xs, ["others"] * 12)
    with pytest.raises(CdmerError, match="no clip takes part") as caught:
        train(store("source", Xs, ys), target, databases=("smic_hs", "casme2"))
    assert str(target) in caught.value.problem


def test_features_of_different_lengths_are_an_error_that_names_both(store, train):
    Xs, ys = clips(0)
    source, target = store("source", Xs, casme2(ys)), store("target", Xs[:, :3], ys)
    with pytest.raises(CdmerError, match=r"\(4,\).*\(3,\)") as caught:
        train(source, target)
    assert str(source) in caught.value.problem
    assert str(target) in caught.value.problem


def test_an_emotion_that_the_protocol_does_not_know_is_an_error(store, train):
    Xs, ys = clips(0)
    with pytest.raises(CdmerError, match="smic_vis: the CDMER protocol does not know the emotion 'disgust'"):
        train(store("source", Xs, casme2(ys)), store("target", Xs, casme2(ys)))
