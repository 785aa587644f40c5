"""SVM: the conventions behind the published numbers (which tests/workflow/test_released.py brings back)."""

import numpy as np
from sklearn.svm import SVC

from cdmer.adaptation import SVM


def test_equals_libsvm_where_no_vote_ties():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(centre, 1, (30, 5)) for centre in (0, 4, 8)])
    y = np.repeat(["a", "b", "c"], 30)
    test = rng.normal(4, 4, (50, 5))
    np.testing.assert_array_equal(SVM().fit(X, y).predict(test), SVC(kernel="linear").fit(X, y).predict(test))


def test_a_tied_vote_goes_to_the_class_that_came_first():
    """Three classes around the origin, which each beats one other: one vote each."""
    angles = np.deg2rad([0, 120, 240])
    X = np.concatenate([np.tile([np.cos(a), np.sin(a)], (4, 1)) for a in angles])
    centre = np.array([[0.0, 0.0]])
    for order in (["a", "b", "c"], ["c", "a", "b"], ["b", "c", "a"]):
        model = SVM().fit(X, np.repeat(order, 4))
        assert list(model.order_) == order
        assert list(model.classes_) == ["a", "b", "c"]
        votes = model.predict(centre + 1e-12)
        assert votes[0] in order
    # exactly tied decisions are all >= 0 in LIBSVM's order, so the first class wins each of its pairs
    first = {SVM().fit(X, np.repeat(o, 4)).predict(centre)[0] for o in (["a", "b", "c"], ["c", "a", "b"])}
    assert len(first) == 2


def test_target_features_change_nothing():
    rng = np.random.default_rng(1)
    X, y = rng.random((20, 4)), np.arange(20) % 3
    np.testing.assert_array_equal(SVM().fit(X, y).predict(X), SVM().fit(X, y, rng.random((9, 4))).predict(X))
