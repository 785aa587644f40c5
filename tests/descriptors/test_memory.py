"""The jobs of the features stage take no more memory for more clips: a small job, then a large one, in one process."""

import subprocess
import sys

import numpy as np
import pytest

from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import write_shard

PROVENANCE = {"feature": "f", "database": "d", "recipe": {}, "manifest_digest": "0"}
DESCRIBE = f"""
import resource, sys
from cdmer.descriptors.job import compute_features
for path in sys.argv[1:]:
    compute_features(path, path + ".out", module="cdmer.descriptors.lbp_sip", parameters={{}}, code="0",
                     provenance={PROVENANCE})
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
MERGE = """
import resource, sys
from cdmer.store.feature_store import merge
for paths in sys.argv[1:]:
    merge(paths.split(), paths.split()[-1] + ".merged", compression="none")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peaks(script, *arguments):
    """Megabytes of memory that a process took at most, after each of its jobs."""
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return [int(line) / 1024 for line in done.stdout.split()]


def test_describing(tmp_path):
    clips = np.random.default_rng(0).integers(1, 256, (8, 16, 112, 112), dtype=np.uint8)
    for count in (10, 250):  # 2 and 50 MB of frames
        with write_shard(tmp_path / f"{count}.h5", {}, compression="none") as shard:
            for number in range(count):
                shard.add(f"clip{number}", clips[number % 8], subject="1", emotion="joy")
    small, large = peaks(DESCRIBE, *(str(tmp_path / f"{count}.h5") for count in (10, 250)))
    assert len(FeatureStore(tmp_path / "250.h5.out")) == 250
    assert large - small < 12


@pytest.mark.parametrize("samples", [1, 10])
def test_merging(tmp_path, samples):
    """4 and 40 MB of rows in subjects of ten; one or ten a clip."""
    jobs = []
    for subjects in (2, 20):
        paths = [tmp_path / f"{subjects}_{subject}.h5" for subject in range(subjects)]
        for number, path in enumerate(paths):
            names = [f"s{number}c{row // samples}" for row in range(10)]
            rows = np.full((10, 50_000), number, np.float32)
            FeatureStore.write(path, rows, names, provenance={**PROVENANCE, "code_digest": "0"}, compression="none")
        jobs.append(" ".join(map(str, paths)))
    small, large = peaks(MERGE, *jobs)
    assert FeatureStore(tmp_path / "20_19.h5.merged").shape == (200, 50_000)
    assert large - small < 12
