"""Where each database keeps its frames and its annotation, folder and file names included."""

import zlib

from cdmer.databases.cohort.cameras import camera_of
from cdmer.databases.cohort.plan import ClipPlan

_ROOTS = {
    "smic_hs": "SMIC_all_raw/HS",
    "smic_vis": "SMIC_all_raw/VIS",
    "smic_nir": "SMIC_all_raw/NIR",
    "casme2": "CASME2_RAW_selected",
    "samm": "SAMM",
}
_ANNOTATIONS = {"casme2": "CASME2-coding-20140508.xlsx", "samm": "SAMM_Micro_FACS_Codes_v2.xlsx"}


def layout_root(database: str) -> str:
    """The folder, inside the cohort's, that a reader is given as the root of `database`."""
    camera_of(database)
    return _ROOTS[database]


def annotation_name(database: str) -> str | None:
    """The file name of the annotation, which lies beside the root; None where the database ships none."""
    camera_of(database)
    return _ANNOTATIONS.get(database)


def clip_folder(database: str, subject: str, clip: ClipPlan) -> str:
    """A clip's folder inside its subject's."""
    return f"micro/{clip.emotion}/{clip.name}" if database.startswith("smic") else clip.name


def frame_name(database: str, subject: str, clip: ClipPlan, number: int) -> str:
    """The file name of the frame that the database numbers `number`."""
    if database == "smic_hs":
        return f"image{number:06d}.bmp"
    if database in ("smic_vis", "smic_nir"):
        return f"{number:05d}.bmp"
    if database == "casme2":
        return f"img{number}.jpg"
    recording = clip.name.rsplit("_", 1)[0]
    digits = 5 if zlib.crc32(recording.encode()) % 4 == 0 else 4  # the padding differs between recordings
    return f"{subject}_{number:0{digits}d}.jpg"
