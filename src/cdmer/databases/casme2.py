"""CASME II: sub01/EP02_01f/img46.jpg and the coding spreadsheet (Yan et al., PLoS ONE 9(1), 2014).

Reads CASME2_RAW_selected (onset to offset), CASME2-RAW (whole recordings) and Cropped (registered faces) alike. The
objective classes (Davison et al., 2018) are a column of the sheet of 2019, and a workbook of their own beside that of
2014.
"""

import dataclasses
from pathlib import Path

from cdmer.databases.coding import Coding, coded_clips, locate
from cdmer.databases.problems import Problems
from cdmer.databases.reading import ClipEntry
from cdmer.databases.spreadsheet import matching_files, read_tables

CODING = Coding(
    database="casme2",
    fps=200.0,
    annotations=("CASME2-coding-*.xlsx",),
    subject="sub{:02d}",
    clip="{subject}/{name}",
    frames=("OnsetFrame", "ApexFrame", "OffsetFrame"),
    emotions=frozenset({"happiness", "disgust", "surprise", "repression", "others", "sadness", "fear"}),
)
_OBJECTIVE_CLASSES = ("CASME2-ObjectiveClasses*.xlsx",)


def entries(root: Path, annotation: Path | None, problems: Problems) -> list[ClipEntry]:
    """The rows of the coding spreadsheet, in its order."""
    location = locate(CODING, root, annotation)
    clips = coded_clips(CODING, location, problems)
    workbook = next(matching_files((location.annotation.parent, *location.places), _OBJECTIVE_CLASSES), None)
    if workbook is None or any(clip.objective_class for clip in clips):
        return clips
    classes = _objective_classes(workbook, problems)
    return [_classified(clip, classes, workbook) for clip in clips]


def _objective_classes(workbook: Path, problems: Problems) -> dict[str, str]:
    """The objective class of each clip, by its name without regard to capitals."""
    classes = {}
    for row in read_tables(workbook, "Subject")[0].rows(("Subject", "Filename", "Objective Class")):
        subject, name = problems.take(CODING.subject_of, row), problems.take(row.required, "Filename")
        objective_class = problems.take(row.objective_class, "Objective Class")
        if subject and name and objective_class:
            classes[CODING.clip.format(subject=subject, name=name).casefold()] = objective_class
    return classes


def _classified(clip: ClipEntry, classes: dict[str, str], workbook: Path) -> ClipEntry:
    objective_class = classes.get(clip.clip.casefold())
    if objective_class is None:
        return dataclasses.replace(clip, notes=(*clip.notes, f"{clip.where}: {workbook} has no class of {clip.clip}"))
    return dataclasses.replace(clip, objective_class=objective_class)
