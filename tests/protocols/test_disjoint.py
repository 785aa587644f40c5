"""Nobody is judged by a model that has trained on that person: against fits by hand, and what is refused."""

import json
import zlib

import numpy as np
import pandas as pd
import pytest
from sklearn.svm import SVC

from cdmer import adaptation
from cdmer.errors import CdmerError
from cdmer.protocols.disjoint import other_clips, train_disjoint
from cdmer.protocols.train import Labelled, labelled_clips, train_model
from cdmer.store.feature_store import FeatureStore

CLASSES = ["negative", "positive", "surprise"]
SVM = {"module": "cdmer.adaptation.svm", "estimator": "SVM", "parameters": {"C": 1.0}}
TCA = {"module": "cdmer.adaptation.tca", "estimator": "TCA", "parameters": {"mu": 1.0, "dim": 2, "C": 1.0}}
COMMON = {"columns": "blocks", "casme2_negative": "disgust_sadness_fear"}


def made(seed, people, clips=6):
    """Features that say more of the person than of the class, so that a known face helps."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(people, clips)
    label = np.array([rng.permutation(np.resize(CLASSES, clips)) for _ in people]).ravel()
    # the same person means the same in both databases
    own = {name: np.random.default_rng(sum(map(ord, name))).normal(0, 2, (3, 5)) for name in people}
    X = np.array([own[name][CLASSES.index(word)] for name, word in zip(subject, label, strict=True)])
    return (X + rng.normal(0, 0.4, X.shape)).astype(np.float32), label, subject


@pytest.fixture
def desk(tmp_path):
    """Two stores, the plain training on them, and the disjoint one."""

    class Desk:
        out = tmp_path / "disjoint.csv"
        controls = tmp_path / "controls.csv"

        def store(self, name, X, label, subject):
            clips = [f"{name}/{number}" for number in range(len(X))]
            about = {"feature": "f", "database": name, "recipe": {}, "code_digest": "c"}
            path = tmp_path / f"{name}.h5"
            FeatureStore.write(
                path, X, clips, None if subject is None else list(subject), list(label), provenance=about
            )
            return path

        def run(
            self,
            source,
            target,
            databases=("smic_hs", "smic_vis"),
            selection=("default",),
            budget=None,
            draws=0,
            **model,
        ):
            model = model or SVM
            files = tmp_path / "predictions.csv", tmp_path / "metrics.json"
            train_model(
                source, target, *files, tmp_path / "grid.csv", databases=databases, selection=list(selection),
                criterion="infomax", budget=budget, **COMMON, **model,
            )  # fmt: skip
            train_disjoint(
                self.out, self.controls, experiments=[self.experiment(source, target, databases)],
                selection=selection, draws=draws, **COMMON, **model,
            )  # fmt: skip
            plain, told = (pd.read_csv(path, keep_default_na=False) for path in (files[0], self.out))
            assert set(told.pop("experiment")) == {"H->V"}
            return plain, told

        def experiment(self, source, target, databases=("smic_hs", "smic_vis")):
            files = {"predictions": tmp_path / "predictions.csv", "metrics": tmp_path / "metrics.json"}
            return {"experiment": "H->V", "databases": databases, "stores": [source, target], **files}

    return Desk()


def test_a_shared_person_is_judged_by_a_machine_that_was_fitted_without_him(desk):
    Xs, ys, who = made(0, ["s1", "s2", "s3", "s4"])
    Xt, yt, target = made(1, ["s2", "s4", "s9"])
    plain, told = desk.run(desk.store("a", Xs, ys, who), desk.store("b", Xt, yt, target))
    assert told["without"].tolist() == [name if name in ("s2", "s4") else "" for name in target]
    for person in ("s2", "s4", "s9"):
        rows = target == person
        rest = who != person
        machine = SVC(kernel="linear", C=1.0, tol=1e-3).fit(Xs[rest].astype(float), ys[rest])
        np.testing.assert_array_equal(told["predicted"][rows], machine.predict(Xt[rows].astype(float)))
    # the features know the face: without it fewer clips are understood, and a stranger's answers stay
    right = (told["predicted"] == told["label"]).groupby(target).sum(), (plain["predicted"] == yt).groupby(target).sum()
    assert right[0]["s2"] + right[0]["s4"] < right[1]["s2"] + right[1]["s4"]
    np.testing.assert_array_equal(told["predicted"][target == "s9"], plain["predicted"][target == "s9"])
    assert (told["label"] == plain["label"]).all() and (told["clip"] == plain["clip"]).all()


def test_each_selection_keeps_the_point_that_the_plain_experiment_chose(desk):
    Xs, ys, who = made(2, ["s1", "s2", "s3", "s4"])
    Xt, yt, target = made(3, ["s2", "s7"])
    source, target_store = desk.store("a", Xs, ys, who), desk.store("b", Xt, yt, target)
    plain, told = desk.run(source, target_store, selection=("default", "source"), budget="paper", **TCA)
    points = json.loads((desk.out.parent / "metrics.json").read_text())["scores"]
    assert list(dict.fromkeys(told["selection"])) == ["default", "source"]
    rest, mine = who != "s2", target == "s2"
    for name in ("default", "source"):
        dim = points[name]["point"]["dim"]
        expected = adaptation.TCA(mu=1.0, dim=dim, C=1.0).fit(Xs[rest], ys[rest], Xt).predict(Xt[mine])
        rows = told[told["selection"] == name]
        np.testing.assert_array_equal(rows["predicted"][mine], expected)
        assert (rows["point"] == plain.loc[plain["selection"] == name, "point"]).all()


def test_of_people_in_other_families_nobody_is_left_out(desk):
    """Subject 1 of CASME II is not subject 1 of SMIC."""
    Xs, ys, who = made(4, ["s1", "s2"])
    words = {"negative": "disgust", "positive": "happiness", "surprise": "surprise"}
    source = desk.store("casme2", Xs, [words[name] for name in ys], who)
    plain, told = desk.run(source, desk.store("b", *made(5, ["s1", "s2"])), databases=("casme2", "smic_vis"))
    assert set(told["without"]) == {""}
    pd.testing.assert_frame_equal(told.drop(columns="without"), plain)


def test_the_control_leaves_out_as_many_clips_of_others_and_keeps_the_person(desk):
    Xs, ys, who = made(6, ["s1", "s2", "s3", "s4"])
    Xt, yt, target = made(7, ["s2", "s4", "s9"])
    source, target_store = desk.store("a", Xs, ys, who), desk.store("b", Xt, yt, target)
    plain, _ = desk.run(source, target_store, draws=3)
    controls = pd.read_csv(desk.controls, keep_default_na=False)
    assert controls["draw"].tolist() == np.repeat([1, 2, 3], len(target)).tolist()
    train = labelled_clips(source, "smic_hs", COMMON["casme2_negative"], "blocks")
    drawn = []
    for draw in (1, 2, 3):
        rows = controls[controls["draw"] == draw].reset_index(drop=True)
        assert rows["clip"].tolist() == plain["clip"].tolist()
        np.testing.assert_array_equal(rows["predicted"][target == "s9"], plain["predicted"][target == "s9"])
        for person in ("s2", "s4"):
            out = other_clips(train, person, (zlib.crc32(f"smic_hs/smic_vis/{person}".encode()), draw))
            drawn.append(tuple(out))
            own = who == person
            assert not own[out].any() and len(set(out)) == own.sum()
            assert sorted(ys[out]) == sorted(ys[own])  # as many of each class
            kept = np.setdiff1d(np.arange(len(ys)), out)
            machine = adaptation.SVM(C=1.0).fit(Xs[kept], ys[kept])
            mine = target == person
            np.testing.assert_array_equal(rows["predicted"][mine], machine.predict(Xt[mine].astype(float)))
            assert set(rows["fewer"][mine]) == {own.sum()} and set(rows["without"][mine]) == {person}
    assert len(set(drawn)) == 6  # other clips each time


def test_of_a_class_that_others_lack_the_control_draws_from_their_other_classes():
    label = np.array(["negative"] * 3 + ["surprise"] * 2 + ["negative"] * 4)
    train = Labelled(np.zeros((9, 1)), [""] * 9, ["s1"] * 5 + ["s2"] * 4, label, 0)
    with pytest.raises(CdmerError, match="s1 has 5 of 9 clips") as caught:
        other_clips(train, "s1", (0,))
    assert "disjoint_draws: 0" in caught.value.remedy
    train = Labelled(np.zeros((9, 1)), [""] * 9, ["s2"] + ["s1"] * 4 + ["s2"] * 4, label, 0)
    out = other_clips(train, "s1", (0,))  # two of its four show surprise, which nobody else does
    assert len(set(out)) == 4 and all(train.subject[row] == "s2" for row in out)


def test_the_order_of_clips_must_be_the_stores(desk):
    source, target = desk.store("a", *made(0, ["s1", "s2"])), desk.store("b", *made(1, ["s2"]))
    desk.run(source, target)
    predictions = desk.out.parent / "predictions.csv"
    predictions.write_text("\n".join(predictions.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(CdmerError, match="has not answered the clips of"):
        train_disjoint(
            desk.out, desk.controls, experiments=[desk.experiment(source, target)], selection=["default"], draws=0,
            **COMMON, **SVM,
        )  # fmt: skip


def test_without_names_nobody_can_be_left_out(desk):
    X, y, _ = made(0, ["s1", "s2"])
    with pytest.raises(CdmerError, match="clips without a subject") as caught:
        desk.run(desk.store("a", X, y, None), desk.store("b", *made(1, ["s2"])))
    assert "disjoint: []" in caught.value.remedy


def test_a_person_without_whom_one_class_is_left_is_named(desk):
    X = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    source = desk.store("a", X, ["negative", "negative", "positive", "surprise"], ["s1", "s1", "s2", "s2"])
    with pytest.raises(CdmerError, match="without s2 one class is left"):
        desk.run(source, desk.store("b", X, ["negative", "positive", "surprise", "surprise"], ["s2"] * 4))
