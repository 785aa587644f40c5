"""Where models on facial blocks look: the weight of each block, laid over the face."""

import importlib
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from cdmer.progress import progress
from cdmer.report.clips import mean_face
from cdmer.report.features import Domain, load_domain
from cdmer.report.pictures import Picture, drawn, figure
from cdmer.report.results import Results
from cdmer.store.feature_store import FeatureStore
from cdmer.store.released import in_order

ABREAST = 6
MOST_OPAQUE = 0.8  # what counts most, over the face


def region_pictures(results: Results) -> dict[str, Picture]:
    """For each model on facial blocks, where it looks in each experiment, at its configured hyper-parameters."""
    made = results.protocols.get("cdmer")
    if made is None:
        return {}
    domains: dict[tuple[str, str], Domain] = {}
    faces: dict[str, NDArray[np.float64] | None] = {}
    pictures = {}
    for model, settings in results.regions.items():
        feature = settings["feature"]
        maps = {}
        for key in progress(made.models.get(model, ()), f"regions of {model}", unit="experiment"):
            name, *databases = made.experiments[key]
            for database in databases:
                if (feature, database) not in domains:
                    domains[feature, database] = load_domain(results, feature, database)
            sides = [_in_blocks(results, feature, domains[feature, database]) for database in databases]
            weights = weights_of_blocks(settings, sides[0], domains[feature, databases[0]].classes, sides[1])
            maps[name] = region_map(weights, settings["grids"])
        if maps:
            recipe = settings["faces"]
            if recipe not in faces:
                faces[recipe] = mean_face(results, recipe)
            pictures[model] = _drawn(model, maps, settings["eyes"], faces[recipe])
    return pictures


def weights_of_blocks(
    settings: Mapping[str, Any], Xs: NDArray[Any], ys: Sequence[str], Xt: NDArray[Any]
) -> NDArray[np.float64]:
    """How much each block counts (blocks,): RSTR's weight, or the norm of TGSR's coefficients; 0 where it is out.

    Parameters
    ----------
    settings
        ``module``, ``estimator`` and ``parameters`` of the model.
    Xs, ys, Xt
        Features and classes of the source, features of the target, block by block.
    """
    model = getattr(importlib.import_module(settings["module"]), settings["estimator"])(**settings["parameters"])
    with warnings.catch_warnings():  # the training itself has told
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(Xs, ys, Xt)
    if hasattr(model, "weights_"):
        return np.abs(np.asarray(model.weights_, np.float64))
    norms = np.linalg.norm(model.coef_.reshape(model.n_blocks, -1), axis=1)
    chosen = np.zeros(model.n_blocks)
    chosen[model.blocks_] = norms[model.blocks_]
    return chosen


def region_map(weights: NDArray[np.float64], grids: Sequence[int]) -> NDArray[np.float64]:
    """The weights of the blocks of several grids over the face, (side, side), its mean 1 (0 where no block counts).

    Each block's weight is spread evenly over its area: a small block is more of a place than a large one.
    """
    side = math.lcm(*grids)
    face = np.zeros((side, side))
    start = 0
    for grid in grids:
        own = weights[start : start + grid**2].reshape(grid, grid)
        face += np.kron(own, np.ones((side // grid, side // grid))) * grid**2
        start += grid**2
    mean = face.mean()
    return face / mean if mean > 0 else face


def _in_blocks(results: Results, feature: str, domain: Domain) -> NDArray[Any]:
    recipe = FeatureStore(results.file(f"features/{feature}/{domain.database}.h5")).provenance["recipe"]
    return np.asarray(in_order(domain.X, recipe, "blocks"))


def _drawn(
    model: str,
    maps: Mapping[str, NDArray[np.float64]],
    eyes: Sequence[float] | None,
    mean: NDArray[np.float64] | None,
) -> Picture:
    """The maps on the mean face, which shows through where little counts; on black where no face may be shown."""
    rows, columns = -(-len(maps) // ABREAST), min(ABREAST, len(maps))
    made, axes = figure(1.5 * columns + 0.7, 1.65 * rows, rows, columns)
    most = max(float(face.max()) for face in maps.values())
    scale = ScalarMappable(Normalize(0, most), "magma" if mean is None else "autumn_r")
    for axis in axes:
        axis.set_axis_off()
    for axis, (name, face) in zip(axes, maps.items(), strict=False):
        whole = (0, 1, 1, 0)
        if mean is None:
            axis.imshow(face, cmap=scale.cmap, norm=scale.norm, extent=whole)
        else:
            axis.imshow(mean, cmap="gray", vmin=0, vmax=255, extent=whole)
            clear = MOST_OPAQUE * np.sqrt(face / most) if most > 0 else 0 * face
            axis.imshow(face, cmap=scale.cmap, norm=scale.norm, extent=whole, alpha=clear)
        axis.set_title(name.replace("->", " → "))
        if eyes is not None:  # where alignment has put them
            distance, height = eyes
            axis.plot(
                [0.5 - distance / 2, 0.5 + distance / 2], [height, height], "o", color="white",
                markerfacecolor="none", markersize=7, zorder=3,
            )  # fmt: skip
    made.colorbar(scale, ax=axes, shrink=0.7, pad=0.01).ax.tick_params(labelsize=6.5)
    return drawn(made, f"where {model} looks{'' if mean is None else ', on the mean face'}")
