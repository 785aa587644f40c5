"""The spreadsheets that go with the frames, columns, preamble and blank headers as in the real databases."""

import datetime
import zipfile
from collections.abc import Iterator
from pathlib import Path

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from cdmer.databases.cohort.layouts import annotation_names
from cdmer.databases.cohort.plan import ClipPlan, DatabasePlan, SubjectPlan
from cdmer.databases.cohort.quirks import printed_apex, printed_emotion, printed_subject
from cdmer.errors import CdmerError
from cdmer.files import whole_file

_CASME2_HEADER = (
    "Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units", "Estimated Emotion",
)  # fmt: skip
_SAMM_HEADER = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
    "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
)  # fmt: skip
_SAMM_PREAMBLE = (
    "Synthetic cohort in the layout of SAMM",
    "Every face, movement and label on this sheet was generated.",
    None,
    "Frame numbers count at 200 frames per second, as in the file names.",
    "Duration counts frames, onset and offset included.",
    "Action units carry an intensity from A (trace) to E (maximum), and L or R where one side moves alone.",
    "Emotions follow from the action units.",
    "Objective classes follow from the action units alone.",
    None, None, None, None, None,
)  # fmt: skip
_EPOCH = datetime.datetime(2014, 5, 8)


def write_annotation(plan: DatabasePlan, path: str | Path) -> None:
    """Write a spreadsheet of `plan`, columns, preamble and blank headers as in the real one.

    The name of `path` says which, where a database ships two: CASME II's coding, or its objective classes.

    Raises
    ------
    CdmerError
        The database ships no annotation.
    """
    names = annotation_names(plan.database, plan.quirks)
    if not names:
        raise CdmerError(f"{plan.database} ships no annotation", "read its labels from the folders' names")
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # a new workbook has one
    if Path(path).name in names[1:]:
        _fill_objective_classes(plan, sheet)
    else:
        (_fill_casme2 if plan.database == "casme2" else _fill_samm)(plan, sheet)
    if plan.database == "casme2" and Path(path).name not in names[1:]:
        book.create_sheet("Sheet2")
        book.create_sheet("Sheet3")
    with whole_file(path) as partial:
        book.save(partial)
        _forget_the_clock(partial)


def _fill_casme2(plan: DatabasePlan, sheet: Worksheet) -> None:
    sheet.title = "Sheet1"
    sheet.append((*_CASME2_HEADER, "Objective Classes") if plan.quirks else _CASME2_HEADER)
    for row, (person, clip) in enumerate(_clips(plan)):
        units: int | str = int(clip.action_units) if clip.action_units.isdigit() else clip.action_units
        subject, apex, emotion = _cells(plan, person, clip, row)
        cells = (subject, clip.name, None, clip.onset, apex, clip.offset, None, units, emotion)
        sheet.append((*cells, clip.objective_class) if plan.quirks else cells)


def _fill_objective_classes(plan: DatabasePlan, sheet: Worksheet) -> None:
    sheet.append(("Subject", "Filename", "Objective Class"))
    for person, clip in _clips(plan):
        sheet.append((int(person.subject.removeprefix("sub")), clip.name, clip.objective_class))


def _fill_samm(plan: DatabasePlan, sheet: Worksheet) -> None:
    sheet.title = "MICRO_ONLY"
    for line in () if plan.quirks else _SAMM_PREAMBLE:
        sheet.append((line,))
    sheet.append(_SAMM_HEADER)
    for row, (person, clip) in enumerate(_clips(plan)):
        subject, apex, emotion = _cells(plan, person, clip, row)
        sheet.append(
            (subject, clip.name, clip.inducement, clip.onset, apex, clip.offset, clip.n_frames,
             "Micro - 1/2", clip.action_units, emotion, clip.objective_class, None)
        )  # fmt: skip


def _clips(plan: DatabasePlan) -> Iterator[tuple[SubjectPlan, ClipPlan]]:
    return ((person, clip) for person in plan.subjects for clip in person.clips)


def _cells(plan: DatabasePlan, person: SubjectPlan, clip: ClipPlan, row: int) -> tuple[str | int, str | int, str]:
    """Subject, apex and emotion as the sheet has them."""
    if plan.quirks:
        return printed_subject(person, row), printed_apex(plan, person, clip), printed_emotion(clip.emotion, row)
    return person.subject.removeprefix("sub"), clip.apex, clip.emotion


def _forget_the_clock(path: Path) -> None:
    """Give the workbook, and every member of its archive, one fixed time: the same plan gives the same bytes."""
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    stamp = _EPOCH.strftime("%Y-%m-%dT%H:%M:%SZ")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            fixed = _with_times(content.decode(), stamp).encode() if name == "docProps/core.xml" else content
            archive.writestr(zipfile.ZipInfo(name, _EPOCH.timetuple()[:6]), fixed, zipfile.ZIP_DEFLATED)


def _with_times(core: str, stamp: str) -> str:
    for tag in ("created", "modified"):
        head, _, rest = core.partition(f"<dcterms:{tag}")
        attributes, _, rest = rest.partition(">")
        _, _, rest = rest.partition("<")
        core = f"{head}<dcterms:{tag}{attributes}>{stamp}<{rest}"
    return core
