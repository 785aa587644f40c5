"""A feature store as a torch dataset, read lazily in whichever worker asks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.utils.data import Dataset

from cdmer.store.feature_store import FeatureStore


class FeatureDataset(Dataset[Any]):
    """Rows of a store as float32 tensors.

    The store never says what the classes are; who knows them gives `targets`. No file is held open: a batch is one
    opening and one reading, in the process that asks, so any number of workers may be used.

    Parameters
    ----------
    store
        The store, or its path.
    rows
        Indices of the rows to serve, in this order, or a mask of all rows; all of them by default.
    targets
        (len(rows),) what belongs to each of those rows. With it an item is (X, target), without it X.
    """

    def __init__(
        self, store: FeatureStore | str | Path, rows: ArrayLike | None = None, targets: ArrayLike | None = None
    ) -> None:
        self.store = store if isinstance(store, FeatureStore) else FeatureStore(store)
        self.rows = np.arange(len(self.store))[slice(None) if rows is None else _selection(rows)]
        self.targets = None if targets is None else torch.as_tensor(np.asarray(targets))
        if self.targets is not None and len(self.targets) != len(self.rows):
            raise ValueError(f"{len(self.targets)} targets for {len(self.rows)} rows")

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Read a batch, as torch's DataLoader asks for it."""
        X = torch.from_numpy(self.store.rows(self.rows[list(indices)], columns=["X"]).X).float()
        if self.targets is None:
            return list(X)
        return list(zip(X, self.targets[list(indices)], strict=True))


def _selection(rows: ArrayLike) -> NDArray[Any]:
    selection = np.asarray(rows)
    return selection if selection.size else selection.astype(np.int64)  # an empty list would be one of floats
