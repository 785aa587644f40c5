"""TCA: the eigenvectors of the matrix that its paper prints, and TGSR's Tables II and III on the real features."""

import numpy as np
import pytest

from cdmer.adaptation.tca import TCA, transfer_components
from cdmer.evaluation import accuracy, uf1

from .real_features import CLASSES, load


def test_components_are_eigenvectors_of_the_printed_matrix():
    """``(K L K + mu I)^-1 K H K``, not symmetric, formed as printed."""
    rng = np.random.default_rng(0)
    samples = rng.random((9, 20))
    kernel, n_source, n, mu = samples @ samples.T, 5, 9, 0.7
    e = np.concatenate([np.full(5, 1 / 5), np.full(4, -1 / 4)])
    centre = np.eye(n) - 1 / n
    matrix = np.linalg.inv(kernel @ np.outer(e, e) @ kernel + mu * np.eye(n)) @ kernel @ centre @ kernel
    components = transfer_components(kernel, n_source, mu)
    images = matrix @ components
    values = (components * images).sum(axis=0)
    np.testing.assert_allclose(images, components * values, atol=1e-9 * values[0])
    assert (np.diff(values) <= 1e-9 * values[0]).all()
    np.testing.assert_allclose(values[:-1], np.sort(np.linalg.eigvals(matrix).real)[::-1][:-1], rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(components, axis=0), 1)


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1.0, 50.0), (1e3, 0.0), (1e-3, 0.0)])
def test_components_are_exact_whatever_the_features_scale(scale, offset):
    """Eigenvectors in extended precision, where the inverse of the rank-one penalty is known in closed form."""
    rng = np.random.default_rng(16)
    samples = scale * (rng.normal(size=(40, 20)) + offset)
    samples[24:] += 0.5 * scale * rng.normal(size=20)
    components = transfer_components(samples @ samples.T, 24, 1.0).astype(np.longdouble)
    exact = samples.astype(np.longdouble)
    kernel = exact @ exact.T
    q = kernel[:, :24].mean(axis=1) - kernel[:, 24:].mean(axis=1)
    images = kernel @ (kernel - kernel.mean(axis=0)) @ components[:, :20]  # as many as features: the others are noise
    images -= np.outer(q, q @ images) / (1 + q @ q)
    values = (components[:, :20] * images).sum(axis=0)
    # the penalty tells its axis from the others by a factor of ``|q|``: by that much double precision's rounding grows
    tolerance = max(1e-9, 1e-15 * float(np.linalg.norm(q.astype(float))))
    assert (np.linalg.norm(images - components[:, :20] * values, axis=0) < tolerance * values[0]).all()


def test_domains_of_equal_means_leave_principal_components():
    """Without discrepancy, what remains is kernel PCA: the components' images span the leading principal directions."""
    rng = np.random.default_rng(1)
    Xs, Xt = rng.normal(size=(8, 5)), rng.normal(size=(7, 5))
    Xs, Xt = Xs - Xs.mean(0), Xt - Xt.mean(0)
    model = TCA(dim=2).fit(Xs, np.arange(8) % 2, Xt)
    joint = np.concatenate([Xs, Xt])
    directions = joint.T @ model.components_
    principal = np.linalg.svd(joint)[2][:2]
    inside = principal.T @ (principal @ directions)
    np.testing.assert_allclose(inside, directions, atol=1e-9)


@pytest.mark.parametrize(
    ("source", "target", "score", "right"),
    [
        ("SMIC_VIS", "SMIC_NIR", 0.5810, 0.6197),
        ("SMIC_NIR", "SMIC_VIS", 0.6598, 0.6761),
        ("CASME2", "SMIC_VIS", 0.6834, 0.6901),
        ("SMIC_VIS", "CASME2", 0.5789, 0.5923),
        ("CASME2", "SMIC_NIR", 0.4992, 0.5070),
        ("SMIC_NIR", "CASME2", 0.3937, 0.4231),
    ],
)
def test_published_cells(real, source, target, score, right):
    """Chosen on the target's labels, as published: the best UF1 of all dimensions."""
    (Xs, ys), (Xt, yt) = load(real, source), load(real, target)
    predicted = TCA().predict_grid(Xs, ys, Xt, TCA.grid(len(Xs), len(Xt), "paper"))
    best = max(predicted, key=lambda row: uf1(yt, row, CLASSES))
    assert round(uf1(yt, best, CLASSES), 4) == score
    assert round(accuracy(yt, best), 4) == right
