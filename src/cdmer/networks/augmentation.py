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


def cut_and_resize(x: Tensor, place: Tensor, cut: Tensor) -> Tensor:
    """Cut some pixels off one side, two sides or all around, and resize what is left to the old size, bilinearly.

    Parameters
    ----------
    x
        (..., C, T, H, W).
    place
        (...,) from 0 to 8, row by row: 0 cuts above and to the left, 1 above, 4 all around (half as much on each side).
    cut
        (...,) pixels.
    """
    lead, (channels, frames, height, width) = x.shape[:-4], x.shape[-4:]
    x, place, cut = x.reshape(-1, channels * frames, height, width), place.reshape(-1), cut.reshape(-1).to(x.dtype)
    row, column = place // 3 - 1, place % 3 - 1  # -1: cut before, 1: cut after
    both = place == 4
    thetas = []
    for side, size in ((column, width), (row, height)):
        kept = 1 - cut / size * ((side != 0) | both)
        thetas.append((kept, -side.to(x.dtype) * cut / size))
    zero = torch.zeros_like(cut)
    (across, right), (down, below) = thetas
    matrix = torch.stack([torch.stack([across, zero, right], -1), torch.stack([zero, down, below], -1)], -2)
    grid = torch.nn.functional.affine_grid(matrix, [*x.shape], align_corners=False)
    x = torch.nn.functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
    return x.view(*lead, channels, frames, height, width)


def drop_frames(x: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Leave out the first frame, the second or both, and repeat the last one in their place.

    Parameters
    ----------
    x
        (..., C, T, H, W).
    first, second
        (...,) booleans.
    """
    lead, (channels, frames, height, width) = x.shape[:-4], x.shape[-4:]
    first, second = first.reshape(-1).long(), second.reshape(-1).long()
    time = torch.arange(frames, device=x.device)[None]
    start = first[:, None] + (time + first[:, None] >= 1) * second[:, None]
    source = (time + start).clamp_max(frames - 1)
    picked = source[:, None, :, None, None].expand(-1, channels, -1, height, width)
    return x.reshape(-1, channels, frames, height, width).gather(2, picked).view(*lead, channels, frames, height, width)
