"""The cross-database protocol: its twelve experiments, its label rules, its counts."""

from collections import Counter

import pandas as pd
import pytest

from cdmer.databases.cohort.plan import plan_database
from cdmer.errors import CdmerError
from cdmer.protocols import Experiment, cdmer_experiments, cdmer_labels

# CASME II's coding sheet of 2014-05-08: 255 clips; the version with 256 has one disgust more
SHEET = {"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2}


def count(labels):
    counts = Counter(label for label in labels if label)
    return counts["negative"], counts["positive"], counts["surprise"]


def test_the_twelve_experiments_in_the_papers_order():
    """TGSR, Table I: TYPE-I within SMIC, TYPE-II between a subset of SMIC and CASME II."""
    experiments = list(cdmer_experiments())
    assert [(e.number, e.type, e.source, e.target) for e in experiments] == [
        (1, "TYPE-I", "smic_hs", "smic_vis"),
        (2, "TYPE-I", "smic_vis", "smic_hs"),
        (3, "TYPE-I", "smic_hs", "smic_nir"),
        (4, "TYPE-I", "smic_nir", "smic_hs"),
        (5, "TYPE-I", "smic_vis", "smic_nir"),
        (6, "TYPE-I", "smic_nir", "smic_vis"),
        (7, "TYPE-II", "casme2", "smic_hs"),
        (8, "TYPE-II", "smic_hs", "casme2"),
        (9, "TYPE-II", "casme2", "smic_vis"),
        (10, "TYPE-II", "smic_vis", "casme2"),
        (11, "TYPE-II", "casme2", "smic_nir"),
        (12, "TYPE-II", "smic_nir", "casme2"),
    ]
    assert experiments[7] == Experiment(8, "TYPE-II", "H->C", "smic_hs", "casme2")


def test_keys_are_folders():
    assert [e.key for e in cdmer_experiments()][:2] == ["H_to_V", "V_to_H"]
    assert len({e.key for e in cdmer_experiments()}) == 12


@pytest.mark.parametrize(
    ("rule", "disgust", "counts"),
    [
        ("disgust_sadness_fear", 64, (73, 32, 25)),  # 130 clips: the benchmark's own features
        ("disgust_sadness_fear", 63, (72, 32, 25)),  # 129 clips: MADTN's accuracies
        ("disgust_repression", 64, (91, 32, 25)),  # 148 clips: DSCNN's text
        ("disgust_repression", 63, (90, 32, 25)),
    ],
)
def test_the_published_counts_of_casme2(rule, disgust, counts):
    emotions = pd.Series(dict(SHEET, disgust=disgust)).index.repeat(list(dict(SHEET, disgust=disgust).values()))
    labels = cdmer_labels("casme2", list(emotions), rule)
    assert len(labels) == 192 + disgust
    assert count(labels) == counts


def test_labels_keep_the_order_of_the_clips_and_drop_none():
    emotions = ["others", "happiness", "fear", "repression", "surprise", "sadness", "disgust"]
    assert cdmer_labels("casme2", emotions) == [None, "positive", "negative", None, "surprise", "negative", "negative"]
    assert cdmer_labels("casme2", emotions, "disgust_repression") == [
        *(None, "positive", None, "negative", "surprise", None, "negative"),
    ]


@pytest.mark.parametrize("database", ["smic_hs", "smic_vis", "smic_nir", "casme2"])
def test_classes_stay_classes(database):
    """As released features have them; SMIC knows no other words."""
    classes = ["surprise", "negative", "positive"]
    assert cdmer_labels(database, classes) == classes


@pytest.mark.parametrize(
    ("database", "counts"),
    [("smic_hs", (70, 51, 43)), ("smic_vis", (23, 28, 20)), ("smic_nir", (23, 28, 20)), ("casme2", (72, 32, 25))],
)
def test_the_cohort_at_the_papers_scale_has_the_papers_counts(database, counts):
    plan = plan_database(database, "paper", 1)
    emotions = [clip.emotion for subject in plan.subjects for clip in subject.clips]
    assert count(cdmer_labels(database, emotions)) == counts


@pytest.mark.parametrize(
    ("database", "emotion"),
    [("casme2", "anger"), ("casme2", "Happiness"), ("smic_hs", "disgust"), ("smic_vis", "others"), ("casme2", None)],
)
def test_an_unknown_or_missing_emotion_is_an_error(database, emotion):
    with pytest.raises(CdmerError) as caught:
        cdmer_labels(database, ["surprise", emotion])
    assert database in caught.value.problem
    assert repr(emotion) in caught.value.problem
    assert "negative, positive, surprise" in caught.value.remedy


def test_a_database_without_a_part_is_an_error():
    with pytest.raises(CdmerError, match="samm has no part in CDMER"):
        cdmer_labels("samm", ["anger"])


def test_labels_of_a_manifest_with_a_missing_emotion():
    """A column of pandas' own strings: missing is pandas' NA, not None."""
    with pytest.raises(CdmerError, match="does not know the emotion"):
        cdmer_labels("casme2", pd.Series(["fear", pd.NA], dtype="string"))
    assert cdmer_labels("casme2", pd.Series(["fear", "others"], dtype="string")) == ["negative", None]


@pytest.mark.parametrize("database", ["casme2", "smic_hs"])
def test_an_unknown_rule_is_refused_with_the_known_ones(database):
    with pytest.raises(CdmerError, match="no rule 'foo'") as caught:
        cdmer_labels(database, [], "foo")
    assert "disgust_sadness_fear, disgust_repression" in caught.value.remedy
