"""A pool of short scenes that training crops its triplets from.

Drawing a scene (pictures set in motion, flow found) takes far longer than cropping one, so each serves many crops.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from cdmer.frames.adaptive_convolution.compensation import half_way
from cdmer.frames.adaptive_convolution.triplets import Footage, Stills, Triplet, augmented, draw_moved, draw_recorded
from cdmer.progress import progress

_MOVED_SHARE = 0.4  # of the scenes; the others are recorded
_KEPT = 256  # scenes
_SIDES = 2.25  # of a triplet, in the side of a scene


class ScenePool:
    """The last 256 scenes of an endless row, of which every step of a training adds one.

    Scene i is drawn from a stream of its own, so that a pool begun at any step is the pool that got there.

    Parameters
    ----------
    footage, stills
        What scenes are cut from: clips, and groups of still pictures that are set in motion.
    side
        Of the triplets, pixels; a scene is 2.25 times as large, or as large as its clip allows.
    compensated
        Whether the outer frames are brought half-way by flow (`compensation`), once a scene.
    seed
        Of the scenes and of the triplets.
    """

    def __init__(self, footage: Sequence[Footage], stills: Stills, side: int, *, compensated: bool, seed: int) -> None:
        self.footage, self.stills, self.side = footage, stills, side
        self.compensated, self.seed = compensated, seed
        self.scenes: deque[Triplet] = deque(maxlen=_KEPT)
        self.next_scene = 0

    def batch(self, step: int, size: int) -> Tensor:
        """The triplets of a step, (size, 3, 3, side, side): frame, then channel; from 0 to 1.

        Steps are asked for in order, from any first one.
        """
        self._fill(step)
        rng = np.random.default_rng([self.seed, 6, step])
        triplets = [augmented(self._crop(self.scenes[int(rng.integers(_KEPT))], rng), rng) for _ in range(size)]
        array = np.stack(triplets) / np.float32(255)
        return torch.from_numpy(np.ascontiguousarray(array.transpose(0, 1, 4, 2, 3)))

    def _fill(self, step: int) -> None:
        """Hold scenes `step` to `step` + 255."""
        self.next_scene = max(self.next_scene, step)
        missing = range(self.next_scene, step + _KEPT)
        for number in progress(missing, "scenes") if len(missing) > 1 else missing:
            self.scenes.append(self._scene(np.random.default_rng([self.seed, 7, number])))
        self.next_scene = step + _KEPT

    def _scene(self, rng: np.random.Generator) -> Triplet:
        side = round(_SIDES * self.side)
        if rng.random() < _MOVED_SHARE:
            first, middle, second = draw_moved(self.stills, side, rng)
        else:
            first, middle, second = draw_recorded(self.footage, side, rng)
        if self.compensated:
            first, second = half_way(first, second)
        return np.stack([first, middle, second])

    def _crop(self, scene: Triplet, rng: np.random.Generator) -> Triplet:
        top, left = (int(rng.integers(0, length - self.side + 1)) for length in scene.shape[1:3])
        return scene[:, top : top + self.side, left : left + self.side]
