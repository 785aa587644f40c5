"""A detector network in YuNet's form that finds red squares: it stands for the weights, the rest is the real thing.

Written as an ONNX file (a few protocol-buffer messages) so that OpenCV's own `FaceDetectorYN` reads and runs it.
"""

from pathlib import Path

import numpy as np

STRIDES = (8, 16, 32)
WIDTH, HEIGHT = 3.0, 4.5  # of the boxes that it draws, in cells of 16 pixels


def write_stop_sign_detector(path: Path) -> None:
    """A cell of 16 x 16 pixels scores its mean of (red - blue) / 255; the other scales score nothing."""
    nodes, outputs = [], []
    constants = [_tensor(f"s_{channels}", np.array([1, -1, channels], np.int64)) for channels in (1, 4, 10)]
    for name, channels in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
        for stride in STRIDES:
            weight = np.zeros((channels, 3, stride, stride), np.float32)
            bias = np.zeros(channels, np.float32)
            if stride == 16 and name in ("cls", "obj"):
                weight[0, 2], weight[0, 0] = 1 / 255 / stride**2, -1 / 255 / stride**2  # OpenCV hands over BGR
            if name == "bbox":
                bias[2:] = np.log([WIDTH, HEIGHT])
            end = f"{name}_{stride}"
            constants += [_tensor(f"w_{end}", weight), _tensor(f"b_{end}", bias)]
            nodes += [
                _node("Conv", ["input", f"w_{end}", f"b_{end}"], f"c_{end}", strides=[stride, stride]),
                _node("Transpose", [f"c_{end}"], f"t_{end}", perm=[0, 2, 3, 1]),
                _node("Reshape", [f"t_{end}", f"s_{channels}"], end),
            ]
            outputs.append(end)
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, b"graph")
    graph += b"".join(_field(5, constant) for constant in constants)
    graph += _field(11, _value("input", (1, 3, 320, 320)))
    graph += b"".join(_field(12, _value(name, ())) for name in outputs)
    path.write_bytes(_field(1, 8) + _field(8, _field(2, 11)) + _field(7, graph))


def _varint(number: int) -> bytes:
    out = bytearray()
    number &= (1 << 64) - 1
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _tensor(name: str, array: np.ndarray) -> bytes:
    kind = 1 if array.dtype == np.float32 else 7
    dims = b"".join(_field(1, size) for size in array.shape)
    return dims + _field(2, kind) + _field(8, name.encode()) + _field(9, array.tobytes())


def _node(kind: str, inputs: list[str], output: str, **attributes: list[int]) -> bytes:
    parts = [_field(1, name.encode()) for name in inputs] + [_field(2, output.encode()), _field(4, kind.encode())]
    for name, values in attributes.items():
        numbers = b"".join(_field(8, value) for value in values)
        parts.append(_field(5, _field(1, name.encode()) + numbers + _field(20, 7)))
    return b"".join(parts)


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(_field(1, _field(1, size)) for size in shape)
    return _field(1, name.encode()) + _field(2, _field(1, _field(1, 1) + _field(2, dims)))
