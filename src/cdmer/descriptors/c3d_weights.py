"""The weights of C3D, which come with no package: where they belong, and how they get there.

Both sets are trained by others, on Sports-1M (Tran et al. 2015) or UCF-101, and given out as PyTorch checkpoints by
several people. `import_c3d` reads such a checkpoint, whose tensors are called in one of two ways,

    conv1.weight, conv2.weight, conv3a.weight, ..., conv5b.weight, fc6.weight, fc7.weight
    features.0.weight, features.3.weight, ..., features.18.weight, classifier.0.weight, classifier.3.weight

with the biases beside them, and keeps what a feature needs as safetensors, in which no code can hide.
"""

import os
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.frames.adaptive_convolution.weights import load_weights, save_weights

Training = Literal["sports1m", "ucf101"]

CONVOLUTIONS = ("conv1", "conv2", "conv3a", "conv3b", "conv4a", "conv4b", "conv5a", "conv5b")
LAYERS = (*CONVOLUTIONS, "fc6", "fc7")
_SEQUENTIAL = {
    **{f"features.{number}": name for number, name in zip((0, 3, 6, 8, 11, 13, 16, 18), CONVOLUTIONS, strict=True)},
    "classifier.0": "fc6",
    "classifier.3": "fc7",
}


def weights_place(training: Training) -> Path:
    """Where the weights belong: `cdmer` in the user's cache folder, whether they are there or not."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "cdmer" / f"c3d_{training}.safetensors"


def missing_weights(training: Training) -> str:
    """What to say where the weights are not in their place; empty where they are."""
    place = weights_place(training)
    return "" if place.is_file() else f"the weights of C3D are not at {place} (`cdmer doctor` says how to get them)"


def remedy(training: Training) -> str:
    """How to get them there."""
    return f"get a PyTorch checkpoint of C3D (docs/descriptors.md), then: cdmer features import-c3d FILE {training}"


def read_weights(path: str | Path) -> dict[str, NDArray[np.float32]]:
    """The tensors of C3D by name, checked: those of `LAYERS`, each `weight` and `bias`, shapes that fit together.

    Raises
    ------
    CdmerError
        No such file, or one that holds something else.
    """
    tensors = {name: np.asarray(tensor, np.float32) for name, tensor in load_weights(path)[0].items()}
    _check(tensors, str(path))
    return tensors


def import_c3d(checkpoint: str | Path, training: Training) -> Path:
    """Put a PyTorch checkpoint's weights where features look for them.

    Raises
    ------
    CdmerError
        A file that PyTorch cannot read without running code of it, or that is no C3D.
    """
    import torch

    try:
        found = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CdmerError(f"{checkpoint} cannot be read: {error.strerror}", "correct the path") from error
    except Exception as error:  # torch raises whatever its unpickler and zip reader do
        raise CdmerError(
            f"{checkpoint} is no checkpoint that PyTorch reads without running code from it",
            "save the model's state_dict with torch.save in the program that can read it",
        ) from error
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    tensors = {}
    for name, tensor in (found if isinstance(found, dict) else {}).items():
        layer, _, kind = str(name).removeprefix("module.").rpartition(".")
        ours = _SEQUENTIAL.get(layer, layer)
        if ours in LAYERS and kind in ("weight", "bias"):
            tensors[f"{ours}.{kind}"] = np.ascontiguousarray(tensor.float().numpy())
    _check(tensors, str(checkpoint))
    place = weights_place(training)
    place.parent.mkdir(parents=True, exist_ok=True)
    save_weights(place, tensors, {"network": "C3D", "trained_on": training, "imported_from": Path(checkpoint).name})
    return place


def _check(tensors: dict[str, NDArray[np.float32]], path: str) -> None:
    problem = ""
    channels = 3
    for name in LAYERS:
        weight, bias = tensors.get(f"{name}.weight"), tensors.get(f"{name}.bias")
        if weight is None or bias is None:
            problem = f"it has no {name}.{'weight' if weight is None else 'bias'}"
            break
        inputs = channels * 16 if name == "fc6" else channels  # 16: the last pooling leaves 1 x 4 x 4
        wanted = (len(bias), inputs, 3, 3, 3) if name in CONVOLUTIONS else (len(bias), inputs)
        if bias.ndim != 1 or weight.shape != wanted:
            problem = f"its {name}.weight is {weight.shape}, which does not follow on {channels} channels"
            break
        channels = len(bias)
    if problem:
        raise CdmerError(f"{path} is not C3D: {problem}", "give a checkpoint of C3D (docs/descriptors.md)")
