"""The field's released LBP-TOP features: MATLAB files of other column orders, checked and put into ours.

Two releases are in use: the benchmark's own, with the code of TGSR (crops of 112 x 112, MATLAB 7.3), and an older one
with the code of TSRG, DRFS-T and DRLS (crops 171 to 173 high and 140 wide, MATLAB 5). Both go grid by grid and, inside
a grid, plane by plane (XY, XT, YT), then block by block, column by column (the blocks of a face's left edge from top to
bottom come first). Our order is grid by grid, block by block, row by row, and plane by plane inside a block.

Nothing in the files says which way the blocks run, and on square crops their sums cannot tell either; the symmetry of
the faces does, and is asked of each file (`_direction`).
"""

import hashlib
import logging
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import scipy.io
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.files import why_no_file
from cdmer.store.container import MOST_COMPRESSED, SMALL, bounded, check_links
from cdmer.store.feature_store import Features, FeatureStore

log = logging.getLogger(__name__)

Order = Literal["blocks", "released"]
Direction = Literal["columns", "rows"]
GRIDS = (1, 2, 4, 8)
PROTOCOL_NAMES = frozenset({"smic_hs", "smic_vis", "smic_nir", "casme2", "samm"})  # each means that very database
LABELS = {1: "negative", 2: "positive", 3: "surprise"}
_BLOCKS = sum(grid * grid for grid in GRIDS)
_PLANES = 3
_LEAST_GRID = 4  # a grid of 2 is nearly symmetric both ways
_CLEARLY = 1.5
_TOLERANCE = 1e-6  # the files hold doubles that are exact to 1e-15; crops one pixel off are off by 5e-4


RELEASES: dict[str, tuple[tuple[int, int], ...]] = {  # the crops' (height, width), which may differ from clip to clip
    "tgsr": ((112, 112),),
    "dr": ((171, 140), (172, 140), (173, 140)),
}


@dataclass(frozen=True, eq=False)
class _Contents:
    """The two variables of a file, clips first, and what its variables are named after."""

    X: NDArray[np.float64]
    label: NDArray[np.float64]
    prefix: str


def read_released(path: str | Path, order: Order = "blocks", release: str | None = None) -> Features:
    """Read a released `.mat` file.

    Parameters
    ----------
    path
        MATLAB 7.3 or 5, with one variable `..._feature` (clips x columns) and one `..._label`.
    order
        "blocks" puts the columns into our order, as `cdmer.descriptors.lbp_top` makes them; "released" leaves them.
    release
        "tgsr" or "dr", to insist on one. By default the content tells: codes are computed once and pooled by blocks,
        so the mean of a grid's histograms, weighted by the blocks' areas, is the histogram of the 1 x 1 grid, for the
        areas of that release's crops and no others.

    Returns
    -------
    Features
        `X` float64 as released, clips named `row_001` and so on as the file does not name them, `label` the words
        "negative", "positive" and "surprise" for 1, 2 and 3; subjects and emotions are missing.

    Raises
    ------
    CdmerError
        A file that is missing, unreadable, lacks the variables or has another number of columns; a histogram that
        does not sum to 1; a label other than the three; blocks that fit neither release (or not the one given).
    """
    return _read(Path(path), order, release)[0]


def import_released(
    path: str | Path,
    store_path: str | Path,
    order: Order = "blocks",
    release: str | None = None,
    *,
    feature: str = "lbp_top_r3p8",
    database: str | None = None,
    code_digest: str = "",
) -> FeatureStore:
    """Write a released file as a feature store; parameters and errors as for `read_released`.

    The recipe names the source file, its SHA-256, its release, the direction of its blocks and the order. `database` is
    by default what the file's variables are named after (`SMIC_VIS_micro_feature`: smic_vis); a file named after
    another of the protocols' databases is refused.
    """
    source = Path(path)
    features, found, prefix = _read(source, order, release)
    if {database, prefix} <= PROTOCOL_NAMES and database != prefix:
        raise CdmerError(
            f"{source}: the file's variables say {prefix}, and it is imported as {database}",
            f"give {database} its own file",
        )
    sha256 = hashlib.sha256(source.read_bytes()).hexdigest()
    provenance = {
        "feature": feature,
        "database": database or prefix,
        "recipe": {"imported": {"file": source.name, "sha256": sha256, **found}},
        "code_digest": code_digest,
        "libraries": {"h5py": h5py.__version__, "numpy": np.__version__, "scipy": scipy.__version__},
    }
    # in double precision: in float32, TCA's published cells change in the third digit
    return FeatureStore.write(
        store_path,
        features.X,
        features.clip.tolist(),
        label=features.label.tolist(),
        provenance=provenance,
        double=True,
    )


def block_columns(bins: int = 59, direction: Direction = "columns") -> NDArray[np.int64]:
    """Give the released columns in our order: `X_ours = X_released[:, block_columns()]`.

    The other way round: `X_released = X_ours[:, numpy.argsort(block_columns())]`. `direction` says whether the release
    goes through the blocks of a plane column by column or row by row.

    Returns
    -------
    (85 * 3 * bins,) indices.
    """
    parts, start = [], 0
    for grid in GRIDS:
        size = grid * grid * _PLANES * bins
        plane_slow_fast_bin = np.arange(start, start + size).reshape(_PLANES, grid, grid, bins)
        to_row_column = (2, 1, 0, 3) if direction == "columns" else (1, 2, 0, 3)
        parts.append(plane_slow_fast_bin.transpose(to_row_column).ravel())
        start += size
    return np.concatenate(parts)


def in_order(X: NDArray[Any], recipe: Mapping[str, Any], order: Order) -> NDArray[Any]:
    """Put the columns of a store's LBP-TOP features (rows, columns) into block order or into that of the releases.

    Parameters
    ----------
    X
        Features on the grids 1, 2, 4, 8.
    recipe
        The store's recipe, which says in what order they are.
    order
        What is wanted; the released order goes through blocks column by column unless the features' own release does
        otherwise.

    Raises
    ------
    CdmerError
        Features on other grids.
    """
    imported = recipe.get("imported", {})
    if imported.get("order", "blocks") == order:
        return X
    if X.ndim != 2 or X.shape[1] % (_BLOCKS * _PLANES):
        raise CdmerError(
            f"features of shape {X.shape[1:]} are not those of {_BLOCKS} blocks and {_PLANES} planes",
            "the released column order is known for LBP-TOP on the grids [1, 2, 4, 8]",
        )
    columns = block_columns(X.shape[1] // (_BLOCKS * _PLANES), imported.get("direction", "columns"))
    return X[:, columns if order == "blocks" else np.argsort(columns)]


def _read(path: Path, order: Order, release: str | None) -> tuple[Features, dict[str, str], str]:
    if order not in ("blocks", "released"):
        raise CdmerError(f"column order {order!r} is unknown", "choose blocks or released")
    if release is not None and release not in RELEASES:
        raise CdmerError(f"release {release!r} is unknown", f"choose {' or '.join(RELEASES)}, or leave it out")
    contents = _load(path)
    X, bins = contents.X, _bins(path, contents.X)
    _check_histograms(path, X, bins)
    found = _release(path, X, bins, release)
    direction = _direction(path, X, bins, found)
    chosen = X[:, block_columns(bins, direction)] if order == "blocks" else X
    count = len(X)
    nothing = np.full(count, None, object)
    clip = np.array([f"row_{number:03d}" for number in range(1, count + 1)], object)
    features = Features(
        X=chosen,
        clip=clip,
        subject=nothing,
        emotion=nothing.copy(),
        label=_words(path, contents.label),
        sample=np.zeros(count, np.int64),
    )
    return features, {"release": found, "direction": direction, "order": order}, contents.prefix


def _load(path: Path) -> _Contents:
    if not path.is_file():
        raise CdmerError(f"{path} {why_no_file(path)}", "check the path of the released .mat file")
    try:
        variables = _load_hdf5(path) if h5py.is_hdf5(path) else _load_matlab5(path)
    except Exception as error:  # scipy meets a damaged file with errors of a dozen types
        raise CdmerError(f"{path}: not a readable MATLAB file ({error})", "download it again") from error
    feature, label = (_only(path, variables, what) for what in ("feature", "label"))
    prefix = re.sub(r"(?i)_?(micro_)?features?$", "", feature).lower() or path.stem.lower()
    X, labels = variables[feature], variables[label].ravel()
    if X.ndim != 2 or len(X) == 0 or len(labels) != len(X):
        raise CdmerError(
            f"{path}: {feature} is {X.shape} and {label} has {len(labels)} values",
            "give a file with one row of features and one label a clip",
        )
    return _Contents(X.astype(np.float64), labels.astype(np.float64), prefix)


def _load_hdf5(path: Path) -> dict[str, NDArray[Any]]:
    """MATLAB 7.3: an HDF5 file, whose arrays read transposed."""
    with h5py.File(path, "r", locking=False) as file:
        check_links(file)
        return {name: bounded(item)[()].T for name, item in file.items() if isinstance(item, h5py.Dataset)}


def _load_matlab5(path: Path) -> dict[str, NDArray[Any]]:
    limit = max(SMALL, MOST_COMPRESSED * path.stat().st_size)
    for name, shape, _ in scipy.io.whosmat(path):  # headers alone
        if 8 * math.prod(shape) > limit:
            raise ValueError(f"{name} declares {shape} values, more than the file can hold")
    variables = scipy.io.loadmat(path)
    return {name: value for name, value in variables.items() if not name.startswith("__")}


def _only(path: Path, variables: dict[str, NDArray[Any]], what: str) -> str:
    names = [name for name in variables if re.search(rf"(?i)(^|_){what}s?$", name)]
    if len(names) != 1 or np.asarray(variables[names[0]]).dtype.kind not in "biuf":
        there = ", ".join(variables) or "none"
        raise CdmerError(
            f"{path}: {len(names) or 'no'} numeric variable named ..._{what} (its variables: {there})",
            "give a released file, which has one ..._feature and one ..._label",
        )
    return names[0]


def _bins(path: Path, X: NDArray[np.float64]) -> int:
    """Histogram bins of a column count: 59 for 8 neighbours, 15 for 4."""
    bins, rest = divmod(int(X.shape[1]), _BLOCKS * _PLANES)
    if rest or not bins:
        raise CdmerError(
            f"{path}: {X.shape[1]} columns; expected 15045 (R = 3, P = 8: 85 blocks x 3 planes x 59 bins), "
            "or another multiple of 255",
            "give a file of LBP-TOP features over the grids 1, 2, 4 and 8",
        )
    return bins


def _check_histograms(path: Path, X: NDArray[np.float64], bins: int) -> None:
    sums = X.reshape(len(X), -1, bins).sum(2)
    wrong = np.argwhere(~(np.abs(sums - 1) <= _TOLERANCE) | (X.reshape(len(X), -1, bins).min(2) < 0))
    if len(wrong):
        row, histogram = (int(index) for index in wrong[0])
        raise CdmerError(
            f"{path}: in row {row + 1}, histogram {histogram + 1} is not one that sums to 1 "
            f"(its sum is {sums[row, histogram]:.6g})",
            "download the file again",
        )


def _release(path: Path, X: NDArray[np.float64], bins: int, release: str | None) -> str:
    """Find the release whose crops the content fits; where both do (uniform data), the one that has such files."""
    native = "tgsr" if h5py.is_hdf5(path) else "dr"
    candidates = [release] if release else sorted(RELEASES, key=lambda name: name != native)
    for name in candidates:
        if any(_averages_to_whole(X, bins, name, radius) for radius in range(1, 5)):
            return name
    fitted = f"the {release} release" if release else "either release"
    raise CdmerError(
        f"{path}: for the crops of {fitted}, the blocks of a grid do not average to the whole face",
        "leave the release out, or give a file of one of the two releases" if release else "download the file again",
    )


def _direction(path: Path, X: NDArray[np.float64], bins: int, release: str) -> Direction:
    """How the blocks of a plane run. On crops that are not square the areas tell; on square ones the faces do.

    YT patterns do not know left from right, so the mean face's YT histograms agree with their own mirror image along
    the image's x axis, and along no other: by a factor of 3 to 6 in the released files.
    """
    if release != "tgsr":
        return "columns"  # `_averages_to_whole` has just held it
    apart = np.zeros(2)
    for grid, run in _grid_runs():
        if grid >= _LEAST_GRID:
            columns = slice(run.start * _PLANES * bins, run.stop * _PLANES * bins)
            yt = X[:, columns].mean(0).reshape(_PLANES, grid, grid, bins)[2]
            apart += [np.abs(yt - yt[::-1]).sum(), np.abs(yt - yt[:, ::-1]).sum()]
    slow, fast = apart
    if max(slow, fast) < _CLEARLY * min(slow, fast):
        log.warning("%s: no left-right symmetry tells how its blocks run; taken row by row", path)
        return "rows"
    return "columns" if slow < fast else "rows"


def _averages_to_whole(X: NDArray[np.float64], bins: int, name: str, radius: int) -> bool:
    """Whether every clip's blocks average to its whole face, for one of the release's crops without its border."""
    blocks = X[:, block_columns(bins)].reshape(len(X), _BLOCKS, _PLANES * bins)
    fits = np.zeros(len(X), bool)
    for crop in RELEASES[name]:
        height, width = (side - 2 * radius for side in crop)
        error = np.zeros(len(X))
        for grid, run in _grid_runs():
            area = np.outer(block_sides(height, grid), block_sides(width, grid)).ravel() / (height * width)
            mean = np.einsum("b,nbk->nk", area, blocks[:, run])
            error = np.maximum(error, np.abs(mean - blocks[:, 0]).max(1))
        fits |= error <= _TOLERANCE
    return bool(fits.all())


def block_sides(length: int, grid: int) -> NDArray[np.int64]:
    """How many positions each of `grid` blocks has along a side: length / grid rounded half up, the last the rest."""
    side = int(length / grid + 0.5)
    return np.array([side] * (grid - 1) + [length - side * (grid - 1)])


def _grid_runs() -> Iterator[tuple[int, slice]]:
    start = 0
    for grid in GRIDS:
        yield grid, slice(start, start + grid * grid)
        start += grid * grid


def _words(path: Path, labels: NDArray[np.float64]) -> NDArray[np.object_]:
    words = np.full(len(labels), None, object)
    for row, value in enumerate(labels.tolist()):
        if value not in LABELS:
            raise CdmerError(
                f"{path}: row {row + 1} has label {value:g}; known are 1 negative, 2 positive, 3 surprise",
                "correct the label, or give a released file",
            )
        words[row] = LABELS[int(value)]
    return words
