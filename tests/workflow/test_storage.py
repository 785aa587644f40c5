"""Stages whose inputs and outputs lie in a bucket: their jobs need no shared disk."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from cdmer.store.feature_store import FeatureStore

from .conftest import Workflow

MISSING = [
    name
    for name in ("boto3", "flask", "moto", "snakemake_storage_plugin_s3")
    if importlib.util.find_spec(name) is None  # the plugin must be known to Snakemake's own interpreter
]
STORE = "results/features/lbp_top_r3p8/smic_vis.h5"
FRAMES = ("results/frames/tim_16/smic_vis/*.h5", "results/databases/smic_vis/manifest.csv")
STORES = (
    "results/databases/*/manifest.csv",
    "results/faces/*/*/*.h5",
    "results/features/*/*.h5",
    "results/features/*/*.csv",
)
TABLES = ("results/cdmer_table.csv", "results/cdmer_table.card.json", "results/cdmer_disjoint.card.json")
REPORT = "results/report.html"
BUCKET = "study"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}

pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"{', '.join(MISSING)} not installed: pip install --no-deps -r envs/storage.txt"
)


@pytest.fixture
def bucket(monkeypatch):
    """An S3 server on this machine, with one bucket: its address and a client."""
    import boto3

    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **KEYS},
    )
    address = f"http://127.0.0.1:{port}"
    client = boto3.client("s3", endpoint_url=address)
    try:
        for attempt in range(100):
            try:
                client.create_bucket(Bucket=BUCKET)
                break
            except Exception:
                if attempt == 99 or server.poll() is not None:
                    raise
                time.sleep(0.3)
        yield address, client
    finally:
        server.kill()
        server.wait()


def keys(client):
    return {entry["Key"] for entry in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def made_in_bucket(finished, bucket, folder, inputs, *targets):
    """Make targets from a finished run's inputs in a directory that has none of them; the names that are new."""
    address, client = bucket
    for pattern in inputs:
        for path in sorted(finished.folder.glob(pattern)):
            client.upload_file(str(path), BUCKET, str(path.relative_to(finished.folder)))
    given = keys(client)
    study = Workflow(folder, finished.repository)
    study.folder.mkdir()
    (study.folder / "config.yaml").write_text((finished.folder / "config.yaml").read_text())
    (study.folder / "data").symlink_to(finished.folder / "data")
    study.run(
        *("--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{BUCKET}"),
        *("--storage-s3-endpoint-url", address),
        *("--storage-s3-access-key", KEYS["AWS_ACCESS_KEY_ID"]),
        *("--storage-s3-secret-key", KEYS["AWS_SECRET_ACCESS_KEY"]),
        *("--shared-fs-usage", "persistence", "software-deployment", "sources", "source-cache"),
        *("--", *targets),
    )
    # nothing lies where a shared disk would have it
    assert not [path for path in study.folder.glob("results/**/*") if path.suffix in {".h5", ".csv", ".json", ".html"}]
    return keys(client) - given


def fetched(bucket, name, folder):
    path = folder / name.replace("/", "-")
    bucket[1].download_file(BUCKET, name, str(path))
    return path


def test_features_are_made_from_and_into_a_bucket(finished, bucket, tmp_path):
    made = made_in_bucket(finished, bucket, tmp_path / "elsewhere", FRAMES, STORE)
    assert {name for name in made if name.endswith(".h5")} == {
        STORE,
        *(f"results/features/lbp_top_r3p8/smic_vis/{path.name}" for path in finished.folder.glob(FRAMES[0])),
    }
    store, local = FeatureStore(fetched(bucket, STORE, tmp_path)), FeatureStore(finished.folder / STORE)
    assert store.verify() == []
    one, other = store.load(), local.load()
    np.testing.assert_array_equal(one.X, other.X)
    assert one.clip.tolist() == other.clip.tolist()


def test_tables_and_the_report_are_made_from_and_into_a_bucket(finished, bucket, tmp_path):
    made = made_in_bucket(finished, bucket, tmp_path / "elsewhere", STORES, *TABLES, REPORT)
    assert {*TABLES, REPORT, "results/cdmer_leaks.csv", "results/cdmer_disjoint.csv"} <= made
    assert not {name for name in made if name.endswith(".h5")}  # the stores were there
    for name in ("results/cdmer_table.csv", "results/cdmer_comparisons.csv", "results/cdmer_leaks.csv"):
        assert fetched(bucket, name, tmp_path).read_bytes() == (finished.folder / name).read_bytes()
    assert "SVM,default" in fetched(bucket, "results/cdmer_disjoint.csv", tmp_path).read_text()
    # what jobs took lies in the bucket too, where no card looks for it
    assert json.loads(fetched(bucket, "results/cdmer_table.card.json", tmp_path).read_text())["hours"] is None
    assert "Not known: there were no benchmarks" in fetched(bucket, REPORT, tmp_path).read_text()
