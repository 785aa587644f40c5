"""The flows that a descriptor of motion works on: given, or computed from a clip."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.motion.flow import optical_flow

Method = Literal["tvl1", "farneback", "dis", "coarse_to_fine"]
Reference = Literal["first", "previous"]


def flows_of(clip: NDArray[Any], name: str, method: Method, reference: Reference) -> NDArray[np.float32]:
    """The flows behind a clip, float32 (pairs, height, width, 2), x then y.

    Parameters
    ----------
    clip
        uint8 (frames, height, width), of which the flow is computed; or floating point (height, width, 2) or (pairs,
        height, width, 2): flows, which are taken as they are.
    name
        The descriptor's name, for errors.
    method
        How flow is computed (`cdmer.motion.flow.optical_flow`).
    reference
        To each frame, the flow from the ``first`` one or from the ``previous`` one.

    Raises
    ------
    CdmerError
        Neither a clip of two frames nor flows; frames or flows that nothing can be told of.
    """
    if clip.dtype == np.uint8 and clip.ndim == 3:
        if len(clip) < 2:
            raise CdmerError(
                f"{name}: {len(clip)} frame has no motion", "give at least 2 frames, such as onset and apex"
            )
        if reference not in ("first", "previous"):
            raise CdmerError(f"{name} has no reference {reference!r}", "choose first or previous")
        befores = clip[[0] * (len(clip) - 1)] if reference == "first" else clip[:-1]
        return np.stack([optical_flow(*pair, method=method) for pair in zip(befores, clip[1:], strict=True)])
    flows = clip[None] if clip.ndim == 3 else clip
    if flows.ndim != 4 or flows.shape[3] != 2 or flows.dtype.kind != "f" or flows.size == 0:
        raise CdmerError(
            f"{name} reads neither clips nor flows of {clip.dtype} {clip.shape}",
            "give a clip of uint8 (frames, height, width), or flows of floating point (pairs, height, width, 2)",
        )
    if not np.isfinite(flows).all():
        raise CdmerError(f"{name}: the flow is not finite", "mend what computed it, or leave the clip out")
    return flows.astype(np.float32, copy=False)


def polar(flows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Length and direction of flows; directions in (-pi, pi], from x towards y."""
    u, v = flows[..., 0], flows[..., 1]
    return np.hypot(u, v), np.arctan2(v, u)
