"""What trained networks make of clips: the maps of DSCNN's layers, and the features that FR and its ablation classify.

Both need weights, which a training keeps with `networks.keep_weights`.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.files import whole_file
from cdmer.protocols.cdmer import CLASSES
from cdmer.protocols.predictions import read_predictions
from cdmer.report.pictures import PALETTE, Picture, drawn, figure
from cdmer.report.results import Results, title_of
from cdmer.store.feature_store import FeatureStore

Floats = NDArray[np.float32]
EXAMPLE = "H_to_C"  # the experiment that DSCNN's paper shows
ABREAST = 32  # maps in a row
# layers of a stream in the order of its paper's table, and what its figures call them
LAYERS = {
    "act1": "convolution 1", "max_pool": "max pool", "act2": "convolution 2", "act3": "convolution 3",
    "average_pool1": "average pool 1", "act4": "convolution 4", "act5": "convolution 5",
    "average_pool2": "average pool 2",
}  # fmt: skip
TO_BE_KEPT = "set `networks: {keep_weights: 1}` and train again"


@dataclass(frozen=True, eq=False)
class Kept:
    """A trained network that was kept.

    Attributes
    ----------
    network
        The torch module, ready to answer.
    title
        The paper's name.
    classes
        What its logits stand for.
    """

    network: Any
    title: str
    classes: list[str]


def read_network(weights: str | Path, round_: int = 1) -> Kept:
    """The network of one round, from what `networks.keep_weights` left.

    Raises
    ------
    CdmerError
        No such file, a file of something else, or no weights of that round in it.
    """
    from safetensors import SafetensorError, safe_open

    from cdmer.protocols.network_training import saved_options

    if not Path(weights).is_file():
        raise CdmerError(f"{weights} does not exist", "name a weights.safetensors below results/models")
    prefix = f"round{round_}."
    try:
        with safe_open(str(weights), "pt") as file:
            about = file.metadata() or {}
            names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118 it is no mapping
            state = {name.removeprefix(prefix): file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise CdmerError(f"{weights} cannot be read: {error}", "train the network again") from error
    if not {"module", "network", "options", "classes"} <= set(about):
        raise CdmerError(f"{weights} does not say which network it belongs to", "train the network again")
    if not state:
        raise CdmerError(f"{weights} holds no weights of round {round_}", TO_BE_KEPT)
    kind = getattr(importlib.import_module(about["module"]), about["network"])
    classes = about["classes"].split()
    network = kind(len(classes), **saved_options(weights, about))
    network.load_state_dict(state)
    return Kept(network.eval(), kind.title, classes)


def layer_maps(kept: Kept, sample: NDArray[Any], stream: str) -> dict[str, Floats]:
    """What each convolution (after its activation) and pool of one of DSCNN's streams puts out, (maps, side, side).

    Parameters
    ----------
    kept
        DSCNN, OSCNN-I or OSCNN-II.
    sample
        One clip's input (channels, 48, 48).
    stream
        ``spatial`` or ``temporal``.

    Raises
    ------
    CdmerError
        A network without that stream.
    """
    import torch

    layers = getattr(kept.network, stream, None)
    if layers is None:
        raise CdmerError(f"{kept.title} has no {stream} stream", "name the other one")
    found: dict[str, Floats] = {}
    hooks = [
        layers.get_submodule(layer).register_forward_hook(
            lambda _module, _inputs, output, name=name: found.update({name: output[0].numpy()})
        )
        for layer, name in LAYERS.items()
    ]
    with torch.no_grad():
        kept.network(torch.from_numpy(sample[None]))
    for hook in hooks:
        hook.remove()
    return {name: found[name] for name in LAYERS.values()}


def draw_maps(kept: Kept, sample: NDArray[Any], stream: str) -> Figure:
    """The maps of every layer, each from its least to its greatest value (figures 3 and 4 of DSCNN's paper)."""
    maps = layer_maps(kept, sample, stream)
    inputs = sample[:1] if stream == "spatial" else sample[1:]
    shown = {"input": _tiled(np.asarray(inputs, np.float32)), **{name: _tiled(one) for name, one in maps.items()}}
    width = 9.0
    heights = [width * image.shape[0] / image.shape[1] if name != "input" else 0.75 for name, image in shown.items()]
    made = Figure(figsize=(width, sum(heights) + 0.24 * len(heights)), layout="constrained")
    axes = made.subplots(len(shown), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (name, image) in zip(axes, shown.items(), strict=True):
        axis.imshow(image, cmap="gray" if name == "input" else "viridis", interpolation="nearest")
        count = len(inputs) if name == "input" else len(maps[name])
        side = sample.shape[-1] if name == "input" else maps[name].shape[-1]
        axis.set_title(f"{name}: {count} × {side} × {side}", fontsize=7, loc="left", pad=2)
        axis.set_axis_off()
    return made


def classified_features(kept: Kept, X: NDArray[Any]) -> list[tuple[str, Floats]]:
    """What the last layers of FR or of an Inception network classify, for samples X: a title and (samples, width) each.

    Of FR both: the features that all expressions share, and those that it refines them to.

    Raises
    ------
    CdmerError
        Another network.
    """
    import torch

    from cdmer.networks.fr import FR, DualInception

    if not isinstance(kept.network, FR | DualInception):
        raise CdmerError(f"features of {kept.title} are not drawn", "name weights of FR or of Basic Inception")
    with torch.no_grad():
        shared = kept.network.trunk(torch.from_numpy(X))
        if isinstance(kept.network, DualInception):
            return [(kept.title, shared.numpy())]
        refined = kept.network.fused(kept.network.specific(shared))
    return [(f"{kept.title}: shared", shared.numpy()), (f"{kept.title}: refined", refined.numpy())]


def draw_features(panels: Sequence[tuple[str, Floats]], label: NDArray[np.str_]) -> Figure:
    """Features in two dimensions by t-SNE, a panel each, and how far classes lie apart (figure 4 of FR's paper).

    The silhouette is taken of the features themselves: 1 where classes are tight and far from each other, 0 where they
    overlap. t-SNE shows neighbours, not distances.

    Parameters
    ----------
    panels
        A title and features (samples, width).
    label
        The class of each sample.
    """
    from sklearn.manifold import TSNE
    from sklearn.metrics import silhouette_score

    made, axes = figure(2.6 * len(panels) + 0.2, 2.6, 1, len(panels))
    for axis, (title, features) in zip(axes, panels, strict=True):
        places = TSNE(perplexity=min(30.0, (len(features) - 1) / 3), init="pca", random_state=0).fit_transform(features)
        for color, marker, name in zip(PALETTE, "ox^", CLASSES, strict=False):
            rows = label == name
            axis.scatter(*places[rows].T, s=22, color=color, marker=marker, label=name, linewidths=1)
        score = f"\nsilhouette {silhouette_score(features, label):.2f}" if len(set(label)) > 1 else ""
        axis.set_title(title + score, fontsize=8)
        axis.set_xticks([])
        axis.set_yticks([])
    axes[0].legend(fontsize=6)
    return made


def network_pictures(results: Results, model: str) -> list[Picture]:
    """Pictures of a trained network whose weights were kept, in an experiment like the papers'.

    Activations show faces, so that there are none of databases whose participants are not shown.
    """
    made = results.protocols.get("cdmer")
    if made is None or model not in made.networks or not results.weights:
        return []
    keys = made.models[model]
    key = EXAMPLE if EXAMPLE in keys else keys[0]
    name, _, target = made.experiments[key]
    store = FeatureStore(results.file(f"features/{made.features[model]}/{target}.h5"))
    title = name.replace("->", " → ")
    if model == "DSCNN":
        if results.databases[target].faces != "show":
            return []
        kept = read_network(results.file(f"models/cdmer/{key}/{model}/weights.safetensors"))
        sample, clip = store.load().X[0], store.load(["clip"]).clip[0]
        return [
            replace(
                drawn(
                    draw_maps(kept, sample, stream),
                    f"{title}: the {stream} stream's maps for clip {clip} of {title_of(target)}",
                ),
                of_clips=True,
            )
            for stream in ("spatial", "temporal")
        ]
    if model == "FR":
        others = [other for other in ("Basic-Inception",) if key in made.models.get(other, ())]
        weights = [results.file(f"models/cdmer/{key}/{other}/weights.safetensors") for other in (*others, model)]
        table = results.predictions("cdmer", key, model)
        return [
            drawn(
                draw_features(*_panels(weights, store, table)),
                f"{title}: features of {title_of(target)}'s clips before they are classified, by t-SNE",
            )
        ]
    return []


def show_network(
    weights: Sequence[str | Path], store: str | Path, output: str | Path, *, clip: str = "", stream: str = "spatial"
) -> None:
    """Draw what trained networks make of a database's clips, as PNG.

    Parameters
    ----------
    weights
        ``weights.safetensors`` of DSCNN, OSCNN-I or OSCNN-II: the maps of its layers for one clip. Or of FR, Basic
        Inception and their like, one or several: the features that they classify.
    store
        The feature store of the database, of the feature that they read.
    output
        The PNG to write.
    clip
        Whose maps; empty: the first.
    stream
        Of DSCNN: ``spatial`` or ``temporal``.

    Raises
    ------
    CdmerError
        No weights, another network, a clip that the store does not hold, or features of another shape.
    """
    from cdmer.networks.dscnn import DSCNN

    features = FeatureStore(store)
    kept = read_network(weights[0])
    if features.load().X.shape[1:] != tuple(kept.network.shape):
        raise CdmerError(
            f"{store} holds samples {features.load().X.shape[1:]}, {kept.title} reads {tuple(kept.network.shape)}",
            "name the store of the feature that it was trained on",
        )
    if isinstance(kept.network, DSCNN):
        names = list(features.load(["clip"]).clip)
        if clip and clip not in names:
            raise CdmerError(f"{store} holds no clip {clip}", f"name one of its clips, such as {', '.join(names[:3])}")
        made = draw_maps(kept, features.load().X[names.index(clip) if clip else 0], stream)
    else:
        beside = Path(weights[0]).with_name("predictions.csv")
        if not beside.is_file():
            raise CdmerError(f"{beside} does not exist", "leave the weights where the training has put them")
        made = draw_features(*_panels(weights, features, read_predictions(beside)))
    with whole_file(output) as partial:
        made.savefig(partial, format="png", dpi=200, metadata={"Software": None})


def _panels(
    weights: Sequence[str | Path], store: FeatureStore, predictions: pd.DataFrame
) -> tuple[list[tuple[str, Floats]], NDArray[np.str_]]:
    """Features of the clips that were predicted, of each network, and the clips' classes."""
    truth = predictions.drop_duplicates("clip").set_index("clip")["label"]
    features = store.load()
    rows = [row for row, clip in enumerate(features.clip) if str(clip) in truth.index]
    X = features.X[rows]
    panels = [panel for path in weights for panel in classified_features(read_network(path), X)]
    return panels, np.array([truth[str(features.clip[row])] for row in rows])


def _tiled(maps: Floats) -> Floats:
    """Maps (n, side, side) side by side in rows, each scaled to 0 to 1, a pixel or more of white between them."""
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    scaled = (maps - low) / np.maximum(high - low, 1e-8)
    gap = max(1, maps.shape[-1] // 12)
    columns = min(ABREAST, len(maps))
    padded = np.pad(scaled, ((0, -len(maps) % columns), (0, gap), (0, gap)), constant_values=np.nan)
    rows = padded.reshape(-1, columns, *padded.shape[1:]).transpose(0, 2, 1, 3)
    return rows.reshape(rows.shape[0] * rows.shape[1], -1)[:-gap, :-gap]
