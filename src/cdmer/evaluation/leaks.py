"""What could let a table look better than it is: each check is run on every table, and its count printed with it.

The subsets of SMIC show eight people in common, filmed at the same moments (Li et al., FG 2013): an experiment between
two of them recognises people that it has trained on.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cdmer.files import write_text
from cdmer.protocols.people import family, person
from cdmer.store.feature_store import Features, FeatureStore

SHOWN = 10  # of what a check finds, in its detail
COLUMNS = ("experiment", "feature", "check", "count", "of", "detail")


@dataclass(frozen=True)
class Side:
    """The clips of one database that one side of an experiment may show."""

    database: str
    features: Features

    @property
    def people(self) -> set[str]:
        """Who is shown, by a name that is the same in all subsets of SMIC; empty where a release names nobody."""
        return {person(self.database, subject) for subject in self.features.subject if subject is not None}

    @property
    def events(self) -> set[str]:
        """Recordings by person and name, which two cameras of one event share."""
        if not self.people:
            return set()
        return {f"{family(self.database)}/{clip}" for clip in self.features.clip}

    @property
    def contents(self) -> dict[str, str]:
        """Digest of each clip's features to its name: two clips of one digest are one clip."""
        return {
            hashlib.sha256(np.ascontiguousarray(row).tobytes()).hexdigest(): f"{self.database}/{clip}"
            for row, clip in zip(self.features.X, self.features.clip, strict=True)
        }


def find_leaks(
    output: str | Path, *, pairs: Sequence[Mapping[str, Any]], selection: Sequence[str], adapting: Sequence[str]
) -> None:
    """Look for leaks between the two sides of experiments, and write what is found.

    Parameters
    ----------
    output
        CSV to write: experiment, feature, check, count, of, detail; one row a check, whether it finds anything or not.
    pairs
        Experiments: ``experiment``, ``feature``, ``databases`` and ``stores`` (two each: source and target).
    selection
        How hyper-parameters were chosen.
    adapting
        Models that were given the target's clips without labels.
    """
    sides: dict[str, Side] = {}
    rows: list[dict[str, Any]] = []
    for pair in pairs:
        for database, store in zip(pair["databases"], pair["stores"], strict=True):
            if store not in sides:
                sides[store] = Side(database, FeatureStore(store).load())
        source, target = (sides[store] for store in pair["stores"])
        named = {"experiment": pair["experiment"], "feature": pair["feature"]}
        rows += [{**named, **found} for found in _checks(source, target)]
    rows.append(_row("target labels choose hyper-parameters", {"oracle"} & set(selection), len(selection)))
    rows.append(_row("models see the target's clips without labels, as the protocol allows", adapting, len(adapting)))
    table = pd.DataFrame(rows, columns=list(COLUMNS)).fillna({"experiment": "all", "feature": "all"})
    write_text(output, table.to_csv(index=False, lineterminator="\n"))


def leak_notes(leaks: pd.DataFrame) -> list[str]:
    """What the checks found, a line each for the foot of a table."""
    notes = []
    between = leaks[leaks["experiment"] != "all"]
    for check, group in between.groupby("check", sort=False):
        unknown = list(dict.fromkeys(group.loc[group["count"].isna(), "experiment"]))
        if unknown:
            notes.append(f"Not to be checked, for a release names nobody: whether {check} in {', '.join(unknown)}.")
        found = group[group["count"] > 0]
        if found.empty and len(unknown) < group["experiment"].nunique():
            notes.append(f"Checked: no experiment where {check}.")
        by_count: dict[str, list[str]] = {}
        for row in found.to_dict("records"):
            by_count.setdefault(f"{row['count']:.0f} of {row['of']:.0f}", []).append(str(row["experiment"]))
        if by_count:
            listed = "; ".join(f"{', '.join(dict.fromkeys(names))} ({count})" for count, names in by_count.items())
            notes.append(f"Leak: {check}: {listed}.")
    return notes


def _checks(source: Side, target: Side) -> Iterable[dict[str, Any]]:
    unknown = " and ".join(side.database for side in (source, target) if not side.people)
    for check, mine, theirs in (
        ("people of the target are in the source", source.people, target.people),
        ("a recording of the target has its namesake in the source", source.events, target.events),
    ):
        if unknown:
            yield {"check": check, "count": None, "of": None, "detail": f"the release of {unknown} names nobody"}
        else:
            yield _row(check, mine & theirs, len(theirs))
    one, other = source.contents, target.contents
    same = {f"{one[digest]}={other[digest]}" for digest in set(one) & set(other)}
    yield _row("a clip of the target has the same features as one of the source", same, len(other))


def _row(check: str, found: Iterable[str], of: int) -> dict[str, Any]:
    listed = sorted(found)
    detail = " ".join(listed[:SHOWN]) + (" …" if len(listed) > SHOWN else "")
    return {"check": check, "count": len(listed), "of": of, "detail": detail}
