from pathlib import Path

import pytest

REAL = Path(__file__).parents[3] / "shared" / "real"


@pytest.fixture
def provenance() -> dict[str, object]:
    return {
        "feature": "lbp_top_r3p8",
        "database": "casme2",
        "recipe": {"radius": 3, "grids": [1, 2, 4, 8], "note": "é"},
        "code_digest": "c0de",
        "manifest_digest": "abc",
        "libraries": {"numpy": "2.4.6"},
    }


@pytest.fixture(scope="session")
def real() -> Path:
    """The released feature files, which are not part of the product."""
    if not (REAL / "cdmer_lbptop_112").is_dir():
        pytest.skip("the released LBP-TOP features are not on this machine")
    return REAL
