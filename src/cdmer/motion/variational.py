"""The kernels of the coarse-to-fine flow: one level of its pyramid, with the flow known so far.

The flow w = (u, v) minimises, over a level's pixels and the channels c of its images (grey value and its derivatives),

    sum_c psi((I2_c(x + w) - I1_c(x))^2) + alpha psi(|grad u|^2 + |grad v|^2),    psi(s) = sqrt(s + eps^2)

`differentiate` warps the second image back by the flow w0 and expands it there to the first order: with derivatives p,
q along x and y and the difference r, the residual of a flow w is r + p (u - u0) + q (v - v0). `linearise` freezes the
factors psi' at the present flow, which leaves a linear system, two equations a pixel:

    [sum_c psi' (p p, p q; p q, q q)] w + sum_n s_n (w - w_n) = sum_c -psi' (p, q) (r - p u0 - q v0)

over the neighbours n left, right, above and below, with s_n = alpha psi' of the flow's gradient, forward differences,
at the pixel that comes first; a side without a neighbour has s_n = 0. `relax` solves it by successive over-relaxation,
both equations of a pixel together, red pixels before black ones.

How it is fast: pixels are stored in four quarters, by the parity of row and column, each one long row that begins and
ends with padding. A pixel's neighbours then lie in two other quarters at fixed shifts, so that a quarter is relaxed by
a single loop of vector instructions; padding has coefficients of 0 and keeps its 0.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from cdmer.jit import helper, kernel, row_helper

Floats = NDArray[np.float32]
Indices = NDArray[np.uint32]

CHANNELS = 3
PLANES = 9  # of a quarter: u, v, the weights to the right and below, the inverse matrix (3), the right-hand side (2)
_U, _V, _RIGHT, _BELOW, _M11, _M12, _M22, _B1, _B2 = range(PLANES)
_HALF = np.float32(0.5)
_ZERO, _ONE, _TWO = np.float32(0), np.float32(1), np.float32(2)
_THREE, _FOUR, _FIVE = np.float32(3), np.float32(4), np.float32(5)
_NEAR, _FAR = np.float32(8 / 12), np.float32(-1 / 12)  # the five-point derivative


def empty_quarters(height: int, width: int) -> Floats:
    """Room for a level's linear system: float32 (9 planes, 4 quarters, pixels and padding of a quarter)."""
    rows, columns = (height + 1) // 2, (width + 1) // 2
    return np.zeros((PLANES, 4, (rows + 2) * (columns + 1)), np.float32)


def padded(plane: Floats) -> Floats:
    """A channel as `differentiate` reads it: its border repeated once above and left, twice below and right; flat."""
    return np.asarray(cv2.copyMakeBorder(plane, 1, 2, 1, 2, cv2.BORDER_REPLICATE), np.float32).ravel()


# -- warping and derivatives ------------------------------------------------------------------------------------------


@kernel
def differentiate(
    first: Floats, second: Floats, flow: Floats, share: float, inside: Floats, derivatives: Floats
) -> None:
    """Warp the second image back by the flow, and expand it there.

    Parameters
    ----------
    first
        float32 (3, height, width), the channels of the first image.
    second
        float32 (3, padded pixels), those of the second, from `padded`.
    flow
        float32 (2, height, width), u and v in pixels.
    share
        Of the first image in the mixture that is differentiated; the rest is the warped one's.
    inside
        float32 (height, width), filled with 0 where the flow leads out of the second image, and 1 elsewhere.
    derivatives
        float32 (3, 3, height, width), filled with p, q and r of each channel.
    """
    height, width = inside.shape
    own, other = np.float32(share), np.float32(1 - share)
    mixed = np.empty((CHANNELS, height + 4, width + 4), dtype=np.float32)  # repeated 2 pixels beyond the border
    warped = np.empty((CHANNELS, width), dtype=np.float32)
    places = np.empty(width, dtype=np.uint32)
    weights = np.empty((8, width), dtype=np.float32)
    stride = width + 3
    for y in range(height):
        _find_places(
            y, flow[0, y], flow[1, y], height, width, inside[y], places,
            weights[0], weights[1], weights[2], weights[3], weights[4], weights[5], weights[6], weights[7],
        )  # fmt: skip
        for channel in range(CHANNELS):
            plane = second[channel]
            _read(
                plane, plane[stride:], plane[2 * stride :], plane[3 * stride :], places, first[channel, y], inside[y],
                weights[0], weights[1], weights[2], weights[3], weights[4], weights[5], weights[6], weights[7],
                warped[channel],
            )  # fmt: skip
        for channel in range(CHANNELS):
            row = mixed[channel, y + 2]
            _mix(first[channel, y], warped[channel], own, other, row[2 : width + 2], derivatives[channel, 2, y])
            row[0] = row[1] = row[2]
            row[width + 2] = row[width + 3] = row[width + 1]
    for channel in range(CHANNELS):
        rows = mixed[channel]
        rows[0] = rows[1] = rows[2]
        rows[height + 2] = rows[height + 3] = rows[height + 1]
        for y in range(height):
            p, q = derivatives[channel, 0, y], derivatives[channel, 1, y]
            _derive(rows[y], rows[y + 1], rows[y + 2], rows[y + 3], rows[y + 4], p, q)


@row_helper
def _find_places(
    y: int, u: Floats, v: Floats, height: int, width: int, inside: Floats, places: Indices,
    a0: Floats, a1: Floats, a2: Floats, a3: Floats, b0: Floats, b1: Floats, b2: Floats, b3: Floats,
) -> None:  # fmt: skip
    """Where the flow leads a row's pixels: the place of their first tap, and the weights of four columns and rows.

    The weights are those of bicubic interpolation with a = -1/2, for pixels at -1, 0, 1 and 2.
    """
    right, bottom = np.float32(width - 1), np.float32(height - 1)
    stride = np.uint32(width + 3)
    for x in range(u.size):
        to_x, to_y = np.float32(x) + u[x], np.float32(y) + v[x]
        is_inside = (to_x >= _ZERO) & (to_x <= right) & (to_y >= _ZERO) & (to_y <= bottom)
        inside[x] = _ONE if is_inside else _ZERO
        at_x, at_y = to_x if is_inside else _ZERO, to_y if is_inside else _ZERO
        column, row = np.int32(at_x), np.int32(at_y)
        places[x] = np.uint32(row) * stride + np.uint32(column)
        t = at_x - np.float32(column)
        a0[x] = _HALF * t * ((_TWO - t) * t - _ONE)
        a1[x] = _HALF * (t * t * (_THREE * t - _FIVE) + _TWO)
        a2[x] = _HALF * t * ((_FOUR - _THREE * t) * t + _ONE)
        a3[x] = _HALF * t * t * (t - _ONE)
        t = at_y - np.float32(row)
        b0[x] = _HALF * t * ((_TWO - t) * t - _ONE)
        b1[x] = _HALF * (t * t * (_THREE * t - _FIVE) + _TWO)
        b2[x] = _HALF * t * ((_FOUR - _THREE * t) * t + _ONE)
        b3[x] = _HALF * t * t * (t - _ONE)


@row_helper
def _read(
    r0: Floats, r1: Floats, r2: Floats, r3: Floats, places: Indices, first: Floats, inside: Floats,
    a0: Floats, a1: Floats, a2: Floats, a3: Floats, b0: Floats, b1: Floats, b2: Floats, b3: Floats, warped: Floats,
) -> None:  # fmt: skip
    """A channel of the second image at the places of a row's pixels; the first image where they lie outside.

    `r0` is the whole padded channel, `r1` to `r3` the same from one, two and three rows further down.
    """
    for x in range(warped.size):
        i = np.uint64(places[x])  # unsigned: no test for an index from the end
        i1, i2, i3 = i + np.uint64(1), i + np.uint64(2), i + np.uint64(3)
        value = (
            b0[x] * (a0[x] * r0[i] + a1[x] * r0[i1] + a2[x] * r0[i2] + a3[x] * r0[i3])
            + b1[x] * (a0[x] * r1[i] + a1[x] * r1[i1] + a2[x] * r1[i2] + a3[x] * r1[i3])
            + b2[x] * (a0[x] * r2[i] + a1[x] * r2[i1] + a2[x] * r2[i2] + a3[x] * r2[i3])
            + b3[x] * (a0[x] * r3[i] + a1[x] * r3[i1] + a2[x] * r3[i2] + a3[x] * r3[i3])
        )
        warped[x] = inside[x] * value + (_ONE - inside[x]) * first[x]


@row_helper
def _mix(first: Floats, warped: Floats, own: np.float32, other: np.float32, mixed: Floats, difference: Floats) -> None:
    for x in range(first.size):
        mixed[x] = own * first[x] + other * warped[x]
        difference[x] = warped[x] - first[x]


@row_helper
def _derive(above2: Floats, above: Floats, row: Floats, below: Floats, below2: Floats, p: Floats, q: Floats) -> None:
    """Five-point derivatives of a row that is padded by 2 on each side."""
    for x in range(p.size):
        p[x] = _FAR * (row[x + 4] - row[x]) + _NEAR * (row[x + 3] - row[x + 1])
        q[x] = _FAR * (below2[x + 2] - above2[x + 2]) + _NEAR * (below[x + 2] - above[x + 2])


# -- the linear system ------------------------------------------------------------------------------------------------


@kernel
def linearise(
    derivatives: Floats,
    inside: Floats,
    warped_by: Floats,
    flow: Floats,
    alpha: float,
    guard: float,
    omega: float,
    quarters: Floats,
) -> None:
    """Make the linear system at the present flow, ready for `relax`.

    Parameters
    ----------
    derivatives, inside
        From `differentiate`.
    warped_by, flow
        float32 (2, height, width): the flow w0 of the warp, and the present one.
    alpha, guard, omega
        The weight of smoothness, eps, and the factor of over-relaxation, which goes into the coefficients.
    quarters
        From `empty_quarters`, to be filled.
    """
    _, height, width = flow.shape
    squared, weight, factor = np.float32(guard * guard), np.float32(alpha), np.float32(omega)
    system = np.empty((5, width), dtype=np.float32)
    right, below, left = np.empty(width, np.float32), np.empty(width, np.float32), np.zeros(width, np.float32)
    above = np.zeros(width, dtype=np.float32)
    solved = np.empty((5, width), dtype=np.float32)
    stride = (width + 1) // 2 + 1
    for y in range(height):
        system[:] = _ZERO
        for channel in range(CHANNELS):
            p, q, r = derivatives[channel, 0, y], derivatives[channel, 1, y], derivatives[channel, 2, y]
            _add_data(
                p, q, r, inside[y], warped_by[0, y], warped_by[1, y], flow[0, y], flow[1, y], squared,
                system[0], system[1], system[2], system[3], system[4],
            )  # fmt: skip
        next_row = min(y + 1, height - 1)
        _smoothness(flow[0, y], flow[1, y], flow[0, next_row], flow[1, next_row], weight, squared, right)
        below[:] = right
        if y + 1 == height:
            below[:] = _ZERO
        right[width - 1] = _ZERO
        left[1:] = right[: width - 1]
        _invert(
            system[0], system[1], system[2], system[3], system[4], left, right, above, below, factor,
            solved[0], solved[1], solved[2], solved[3], solved[4],
        )  # fmt: skip
        above[:] = below
        start = (y // 2 + 1) * stride
        for parity in range(2):
            quarter = 2 * (y & 1) + parity
            _take(flow[0, y], parity, quarters[_U, quarter, start:])
            _take(flow[1, y], parity, quarters[_V, quarter, start:])
            _take(right, parity, quarters[_RIGHT, quarter, start:])
            _take(below, parity, quarters[_BELOW, quarter, start:])
            for plane in range(5):
                _take(solved[plane], parity, quarters[_M11 + plane, quarter, start:])


@row_helper
def _add_data(
    p: Floats, q: Floats, r: Floats, inside: Floats, u0: Floats, v0: Floats, u: Floats, v: Floats, squared: np.float32,
    a11: Floats, a12: Floats, a22: Floats, b1: Floats, b2: Floats,
) -> None:  # fmt: skip
    """Add a channel's part of the data term: the matrix, and the right-hand side with the other sign."""
    for x in range(p.size):
        rest = r[x] - p[x] * u0[x] - q[x] * v0[x]
        residual = rest + p[x] * u[x] + q[x] * v[x]
        factor = inside[x] * _HALF / np.sqrt(residual * residual + squared)
        a11[x] += factor * p[x] * p[x]
        a12[x] += factor * p[x] * q[x]
        a22[x] += factor * q[x] * q[x]
        b1[x] += factor * p[x] * rest
        b2[x] += factor * q[x] * rest


@row_helper
def _smoothness(
    u: Floats, v: Floats, u_below: Floats, v_below: Floats, alpha: np.float32, squared: np.float32, weights: Floats
) -> None:
    last = u.size - 1
    for x in range(last):
        ux, uy, vx, vy = u[x + 1] - u[x], u_below[x] - u[x], v[x + 1] - v[x], v_below[x] - v[x]
        weights[x] = alpha * _HALF / np.sqrt(ux * ux + uy * uy + vx * vx + vy * vy + squared)
    uy, vy = u_below[last] - u[last], v_below[last] - v[last]
    weights[last] = alpha * _HALF / np.sqrt(uy * uy + vy * vy + squared)


@row_helper
def _invert(
    a11: Floats, a12: Floats, a22: Floats, b1: Floats, b2: Floats, left: Floats, right: Floats, above: Floats,
    below: Floats, omega: np.float32, m11: Floats, m12: Floats, m22: Floats, c1: Floats, c2: Floats,
) -> None:  # fmt: skip
    """Solve each pixel's two equations for its own flow, times omega."""
    for x in range(a11.size):
        s = left[x] + right[x] + above[x] + below[x]
        # the determinant in parts that cannot cancel: the first is never negative but for rounding
        data = max(a11[x] * a22[x] - a12[x] * a12[x], _ZERO)
        factor = omega / (data + s * (a11[x] + a22[x] + s))
        m11[x] = factor * (a22[x] + s)
        m12[x] = -factor * a12[x]
        m22[x] = factor * (a11[x] + s)
        c1[x] = m11[x] * b1[x] + m12[x] * b2[x]
        c2[x] = m12[x] * b1[x] + m22[x] * b2[x]


@helper
def _take(row: Floats, parity: int, quarter: Floats) -> None:
    for k in range((row.size + 1 - parity) // 2):
        quarter[k] = row[2 * k + parity]


# -- its solution -----------------------------------------------------------------------------------------------------


@kernel
def relax(quarters: Floats, sweeps: int, omega: float, flow: Floats) -> None:
    """Improve the solution of a linear system, and write it into `flow`, float32 (2, height, width)."""
    _, height, width = flow.shape
    stride = (width + 1) // 2 + 1
    start, stop = stride, quarters.shape[2] - stride
    keep = np.float32(1 - omega)
    for _ in range(sweeps):
        for turn in range(4):
            here = 3 * (turn & 1) if turn < 2 else turn - 1  # red: even row and column, odd both; black: the others
            beside, across = here ^ 1, here ^ 2
            left = (here & 1) - 1
            above = ((here >> 1) - 1) * stride
            right, below = left + 1, above + stride
            _relax_quarter(
                quarters[_U, here, start:stop], quarters[_V, here, start:stop],
                quarters[_U, beside, start + left : stop + left], quarters[_V, beside, start + left : stop + left],
                quarters[_U, beside, start + right : stop + right], quarters[_V, beside, start + right : stop + right],
                quarters[_U, across, start + above : stop + above], quarters[_V, across, start + above : stop + above],
                quarters[_U, across, start + below : stop + below], quarters[_V, across, start + below : stop + below],
                quarters[_RIGHT, beside, start + left : stop + left], quarters[_RIGHT, here, start:stop],
                quarters[_BELOW, across, start + above : stop + above], quarters[_BELOW, here, start:stop],
                quarters[_M11, here, start:stop], quarters[_M12, here, start:stop], quarters[_M22, here, start:stop],
                quarters[_B1, here, start:stop], quarters[_B2, here, start:stop], keep,
            )  # fmt: skip
    for y in range(height):
        first = (y // 2 + 1) * stride
        for parity in range(2):
            quarter = 2 * (y & 1) + parity
            u, v = quarters[_U, quarter, first:], quarters[_V, quarter, first:]
            for k in range((width + 1 - parity) // 2):
                flow[0, y, 2 * k + parity] = u[k]
                flow[1, y, 2 * k + parity] = v[k]


@row_helper
def _relax_quarter(
    u: Floats, v: Floats, u_left: Floats, v_left: Floats, u_right: Floats, v_right: Floats,
    u_above: Floats, v_above: Floats, u_below: Floats, v_below: Floats,
    left: Floats, right: Floats, above: Floats, below: Floats,
    m11: Floats, m12: Floats, m22: Floats, c1: Floats, c2: Floats, keep: np.float32,
) -> None:  # fmt: skip
    for i in range(u.size):
        su = left[i] * u_left[i] + right[i] * u_right[i] + above[i] * u_above[i] + below[i] * u_below[i]
        sv = left[i] * v_left[i] + right[i] * v_right[i] + above[i] * v_above[i] + below[i] * v_below[i]
        u[i] = keep * u[i] + (m11[i] * su + m12[i] * sv - c1[i])
        v[i] = keep * v[i] + (m12[i] * su + m22[i] * sv - c2[i])
