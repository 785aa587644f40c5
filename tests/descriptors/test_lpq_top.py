"""LPQ-TOP: against the transform written out, and what must not change it."""

import importlib
import itertools

import numpy as np
import pytest
from scipy.ndimage import correlate

from cdmer.descriptors import lpq_top
from cdmer.descriptors.lpq_top import decorrelation_basis
from cdmer.errors import CdmerError
from tests.descriptors.blockwise import histograms

PLANES = [(2, 1), (2, 0), (1, 0)]  # axes p, q of XY, XT, YT among (t, y, x)
FREQUENCIES = [(0.2, 0), (0, 0.2), (0.2, 0.2), (0.2, -0.2)]


def transform(clip, plane):
    """Re and Im of F(u) = sum_k f(n - k) exp(-2 pi i u.k) for the four u: (8, frames, height, width) without border."""
    p, q = plane
    numbers = []
    for u, v in FREQUENCIES:
        shape = [1, 1, 1]
        shape[p] = shape[q] = 5
        kernel = np.zeros(shape, complex)
        for kp, kq in itertools.product(range(-2, 3), repeat=2):
            place = [0, 0, 0]
            place[p], place[q] = 2 - kp, 2 - kq  # f(n - k) is what lies at -k
            kernel[tuple(place)] = np.exp(-2j * np.pi * (u * kp + v * kq))
        for part in (kernel.real, kernel.imag):
            numbers.append(correlate(clip.astype(float), part)[2:-2, 2:-2, 2:-2])
    return np.array(numbers)


def reference(clip, decorrelation, grids):
    in_space, in_time = decorrelation
    of_planes = []
    for plane, rates in zip(PLANES, [(in_space, in_space), (in_space, in_time), (in_space, in_time)], strict=True):
        numbers = np.tensordot(decorrelation_basis(*rates).T, transform(clip, plane), axes=1)
        codes = sum((number > 1e-9).astype(int) << bit for bit, number in enumerate(numbers))
        of_planes.append(histograms(codes, 256, grids))
    return np.concatenate([np.concatenate(block) for block in zip(*of_planes, strict=True)])


@pytest.mark.parametrize(
    ("shape", "decorrelation", "grids"),
    [
        ((16, 112, 112), (0.1, 0.1), (1, 2, 4, 8)),
        ((16, 112, 112), (0, 0), (1, 2, 4, 8)),
        ((7, 33, 40), (0.9, 0.3), (1, 3)),
        ((9, 40, 12), (0, 0.5), (2,)),
        ((5, 5, 5), (0.1, 0.1), (1,)),
        ((6, 20, 600), (0.1, 0), (1, 2)),
    ],
)
def test_equals_the_reference(any_clip, shape, decorrelation, grids):
    clip = any_clip(shape)
    found = lpq_top(clip, decorrelation, grids)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, reference(clip, decorrelation, grids).astype(np.float32))


def test_a_wave_by_hand():
    """cos(2 pi x / 5 + 0.1): the sum over k of f(n - k) exp(-2 pi i k / 5) is 5 / 2 exp(-i (2 pi n / 5 + 0.1))."""
    phases = 0.4 * np.pi * np.arange(40) + 0.1
    clip = np.broadcast_to(np.round(128 + 100 * np.cos(phases)).astype(np.uint8), (5, 20, 40))
    found = lpq_top(clip, (0, 0), (1,)).reshape(3, 256)
    codes = [int(np.cos(phase) > 0) + 2 * int(np.sin(phase) < 0) for phase in phases[2:-2]]
    wanted = np.bincount(codes, minlength=256) / 36
    np.testing.assert_allclose(found[0], wanted, atol=1e-7)
    np.testing.assert_allclose(found[1], wanted, atol=1e-7)
    assert found[2, 0] == 1  # along y and t nothing changes


def test_the_decorrelation_decorrelates():
    """V' D V is diagonal, D the numbers' covariance by a simulation of the pixel model."""
    r = 0.6
    q, p = (axis.ravel() for axis in np.mgrid[-2:3, -2:3])
    C = r ** np.hypot(p[:, None] - p, q[:, None] - q)
    waves = [np.exp(2j * np.pi * (u * p + v * q)) for u, v in FREQUENCIES]
    M = np.array([part for wave in waves for part in (wave.real, wave.imag)])
    V = decorrelation_basis(r, r)
    np.testing.assert_allclose(V.T @ V, np.eye(8), atol=1e-12)
    D = V.T @ (M @ C @ M.T) @ V
    variances = np.diag(D)
    assert np.abs(D - np.diag(variances)).max() < 1e-4 * variances.max()  # the tie-break is of 7e-6
    assert (np.diff(variances) < 1e-4 * variances.max()).all()
    assert (V[np.abs(V).argmax(0), np.arange(8)] > 0).all()


def test_without_correlation_nothing_is_rotated():
    np.testing.assert_allclose(decorrelation_basis(0, 0), np.eye(8), atol=1e-9)


@pytest.mark.parametrize("decorrelation", [(0, 0), (0.1, 0.1)])
def test_light_that_scales_or_adds_changes_nothing(any_clip, decorrelation):
    clip = any_clip((7, 30, 30)) // 2
    found = lpq_top(clip, decorrelation, (1, 2))
    np.testing.assert_array_equal(found, lpq_top(clip + 100, decorrelation, (1, 2)))
    np.testing.assert_array_equal(found, lpq_top(clip * 2, decorrelation, (1, 2)))


def test_a_transposed_clip_exchanges_xt_and_yt(smooth_clip):
    clip = smooth_clip((7, 30, 30))
    ours, turned = (lpq_top(c, (0, 0), (1,)).reshape(3, 256) for c in (clip, clip.transpose(0, 2, 1)))
    np.testing.assert_array_equal(turned[[1, 2]], ours[[2, 1]])


def test_a_mirrored_clip_conjugates_along_x():
    """With p turned round F1 and F3, F4 change places: F1 -> conj F1, F2 -> F2, F3 -> conj F4, F4 -> conj F3."""
    clip = np.random.default_rng(3).integers(1, 256, (6, 24, 24), dtype=np.uint8)
    ours, mirrored = (lpq_top(c, (0, 0), (1,)).reshape(3, 256) for c in (clip, clip[:, :, ::-1]))

    def mirror(code):
        bits = [(code >> b) & 1 for b in range(8)]
        bits[1] ^= 1
        bits[4:] = [bits[6], bits[7] ^ 1, bits[4], bits[5] ^ 1]
        return sum(bit << b for b, bit in enumerate(bits))

    for plane in (0, 1):
        np.testing.assert_array_equal(mirrored[plane], ours[plane][[mirror(code) for code in range(256)]])
    np.testing.assert_array_equal(mirrored[2], ours[2])


def test_a_flat_clip_is_code_zero():
    np.testing.assert_array_equal(
        lpq_top(np.full((6, 20, 20), 200, np.uint8), (0.1, 0.1), (1,)).reshape(3, 256)[:, 0], 1
    )


def test_one_version_of_the_kernel_serves_all(smooth_clip):
    kernel = importlib.import_module("cdmer.descriptors.lpq_top")._count_cells
    lpq_top(smooth_clip((6, 20, 22)), (0, 0), (1,))
    lpq_top(np.asfortranarray(smooth_clip((6, 20, 22))), (0.2, 0.1), [1, 2])
    assert len(kernel.signatures) == 1


@pytest.mark.parametrize(
    ("clip", "settings", "words"),
    [
        (np.ones((9, 30, 30)), {}, "uint8"),
        (np.ones((4, 30, 30), np.uint8), {}, "4 frames"),
        (np.ones((9, 4, 30), np.uint8), {}, "4 x 30 pixels"),
        (np.ones((9, 10, 10), np.uint8), {}, "grid of 4"),
        (np.ones((9, 30, 30), np.uint8), {"decorrelation": (1, 0)}, "decorrelation"),
        (np.ones((9, 30, 30), np.uint8), {"decorrelation": (0.1,)}, "decorrelation"),
        (np.zeros((9, 30, 30), np.uint8), {}, "all black"),
    ],
)
def test_what_cannot_be_described_is_said(clip, settings, words):
    with pytest.raises(CdmerError, match=words) as caught:
        lpq_top(clip, **settings)
    assert caught.value.remedy
