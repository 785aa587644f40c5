"""What the releases hold, against counts printed elsewhere and the official list of MEGC 2019."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from cdmer.databases.releases import RELEASES, SMIC_CLIPS, Counts, Release


@pytest.mark.parametrize(
    ("database", "clips", "subjects"),
    [
        ("smic_hs", 164, 16), ("smic_vis", 71, 8), ("smic_nir", 71, 8), ("casme2", 255, 26), ("samm", 159, 29),
        ("smic_hs_e", 166, 16), ("smic_vis_e", 76, 8),
    ],
)  # fmt: skip
def test_every_way_of_counting_gives_the_same_sum(database: str, clips: int, subjects: int) -> None:
    for release in RELEASES[database]:
        assert (release.clips, release.subjects) == (clips, subjects)
        for counts in (release.emotions, release.per_subject, release.objective_classes):
            assert not counts or sum(counts.values()) == clips
        assert not release.per_subject or len(release.per_subject) == subjects


def test_classes_of_smic_are_the_benchmark_s() -> None:
    assert RELEASES["smic_hs"][0].emotions == {"negative": 70, "positive": 51, "surprise": 43}
    for subset in ("smic_vis", "smic_nir"):
        assert RELEASES[subset][0].emotions == {"negative": 23, "positive": 28, "surprise": 20}


def test_clips_a_subject_of_smic_are_those_of_the_official_list(real: Path) -> None:
    with open(real / "megc2019" / "combined_3class_gt.csv", newline="") as lines:
        listed = Counter((row[1], int(row[3])) for row in csv.reader(lines) if any(row) and row[0] == "smic")
    known = {(f"s{number:02d}", label): n for number, counts in SMIC_CLIPS.items() for label, n in enumerate(counts)}
    assert {key: n for key, n in known.items() if n} == listed


TOY = Release("toy", 3, 2, {"fear": 2, "joy": 1}, {"a": 2, "b": 1}, {"I": 3})


def test_differences_name_what_is_too_many_and_too_few() -> None:
    assert TOY.differences(Counts({"a": 2, "b": 1}, {"fear": 2, "joy": 1}, {"I": 3})) == []
    assert TOY.differences(Counts({"a": 2, "b": 1}, {"fear": 2, "joy": 1}, {})) == []  # it need not say classes
    assert TOY.differences(Counts({"a": 1, "c": 3}, {"fear": 3, "calm": 1}, {"I": 3, "II": 1})) == [
        "4 clips, of 3 released",
        "clips (in brackets as released): a 1 (2), c 3 (0)",
        "emotions (in brackets as released): fear 3 (2), joy 0 (1), calm 1 (0)",
        "objective classes (in brackets as released): II 1 (0)",
    ]
    assert TOY.differences(Counts({"a": 2}, {}, {})) == [
        "2 clips, of 3 released",
        "1 subjects, of 2 released, without b",
    ]


def test_distance_counts_clips() -> None:
    assert TOY.distance(Counts({"a": 2, "b": 1}, {"fear": 1, "joy": 1, "calm": 1}, {})) == 2
    assert TOY.distance(Counts({"a": 1, "c": 3}, {"fear": 2, "joy": 1}, {"I": 2, "II": 1})) == 1 + 1 + 3 + 1 + 1
