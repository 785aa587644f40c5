"""How far apart two databases are in a feature: the shift that cross-database recognition has to bridge.

Everything is computed from inner products of clips, so that the length of a feature does not matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.manifold import TSNE
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import SVC

from cdmer.adaptation.base import Domains
from cdmer.adaptation.subspaces import find_subspaces
from cdmer.adaptation.tca import transfer_components
from cdmer.errors import CdmerError

Floats = NDArray[np.float64]
FOLDS = 5
SEED = 20210929
_COLUMNS = 20000  # of a feature that are multiplied at once


@dataclass(frozen=True)
class Distance:
    """How far apart two domains are.

    Attributes
    ----------
    mmd
        Squared maximum mean discrepancy, unbiased: 0 on average where there is no shift, and a little below by chance.
    proxy
        Proxy A-distance: 0 where a linear machine cannot tell the domains of held-out clips, 2 where it always can.
    proxy_people
        The same of clips of people whom it has not seen: what is left when no face is known. nan for too few people.
    """

    mmd: float
    proxy: float
    proxy_people: float


def inner_products(X: ArrayLike) -> Floats:
    """Inner products of samples (samples, features), block by block of columns."""
    flat = np.asarray(X)
    flat = flat.reshape(len(flat), -1)
    products = np.zeros((len(flat), len(flat)))
    for start in range(0, flat.shape[1], _COLUMNS):
        block = flat[:, start : start + _COLUMNS].astype(np.float64)
        products += block @ block.T
    return products


def distance(products: Floats, in_second: ArrayLike, people: Sequence[str]) -> Distance:
    """The distance between two domains.

    Parameters
    ----------
    products
        Inner products (samples, samples) of all samples of both.
    in_second
        (samples,) whether a sample is of the second domain.
    people
        (samples,) whom each shows.

    Raises
    ------
    ValueError
        A domain of fewer than two samples.
    """
    second = np.asarray(in_second, bool)
    if min(second.sum(), (~second).sum()) < 2:
        raise ValueError("each domain needs two samples at least")
    clips = [str(number) for number in range(len(second))]
    return Distance(
        squared_mmd(products, second),
        proxy_a_distance(products, second, clips),
        proxy_a_distance(products, second, people),
    )


def squared_mmd(products: Floats, second: NDArray[np.bool_]) -> float:
    """The unbiased estimate of the squared MMD (Gretton et al., JMLR 2012, eq. 3).

    The kernel is Gaussian, as wide as the median distance of two samples.
    """
    squares = _squared_distances(products)
    median = float(np.median(squares[np.triu_indices(len(squares), 1)]))
    kernel = np.exp(-squares / (2 * median)) if median > 0 else np.ones_like(squares)
    np.fill_diagonal(kernel, 0)
    m, n = int((~second).sum()), int(second.sum())
    within = kernel[~second][:, ~second].sum() / (m * (m - 1)) + kernel[second][:, second].sum() / (n * (n - 1))
    return float(within - 2 * kernel[~second][:, second].mean())


def proxy_a_distance(products: Floats, second: NDArray[np.bool_], apart: Sequence[str]) -> float:
    """``2 (1 - 2 error)`` of a linear machine that tells the domains apart (Ben-David et al., NIPS 2006), at least 0.

    The error is balanced, of samples that were held out, those with the same word of `apart` together; nan where a
    domain has but one such word.
    """
    kernel = _centred(products)
    scale = np.trace(kernel) / len(kernel)
    if scale <= 0:
        return 0.0
    _, codes = np.unique(np.asarray(apart), return_inverse=True)
    folds = min(FOLDS, *(len(set(codes[side])) for side in (second, ~second)))
    if folds < 2:
        return float("nan")
    predicted = np.full(len(second), -1)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=SEED)
    for train, test in splitter.split(np.zeros(len(second)), second, codes):
        if len(set(second[train])) < 2:
            continue
        machine = SVC(kernel="precomputed", class_weight="balanced")
        machine.fit(kernel[np.ix_(train, train)] / scale, second[train])
        predicted[test] = machine.predict(kernel[np.ix_(test, train)] / scale)
    judged = predicted >= 0
    if len(set(second[judged])) < 2:
        return float("nan")
    error = 1 - float(balanced_accuracy_score(second[judged], predicted[judged] == 1))
    return max(0.0, 2 * (1 - 2 * error))


def mapped(name: str, Xs: ArrayLike, Xt: ArrayLike, parameters: Mapping[str, Any]) -> tuple[Floats, Floats]:
    """Source and target as an adaptation method maps them, before its machine: ``TCA`` or ``SA``.

    Parameters
    ----------
    name
        The method.
    Xs, Xt
        (clips, features) of the source and of the target.
    parameters
        The estimator's own (`cdmer.adaptation.tca.TCA`, `cdmer.adaptation.sa.SA`).
    """
    source, target = (np.asarray(X, np.float64).reshape(len(np.asarray(X)), -1) for X in (Xs, Xt))
    if name == "TCA":
        kernel = inner_products(np.concatenate([source, target]))
        components = transfer_components(kernel, len(source), parameters["mu"])[:, : parameters["dim"]]
        both = kernel @ components
        return both[: len(source)], both[len(source) :]
    if name == "SA":
        domains = Domains(source, np.zeros(len(source), np.intp), target, 1)
        found = find_subspaces(domains)
        dim = found.clipped(parameters["dim"])
        Ps, Pt = found.source_directions[:, :dim], found.target_directions[:, :dim]
        return found.source @ Ps @ (Ps.T @ Pt), target @ found.axes @ Pt
    raise CdmerError(f"{name} maps no clips", "ask for TCA or SA")


def embed(products: Floats) -> Floats:
    """Samples on a plane (samples, 2), by t-SNE from their inner products: neighbours stay neighbours.

    It starts from the leading principal components, so that it is the same each time.
    """
    values, vectors = np.linalg.eigh(_centred(products))
    kept = values > max(values.max(), 0) * 1e-10
    coordinates = (vectors[:, kept] * np.sqrt(values[kept]))[:, ::-1][:, :50]
    if coordinates.shape[1] < 2:  # samples that are all alike, or on a line
        return np.pad(coordinates, ((0, 0), (0, 2 - coordinates.shape[1])))
    perplexity = min(30.0, (len(products) - 1) / 3)
    return np.asarray(
        TSNE(perplexity=perplexity, init="pca", random_state=SEED, n_jobs=1).fit_transform(coordinates), np.float64
    )


def _centred(products: Floats) -> Floats:
    rows = products.mean(axis=0)
    return np.asarray(products - rows - rows[:, None] + products.mean())


def _squared_distances(products: Floats) -> Floats:
    squares = np.diag(products)
    return np.maximum(squares[:, None] + squares[None, :] - 2 * products, 0)
