"""Where papers contradict one another, themselves, or arithmetic: footnotes to the published numbers.

`contradictions.csv` holds one row a fact: the printed cell, who prints it, what stands against it and who says so, and
in words what is known of the reason. A row without a model is about a whole table. Nothing is averaged away: the number
beside ours stays the printed one (`cdmer.evaluation.published`), and carries a mark.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

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
        (type, experiment, model) to the mark of its published cell, small digits; "" as experiment is the model's row.
    notes
        The notes with their marks, in the order of the marks, then those on the whole table.
    """

    marks: Mapping[tuple[str, str, str], str]
    notes: Sequence[str]

    def mark(self, type_: str, experiment: str, model: str) -> str:
        """What stands behind a published cell; empty where nobody contradicts it."""
        return self.marks.get((type_, experiment, model), "")


def footnotes(cells: Iterable[tuple[str, str, str]], protocol: str) -> Footnotes:
    """The footnotes to the published numbers of a table.

    Parameters
    ----------
    cells
        Type, experiment and model of every cell of ours beside which a published number stands, in the table's order.
    protocol
        ``CDMER``, ``CDE`` or ``single``: whose notes on the whole table are given, and on whole rows of models.
    """
    marks: dict[tuple[str, str, str], str] = {}
    notes: dict[str, str] = {}

    def note(place: tuple[str, str, str], words: str) -> None:
        # one note may belong to several cells: two metrics of a cell, or a model under two names
        mark = notes.setdefault(words, str(len(notes) + 1).translate(_DIGITS))
        before = marks.get(place, "")
        marks[place] = f"{before}˒{mark}" if before else mark

    known = contradictions()
    shown = list(cells)
    for type_, experiment, model in shown:
        for fact in known:
            if (fact.type, fact.experiment) == (type_, experiment) and (fact.model, fact.variant) in printed_as(model):
                note(
                    (type_, experiment, model), fact.words(fact.model + (f" ({fact.variant})" if fact.variant else ""))
                )
    for model in dict.fromkeys(model for _, _, model in shown):
        for fact in known:
            if fact.type == protocol and fact.model and (fact.model, fact.variant) in printed_as(model):
                note((protocol, "", model), fact.words(fact.model))
    whole = [fact.words("") for fact in known if fact.type == protocol and not fact.model and shown]
    return Footnotes(marks, [*(f"{mark} {words}" for words, mark in notes.items()), *whole])


@cache
def contradictions() -> tuple[Contradiction, ...]:
    """Every row of the file."""
    table = pd.read_csv(Path(__file__).with_name("contradictions.csv"), dtype=str, keep_default_na=False)
    return tuple(Contradiction(*map(str, row)) for row in table.itertuples(index=False, name=None))
