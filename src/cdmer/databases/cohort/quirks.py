"""What is wrong with copies of the real databases, for a cohort that is asked to have it.

Misprinted and missing apexes, cells that spreadsheet programs retyped, frames that were lost, and the files that
operating systems leave behind. `cdmer.databases.cohort.layouts` spells the names.
"""

from pathlib import Path

from cdmer.databases.cohort.layouts import clip_folder
from cdmer.databases.cohort.plan import ClipPlan, DatabasePlan, SubjectPlan
from cdmer.databases.errata import errata_of

_OTHER = {"others": "other", "other": "others", "Other": "Others"}


def printed_apex(plan: DatabasePlan, person: SubjectPlan, clip: ClipPlan) -> int | str:
    """The apex as the spreadsheet has it: misprinted as in the release, and in cohorts without those clips in one."""
    errata = errata_of(plan.database, "apex")
    key = f"{person.subject}/{clip.name}" if plan.database == "casme2" else clip.name
    if key in errata:
        printed = errata[key].printed
        return int(printed) if printed.isdigit() else printed
    official = {known.split("/")[0].split("_")[0] for known in errata}
    if official.isdisjoint(one.subject for one in plan.subjects) and clip is plan.subjects[0].clips[0]:
        return "/" if plan.database == "casme2" else clip.offset + 9
    return clip.apex


def printed_subject(person: SubjectPlan, row: int) -> str | int:
    """The cell of a subject: text, or by turns the number that spreadsheet programs make of it."""
    number = person.subject.removeprefix("sub")
    return int(number) if row % 2 else number


def printed_emotion(emotion: str, row: int) -> str:
    """The cell of an emotion, in three spellings by turns."""
    return (emotion, f"{emotion.upper()} ", _OTHER.get(emotion, emotion.lower()))[row % 3]


def lost_frames(plan: DatabasePlan, clip: ClipPlan) -> frozenset[int]:
    """The frames of a clip that the copy lacks: of SMIC-HS as many as the release, if possible in the same clips."""
    if not plan.quirks or plan.database != "smic_hs":
        return frozenset()
    known = errata_of(plan.database, "missing")
    planned = [one.name for person in plan.subjects for one in person.clips]
    if not set(planned) & set(known):
        lost = int(clip.name == planned[0])
    else:
        lost = int(known[clip.name].printed) if clip.name in known else 0
    inner = [number for number in range(clip.onset + 1, clip.offset) if number != clip.apex]
    return frozenset(inner[:lost])


def litter(plan: DatabasePlan, person: SubjectPlan, folder: Path) -> None:
    """Leave in a subject's folder what operating systems and archivers leave."""
    for clip in person.clips:
        place = folder / clip_folder(plan.database, person.subject, clip, plan.quirks)
        for name in ("Thumbs.db", "._img1.jpg"):
            (place / name).write_bytes(b"\x00\x05\x16\x07")
    (folder / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1")
    (folder / "Desktop - Shortcut.lnk").write_bytes(b"L\x00\x00\x00")
    archive = folder / "__MACOSX"
    archive.mkdir()
    (archive / "._img1.jpg").write_bytes(b"\x00\x05\x16\x07")
