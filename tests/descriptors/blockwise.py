"""The blocks of grids, by their definition, for slow references."""

import math

import numpy as np


def blocks(height, width, grids):
    """Slices of rows and columns of each block, grid by grid, in rows."""
    found = []
    for grid in grids:
        tall, wide = math.floor(height / grid + 0.5), math.floor(width / grid + 0.5)
        for i in range(grid):
            for j in range(grid):
                rows = slice(i * tall, height if i == grid - 1 else (i + 1) * tall)
                columns = slice(j * wide, width if j == grid - 1 else (j + 1) * wide)
                found.append((rows, columns))
    return found


def histograms(codes, bins, grids):
    """Normalised histograms of codes (frames, height, width), one a block."""
    return [
        np.bincount(codes[:, rows, columns].ravel(), minlength=bins) / codes[:, rows, columns].size
        for rows, columns in blocks(*codes.shape[1:], grids)
    ]
