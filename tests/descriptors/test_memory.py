"""The jobs of the features stage take no more memory for more clips."""

import json
import subprocess
import sys

import numpy as np
import pytest

from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import write_shard

PROVENANCE = {"feature": "f", "database": "d", "recipe": {}, "manifest_digest": "0"}
DESCRIBE = """
import json, resource, sys
from cdmer.descriptors.job import compute_features
compute_features(*sys.argv[1:3], **json.loads(sys.argv[3]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
MERGE = """
import resource, sys
from cdmer.store.feature_store import merge
merge(sys.argv[2:], sys.argv[1], compression="none")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak(script, *arguments):
    """Kilobytes of memory that a process of its own takes at most."""
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_describing(tmp_path):
    clips = np.random.default_rng(0).integers(1, 256, (8, 16, 112, 112), dtype=np.uint8)
    settings = json.dumps(
        {
            "module": "cdmer.descriptors.lbp_sip",
            "parameters": {},
            "provenance": PROVENANCE,
            "code": "0",
        }
    )
    found = {}
    for count in (10, 400):  # 2 and 80 MB of frames
        with write_shard(tmp_path / f"{count}.h5", {}, compression="none") as shard:
            for number in range(count):
                shard.add(f"clip{number}", clips[number % 8], subject="1", emotion="joy")
        found[count] = peak(DESCRIBE, tmp_path / f"{count}.h5", tmp_path / f"out{count}.h5", settings)
        assert len(FeatureStore(tmp_path / f"out{count}.h5")) == count
    assert found[400] - found[10] < 16_000


@pytest.mark.parametrize("large_clips", [False, True])
def test_merging(tmp_path, large_clips):
    """40 MB of rows in subjects of ten clips; once with one sample a clip, once with many."""
    found = {}
    provenance = {**PROVENANCE, "code_digest": "0"}
    for subjects in (2, 20):
        shards = []
        for subject in range(subjects):
            clips, samples = (1, 10) if large_clips else (10, 1)
            names = [f"s{subject}c{clip}" for clip in range(clips) for _ in range(samples)]
            rows = np.full((10, 50_000), subject, np.float32)
            shards.append(tmp_path / f"{subjects}_{subject}.h5")
            FeatureStore.write(shards[-1], rows, names, provenance=provenance, compression="none")
        found[subjects] = peak(MERGE, tmp_path / f"{subjects}.h5", *shards)
        assert FeatureStore(tmp_path / f"{subjects}.h5").shape == (10 * subjects, 50_000)
    assert found[20] - found[2] < 16_000
