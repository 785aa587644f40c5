"""SMIC: HS/s1/micro/negative/s1_ne_01/image000123.bmp, no spreadsheet (Li et al., FG 2013).

The folder is the label, a clip's first and last frame are onset and offset, and no apex is annotated. Raw and cropped
(``reg_image000123.bmp``) alike. The extended set has long recordings and a workbook: `cdmer.databases.smic_extended`.
"""

from pathlib import Path

from cdmer.databases.problems import Problems
from cdmer.databases.reading import ClipEntry, natural_key, subfolders
from cdmer.databases.smic_names import EMOTIONS, FPS, MAY_LACK, checked_label, clip_name, subject_name, subset_name
from cdmer.errors import CdmerError
from cdmer.nearest import did_you_mean


def entries(root: Path, annotation: Path | None, problems: Problems) -> list[ClipEntry]:
    """The clips of one subset: by subject, then by clip, in natural order; of SMIC-E in the order of its workbook."""
    home = _home(root)
    subset = _subset(home)
    subjects = _subjects(home)
    if any(clip_name(clip.name) for subject in subjects for clip in subfolders(subject)):
        # here, not above: listing the base set, as a plan of the workflow does, must not wait for openpyxl
        from cdmer.databases.smic_extended import extended_clips

        return extended_clips(root, home, subset, annotation, problems)
    if annotation is not None:
        raise CdmerError(
            f"databases: of SMIC's base set the reader smic reads no annotation, and was given {annotation}",
            "leave it null; the folders' names are the labels",
        )
    return [entry for subject in subjects for entry in _clips(subject, subset, problems)]


def _home(root: Path) -> Path:
    """The folder of the subjects' folders: `root`, or down through the one subset in it and doubled folders."""
    if not root.is_dir():
        raise CdmerError(f"databases: root {root} is not a folder", "give the folder of the subset: HS, VIS or NIR")
    if _subjects(root):
        return root
    folders = subfolders(root)
    doubled = [folder for folder in folders if folder.name.casefold() == root.name.casefold()]
    inner = doubled or [folder for folder in folders if subset_name(folder.name)]
    if len(inner) > 1:
        raise CdmerError(
            f"databases: {root} holds {', '.join(folder.name for folder in inner)}",
            "each is a database of its own: point root at one of them",
        )
    if not inner:
        raise CdmerError(
            f"databases: {root} holds neither a subject (s1, s2, …) nor a subset (HS, VIS, NIR)",
            "point root at the folder of the subset, e.g. SMIC_all_raw/HS",
        )
    return _home(inner[0])


def _subset(home: Path) -> str:
    """hs, vis or nir: the nearest part of the path that is so named, where the path is a link of what it leads to."""
    for path in (home.absolute(), home.resolve()):
        for part in reversed(path.parts):
            subset = subset_name(part)
            if subset:
                return subset
    raise CdmerError(
        f"databases: cannot tell which subset of SMIC {home} is",
        "name the folder, or one above it, HS, VIS or NIR",
    )


def _subjects(home: Path) -> list[Path]:
    return [folder for folder in subfolders(home) if subject_name(folder.name)]


def _clips(subject: Path, subset: str, problems: Problems) -> list[ClipEntry]:
    found = []
    for micro in subfolders(subject):
        if micro.name.lower() != "micro":
            continue  # non_micro
        for folder in subfolders(micro):
            emotion = problems.take(_emotion, folder)
            if emotion:
                found += [_entry(clip, subject.name, subset, emotion) for clip in subfolders(folder)]
    return sorted((entry for entry in found if entry), key=lambda entry: natural_key(entry.clip))


def _emotion(folder: Path) -> str:
    emotion = folder.name.lower()
    known = sorted(EMOTIONS.values())
    if emotion not in known:
        raise CdmerError(
            f"{folder}: unknown emotion {folder.name!r}",
            f"the database's words are {', '.join(known)}{did_you_mean(emotion, known)}",
        )
    return emotion


def _entry(folder: Path, subject_folder: str, subset: str, emotion: str) -> ClipEntry | None:
    """The entry of a clip's folder, None for a folder of another name."""
    clip, subject, database = clip_name(folder.name), subject_name(subject_folder), f"smic_{subset}"
    if not clip or not subject:
        return None
    emotion, notes = checked_label(database, clip, emotion, str(folder))
    return ClipEntry(
        clip=clip,
        subject=subject,
        database=database,
        path=folder,
        where=str(folder),
        fps=FPS[subset],
        emotion=emotion,
        notes=notes,
        may_lack=MAY_LACK,
    )
