"""The front of STSTNet: convolution 3 x 3, ReLU, batch normalisation, max pooling 3 x 3 with stride 3 and padding 1.

On a CPU these four steps, done one after the other, are all memory traffic: each reads and writes a map of 16 x 28 x 28
for every sample. `front_forward` and `front_backward` do them sample by sample, in the cache, and never keep the map.
Normalisation and pooling change places for that: the normalisation is increasing where its factor is positive, and
decreasing where it is negative, so that the maximum after it is the maximum or the minimum before it.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cdmer.jit import helper, kernel, row_helper

Floats = NDArray[np.float32]
Places = NDArray[np.int32]


class ShallowFront(nn.Module):
    """(N, channels, H, W) -> (N, filters, (H + 4) // 3, (W + 4) // 3).

    Parameters
    ----------
    channels, filters
        Of the convolution, which keeps the size.
    """

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, filters, 3, padding=1)
        self.norm = nn.BatchNorm2d(filters)
        self.pool = nn.MaxPool2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The four steps in order, or their fused form where it applies: one training, on a CPU, in float32."""
        plain = isinstance(self.conv, nn.Conv2d) and x.dim() == 4
        if not (plain and self.training and x.device.type == "cpu" and x.dtype == torch.float32):
            return self.pool(self.norm(self.conv(x).relu()))  # type: ignore[no-any-return]
        assert self.norm.running_mean is not None
        assert self.norm.running_var is not None
        assert self.norm.num_batches_tracked is not None
        out, mean, variance = _Fused.apply(  # type: ignore[no-untyped-call]
            x, self.conv.weight, self.conv.bias, self.norm.weight, self.norm.bias, self.norm.eps
        )
        with torch.no_grad():
            count = x.shape[0] * x.shape[2] * x.shape[3]
            momentum = float(self.norm.momentum or 0.1)
            self.norm.running_mean.lerp_(mean, momentum)
            self.norm.running_var.lerp_(variance * (count / max(count - 1, 1)), momentum)
            self.norm.num_batches_tracked += 1
        return out  # type: ignore[no-any-return]


class _Fused(torch.autograd.Function):
    """The four steps in training; no gradient goes to the samples, which nobody learns."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, gain: Tensor, shift: Tensor, eps: float) -> Any:
        samples = np.ascontiguousarray(x.numpy())
        w, b = weight.detach().numpy(), bias.detach().numpy()
        lowest = (gain.detach() < 0).numpy()
        pooled, places, total, square = front_forward(samples, w, b, lowest)
        count = samples.shape[0] * samples.shape[2] * samples.shape[3]
        mean = total / count
        variance = np.maximum(square / count - mean**2, 0)
        root = 1 / np.sqrt(variance + eps)
        mean_t, root_t, pooled_t = (torch.from_numpy(a.astype(np.float32)) for a in (mean, root, pooled))
        normal = (pooled_t - mean_t.view(-1, 1, 1)) * root_t.view(-1, 1, 1)
        ctx.save_for_backward(weight, bias, gain, normal, mean_t, root_t)
        ctx.samples, ctx.pooled, ctx.places = samples, pooled, places
        out = normal * gain.view(-1, 1, 1) + shift.view(-1, 1, 1)
        variance_t = torch.from_numpy(variance.astype(np.float32))
        ctx.mark_non_differentiable(mean_t, variance_t)
        return out, mean_t, variance_t

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        above = gradients[0]
        weight, bias, gain, normal, mean, root = ctx.saved_tensors
        axes = (0, 2, 3)
        to_shift, to_gain = above.sum(axes), (above * normal).sum(axes)
        count = ctx.samples.shape[0] * ctx.samples.shape[2] * ctx.samples.shape[3]
        to_pooled = above * (root * gain).view(-1, 1, 1)
        # h enters y = (p - mean) root through its mean and variance at every place: constant + slope h
        to_mean = -to_shift * gain * root
        to_variance = -0.5 * to_gain * gain * root**2
        slope = 2 * to_variance / count
        constant = to_mean / count - slope * mean
        dw, db = front_backward(
            ctx.samples, weight.detach().numpy(), bias.detach().numpy(), ctx.pooled, ctx.places,
            np.ascontiguousarray(to_pooled.numpy()), constant.numpy(), slope.numpy(),
        )  # fmt: skip
        return None, torch.from_numpy(dw), torch.from_numpy(db), to_gain, to_shift, None


@helper
def _row_length(width: int) -> int:
    """Lanes of a row and its border, in whole rounds of the vector instructions."""
    return (width + 2 + 31) // 32 * 32


@row_helper
def _extreme_of_rows(rows: Floats, first: int, last: int, sign: np.float32, best: Floats, from_row: Places) -> None:
    """The largest of some rows, each times `sign`, and the first row that has it, lane by lane."""
    start = np.int32(first)
    for x in range(len(best)):
        best[x] = sign * rows[first, x]
        from_row[x] = start
    for y in range(first + 1, last):
        here = np.int32(y)
        for x in range(len(best)):
            value, highest = sign * rows[y, x], best[x]
            from_row[x] = here if value > highest else from_row[x]
            best[x] = max(value, highest)


@row_helper
def _extreme_of_windows(best: Floats, from_row: Places, lanes: int, out: Floats, places: Places) -> None:
    """The largest of every three lanes, and its place in the map: of equals the first, row by row, as torch has it.

    The first lane stands for the padding: it is one to the left of the map.
    """
    length, nowhere = np.int32(lanes), np.int32(2**31 - 1)
    for j in range(len(out)):
        lane = np.int32(3 * j - 1)
        one, two, three = best[3 * j], best[3 * j + 1], best[3 * j + 2]
        most = max(one, two, three)
        first = from_row[3 * j] * length + lane if one == most else nowhere
        second = from_row[3 * j + 1] * length + lane + np.int32(1) if two == most else nowhere
        third = from_row[3 * j + 2] * length + lane + np.int32(2) if three == most else nowhere
        out[j] = most
        places[j] = min(first, second, third)


@row_helper
def _add_moments(plane: Floats, bias: np.float32, sums: Floats, squares: Floats) -> None:
    """Add the bias to a map (H, lanes) and cut it at 0; add its rows and their squares, lane by lane."""
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            value = max(plane[y, x] + bias, np.float32(0))
            plane[y, x] = value
            sums[x] += value
            squares[x] += value * value


@row_helper
def _plane_gradient(
    plane: Floats, bias: np.float32, extra: Floats, slope: np.float32, within: Floats, out: Floats, lane: Floats
) -> None:
    """The gradient of a map that has no bias yet and is not cut, 0 past the width, and its sum lane by lane."""
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            height = plane[y, x] + bias
            passes = np.float32(1) if height > 0 else np.float32(0)
            value = (extra[y, x] + slope * height) * within[x] * passes
            out[y, x] = value
            lane[x] += value


@row_helper
def _copy(values: Floats, out: Floats) -> None:
    for place in range(len(out)):
        out[place] = values[place]


@helper
def _see(sample: Floats, padded: Floats, seen: Floats) -> None:
    """What each tap of each channel sees: sample (C, H, W) -> seen (9 C, H lanes).

    `padded` (C, H + 3, lanes) has a border of zeros, so that a tap's view is one run of memory, shifted; what it has
    past the width comes from the next row and is never used.
    """
    channels, _, width = sample.shape
    lanes, places = padded.shape[2], seen.shape[1]
    padded[:, 1:-2, 1 : width + 1] = sample
    for c in range(channels):
        plane = padded[c].reshape(padded.shape[1] * lanes)
        for k in range(9):
            start = k // 3 * lanes + k % 3
            _copy(plane[start : start + places], seen[9 * c + k])


@kernel
def front_forward(samples: Floats, weight: Floats, bias: Floats, lowest: NDArray[np.bool_]) -> Any:
    """Convolve, cut at 0, pool.

    Parameters
    ----------
    samples
        (N, C, H, W).
    weight, bias
        (F, C, 3, 3) and (F,).
    lowest
        (F,) whether the pool takes the minimum.

    Returns
    -------
    pooled, places, total, square
        (N, F, PH, PW) extremes and where they are in a map whose rows are `_row_length` long; the sums of the map's
        values and of their squares (F,) over all samples, in double precision.
    """
    count, channels, height, width = samples.shape
    filters = weight.shape[0]
    tall, wide = (height + 2 - 3) // 3 + 1, (width + 2 - 3) // 3 + 1
    pooled = np.empty((count, filters, tall, wide), np.float32)
    places = np.empty((count, filters, tall, wide), np.int32)
    total, square = np.zeros(filters), np.zeros(filters)
    row = _row_length(width)
    padded = np.zeros((channels, height + 3, row), np.float32)
    seen, taps = np.empty((9 * channels, height * row), np.float32), weight.reshape(filters, 9 * channels)
    values = np.empty((filters, height, row), np.float32)
    flat_values = values.reshape(filters, height * row)
    sums, squares = np.empty(row, np.float32), np.empty(row, np.float32)
    best, from_row = np.empty(1 + row, np.float32), np.zeros(1 + row, np.int32)
    best[0] = -np.inf
    best_lanes, row_lanes, past = best[1:], from_row[1:], best[1 + width :]
    for n in range(count):
        _see(samples[n], padded, seen)
        np.dot(taps, seen, flat_values)
        for f in range(filters):
            own, extremes, where = values[f], pooled[n, f], places[n, f]
            sums[:] = 0
            squares[:] = 0
            _add_moments(own, bias[f], sums, squares)
            for x in range(width):
                total[f] += sums[x]
                square[f] += squares[x]
            sign = np.float32(-1 if lowest[f] else 1)
            for i in range(tall):
                first, last = max(3 * i - 1, 0), min(3 * i + 2, height)
                _extreme_of_rows(own, first, last, sign, best_lanes, row_lanes)
                past[:] = -np.inf
                _extreme_of_windows(best, from_row, row, extremes[i], where[i])
            extremes *= sign
    return pooled, places, total, square


@kernel
def front_backward(
    samples: Floats,
    weight: Floats,
    bias: Floats,
    pooled: Floats,
    places: Places,
    to_pooled: Floats,
    constant: Floats,
    slope: Floats,
) -> Any:
    """Gradients of the convolution's weights and biases, from what `front_forward` found.

    The map's gradient is ``constant[f] + slope[f] * value`` everywhere, and `to_pooled` at the places of the pool's
    extremes besides; where the ReLU gave 0 it is 0.
    """
    count, channels, height, width = samples.shape
    filters, tall, wide = weight.shape[0], pooled.shape[2], pooled.shape[3]
    dw, db = np.zeros((filters, 9 * channels), np.float64), np.zeros(filters, np.float64)
    row = _row_length(width)
    padded = np.zeros((channels, height + 3, row), np.float32)
    seen, taps = np.empty((9 * channels, height * row), np.float32), weight.reshape(filters, 9 * channels)
    values = np.empty((filters, height, row), np.float32)
    flat_values = values.reshape(filters, height * row)
    gradient, extra = np.empty((filters, height, row), np.float32), np.empty((height, row), np.float32)
    flat_extra = extra.reshape(height * row)
    flat_gradient, product = gradient.reshape(filters, height * row), np.empty((filters, 9 * channels), np.float32)
    lane, within = np.empty(row, np.float32), np.zeros(row, np.float32)
    within[:width] = 1
    for n in range(count):
        _see(samples[n], padded, seen)
        np.dot(taps, seen, flat_values)
        for f in range(filters):
            extra[:] = constant[f]
            above, value, place = to_pooled[n, f], pooled[n, f], places[n, f]
            for i in range(tall):
                for j in range(wide):
                    # dropout leaves no gradient, or the ReLU has cut: nothing goes further down
                    if above[i, j] != 0 and value[i, j] > 0:
                        flat_extra[place[i, j]] += above[i, j]
            lane[:] = 0
            _plane_gradient(values[f], bias[f], extra, slope[f], within, gradient[f], lane)
            for x in range(width):
                db[f] += lane[x]
        np.dot(flat_gradient, seen.T, product)
        dw += product
    return dw.reshape(weight.shape).astype(np.float32), db.astype(np.float32)
