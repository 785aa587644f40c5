"""Principal directions of two domains in the span of their samples, for methods that compare subspaces."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from cdmer.adaptation.base import Domains

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Subspaces:
    """Two domains in coordinates of their common span, and their principal directions there.

    With orthonormal `axes` of the span, all inner products among samples and directions are those of the features,
    whatever their number; `x @ axes` brings another clip along, and loses only what no direction sees.
    """

    axes: Floats  # (features, span)
    source: Floats  # (source clips, span)
    source_directions: Floats  # (span, rank of the centred source), leading first
    target_directions: Floats  # (span, rank of the centred target)

    @property
    def most(self) -> int:
        """The largest number of directions that both domains have."""
        return int(min(self.source_directions.shape[1], self.target_directions.shape[1]))

    def clipped(self, dim: int | None) -> int:
        """`dim`, or the middle of what can be searched; at most what both domains have."""
        return min(self.most, dim if dim is not None else (self.most + 1) // 2)


def find_subspaces(domains: Domains) -> Subspaces:
    """The principal directions of each domain about its own mean.

    Raises
    ------
    ValueError
        A domain whose clips are all alike, or that has one clip.
    """
    axes, triangle = scipy.linalg.qr(domains.joint.T, mode="economic")
    coordinates = triangle.T
    n_source = len(domains.Xs)
    source, target = coordinates[:n_source], coordinates[n_source:]
    found = Subspaces(axes, source, _principal_directions(source), _principal_directions(target))
    for name, directions in (("source", found.source_directions), ("target", found.target_directions)):
        if not directions.shape[1]:
            raise ValueError(f"the {name} needs at least 2 clips that differ: it has no principal direction")
    return found


def _principal_directions(samples: Floats) -> Floats:
    """Orthonormal columns, by decreasing variance."""
    _, values, directions = scipy.linalg.svd(samples - samples.mean(axis=0), full_matrices=False)
    scale = np.linalg.norm(samples)
    return np.asarray(directions[values > max(samples.shape) * np.finfo(float).eps * scale].T)
