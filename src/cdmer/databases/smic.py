"""SMIC: HS/s1/micro/negative/s1_ne_01/image000123.bmp, no spreadsheet (Li et al., FG 2013).

The folder is the label, a clip's first and last frame are onset and offset, and no apex is annotated.
"""

import re
from pathlib import Path

from cdmer.databases.reading import ClipEntry, did_you_mean, natural_key, subfolders
from cdmer.errors import CdmerError

FPS = {"hs": 100.0, "vis": 25.0, "nir": 25.0}
EMOTIONS = frozenset({"negative", "positive", "surprise"})
_SUBJECT = re.compile(r"s0*([0-9]+)", re.IGNORECASE)
_CLIP = re.compile(r"s0*([0-9]+)_(ne|po|sur)_([0-9]+)", re.IGNORECASE)


def entries(root: Path, annotation: Path | None) -> list[ClipEntry]:
    """The clips of one subset, by subject, then by clip, in natural order."""
    if annotation is not None:
        raise CdmerError(
            f"databases: the reader smic reads no annotation, and was given {annotation}",
            "leave it null; the folders' names are the labels",
        )
    folder = _subset_folder(root)
    subset = _subset(folder)
    return [entry for subject in _subjects(folder) for entry in _clips(subject, subset)]


def _subset_folder(root: Path) -> Path:
    """`root`, or the one subset's folder in it."""
    if not root.is_dir():
        raise CdmerError(f"databases: root {root} is not a folder", "give the folder of the subset: HS, VIS or NIR")
    if _subjects(root):
        return root
    subsets = [folder for folder in subfolders(root) if folder.name.lower() in FPS]
    if len(subsets) > 1:
        raise CdmerError(
            f"databases: {root} holds {', '.join(folder.name for folder in subsets)}",
            "each is a database of its own: point root at one of them",
        )
    if not subsets:
        raise CdmerError(
            f"databases: {root} holds neither a subject (s1, s2, …) nor a subset (HS, VIS, NIR)",
            "point root at the folder of the subset, e.g. SMIC_all_raw/HS",
        )
    return subsets[0]


def _subset(folder: Path) -> str:
    """hs, vis or nir: the nearest part of the path that is so named, where the path is a link of what it leads to."""
    for path in (folder.absolute(), folder.resolve()):
        for part in reversed(path.parts):
            if part.lower() in FPS:
                return part.lower()
    raise CdmerError(
        f"databases: cannot tell which subset of SMIC {folder} is",
        "name the folder, or one above it, HS, VIS or NIR",
    )


def _subjects(folder: Path) -> list[Path]:
    return [subject for subject in subfolders(folder) if _SUBJECT.fullmatch(subject.name)]


def _clips(subject_folder: Path, subset: str) -> list[ClipEntry]:
    found = []
    for micro in subfolders(subject_folder):
        if micro.name.lower() != "micro":
            continue  # non_micro
        for emotion_folder in subfolders(micro):
            emotion = _emotion(emotion_folder)
            found += [_entry(clip, subject_folder.name, subset, emotion) for clip in subfolders(emotion_folder)]
    return sorted((entry for entry in found if entry), key=lambda entry: natural_key(entry.clip))


def _emotion(folder: Path) -> str:
    emotion = folder.name.lower()
    if emotion not in EMOTIONS:
        raise CdmerError(
            f"{folder}: unknown emotion {folder.name!r}",
            f"the database's words are {', '.join(sorted(EMOTIONS))}{did_you_mean(emotion, EMOTIONS)}",
        )
    return emotion


def _entry(clip: Path, subject: str, subset: str, emotion: str) -> ClipEntry | None:
    """The entry of a clip's folder, None for a folder of another name."""
    name, number = _CLIP.fullmatch(clip.name), _SUBJECT.fullmatch(subject)
    if not name or not number:
        return None
    return ClipEntry(
        clip=f"s{int(name[1])}_{name[2].lower()}_{name[3]}",
        subject=f"s{int(number[1])}",
        database=f"smic_{subset}",
        path=clip,
        where=str(clip),
        fps=FPS[subset],
        emotion=emotion,
    )
