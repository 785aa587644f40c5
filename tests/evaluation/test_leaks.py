"""Leaks that were put there are found and told, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from cdmer.evaluation.leaks import find_leaks, leak_notes
from cdmer.store.feature_store import FeatureStore

PEOPLE = "people of the target are in the source"
NAMESAKE = "a recording of the target has its namesake in the source"
COPY = "a clip of the target has the same features as one of the source"


@pytest.fixture
def leaks(tmp_path):
    """What is found between two databases, given as (name, subjects, features)."""

    def find(*sides, experiment="V->N", selection=("default",), adapting=()):
        stores = []
        for name, subjects, X in sides:
            provenance = {"feature": "f", "database": name, "recipe": {}, "code_digest": "c"}
            names = [subject or "clip" for subject in subjects]
            clips = [f"{subject}/{subject}_ne_{index:02d}" for index, subject in enumerate(names)]
            FeatureStore.write(tmp_path / f"{name}.h5", np.asarray(X, float), clips, subjects, provenance=provenance)
            stores.append(str(tmp_path / f"{name}.h5"))
        names = [name for name, _, _ in sides]
        pairs = [{"experiment": experiment, "feature": "f", "databases": names, "stores": stores}]
        find_leaks(tmp_path / "leaks.csv", pairs=pairs, selection=selection, adapting=adapting)
        return pd.read_csv(tmp_path / "leaks.csv")

    return find


def count(table, check):
    return table.loc[table["check"] == check, ["count", "of"]].values.tolist()


def test_the_subsets_of_smic_show_the_same_people(leaks):
    table = leaks(("smic_vis", ["s1", "s2", "s2"], [[1], [2], [3]]), ("smic_nir", ["s2", "s3"], [[4], [5]]))
    assert count(table, PEOPLE) == [[1, 2]]
    assert count(table, NAMESAKE) == [[0, 2]]
    assert count(table, COPY) == [[0, 2]]
    assert leak_notes(table) == [
        f"Leak: {PEOPLE}: V->N (1 of 2).",
        f"Checked: no experiment where {NAMESAKE}.",
        f"Checked: no experiment where {COPY}.",
    ]


def test_one_event_before_two_cameras(leaks):
    table = leaks(("smic_vis", ["s1", "s2"], [[1], [2]]), ("smic_nir", ["s1", "s2"], [[3], [4]]))
    assert count(table, NAMESAKE) == [[2, 2]]
    assert "smic/s1/s1_ne_00" in table.loc[table["check"] == NAMESAKE, "detail"].iloc[0]


def test_people_of_one_name_in_other_databases_are_others(leaks):
    table = leaks(("casme2", ["s1"], [[1]]), ("smic_nir", ["s1"], [[2]]))
    assert count(table, PEOPLE) == [[0, 1]]


def test_a_copied_clip_is_found_by_its_features(leaks):
    table = leaks(("casme2", ["a", "b"], [[1, 2], [3, 4]]), ("smic_nir", ["s1", "s2"], [[3, 4], [5, 6]]))
    assert count(table, COPY) == [[1, 2]]
    assert table.loc[table["check"] == COPY, "detail"].iloc[0] == "casme2/b/b_ne_01=smic_nir/s1/s1_ne_00"


def test_a_release_without_names_is_said_not_to_be_checked(leaks):
    table = leaks(("smic_vis", [None, None], [[1], [2]]), ("smic_nir", ["s1"], [[3]]))
    assert np.isnan(count(table, PEOPLE)).all()
    assert leak_notes(table)[0] == (f"Not to be checked, for a release names nobody: whether {PEOPLE} in V->N.")


def test_oracles_and_models_that_adapt_are_counted(leaks):
    sides = ("casme2", ["a"], [[1]]), ("smic_nir", ["s1"], [[2]])
    table = leaks(*sides, selection=("default", "oracle"), adapting=("TCA", "GFK"))
    told = table[table["experiment"] == "all"].set_index("check")["detail"]
    assert told.tolist() == ["oracle", "GFK TCA"]
