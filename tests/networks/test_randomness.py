"""Random numbers that depend on their place alone: their distribution, and that places are independent."""

import numpy as np
import pytest
import torch

from cdmer.networks.network import Dropout
from cdmer.networks.randomness import kept, permutation, random_words, stream, trial_key, uniform


def streams(*keys):
    return torch.tensor([stream(key, 1, 2) for key in keys], dtype=torch.int32)


def test_the_hash_is_lowbias32():
    """Against the published definition in plain integers."""

    def lowbias32(x):
        x ^= x >> 16
        x = (x * 0x7FEB352D) & 0xFFFFFFFF
        x ^= x >> 15
        x = (x * 0x846CA68B) & 0xFFFFFFFF
        return x ^ (x >> 16)

    key = 0x9ABCDEF1
    found = random_words(torch.tensor([key - (1 << 32)], dtype=torch.int32), 50)[0].numpy().view(np.uint32)
    assert found.tolist() == [lowbias32(index ^ key) for index in range(50)]


def test_uniform_numbers_are_uniform_and_independent_of_each_other():
    x = uniform(streams(1, 2), 200_000).numpy()
    assert x.min() >= 0
    assert x.max() < 1
    for row in x:
        counts = np.histogram(row, 100, (0, 1))[0]
        assert ((counts - 2000) ** 2 / 2000).sum() < 160  # chi-square, 99 degrees of freedom: 148 at 0.1 %
        assert abs(np.corrcoef(row[:-1], row[1:])[0, 1]) < 0.01
    assert abs(np.corrcoef(x)[0, 1]) < 0.01


@pytest.mark.parametrize("probability", [0.25, 0.5, 0.9, 1.0])
def test_as_many_are_kept_as_asked_for(probability):
    mask = kept(streams(3), probability, 401, 251)
    assert mask.shape == (1, 401, 251)
    assert float(mask.float().mean()) == pytest.approx(probability, abs=0.006)


def test_more_samples_leave_the_first_ones_as_they_were():
    assert torch.equal(kept(streams(3), 0.5, 5, 7), kept(streams(3), 0.5, 9, 7)[:, :5])
    assert torch.equal(uniform(streams(3, 4), 5)[1:], uniform(streams(4), 5))


def test_places_and_keys_are_told_apart():
    keys = {stream(key, *place) for key in (1, 2, 1 << 31) for place in [(0, 0), (0, 1), (1, 0), (1, 1), (2**20, 3)]}
    assert len(keys) == 15
    assert trial_key((1, 2, 3)) != trial_key((1, 3, 2))
    assert sorted(permutation(5, 0, 9)) == list(range(9))
    assert permutation(5, 0, 9).tolist() != permutation(5, 1, 9).tolist()


def test_dropout_keeps_the_mean_and_draws_anew_at_each_call():
    layer = Dropout(0.5)
    layer.streams = streams(1)
    x = torch.ones(2000, 10)
    first, second = layer(x), layer(x)
    assert set(first.unique().tolist()) == {0.0, 2.0}
    assert float(first.mean()) == pytest.approx(1, abs=0.05)
    assert not torch.equal(first, second)
    assert torch.equal(layer.eval()(x), x)
