import hashlib

import h5py
import numpy as np
import pytest
import scipy.io

from cdmer.errors import CdmerError
from cdmer.store.released import block_columns, block_sides, import_released, in_order, read_released

NAMES = {
    "tgsr": [
        f"cdmer_lbptop_112/CrossCorpus_LBPTOP_R3P8_{name}_112by112.mat" for name in ("CASME2", "SMIC_VIS", "SMIC_NIR")
    ],
    "dr": [f"cdmer_lbptop/SMIC_{name}_Corpus_LBPTOP.mat" for name in ("VIS", "NIR")],
}
FILES = [(release, name) for release, names in NAMES.items() for name in names]
STARTS = {1: 0, 2: 1, 4: 5, 8: 21}
BINS = 15


def edges(length, grid):
    side = {1: length, 2: (length + 1) // 2, 4: (2 * length + 4) // 8, 8: (2 * length + 8) // 16}[grid]
    return [*(side * i for i in range(grid)), length]


def histograms(codes, order):
    """The feature of one clip, from its code images (plane, row, column), by the words of the definition.

    `order` is ours ("blocks"), or a release's, whose blocks run by "columns" or by "rows".
    """
    height, width = codes.shape[1:]
    parts = []
    for grid in (1, 2, 4, 8):
        rows, columns = edges(height, grid), edges(width, grid)
        blocks = [(plane, i, j) for plane in range(3) for i in range(grid) for j in range(grid)]
        if order == "columns":
            blocks.sort(key=lambda block: (block[0], block[2], block[1]))
        elif order == "blocks":
            blocks.sort(key=lambda block: (block[1], block[2], block[0]))
        for plane, i, j in blocks:
            region = codes[plane, rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
            parts.append(np.bincount(region.ravel(), minlength=BINS) / region.size)
    return np.concatenate(parts)


def clips(release, count=3, face=True):
    """Code images of clips of a release with R = 3, the crop without its border.

    A face is the same to the left and to the right, and not the same above and below; noise is neither.
    """
    sizes = {"tgsr": [(106, 106)], "dr": [(165, 134), (166, 134), (167, 134)]}[release]
    rng = np.random.default_rng(0)
    found = []
    for i in range(count):
        height, width = sizes[i % len(sizes)]
        often = np.linspace(0.1, 0.7, height)[:, None] if face else 0.4
        codes = rng.binomial(BINS - 1, often, (3, height, width))
        found.append(
            np.concatenate([codes[..., : width // 2], codes[..., : width // 2][..., ::-1]], -1) if face else codes
        )
    return found


def save_hdf5(path, **variables):
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, values in variables.items():
            file[name] = np.asarray(values).T


def save_matlab5(path, **variables):
    scipy.io.savemat(path, variables)


def release_file(tmp_path, save=save_matlab5, release="dr", direction="columns", face=True, **change):
    features = np.array([histograms(codes, direction) for codes in clips(release, face=face)])
    variables = {"SMIC_VIS_micro_feature": features, "SMIC_VIS_micro_label": np.array([[1.0], [3.0], [2.0]]), **change}
    path = tmp_path / "release.mat"
    save(path, **{name: values for name, values in variables.items() if values is not None})
    return path


@pytest.mark.parametrize("save", [save_hdf5, save_matlab5])
@pytest.mark.parametrize(
    ("release", "direction", "face"),
    [("tgsr", "columns", True), ("tgsr", "rows", True), ("tgsr", "rows", False), ("dr", "columns", True)],
)
def test_columns_are_put_into_our_order(tmp_path, save, release, direction, face):
    path = release_file(tmp_path, save, release, direction, face)
    ours = np.array([histograms(codes, "blocks") for codes in clips(release, face=face)])
    theirs = np.array([histograms(codes, direction) for codes in clips(release, face=face)])
    features = read_released(path)
    np.testing.assert_array_equal(features.X, ours)
    np.testing.assert_array_equal(read_released(path, "released").X, theirs)
    np.testing.assert_array_equal(features.X[:, np.argsort(block_columns(BINS, direction))], theirs)
    assert features.X.dtype == np.float64
    assert features.label.tolist() == ["negative", "surprise", "positive"]
    assert features.clip.tolist() == ["row_001", "row_002", "row_003"]
    assert features.subject.tolist() == features.emotion.tolist() == [None] * 3


def test_import_says_where_it_comes_from(tmp_path):
    path = release_file(tmp_path)
    store = import_released(path, tmp_path / "s.h5", "released", feature="lbp_top_r1p4", code_digest="c0de")
    found = store.provenance
    assert (found["feature"], found["database"], found["code_digest"]) == ("lbp_top_r1p4", "smic_vis", "c0de")
    assert found["recipe"] == {
        "imported": {
            "file": "release.mat",
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "release": "dr",
            "direction": "columns",
            "order": "released",
        }
    }
    np.testing.assert_array_equal(store.load().X, read_released(path, "released").X)
    assert store.load().label.tolist() == ["negative", "surprise", "positive"]
    assert store.verify() == []


@pytest.mark.parametrize(
    ("length", "grid", "sides"),
    [
        (106, 2, [53, 53]),
        (106, 4, [27, 27, 27, 25]),
        (106, 8, [13] * 7 + [15]),
        (165, 4, [41, 41, 41, 42]),
        (134, 4, [34, 34, 34, 32]),
    ],
)
def test_block_sides(length, grid, sides):
    assert block_sides(length, grid).tolist() == sides


def features_with(change):
    features = np.array([histograms(codes, "released") for codes in clips("dr")])
    change(features)
    return features


def double(features):
    features[1, 20:30] *= 2


def negate(features):
    features[2, 0], features[2, 1] = -0.5, features[2, 0] + features[2, 1] + 0.5


def spoil(features):
    features[0, 0] = np.nan


def swap(features):
    features[2, 45:90] = features[2, 45:90].reshape(3, 15)[[1, 2, 0]].ravel()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"SMIC_VIS_micro_feature": np.ones((3, 15044))}, r"15044 columns; expected 15045"),
        (
            {"SMIC_VIS_micro_feature": None},
            r"no numeric variable named \.\.\._feature .its variables: SMIC_VIS_micro_label",
        ),
        ({"SMIC_VIS_micro_label": None}, r"no numeric variable named \.\.\._label"),
        ({"OTHER_feature": np.ones((3, 255))}, "2 numeric variable named"),
        ({"SMIC_VIS_micro_label": np.array([1, 2])}, "has 2 values"),
        ({"SMIC_VIS_micro_label": np.array([1, 0, 2])}, "row 2 has label 0; known are 1 negative"),
        ({"SMIC_VIS_micro_label": np.array([1, 2, 2.5])}, r"row 3 has label 2\.5"),
        ({"SMIC_VIS_micro_feature": features_with(double)}, r"in row 2, histogram 2 "),
        ({"SMIC_VIS_micro_feature": features_with(negate)}, r"in row 3, histogram 1 "),
        ({"SMIC_VIS_micro_feature": features_with(spoil)}, r"in row 1, histogram 1 .*nan"),
        ({"SMIC_VIS_micro_feature": features_with(swap)}, "do not average to the whole face"),
    ],
)
def test_wrong_contents(tmp_path, change, words):
    path = release_file(tmp_path, **change)
    with pytest.raises(CdmerError, match=words) as caught:
        import_released(path, tmp_path / "s.h5")
    assert str(path) in caught.value.problem
    assert caught.value.remedy
    assert not (tmp_path / "s.h5").exists()


def test_another_release_than_said(tmp_path):
    path = release_file(tmp_path)
    with pytest.raises(CdmerError, match="for the crops of the tgsr release"):
        read_released(path, release="tgsr")
    with pytest.raises(CdmerError, match="release 'tsrg' is unknown"):
        read_released(path, release="tsrg")
    with pytest.raises(CdmerError, match="order 'ours' is unknown"):
        read_released(path, "ours")


@pytest.mark.parametrize("save", [save_hdf5, save_matlab5])
def test_unreadable_files(tmp_path, save):
    whole = release_file(tmp_path, save).read_bytes()
    path = tmp_path / "damaged.mat"
    with pytest.raises(CdmerError, match=r"damaged.mat does not exist"):
        read_released(path)
    for content in (b"", b"text", whole[:200], whole[: len(whole) // 2], whole[:-10]):
        path.write_bytes(content)
        with pytest.raises(CdmerError, match=r"damaged.mat: not a readable MATLAB file"):
            read_released(path)


@pytest.mark.parametrize(("release", "name"), FILES)
def test_real_releases(real, tmp_path, release, name):
    store = import_released(real / name, tmp_path / "s.h5")
    assert store.provenance["recipe"]["imported"]["release"] == release
    features = store.load()
    counts = [int(np.sum(features.label == word)) for word in ("negative", "positive", "surprise")]
    assert counts == ([73, 32, 25] if "CASME2" in name else [23, 28, 20])
    blocks = features.X.astype(np.float64).reshape(len(features), 85, 3, 59)
    np.testing.assert_allclose(blocks.sum(3), 1, atol=1e-5)
    # Half the face and its other half, weighted by their areas, are the whole face.
    sizes = [(106, 106)] if release == "tgsr" else [(165, 134), (166, 134), (167, 134)]
    errors = []
    for height, width in sizes:
        worst = np.zeros(len(features))
        for grid in (2, 4, 8):
            area = np.outer(np.diff(edges(height, grid)), np.diff(edges(width, grid))).ravel() / (height * width)
            part = blocks[:, STARTS[grid] : STARTS[grid] + grid * grid]
            mean = (part * area[:, None, None]).sum(1)
            worst = np.maximum(worst, np.abs(mean - blocks[:, 0]).max((1, 2)))
        errors.append(worst)
    assert np.min(errors, 0).max() < 1e-6


def faces(path):
    """XY, XT and YT histograms of the 8 x 8 grid: (clips, row, column, plane, 59)."""
    X = read_released(path).X
    return X.reshape(len(X), 85, 3, 59)[:, 21:].reshape(len(X), 8, 8, 3, 59)


def ones_of_bins():
    """How many neighbours are set in each uniform code; a mirror image keeps that number."""
    codes = [
        code
        for code in range(256)
        if f"{code:08b}{code:08b}"[:9].count("01") + f"{code:08b}{code:08b}"[:9].count("10") <= 2
    ]
    return np.array([code.bit_count() for code in codes] + [9])


@pytest.mark.parametrize(("release", "name"), FILES)
def test_faces_are_symmetric_left_to_right(real, release, name):
    """What tells rows from columns: square crops average to the whole face in either direction."""
    grid = faces(real / name)
    to_right = np.abs(grid[..., 2, :] - grid[:, :, ::-1, 2]).sum(-1).mean()  # a mirror image keeps YT codes as they are
    to_bottom = np.abs(grid[..., 2, :] - grid[:, ::-1, :, 2]).sum(-1).mean()
    assert to_right < 0.7 * to_bottom
    mirrored = np.eye(10)[ones_of_bins()]
    xy = grid[..., 0, :] @ mirrored
    assert np.abs(xy - xy[:, :, ::-1]).sum(-1).mean() < 0.85 * np.abs(xy - xy[:, ::-1]).sum(-1).mean()


@pytest.mark.parametrize("name", ["VIS", "NIR"])
def test_both_releases_show_the_same_faces(real, name):
    one = faces(real / f"cdmer_lbptop_112/CrossCorpus_LBPTOP_R3P8_SMIC_{name}_112by112.mat")
    other = faces(real / f"cdmer_lbptop/SMIC_{name}_Corpus_LBPTOP.mat")
    assert np.abs(one - other).mean() < 0.6 * np.abs(one - other.swapaxes(1, 2)).mean()


@pytest.mark.parametrize("stored", ["blocks", "released"])
def test_a_store_goes_into_either_order(tmp_path, stored):
    path = release_file(tmp_path)
    store = import_released(path, tmp_path / "s.h5", stored)
    X, recipe = store.load().X, store.provenance["recipe"]
    for order in ("blocks", "released"):
        np.testing.assert_array_equal(in_order(X, recipe, order), read_released(path, order).X)


def test_computed_features_go_into_the_released_order_and_others_are_refused():
    X = np.arange(2 * 85 * 3 * 5).reshape(2, -1)
    released = in_order(X, {"descriptor": {}}, "released")
    np.testing.assert_array_equal(released[:, block_columns(5)], X)
    with pytest.raises(CdmerError, match="85 blocks"):
        in_order(X[:, :100], {}, "released")
