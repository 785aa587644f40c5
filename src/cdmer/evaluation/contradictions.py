"""Where papers contradict one another, themselves, or arithmetic: footnotes to the published numbers.

`contradictions.csv` holds one row a fact: the printed cell, who prints it, what stands against it and who says so, and
in words what is known of the reason. A row without a model is about a whole table. Nothing is averaged away: the number
beside ours stays the printed one (`cdmer.evaluation.published`), and carries a mark.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from cdmer.evaluation.published import printed_as

DEPENDS_ON_FILES = ("contradictions.csv",)
_DIGITS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_METRICS = {"uf1": "UF1", "uar": "UAR", "accuracy": "accuracy"}


@dataclass(frozen=True)
class Contradiction:
    """One row of the file; `experiment` and `model` are empty where it is about all."""

    type: str
    experiment: str
    model: str
    variant: str
    metric: str
    paper: str
    value: str
    other_source: str
    other: str
    note: str

    def words(self, model: str) -> str:
        """The footnote, in which the model is called `model`."""
        about = ", ".join(filter(None, (model, self.experiment, _METRICS.get(self.metric, ""))))
        says = f"{self.paper} prints {self.value}; {self.other_source}: {self.other}. "
        return (f"{about}: " if about else "") + (says if self.value else "") + self.note


@dataclass(frozen=True)
class Footnotes:
    """The footnotes of one table.

    Attributes
    ----------
    marks
        (type, experiment, model) to the marks of its published cell, small digits, each behind the metric that it is
        about; "" as experiment is the model's row.
    notes
        The notes with their marks, in the order of the marks, then those on the whole table.
    """

    marks: Mapping[tuple[str, str, str], Sequence[tuple[str, str]]]
    notes: Sequence[str]

    def mark(self, type_: str, experiment: str, model: str, *metrics: str) -> str:
        """What stands behind a published cell, or behind its scores of `metrics`; empty where nobody contradicts it."""
        found = self.marks.get((type_, experiment, model), ())
        return "˒".join(dict.fromkeys(mark for metric, mark in found if not metrics or metric in metrics))

    def scores(
        self, row: Mapping[Any, Any], second: str, type_: str, experiment: str, model: str
    ) -> list[tuple[str, float | None, str]]:
        """The published scores that a cell shows: metric, score and mark.

        UF1 and `second`, None where the paper does not print one of them; accuracy alone where it prints only that;
        nothing where it prints none. A mark stands on the score that it is about, else on the last.

        Parameters
        ----------
        row
            ``published_uf1``, ``published_accuracy`` and the like.
        second
            ``accuracy`` or ``uar``.
        type_, experiment, model
            As for `mark`.
        """
        printed = {metric: _score(row.get(f"published_{metric}")) for metric in _METRICS}
        metrics: tuple[str, ...] = ("uf1", second)
        if printed["uf1"] is None and printed[second] is None:
            metrics = ("accuracy",) if printed["accuracy"] is not None else ()
        others = {metric for metric, _ in self.marks.get((type_, experiment, model), ())} - set(metrics)
        own = {name: [name] for name in metrics}
        if metrics:
            own[metrics[-1]] += sorted(others)
        return [(name, printed[name], self.mark(type_, experiment, model, *own[name])) for name in metrics]


def footnotes(
    cells: Iterable[tuple[str, str, str]], protocol: str, features: Mapping[str, str] | None = None
) -> Footnotes:
    """The footnotes to the published numbers of a table.

    Parameters
    ----------
    cells
        Type, experiment and model of every cell of ours beside which a published number stands, in the table's order.
    protocol
        ``CDMER``, ``CDE`` or ``single``: whose notes on the whole table are given, and on whole rows of models.
    features
        Model to the feature that it reads, as `published_score` was given it.
    """
    marks: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    notes: dict[str, str] = {}

    def note(place: tuple[str, str, str], metric: str, words: str) -> None:
        # one note may belong to several cells: a model under two names
        mark = notes.setdefault(words, str(len(notes) + 1).translate(_DIGITS))
        marks.setdefault(place, []).append((metric, mark))

    known = contradictions()
    features = features or {}
    shown = list(cells)
    for type_, experiment, model in shown:
        for fact in known:
            if (fact.type, fact.experiment) == (type_, experiment) and (fact.model, fact.variant) in printed_as(
                model, features.get(model, "")
            ):
                called = fact.model + (f" ({fact.variant})" if fact.variant else "")
                note((type_, experiment, model), fact.metric, fact.words(called))
    for model in dict.fromkeys(model for _, _, model in shown):
        names = printed_as(model, features.get(model, ""))
        for fact in known:
            if (fact.type, fact.experiment) == (protocol, "") and (fact.model, fact.variant) in names:
                note((protocol, "", model), fact.metric, fact.words(fact.model))
    whole = [fact.words("") for fact in known if fact.type == protocol and not fact.model and shown]
    return Footnotes(marks, [*(f"{mark} {words}" for words, mark in notes.items()), *whole])


def _score(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


@cache
def contradictions() -> tuple[Contradiction, ...]:
    """Every row of the file."""
    table = pd.read_csv(Path(__file__).with_name("contradictions.csv"), dtype=str, keep_default_na=False)
    return tuple(Contradiction(*map(str, row)) for row in table.itertuples(index=False, name=None))
