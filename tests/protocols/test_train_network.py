"""The job that trains networks: what they see, what is written, which epoch each selection takes."""

import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from cdmer.errors import CdmerError
from cdmer.evaluation.metrics import uf1
from cdmer.networks.dscnn import DSCNN
from cdmer.protocols import network_training
from cdmer.protocols.network_folds import train_network_folds
from cdmer.protocols.network_training import Training
from cdmer.protocols.train_network import train_network
from cdmer.store.feature_store import FeatureStore

CLASSES = ("negative", "positive", "surprise")
WORDS = {"negative": "disgust", "positive": "happiness", "surprise": "surprise"}


def clips(seed, n=18):
    """Flow planes (n, 3, 28, 28) whose bright half tells the class, and the classes."""
    rng = np.random.default_rng(seed)
    label = rng.permutation(np.resize(CLASSES, n))
    X = rng.normal(0, 1, (n, 3, 28, 28)).astype(np.float32)
    for index, name in enumerate(label):
        X[index, :2, :, 9 * CLASSES.index(name) :][..., :9] += 2
    return X, label


@pytest.fixture
def store(tmp_path):
    def write(name, X, label, sample=None, clip=None, emotion=None):
        path = tmp_path / f"{name}.h5"
        names = clip or [f"{name}/{index}" for index in range(len(X))]
        subject = [f"s{index % 6}" for index in range(len(X))]
        provenance = {"feature": "f", "database": name, "recipe": {}, "code_digest": "c"}
        FeatureStore.write(path, X, names, subject, emotion or list(label), sample=sample, provenance=provenance)
        return path

    return write


def training(module="ststnet", network="STSTNet", rounds=2, epochs=3, options=None, **changes):
    machinery = {"device": "cpu", "precision": "float32", "group": 0}
    return {
        "module": f"cdmer.networks.{module}", "network": network, "options": options or {},
        "changes": {"epochs": epochs, "batch": 8, **changes}, "budget": "quick", "rounds": rounds, "seed": 1,
        "keep_weights": 0, "machinery": machinery,
    }  # fmt: skip


@pytest.fixture
def train(tmp_path):
    def run(source, target, given=None, selection=("default", "oracle"), criterion="infomax", **options):
        out = tmp_path / "out"
        train_network(
            source, target, *(out / name for name in ("p.csv", "m.json", "c.csv", "w.safetensors")),
            checkpoints=tmp_path / "checkpoints", databases=("casme2", "smic_vis"), training=given or training(),
            selection=list(selection), criterion=criterion, casme2_negative="disgust_sadness_fear",
            **options,
        )  # fmt: skip
        return pd.read_csv(out / "p.csv"), json.loads((out / "m.json").read_text()), pd.read_csv(out / "c.csv")

    run.out = tmp_path / "out"
    run.checkpoints = tmp_path / "checkpoints"
    return run


@pytest.fixture
def pair(store):
    Xs, ys = clips(0)
    Xt, yt = clips(1, n=11)
    return store("source", Xs, ys, emotion=[WORDS[name] for name in ys]), store("target", Xt, yt)


def test_every_round_and_selection_has_a_row_a_target_clip(train, pair):
    table, metrics, curves = train(*pair)
    assert list(table.columns) == ["round", "selection", "point", "clip", "subject", "label", "predicted"]
    sizes = table.groupby(["round", "selection"]).size()
    assert sizes.to_dict() == {(r, s): 11 for r in (1, 2) for s in ("default", "oracle")}
    assert set(table.loc[table["selection"] == "default", "point"]) == {"epoch=3 budget=quick"}
    assert metrics["rounds"] == 2
    assert metrics["n_epochs"] == 3
    assert curves[["round", "epoch"]].to_numpy().tolist() == [[r, e] for r in (1, 2) for e in (1, 2, 3)]
    assert not train.checkpoints.exists()


def test_rounds_differ_and_the_same_seed_is_the_same_table(train, pair):
    first, _, curves = train(*pair)
    again, _, _ = train(*pair)
    pd.testing.assert_frame_equal(first, again)
    assert (
        curves.loc[curves["round"] == 1, "classification"].tolist()
        != curves.loc[curves["round"] == 2, "classification"].tolist()
    )


def test_the_oracle_takes_the_best_epoch_on_the_target_and_the_curves_say_so(train, pair):
    table, metrics, curves = train(*pair, training(epochs=6, rate=0.01))
    for round_ in (1, 2):
        rows = table[(table["round"] == round_) & (table["selection"] == "oracle")]
        best = uf1(rows["label"], rows["predicted"], CLASSES)
        own = curves.loc[curves["round"] == round_, "target_uf1"]
        assert best == pytest.approx(own.max(), abs=1e-5)
        (entry,) = (s for s in metrics["scores"] if s["round"] == round_ and s["selection"] == "oracle")
        assert entry["epoch"] == int(own.to_numpy().argmax()) + 1


# A network that adapts, in little.
SMALL = """
import torch

from cdmer.networks.losses import cross_entropy, linear_mmd
from cdmer.networks.network import Network, Recipe


class Small(Network):
    title, recipe, adapts = "Small", Recipe("sgd", 0.05, epochs=4, quick_epochs=3), True

    def __init__(self, n_classes):
        super().__init__()
        self.shape = (3, 28, 28)
        self.output = torch.nn.Linear(3 * 28 * 28, n_classes)

    def forward(self, x):
        return self.output(x.flatten(-3))

    def losses(self, batch):
        xs, xt, ws, wt = batch.domains()
        terms = {"classification": cross_entropy(self(xs), batch.label, ws)}
        return terms | {"discrepancy": linear_mmd(self(xs), self(xt), ws, wt)}
"""


def test_the_targets_labels_change_nothing_but_the_oracle(train, store, tmp_path, monkeypatch):
    Xs, ys = clips(0)
    Xt, yt = clips(1, n=11)
    source = store("source", Xs, ys, emotion=[WORDS[name] for name in ys])
    (tmp_path / "network_of_the_test.py").write_text(SMALL)
    monkeypatch.syspath_prepend(tmp_path)
    given = {**training(network="Small", rounds=1), "module": "network_of_the_test"}
    selections = ("default", "source", "unsupervised")
    found = []
    for turn in (0, 1):
        table, _, curves = train(source, store(f"t{turn}", Xt, np.roll(yt, turn)), given, selections)
        assert "target_uf1" not in curves
        found.append(table)
    assert found[0]["predicted"].tolist() == found[1]["predicted"].tolist()
    assert found[0]["label"].tolist() != found[1]["label"].tolist()
    assert set(found[0]["selection"]) == set(selections)


def test_a_network_learns_the_target_of_an_easy_pair(train, pair):
    table, _, _ = train(*pair, training(rounds=1, epochs=30, rate=0.01), ["default"])
    assert (table["label"] == table["predicted"]).mean() > 0.8


def test_weights_that_are_kept_are_those_of_each_round(train, pair):
    given = {**training(), "keep_weights": 2}
    train(*pair, given)
    tensors = load_file(train.out / "w.safetensors")
    assert {name.partition(".")[0] for name in tensors} == {"round1", "round2"}
    assert np.abs(tensors["round1.output.weight"] - tensors["round2.output.weight"]).max() > 0
    train(*pair)
    assert load_file(train.out / "w.safetensors") == {}


def test_samples_of_a_clip_stand_in_for_it_in_training_and_sample_0_is_predicted(train, store):
    """Three samples a clip: 0 shows nothing, 1 and 2 the class; what is predicted of the target is sample 0 alone."""
    Xs, ys = clips(0, n=12)
    rows = np.concatenate([[x * 0, x, x] for x in Xs])
    names = [f"source/{index}" for index in range(12) for _ in range(3)]
    emotions = [WORDS[name] for name in np.repeat(ys, 3)]
    source = store("source", rows, np.repeat(ys, 3), [0, 1, 2] * 12, names, emotions)
    Xt, yt = clips(1, n=6)
    noisy = np.concatenate([[x, x * 0 + 9] for x in Xt])
    target = store("target", noisy, np.repeat(yt, 2), [0, 1] * 6, [f"t/{i}" for i in range(6) for _ in range(2)])
    table, metrics, _ = train(source, target, training(rounds=1))
    assert metrics["n_source"] == 12
    assert metrics["n_target"] == 6
    assert len(table) == 12
    plain = store("plain", Xt, yt, clip=[f"t/{i}" for i in range(6)])
    again, _, _ = train(source, plain, training(rounds=1))
    assert table["predicted"].tolist() == again["predicted"].tolist()


def test_features_of_another_shape_are_refused(train, store, pair):
    X, label = clips(1, n=6)
    with pytest.raises(CdmerError, match="shape"):
        train(pair[0], store("small", X[..., :20], label))
    with pytest.raises(CdmerError, match=r"\(3, 28, 28\), MADTN reads \(3, 112, 112\)"):
        train(*pair, training("madtn", "MADTN"))


def test_one_class_in_the_source_is_refused(train, store, pair):
    X, _ = clips(1, n=6)
    lone = store("lone", X, ["happiness"] * 6)
    with pytest.raises(CdmerError, match="at least two classes"):
        train(lone, pair[1])


def test_folds_of_a_task_predict_everybody_once_a_round(tmp_path, store):
    X, label = clips(2, n=18)
    path = store("smic_hs", X, label)
    features = FeatureStore(path).load()
    manifest = pd.DataFrame(
        {
            "clip": features.clip, "database": "smic_hs", "subject": features.subject, "path": "", "first_frame": 1,
            "onset": 1, "apex": 5, "offset": 9, "n_frames": 9, "fps": 100.0, "emotion": label,
            "objective_class": None, "action_units": "", "n_missing": 0,
        }
    )  # fmt: skip
    manifest.to_csv(tmp_path / "manifest.csv", index=False)
    train_network_folds(
        tmp_path / "p.csv", tmp_path / "m.json", stores=[path], manifests=[tmp_path / "manifest.csv"],
        checkpoints=tmp_path / "checkpoints", task="smic_hs_3",
        training=training(epochs=25, rate=0.01), selection=["default", "oracle"],
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "p.csv")
    assert table.groupby(["round", "selection"]).size().to_dict() == {
        (r, s): 18 for r in (1, 2) for s in ("default", "oracle")
    }
    assert table.groupby(["round", "selection"])["clip"].nunique().eq(18).all()
    last = table[table["selection"] == "default"]
    best = table[table["selection"] == "oracle"]
    assert (last["label"] == last["predicted"]).mean() > 0.8
    assert uf1(best["label"], best["predicted"], CLASSES) >= uf1(last["label"], last["predicted"], CLASSES)
    metrics = json.loads((tmp_path / "m.json").read_text())
    assert metrics["n_folds"] == 6
    assert not (tmp_path / "checkpoints").exists()


def test_what_differs_from_a_recipe_reaches_the_training(train, pair, monkeypatch):
    """FR's paper trains with 0.0005 and a momentum of 0.8; without momentum Nesterov's has no sense."""
    recipes = []
    original = network_training.train

    def spy(*args, **options):
        recipes.append(options["recipe"])
        return original(*args, **options)

    monkeypatch.setattr(network_training, "train", spy)
    said = {"optimizer": "sgd", "rate": 5e-4, "momentum": 0.8, "least_rate": 1e-5, "step_decay": 1e-5}
    train(*pair, training(rounds=1, epochs=1, **said), ("default",))
    assert {name: getattr(recipes[0], name) for name in said} == said
    assert not DSCNN.recipe.changed(momentum=0.0).nesterov
    with pytest.raises(CdmerError, match="trained with Adam, which has no momentum"):
        train(*pair, training(rounds=1, epochs=1, momentum=0.8), ("default",))
    with pytest.raises(CdmerError, match=r"the least rate, 0.5, is above the rate that STSTNet begins with, 5e-05"):
        train(*pair, training(rounds=1, epochs=1, least_rate=0.5), ("default",))


@pytest.mark.parametrize(("module", "network", "side"), [("dscnn", "DSCNN", 48), ("madtn", "MADTN", 112)])
def test_networks_adapt_to_a_database_that_is_left_out(tmp_path, monkeypatch, module, network, side):
    """Three databases; the one that is left out is the target, and clips of two samples are one clip each."""
    words = {"smic_hs": CLASSES, "casme2": tuple(WORDS.values()), "samm": ("anger", "happiness", "surprise")}
    stores, manifests = [], []
    rng = np.random.default_rng(0)
    for name, own in words.items():
        names, emotion = [f"{name}/{i}" for i in range(6)], [own[i % 3] for i in range(6)]
        subject = [f"s{i // 3}" for i in range(6)]
        samples = 2 if network == "MADTN" and name != "samm" else 1
        X = rng.random((6 * samples, 5 if network == "DSCNN" else 3, side, side)).astype(np.float32)
        provenance = {"feature": "f", "database": name, "recipe": {}, "code_digest": "c"}
        FeatureStore.write(
            tmp_path / f"{name}.h5", X, np.repeat(names, samples), np.repeat(subject, samples),
            np.repeat(emotion, samples), sample=np.tile(np.arange(samples), 6), provenance=provenance,
        )  # fmt: skip
        table = pd.DataFrame(
            {
                "clip": names, "database": name, "subject": subject, "path": "", "first_frame": 1, "onset": 1,
                "apex": 5, "offset": 9, "n_frames": 9, "fps": 100.0, "emotion": emotion, "objective_class": None,
                "action_units": "", "n_missing": 0,
            }
        )  # fmt: skip
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        stores.append(tmp_path / f"{name}.h5")
        manifests.append(tmp_path / f"{name}.csv")
    seen = {}
    original = Training.run

    def spy(self, X, trials, *args, **kwargs):
        seen.update(X=X, trials=trials, siblings=args[3])
        return original(self, X, trials, *args, **kwargs)

    monkeypatch.setattr(Training, "run", spy)
    options = {"fc4_input": "gap", "channels": (4, 4, 4)} if network == "MADTN" else {}
    train_network_folds(
        tmp_path / "p.csv", tmp_path / "m.json", stores=stores, manifests=manifests,
        checkpoints=tmp_path / "checkpoints", task="lodo_3",
        training=training(module, network, rounds=1, epochs=1, options=options, variants=1), selection=["default"],
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "p.csv")
    assert len(table) == 18 and table["clip"].nunique() == 18
    for trial in seen["trials"]:
        assert trial.target.tolist() == trial.test.tolist()
        assert sorted([*trial.train, *trial.test]) == list(range(18))
    if network == "DSCNN":
        assert seen["siblings"] is None
        return
    for clip, row in enumerate(seen["siblings"][:18]):
        store, sample = FeatureStore(stores[clip // 6]).load(), clip % 6
        own = store.X[store.clip == f"{list(words)[clip // 6]}/{sample}"]
        np.testing.assert_array_equal(seen["X"][row[row >= 0]], own)


def test_with_source_folds_every_round_is_trained_without_each_fifth_of_the_source(train, pair, monkeypatch):
    """FR's variant: what trains are four fifths with all classes, what is predicted is the whole target."""
    seen = []
    original = Training.run

    def spy(self, X, trials, *args, **kwargs):
        seen.extend(trials)
        return original(self, X, trials, *args, **kwargs)

    monkeypatch.setattr(Training, "run", spy)
    table, metrics, curves = train(*pair, training(epochs=1), ("default",), source_folds=3)
    assert metrics["rounds"] == 6 and metrics["source_folds"] == 3
    assert table.groupby("round").size().tolist() == [11] * 6
    assert curves["round"].nunique() == 6
    for first in (0, 3):  # of each round
        left_out = [set(range(18)) - set(trial.train.tolist()) for trial in seen[first : first + 3]]
        assert [len(fold) for fold in left_out] == [6, 6, 6]
        assert set().union(*left_out) == set(range(18))
        for trial in seen[first : first + 3]:
            assert np.bincount(trial.label).tolist() == [4, 4, 4]
    assert len({trial.seed for trial in seen}) == 6


def test_a_fold_that_takes_a_class_along_is_refused(train, store):
    X, label = clips(0, n=9)
    label[:] = ["negative"] * 4 + ["positive"] * 4 + ["surprise"]
    source = store("source", X, label, emotion=[WORDS[name] for name in label])
    with pytest.raises(CdmerError, match="the source has no clip of a class"):
        train(source, store("target", *clips(1, n=6)), source_folds=3)
