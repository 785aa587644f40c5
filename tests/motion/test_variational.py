"""The kernels of the coarse-to-fine flow against slow references in plain numpy and scipy."""

import importlib

import cv2
import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

from cdmer.motion.coarse_to_fine import channels, coarse_to_fine, pyramid
from cdmer.motion.variational import differentiate, empty_quarters, linearise, padded, relax

from .conftest import moved

ALPHA, GUARD, SHARE = 0.05, 0.001, 0.4


def level(texture, shape, shift=(0.7, -0.4), by=(0.3, 0.2)):
    """The two images of a level in channels, and a flow `by` which the second is warped."""
    first, second = (
        frame[: shape[0], : shape[1]] / np.float32(255)
        for frame in moved(texture, np.broadcast_to(np.float32(shift), (96, 96, 2)))
    )
    rng = np.random.default_rng(3)
    flow = np.float32(by)[:, None, None] + 0.1 * rng.normal(size=(2, *shape)).astype(np.float32)
    return np.stack(list(channels(first))), np.stack(list(channels(second))), flow.astype(np.float32)


def derivatives_of(one, two, flow):
    inside, found = np.empty(one.shape[1:], np.float32), np.empty((3, 3, *one.shape[1:]), np.float32)
    differentiate(one, np.stack([padded(plane) for plane in two]), flow, SHARE, inside, found)
    return inside, found


def warped_slowly(plane, flow):
    """Bicubic interpolation, a = -1/2, pixel by pixel in float64; NaN outside."""

    def weight(d):
        d = abs(d)
        return 1.5 * d**3 - 2.5 * d**2 + 1 if d < 1 else -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d < 2 else 0

    height, width = plane.shape
    warped = np.full(plane.shape, np.nan)
    for y in range(height):
        for x in range(width):
            at_x, at_y = x + float(flow[0, y, x]), y + float(flow[1, y, x])
            if 0 <= at_x <= width - 1 and 0 <= at_y <= height - 1:
                columns, rows = np.arange(int(at_x) - 1, int(at_x) + 3), np.arange(int(at_y) - 1, int(at_y) + 3)
                a, b = [weight(at_x - c) for c in columns], [weight(at_y - r) for r in rows]
                patch = plane[np.ix_(rows.clip(0, height - 1), columns.clip(0, width - 1))]
                warped[y, x] = np.array(b) @ patch @ np.array(a)
    return warped


def system_slowly(inside, derivatives, warped_by, flow):
    """The equations of the module's docstring, as a sparse matrix and its right-hand side, in float64."""
    p, q, r = (derivatives[:, i].astype(np.float64) for i in range(3))
    u0, v0, u, v = (plane.astype(np.float64) for plane in (*warped_by, *flow))
    height, width = u.shape
    factor = inside / (2 * np.sqrt((r + p * (u - u0) + q * (v - v0)) ** 2 + GUARD**2))
    rest = r - p * u0 - q * v0
    number = np.arange(u.size).reshape(u.shape)
    matrix = scipy.sparse.lil_matrix((2 * u.size, 2 * u.size))
    right = np.concatenate([-(factor * p * rest).sum(0).ravel(), -(factor * q * rest).sum(0).ravel()])
    for y in range(height):
        for x in range(width):
            i, j = number[y, x], u.size + number[y, x]
            matrix[i, i] += (factor * p * p).sum(0)[y, x]
            matrix[j, j] += (factor * q * q).sum(0)[y, x]
            matrix[i, j] += (factor * p * q).sum(0)[y, x]
            matrix[j, i] += (factor * p * q).sum(0)[y, x]
            gradient = sum(
                (plane[y, x + 1] - plane[y, x]) ** 2 if step else (plane[y + 1, x] - plane[y, x]) ** 2
                for plane in (u, v)
                for step in (0, 1)
                if (x + 1 < width if step else y + 1 < height)
            )
            s = ALPHA / (2 * np.sqrt(gradient + GUARD**2))
            for other in ([number[y, x + 1]] if x + 1 < width else []) + ([number[y + 1, x]] if y + 1 < height else []):
                for a, b in ((i, other), (j, u.size + other)):
                    matrix[a, a] += s
                    matrix[b, b] += s
                    matrix[a, b] -= s
                    matrix[b, a] -= s
    return matrix.tocsc(), right


def energy(one, two, flow):
    """What the flow minimises, in float64; pixels that are led out of the image cost no data."""
    data = 0.0
    for channel in range(3):
        apart = warped_slowly(two[channel].astype(np.float64), flow) - one[channel]
        data += np.sqrt(np.nan_to_num(apart) ** 2 + GUARD**2).sum()
    u, v = flow.astype(np.float64)
    gradient = np.zeros(u.shape)
    for plane in (u, v):
        gradient[:, :-1] += np.diff(plane, axis=1) ** 2
        gradient[:-1] += np.diff(plane, axis=0) ** 2
    return data + ALPHA * np.sqrt(gradient + GUARD**2).sum()


def test_warping_equals_the_definition(texture):
    one, two, flow = level(texture, (21, 26), by=(1.7, -2.4))
    inside, found = derivatives_of(one, two, flow)
    for channel in range(3):
        slow = warped_slowly(two[channel], flow)
        np.testing.assert_array_equal(inside == 0, np.isnan(slow))
        np.testing.assert_allclose(found[channel, 2], np.nan_to_num(slow - one[channel]), atol=2e-6)
    assert 0 < inside.mean() < 1


def test_derivatives_are_those_of_the_mixture(texture):
    one, two, flow = level(texture, (21, 26))
    _, found = derivatives_of(one, two, flow)
    kernel = np.array([[1, -8, 0, 8, -1]]) / 12
    for channel in range(3):
        mixture = (one[channel] + (1 - SHARE) * found[channel, 2]).astype(np.float64)
        for axis, weights in enumerate((kernel, kernel.T)):
            slow = cv2.filter2D(mixture, -1, weights, borderType=cv2.BORDER_REPLICATE)
            np.testing.assert_allclose(found[channel, axis], slow, atol=2e-6)


@pytest.mark.parametrize("shape", [(12, 14), (13, 14), (12, 15), (9, 11)])
def test_relaxation_solves_the_linear_system(texture, shape):
    """Against a direct solver, for all parities of the sides."""
    one, two, warped_by = level(texture, shape)
    inside, found = derivatives_of(one, two, warped_by)
    flow = warped_by + np.float32(0.05)
    matrix, right = system_slowly(inside, found, warped_by, flow)
    exact = scipy.sparse.linalg.spsolve(matrix, right).reshape(2, *shape)
    quarters = empty_quarters(*shape)
    linearise(found, inside, warped_by, flow, ALPHA, GUARD, 1.8, quarters)
    solved = flow.copy()
    relax(quarters, 2000, 1.8, solved)
    np.testing.assert_allclose(solved, exact, atol=2e-4)
    assert np.abs(flow - exact).max() > 0.05


def test_a_few_sweeps_come_most_of_the_way(texture):
    """The quadratic form that the system minimises falls with every call."""
    shape = (30, 31)
    one, two, warped_by = level(texture, shape)
    inside, found = derivatives_of(one, two, warped_by)
    matrix, right = system_slowly(inside, found, warped_by, warped_by)

    def quadratic(flow):
        x = flow.ravel().astype(np.float64)
        return x @ (matrix @ x) / 2 - right @ x

    least = quadratic(scipy.sparse.linalg.spsolve(matrix, right))
    quarters, flow = empty_quarters(*shape), warped_by.copy()
    linearise(found, inside, warped_by, flow, ALPHA, GUARD, 1.8, quarters)
    left = [quadratic(flow) - least]
    for _ in range(3):
        relax(quarters, 10, 1.8, flow)
        left.append(quadratic(flow) - least)
    assert left[0] > 2 * left[1] > 4 * left[2]
    assert left[3] < 0.1 * left[0]


def test_the_energy_falls_from_warp_to_warp(texture):
    first, second = moved(texture, np.broadcast_to(np.float32((0.8, -0.5)), (48, 48, 2)))
    one = np.stack(list(channels(first / np.float32(255))))
    two = np.stack(list(channels(second / np.float32(255))))
    settings = {"min_width": 48, "alpha": ALPHA, "guard": GUARD, "share": SHARE}
    flows = [np.zeros((48, 48, 2), np.float32)]
    flows += [coarse_to_fine(first, second, warps=warps, **settings) for warps in (1, 2, 4, 7)]
    energies = [energy(one, two, flow.transpose(2, 0, 1)) for flow in flows]
    assert energies == sorted(energies, reverse=True)
    assert energies[-1] < 0.5 * energies[0]


def test_levels_of_the_pyramid():
    """112 pixels, three quarters again and again: 84, 63, 47.25, 35.4, 26.6, 19.9 is below the least width."""
    levels = pyramid(np.full((112, 120), 51, np.float32), 0.75, 20)
    assert [image.shape for image in levels] == [(112, 120), (84, 90), (63, 68), (47, 51), (35, 38), (27, 28), (20, 21)]
    for image in levels:
        np.testing.assert_allclose(image, 0.2, atol=1e-6)


def test_one_version_of_each_kernel_serves_all_sizes_and_settings(texture):
    module = importlib.import_module("cdmer.motion.variational")
    for side, settings in ((32, {}), (41, {"alpha": 1, "omega": 1, "guard": 1, "share": 1, "inner": 2})):
        first, second = moved(texture, np.full((side, side, 2), 0.5, np.float32))
        coarse_to_fine(first, second, **settings)
    assert [len(getattr(module, name).signatures) for name in ("differentiate", "linearise", "relax")] == [1, 1, 1]


def test_the_result_is_the_same_every_time(texture):
    pair = moved(texture, np.full((64, 64, 2), 1.3, np.float32))
    np.testing.assert_array_equal(coarse_to_fine(*pair), coarse_to_fine(*pair))
