"""What several stages of the plan need: the experiments of a protocol, and digests."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from cdmer.errors import CdmerError
from cdmer.nearest import did_you_mean
from cdmer.protocols.cdmer import cdmer_experiments
from cdmer.protocols.tasks import tasks

Plan = TypeVar("Plan")
Asked = ParamSpec("Asked")
Told = TypeVar("Told")
Entry = TypeVar("Entry")


@dataclass(frozen=True)
class LeftOut:
    """An experiment that cannot be computed, and why."""

    experiment: str
    model: str
    reason: str


def experiments(protocol: str) -> dict[str, str]:
    """The experiments of a protocol in the papers' order: the name of a folder, and the name in the table."""
    if protocol == "cdmer":
        return {experiment.key: experiment.name for experiment in cdmer_experiments()}
    return {name: name for name, task in tasks().items() if task.protocol == protocol}


@cache
def databases_of(experiment: str) -> list[str]:
    """Source and target of an experiment, or the databases of a task, by the name of its folder.

    Raises
    ------
    CdmerError
        There is none of that name.
    """
    if experiment in tasks():
        return list(tasks()[experiment].databases)
    found = one_of("experiment", experiment, {each.key: each for each in cdmer_experiments()})
    return [found.source, found.target]


def one_of(what: str, name: str, known: Mapping[str, Entry]) -> Entry:
    """What is known by a name that a user has typed, in a target or on the command line.

    Raises
    ------
    CdmerError
        There is none of that name; the nearest known one is named.
    """
    if name not in known:
        listed = f"choose one of {', '.join(known)}" if known else "there is none"
        raise CdmerError(f"there is no {what} {name!r}", listed + did_you_mean(name, known))
    return known[name]


def once(method: Callable[Concatenate[Plan, Asked], Told]) -> Callable[Concatenate[Plan, Asked], Told]:
    """The method, which each plan asks once for the same arguments: Snakemake asks for every job."""
    name = f"_told_{method.__name__}"

    @wraps(method)
    def asked(plan: Plan, /, *arguments: Asked.args, **named: Asked.kwargs) -> Told:
        told = plan.__dict__.setdefault(name, {})
        key = (*arguments, *named.items())
        if key not in told:
            told[key] = method(plan, *arguments, **named)
        return told[key]  # type: ignore[no-any-return]

    return asked


def digest(*parts: Any) -> str:
    """A digest of what can be written as JSON.

    Every job's params hold a digest of all that its inputs are made of (`Plan.*_made_of`). Without, a change would
    travel through files alone: a job that a kill or a fault ends leaves no output, and Snakemake, which takes a missing
    intermediate file for one that nobody needs, would call everything behind it up to date.
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
