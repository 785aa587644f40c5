"""Code digests: what counts and what does not."""

import importlib.metadata
import os
import shutil
import sys

import pytest

from cdmer import code
from cdmer.code import code_digest, reached_modules
from cdmer.errors import CdmerError

FAILS = """
from cdmer.errors import CdmerError


def check(x):
    if not x:
        raise CdmerError(f"{x}: nothing there", "WORDS")
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `cdmer.demo` whose source a test may edit; returns its folder."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "__init__.py").write_text("from cdmer.demo.top import f\n")
    (folder / "top.py").write_text(
        '"""Doc."""\nimport cv2\nfrom cdmer.demo.low import g\n\n\n'
        'def f(x):\n    """Say."""\n    return g(x) + 1  # one\n'
    )
    (folder / "low.py").write_text("DEPENDS_ON_FILES = ('table.csv',)\n\n\ndef g(x):\n    return 2 * x\n")
    (folder / "other.py").write_text("def h():\n    return 0\n")
    (folder / "table.csv").write_text("a\n1\n")
    import cdmer

    monkeypatch.setattr(cdmer, "__path__", [*cdmer.__path__, str(tmp_path)])
    yield folder
    for name in [name for name in sys.modules if name.startswith("cdmer.demo")]:
        del sys.modules[name]
    _forget()


def _forget():
    for cached in vars(code).values():
        if hasattr(cached, "cache_clear"):
            cached.cache_clear()


def _digest():
    _forget()
    return code_digest("cdmer.demo.top")


def test_follows_imports_inside_cdmer_and_no_package_init(package):
    assert reached_modules("cdmer.demo.top") == {"cdmer.demo.top", "cdmer.demo.low"}


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("top.py", '"""Say."""', '"""Say something else."""'),
        ("top.py", '"""Doc."""', ""),
        ("top.py", "  # one", ""),
        ("top.py", "g(x) + 1", "g( x )  +  1"),
        ("other.py", "return 0", "return 1"),
        ("__init__.py", "import f", "import f as f"),
    ],
)
def test_comments_docstrings_layout_and_strangers_do_not_count(package, file, before, after):
    first = _digest()
    source = (package / file).read_text()
    assert before in source
    (package / file).write_text(source.replace(before, after))
    assert _digest() == first


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [("top.py", "+ 1", "+ 2"), ("low.py", "2 * x", "3 * x"), ("table.csv", "1", "2")],
)
def test_code_what_it_imports_and_declared_data_count(package, file, before, after):
    first = _digest()
    source = (package / file).read_text()
    (package / file).write_text(source.replace(before, after))
    assert _digest() != first


def test_touching_does_not_count(package):
    first = _digest()
    for path in package.iterdir():
        os.utime(path, (1, 1))
    assert _digest() == first


def test_a_new_version_of_a_numeric_library_counts(package, monkeypatch):
    first = _digest()
    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99" if "opencv" in name else real(name))
    assert _digest() != first
    _forget()
    assert code_digest("cdmer.demo.low") == code_digest("cdmer.demo.low")


def test_opencv_counts_for_faces_and_not_for_the_svm(monkeypatch):
    _forget()
    before = code_digest("cdmer.faces.job"), code_digest("cdmer.protocols.train", "cdmer.adaptation.svm")
    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99" if "opencv" in name else real(name))
    _forget()
    after = code_digest("cdmer.faces.job"), code_digest("cdmer.protocols.train", "cdmer.adaptation.svm")
    monkeypatch.undo()
    _forget()
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_the_words_of_an_error_and_the_modules_that_only_report_do_not_count(package):
    (package / "low.py").write_text((package / "low.py").read_text() + FAILS)
    first = _digest()
    (package / "low.py").write_text((package / "low.py").read_text().replace("WORDS", "give another x"))
    assert _digest() == first
    assert not {"cdmer.errors", "cdmer.files", "cdmer.progress"} & reached_modules("cdmer.faces.job")


def test_what_a_digest_cannot_follow_is_an_error(package):
    for source in ("from . import low\n", "from .low import double\n"):
        (package / "top.py").write_text(source)
        _forget()
        with pytest.raises(CdmerError, match="relative import"):
            code_digest("cdmer.demo.top")
    (package / "top.py").write_text('DEPENDS_ON_LIBRARIES = ("torhc",)\n')
    _forget()
    with pytest.raises(CdmerError, match="torhc"):
        code_digest("cdmer.demo.top")


def test_an_unknown_module_is_an_error():
    with pytest.raises(CdmerError, match=r"no module cdmer\.nowhere"):
        code_digest("cdmer.nowhere")


def test_copied_source_has_the_same_digest(package, tmp_path):
    first = _digest()
    for path in list(package.glob("*.py")):
        shutil.copy(path, path.with_suffix(".bak"))
        shutil.move(path.with_suffix(".bak"), path)
    assert _digest() == first


@pytest.mark.xdist_group("together")
def test_tests_that_share_a_run_are_kept_in_one_process(request):
    """pytest 9.2 has no name that pytest-xdist 3.8 could change: each process would then make a run of its own."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("tests run in one process")
    assert request.node.nodeid.endswith("@together")
