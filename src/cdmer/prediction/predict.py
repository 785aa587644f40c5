"""New clips judged by a trained model: what it says, of which frames, and a picture of both."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.prediction.clips import NewClip, Sample, samples_of
from cdmer.prediction.trained import TrainedModel
from cdmer.protocols.judging import Judgement, judge_by_method


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of clips, and what it was shown of them."""

    trained: TrainedModel
    samples: list[Sample]
    judgement: Judgement

    def told(self) -> dict[str, Any]:
        """All of it but the pictures, as JSON can hold it."""
        judged, trained = self.judgement, self.trained
        return {
            "model": trained.name,
            "experiment": trained.experiment.name,
            "selection": trained.selection,
            "chosen": judged.chosen_by,
            "feature": trained.feature,
            "scores_are": judged.kind,
            "clips": [
                {
                    "clip": sample.clip.name,
                    "predicted": str(judged.predicted[index]),
                    "scores": {
                        name: float(score) for name, score in zip(judged.classes, judged.scores[index], strict=True)
                    },
                    "onset": sample.onset,
                    "apex": apex_of(sample),
                    "offset": sample.offset,
                    "frames": frames_used(sample),
                    "face": face_of(sample),
                }
                for index, sample in enumerate(self.samples)
            ],
        }


def predict(trained: TrainedModel, clips: Sequence[NewClip]) -> Prediction:
    """Judge clips.

    Raises
    ------
    CdmerError
        A clip that cannot be judged, by name, or a model that is not the table's any more.
    """
    judge = _judge(trained)
    with tempfile.TemporaryDirectory(prefix="cdmer-predict-") as scratch:
        samples = samples_of(clips, trained, Path(scratch))
    return Prediction(trained, samples, judge(np.concatenate([sample.X for sample in samples])))


def _judge(trained: TrainedModel) -> Callable[[NDArray[Any]], Judgement]:
    """What asks the model; made before clips are looked at, so that a model without weights is told at once."""
    settings = trained.settings
    source, target = trained.stores
    common: dict[str, Any] = {
        "predictions": trained.folder / "predictions.csv",
        **{key: settings[key] for key in ("databases", "casme2_negative")},
    }
    if trained.is_network:
        from cdmer.protocols.network_judging import judge_by_network, load_rounds

        rounds = load_rounds(trained.folder / "weights.safetensors", settings["training"])
        return lambda X: judge_by_network(target, X, rounds, **common)
    estimator: dict[str, Any] = {key: settings[key] for key in ("module", "estimator", "parameters", "columns")}
    chosen: dict[str, Any] = {"metrics": trained.metrics(), "chosen": trained.selection}
    return lambda X: judge_by_method(source, target, X, **chosen, **estimator, **common)


def apex_of(sample: Sample) -> int | None:
    """The number of the apex that the frames recipe took; None for one that needs none."""
    facts = sample.record.others
    return int(facts["apex"]) if "apex_method" in facts and facts["apex"] is not None else None


def frames_used(sample: Sample) -> list[int] | None:
    """The numbers of the recorded frames that the model saw; None where frames were interpolated between them."""
    indices = sample.record.others.get("frame_indices")
    return None if indices is None else [sample.onset + int(index) for index in np.asarray(indices)]


def face_of(sample: Sample) -> list[float] | None:
    """The face's box on the onset frame, x0, y0, x1, y1 in pixels; None where the recipe looks for none."""
    box = sample.record.others.get("box")
    return None if box is None else [round(float(edge), 1) for edge in np.asarray(box)[:4]]
