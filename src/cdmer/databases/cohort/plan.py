"""What the cohort will hold, decided before a picture is drawn: subjects, clips, emotions, action units, frames.

A plan costs milliseconds and imports no picture library, for the workflow asks for it whenever it is planned. Every
subject and clip draws from its own stream, so that another subject, size or database never changes it.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from cdmer.databases.cohort.cameras import Camera, camera_of
from cdmer.databases.releases import (
    CASME2_CLIPS,
    CASME2_EMOTIONS,
    SAMM_CLIPS,
    SAMM_EMOTIONS,
    SMIC_CLIPS,
    SMIC_FIRST_OF_THREE_CAMERAS,
)
from cdmer.errors import CdmerError

COHORT_DATABASES = ("smic_hs", "smic_vis", "smic_nir", "casme2", "samm")
COHORT_SIZES = ("tiny", "small", "paper")


@dataclass(frozen=True)
class ActionUnit:
    """One facial action, as the annotation writes it."""

    number: int
    side: str = ""  # the subject's own "L" or "R"; "" is both
    intensity: str = ""  # "A" (trace) to "E"; SAMM alone writes it

    def __str__(self) -> str:
        return f"{self.side}{self.number}{self.intensity}"


@dataclass(frozen=True)
class ClipPlan:
    """One micro-expression. Frame numbers are the database's own, first and last frame included."""

    name: str
    emotion: str  # the database's own word
    units: tuple[ActionUnit, ...]
    onset: int
    apex: int
    offset: int
    fps: int
    amplitude: float  # of the expression at its apex, pixels at the fastest point of the face
    seed: int  # of the event: what the face does, shared by the cameras that film it
    noise_seed: int  # of this camera's noise
    seconds: float  # from onset to offset; a slow camera may miss the last of it
    objective_class: int  # 1 to 7
    inducement: int  # which film elicited it

    @property
    def action_units(self) -> str:
        """The action units as annotated, e.g. ``4+L10``."""
        return "+".join(str(unit) for unit in self.units)

    @property
    def n_frames(self) -> int:
        """Frames from onset to offset, both included."""
        return self.offset - self.onset + 1


@dataclass(frozen=True)
class SubjectPlan:
    """One person of one database."""

    subject: str  # canonical id: s11, sub01, 006
    seed: int  # of the identity; SMIC's three cameras see the same person
    clips: tuple[ClipPlan, ...]


@dataclass(frozen=True)
class DatabasePlan:
    """One database of the cohort."""

    database: str
    size: str
    seed: int
    head_motion: bool
    blinks: bool
    noise: float  # 1 is the camera's own noise
    subjects: tuple[SubjectPlan, ...]
    quirks: bool = False  # laid out and misprinted as the real databases are

    def subject(self, subject: str) -> SubjectPlan:
        """The plan of one subject.

        Raises
        ------
        CdmerError
            The plan has no such subject.
        """
        for planned in self.subjects:
            if planned.subject == subject:
                return planned
        known = ", ".join(planned.subject for planned in self.subjects)
        raise CdmerError(
            f"{self.database}: the {self.size} cohort has no subject {subject!r}", f"choose one of {known}"
        )


_SMIC_COUNTS = {
    "tiny": {11: (1, 1, 1), 14: (1, 1, 1)},
    "small": {3: (2, 2, 2), 11: (2, 2, 2), 14: (2, 2, 2), 20: (2, 2, 2)},
    "paper": SMIC_CLIPS,
}
_SMIC_INFIX = {"negative": "ne", "positive": "po", "surprise": "sur"}

# The short sizes give every subject each class of the cross-database protocols, and clips that the protocols drop.
_CASME2_SHORT = {
    "tiny": {1: "disgust happiness surprise others", 2: "disgust happiness surprise repression"},
    "small": {
        1: "disgust happiness surprise others repression sadness",
        2: "disgust happiness surprise others repression fear",
        5: "disgust happiness surprise others repression disgust",
        9: "disgust happiness surprise others disgust happiness",
        17: "disgust happiness surprise repression sadness surprise",
    },
}
_SAMM_SHORT = {
    "tiny": {6: "Anger Happiness Surprise Other", 7: "Contempt Happiness Surprise Other"},
    "small": {
        6: "Anger Happiness Surprise Other Contempt Happiness",
        7: "Anger Happiness Surprise Other Disgust Surprise",
        11: "Anger Happiness Surprise Other Fear Happiness",
        14: "Anger Happiness Surprise Other Sadness Surprise",
    },
}

# Frames of a clip: least, most, most frequent.
_LENGTHS = {
    "smic": {"tiny": (13, 15, 14), "small": (13, 15, 14), "paper": (11, 58, 30)},
    "casme2": {"tiny": (14, 20, 16), "small": (18, 40, 24), "paper": (24, 141, 32)},
    "samm": {"tiny": (14, 20, 18), "small": (20, 36, 28), "paper": (30, 101, 95)},
}

# What a face does for each emotion, after the FACS Investigator's Guide and the micro-expression databases' own use.
_UNITS = {
    "happiness": ("6+12", "12", "6+12", "12", "R12", "L12", "6+7+12", "12+25"),
    "surprise": ("1+2", "1+2+5", "1+2", "1+2+25", "R1+R2", "L1+L2", "2", "1+2+5+25"),
    "disgust": ("4+9", "9", "10", "4+10", "4+7+9", "L10", "9+10", "4+R10"),
    "anger": ("4", "4+7", "4", "4+5", "4+7", "4+5+7"),
    "sadness": ("1+15", "15", "1+4", "15+17", "1+4+15"),
    "fear": ("1+4+20", "20", "1+2+4", "1+4+5+20", "20+25"),
    "contempt": ("R14", "L14", "14", "R12+R14"),
    "repression": ("15", "14", "17", "14+17", "15+17", "L14", "R14"),
    "others": ("4", "4+7", "7", "17", "4+17", "L14", "5", "14"),
}
_NEGATIVE = ("disgust", "sadness", "fear", "anger", "disgust")
_PLAIN = {"positive": "happiness", "other": "others"}

# Objective classes after Davison, Merghani and Yap, "Objective classes for micro-facial expression recognition",
# J. Imaging 4(10), 2018; doi:10.3390/jimaging4100119. What no class lists is class 7.
_OBJECTIVE = {
    1: ("6", "12", "6+12", "6+7+12", "7+12"),
    2: ("1+2", "5", "25", "1+2+25", "25+26", "5+24"),
    3: ("23", "4", "4+7", "4+5", "4+5+7", "17+24", "4+6+7", "4+38"),
    4: ("10", "9", "4+9", "4+40", "4+5+40", "4+7+9", "4+9+17", "4+7+10", "4+5+7+9", "7+10"),
    5: ("1", "15", "1+4", "6+15", "15+17"),
    6: ("1+2+4", "20"),
}
_SAMM_FILMS = {
    "contempt": 1, "disgust": 2, "fear": 3, "anger": 4, "sadness": 5, "surprise": 6, "happiness": 7,
}  # fmt: skip

# The clips whose apex the releases misprint (errata.csv): name, onset, apex, offset. CASME II's has no known apex.
_MISPRINTED = {
    ("casme2", "sub04"): ("EP12_01f", 261, 291, 321),
    ("samm", "028"): ("028_4_1", 1071, 1113, 1134),
    ("samm", "032"): ("032_3_1", 4896, 4930, 4970),
}


@lru_cache(maxsize=64)
def plan_database(
    database: str,
    size: str,
    seed: int,
    head_motion: bool = True,
    blinks: bool = True,
    noise: float = 1.0,
    quirks: bool = False,
) -> DatabasePlan:
    """Decide what one database of the cohort holds.

    Parameters
    ----------
    database
        One of `COHORT_DATABASES`.
    size
        ``tiny`` (tests), ``small`` (the default table) or ``paper`` (the real databases' counts and clip lengths).
    seed
        The same seed gives the same cohort, byte for byte.
    head_motion
        Let heads drift and turn a little.
    blinks
        Let some clips hold a blink, and eyes and mouth their small involuntary motions.
    noise
        Camera noise, relative to each camera's own; 0 is none.
    quirks
        Lay the database out as real copies lie on disks, misprints included (`cdmer.databases.cohort.quirks`). The
        clips are the same, but for those of size ``paper`` that are misprinted in the real spreadsheets.

    Raises
    ------
    CdmerError
        No such database or size, or negative noise.
    """
    camera = camera_of(database)
    if size not in COHORT_SIZES:
        raise CdmerError(f"the synthetic cohort has no size {size!r}", f"choose one of {', '.join(COHORT_SIZES)}")
    if noise < 0:
        raise CdmerError(f"cohort noise is {noise}", "give 0 (none), 1 (the camera's own) or another positive factor")
    planner = {"casme2": _plan_casme2, "samm": _plan_samm}.get(database, _plan_smic)
    subjects = planner(database, size, seed, camera)
    if quirks:
        subjects = tuple(_with_misprinted_clip(database, person) for person in subjects)
    return DatabasePlan(database, size, seed, head_motion, blinks, noise, subjects, quirks)


def _with_misprinted_clip(database: str, person: SubjectPlan) -> SubjectPlan:
    """The subject with one clip in the place of the release's misprinted one, if it has one."""
    misprinted = _MISPRINTED.get((database, person.subject))
    if misprinted is None:
        return person
    name, onset, apex, offset = misprinted
    replaced = next((clip for clip in person.clips if clip.name == name), person.clips[0])
    clip = replace(
        replaced, name=name, onset=onset, apex=apex, offset=offset, seconds=(offset - onset) / replaced.fps,
        inducement=int(name.split("_")[1]) if database == "samm" else replaced.inducement,
    )  # fmt: skip
    others = [other for other in person.clips if other is not replaced]
    return replace(person, clips=tuple(sorted([*others, clip], key=lambda one: one.name)))


def _plan_smic(database: str, size: str, seed: int, camera: Camera) -> tuple[SubjectPlan, ...]:
    subjects = []
    for number, counts in _SMIC_COUNTS[size].items():
        if database != "smic_hs" and number < SMIC_FIRST_OF_THREE_CAMERAS:
            continue
        subject = f"s{number}"
        clips = [
            _smic_clip(f"{subject}_{_SMIC_INFIX[emotion]}_{index:02d}", emotion, database, size, seed, camera)
            for emotion, count in zip(_SMIC_INFIX, counts, strict=True)
            for index in range(1, count + 1)
        ]
        subjects.append(SubjectPlan(subject, _seed(seed, "identity", "smic", subject), tuple(clips)))
    return tuple(subjects)


def _smic_clip(name: str, emotion: str, database: str, size: str, seed: int, camera: Camera) -> ClipPlan:
    event = random.Random(f"{seed}/smic/{name}/{size}")
    tick = (
        100 // 25
    )  # high-speed frames a frame of the slow cameras: events peak on one, so that all three see the peak
    frames = round(event.triangular(*_LENGTHS["smic"][size]))
    if int(name[1:].split("_", maxsplit=1)[0]) >= SMIC_FIRST_OF_THREE_CAMERAS:
        frames = min(max(frames, 13), 52)  # 4 to 13 frames of the slow cameras
    ticks = (frames - 1) // tick
    apex = event.randint(max(1, round(0.3 * ticks)), max(1, min(ticks - 1, round(0.65 * ticks))))
    strength = event.uniform(0.8, 1.3)
    units = _units_for(emotion, int(name[-2:]), event)
    if database == "smic_hs":
        apex, last = apex * tick, frames - 1
    else:
        last = ticks
    onset = _smic_first_number(database, name, random.Random(f"{seed}/{database}/{name}"))
    return ClipPlan(
        name, emotion, units, onset, onset + apex, onset + last, camera.fps, strength * camera.peak,
        _seed(seed, "event", "smic", name), _seed(seed, "noise", database, name), (frames - 1) / 100,
        _objective_class(units), 1 + list(_SMIC_INFIX).index(emotion),
    )  # fmt: skip


def _smic_first_number(database: str, name: str, rng: random.Random) -> int:
    """Recordings were numbered through, so no clip starts at 1, and some high-speed numbers need 7 or 8 digits."""
    if database != "smic_hs":
        return rng.randrange(120, 60_000)
    subject = name.split("_", maxsplit=1)[0]
    digits = {"s12": 7, "s18": 7, "s19": 8, "s20": 8}.get(subject)
    return rng.randrange(10 ** (digits - 1), 10**digits - 1000) if digits else rng.randrange(120, 900_000)


def _plan_casme2(database: str, size: str, seed: int, camera: Camera) -> tuple[SubjectPlan, ...]:
    words = _deal(CASME2_CLIPS, CASME2_EMOTIONS) if size == "paper" else _split(_CASME2_SHORT[size])
    subjects = []
    for number, emotions in words.items():
        subject, seen = f"sub{number:02d}", Counter[str]()
        clips = []
        for index, emotion in enumerate(emotions):
            episode, take = 1 + (7 * index + number) % 19, 1 + index // 19
            rng = random.Random(f"{seed}/{database}/{subject}/{episode}/{take}/{size}")
            name = f"EP{episode:02d}_{take:02d}{rng.choice(('', 'f'))}"
            units = _units_for(emotion, number + seen[emotion], rng)
            seen[emotion] += 1
            clips.append(_clip(database, size, seed, subject, name, emotion, units, rng.randrange(20, 320), camera))
        clips.sort(key=lambda clip: clip.name)
        subjects.append(SubjectPlan(subject, _seed(seed, "identity", database, subject), tuple(clips)))
    return tuple(subjects)


def _plan_samm(database: str, size: str, seed: int, camera: Camera) -> tuple[SubjectPlan, ...]:
    spelled = {emotion.capitalize(): count for emotion, count in SAMM_EMOTIONS.items()}
    words = _deal(SAMM_CLIPS, spelled) if size == "paper" else _split(_SAMM_SHORT[size])
    subjects = []
    for number, emotions in words.items():
        subject, seen, takes = f"{number:03d}", Counter[str](), Counter[int]()
        clips = []
        for index, emotion in enumerate(emotions):
            film = _SAMM_FILMS.get(emotion.lower(), 1 + (index + number) % 7)
            takes[film] += 1
            name = f"{subject}_{film}_{takes[film]}"
            rng = random.Random(f"{seed}/{database}/{name}/{size}")
            units = _with_intensity(_units_for(emotion.lower(), number + seen[emotion], rng), rng)
            seen[emotion] += 1
            first = 700 * takes[film] + rng.randrange(500)  # takes of one film follow one another in its recording
            clips.append(_clip(database, size, seed, subject, name, emotion, units, first, camera, film))
        clips.sort(key=lambda clip: clip.name)
        subjects.append(SubjectPlan(subject, _seed(seed, "identity", database, subject), tuple(clips)))
    return tuple(subjects)


def _clip(
    database: str, size: str, seed: int, subject: str, name: str, emotion: str, units: tuple[ActionUnit, ...],
    onset: int, camera: Camera, inducement: int = 0,
) -> ClipPlan:  # fmt: skip
    rng = random.Random(f"{seed}/{database}/{subject}/{name}/{size}/frames")
    last = round(rng.triangular(*_LENGTHS[database][size])) - 1
    apex = min(max(round(rng.uniform(0.33, 0.6) * last), 2), last - 2)
    return ClipPlan(
        name, emotion, units, onset, onset + apex, onset + last, camera.fps, rng.uniform(0.75, 1.3) * camera.peak,
        _seed(seed, "event", database, subject, name), _seed(seed, "noise", database, subject, name),
        last / camera.fps, _objective_class(units), inducement,
    )  # fmt: skip


def _units_for(emotion: str, turn: int, rng: random.Random) -> tuple[ActionUnit, ...]:
    """Action units of the `turn`-th clip of an emotion: combinations alternate, so that few clips still vary."""
    feeling = rng.choice(_NEGATIVE) if emotion == "negative" else _PLAIN.get(emotion, emotion)
    choices = _UNITS[feeling]
    return tuple(_parse(token) for token in choices[turn % len(choices)].split("+"))


def _parse(token: str) -> ActionUnit:
    side = token[0] if token[0] in "LR" else ""
    return ActionUnit(int(token.removeprefix(side)), side)


def _with_intensity(units: tuple[ActionUnit, ...], rng: random.Random) -> tuple[ActionUnit, ...]:
    return tuple(ActionUnit(unit.number, unit.side, rng.choice("AABBC")) for unit in units)


def _objective_class(units: tuple[ActionUnit, ...]) -> int:
    plain = "+".join(str(number) for number in sorted({unit.number for unit in units}))
    return next((number for number, listed in _OBJECTIVE.items() if plain in listed), 7)


def _split(words: Mapping[int, str]) -> dict[int, list[str]]:
    return {number: line.split() for number, line in words.items()}


def _deal(per_subject: Mapping[int, int], per_emotion: Mapping[str, int]) -> dict[int, list[str]]:
    """Emotions of each subject, such that both margins hold exactly and every subject gets near its proportional share.

    Both sides are spread evenly over one line and paired in order.
    """
    subjects = sorted(((i + 0.5) / n, number) for number, n in per_subject.items() for i in range(n))
    emotions = sorted(((i + 0.5) / n, emotion) for emotion, n in per_emotion.items() for i in range(n))
    dealt: dict[int, list[str]] = {number: [] for number in per_subject}
    for (_, number), (_, emotion) in zip(subjects, emotions, strict=True):
        dealt[number].append(emotion)
    return dealt


def _seed(*parts: object) -> int:
    return random.Random("/".join(map(str, parts))).getrandbits(48)
