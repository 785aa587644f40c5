"""Distances between domains, against slow references and cases whose answer is known."""

import numpy as np
import pytest
from sklearn.svm import SVC

from cdmer.adaptation.sa import SA
from cdmer.adaptation.tca import TCA
from cdmer.errors import CdmerError
from cdmer.report import shift
from cdmer.report.shift import distance, embed, inner_products, mapped, proxy_a_distance, squared_mmd


def two_domains(offset, n=30, features=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2 * n, features))
    second = np.arange(2 * n) >= n
    X[second, 0] += offset
    return X, second, [f"p{number // 3}" for number in range(2 * n)]


def slow_mmd(X, second):
    """The estimate as the paper writes it, sum by sum."""
    squares = [((a - b) ** 2).sum() for i, a in enumerate(X) for b in X[i + 1 :]]
    width = np.median(squares)

    def k(a, b):
        return np.exp(-((a - b) ** 2).sum() / (2 * width))

    xs, ys = X[~second], X[second]
    m, n = len(xs), len(ys)
    first = sum(k(xs[i], xs[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    other = sum(k(ys[i], ys[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    return first + other - 2 * sum(k(x, y) for x in xs for y in ys) / (m * n)


@pytest.mark.parametrize("offset", [0, 1.5])
def test_mmd_is_the_sum_that_the_paper_writes(offset):
    X, second, _ = two_domains(offset, n=9)
    second[:2] = True  # domains of different sizes
    assert squared_mmd(inner_products(X), second) == pytest.approx(slow_mmd(X, second), rel=1e-10)


def test_mmd_is_unbiased():
    """Without a shift it is 0 on average, not positive as the biased one is."""
    found = [squared_mmd(inner_products(X), second) for X, second, _ in (two_domains(0, 10, 4, s) for s in range(200))]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(200)
    assert np.min(found) < 0


def test_proxy_a_distance_is_0_for_one_domain_and_2_for_two():
    none, second, people = two_domains(0, n=60)
    far, *_ = two_domains(20, n=60)
    assert proxy_a_distance(inner_products(far), second, people) == 2.0
    assert proxy_a_distance(inner_products(none), second, people) < 0.6


def test_no_distance_depends_on_scale_origin_or_rotation():
    X, second, people = two_domains(1.0)
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 6)))
    one = distance(inner_products(X), second, people)
    other = distance(inner_products(1e-3 * X @ turn + 0.05), second, people)
    assert other.mmd == pytest.approx(one.mmd, abs=1e-9)
    assert (other.proxy, other.proxy_people) == (one.proxy, one.proxy_people)


def test_faces_of_the_same_people_are_not_told_apart_as_domains():
    """Each person has a place of his own; clips of both domains lie there: a machine that knew him would be right."""
    rng = np.random.default_rng(3)
    places = rng.normal(size=(20, 50)) * 10
    X = np.concatenate([places, places]) + rng.normal(size=(40, 50)) * 0.1
    second = np.arange(40) >= 20
    assert proxy_a_distance(inner_products(X), second, [f"p{n % 20}" for n in range(40)]) < 0.7


def test_people_who_are_known_give_their_database_away_and_new_ones_do_not():
    """Domains that differ in their people alone: clips are told apart where the same person was seen before."""
    rng = np.random.default_rng(4)
    people = np.repeat(np.arange(20), 4)
    X = rng.normal(size=(20, 50))[people] * 10 + rng.normal(size=(80, 50))
    found = distance(inner_products(X), people >= 10, [f"p{number}" for number in people])
    assert found.proxy > 1.5
    assert found.proxy_people < 0.5


def test_one_person_cannot_be_held_out():
    X, second, _ = two_domains(5, n=6)
    assert np.isnan(proxy_a_distance(inner_products(X), second, ["p"] * 6 + ["q"] * 6))


def test_a_domain_of_one_sample_is_refused():
    with pytest.raises(ValueError, match="two samples"):
        distance(np.eye(5), [True, False, False, False, False], list("abcde"))


def test_features_that_do_not_vary_are_no_shift():
    second = np.arange(8) >= 4
    assert distance(np.ones((8, 8)), second, list("abcdefgh")) == shift.Distance(mmd=0.0, proxy=0.0, proxy_people=0.0)


def test_inner_products_block_by_block(monkeypatch):
    X = np.random.default_rng(0).normal(size=(5, 3, 7)).astype(np.float32)
    monkeypatch.setattr(shift, "_COLUMNS", 4)
    flat = X.reshape(5, -1).astype(float)
    np.testing.assert_allclose(inner_products(X), flat @ flat.T, rtol=1e-12)


@pytest.mark.parametrize("estimator", [TCA(mu=0.5, dim=3), SA(dim=2)])
def test_what_is_drawn_is_what_the_method_learns_from(estimator):
    """A machine on the mapped clips says what the estimator itself says."""
    X, second, _ = two_domains(1.0, n=25, seed=5)
    y = np.where(X[:, 1] > 0, "a", "b")
    Xs, Xt = X[~second], X[second]
    source, target = mapped(type(estimator).__name__, Xs, Xt, estimator.get_params())
    machine = SVC(kernel="linear", C=1.0).fit(source, y[~second])
    same = machine.predict(target) == estimator.fit(Xs, y[~second], Xt).predict(Xt)
    assert same.mean() >= 0.96  # a clip on the border may fall to either side


def test_other_methods_map_nothing():
    with pytest.raises(CdmerError, match="TGSR maps no clips"):
        mapped("TGSR", np.eye(3), np.eye(3), {})


def test_neighbours_stay_neighbours_on_the_plane():
    X, second, _ = two_domains(30)
    plane = embed(inner_products(X))
    assert plane.shape == (60, 2)
    squares = ((plane[:, None] - plane[None]) ** 2).sum(-1)
    np.fill_diagonal(squares, np.inf)
    assert (second[squares.argmin(1)] == second).all()
    assert (embed(inner_products(X)) == plane).all()


def test_samples_that_are_all_alike_have_a_plane_too():
    assert embed(np.ones((4, 4))).shape == (4, 2)
