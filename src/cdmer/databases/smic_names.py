"""What SMIC's base and extended sets share: their names, labels and frame rates."""

import re

from cdmer.databases.errata import find_erratum

FPS = {"hs": 100.0, "vis": 25.0, "nir": 25.0}
EMOTIONS = {"ne": "negative", "po": "positive", "sur": "surprise"}  # by what stands for them in a clip's name
MAY_LACK = 2  # frames: the release lacks one or two of some clips

_SUBSET = re.compile(r"(?:SMIC[-_ ])?(HS|VIS|NIR)(?:[-_ ](?:E|long))?", re.IGNORECASE)
_SUBJECT = re.compile(r"s0*([0-9]+)", re.IGNORECASE)
_CLIP = re.compile(r"s0*([0-9]+)_(ne|po|sur)_([0-9]+)", re.IGNORECASE)


def subset_name(folder: str) -> str | None:
    """hs, vis or nir, where a folder is named after it: HS, HS_long, SMIC-HS-E and the like."""
    found = _SUBSET.fullmatch(folder)
    return found[1].lower() if found else None


def subject_name(text: str) -> str | None:
    """The subject without padding, ``s1``; None where it is no name of one."""
    found = _SUBJECT.fullmatch(text)
    return f"s{int(found[1])}" if found else None


def clip_name(text: str) -> str | None:
    """The clip as the base set writes it, ``s1_ne_01``, also from the ``s01_ne_01`` of others; None for other names."""
    found = _CLIP.fullmatch(text)
    return f"s{int(found[1])}_{found[2].lower()}_{found[3]}" if found else None


def checked_label(database: str, clip: str, emotion: str, where: str) -> tuple[str, tuple[str, ...]]:
    """The emotion of a clip, known misprints corrected; a note where it was, or where the clip's name says another."""
    erratum = find_erratum(database, clip, "emotion", emotion)
    if erratum:
        return erratum.corrected, (erratum.note(where),)
    named = EMOTIONS[clip.split("_")[1]]
    if named != emotion:
        return emotion, (f"{where}: {clip} is labelled {emotion}, and its name says {named}; the label is kept",)
    return emotion, ()
