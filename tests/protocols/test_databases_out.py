"""A whole database is left out: what trains, what is adapted to, what is written and refused."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.svm import SVC

from cdmer import adaptation
from cdmer.databases.manifest import make_manifest, write_manifest
from cdmer.errors import CdmerError
from cdmer.evaluation.metrics import uf1
from cdmer.protocols.databases_out import train_databases_out
from cdmer.protocols.task_clips import load_task
from cdmer.protocols.tasks import HOLDOUT, LODO
from cdmer.store.feature_store import FeatureStore

CLASSES = ("I", "II", "III")
SEARCHING = {"columns": "blocks", "selection": ["default"], "criterion": "infomax", "budget": None}
SVM = {"module": "cdmer.adaptation.svm", "estimator": "SVM", "parameters": {"C": 1.0}, **SEARCHING}
TCA = {"module": "cdmer.adaptation.tca", "estimator": "TCA", "parameters": {"mu": 1.0, "dim": 3, "C": 1.0}}


@pytest.fixture
def database(tmp_path):
    """Write a store and a manifest; returns their paths, and features and objective classes."""

    def write(name, seed, n=18, shift=0.0, emotion="disgust", classes=CLASSES):
        rng = np.random.default_rng(seed)
        words = [classes[index % len(classes)] for index in range(n)]
        X = np.eye(4)[[classes.index(word) for word in words]] * 3 + rng.normal(0, 1.2, (n, 4)) + shift
        subjects = [f"s{index % 4}" for index in range(n)]
        clips = [f"{subject}/{index}" for index, subject in enumerate(subjects)]
        rows = [
            {
                "clip": clip, "database": name, "subject": subject, "path": "p", "first_frame": 1, "onset": 1,
                "offset": 9, "n_frames": 9, "fps": 100.0, "emotion": emotion, "objective_class": word,
            }
            for clip, subject, word in zip(clips, subjects, words, strict=True)
        ]  # fmt: skip
        manifest, store = tmp_path / f"{name}.csv", tmp_path / f"{name}.h5"
        write_manifest(make_manifest(rows, "here"), manifest)
        about = {"feature": "f", "database": name, "recipe": {}, "code_digest": "c"}
        X = X.astype(np.float32)
        FeatureStore.write(store, X, clips, subjects, [emotion] * n, provenance=about)
        return store, manifest, X, np.array(words)

    return write


@pytest.fixture
def train(tmp_path):
    """Train a model on the held-out task of two databases; returns predictions, metrics and grid."""

    def run(*made, **model):
        files = tmp_path / "p.csv", tmp_path / "m.json", tmp_path / "g.csv"
        stores, manifests = [each[0] for each in made], [each[1] for each in made]
        train_databases_out(*files, stores=stores, manifests=manifests, task="holdout_objective", **model)
        grid = files[2].read_text().strip()
        return pd.read_csv(files[0]), json.loads(files[1].read_text()), pd.read_csv(files[2]) if grid else None

    return run


def test_each_database_is_predicted_by_a_machine_of_the_other(database, train):
    first, second = database("casme2", 0), database("samm", 1, n=15)
    told, metrics, grid = train(first, second, **SVM)
    for (_, _, Xs, ys), (_, _, Xt, yt), target in ((second, first, "casme2"), (first, second, "samm")):
        rows = told[told["database"] == target]
        expected = SVC(kernel="linear", C=1.0, tol=1e-3).fit(Xs.astype(float), ys).predict(Xt.astype(float))
        assert rows["predicted"].tolist() == expected.tolist()
        assert rows["label"].tolist() == yt.tolist()
        expected_uf1 = uf1(yt, expected, HOLDOUT.classes)
        assert metrics["scores"][target]["default"]["uf1"] == pytest.approx(expected_uf1)
    assert metrics["n_clips"] == {"casme2": 18, "samm": 15}
    assert grid is None
    assert set(told["subject"]) == {"s0", "s1", "s2", "s3"}


def test_methods_adapt_to_the_database_that_is_left_out_and_search_without_its_labels(database, train):
    first, second = database("casme2", 2), database("samm", 3, shift=4.0)
    chosen = {**TCA, **SEARCHING, "selection": ["default", "source", "oracle"], "budget": "paper"}
    told, metrics, grid = train(first, second, **chosen)
    _, _, Xs, ys = first
    _, _, Xt, yt = second
    rows = told[told["database"] == "samm"]
    for name in ("default", "source", "oracle"):
        dim = metrics["scores"]["samm"][name]["point"]["dim"]
        expected = adaptation.TCA(mu=1.0, dim=dim, C=1.0).fit(Xs, ys, Xt).predict(Xt)
        assert rows.loc[rows["selection"] == name, "predicted"].tolist() == expected.tolist()
    # the oracle's is the best of all points on the target's labels
    all_points = [
        uf1(yt, adaptation.TCA(mu=1.0, dim=dim, C=1.0).fit(Xs, ys, Xt).predict(Xt), HOLDOUT.classes)
        for dim in grid.loc[grid["target"] == "samm", "dim"]
    ]
    assert metrics["scores"]["samm"]["oracle"]["uf1"] == pytest.approx(max(all_points))
    assert grid.groupby("target").size().to_dict() == {"casme2": 36, "samm": 36}
    assert told.groupby("selection").size().to_dict() == {"default": 36, "source": 36, "oracle": 36}


def test_labels_of_the_target_change_no_honest_answer(database, train):
    first, second = database("casme2", 4), database("samm", 5)
    chosen = {**TCA, **SEARCHING, "selection": ["default", "source", "unsupervised"], "budget": "paper"}
    before, _, _ = train(first, second, **chosen)
    manifest = pd.read_csv(second[1], dtype=str)
    manifest["objective_class"] = manifest["objective_class"].map({"I": "V", "II": "IV", "III": "I"})
    write_manifest(manifest, second[1])
    after, _, _ = train(first, second, **chosen)
    one, other = (told.loc[told["database"] == "samm", "predicted"].tolist() for told in (before, after))
    assert one == other


def test_the_other_clips_train_where_there_are_three_databases(database):
    """Leave one database out: a subject's name says nothing across databases."""
    made = [database(name, seed, emotion="surprise") for seed, name in enumerate(("casme2", "samm"))]
    made.insert(0, database("smic_hs", 9, emotion="negative"))
    clips = load_task(LODO, [each[0] for each in made], [each[1] for each in made])
    assert len(set(clips.person)) == 12
    assert set(clips.label[clips.database == "smic_hs"]) == {"negative"}


def test_one_database_alone_is_refused(database, train):
    first, second = database("casme2", 0), database("samm", 1, classes=("VI", "VII"))
    with pytest.raises(CdmerError, match="holdout_objective: all clips show casme2"):
        train(first, second, **SVM)


def test_what_cannot_be_learned_from_is_named(database, train):
    first, second = database("casme2", 0, classes=("I",)), database("samm", 1)
    with pytest.raises(CdmerError, match="SVM cannot learn holdout_objective without samm"):
        train(first, second, **SVM)
