"""What all tests share."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def load_script() -> Callable[[str], ModuleType]:
    """What loads a script of the repository, which is in no package, as a module: `benchmarks/faults.py`."""

    def load(path: str) -> ModuleType:
        specification = importlib.util.spec_from_file_location(Path(path).stem, REPOSITORY / path)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def real() -> Path:
    """Real data, which is no part of the product: beside the repository where it is to be had."""
    folder = REPOSITORY.parent / "shared" / "real"
    if not folder.is_dir():
        pytest.skip("real data (../shared/real) is not on this machine")
    return folder
