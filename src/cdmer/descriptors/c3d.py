"""C3D: what a network trained on films of sports answers to a clip, at its first or second fully connected layer.

Tran, Bourdev, Fergus, Torresani and Paluri, "Learning spatiotemporal features with 3D convolutional networks", ICCV
2015. Eight convolutions of 3 x 3 x 3 with ReLU, five poolings (the first in space alone), then fc6 and fc7 with ReLU,
which the papers of this field call FC1 and FC2. The activations of a clip are divided by their Euclidean length, as
Tran et al. do.

The input is the clip in blue, green, red, less the training set's means 90, 98, 102 (Sports-1M's, rounded); grey clips
have their grey in all three.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import conv3d, linear, max_pool3d

from cdmer.descriptors.c3d_weights import (
    CONVOLUTIONS,
    Training,
    missing_weights,
    read_weights,
    remedy,
    weights_place,
)
from cdmer.descriptors.clips import refuse_black
from cdmer.errors import CdmerError

SHAPE = (16, 112, 112)
_MEANS = (90.0, 98.0, 102.0)
_POOLED = {"conv1": (1, 2, 2), "conv2": (2, 2, 2), "conv3b": (2, 2, 2), "conv4b": (2, 2, 2), "conv5b": (2, 2, 2)}


def c3d(
    clip: NDArray[np.uint8],
    layer: Literal["fc1", "fc2"] = "fc1",
    training: Training = "sports1m",
    weights: str | Path | None = None,
) -> NDArray[np.float32]:
    """The activations of C3D for a clip.

    Parameters
    ----------
    clip
        uint8 (16, 112, 112), or (16, 112, 112, 3) RGB.
    layer
        ``fc1`` (fc6) or ``fc2`` (fc7).
    training
        What the network was trained on: which file to take from the place of weights.
    weights
        Another file (`cdmer.descriptors.c3d_weights.read_weights`).

    Returns
    -------
    array
        float32 (4096,) of Euclidean length 1, or 0 where nothing is active.

    Raises
    ------
    CdmerError
        Weights that are missing or of another network; a clip of another shape, or with a black frame.
    """
    if clip.dtype != np.uint8 or clip.shape not in (SHAPE, (*SHAPE, 3)):
        raise CdmerError(
            f"C3D reads clips of uint8 (16, 112, 112), grey or RGB, not {clip.dtype} {clip.shape}",
            "use a frames recipe of 16 frames on a faces recipe of 112 pixels",
        )
    if layer not in ("fc1", "fc2"):
        raise CdmerError(f"C3D has no layer {layer!r} to read", "choose fc1 or fc2")
    grey = clip if clip.ndim == 3 else clip.max(axis=3)
    refuse_black(grey)
    if weights is None and (problem := missing_weights(training)):
        raise CdmerError(problem, remedy(training))
    path = Path(weights) if weights is not None else weights_place(training)
    modified = path.stat().st_mtime_ns if path.is_file() else 0
    tensors = _tensors(str(path), modified)
    planes = np.repeat(clip[None], 3, axis=0) if clip.ndim == 3 else clip[..., ::-1].transpose(3, 0, 1, 2)
    values = planes.astype(np.float32) - np.array(_MEANS, np.float32)[:, None, None, None]
    with torch.inference_mode():
        active: NDArray[np.float32] = _forward(torch.from_numpy(values)[None], tensors, layer)[0].numpy()
    length = np.linalg.norm(active)
    return (active / length).astype(np.float32) if length > 0 else active


@lru_cache(maxsize=2)
def _tensors(path: str, modified: int) -> dict[str, Tensor]:
    return {name: torch.from_numpy(tensor) for name, tensor in read_weights(path).items()}


def _forward(values: Tensor, tensors: dict[str, Tensor], layer: str) -> Tensor:
    for name in CONVOLUTIONS:
        values = conv3d(values, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=1).relu()
        if name in _POOLED:
            padding: Any = (0, 1, 1) if name == "conv5b" else 0
            values = max_pool3d(values, _POOLED[name], padding=padding)
    values = linear(values.flatten(1), tensors["fc6.weight"], tensors["fc6.bias"]).relu()
    return values if layer == "fc1" else linear(values, tensors["fc7.weight"], tensors["fc7.bias"]).relu()
