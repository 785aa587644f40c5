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

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.jit import helper, kernel, row_helper

Floats = NDArray[np.float32]

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
        float32 (height, width, 4), those of the second, the fourth unused.
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
    for y in range(height):
        _warp_row(y, first[:, y], second, flow[0, y], flow[1, y], inside[y], warped)
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


@helper
def _warp_row(y: int, first: Floats, second: Floats, u: Floats, v: Floats, inside: Floats, warped: Floats) -> None:
    """The second image where the flow leads a row's pixels, by bicubic interpolation (a = -1/2)."""
    height, width, _ = second.shape
    right, bottom = np.float32(width - 1), np.float32(height - 1)
    for x in range(width):
        at_x, at_y = np.float32(x) + u[x], np.float32(y) + v[x]
        if not (_ZERO <= at_x <= right and _ZERO <= at_y <= bottom):
            inside[x] = _ZERO
            for channel in range(CHANNELS):
                warped[channel, x] = first[channel, x]
            continue
        inside[x] = _ONE
        column, row = int(at_x), int(at_y)
        a0, a1, a2, a3 = _cubic(at_x - np.float32(column))
        b0, b1, b2, b3 = _cubic(at_y - np.float32(row))
        x0, x2, x3 = max(column - 1, 0), min(column + 1, width - 1), min(column + 2, width - 1)
        y0, y2, y3 = max(row - 1, 0), min(row + 1, height - 1), min(row + 2, height - 1)
        top, upper, lower, low = second[y0], second[row], second[y2], second[y3]
        for channel in range(CHANNELS):
            warped[channel, x] = (
                b0 * _across(top, x0, column, x2, x3, channel, a0, a1, a2, a3)
                + b1 * _across(upper, x0, column, x2, x3, channel, a0, a1, a2, a3)
                + b2 * _across(lower, x0, column, x2, x3, channel, a0, a1, a2, a3)
                + b3 * _across(low, x0, column, x2, x3, channel, a0, a1, a2, a3)
            )


@helper
def _across(
    row: Floats, x0: int, x1: int, x2: int, x3: int, channel: int,
    a0: np.float32, a1: np.float32, a2: np.float32, a3: np.float32,
) -> Any:  # fmt: skip
    return a0 * row[x0, channel] + a1 * row[x1, channel] + a2 * row[x2, channel] + a3 * row[x3, channel]


@helper
def _cubic(t: np.float32) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """The weights of four pixels at -1, 0, 1, 2 for a place at 0 <= t < 1."""
    return (
        _HALF * t * ((_TWO - t) * t - _ONE),
        _HALF * (t * t * (_THREE * t - _FIVE) + _TWO),
        _HALF * t * ((_FOUR - _THREE * t) * t + _ONE),
        _HALF * t * t * (t - _ONE),
    )


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
