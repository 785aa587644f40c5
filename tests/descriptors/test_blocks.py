"""Blocks and their cells."""

import itertools

import numpy as np
import pytest

from cdmer.descriptors.blocks import block_layout, pool
from cdmer.errors import CdmerError
from tests.descriptors.blockwise import blocks


@pytest.mark.parametrize(("height", "width", "grids"), [(106, 106, (1, 2, 4, 8)), (31, 40, (3, 1, 5)), (9, 8, (8,))])
def test_a_block_is_the_sum_of_its_cells(height, width, grids):
    image = np.random.default_rng(0).integers(0, 100, (height, width, 3))
    layout = block_layout(height, width, grids)
    cells = np.array(
        [
            [image[top:bottom, left:right].sum(axis=(0, 1)) for left, right in _pairs(layout.column_cuts)]
            for top, bottom in _pairs(layout.row_cuts)
        ]
    )
    wanted = [image[rows, columns].sum(axis=(0, 1)) for rows, columns in blocks(height, width, grids)]
    np.testing.assert_array_equal(pool(cells, layout), wanted)
    areas = [image[rows, columns, 0].size for rows, columns in blocks(height, width, grids)]
    assert layout.areas.tolist() == areas


def _pairs(cuts):
    return list(itertools.pairwise(cuts))


def test_the_benchmarks_blocks():
    """Sides of 53, of 27 and 25, of 13 and 15, as measured on the released features."""
    layout = block_layout(106, 106, (1, 2, 4, 8))
    assert len(layout.blocks) == 85
    assert layout.areas[:5].tolist() == [106**2, 53**2, 53**2, 53**2, 53**2]
    assert layout.areas[5:9].tolist() == [27 * 27, 27 * 27, 27 * 27, 27 * 25]
    assert layout.areas[-1] == 15 * 15


@pytest.mark.parametrize("grids", [(), (0,), (1, -1)])
def test_no_grid_is_an_error(grids):
    with pytest.raises(CdmerError, match="grids"):
        block_layout(20, 20, grids)
