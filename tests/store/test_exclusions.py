"""The list of clips that were left out."""

import numpy as np
import pandas as pd
import pytest

from cdmer.store.exclusions import list_exclusions
from cdmer.store.feature_store import FeatureStore

NO_FACE = 'no face on the onset frame 46, see "faces"'
PROVENANCE = {"feature": "f", "database": "d", "recipe": {}, "code_digest": "c"}


@pytest.fixture
def store(tmp_path):
    def write(feature, database, *excluded):
        path = tmp_path / feature / f"{database}.h5"
        FeatureStore.write(path, np.ones((1, 2)), ["kept"], provenance=PROVENANCE, excluded=excluded)
        return path

    return write


def test_one_row_a_clip_in_an_order_that_does_not_depend_on_the_stores(store, tmp_path):
    stores = [
        store("lbp", "smic_vis", ("s2_ne_01", "s2", "faces", NO_FACE)),
        store("lbp", "casme2", ("sub02/b", "sub02", "frames", "1 frame, 2 needed"), ("sub01/a", "sub01", "faces", "x")),
        store("lbp", "samm"),
    ]
    written = []
    for order in (stores, stores[::-1]):
        list_exclusions(order, tmp_path / "exclusions.csv")
        written.append((tmp_path / "exclusions.csv").read_bytes())
    assert written[0] == written[1]
    assert pd.read_csv(tmp_path / "exclusions.csv").to_numpy().tolist() == [
        ["casme2", "sub01", "sub01/a", "faces", "x"],
        ["casme2", "sub02", "sub02/b", "frames", "1 frame, 2 needed"],
        ["smic_vis", "s2", "s2_ne_01", "faces", NO_FACE],
    ]


def test_a_clip_that_several_features_lack_is_listed_once(store, tmp_path):
    stores = [store(feature, "casme2", ("sub01/a", "sub01", "faces", NO_FACE)) for feature in ("lbp", "hog")]
    list_exclusions(stores, tmp_path / "exclusions.csv")
    assert len(pd.read_csv(tmp_path / "exclusions.csv")) == 1


def test_clips_of_the_same_name_in_two_databases_are_two(store, tmp_path):
    stores = [store("lbp", database, ("s1_ne_01", "s1", "faces", NO_FACE)) for database in ("smic_vis", "smic_nir")]
    list_exclusions(stores, tmp_path / "exclusions.csv")
    assert pd.read_csv(tmp_path / "exclusions.csv")["database"].tolist() == ["smic_nir", "smic_vis"]


def test_where_every_clip_was_used_only_the_header_is_written(store, tmp_path):
    list_exclusions([store("lbp", "samm")], tmp_path / "exclusions.csv")
    assert (tmp_path / "exclusions.csv").read_text() == "database,subject,clip,stage,reason\n"


def test_a_clip_without_a_subject_is_listed_with_none(store, tmp_path):
    stores = [store("lbp", "vis", ("a", None, "faces", "x")), store("lbp", "nir", ("b", "s1", "faces", "x"))]
    list_exclusions(stores, tmp_path / "exclusions.csv")
    assert "vis,,a,faces,x\n" in (tmp_path / "exclusions.csv").read_text()
