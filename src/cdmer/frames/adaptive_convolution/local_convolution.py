"""Local convolutions: every output pixel has a kernel of its own.

Niklaus, Mai and Liu, "Video frame interpolation via adaptive convolution", CVPR 2017 (one kernel a pixel), and "Video
frame interpolation via adaptive separable convolution", ICCV 2017 (a vertical and a horizontal one, of T taps)::

    full        out[c, y, x] = sum over j, i of kernel[j T + i, y, x] frame[c, y + j, x + i]
    separable   out[c, y, x] = sum over j, i of vertical[j, y, x] horizontal[i, y, x] frame[c, y + j, x + i]

`frame` is larger than the output by T - 1 along both axes: its border is the caller's. All channels share a kernel.

Both are autograd functions with two paths: compiled loops (numba) for float32 on a CPU, which are what ``auto`` takes
there, and plain torch for anything else. Neither ever holds more than T shifted copies of the frame.
"""

import math
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from cdmer.jit import kernel

Path = Literal["auto", "numba", "torch"]
Floats = NDArray[np.float32]


def separable_convolution(frame: Tensor, vertical: Tensor, horizontal: Tensor, path: Path = "auto") -> Tensor:
    """Convolve every pixel with the outer product of its two kernels.

    Parameters
    ----------
    frame
        (batch, channels, height + taps - 1, width + taps - 1), float32 or float64.
    vertical, horizontal
        (batch, taps, height, width), of the frame's type and device.
    path
        ``numba`` (float32 on a CPU), ``torch``, or ``auto``: the fastest that serves.

    Returns
    -------
    Tensor
        (batch, channels, height, width), differentiable once in all three.

    Raises
    ------
    ValueError
        Shapes that do not fit, or the ``numba`` path off the CPU or in float64.
    """
    taps, height, width = vertical.shape[1:]
    _check(frame, (len(vertical), height + taps - 1, width + taps - 1))
    if vertical.shape != horizontal.shape:
        raise ValueError(f"vertical {tuple(vertical.shape)} and horizontal {tuple(horizontal.shape)} kernels differ")
    if _compiled(frame, path):
        return _apply(_CompiledSeparable, frame, vertical, horizontal)
    return _apply(_TorchSeparable, frame, vertical, horizontal)


def full_convolution(frame: Tensor, kernels: Tensor, path: Path = "auto") -> Tensor:
    """Convolve every pixel with its own two-dimensional kernel.

    Parameters
    ----------
    frame
        (batch, channels, height + taps - 1, width + taps - 1), float32 or float64.
    kernels
        (batch, taps * taps, height, width), row by row, of the frame's type and device.
    path
        As in `separable_convolution`.

    Returns
    -------
    Tensor
        (batch, channels, height, width), differentiable once in both.

    Raises
    ------
    ValueError
        Shapes that do not fit, or the ``numba`` path off the CPU or in float64.
    """
    height, width = kernels.shape[2:]
    taps = _side(kernels)
    if taps * taps != kernels.shape[1]:
        raise ValueError(f"{kernels.shape[1]} weights a pixel are no square kernel")
    _check(frame, (len(kernels), height + taps - 1, width + taps - 1))
    if _compiled(frame, path):
        return _apply(_CompiledFull, frame, kernels)
    return _apply(_TorchFull, frame, kernels)


def _apply(function: type[Function], *tensors: Tensor) -> Tensor:
    result: Tensor = function.apply(*tensors)  # type: ignore[no-untyped-call]
    return result


def _check(frame: Tensor, expected: tuple[int, int, int]) -> None:
    found = (frame.shape[0], *frame.shape[2:])
    if found != expected:
        raise ValueError(f"a padded frame of (batch, height, width) {expected} is needed, got {found}")


def _compiled(frame: Tensor, path: Path) -> bool:
    serves = frame.device.type == "cpu" and frame.dtype == torch.float32
    if path == "numba" and not serves:
        raise ValueError(f"the numba path takes float32 on a CPU, the frame is {frame.dtype} on {frame.device}")
    return serves and path != "torch"


def _side(kernels: Tensor) -> int:
    return math.isqrt(kernels.shape[1])


# -- plain torch ----------------------------------------------------------------------------------------------------


class _TorchSeparable(Function):
    @staticmethod
    def forward(ctx: Any, frame: Tensor, vertical: Tensor, horizontal: Tensor) -> Tensor:
        ctx.save_for_backward(frame, vertical, horizontal)
        taps = vertical.shape[1]
        out = frame.new_zeros(frame.shape[0], frame.shape[1], *vertical.shape[2:])
        for j in range(taps):
            across = torch.einsum("nchwi,nihw->nchw", _windows(frame, j, taps), horizontal)
            out += vertical[:, j, None] * across
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        frame, vertical, horizontal = ctx.saved_tensors
        taps = vertical.shape[1]
        to_vertical, to_horizontal = torch.empty_like(vertical), torch.zeros_like(horizontal)
        for j in range(taps):
            seen = torch.einsum("nchw,nchwi->nihw", grad, _windows(frame, j, taps))
            to_vertical[:, j] = (seen * horizontal).sum(1)
            to_horizontal += seen * vertical[:, j, None]
        to_frame = None
        if ctx.needs_input_grad[0]:
            to_frame = torch.zeros_like(frame)
            for j in range(taps):
                _scatter(to_frame, j, grad * vertical[:, j, None], horizontal)
        return to_frame, to_vertical, to_horizontal


class _TorchFull(Function):
    @staticmethod
    def forward(ctx: Any, frame: Tensor, kernels: Tensor) -> Tensor:
        ctx.save_for_backward(frame, kernels)
        taps = _side(kernels)
        out = frame.new_zeros(frame.shape[0], frame.shape[1], *kernels.shape[2:])
        for j in range(taps):
            rows = kernels[:, j * taps : (j + 1) * taps]
            out += torch.einsum("nchwi,nihw->nchw", _windows(frame, j, taps), rows)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor]:
        frame, kernels = ctx.saved_tensors
        taps = _side(kernels)
        to_kernels = torch.empty_like(kernels)
        to_frame = torch.zeros_like(frame) if ctx.needs_input_grad[0] else None
        for j in range(taps):
            rows = slice(j * taps, (j + 1) * taps)
            to_kernels[:, rows] = torch.einsum("nchw,nchwi->nihw", grad, _windows(frame, j, taps))
            if to_frame is not None:
                _scatter(to_frame, j, grad, kernels[:, rows])
        return to_frame, to_kernels


def _windows(frame: Tensor, j: int, taps: int) -> Tensor:
    """A view (batch, channels, height, width, taps): what tap row `j` of every pixel's kernel lies on."""
    height = frame.shape[2] - taps + 1
    return frame[:, :, j : j + height].unfold(3, taps, 1)


def _scatter(to_frame: Tensor, j: int, grad: Tensor, rows: Tensor) -> None:
    """Add a tap row's share of the frame's gradient."""
    height, width = grad.shape[2:]
    for i in range(rows.shape[1]):
        to_frame[:, :, j : j + height, i : i + width] += grad * rows[:, i, None]


# -- compiled -------------------------------------------------------------------------------------------------------


class _CompiledSeparable(Function):
    @staticmethod
    def forward(ctx: Any, frame: Tensor, vertical: Tensor, horizontal: Tensor) -> Tensor:
        ctx.save_for_backward(frame, vertical, horizontal)
        out = frame.new_zeros(frame.shape[0], frame.shape[1], *vertical.shape[2:])
        _separable_forward(_array(frame), _array(vertical), _array(horizontal), out.numpy())
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        frame, vertical, horizontal = ctx.saved_tensors
        g, v, h = _array(grad), _array(vertical), _array(horizontal)
        to_vertical = vertical.new_zeros(vertical.shape)
        to_horizontal = vertical.new_zeros(vertical.shape)
        _separable_to_kernels(g, _array(frame), v, h, to_vertical.numpy(), to_horizontal.numpy())
        to_frame = None
        if ctx.needs_input_grad[0]:
            to_frame = frame.new_zeros(frame.shape)
            _separable_to_frame(g, v, h, to_frame.numpy())
        return to_frame, to_vertical, to_horizontal


class _CompiledFull(Function):
    @staticmethod
    def forward(ctx: Any, frame: Tensor, kernels: Tensor) -> Tensor:
        ctx.save_for_backward(frame, kernels)
        out = frame.new_zeros(frame.shape[0], frame.shape[1], *kernels.shape[2:])
        _full_forward(_array(frame), _array(kernels), out.numpy())
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor]:
        frame, kernels = ctx.saved_tensors
        to_kernels = kernels.new_zeros(kernels.shape)
        _full_to_kernels(_array(grad), _array(frame), to_kernels.numpy())
        to_frame = None
        if ctx.needs_input_grad[0]:
            to_frame = frame.new_zeros(frame.shape)
            _full_to_frame(_array(grad), _array(kernels), to_frame.numpy())
        return to_frame, to_kernels


def _array(tensor: Tensor) -> Floats:
    array: Floats = tensor.detach().contiguous().numpy()
    return array


# The innermost loop of each kernel runs along a row of pixels: every array is contiguous there, so it vectorises.


@kernel
def _separable_forward(frame: Floats, vertical: Floats, horizontal: Floats, out: Floats) -> None:
    batch, taps, height, width = vertical.shape
    row = np.empty(width, frame.dtype)
    for n in range(batch):
        for y in range(height):
            for c in range(frame.shape[1]):
                to = out[n, c, y]
                for j in range(taps):
                    row[:] = 0
                    seen, v = frame[n, c, y + j], vertical[n, j, y]
                    for i in range(taps):
                        h = horizontal[n, i, y]
                        for x in range(width):
                            row[x] += h[x] * seen[x + i]
                    for x in range(width):
                        to[x] += v[x] * row[x]


@kernel
def _separable_to_kernels(
    grad: Floats, frame: Floats, vertical: Floats, horizontal: Floats, to_vertical: Floats, to_horizontal: Floats
) -> None:
    batch, taps, height, width = vertical.shape
    product = np.empty(width, frame.dtype)
    for n in range(batch):
        for y in range(height):
            for j in range(taps):
                v, to_v = vertical[n, j, y], to_vertical[n, j, y]
                for i in range(taps):
                    h, to_h = horizontal[n, i, y], to_horizontal[n, i, y]
                    product[:] = 0
                    for c in range(frame.shape[1]):
                        g, seen = grad[n, c, y], frame[n, c, y + j]
                        for x in range(width):
                            product[x] += g[x] * seen[x + i]
                    for x in range(width):
                        to_v[x] += h[x] * product[x]
                        to_h[x] += v[x] * product[x]


@kernel
def _separable_to_frame(grad: Floats, vertical: Floats, horizontal: Floats, to_frame: Floats) -> None:
    batch, taps, height, width = vertical.shape
    for n in range(batch):
        for c in range(grad.shape[1]):
            for y in range(height):
                g = grad[n, c, y]
                for j in range(taps):
                    v, to = vertical[n, j, y], to_frame[n, c, y + j]
                    for i in range(taps):
                        h = horizontal[n, i, y]
                        for x in range(width):
                            to[x + i] += g[x] * v[x] * h[x]


@kernel
def _full_forward(frame: Floats, kernels: Floats, out: Floats) -> None:
    batch, channels, height, width = out.shape
    taps = frame.shape[2] - height + 1
    for n in range(batch):
        for y in range(height):
            for j in range(taps):
                for i in range(taps):
                    k = kernels[n, j * taps + i, y]
                    for c in range(channels):
                        seen, to = frame[n, c, y + j], out[n, c, y]
                        for x in range(width):
                            to[x] += k[x] * seen[x + i]


@kernel
def _full_to_kernels(grad: Floats, frame: Floats, to_kernels: Floats) -> None:
    batch, channels, height, width = grad.shape
    taps = frame.shape[2] - height + 1
    for n in range(batch):
        for y in range(height):
            for j in range(taps):
                for i in range(taps):
                    to = to_kernels[n, j * taps + i, y]
                    for c in range(channels):
                        g, seen = grad[n, c, y], frame[n, c, y + j]
                        for x in range(width):
                            to[x] += g[x] * seen[x + i]


@kernel
def _full_to_frame(grad: Floats, kernels: Floats, to_frame: Floats) -> None:
    batch, channels, height, width = grad.shape
    taps = to_frame.shape[2] - height + 1
    for n in range(batch):
        for c in range(channels):
            for y in range(height):
                g = grad[n, c, y]
                for j in range(taps):
                    to = to_frame[n, c, y + j]
                    for i in range(taps):
                        k = kernels[n, j * taps + i, y]
                        for x in range(width):
                            to[x + i] += g[x] * k[x]
