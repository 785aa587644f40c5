"""The rules of the house, held by reading the imports of every module."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

from cdmer.code import reached_modules

SOURCE = Path(__file__).resolve().parents[1] / "src" / "cdmer"
STAGES = [
    {"databases"},
    {"faces"},
    {"frames"},
    {"motion", "descriptors"},
    {"adaptation", "networks"},
    {"protocols", "evaluation"},
    {"report"},
]
SHARED = {"store", "errors", "files", "jit", "lazy", "nearest", "progress", "threads"}
PACKAGES = {name: rank for rank, names in enumerate(STAGES) for name in names}
MODULES = sorted(SOURCE.rglob("*.py"))


def _name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(path: Path) -> set[str]:
    """Modules of cdmer that a file imports, at its top or in a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name for name in found if name.split(".")[0] == "cdmer" and name != "cdmer"}


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_stage_imports_only_stages_to_its_left_and_what_is_shared(path):
    package = path.relative_to(SOURCE).parts[0]
    if package in SHARED or package not in PACKAGES:
        return
    for imported in _imported(path):
        other = imported.split(".")[1]
        assert other in SHARED or PACKAGES.get(other, 99) <= PACKAGES[package], f"{_name(path)} imports {imported}"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_the_store_and_small_modules_import_no_stage(path):
    package = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    if package in SHARED:
        strangers = {name for name in _imported(path) if name.split(".")[1] not in SHARED}
        assert not strangers


@pytest.mark.parametrize("path", [p for p in MODULES if p.name != "__init__.py"], ids=_name)
def test_names_are_imported_from_where_they_are_defined(path):
    """A package's `__init__` re-exports for users; importing it inside would blow every code digest up."""
    packages = {name for name in _imported(path) if (SOURCE.parent / Path(*name.split("."))).is_dir()}
    assert not packages


PUBLIC = [path for path in MODULES if path.name == "__init__.py" and "__all__" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", PUBLIC, ids=_name)
def test_a_package_s_public_names_are_there_for_people_and_type_checkers(path):
    """A name that only `__getattr__` knew would be missing from `dir`, and `Any` to a type checker."""
    package = import_module(_name(path))
    assert set(package.__all__) <= set(dir(package))
    stated = {
        alias.asname or alias.name: node.module
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for name in package.__all__:
        assert getattr(package, name) is getattr(import_module(stated[name]), name), name


@pytest.mark.parametrize(
    "job",
    [
        "cdmer.databases.stage",
        "cdmer.databases.cohort.render",
        "cdmer.faces.job",
        "cdmer.faces.contact_sheet",
        "cdmer.faces.dlib_hog",
        "cdmer.faces.landmarks",
        "cdmer.faces.mtcnn",
        "cdmer.faces.yunet",
        "cdmer.frames.job",
        "cdmer.descriptors.job",
        "cdmer.descriptors.c3d",
        "cdmer.descriptors.hog_3d",
        "cdmer.descriptors.hoof",
        "cdmer.descriptors.mdmo",
        "cdmer.descriptors.show",
        "cdmer.motion.dscnn_input",
        "cdmer.motion.flow_planes",
        "cdmer.motion.keyframe_flows",
        "cdmer.motion.madtn_image",
        "cdmer.motion.onset_apex_flow",
        "cdmer.store.released",
        "cdmer.store.feature_store",
        "cdmer.protocols.train",
        "cdmer.protocols.train_network",
        "cdmer.protocols.network_folds",
        "cdmer.evaluation.tables",
        "cdmer.report.job",
        "cdmer.store.exclusions",
    ],
)
def test_jobs_never_import_the_configuration_or_the_command_line(job):
    assert not {name for name in reached_modules(job) if name.split(".")[1:2] in (["config"], ["planning"], ["cli"])}
