"""Prior learning on pairs of clips, for networks that start from it."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from cdmer.errors import CdmerError
from cdmer.networks.randomness import permutation, trial_key
from cdmer.networks.training import Trained, Trial

_PAIRS, _SEED_OF_PAIRS = 0, 7
TRAINED_SHARE = 0.9  # of the pairs; the others test (MERSiamC3D)


def pair_trial(trial: Trial) -> Trial:
    """The trial's training samples as pairs, class 1 where both are of one class: 90 % to learn from, 10 % to judge.

    All unordered pairs of the training samples, and of no others (MERSiamC3D, Eq. 7, on the training fold).

    Raises
    ------
    CdmerError
        Fewer than four samples, or only one class: no pairs of either kind.
    """
    first, second = np.triu_indices(len(trial.train), 1)
    pairs = np.stack([trial.train[first], trial.train[second]], 1)
    same = (trial.label[first] == trial.label[second]).astype(np.int64)
    order = permutation(trial_key((*trial.seed, _SEED_OF_PAIRS)), _PAIRS, len(pairs))
    count = int(TRAINED_SHARE * len(pairs))
    learnt, judged = order[:count], order[count:]
    if not len(judged) or len(set(same[learnt])) < 2:
        raise CdmerError(
            f"{trial.name}: {len(trial.train)} clips make too few pairs: {len(learnt)} to learn from, of which "
            f"{int(same[learnt].sum())} of one class, and {len(judged)} to judge by",
            "give more clips, several of each of at least two classes",
        )
    return Trial(trial.name, (*trial.seed, _SEED_OF_PAIRS), pairs[learnt], same[learnt], pairs[judged])


def core_weights(prior: Sequence[Trained], index: int) -> dict[str, Tensor]:
    """The core's weights that prior learning came to."""
    return {
        name.removeprefix("core."): tensor for name, tensor in prior[index].weights.items() if name.startswith("core.")
    }
