"""How the papers found their numbers: the best point of the grid by the target's labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cdmer.adaptation.base import AdaptationClassifier, Point
from cdmer.evaluation import accuracy, uf1

from .real_features import CLASSES, load

SIX = ("V->N", "N->V", "C->V", "V->C", "C->N", "N->C")  # that the released features carry
FILES = {"V": "SMIC_VIS", "N": "SMIC_NIR", "C": "CASME2"}


def best_of(
    real: Path, experiment: str, method: AdaptationClassifier, points: Sequence[Point] | None = None
) -> tuple[float, float]:
    """UF1 and accuracy, to four digits, at the first of the points with the best UF1; the paper's grid by default."""
    (Xs, ys), (Xt, yt) = (load(real, FILES[letter]) for letter in experiment.split("->"))
    points = points or method.grid(len(Xs), len(Xt), "paper")
    answers = method.answer_grid(Xs, ys, Xt, points)
    assert answers.converged.all()
    scores = [uf1(yt, row, CLASSES) for row in answers.predicted]
    best = int(np.argmax(scores))
    return round(scores[best], 4), round(accuracy(yt, answers.predicted[best]), 4)


def assert_best_is(cell: tuple[float, float], *arguments) -> None:
    assert best_of(*arguments) == cell
