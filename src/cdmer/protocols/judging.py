"""A trained model on new clips: methods are fitted again in seconds, networks read their kept weights.

A method that adapts keeps no state worth keeping: its kernels run over the source's and the target's clips, which lie
in the feature stores. So it is fitted again on them, at the point that its selection chose, and must answer the target
as the table says before it is asked about anything else. The new clips take no part in the fit.
"""

import importlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.protocols.cdmer import CLASSES
from cdmer.protocols.predictions import point_text, read_predictions
from cdmer.protocols.train import labelled_clips
from cdmer.store.feature_store import FeatureStore
from cdmer.store.released import in_order

log = logging.getLogger(__name__)

TOLERATED = 0.05  # of a target's clips that a network may answer otherwise on another device


@dataclass(frozen=True, eq=False)
class Judgement:
    """What a model says of clips.

    Attributes
    ----------
    classes
        The classes that it knows, in the protocol's order.
    predicted
        (clips,) the class of each.
    scores
        (clips, classes) the larger, the likelier.
    kind
        What the scores are: ``decision`` (summed pairwise decisions of a support vector machine, or regressed labels)
        or ``probability`` (softmax, averaged over the rounds whose weights are kept).
    chosen_by
        The point of the grid or the epoch, in words.
    """

    classes: tuple[str, ...]
    predicted: NDArray[np.str_]
    scores: NDArray[np.float64]
    kind: Literal["decision", "probability"]
    chosen_by: str


def judge_by_method(
    source: str | Path,
    target: str | Path,
    X: NDArray[Any],
    *,
    predictions: str | Path,
    metrics: Mapping[str, Any],
    chosen: str,
    databases: Sequence[str],
    module: str,
    estimator: str,
    parameters: dict[str, Any],
    columns: Literal["blocks", "released"],
    casme2_negative: str,
) -> Judgement:
    """Fit a method as the table's was fitted, and ask it about new clips of its target.

    Parameters
    ----------
    source, target
        The feature stores that it was trained on.
    X
        (clips, features) the new clips, in the column order of the target's store.
    predictions, metrics
        What its training wrote: ``predictions.csv``, and the content of ``metrics.json``.
    chosen
        The selection whose point is taken, one of those in `metrics`.
    databases, module, estimator, parameters, columns, casme2_negative
        As for `cdmer.protocols.train.train_model`.

    Raises
    ------
    CdmerError
        The method, fitted again, answers a clip of the target otherwise than the table.
    """
    point = metrics["scores"][chosen]["point"]
    train = labelled_clips(source, databases[0], casme2_negative, columns)
    test = labelled_clips(target, databases[1], casme2_negative, columns)
    new = in_order(X, FeatureStore(target).provenance["recipe"], columns)
    model = getattr(importlib.import_module(module), estimator)(**parameters)
    answers = model.answer_grid(train.X, train.label, test.X, [point], X=np.concatenate([test.X, new]))
    said = table_says(predictions, chosen, 1)
    again = dict(zip(test.clip, answers.predicted[0].tolist(), strict=False))
    refuse_another(str(predictions), said, again, 0.0)
    classes = [name for name in CLASSES if name in set(model.order_)]
    place = [list(model.order_).index(name) for name in classes]
    return Judgement(
        classes=tuple(classes),
        predicted=np.asarray(answers.predicted[0][len(test.clip) :], str),
        scores=answers.scores[0][len(test.clip) :][:, place],
        kind="decision",
        chosen_by=point_text(point),
    )


def table_says(predictions: str | Path, selection: str, round_: int) -> dict[str, str]:
    """The table's answer to each clip of the target."""
    table = read_predictions(predictions)
    rows = table[(table["selection"] == selection) & (table["round"] == round_)]
    return dict(zip(rows["clip"], rows["predicted"], strict=True))


def refuse_another(predictions: str, said: Mapping[str, str], again: Mapping[str, str], tolerated: float) -> None:
    """Refuse a model that is not the one whose predictions are in the table."""
    other = [clip for clip in said if again.get(clip) != said[clip]]
    if len(said) != len(again) or len(other) > tolerated * len(said):
        raise CdmerError(
            f"{predictions} was made by another model than can be had today: {len(other)} of {len(said)} clips are "
            "answered otherwise, or the clips are others",
            f"the features, the settings or the code have changed: run `snakemake --cores 2 {predictions}` again",
        )
    if other:
        log.warning("%s: %d of %d clips are answered otherwise here", predictions, len(other), len(said))
