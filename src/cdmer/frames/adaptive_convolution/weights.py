"""Weights of the interpolation networks: safetensors files, which hold no code; the published checkpoint's names."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from cdmer.errors import CdmerError
from cdmer.files import whole_file

Tensors = dict[str, NDArray[Any]]

_ABOUT = "about"

# Names in the checkpoint of Niklaus et al. -> ours. Older files say "module", newer ones "net".
_PUBLISHED = {
    **{f"Conv{number}": f"encoders.{number - 1}" for number in range(1, 6)},
    **{f"Deconv{number}": f"decoders.{5 - number}" for number in range(2, 6)},
    **{f"Upsample{number}": f"upsamplers.{5 - number}" for number in range(2, 6)},
    "Vertical1": "heads.vertical_first",
    "Vertical2": "heads.vertical_second",
    "Horizontal1": "heads.horizontal_first",
    "Horizontal2": "heads.horizontal_second",
}
_BGR_PAIR = [2, 1, 0, 5, 4, 3]  # the published network reads blue, green, red of both frames


def save_weights(path: str | Path, tensors: Mapping[str, NDArray[Any]], about: Mapping[str, str]) -> None:
    """Write tensors and texts about them, whole or not at all; the same bytes for the same content.

    The library writes its metadata in any order, so there is one entry, ``about``, of JSON.
    """
    metadata = {_ABOUT: json.dumps(dict(about), sort_keys=True)}
    content = save({name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}, metadata)
    with whole_file(path) as partial:
        partial.write_bytes(content)


def load_weights(path: str | Path) -> tuple[Tensors, dict[str, str]]:
    """Read tensors and the texts about them.

    Raises
    ------
    CdmerError
        No such file, or one that is damaged or in another format.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get(_ABOUT, "{}"))
            return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118
    except OSError as error:
        raise CdmerError(f"{path} cannot be read: {error}", "correct the path of the weights") from error
    except SafetensorError as error:
        raise CdmerError(
            f"{path} is no whole safetensors file: {error}", "restore it, or train the network again"
        ) from error


def from_published(published: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """The published checkpoint of the separable network under our names, its first layer turned from BGR to RGB.

    Parameters
    ----------
    published
        The tensors of ``network-l1.pytorch`` or ``network-lf.pytorch`` of Niklaus et al. (ICCV 2017), by name, e.g.
        ``moduleConv1.0.weight`` or ``netConv1.0.weight``.

    Raises
    ------
    CdmerError
        A name that the checkpoint of that network does not have.
    """
    ours = {}
    for name, tensor in published.items():
        block, _, rest = name.removeprefix("module").removeprefix("net").partition(".")
        if block not in _PUBLISHED or not rest:
            raise CdmerError(
                f"{name} is no tensor of the published separable network",
                "give network-l1.pytorch or network-lf.pytorch of Niklaus, Mai and Liu (ICCV 2017)",
            )
        ours[f"{_PUBLISHED[block]}.{rest}"] = tensor
    if "encoders.0.0.weight" in ours:
        ours["encoders.0.0.weight"] = np.ascontiguousarray(ours["encoders.0.0.weight"][:, _BGR_PAIR])
    return ours
