"""A stage whose inputs and outputs lie in a bucket: nothing of the workflow needs a shared disk."""

import importlib.util
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
INPUTS = ("results/frames/tim_16/smic_vis/*.h5", "results/databases/smic_vis/manifest.csv")
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


def test_features_are_made_from_and_into_a_bucket(finished, bucket, tmp_path):
    address, client = bucket
    for pattern in INPUTS:
        for path in sorted(finished.folder.glob(pattern)):
            client.upload_file(str(path), BUCKET, str(path.relative_to(finished.folder)))
    given = keys(client)
    assert len(given) == 3
    study = Workflow(tmp_path / "elsewhere", finished.repository)
    study.folder.mkdir()
    (study.folder / "config.yaml").write_text((finished.folder / "config.yaml").read_text())
    (study.folder / "data").symlink_to(finished.folder / "data")
    study.run(
        *("--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{BUCKET}"),
        *("--storage-s3-endpoint-url", address),
        *("--storage-s3-access-key", KEYS["AWS_ACCESS_KEY_ID"]),
        *("--storage-s3-secret-key", KEYS["AWS_SECRET_ACCESS_KEY"]),
        *("--shared-fs-usage", "persistence", "software-deployment", "sources", "source-cache"),
        *("--", STORE),
    )
    made = keys(client) - given
    assert {name for name in made if name.endswith(".h5")} == {
        STORE,
        *(f"results/features/lbp_top_r3p8/smic_vis/{path.name}" for path in finished.folder.glob(INPUTS[0])),
    }
    assert not list(study.folder.glob("results/**/*.h5"))  # nothing lies where a shared disk would have it
    client.download_file(BUCKET, STORE, str(tmp_path / "store.h5"))
    fetched, local = FeatureStore(tmp_path / "store.h5"), FeatureStore(finished.folder / STORE)
    assert fetched.verify() == []
    one, other = fetched.load(), local.load()
    np.testing.assert_array_equal(one.X, other.X)
    assert one.clip.tolist() == other.clip.tolist()
