"""The middle frame of two, by adaptive convolution."""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cdmer.errors import CdmerError
from cdmer.frames.adaptive_convolution.compensation import Frame, half_way
from cdmer.frames.adaptive_convolution.networks import FullNetwork, SeparableNetwork, parameters, title
from cdmer.frames.adaptive_convolution.weights import from_published, load_weights

DEPENDS_ON_FILES = ("../weights/separable_w025_t11.safetensors",)

SHIPPED_WIDTH, SHIPPED_TAPS = 0.25, 11
SHIPPED = Path(__file__).parents[1] / "weights" / "separable_w025_t11.safetensors"
_TILE = 64  # pixels on a side that the full network estimates at a time: 3362 weights for each


class AdaptiveConvolution:
    """Frame interpolation by adaptive convolution (Niklaus, Mai and Liu, CVPR and ICCV 2017).

    A network looks at two frames and gives every pixel of the middle frame a kernel for each; the pixel is the sum of
    what both kernels take from their frames.

    Parameters
    ----------
    kind
        ``separable``: vertical and horizontal kernels (ICCV 2017; 21 675 452 parameters at `width` 1), or ``full``:
        two-dimensional ones (CVPR 2017; 15 927 394 parameters at `width` 1).
    width
        Factor of the networks' numbers of channels: 1 is the papers'.
    taps
        Length of a separable kernel, 51 in the paper; a full kernel has 41 on a side.
    normalized
        Divide by the sum of a pixel's separable kernels (see `SeparableNetwork`); full ones sum to 1 anyway.
    compensated
        Bring the frames half-way towards each other by flow first (see `compensation`); the papers do not.
    device
        Where to compute, e.g. ``cuda``.

    Attributes
    ----------
    network
        The torch module. Without weights it gives the average of the two frames that it sees (``full``: nearly).

    Raises
    ------
    ValueError
        Another kind, taps that are not odd, a width that is not positive, or taps given to ``full``.

    See Also
    --------
    AdaptiveConvolution.shipped : the small network that cdmer trained.
    """

    def __init__(
        self,
        kind: Literal["separable", "full"] = "separable",
        width: float = 1.0,
        taps: int | None = None,
        normalized: bool = False,
        compensated: bool = False,
        device: str = "cpu",
    ) -> None:
        if kind not in ("separable", "full"):
            raise ValueError(f"there is no kind {kind!r}; choose separable or full")
        if not width > 0:
            raise ValueError(f"width {width} is not positive")
        if taps is not None and (kind == "full" or taps < 1 or taps % 2 == 0):
            raise ValueError(f"{taps} taps: separable kernels have an odd number, full ones 41 on a side")
        self.kind, self.width, self.compensated, self.device = kind, width, compensated, torch.device(device)
        self.network: SeparableNetwork | FullNetwork
        self.network = FullNetwork(width) if kind == "full" else SeparableNetwork(width, taps or 51, normalized)
        self.network.to(self.device).eval()

    @classmethod
    def like_shipped(cls, weights: str | Path, device: str = "cpu") -> "AdaptiveConvolution":
        """A network of the shipped one's kind, width and taps, with the weights of a file.

        Raises
        ------
        CdmerError
            As `load`.
        """
        network = cls("separable", SHIPPED_WIDTH, SHIPPED_TAPS, normalized=True, compensated=True, device=device)
        return network.load(weights)

    @classmethod
    def shipped(cls, device: str = "cpu") -> "AdaptiveConvolution":
        """The separable network that comes with cdmer: trained by cdmer, a quarter of the paper's width.

        It is not the network of the paper's authors, nor trained on their data; `docs/interpolation.md` says what it
        can do. It sees frames that flow has brought half-way; its kernels have 11 taps, and are normalised.
        """
        return cls.like_shipped(SHIPPED, device)

    @property
    def n_parameters(self) -> int:
        """How many parameters the network has."""
        return parameters(self.network)

    def load(self, path: str | Path) -> "AdaptiveConvolution":
        """Load weights that ``cdmer train-interpolator`` wrote (safetensors).

        Raises
        ------
        CdmerError
            A file that cannot be read, or that is of another network.
        """
        tensors, about = load_weights(path)
        own = title(self.network, self.compensated)
        if about.get("network", own) != own:
            raise CdmerError(
                f"{path} holds the weights of another network: {about['network']}, not {own}",
                "give the kind, `normalized` and `compensated` that it was trained with",
            )
        self._set({name: torch.from_numpy(tensor) for name, tensor in tensors.items()}, path)
        return self

    def load_published(self, path: str | Path) -> "AdaptiveConvolution":
        """Load the published checkpoint of the separable network (``network-l1.pytorch``, ``network-lf.pytorch``).

        It does not come with cdmer, and its authors' terms are theirs. Needs `width` 1 and 51 taps.

        Raises
        ------
        CdmerError
            A file that cannot be read, or that is of another network.
        """
        try:
            published = torch.load(path, map_location="cpu", weights_only=True)
            arrays = {name: tensor.numpy() for name, tensor in published.items()}
        except Exception as error:  # torch names no common class for what damaged pickles raise
            raise CdmerError(f"{path} cannot be read as a checkpoint: {error}", "download it again") from error
        self._set({name: torch.from_numpy(array) for name, array in from_published(arrays).items()}, path)
        return self

    def between(self, first: Frame, second: Frame) -> NDArray[np.float32]:
        """The frame half-way between two.

        Parameters
        ----------
        first, second
            (height, width) grey or (height, width, 3) RGB, grey levels from 0 to 255, of any real type.

        Returns
        -------
        array
            float32 of the same shape, not rounded; it may leave the range a little.

        Raises
        ------
        ValueError
            Frames of different or other shapes.
        """
        if first.shape != second.shape or first.ndim not in (2, 3) or first.shape[2:] not in ((), (3,)):
            raise ValueError(f"frames of {first.shape} and {second.shape}: both (height, width[, 3]) are needed")
        if self.compensated:
            first, second = half_way(first, second)
        estimate = self._estimate if self.kind == "separable" else self._estimate_in_tiles
        with torch.inference_mode():
            middle = 255 * estimate(self._tensor(first), self._tensor(second))
        frame: NDArray[np.float32] = middle[0].permute(1, 2, 0).cpu().numpy()
        return np.ascontiguousarray(frame if first.ndim == 3 else frame[..., 0])

    def _tensor(self, frame: Frame) -> Tensor:
        """(1, 3, height, width), from 0 to 1; a grey frame three times."""
        image = np.asarray(frame, np.float32) / np.float32(255)
        color = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
        return torch.from_numpy(np.ascontiguousarray(color.transpose(2, 0, 1)[None])).to(self.device)

    def _estimate(self, first: Tensor, second: Tensor) -> Tensor:
        assert isinstance(self.network, SeparableNetwork)
        height, width = first.shape[2:]
        margin = [0, -width % self.network.multiple, 0, -height % self.network.multiple]
        padded = (functional.pad(frame, margin, mode="replicate") for frame in (first, second))
        middle: Tensor = self.network(*padded)
        return middle[..., :height, :width]

    def _estimate_in_tiles(self, first: Tensor, second: Tensor) -> Tensor:
        """The full network's estimate, a tile at a time, so that memory does not grow with the frame."""
        assert isinstance(self.network, FullNetwork)
        halo = self.network.patch // 2
        height, width = first.shape[2:]
        padded = [functional.pad(frame, [halo] * 4, mode="replicate") for frame in (first, second)]
        middle = torch.empty_like(first)
        for top in range(0, height, _TILE):
            for left in range(0, width, _TILE):
                rows, columns = min(_TILE, height - top), min(_TILE, width - left)
                views = [f[..., top : top + rows + 2 * halo, left : left + columns + 2 * halo] for f in padded]
                middle[..., top : top + rows, left : left + columns] = self.network.inside(*views)
        return middle

    def _set(self, state: dict[str, Tensor], path: str | Path) -> None:
        own = self.network.state_dict()
        strangers = set(state) ^ set(own)
        strangers |= {name for name in set(state) & set(own) if state[name].shape != own[name].shape}
        if strangers:
            raise CdmerError(
                f"{path} holds the weights of another network: {len(strangers)} tensors differ, such as "
                f"{min(strangers)}",
                "give the kind, width and taps that it was trained with",
            )
        self.network.load_state_dict(state)
