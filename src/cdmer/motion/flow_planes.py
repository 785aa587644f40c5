"""Some planes of a feature of flow that is stored already, so that one flow serves several networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError


def flow_planes_of_part(
    samples: NDArray[np.float32], recipe: Mapping[str, Any], *, planes: Sequence[str]
) -> NDArray[np.float32]:
    """The planes wanted, in the order wanted.

    Parameters
    ----------
    samples
        float32 (samples, planes, size, size), of `onset_apex_flow`.
    recipe
        Its recipe, whose key `planes` names them.
    planes
        Those to keep.

    Raises
    ------
    CdmerError
        One that the feature does not have.
    """
    there = list(recipe["planes"])
    missing = [plane for plane in planes if plane not in there]
    if missing:
        raise CdmerError(f"the feature has the planes {', '.join(there)}, not {missing[0]}", "add it to its recipe")
    return np.ascontiguousarray(samples[:, [there.index(plane) for plane in planes]])
