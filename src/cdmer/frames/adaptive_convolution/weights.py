"""Weights of the interpolation networks: files in the safetensors format, and the published checkpoint's names.

A safetensors file is a length (unsigned, 64 bits, little-endian), so many bytes of JSON that give each tensor's type,
shape and place, and the tensors' bytes, in C order and little-endian. No code is in it, so none can be run by reading
it. This module reads and writes the part that networks need: float32 and int64 tensors, and texts about them.
"""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.files import whole_file

Tensors = dict[str, NDArray[np.float32] | NDArray[np.int64]]

_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}
_CODES = {dtype: code for code, dtype in _TYPES.items()}
_PREFIX = struct.Struct("<Q")

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
    """Write tensors (float32, int64) and texts about them, whole or not at all."""
    header: dict[str, object] = {"__metadata__": dict(about)}
    blobs, place = [], 0
    for name, tensor in tensors.items():
        blob = np.ascontiguousarray(tensor, tensor.dtype.newbyteorder("<")).tobytes()
        code = _CODES[tensor.dtype.newbyteorder("<")]
        header[name] = {"dtype": code, "shape": list(tensor.shape), "data_offsets": [place, place + len(blob)]}
        blobs.append(blob)
        place += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # tensors start aligned
    with whole_file(path) as partial:
        partial.write_bytes(b"".join([_PREFIX.pack(len(text)), text, *blobs]))


def load_weights(path: str | Path) -> tuple[Tensors, dict[str, str]]:
    """Read tensors and the texts about them.

    Raises
    ------
    CdmerError
        No such file, or one that is damaged or in another format.
    """
    try:
        content = Path(path).read_bytes()
        (length,) = _PREFIX.unpack_from(content)
        body = memoryview(content)[_PREFIX.size + length :]
        header = json.loads(content[_PREFIX.size : _PREFIX.size + length])
        about = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
        return {name: _tensor(body, entry) for name, entry in header.items()}, about
    except OSError as error:
        raise CdmerError(f"{path} cannot be read: {error.strerror}", "correct the path of the weights") from error
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CdmerError(
            f"{path} is no whole safetensors file of float32 tensors", "restore it, or train the network again"
        ) from error


def _tensor(body: memoryview, entry: Mapping[str, Any]) -> NDArray[np.float32] | NDArray[np.int64]:
    start, stop = entry["data_offsets"]
    tensor: NDArray[np.float32] | NDArray[np.int64]
    tensor = np.frombuffer(bytes(body[start:stop]), _TYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
    return tensor


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
