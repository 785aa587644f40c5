"""What the releases of the databases are known to hold, to tell a whole copy from a part of one.

Counted in the databases' own spreadsheets and, for SMIC, in the list of clips of the MEGC 2019 composite. Plain data:
importing it costs nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Clips per subject: negative, positive, surprise (SMIC-HS; VIS and NIR filmed the subjects from 11 on).
SMIC_CLIPS = {
    1: (3, 2, 1), 2: (0, 1, 5), 3: (22, 11, 6), 4: (10, 4, 5), 5: (1, 0, 1), 6: (2, 0, 2), 8: (9, 4, 0), 9: (0, 1, 3),
    11: (3, 3, 1), 12: (0, 8, 1), 13: (0, 10, 0), 14: (3, 2, 5), 15: (1, 1, 2), 18: (2, 0, 5), 19: (0, 1, 1),
    20: (14, 3, 5),
}  # fmt: skip
SMIC_FIRST_OF_THREE_CAMERAS = 11

CASME2_CLIPS = {
    1: 9, 2: 13, 3: 7, 4: 5, 5: 19, 6: 5, 7: 9, 8: 3, 9: 14, 10: 14, 11: 10, 12: 12, 13: 8, 14: 4, 15: 3, 16: 4, 17: 36,
    18: 3, 19: 16, 20: 11, 21: 2, 22: 2, 23: 12, 24: 10, 25: 7, 26: 17,
}  # fmt: skip
CASME2_EMOTIONS = {
    "others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2,
}  # fmt: skip
SAMM_CLIPS = {
    6: 11, 7: 10, 9: 4, 10: 4, 11: 20, 12: 3, 13: 6, 14: 11, 15: 3, 16: 5, 17: 6, 18: 4, 19: 3, 20: 9, 21: 2, 22: 5,
    23: 1, 24: 1, 25: 4, 26: 13, 28: 3, 30: 3, 31: 1, 32: 6, 33: 5, 34: 3, 35: 9, 36: 1, 37: 3,
}  # fmt: skip
SAMM_EMOTIONS = {
    "anger": 57, "happiness": 26, "other": 26, "surprise": 15, "contempt": 12, "disgust": 9, "fear": 8, "sadness": 6,
}  # fmt: skip


@dataclass(frozen=True)
class Release:
    """What one release holds. An empty mapping is not known."""

    name: str
    clips: int
    subjects: int
    emotions: Mapping[str, int] = field(default_factory=dict)
    per_subject: Mapping[str, int] = field(default_factory=dict)
    objective_classes: Mapping[str, int] = field(default_factory=dict)

    def differences(self, copy: "Counts") -> list[str]:
        """How a copy differs, one line a kind of count; none where it is as released."""
        absent = [subject for subject in self.per_subject if subject not in copy.subjects]
        found = []
        if sum(copy.subjects.values()) != self.clips:
            found.append(f"{sum(copy.subjects.values())} clips, of {self.clips} released")
        if len(copy.subjects) != self.subjects:
            without = f", without {', '.join(absent)}" if absent else ""
            found.append(f"{len(copy.subjects)} subjects, of {self.subjects} released{without}")
        for what, counts, released in self._pairs(copy):
            unequal = [
                f"{word} {counts.get(word, 0)} ({released.get(word, 0)})"
                for word in dict.fromkeys((*released, *counts))
                if counts.get(word, 0) != released.get(word, 0) and word not in absent
            ]
            if unequal:
                found.append(f"{what} (in brackets as released): {', '.join(unequal)}")
        return found

    def distance(self, copy: "Counts") -> int:
        """How many clips, counted in each of the ways, are too many or too few."""
        return sum(
            abs(counts.get(word, 0) - released.get(word, 0))
            for _, counts, released in self._pairs(copy)
            for word in {*counts, *released}
        )

    def _pairs(self, copy: "Counts") -> list[tuple[str, Mapping[str, int], Mapping[str, int]]]:
        """The counts that both sides have."""
        pairs = [
            ("clips", copy.subjects, self.per_subject),
            ("emotions", copy.emotions, self.emotions),
            ("objective classes", copy.objective_classes, self.objective_classes),
        ]
        return [(what, counts, released) for what, counts, released in pairs if counts and released]


@dataclass(frozen=True)
class Counts:
    """What a copy holds: clips of each subject, emotion and objective class; nothing where it does not say."""

    subjects: Mapping[str, int]
    emotions: Mapping[str, int]
    objective_classes: Mapping[str, int]


def _smic(name: str, first_subject: int) -> Release:
    filmed = {f"s{number}": counts for number, counts in SMIC_CLIPS.items() if number >= first_subject}
    classes = zip(("negative", "positive", "surprise"), zip(*filmed.values(), strict=True), strict=True)
    emotions = {emotion: sum(counts) for emotion, counts in classes}
    per_subject = {subject: sum(counts) for subject, counts in filmed.items()}
    return Release(name, sum(per_subject.values()), len(filmed), emotions, per_subject)


def _classes(*counts: int) -> dict[str, int]:
    return dict(zip(("I", "II", "III", "IV", "V", "VI", "VII"), counts, strict=True))


_CASME2_SUBJECTS = {f"sub{number:02d}": clips for number, clips in CASME2_CLIPS.items()}
RELEASES: dict[str, Sequence[Release]] = {
    "smic_hs": [_smic("SMIC-HS", 1)],
    "smic_vis": [_smic("SMIC-VIS", SMIC_FIRST_OF_THREE_CAMERAS)],
    "smic_nir": [_smic("SMIC-NIR", SMIC_FIRST_OF_THREE_CAMERAS)],
    # 162 rows, one of them without a recording, and five second micro-expressions; s18_sur_03 corrected
    "smic_hs_e": [Release("SMIC-HS-E", 166, 16, {"negative": 71, "positive": 51, "surprise": 44})],
    "smic_vis_e": [Release("SMIC-VIS-E", 76, 8)],
    "casme2": [
        Release(
            "the coding sheet of 2014-05-08", 255, 26, CASME2_EMOTIONS, _CASME2_SUBJECTS,
            _classes(25, 15, 99, 26, 20, 1, 69),
        ),
        Release(
            "the coding sheet of 2019-07-01", 255, 26, {**CASME2_EMOTIONS, "surprise": 28, "sadness": 4},
            _CASME2_SUBJECTS, _classes(30, 18, 93, 15, 18, 2, 79),
        ),
    ],
    "samm": [
        Release(
            "the FACS codes, version 2", 159, 29, SAMM_EMOTIONS,
            {f"{number:03d}": clips for number, clips in SAMM_CLIPS.items()}, _classes(24, 13, 20, 8, 3, 7, 84),
        )
    ],
}  # fmt: skip
