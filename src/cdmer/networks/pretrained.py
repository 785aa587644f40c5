"""Weights that somebody else trained, from the user's own file, under torchvision's names."""

from pathlib import Path

import torch
from torch import Tensor, nn

from cdmer.errors import CdmerError


def load_pretrained(network: nn.Module, path: str | Path, without: tuple[str, ...]) -> None:
    """Fill a network with a state dictionary, all but the layers `without` it.

    Parameters
    ----------
    network
        Its parameters bear the names of the file.
    path
        ``.safetensors``, or what `torch.save` wrote of a state dictionary; nothing else in it is ever run.
    without
        Prefixes of parameters that stay as they are: the last layer, which counts other classes.

    Raises
    ------
    CdmerError
        No such file, or one that lacks parameters or has them in other shapes.
    """
    file = Path(path)
    if not file.is_file():
        raise CdmerError(f"the weights {path} do not exist", "correct the path (docs/networks.md says what is needed)")
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: dict[str, Tensor] = load_file(file)
        else:
            state = torch.load(file, weights_only=True, map_location="cpu")
    except Exception as error:
        raise CdmerError(
            f"{path} is no state dictionary: {error}", "save it again with torch.save(model.state_dict(), path)"
        ) from error
    own = network.state_dict()
    wanted = {name for name in own if not name.startswith(without)}
    missing = sorted(wanted - set(state))
    wrong = sorted(name for name in wanted & set(state) if state[name].shape != own[name].shape)
    if missing or wrong:
        what = f"lacks {missing[0]}" if missing else f"has another shape in {wrong[0]}"
        raise CdmerError(
            f"{path} {what} ({len(missing) + len(wrong)} such)", "give torchvision's weights of that very network"
        )
    network.load_state_dict({name: state[name] for name in wanted}, strict=False)
