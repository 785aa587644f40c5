"""A trained network on new clips, from the weights that its training kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from cdmer.errors import CdmerError
from cdmer.networks.network import Network
from cdmer.networks.training import SAMPLES_AT_ONCE
from cdmer.protocols.cdmer import CLASSES
from cdmer.protocols.judging import TOLERATED, Judgement, refuse_another, table_says
from cdmer.protocols.network_training import saved_options, training_of
from cdmer.protocols.train_network import labelled_samples


@dataclass(frozen=True, eq=False)
class KeptRounds:
    """The networks whose weights a training kept.

    Attributes
    ----------
    networks
        By their round's number, as they were after the last epoch.
    classes
        What their outputs stand for, in order.
    epochs, trained
        How many epochs, and how many rounds there were in all.
    """

    networks: dict[int, Network]
    classes: list[str]
    epochs: int
    trained: int


def judge_by_network(
    target: str | Path,
    X: NDArray[Any],
    rounds: KeptRounds,
    *,
    predictions: str | Path,
    databases: Sequence[str],
    casme2_negative: str,
) -> Judgement:
    """Ask a network about new clips: the mean probability over the rounds whose weights are kept.

    Parameters
    ----------
    target
        The feature store of its target.
    X
        (clips, ...) the new clips, a sample each.
    rounds
        The network of each round that was kept, after its last epoch.
    predictions
        What its training wrote: ``predictions.csv``.
    databases, casme2_negative
        As for `cdmer.protocols.train_network.train_network`.

    Raises
    ------
    CdmerError
        The features have another shape than the network's, or it answers the target otherwise than the table.
    """
    classes = rounds.classes
    test = labelled_samples(target, databases[1], casme2_negative)
    known = test.X[: len(test.label)]
    probability = np.zeros((len(X), len(classes)))
    for round_, network in rounds.networks.items():
        _check_shape(network, X)
        again = np.array(classes)[_logits(network, known).argmax(-1)]
        answered = dict(zip(test.clip, again.tolist(), strict=True))
        refuse_another(str(predictions), table_says(predictions, "default", round_), answered, TOLERATED)
        probability += torch.softmax(torch.from_numpy(_logits(network, X)).double(), -1).numpy() / len(rounds.networks)
    order = [name for name in CLASSES if name in classes]
    return Judgement(
        classes=tuple(order),
        predicted=np.array(classes)[probability.argmax(-1)],
        scores=probability[:, [classes.index(name) for name in order]],
        kind="probability",
        chosen_by=f"epoch {rounds.epochs}, the mean of {len(rounds.networks)} of {rounds.trained} rounds",
    )


def load_rounds(path: str | Path, training: Mapping[str, Any]) -> KeptRounds:
    """Read the networks that a training kept.

    Parameters
    ----------
    path
        ``weights.safetensors``.
    training
        What `cdmer.protocols.network_training.Training` holds.

    Raises
    ------
    CdmerError
        No weights were kept, the file is damaged, or it holds another network's.
    """
    given, path = training_of(training), Path(path)
    keep = f"set `networks: {{keep_weights: {given.rounds}}}` and run snakemake again"
    if not path.is_file():
        raise CdmerError(f"{path} is gone", keep)
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError, ValueError) as error:
        raise CdmerError(f"{path} cannot be read as safetensors ({error})", "delete it, and run snakemake") from error
    if not tensors:
        raise CdmerError(f"{path}: {given.network} was trained without keeping its weights", keep)
    expected = json.loads(json.dumps(dict(given.options)))  # lists, where the configuration has tuples
    if about.get("network") != given.network or saved_options(path, about) != expected:
        raise CdmerError(
            f"{path} holds {about.get('network')} with {about.get('options')}, the configuration says otherwise",
            "give --configfile as you gave it to snakemake, or run snakemake again",
        )
    classes = about["classes"].split()
    found = {}
    for round_ in sorted({int(name.partition(".")[0].removeprefix("round")) for name in tensors}):
        head = f"round{round_}."
        network = given.make(len(classes))
        state = {name.removeprefix(head): tensor for name, tensor in tensors.items() if name.startswith(head)}
        network.load_state_dict(state)
        found[round_] = network.eval()
    return KeptRounds(found, classes, given.epochs, given.rounds)


def _check_shape(network: Network, X: NDArray[Any]) -> None:
    if tuple(X.shape[1:]) != network.shape:
        raise CdmerError(
            f"the clips' features have the shape {tuple(X.shape[1:])}, {network.title} reads {network.shape}",
            "run snakemake again: the feature's settings have changed",
        )


def _logits(network: Network, X: NDArray[Any]) -> NDArray[np.float32]:
    torch.set_num_threads(1)  # as in training
    parts = []
    with torch.inference_mode():
        for start in range(0, len(X), SAMPLES_AT_ONCE):
            parts.append(network(torch.from_numpy(X[start : start + SAMPLES_AT_ONCE])).float())
    return np.asarray(torch.cat(parts).numpy(), np.float32)
