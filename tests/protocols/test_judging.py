"""Trained models on clips that they have not seen: fitted again, or from kept weights."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.svm import SVC

from cdmer.errors import CdmerError
from cdmer.networks.training import Trained
from cdmer.protocols.judging import judge_by_method, table_says
from cdmer.protocols.network_judging import KeptRounds, judge_by_network, load_rounds
from cdmer.protocols.network_training import save_weights, training_of
from cdmer.protocols.train import train_model
from cdmer.protocols.train_network import train_network
from cdmer.store.feature_store import FeatureStore

CLASSES = ("negative", "positive", "surprise")
COMMON = {"databases": ("smic_hs", "smic_vis"), "casme2_negative": "disgust_sadness_fear"}


def write(path, X, label, names=None):
    names = names or [f"{path.stem}/{index}" for index in range(len(X))]
    subject = [f"s{index % 5}" for index in range(len(X))]
    provenance = {"feature": "f", "database": path.stem, "recipe": {}, "code_digest": "c"}
    FeatureStore.write(path, X, names, subject, list(label), provenance=provenance)
    return path


@pytest.fixture
def vectors(tmp_path):
    """Source and target of three clusters, the target shifted; and clips that belong to neither."""
    rng = np.random.default_rng(5)
    centres = rng.normal(0, 2, (3, 12))
    label = np.resize(CLASSES, 30)
    code = np.array([CLASSES.index(name) for name in label])
    X = [(centres[code] + rng.normal(0, 1, (30, 12)) + shift).astype(np.float32) for shift in (0, 0.7, 0.7)]
    return write(tmp_path / "source.h5", X[0], label), write(tmp_path / "target.h5", X[1], label), X[2], label


@pytest.mark.parametrize(
    ("module", "estimator", "parameters"),
    [("svm", "SVM", {"C": 1.0}), ("tca", "TCA", {"mu": 1.0, "dim": 5, "C": 1.0}), ("sa", "SA", {"dim": 4, "C": 1.0})],
)
def test_a_method_fitted_again_judges_the_target_as_the_table_and_new_clips_by_itself(
    vectors, tmp_path, module, estimator, parameters
):
    source, target, new, label = vectors
    out = [tmp_path / name for name in ("predictions.csv", "metrics.json", "grid.csv")]
    own = {"module": f"cdmer.adaptation.{module}", "estimator": estimator, "parameters": parameters}
    settings = {**COMMON, **own, "columns": "blocks"}
    chosen = ["default", "oracle"] if estimator != "SVM" else ["default"]
    budget = "quick" if estimator != "SVM" else None
    train_model(source, target, *out, **settings, selection=chosen, criterion="infomax", budget=budget)
    metrics = json.loads(out[1].read_text())
    for selection in chosen:
        asked = {"predictions": out[0], "metrics": metrics, "chosen": selection}
        said = pd.read_csv(out[0]).query(f"selection == '{selection}'")["predicted"]
        judged = judge_by_method(source, target, FeatureStore(target).load().X, **asked, **settings)
        assert list(judged.predicted) == list(said) and judged.classes == CLASSES
        alone = judge_by_method(source, target, new[:1], **asked, **settings)
        all_of_them = judge_by_method(source, target, new, **asked, **settings)
        assert alone.predicted[0] == all_of_them.predicted[0]  # new clips take no part in the fit
        np.testing.assert_allclose(alone.scores[0], all_of_them.scores[0], rtol=1e-9, atol=1e-9)
        assert np.mean(all_of_them.predicted == label) > 0.6
    if estimator == "SVM":
        train = FeatureStore(source).load()
        reference = SVC(kernel="linear", C=1.0).fit(train.X.astype(float), train.emotion).predict(new.astype(float))
        assert list(judge_by_method(source, target, new, **asked, **settings).predicted) == list(reference)


def test_a_clip_may_be_called_na(vectors, tmp_path):
    source, target, new, label = vectors
    write(target, FeatureStore(target).load().X, label, ["NA", "nan", *map(str, range(28))])
    out = [tmp_path / name for name in ("predictions.csv", "metrics.json", "grid.csv")]
    settings = {**COMMON, "module": "cdmer.adaptation.svm", "estimator": "SVM", "parameters": {"C": 1.0}}
    settings["columns"] = "blocks"
    train_model(source, target, *out, **settings, selection=["default"], criterion="infomax", budget=None)
    assert list(table_says(out[0], "default", 1))[:3] == ["NA", "nan", "0"]
    asked = {"predictions": out[0], "metrics": json.loads(out[1].read_text()), "chosen": "default"}
    assert len(judge_by_method(source, target, new, **asked, **settings).predicted) == 30


TRAINING = {
    "module": "cdmer.networks.ststnet", "network": "STSTNet", "options": {"scaling": "sample", "dropout": 0.5},
    "changes": {"epochs": 4, "batch": 8}, "budget": "quick", "rounds": 2, "seed": 1, "keep_weights": 2,
    "machinery": {"device": "cpu", "precision": "float32", "group": 0},
}  # fmt: skip


@pytest.fixture
def flows(tmp_path):
    """A function that trains STSTNet on clips whose bright third tells the class, and says where everything lies."""
    stores = []
    for seed, name in enumerate(("source", "target")):
        rng = np.random.default_rng(seed)
        label = rng.permutation(np.resize(CLASSES, 18))
        X = rng.normal(0, 1, (18, 3, 28, 28)).astype(np.float32)
        for index, word in enumerate(label):
            X[index, :2, :, 9 * CLASSES.index(word) :][..., :9] += 2
        stores.append(write(tmp_path / f"{name}.h5", X, label))

    def train(**changes):
        paths = {name: tmp_path / name for name in ("predictions.csv", "m.json", "c.csv", "weights.safetensors")}
        training = {**TRAINING, **changes}
        train_network(
            *stores, *paths.values(), checkpoints=tmp_path / "checkpoints", training=training, selection=["default"],
            criterion="infomax", **COMMON,
        )  # fmt: skip
        return stores[1], paths["predictions.csv"], paths["weights.safetensors"], training

    return train


def test_a_network_judges_the_target_from_its_weights_as_it_did_in_training(flows):
    target, predictions, weights, training = flows()
    rounds = load_rounds(weights, {**training, "options": dict(sorted(training["options"].items()))})
    X = FeatureStore(target).load().X
    judged = judge_by_network(target, X, rounds, predictions=predictions, **COMMON)
    np.testing.assert_allclose(judged.scores.sum(-1), 1, atol=1e-6)
    assert judged.chosen_by == "epoch 4, the mean of 2 of 2 rounds"
    said = pd.read_csv(predictions)
    alone = []
    for number, network in rounds.networks.items():
        one = KeptRounds({number: network}, rounds.classes, 4, 2)
        alone.append(judge_by_network(target, X, one, predictions=predictions, **COMMON))
        assert list(alone[-1].predicted) == list(said[said["round"] == number]["predicted"])
    np.testing.assert_allclose(judged.scores, (alone[0].scores + alone[1].scores) / 2, atol=1e-9)


def test_weights_that_were_not_kept_or_are_others_are_refused(flows):
    target, predictions, weights, training = flows(keep_weights=1)
    X = FeatureStore(target).load().X
    assert list(load_rounds(weights, training).networks) == [1]
    # a job's settings come as JSON, the configuration's hold tuples
    paired = {**training, "network": "DSCNN", "module": "cdmer.networks.dscnn", "options": {"pool_pads": (2, 0, 1)}}
    wrote = weights.with_name("other.safetensors")
    net = training_of(paired).make(3)
    again = training_of({**paired, "options": {"pool_pads": [2, 0, 1]}})
    save_weights(wrote, [Trained(np.zeros((1, 1, 3)), {}, net.state_dict())], again, CLASSES)
    assert list(load_rounds(wrote, paired).networks) == [1]
    content = wrote.read_bytes()
    for _ in range(8):  # the library orders its texts at random
        save_weights(wrote, [Trained(np.zeros((1, 1, 3)), {}, net.state_dict())], again, CLASSES)
        assert wrote.read_bytes() == content
    old = weights.with_name("old.safetensors")
    told = {"network": "STSTNet", "options": repr(training["options"]), "classes": " ".join(CLASSES)}
    save_file(load_file(weights), old, told)
    with pytest.raises(CdmerError, match="written by an older version"):
        load_rounds(old, training)
    with pytest.raises(CdmerError, match="holds STSTNet with"):
        load_rounds(weights, {**training, "options": {"scaling": "sample", "dropout": 0.1}})
    tensors = load_file(weights)
    about = {"network": "STSTNet", "options": json.dumps(training["options"]), "classes": " ".join(CLASSES)}
    save_file({name: np.asarray(-tensor) for name, tensor in tensors.items()}, weights, about)
    with pytest.raises(CdmerError, match="another model than can be had today"):
        judge_by_network(target, X, load_rounds(weights, training), predictions=predictions, **COMMON)
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(CdmerError, match="cannot be read as safetensors"):
        load_rounds(weights, training)
    weights.unlink()
    with pytest.raises(CdmerError, match="is gone"):
        load_rounds(weights, training)
    _, _, weights, training = flows(keep_weights=0)
    with pytest.raises(CdmerError, match="without keeping its weights") as caught:
        load_rounds(weights, training)
    assert "keep_weights" in caught.value.remedy
