"""Digests of code, so that the workflow can tell when a job's code has changed.

Snakemake does not see edits in an installed package. Every rule therefore carries ``params: code=code_digest(...)``:
a digest of the modules that do the job's work, of everything that they import inside cdmer, and of the versions of
the libraries that their numbers depend on. Layout, comments, docstrings, the words of errors and time stamps do not
count, nor do the modules that only report and write (`WITHOUT_NUMBERS`).

What static imports cannot tell, a module declares in constants of its own::

    DEPENDS_ON_LIBRARIES = ("face_recognition_models",)   # weights come with this distribution
    DEPENDS_ON_FILES = ("published.csv",)                 # data read from beside the module

A package's ``__init__`` only re-exports names, and is not followed: cdmer's own modules import a name from the module
that defines it.
"""

import ast
import hashlib
import importlib.metadata
from functools import cache
from pathlib import Path

import cdmer
from cdmer.errors import CdmerError

# Top-level import name -> the distributions that may bring it. Only libraries that numbers depend on:
# a new pandas, tqdm or h5py changes no result and must not recompute a month of features.
NUMERIC_LIBRARIES: dict[str, tuple[str, ...]] = {
    "PIL": ("pillow",),
    "cv2": (
        "opencv-contrib-python-headless",
        "opencv-contrib-python",
        "opencv-python-headless",
        "opencv-python",
    ),
    "dlib": ("dlib-bin", "dlib"),
    "matplotlib": ("matplotlib",),
    "face_recognition_models": ("face_recognition_models",),
    "facenet_pytorch": ("facenet-pytorch",),
    "numba": ("numba",),
    "numpy": ("numpy",),
    "scipy": ("scipy",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "torch": ("torch",),
}


# Modules that decide how a job speaks and how its files come to be whole, never what is in them.
WITHOUT_NUMBERS = frozenset({"cdmer.errors", "cdmer.files", "cdmer.nearest", "cdmer.progress"})


@cache
def code_digest(*modules: str) -> str:
    """A digest of the code that `modules` run, 16 hexadecimal digits.

    Parameters
    ----------
    modules
        Dotted names of modules of cdmer, e.g. ``"cdmer.descriptors.lbp_top"``.

    Raises
    ------
    CdmerError
        A module that does not exist, or a numeric library that is not installed.
    """
    names = sorted(reached_modules(*modules))
    parts = [f"{name} {_module_digest(name)}" for name in names]
    libraries = sorted(set().union(*(_libraries(name) for name in names)))
    parts += [f"{library} {library_version(library)}" for library in libraries]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def library_versions(*modules: str) -> dict[str, str]:
    """The versions of the numeric libraries that `modules` depend on, by import name."""
    return {library: library_version(library) for library in _reached_libraries(*modules)}


@cache
def _reached_libraries(*modules: str) -> list[str]:
    return sorted(set().union(*(_libraries(name) for name in reached_modules(*modules))))


def reached_modules(*modules: str) -> set[str]:
    """`modules` and all modules of cdmer that they import, directly or through one another."""
    reached: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in reached | WITHOUT_NUMBERS:
            reached.add(name)
            waiting.extend(_imports(name)[0])
    return reached


@cache
def library_version(library: str) -> str:
    """The installed version of a library of `NUMERIC_LIBRARIES`, without importing it."""
    for distribution in NUMERIC_LIBRARIES[library]:
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    raise CdmerError(f"{library} is not installed", f"pip install {NUMERIC_LIBRARIES[library][0]}, or run `make setup`")


def _source(name: str) -> Path:
    path = _find(name)
    if path is None:
        raise CdmerError(f"there is no module {name}", "check the name that the rule gives to code_digest")
    return path


@cache
def _find(name: str) -> Path | None:
    """The file of a module of cdmer; `importlib.util.find_spec` would import the packages above it to tell."""
    top, *parts = name.split(".")
    if top != "cdmer":
        return None
    for folder in cdmer.__path__:
        place = Path(folder).joinpath(*parts)
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return file
    return None


@cache
def _tree(name: str) -> ast.Module:
    return _parsed(name)


def _parsed(name: str) -> ast.Module:
    return ast.parse(_source(name).read_text(encoding="utf-8"))


@cache
def _imports(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """Modules of cdmer, and top-level names of other packages, that a module imports anywhere in its source."""
    inside: set[str] = set()
    outside: set[str] = set()
    for node in ast.walk(_tree(name)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level or not node.module:
                raise CdmerError(f"{name} has a relative import, which a digest cannot follow", "import cdmer.…")
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name if _find(name) else node.module for name in submodules]
        else:
            continue
        for module in found:
            (inside if module.split(".")[0] == "cdmer" else outside).add(module)
    inside.discard("cdmer")  # the version number is no reason to compute anything again
    return frozenset(inside), frozenset(module.split(".")[0] for module in outside)


@cache
def _libraries(name: str) -> set[str]:
    declared = set(_declared(name, "DEPENDS_ON_LIBRARIES"))
    if declared - set(NUMERIC_LIBRARIES):
        raise CdmerError(f"{name} depends on {sorted(declared)}", f"add it to NUMERIC_LIBRARIES of {__name__}")
    return set(_imports(name)[1]) & set(NUMERIC_LIBRARIES) | declared


@cache
def _module_digest(name: str) -> str:
    tree = _WithoutErrorTexts().visit(_without_docstrings(_parsed(name)))  # a tree of its own, to be changed
    digest = hashlib.sha256(ast.dump(tree).encode())
    for file in _declared(name, "DEPENDS_ON_FILES"):
        digest.update((_source(name).parent / file).read_bytes())
    return digest.hexdigest()


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        has_body = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if has_body and ast.get_docstring(node, clean=False) is not None:  # type: ignore[arg-type]
            node.body = node.body[1:]  # type: ignore[attr-defined]
    return tree


class _WithoutErrorTexts(ast.NodeTransformer):
    """Takes the arguments out of ``CdmerError(...)``: a better message computes nothing anew."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "CdmerError":
            node.args = []
        return node


def _declared(name: str, constant: str) -> tuple[str, ...]:
    for node in _tree(name).body:
        if isinstance(node, ast.Assign) and [t.id for t in node.targets if isinstance(t, ast.Name)] == [constant]:
            return tuple(ast.literal_eval(node.value))
    return ()
