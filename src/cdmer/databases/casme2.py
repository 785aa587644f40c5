"""CASME II: sub01/EP02_01f/img46.jpg and the coding spreadsheet (Yan et al., PLoS ONE 9(1), 2014).

Reads CASME2_RAW_selected (onset to offset) and CASME2-RAW (whole recordings) alike.
"""

from pathlib import Path

from cdmer.databases.coding import Coding, coded_clips
from cdmer.databases.reading import ClipEntry

CODING = Coding(
    database="casme2",
    fps=200.0,
    annotations=("CASME2-coding-*.xlsx",),
    subject="sub{:02d}",
    clip="{subject}/{name}",
    frames=("OnsetFrame", "ApexFrame", "OffsetFrame"),
    emotions=frozenset({"happiness", "disgust", "surprise", "repression", "others", "sadness", "fear"}),
)


def entries(root: Path, annotation: Path | None) -> list[ClipEntry]:
    """The rows of the coding spreadsheet, in its order."""
    return coded_clips(CODING, root, annotation)
