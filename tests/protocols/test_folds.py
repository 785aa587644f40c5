"""Leave one subject out, against the official list of MEGC 2019 and the counts that the papers print."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cdmer.errors import CdmerError
from cdmer.protocols import composite_folds, leave_one_subject_out, single_folds, single_tasks
from cdmer.protocols.tasks import COMPOSITE, task_named

OFFICIAL = Path("megc2019") / "combined_3class_gt.csv"
# the released sheets: CASME II of 2014 and SAMM's FACS codes 2, emotions and objective classes
CASME2 = {"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2}
SAMM = {
    "anger": 57, "happiness": 26, "other": 26, "surprise": 15, "contempt": 12, "disgust": 9, "fear": 8, "sadness": 6,
}  # fmt: skip
CASME2_OBJECTIVE = {"I": 25, "II": 15, "III": 99, "IV": 26, "V": 20, "VI": 1, "VII": 69}
SAMM_OBJECTIVE = {"I": 24, "II": 13, "III": 20, "IV": 8, "V": 3, "VI": 7, "VII": 84}
SMIC = {"negative": 70, "positive": 51, "surprise": 43}


def manifest(database, emotions, objective=None, subjects=4):
    words = [word for word, count in emotions.items() for _ in range(count)]
    classes = [word for word, count in (objective or {}).items() for _ in range(count)]
    people = [f"sub{index % subjects + 1:02d}" for index in range(len(words))]
    table = pd.DataFrame(
        {
            "database": database,
            "subject": people,
            "clip": [f"{person}/{index:03d}" for index, person in enumerate(people)],
            "emotion": words,
        }
    )
    return table.assign(objective_class=classes) if classes else table


def check(folds, names, expected):
    """Every clip tests once, nobody trains on himself."""
    tested = np.concatenate([test for _, _, test in folds])
    assert sorted(tested) == sorted(set(tested)) == sorted(expected)
    for name, train, test in folds:
        assert sorted([*train, *test]) == sorted(expected)
        assert {names[row] for row in test} == {name}
        assert name not in {names[row] for row in train}


@pytest.fixture
def official(real):
    table = pd.read_csv(real / OFFICIAL, header=None, names=["database", "subject", "clip", "label"], dtype=str)
    return table.assign(emotion=table["label"].map({"0": "negative", "1": "positive", "2": "surprise"}))


def test_the_composite_has_the_official_clips_and_folds(official):
    folds = list(composite_folds(official))
    assert len(folds) == 68
    names = (official["database"].replace("smic", "smic_hs") + "/" + official["subject"]).tolist()
    check(folds, names, range(442))
    assert Counter(name.split("/")[0] for name, _, _ in folds) == {"smic_hs": 16, "casme2": 24, "samm": 28}


def test_the_composite_leaves_out_what_the_official_list_leaves_out():
    casme2 = manifest("casme2", CASME2)
    disgust = casme2.index[casme2["emotion"] == "disgust"][:2]
    casme2.loc[disgust, "clip"] = ["sub04/EP12_01f", "sub05/EP09_05f"]
    whole = pd.concat(
        [manifest("smic_vis", SMIC), casme2, manifest("samm", SAMM), manifest("smic_hs", SMIC)], ignore_index=True
    )
    folds = list(composite_folds(whole))
    tested = whole.iloc[np.concatenate([test for _, _, test in folds])]
    assert Counter(tested["database"]) == {"smic_hs": 164, "casme2": 145, "samm": 133}
    assert not set(disgust + 164) & set(tested.index)
    check(folds, (whole["database"] + "/" + whole["subject"]).tolist(), tested.index)


@pytest.mark.parametrize(
    ("name", "emotions", "objective", "counts"),
    [
        ("smic_hs_3", SMIC, None, SMIC),
        ("casme2_3", CASME2, None, {"negative": 90, "positive": 32, "surprise": 25}),  # 88 by the two clips' names
        ("samm_3", SAMM, None, {"negative": 92, "positive": 26, "surprise": 15}),
        ("casme2_4", CASME2, None, {"negative": 72, "positive": 32, "surprise": 25, "others": 126}),
        ("samm_4", SAMM, None, {"negative": 92, "positive": 26, "surprise": 15, "others": 26}),
        ("casme2_5", CASME2, None, {"happiness": 32, "surprise": 25, "disgust": 63, "repression": 27, "others": 99}),
        ("samm_5", SAMM, None, {"happiness": 26, "anger": 57, "contempt": 12, "surprise": 15, "others": 26}),
        ("casme2_objective", CASME2, CASME2_OBJECTIVE, {"I": 25, "II": 15, "III": 99, "IV": 26, "V": 20}),
        ("samm_objective", SAMM, SAMM_OBJECTIVE, {"I": 24, "II": 13, "III": 20, "IV": 8, "V": 3}),
    ],
)
def test_the_single_database_tasks_have_the_published_counts(name, emotions, objective, counts):
    task = task_named(name)
    table = manifest(task.databases[0], emotions, objective)
    folds = list(single_folds(table, task))
    tested = np.concatenate([test for _, _, test in folds])
    words = dict(zip(table["clip"], table[task.words], strict=True))
    label = task.labels(task.databases[0], words)
    assert Counter(label[clip] for clip in table["clip"].iloc[tested]) == counts
    assert set(counts) == set(task.classes)
    check(folds, table["subject"].tolist(), tested)


def test_the_tasks_are_those_of_the_papers():
    assert [task.name for task in single_tasks()] == [
        *("smic_hs_3", "casme2_3", "samm_3", "casme2_4", "samm_4", "casme2_5", "samm_5"),
        *("casme2_objective", "samm_objective"),
    ]
    assert COMPOSITE.classes == ("negative", "positive", "surprise")


def test_without_a_task_every_clip_of_a_database_is_tested():
    table = manifest("casme2", CASME2)
    check(list(single_folds(table)), table["subject"].tolist(), range(255))


def test_people_of_one_name_in_two_databases_are_two_people():
    both = pd.concat([manifest("casme2", {"disgust": 4}), manifest("smic_hs", {"negative": 4})], ignore_index=True)
    assert [name for name, _, _ in composite_folds(both)] == [
        *(f"casme2/sub0{n}" for n in range(1, 5)),
        *(f"smic_hs/sub0{n}" for n in range(1, 5)),
    ]


def test_folds_are_plain_sets_of_indices():
    assert [(name, train.tolist(), test.tolist()) for name, train, test in leave_one_subject_out(["b", "a", "b"])] == [
        ("a", [0, 2], [1]),
        ("b", [1], [0, 2]),
    ]


def test_faults_are_named():
    table = manifest("casme2", {"disgust": 3})
    with pytest.raises(CdmerError, match=r"clip sub02/001 has no subject"):
        list(single_folds(table.assign(subject=["sub01", None, "sub03"])))
    with pytest.raises(CdmerError, match="no column 'subject'"):
        list(composite_folds(table.drop(columns="subject")))
    with pytest.raises(CdmerError, match="casme2, samm"):
        list(single_folds(pd.concat([table, manifest("samm", {"anger": 1})])))
    with pytest.raises(CdmerError, match="no clip takes part in the composite"):
        list(composite_folds(table.assign(database="smic_vis")))
    with pytest.raises(CdmerError, match="casme2: clip sub01/000 has the emotion 'joy'"):
        list(composite_folds(table.assign(emotion="joy")))
    with pytest.raises(CdmerError, match="no task 'casme2_6'"):
        task_named("casme2_6")
    with pytest.raises(CdmerError, match=r"clip sub01/000 has no database \(1 such\)"):
        list(single_folds(table.assign(database=pd.array([pd.NA, "casme2", "casme2"], dtype="string"))))


def test_a_clip_that_is_listed_twice_is_refused(official):
    with pytest.raises(CdmerError, match=r"clip \S+ of \S+ is listed twice \(164 such\)"):
        list(composite_folds(pd.concat([official, official])))
    table = manifest("casme2", {"disgust": 6})
    with pytest.raises(CdmerError, match=r"clip sub03/002 of sub03 is listed twice \(1 such\)"):
        list(single_folds(pd.concat([table, table.iloc[[2]]]), task_named("casme2_5")))
    other = manifest("smic_vis", SMIC)
    assert len(list(composite_folds(pd.concat([table, other, other])))) == 4  # of databases that take no part


@pytest.mark.parametrize("empty", ["", "  ", None])
def test_an_empty_subject_is_nobody(empty):
    table = manifest("casme2", {"disgust": 3}).assign(subject=["sub01", empty, "sub03"])
    for folds in (single_folds(table), composite_folds(table)):
        with pytest.raises(CdmerError, match=r"clip sub02/001 has no subject \(1 such\)"):
            list(folds)


def test_one_person_alone_makes_no_fold():
    table = manifest("casme2", {"disgust": 3}, subjects=1)
    with pytest.raises(CdmerError, match="all clips that take part show sub01") as caught:
        list(single_folds(table))
    assert "two people" in caught.value.remedy
    with pytest.raises(CdmerError, match="all clips that take part show casme2/sub01"):
        list(composite_folds(table))


def test_a_task_takes_no_rows_of_another_database():
    with pytest.raises(CdmerError, match="samm has no part in smic_hs_3") as caught:
        list(single_folds(manifest("samm", SAMM).drop(columns="emotion"), task_named("smic_hs_3")))
    assert "smic_hs" in caught.value.remedy


def test_what_is_wrong_with_a_database_that_takes_no_part_stops_nothing():
    table = manifest("casme2", {"disgust": 4})
    other = manifest("casme3", {"joy": 2}).assign(subject=None)
    assert [name for name, _, _ in composite_folds(pd.concat([other, table]))] == [
        f"casme2/sub0{number}" for number in range(1, 5)
    ]
