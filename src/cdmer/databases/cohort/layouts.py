"""Where each database keeps its frames and its annotation, folder and file names included.

With `quirks`, as copies of the real databases lie on disks: in a folder doubled by unpacking, names padded, unpadded
and capitalised by turns. All of it reads as the same database.
"""

import zlib
from pathlib import PurePosixPath

from cdmer.databases.cohort.cameras import camera_of
from cdmer.databases.cohort.plan import ClipPlan

_ROOTS = {
    "smic_hs": "SMIC_all_raw/HS",
    "smic_vis": "SMIC_all_raw/VIS",
    "smic_nir": "SMIC_all_raw/NIR",
    "casme2": "CASME2_RAW_selected",
    "samm": "SAMM",
}
_QUIRKY_ROOTS = {
    "smic_hs": "SMIC_all_raw (1)/HS",
    "smic_vis": "SMIC_all_raw (1)/VIS",
    "smic_nir": "SMIC_all_raw (1)/NIR",
    "casme2": "CASME2_RAW_selected (1)",
    "samm": "SAMM (1)",
}
_ANNOTATIONS = {"casme2": "CASME2-coding-20140508.xlsx", "samm": "SAMM_Micro_FACS_Codes_v2.xlsx"}
_OBJECTIVE_CLASSES = {"casme2": "CASME2-ObjectiveClasses.xlsx"}  # the sheet of 2019, the quirky one, holds them itself
_QUIRKY_ANNOTATIONS = {"casme2": "CASME2-coding-20190701.xlsx", "samm": "SAMM_20181215_copy.xlsx"}


def layout_root(database: str, quirks: bool = False) -> str:
    """The folder, inside the cohort's, that a reader is given as the root of `database`."""
    camera_of(database)
    return (_QUIRKY_ROOTS if quirks else _ROOTS)[database]


def annotation_name(database: str, quirks: bool = False) -> str | None:
    """The file name of the annotation, which lies beside the root; None where the database ships none."""
    camera_of(database)
    return (_QUIRKY_ANNOTATIONS if quirks else _ANNOTATIONS).get(database)


def annotation_names(database: str, quirks: bool = False) -> list[str]:
    """The file names of everything that the database ships beside its frames: its annotation, and what completes it."""
    names = [annotation_name(database, quirks), None if quirks else _OBJECTIVE_CLASSES.get(database)]
    return [name for name in names if name]


def subject_folder(database: str, subject: str, quirks: bool = False) -> str:
    """A subject's folder inside the cohort's."""
    root = layout_root(database, quirks)
    if not quirks:
        return f"{root}/{subject}"
    return f"{root}/{PurePosixPath(_ROOTS[database]).name}/{_respelled(subject)}"


def _respelled(subject: str) -> str:
    """Every second subject's folder in another spelling: ``s02``, ``SUB02``, ``6``."""
    letters, number = subject.rstrip("0123456789"), int(subject.lstrip("sub"))
    if number % 2:
        return subject
    return {"s": f"s{number:02d}", "sub": subject.upper(), "": str(number)}[letters]


def clip_folder(database: str, subject: str, clip: ClipPlan, quirks: bool = False) -> str:
    """A clip's folder inside its subject's."""
    if not database.startswith("smic"):
        return clip.name
    emotion = clip.emotion.capitalize() if quirks else clip.emotion
    return f"micro/{emotion}/{clip.name}"


def frame_name(database: str, subject: str, clip: ClipPlan, number: int, quirks: bool = False) -> str:
    """The file name of the frame that the database numbers `number`."""
    digits = _digits(database, clip)
    if quirks:
        digits += 3 * (zlib.crc32(clip.name.encode()) % 3 - 1)  # fewer, as many and more, by clip
    padded = f"{number:0{max(digits, 1)}d}"
    if database == "smic_hs":
        return f"image{padded}.bmp"
    if database in ("smic_vis", "smic_nir"):
        return f"{padded}.bmp"
    return f"img{padded}.jpg" if database == "casme2" else f"{subject}_{padded}.jpg"


def _digits(database: str, clip: ClipPlan) -> int:
    """The least digits of a clip's frame numbers."""
    if database == "samm":
        recording = clip.name.rsplit("_", 1)[0]
        return 5 if zlib.crc32(recording.encode()) % 4 == 0 else 4  # the padding differs between recordings
    return {"smic_hs": 6, "casme2": 1}.get(database, 5)
