"""Whether a task can be learnt fold by fold, by what its databases say of their clips before any is looked at."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cdmer.databases.cohort.plan import DatabasePlan
from cdmer.databases.reading import ROMAN
from cdmer.errors import CdmerError
from cdmer.protocols.tasks import Task


class Said(NamedTuple):
    """What a database says of a clip, as its manifest will have it."""

    clip: str
    subject: str
    emotion: str | None
    objective_class: str | None


def said_of_look_alike(plan: DatabasePlan) -> list[Said]:
    """What the annotation of a synthetic database will say."""
    return [
        Said(
            f"{person.subject}/{clip.name}" if plan.database == "casme2" else clip.name,
            person.subject,
            clip.emotion.lower(),
            ROMAN[clip.objective_class - 1],
        )
        for person in plan.subjects
        for clip in person.clips
    ]


def lacks_folds(task: Task, clips: Mapping[str, Sequence[Said]]) -> str:
    """Why a task cannot be learnt from the clips that its rule keeps; empty where it can.

    It can where at least two people (or databases, in a task that leaves those out) have clips, and whoever is left
    out, the others show two classes at least. A word that the rule does not know is no reason: the job names it.

    Parameters
    ----------
    task
        The task.
    clips
        What each of its databases says of its clips.
    """
    by_subject = task.left_out == "subject"
    classes: dict[str, set[str]] = {}  # of each person or database
    for database, told in clips.items():
        try:
            label = task.labels(database, {each.clip: getattr(each, task.words) for each in told})
        except CdmerError:
            return ""
        for each in told:
            if each.clip in label:
                left_out = f"{database}/{each.subject}" if by_subject else database
                classes.setdefault(left_out, set()).add(label[each.clip])
    if not classes:
        return f"no clip of {' or '.join(clips)} takes part"
    if len(classes) == 1:
        needs = "leaving one subject out needs two people" if by_subject else "two databases are needed"
        return f"all clips that take part {'show' if by_subject else 'are of'} {next(iter(classes))}; {needs} at least"
    for name in classes:
        others = set[str]().union(*(shown for other, shown in classes.items() if other != name))
        if len(others) == 1:
            return f"without {name}, {next(iter(others))} is the only class left to learn"
    return ""
