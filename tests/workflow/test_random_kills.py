"""Ten kills of `benchmarks/faults.py`, which makes a hundred."""

from collections import Counter

import pytest


@pytest.fixture(scope="module")
def faults(load_script):
    return load_script("benchmarks/faults.py")


@pytest.mark.slow
def test_ten_kills_at_random_lose_nothing(faults, tmp_path):
    """The campaign itself compares the table, the checksums and what a dry run finds with the undisturbed run's."""
    rows = faults.campaign(tmp_path, kills=10, seed=1, cores=2, progress=False)
    assert len(rows) == 10
    assert len(Counter(row["stage"] for row in rows)) > 2
    assert len((tmp_path / "kills.csv").read_text().splitlines()) == 11


def test_a_difference_would_be_seen(faults, workflow):
    study = faults.Study(workflow.folder)
    table = (workflow.folder / faults.TABLE).read_bytes()
    assert study.lost(table) == []
    assert study.lost(table + b" ") == ["the table differs"]
    store = next(workflow.folder.glob("results/features/*/casme2.h5"))
    content = bytearray(store.read_bytes())
    content[len(content) // 2] ^= 1
    store.write_bytes(content)
    found = study.lost(table)
    assert any(str(store) in fault for fault in found)
    assert "a dry run still finds work" in found  # the store is newer than what was made of it
