"""The benchmark's own features, for tests that bring published cells back."""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cdmer.store.released import read_released

CLASSES = ("negative", "positive", "surprise")


@cache
def load(real: Path, name: str, order: str = "blocks") -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Features (clips, columns) and labels of CASME2, SMIC_VIS or SMIC_NIR."""
    path = real / f"cdmer_lbptop_112/CrossCorpus_LBPTOP_R3P8_{name}_112by112.mat"
    features = read_released(path, order)  # type: ignore[arg-type]
    return features.X, features.label.astype(str)
