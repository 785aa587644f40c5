import subprocess
import sys

import numpy as np
import pytest

from cdmer.errors import CdmerError
from cdmer.store.feature_store import FeatureStore

torch = pytest.importorskip("torch")
from torch.utils.data import DataLoader  # noqa: E402

from cdmer.store.torch_dataset import FeatureDataset  # noqa: E402

ROWS = np.arange(60, dtype=np.uint8).reshape(10, 2, 3)


@pytest.fixture
def store(tmp_path, provenance):
    return FeatureStore.write(tmp_path / "s.h5", ROWS, list("abcdefghij"), provenance=provenance, scale=0.5)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_in_any_number_of_workers(store, workers):
    rows = [9, 0, 3, 3, 7]
    data = FeatureDataset(store, rows=rows, targets=[2, 0, 1, 1, 2])
    store.load()  # the parent has read before its workers fork
    batches = list(DataLoader(data, batch_size=2, num_workers=workers))
    X, targets = (torch.cat(parts) for parts in zip(*batches, strict=True))
    assert X.dtype == torch.float32
    np.testing.assert_array_equal(X.numpy(), ROWS[rows] / 2)
    assert targets.tolist() == [2, 0, 1, 1, 2]


def test_a_mask_is_a_mask(store):
    mask = np.arange(10) % 4 == 3
    data = FeatureDataset(store, rows=mask, targets=[1, 0])
    assert [(X.numpy().tolist(), int(target)) for X, target in (data[0], data[1])] == [
        ((ROWS[3] / 2).tolist(), 1),
        ((ROWS[7] / 2).tolist(), 0),
    ]
    assert len(FeatureDataset(store, rows=[])) == 0
    for wrong in (mask[:9], [10], [0.5]):
        with pytest.raises(IndexError):
            FeatureDataset(store, rows=wrong)


def test_without_targets(store):
    data = FeatureDataset(str(store.path))
    assert len(data) == 10
    np.testing.assert_array_equal(data[-1].numpy(), ROWS[-1] / 2)


def test_wrong_targets_and_missing_store(store, tmp_path):
    with pytest.raises(ValueError, match="2 targets for 3 rows"):
        FeatureDataset(store, rows=[0, 1, 2], targets=[0, 1])
    with pytest.raises(CdmerError, match="no such feature store"):
        FeatureDataset(tmp_path / "none.h5")


READER = """
import resource, sys
import torch
from torch.utils.data import DataLoader
from cdmer.store.torch_dataset import FeatureDataset

class Measured(FeatureDataset):
    def __getitems__(self, indices):
        rows = super().__getitems__(indices)
        return [(row, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) for row in rows]

torch.manual_seed(0)
loader = DataLoader(Measured(sys.argv[1]), batch_size=8, shuffle=True, num_workers=2, timeout=60)
seen = [(float(rows[:, 0, 0].sum()), int(peak[0])) for rows, peak in loader]
print(sum(total for total, _ in seen), max(peak for _, peak in seen) - min(peak for _, peak in seen))
"""


def test_two_workers_read_all_rows_in_bounded_memory(tmp_path, provenance):
    """80 MB in shuffled batches of 1.6 MB: what a worker takes hardly grows from its first batch to its last."""
    rows = np.zeros((400, 200, 256), np.float32)
    rows[:, 0, 0] = np.arange(400)
    path = tmp_path / "large.h5"
    FeatureStore.write(path, rows, [f"clip{n}" for n in range(400)], provenance=provenance, compression="none")
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)], capture_output=True, text=True, check=True, timeout=300
    )
    total, grown = map(float, done.stdout.split())
    assert total == 400 * 399 / 2
    assert grown / 1024 < 24
