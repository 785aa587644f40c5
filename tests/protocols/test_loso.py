"""All folds of a task: who trains, who is predicted, what is written and refused."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score
from sklearn.svm import SVC

from cdmer.databases.manifest import make_manifest, write_manifest
from cdmer.errors import CdmerError
from cdmer.protocols.loso import train_folds
from cdmer.protocols.task_clips import load_task
from cdmer.protocols.tasks import COMPOSITE, task_named
from cdmer.store.feature_store import FeatureStore

SVM = {"module": "cdmer.adaptation.svm", "estimator": "SVM", "parameters": {"C": 1.0}}


@pytest.fixture
def database(tmp_path):
    """Write a store and a manifest of one database; returns their paths."""

    def write(name, X, subjects, emotions, objective=None, known=None):
        clips = [f"{subject}/{index}" for index, subject in enumerate(subjects)]
        rows = [
            {
                "clip": clip, "database": name, "subject": subject, "path": "p", "first_frame": 1, "onset": 1,
                "offset": 9, "n_frames": 9, "fps": 100.0, "emotion": emotion, "objective_class": given,
            }
            for clip, subject, emotion, given in zip(
                clips, subjects, emotions, objective or [None] * len(clips), strict=True
            )
        ]  # fmt: skip
        manifest, store = tmp_path / f"{name}.csv", tmp_path / f"{name}.h5"
        write_manifest(make_manifest(rows[:known], "here"), manifest)
        provenance = {"feature": "f", "database": name, "recipe": {}, "code_digest": "c"}
        FeatureStore.write(store, np.asarray(X, np.float32), clips, subjects, emotions, provenance=provenance)
        return store, manifest

    return write


def cloud(labels, seed):
    """Points around one centre a class."""
    centre = {"negative": (0, 0, 3), "positive": (0, 3, 0), "surprise": (3, 0, 0)}
    rng = np.random.default_rng(seed)
    return np.array([centre[label] for label in labels]) + rng.normal(size=(len(labels), 3)) * 1.5


def test_every_person_is_predicted_by_a_machine_that_never_saw_him(database, tmp_path):
    labels = ["negative", "positive", "surprise", "negative", "positive"] * 6
    people = [f"s{index % 5 + 1}" for index in range(30)]
    X = cloud(labels, 0)
    store, manifest = database("smic_hs", X, people, labels)
    files = tmp_path / "p.csv", tmp_path / "m.json"
    train_folds(*files, stores=[store], manifests=[manifest], task="smic_hs_3", **SVM)
    written = pd.read_csv(files[0])
    expected = np.empty(30, dtype=object)
    for person in set(people):
        held = np.array(people) == person
        machine = SVC(kernel="linear", C=1.0, decision_function_shape="ovo").fit(X[~held], np.array(labels)[~held])
        expected[held] = machine.predict(X[held])
    assert written["predicted"].tolist() == expected.tolist()
    assert written["label"].tolist() == labels
    assert written["subject"].tolist() == people
    assert set(written["database"]) == {"smic_hs"}
    told = json.loads(files[1].read_text())
    assert told["n_folds"] == 5
    assert told["scores"]["default"]["uf1"] == pytest.approx(f1_score(labels, expected, average="macro"))


def test_the_composite_joins_three_databases_and_maps_their_words(database):
    parts = [
        database("smic_hs", np.zeros((2, 3)), ["s1", "s2"], ["negative", "surprise"]),
        database("casme2", np.ones((3, 3)), ["sub01", "sub01", "sub02"], ["repression", "fear", "happiness"]),
        database("samm", np.full((2, 3), 2), ["006", "s1"], ["contempt", "other"]),
    ]
    clips = load_task(COMPOSITE, [store for store, _ in parts], [manifest for _, manifest in parts])
    assert clips.person == ["smic_hs/s1", "smic_hs/s2", "casme2/sub01", "casme2/sub02", "samm/006"]
    assert clips.label.tolist() == ["negative", "surprise", "negative", "positive", "negative"]
    assert clips.X[:, 0].tolist() == [0, 0, 1, 1, 2]


def test_objective_classes_come_from_the_manifest_and_clips_without_one_have_no_part(database):
    store, manifest = database("casme2", np.zeros((3, 2)), ["a", "b", "c"], ["fear", "joy", "joy"], ["I", None, "VII"])
    assert load_task(task_named("casme2_objective"), [store], [manifest]).label.tolist() == ["I"]


def test_faults_are_named(database, tmp_path):
    files = tmp_path / "p.csv", tmp_path / "m.json"
    alone = database("smic_hs", np.zeros((2, 3)), ["s1", "s1"], ["negative", "surprise"])
    with pytest.raises(CdmerError, match="all clips show smic_hs/s1"):
        train_folds(*files, stores=alone[:1], manifests=alone[1:], task="smic_hs_3", **SVM)
    stranger = database("smic_hs", np.zeros((2, 3)), ["s1", "s2"], ["negative", "surprise"], known=1)
    with pytest.raises(CdmerError, match=r"does not know the clip s2/1"):
        load_task(task_named("smic_hs_3"), stranger[:1], stranger[1:])
    strange = database("smic_hs", np.zeros((2, 3)), ["s1", "s2"], ["negative", "joy"])
    with pytest.raises(CdmerError, match="emotion 'joy'"):
        load_task(task_named("smic_hs_3"), strange[:1], strange[1:])
    one = database("smic_hs", np.zeros((3, 3)), ["s1", "s2", "s2"], ["negative", "surprise", "surprise"])
    with pytest.raises(CdmerError, match="SVM cannot learn smic_hs_3 without smic_hs/s"):
        train_folds(*files, stores=one[:1], manifests=one[1:], task="smic_hs_3", **SVM)
    parts = [
        database("smic_hs", np.zeros((1, 3)), ["s1"], ["negative"]),
        database("casme2", np.zeros((1, 4)), ["sub01"], ["disgust"]),
        database("samm", np.zeros((1, 3)), ["006"], ["anger"]),
    ]
    with pytest.raises(CdmerError, match="different shapes"):
        load_task(COMPOSITE, [store for store, _ in parts], [manifest for _, manifest in parts])
    assert not files[0].exists()
