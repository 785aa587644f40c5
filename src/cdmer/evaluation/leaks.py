"""What could let a table look better than it is: the checks of one experiment, and how a table tells them.

The subsets of SMIC show eight people in common, filmed at the same moments (Li et al., FG 2013): an experiment between
two of them recognises people that it has trained on. `cdmer.evaluation.leak_jobs` runs the checks on every table, from
the very clips and folds that its models were trained and tested with.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cdmer.protocols.people import family, person

SHOWN = 10  # of what a check finds, in its detail
COLUMNS = ("experiment", "feature", "check", "count", "of", "detail")
ALL = "all"  # in place of an experiment: a check of the table as a whole

PEOPLE = "a person is on both sides"
CAMERAS = "a recording has its namesake on the other side, as before two cameras"
COPIES = "a clip has the same features as one on the other side"
UNNAMED = "a clip names nobody, and is in no check of people and recordings"
ONCE = "a clip is not judged exactly once"
ALONE = "a clip is answered otherwise by a model that has not seen the other tested clips"
ORACLE = "labels of the target choose hyper-parameters or epochs"
ADAPTING = "a model sees the target's clips without labels, as the protocol allows"

# s01, sub01, 006: how the databases call their people, whatever the case of the letters
_DATABASE_NAME = re.compile(r"(s|sub)?\d+", re.IGNORECASE)

# what trains and what is tested at a time: rows of `Shown`
Sides = tuple[NDArray[np.intp], NDArray[np.intp]]
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Shown:
    """The clips of an experiment, source and target or all databases of a task together.

    Attributes
    ----------
    database, clip
        (clips,) names.
    subject
        (clips,) whom each shows; None where a release names nobody.
    content
        (clips,) a digest of each clip's features: two clips of one digest are one clip.
    """

    database: NDArray[Any]
    clip: NDArray[Any]
    subject: NDArray[Any]
    content: NDArray[Any]

    @property
    def unnamed(self) -> list[str]:
        """Databases that name nobody, not in one clip."""
        some = {str(name) for name, who in zip(self.database, self.subject, strict=True) if who is not None}
        return sorted(set(map(str, self.database)) - some)

    def of_somebody(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those of the rows that name whom they show."""
        return rows[[self.subject[row] is not None for row in rows]]

    def people(self, rows: NDArray[np.intp]) -> set[str]:
        """Who is shown, by a name that is the same in all subsets of SMIC; S01 is s01."""
        return {person(str(self.database[row]), self._as_databases_do(row, self.subject[row])) for row in rows}

    def recordings(self, rows: NDArray[np.intp]) -> dict[str, str]:
        """Recordings by family and name, which the cameras before one event share."""
        return {
            f"{family(str(self.database[row]))}/{self._as_databases_do(row, self.clip[row])}": self.named(row)
            for row in rows
        }

    def contents(self, rows: NDArray[np.intp]) -> dict[str, str]:
        """Digests of features, and a clip that has them."""
        return {str(self.content[row]): self.named(row) for row in rows}

    def _as_databases_do(self, row: int | np.intp, name: Any) -> str:
        """A name of somebody in small letters, if this person is called as the databases do; any other as it stands."""
        return str(name).lower() if _DATABASE_NAME.fullmatch(str(self.subject[row])) else str(name)

    def named(self, row: int | np.intp) -> str:
        """A clip's name, which no other database's has."""
        return f"{self.database[row]}/{self.clip[row]}"


def between_sides(shown: Shown, folds: Iterable[Sides]) -> Iterator[Row]:
    """Who and what is on both sides, counted fold by fold.

    Parameters
    ----------
    shown
        The clips.
    folds
        What trains and what is tested, rows of `shown`; one pair where whole databases are the sides.

    Yields
    ------
    dict
        ``check``, ``count``, ``of``, ``detail``: of all people, recordings or clips that are tested, those who are
        among what trains in the same fold. A count of None: a release names nobody. Where it names some alone, their
        clips are looked at, and how many are not is a row of its own.
    """
    both: dict[str, list[str]] = {PEOPLE: [], CAMERAS: [], COPIES: []}
    tested = Counter(dict.fromkeys(both, 0))
    named = not shown.unnamed
    for train, test in folds:
        if named:
            seen, judged = shown.of_somebody(train), shown.of_somebody(test)
            theirs = shown.people(judged)
            both[PEOPLE] += sorted(shown.people(seen) & theirs)
            tested[PEOPLE] += len(theirs)
            found, other = shown.recordings(seen), shown.recordings(judged)
            both[CAMERAS] += sorted(set(found) & set(other))
            tested[CAMERAS] += len(other)
        found = shown.contents(train)
        digests = [(str(shown.content[row]), shown.named(row)) for row in test]  # two may be copies of one
        both[COPIES] += sorted(f"{found[digest]}={clip}" for digest, clip in digests if digest in found)
        tested[COPIES] += len(digests)
    for check, listed in both.items():
        if not named and check != COPIES:
            release = " and ".join(shown.unnamed)
            yield {"check": check, "count": None, "of": None, "detail": f"the release of {release} names nobody"}
        else:
            yield row_of(check, listed, tested[check])
    nobody = [shown.named(row) for row, who in enumerate(shown.subject) if who is None]
    if named and nobody:
        yield row_of(UNNAMED, nobody, len(shown.subject))


def judged_once(tested: Sequence[Hashable], judged: Sequence[Sequence[Hashable]]) -> Row:
    """Whether every clip that is tested, and no other, was scored exactly once.

    Parameters
    ----------
    tested
        The clips of the folds' test sides, one after the other.
    judged
        The clips of each round and selection of the predictions.
    """
    known = Counter(tested)
    wrong: list[str] = []
    for clips in judged:
        counted = Counter(clips)
        wrong += [_told(clip) for clip in {**known, **counted} if counted[clip] != 1 or known[clip] != 1]
    return row_of(ONCE, wrong, len(known) * len(judged))


def row_of(check: str, found: Iterable[str], of: int) -> Row:
    """A check as a row: how many were found, of how many that were looked at, and the first of them by name."""
    listed = sorted(found)
    detail = " ".join(listed[:SHOWN]) + (" …" if len(listed) > SHOWN else "")
    return {"check": check, "count": len(listed), "of": of, "detail": detail}


def leak_notes(leaks: pd.DataFrame) -> list[str]:
    """What the checks found, a line each for the foot of a table; a check that found nothing says of how many."""
    notes = []
    between = leaks[leaks["experiment"] != ALL]
    for row in between[between["check"] == UNNAMED].to_dict("records"):
        where = f"{row['count']:.0f} of {row['of']:.0f} clips of {row['experiment']}"
        notes.append(f"Not to be checked for people and recordings: {where}, which name nobody.")
    for check, group in between[between["check"] != UNNAMED].groupby("check", sort=False):
        unknown = group[group["count"].isna()]
        for detail, these in unknown.groupby("detail", sort=False):
            where = ", ".join(dict.fromkeys(these["experiment"]))
            notes.append(f"Not to be checked in {where}, whether {check}: {detail}.")
        looked = group[group["count"].notna()]
        found = looked[looked["count"] > 0]
        if found.empty and len(looked):
            notes.append(f"Checked: {check}: in no experiment, 0 of {looked['of'].sum():.0f}.")
        by_count: dict[str, list[str]] = {}
        for row in found.to_dict("records"):
            by_count.setdefault(f"{row['count']:.0f} of {row['of']:.0f}", []).append(str(row["experiment"]))
        if by_count:
            listed = "; ".join(f"{', '.join(dict.fromkeys(names))} ({count})" for count, names in by_count.items())
            notes.append(f"Leak: {check}: {listed}.")
    for row in leaks[leaks["experiment"] == ALL].to_dict("records"):
        count = f"{row['count']:.0f} of {row['of']:.0f} models"
        if row["check"] == ORACLE and row["count"] > 0:
            notes.append(f"Leak: {ORACLE}: in the rows `oracle` of {count}, which stand apart for that.")
        elif row["check"] == ORACLE:
            notes.append(f"Checked: {ORACLE}: of {count}.")
        elif row["count"] > 0:
            notes.append(f"Allowed: {row['check']}: {count}.")
        else:
            notes.append(f"Checked: {row['check']}: {count}.")
    return notes


def _told(clip: Hashable) -> str:
    return "/".join(map(str, clip)) if isinstance(clip, tuple) else str(clip)
