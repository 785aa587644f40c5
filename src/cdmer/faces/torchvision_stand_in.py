"""The two functions of torchvision that facenet-pytorch needs, for machines where torchvision cannot be loaded.

torchvision's published wheels load their operators from CUDA libraries, which a machine without a GPU need not have.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray


@contextmanager
def torchvision_at_hand() -> Iterator[None]:
    """Let `import torchvision…` succeed inside the block: the real one where it loads, else the stand-in.

    The stand-in leaves `sys.modules` with the block, so that nobody else takes it for torchvision.
    """
    if _torchvision_loads():
        yield
        return
    names = ("", ".transforms", ".transforms.functional", ".ops", ".ops.boxes")
    made = {f"torchvision{name}": ModuleType(f"torchvision{name}") for name in names}
    for name in list(made)[1:]:
        above, _, last = name.rpartition(".")
        setattr(made[above], last, made[name])
    made["torchvision.transforms.functional"].to_tensor = to_tensor  # type: ignore[attr-defined]
    made["torchvision.ops.boxes"].batched_nms = batched_nms  # type: ignore[attr-defined]
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "torchvision"}
    for name in before:
        del sys.modules[name]
    sys.modules.update(made)
    try:
        yield
    finally:
        for name in made:
            del sys.modules[name]
        sys.modules.update(before)


def to_tensor(image: object) -> torch.Tensor:
    """An 8-bit image (height, width, channels) as a float tensor (channels, height, width) in 0 .. 1."""
    array = np.atleast_3d(np.asarray(image, dtype=np.uint8))
    return torch.from_numpy(array.transpose(2, 0, 1).copy()).float() / 255


def batched_nms(boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, threshold: float) -> torch.Tensor:
    """Non-maximum suppression inside each group.

    Parameters
    ----------
    boxes
        (n, 4): x0, y0, x1, y1.
    scores
        (n,): a box gives way to any better one that it overlaps.
    groups
        (n,): boxes of different groups never touch each other.
    threshold
        Intersection over union from above which two boxes overlap.

    Returns
    -------
    tensor
        Indices of the boxes that stay, best first.
    """
    corners, better = boxes.detach().cpu().numpy(), scores.detach().cpu().numpy()
    group = groups.detach().cpu().numpy()
    waiting = np.argsort(-better, kind="stable")
    kept = []
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        overlaps = (_overlap(corners[best], corners[waiting]) > threshold) & (group[waiting] == group[best])
        waiting = waiting[~overlaps]
    return torch.as_tensor(np.array(kept, dtype=np.int64), device=boxes.device)


def _overlap(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of one box with each of the others."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    common = np.clip(sides, 0, None).prod(1)
    area = (box[2:] - box[:2]).prod()
    areas = (others[:, 2:] - others[:, :2]).prod(1)
    with np.errstate(invalid="ignore"):  # two boxes without area overlap nothing: 0 / 0 is above no threshold
        return np.asarray(common / (area + areas - common), dtype=np.float32)


def _torchvision_loads() -> bool:
    try:
        from torchvision.ops.boxes import batched_nms
        from torchvision.transforms.functional import to_tensor
    except (ImportError, RuntimeError, AttributeError):  # a library that is missing, operators that are not registered
        return False
    return callable(batched_nms) and callable(to_tensor)
