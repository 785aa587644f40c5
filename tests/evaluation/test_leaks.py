"""Leaks that were put there are found and told, and nothing else; of the experiments between two databases."""

import numpy as np
import pandas as pd
import pytest

from cdmer.databases.manifest import make_manifest, write_manifest
from cdmer.evaluation.leak_jobs import find_disjoint_leaks, find_leaks
from cdmer.evaluation.leaks import (
    ADAPTING,
    ALONE,
    CAMERAS,
    COPIES,
    ONCE,
    ORACLE,
    PEOPLE,
    UNNAMED,
    Shown,
    between_sides,
    judged_once,
    leak_notes,
)
from cdmer.protocols.loso import train_folds
from cdmer.store.feature_store import FeatureStore

WORDS = ("negative", "positive", "surprise")
SVM = {"module": "cdmer.adaptation.svm", "estimator": "SVM", "parameters": {"C": 1.0}, "columns": None}


def answers(clips, target=None, selection="default", predicted="negative", **more):
    columns = {"round": 1, "selection": selection, "point": "", "clip": clips, "subject": "", "label": "negative"}
    return pd.DataFrame({**columns, "predicted": predicted, **more})


@pytest.fixture
def leaks(tmp_path):
    """What is found between two databases, given as (name, subjects, features), and models that answered."""

    def find(*sides, experiment="V->N", models=None, job=find_leaks):
        stores, clips = [], {}
        for name, subjects, X in sides:
            recipe = {"descriptor": {"method": "lbp_top", "parameters": {}}}
            provenance = {"feature": "f", "database": name, "recipe": recipe, "code_digest": "c"}
            names = [subject or "clip" for subject in subjects]
            clips[name] = [f"{subject}/{subject}_ne_{index:02d}" for index, subject in enumerate(names)]
            labels = [WORDS[index % 2] for index in range(len(names))]
            features = np.asarray(X, float)
            FeatureStore.write(
                tmp_path / f"{name}.h5", features, clips[name], subjects, label=labels, provenance=provenance
            )
            stores.append(str(tmp_path / f"{name}.h5"))
        names = [name for name, _, _ in sides]
        told = {}
        for model, (make, about) in (models or {"TCA": (answers, {"adapts": True, "fit": None})}).items():
            make(clips[names[1]]).to_csv(tmp_path / f"{model}.csv", index=False)
            told[model] = {"predictions": str(tmp_path / f"{model}.csv"), **about}
        part = {"experiment": experiment, "feature": "f", "databases": names, "stores": stores, "models": told}
        own = {"protocol": "cdmer"} if job is find_leaks else {}
        job(tmp_path / "leaks.csv", parts=[part], casme2_negative="disgust_sadness_fear", **own)
        return pd.read_csv(tmp_path / "leaks.csv")

    return find


def count(table, check):
    return table.loc[table["check"] == check, ["count", "of"]].values.tolist()


def test_the_subsets_of_smic_show_the_same_people(leaks):
    table = leaks(("smic_vis", ["s1", "s2", "s2"], [[1], [2], [3]]), ("smic_nir", ["s2", "s3"], [[4], [5]]))
    assert count(table, PEOPLE) == [[1, 2]]
    assert count(table, CAMERAS) == [[0, 2]]
    assert count(table, COPIES) == [[0, 2]]
    assert count(table, ONCE) == [[0, 2]]
    assert leak_notes(table) == [
        f"Leak: {PEOPLE}: V->N (1 of 2).",
        f"Checked: {CAMERAS}: in no experiment, 0 of 2.",
        f"Checked: {COPIES}: in no experiment, 0 of 2.",
        f"Checked: {ONCE}: in no experiment, 0 of 2.",
        f"Checked: {ORACLE}: of 0 of 1 models.",
        f"Allowed: {ADAPTING}: 1 of 1 models.",
    ]


def test_one_event_before_two_cameras(leaks):
    table = leaks(("smic_vis", ["s1", "s2"], [[1], [2]]), ("smic_nir", ["s1", "s2"], [[3], [4]]))
    assert count(table, CAMERAS) == [[2, 2]]
    assert "smic/s1/s1_ne_00" in table.loc[table["check"] == CAMERAS, "detail"].iloc[0]


def test_people_of_one_name_in_other_databases_are_others(leaks):
    table = leaks(("casme2", ["s1"], [[1]]), ("smic_nir", ["s1"], [[2]]))
    assert count(table, PEOPLE) == [[0, 1]]
    assert count(table, CAMERAS) == [[0, 1]]


def test_a_copied_clip_is_found_by_its_features(leaks):
    table = leaks(("casme2", ["a", "b"], [[1, 2], [3, 4]]), ("smic_nir", ["s1", "s2"], [[3, 4], [5, 6]]))
    assert count(table, COPIES) == [[1, 2]]
    assert table.loc[table["check"] == COPIES, "detail"].iloc[0] == "casme2/b/b_ne_01=smic_nir/s1/s1_ne_00"


def test_a_release_without_names_is_said_not_to_be_checked(leaks):
    table = leaks(("smic_vis", [None, None], [[1], [2]]), ("smic_nir", ["s1"], [[3]]))
    assert np.isnan(count(table, PEOPLE)).all()
    assert leak_notes(table)[0] == (
        f"Not to be checked in V->N, whether {PEOPLE}: the release of smic_vis names nobody."
    )


def test_two_tested_copies_of_one_training_clip_are_two(leaks):
    table = leaks(("casme2", ["a"], [[3, 4]]), ("smic_nir", ["s1", "s2", "s3"], [[3, 4], [5, 6], [3, 4]]))
    assert count(table, COPIES) == [[2, 3]]
    assert table.loc[table["check"] == COPIES, "detail"].iloc[0] == (
        "casme2/a/a_ne_00=smic_nir/s1/s1_ne_00 casme2/a/a_ne_00=smic_nir/s3/s3_ne_02"
    )


def test_one_clip_without_a_name_leaves_the_others_to_be_checked(leaks):
    table = leaks(("smic_vis", ["s1", "s2", None], [[1], [2], [3]]), ("smic_nir", ["s1", "s2", "s3"], [[4], [5], [6]]))
    assert count(table, PEOPLE) == [[2, 3]]
    assert count(table, CAMERAS) == [[2, 3]]
    assert count(table, UNNAMED) == [[1, 6]]
    assert leak_notes(table)[0] == (
        "Not to be checked for people and recordings: 1 of 6 clips of V->N, which name nobody."
    )
    assert count(leaks(("smic_vis", ["s1"], [[1]]), ("smic_nir", ["s1"], [[4]])), UNNAMED) == []


def test_the_case_of_a_database_s_names_makes_nobody_another(leaks):
    table = leaks(("smic_vis", ["S01", "Ann"], [[1], [2]]), ("smic_nir", ["s01", "ann"], [[3], [4]]))
    assert count(table, PEOPLE) == [[1, 2]]  # a user's own names are left as they are
    assert count(table, CAMERAS) == [[1, 2]]


def test_models_whose_points_the_target_s_labels_chose_are_counted_in_their_answers(leaks):
    sides = ("casme2", ["a"], [[1]]), ("smic_nir", ["s1"], [[2]])

    def both(clips):
        return pd.concat([answers(clips), answers(clips, selection="oracle")])

    adapting = {"adapts": True, "fit": None}
    table = leaks(*sides, models={"TCA": (both, adapting), "GFK": (answers, adapting)})
    assert table[table["experiment"] == "all"].set_index("check")["detail"].to_dict() == {
        ORACLE: "TCA",
        ADAPTING: "GFK TCA",
    }
    assert f"Leak: {ORACLE}: in the rows `oracle` of 1 of 2 models, which stand apart for that." in leak_notes(table)


def test_a_clip_that_is_judged_twice_or_not_at_all_is_found(leaks):
    sides = ("casme2", ["a"], [[1]]), ("smic_nir", ["s1", "s2", "s3"], [[2], [3], [4]])
    table = leaks(
        *sides, models={"TCA": (lambda clips: answers([*clips[:2], clips[0]]), {"adapts": True, "fit": None})}
    )
    assert count(table, ONCE) == [[2, 3]]  # the first twice, the third never
    assert judged_once(["a", "b"], [["a", "b", "c"]])["count"] == 1  # a stranger
    assert judged_once(["a", "a"], [["a"]])["count"] == 1  # two folds test it


RNG = np.random.default_rng(5)
SOURCE = RNG.normal(size=(12, 3))
TARGET = RNG.normal(size=(8, 3)) * [1, 1, 9] + [0, 40, 0]


def scored(by_mean_of_target):
    """Answers of scikit-learn's machine, of target features as they are, or less their own mean: a leak."""
    from sklearn.svm import SVC

    machine = SVC(kernel="linear").fit(SOURCE, [WORDS[index % 2] for index in range(12)])
    return machine.predict(TARGET - TARGET.mean(0) if by_mean_of_target else TARGET)


@pytest.mark.parametrize("leaking", [False, True])
def test_a_normalisation_that_was_fitted_on_test_clips_is_found(leaks, leaking):
    sides = ("casme2", ["a"] * 12, SOURCE), ("smic_nir", ["s1"] * 8, TARGET)
    about = {"adapts": False, "fit": SVM}
    table = leaks(*sides, models={"SVM": (lambda clips: answers(clips, predicted=scored(leaking)), about)})
    different = int((scored(True) != scored(False)).sum())
    assert different > 0
    assert count(table, ALONE) == [[different if leaking else 0, 8]]


def test_a_network_is_said_not_to_be_trained_again(leaks):
    sides = ("casme2", ["a"], [[1]]), ("smic_nir", ["s1"], [[2]])
    table = leaks(*sides, models={"STSTNet": (answers, {"adapts": False, "fit": None})})
    assert np.isnan(count(table, ALONE)).all()
    assert any(note.endswith("STSTNet is a network, which is not trained again.") for note in leak_notes(table))


@pytest.mark.parametrize(("left_out", "expected"), [("s2", 0), ("", 1)])
def test_the_disjoint_variant_is_checked_by_who_its_answers_say_was_left_out(leaks, left_out, expected):
    """The third person of the target is nobody's double; the second is in the source unless left out of it."""
    sides = ("smic_vis", ["s1", "s2"], [[1], [2]]), ("smic_nir", ["s2", "s3"], [[3], [4]])

    def told(clips):
        return answers(clips, experiment="V->N", without=[left_out, ""])

    table = leaks(*sides, models={"SVM": (told, {})}, job=find_disjoint_leaks)
    assert count(table, PEOPLE) == [[expected, 2]]
    assert count(table, CAMERAS) == [[0, 2]]
    assert count(table, ONCE) == [[0, 2]]


def test_folds_are_counted_one_by_one():
    """Three clips of two people: with the person left out nobody is on both sides, with a clip left out one is."""
    shown = Shown(*(np.array(column, object) for column in (["samm"] * 3, list("abc"), list("112"), list("xyz"))))
    everybody = np.arange(3)
    by_person = [(everybody[2:], everybody[:2]), (everybody[:2], everybody[2:])]
    by_clip = [(np.delete(everybody, row), everybody[[row]]) for row in everybody]
    assert next(iter(between_sides(shown, by_person)))["count"] == 0
    assert next(iter(between_sides(shown, by_person)))["of"] == 2
    found = next(iter(between_sides(shown, by_clip)))
    assert (found["count"], found["of"], found["detail"]) == (2, 3, "samm/1 samm/1")


@pytest.fixture
def composite(tmp_path):
    """What is found in the composite of three databases, two people each, of a machine trained in its folds."""

    def find(copied=False, folds=None, monkeypatch=None):
        rng = np.random.default_rng(1)
        stores, manifests = [], []
        for name, words in (("smic_hs", WORDS), ("casme2", ("disgust", "happiness", "surprise")), ("samm", None)):
            emotions = (words or ("anger", "happiness", "surprise")) * 2
            subjects = ["1"] * 3 + ["2"] * 3
            clips = [f"{name}{index}" for index in range(6)]
            X = rng.normal(size=(6, 4))
            if copied and name != "smic_hs":
                X[0] = 1.0  # one clip of CASME II is in SAMM too
            rows = [
                {
                    "clip": clip, "database": name, "subject": subject, "path": "p", "first_frame": 1, "onset": 1,
                    "offset": 9, "n_frames": 9, "fps": 100.0, "emotion": emotion,
                }
                for clip, subject, emotion in zip(clips, subjects, emotions, strict=True)
            ]  # fmt: skip
            stores.append(tmp_path / f"{name}.h5")
            manifests.append(tmp_path / f"{name}.csv")
            write_manifest(make_manifest(rows, "here"), manifests[-1])
            about = {"feature": "f", "database": name, "recipe": {}, "code_digest": "c"}
            FeatureStore.write(stores[-1], X, clips, subjects, list(emotions), provenance=about)
        told = tmp_path / "p.csv"
        estimator = {name: SVM[name] for name in ("module", "estimator", "parameters")}
        train_folds(told, tmp_path / "m.json", stores=stores, manifests=manifests, task="composite", **estimator)
        if folds:
            monkeypatch.setattr("cdmer.evaluation.leak_jobs.folds_of", folds)
        part = {
            "experiment": "composite", "task": "composite", "feature": "f", "manifests": manifests, "stores": stores,
            "databases": ["smic_hs", "casme2", "samm"],
            "models": {"SVM": {"predictions": told, "adapts": False, "fit": SVM}},
        }  # fmt: skip
        find_leaks(tmp_path / "l.csv", protocol="cde", parts=[part], casme2_negative="disgust_sadness_fear")
        return pd.read_csv(tmp_path / "l.csv")

    return find


def test_of_one_subject_left_out_nobody_is_on_both_sides_because_somebody_counted(composite):
    """Subject 1 of three databases is three people."""
    table = composite()
    assert count(table, PEOPLE) == [[0, 6]]
    assert [count(table, check) for check in (CAMERAS, COPIES, ALONE, ONCE)] == [[[0, 18]]] * 4
    assert count(table, ADAPTING) == [[0, 1]]
    assert f"Checked: {PEOPLE}: in no experiment, 0 of 6." in leak_notes(table)


def test_of_one_clip_left_out_everybody_is_on_both_sides(composite, monkeypatch):
    rows = np.arange(18)
    table = composite(
        folds=lambda *_: [("", np.delete(rows, row), rows[[row]]) for row in rows], monkeypatch=monkeypatch
    )
    assert count(table, PEOPLE) == [[18, 18]]
    assert count(table, CAMERAS) == [[0, 18]]


def test_a_clip_that_two_databases_have_is_found_in_the_fold_of_each(composite):
    table = composite(copied=True)
    assert count(table, COPIES) == [[2, 18]]
    assert "casme2/casme20=samm/samm0" in table.loc[table["check"] == COPIES, "detail"].iloc[0]
