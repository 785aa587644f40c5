"""Tasks: the composite database of MEGC 2019, each database by itself, and databases that are held out whole.

A task fixes databases, classes and the rule that maps a database's own words to them (FR, Tables 9 to 13; MERSiamC3D,
Tables 2 to 5), and what is left out of training at a time: a subject, or a database.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from cdmer.errors import CdmerError
from cdmer.protocols.cdmer import CLASSES
from cdmer.protocols.labels import FIVE_CLASSES, OBJECTIVE_CLASSES, Rule, labels

FOUR_CLASSES = (*CLASSES, "others")


@dataclass(frozen=True)
class Task:
    """What is recognised, and on which databases; `name` is a folder's name too."""

    name: str
    protocol: str  # cde, single, holdout or lodo
    databases: tuple[str, ...]
    classes: tuple[str, ...]
    rule: Rule
    left_out: Literal["subject", "database"] = "subject"  # what is tested at a time, and does not train

    @property
    def words(self) -> str:
        """The column of a manifest that the rule reads."""
        return "objective_class" if self.rule == "objective_classes" else "emotion"

    def labels(self, database: str, clips: Mapping[str, str | None]) -> dict[str, str]:
        """The class of each clip of `database` that takes part, from the clips' own words.

        A clip without an objective class has no part in a task on those; a clip without an emotion is a fault.

        Raises
        ------
        CdmerError
            A word that the rule does not know.
        """
        if self.words == "objective_class":
            clips = {clip: word for clip, word in clips.items() if word is not None}
        given = labels(self.rule, database, list(clips), list(clips.values()))
        return {clip: label for clip, label in zip(clips, given, strict=True) if label is not None}


COMPOSITE = Task("composite", "cde", ("smic_hs", "casme2", "samm"), CLASSES, "megc2019")
# MEGC 2018 (Yap et al., FG 2018): train on CASME II, test on SAMM, and the other way round
HOLDOUT = Task("holdout_objective", "holdout", ("casme2", "samm"), OBJECTIVE_CLASSES, "objective_classes", "database")
# of the subsets of SMIC the one that is in the composite: the others show the same people
LODO = Task("lodo_3", "lodo", COMPOSITE.databases, CLASSES, "megc2019", "database")


def single_tasks() -> Iterator[Task]:
    """The single-database tasks of the papers, in the order of FR's Table 5, objective classes last."""
    for database in COMPOSITE.databases:
        yield Task(f"{database}_3", "single", (database,), CLASSES, "megc2019")
    for database in ("casme2", "samm"):
        yield Task(f"{database}_4", "single", (database,), FOUR_CLASSES, "four_classes")
    for database in ("casme2", "samm"):
        yield Task(f"{database}_5", "single", (database,), FIVE_CLASSES[database], "five_classes")
    for database in ("casme2", "samm"):
        yield Task(f"{database}_objective", "single", (database,), OBJECTIVE_CLASSES, "objective_classes")


def tasks() -> dict[str, Task]:
    """Every task by name."""
    return {task.name: task for task in (COMPOSITE, *single_tasks(), HOLDOUT, LODO)}


def task_named(name: str) -> Task:
    """A task by its name.

    Raises
    ------
    CdmerError
        There is none of that name.
    """
    if name not in tasks():
        raise CdmerError(f"there is no task {name!r}", f"choose one of {', '.join(tasks())}")
    return tasks()[name]
