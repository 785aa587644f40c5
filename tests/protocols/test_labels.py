"""The label rules, against the counts that the papers print and the official list of MEGC 2019."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from cdmer.errors import CdmerError
from cdmer.protocols.labels import LABEL_RULES, labels

# emotions of the coding sheets: CASME II of 2014-05-08, SAMM's FACS codes 2
CASME2 = {"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2}
SAMM = {
    "anger": 57, "happiness": 26, "other": 26, "surprise": 15, "contempt": 12, "disgust": 9, "fear": 8, "sadness": 6,
}  # fmt: skip
WITHOUT_APEX = ["sub04/EP12_01f", "sub05/EP09_05f"]  # both are disgust
MEGC_CLASSES = ("negative", "positive", "surprise")


def table(counts: dict[str, int]) -> tuple[list[str], list[str]]:
    """Clips and emotions of a sheet with those counts; the first two clips of disgust are the two of CASME II."""
    emotions = [emotion for emotion, count in counts.items() for _ in range(count)]
    clips = [f"sub{index:03d}/EP01_01" for index in range(len(emotions))]
    first = emotions.index("disgust")
    clips[first : first + 2] = WITHOUT_APEX
    return clips, emotions


@pytest.mark.parametrize(
    ("rule", "database", "sheet", "negative", "positive", "surprise"),
    [
        ("disgust_sadness_fear", "casme2", CASME2, 72, 32, 25),
        ("disgust_repression", "casme2", CASME2, 90, 32, 25),
        ("megc2019", "casme2", CASME2, 88, 32, 25),
        ("megc2019", "samm", SAMM, 92, 26, 15),
        # the benchmark's own features: a version with one more clip of disgust
        ("disgust_sadness_fear", "casme2", {**CASME2, "disgust": 64}, 73, 32, 25),
        ("disgust_repression", "casme2", {**CASME2, "disgust": 64}, 91, 32, 25),
    ],
)
def test_the_rules_give_the_published_counts(
    rule: str, database: str, sheet: dict[str, int], negative: int, positive: int, surprise: int
) -> None:
    clips, emotions = table(sheet)
    given = labels(rule, database, clips, emotions)
    assert len(given) == len(clips)
    assert Counter(given) - Counter({None: len(clips)}) == {
        "negative": negative, "positive": positive, "surprise": surprise,
    }  # fmt: skip


@pytest.mark.parametrize("rule", LABEL_RULES[:3])
def test_smic_s_own_classes_are_kept(rule: str) -> None:
    assert labels(rule, "smic_hs", ["a", "b", "c"], ["surprise", "negative", "positive"]) == [
        "surprise", "negative", "positive",
    ]  # fmt: skip


def test_only_the_composite_leaves_the_two_clips_out() -> None:
    for rule, expected in (
        ("disgust_sadness_fear", "negative"),
        ("disgust_repression", "negative"),
        ("megc2019", None),
    ):
        assert labels(rule, "casme2", WITHOUT_APEX, ["disgust", "disgust"]) == [expected] * 2


@pytest.mark.parametrize(
    ("rule", "database", "emotion", "problem", "remedy"),
    [
        ("megc2020", "casme2", "fear", "no label rule 'megc2020'", "megc2019"),
        ("megc2019", "smic_vis", "negative", "smic_vis has no part in MEGC 2019", "smic_hs, casme2, samm"),
        ("megc2019", "casme2", "joy", "clip sub01/x has the emotion 'joy'", "happiness"),
        ("megc2019", "samm", None, "emotion None", "contempt"),
        ("disgust_repression", "samm", "anger", "samm has no part in CDMER", "casme2"),
        ("disgust_repression", "casme2", "joy", "'joy'", "happiness"),
    ],
)
def test_what_a_rule_does_not_know_is_named(
    rule: str, database: str, emotion: str | None, problem: str, remedy: str
) -> None:
    with pytest.raises(CdmerError) as caught:
        labels(rule, database, ["sub01/x"], [emotion])
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


def test_clips_and_emotions_belong_together() -> None:
    with pytest.raises(ValueError, match="2 clips and 1 words"):
        labels("megc2019", "casme2", ["a", "b"], ["fear"])


def test_the_composite_is_the_official_list(real: Path) -> None:
    with open(real / "megc2019" / "combined_3class_gt.csv", newline="") as lines:
        official = [row for row in csv.reader(lines) if any(row)]
    assert len(official) == 442
    for database, sheet in (("casme2", CASME2), ("samm", SAMM)):
        listed = Counter(MEGC_CLASSES[int(row[3])] for row in official if row[0] == database)
        given = Counter(labels("megc2019", database, *table(sheet)))
        del given[None]
        assert given == listed
    names = {f"{subject}/{clip}" for database, subject, clip, _ in official if database == "casme2"}
    assert not names & set(WITHOUT_APEX)
    smic = [(clip, MEGC_CLASSES[int(label)]) for database, _, clip, label in official if database == "smic"]
    words = {"ne": "negative", "po": "positive", "sur": "surprise"}
    clips = [clip for clip, _ in smic]
    assert labels("megc2019", "smic_hs", clips, [words[clip.split("_")[1]] for clip in clips]) == [c for _, c in smic]
