"""Augmentation of whole batches on their device."""

from collections.abc import Sequence

import torch
from torch import Tensor


def flip_and_rotate(x: Tensor, flip: Tensor, degrees: Tensor, vectors: Sequence[tuple[int, int]] = ()) -> Tensor:
    """Mirror images left to right, then turn them about their centre; outside of the image the border is repeated.

    Parameters
    ----------
    x
        (..., C, H, W).
    flip
        (...,) booleans.
    degrees
        (...,) angles, anticlockwise as seen.
    vectors
        Pairs of channels that hold x and y components of vectors (y downwards), turned along with the image.
    """
    lead, (channels, height, width) = x.shape[:-3], x.shape[-3:]
    x = x.reshape(-1, channels, height, width)
    flip, angle = flip.reshape(-1), torch.deg2rad(degrees.reshape(-1).to(x.dtype))
    x = torch.where(flip[:, None, None, None], x.flip(-1), x)
    if (angle != 0).any():
        cosine, sine = angle.cos(), angle.sin()
        zero = torch.zeros_like(angle)
        # where each pixel comes from, in coordinates from -1 to 1: undo the turn, in pixels
        aspect = height / width
        matrix = torch.stack(
            [torch.stack([cosine, -sine * aspect, zero], -1), torch.stack([sine / aspect, cosine, zero], -1)], -2
        )
        grid = torch.nn.functional.affine_grid(matrix, [*x.shape], align_corners=False)
        x = torch.nn.functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
    else:
        cosine, sine = torch.ones_like(angle), torch.zeros_like(angle)
    if vectors:
        x = x.clone()
        sign = torch.where(flip, -1.0, 1.0).to(x.dtype)[:, None, None]
        c, s = cosine[:, None, None], sine[:, None, None]
        for across, down in vectors:
            u, v = x[:, across] * sign, x[:, down]
            x[:, across], x[:, down] = c * u + s * v, c * v - s * u
    return x.view(*lead, channels, height, width)
