"""SAMM: 006/006_1_2/006_05562.jpg and the FACS coding spreadsheet (Davison et al., IEEE TAC 9(1), 2018)."""

from pathlib import Path

from cdmer.databases.coding import Coding, coded_clips, locate
from cdmer.databases.problems import Problems
from cdmer.databases.reading import ClipEntry

CODING = Coding(
    database="samm",
    fps=200.0,
    annotations=("SAMM_Micro_FACS_Codes*.xlsx", "SAMM_20181215_*.xlsx", "SAMM.xlsx"),
    subject="{:03d}",
    clip="{name}",
    frames=("Onset Frame", "Apex Frame", "Offset Frame"),
    emotions=frozenset({"anger", "happiness", "other", "surprise", "contempt", "disgust", "fear", "sadness"}),
)


def entries(root: Path, annotation: Path | None, problems: Problems) -> list[ClipEntry]:
    """The rows of the coding spreadsheet, in its order."""
    return coded_clips(CODING, locate(CODING, root, annotation), problems)
