"""Random numbers that are a function of where they are used, not of what was drawn before.

Each training has a key of its own. A number depends on that key, the step, the place in the network and its index, on
nothing else: a training draws the same numbers alone or among many, before or after an interruption, on a CPU or a GPU.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_MASK = 0xFFFFFFFF
_FIRST, _SECOND = 0x7FEB352D, 0x846CA68B - (1 << 32)  # "lowbias32" (C. Wellons), as signed 32-bit numbers


def trial_key(seed: Sequence[int]) -> int:
    """The key (32 bits) of a training that these numbers name, e.g. seed, round and fold."""
    return int(np.random.SeedSequence(list(seed)).generate_state(1)[0])


def permutation(key: int, epoch: int, count: int) -> NDArray[np.int64]:
    """The order (count,) in which a training meets its samples in an epoch."""
    return np.random.default_rng([key, epoch]).permutation(count)


def stream(key: int, *place: int) -> int:
    """The key of one place and moment of a training, e.g. step and layer, as a signed 32-bit number."""
    mixed = key & _MASK
    for number in place:
        mixed = (mixed ^ (number + 0x9E3779B9 + ((mixed << 6) & _MASK) + (mixed >> 2))) & _MASK
        mixed = _scramble(mixed)
    return mixed - (1 << 32) if mixed >= 1 << 31 else mixed


def random_words(streams: Tensor, count: int) -> Tensor:
    """Random int32 (trainings, count) from streams int32 (trainings,): the "lowbias32" hash of the index."""
    x = torch.arange(count, dtype=torch.int32, device=streams.device) ^ streams[:, None]
    x ^= (x >> 16) & 0xFFFF
    x *= _FIRST
    x ^= (x >> 15) & 0x1FFFF
    x *= _SECOND
    x ^= (x >> 16) & 0xFFFF
    return x


def uniform(streams: Tensor, *shape: int) -> Tensor:
    """Float32 (trainings, *shape) from 0, included, to 1, excluded."""
    words = random_words(streams, int(np.prod(shape)))
    return ((words >> 8) & 0xFFFFFF).view(len(streams), *shape) / float(1 << 24)


def kept(streams: Tensor, probability: float, *shape: int) -> Tensor:
    """Booleans (trainings, *shape), true with a probability that is rounded to 1/65536."""
    count = int(np.prod(shape))
    halves = random_words(streams, (count + 1) // 2).view(torch.int16)[:, :count]
    if probability >= 1:
        return torch.ones_like(halves, dtype=torch.bool).view(len(streams), *shape)
    return (halves < round(probability * 65536) - 32768).view(len(streams), *shape)


def _scramble(x: int) -> int:
    x ^= x >> 16
    x = (x * _FIRST) & _MASK
    x ^= x >> 15
    x = (x * (_SECOND & _MASK)) & _MASK
    return x ^ (x >> 16)
