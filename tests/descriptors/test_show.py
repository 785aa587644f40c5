"""`cdmer show-feature`: what is drawn, where it is found, and what cannot be shown."""

import matplotlib.image
import numpy as np
import pytest
from typer.testing import CliRunner

from cdmer.cli import app
from cdmer.descriptors.lbp_top import lbp_top, uniform_bins
from cdmer.descriptors.pictures import code_plane
from cdmer.descriptors.show import show_feature
from cdmer.errors import CdmerError
from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import write_shard

RNG = np.random.default_rng(0)
FRAMES = RNG.integers(0, 256, (2, 60, 60), dtype=np.uint8)
TO_THE_RIGHT = np.zeros((3, 28, 28), np.float32)
TO_THE_RIGHT[0, 8:20, 8:20] = 1


def store(results, rows, recipe, database="smic_hs", clip="s1_po_01"):
    feature = {"onset_apex_flow": "flow_strain_28"}.get(recipe["descriptor"], recipe["descriptor"])
    path = results / "features" / feature / f"{database}.h5"
    provenance = {"feature": feature, "database": database, "recipe": {"descriptor": recipe}, "code_digest": ""}
    FeatureStore.write(path, rows, [clip] * len(rows), ["s1"] * len(rows), provenance=provenance)


@pytest.fixture
def flow(tmp_path):
    """Results with one flow that goes to the right, and the frames that it is said to be of."""
    recipe = {"descriptor": "onset_apex_flow", "frames": "onset_apex", "planes": ["u", "v", "strain"]}
    store(tmp_path, TO_THE_RIGHT[None], recipe)
    with write_shard(tmp_path / "frames" / "onset_apex" / "smic_hs" / "s1.h5", {}) as shard:
        shard.add("s1_po_01", FRAMES)
    return tmp_path


def pixels(path):
    picture = matplotlib.image.imread(path)
    assert min(picture.shape[:2]) > 200
    return (picture[..., :3] * 255).round().astype(int)


def share(picture, color):
    return (np.abs(picture - color).max(-1) <= 1).mean()


def test_a_flow_to_the_right_is_red_with_yellow_arrows(flow, tmp_path):
    show_feature("flow_strain_28", "s1_po_01", tmp_path / "out.png", results=flow)
    picture = pixels(tmp_path / "out.png")
    # 12 x 12 of 28 x 28 pixels of one panel in eight, which has margins
    assert 0.3 * 144 / 784 / 8 < share(picture, (255, 0, 0)) < 144 / 784 / 8
    assert share(picture, (255, 212, 0)) > 2e-4
    show_feature("flow_strain_28", "s1_po_01", tmp_path / "again.png", results=flow)
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "out.png").read_bytes()


def test_without_the_frames_it_is_drawn_all_the_same(flow, tmp_path, caplog):
    (flow / "frames" / "onset_apex" / "smic_hs" / "s1.h5").unlink()
    show_feature("flow_strain_28", "s1_po_01", tmp_path / "out.png", results=flow)
    assert share(pixels(tmp_path / "out.png"), (255, 0, 0)) > 0
    assert "drawn without the frames" in caplog.text


@pytest.mark.parametrize(
    ("descriptor", "rows"),
    [
        ("dscnn_input", RNG.random((1, 5, 48, 48), np.float32)),
        ("dscnn_input", RNG.random((1, 3, 48, 48), np.float32)),
        ("dscnn_input", RNG.random((1, 7, 48, 48), np.float32)),
        ("madtn_image", RNG.integers(0, 256, (3, 3, 56, 56), dtype=np.uint8)),
        ("keyframe_flows", RNG.random((1, 2, 10, 56, 56), np.float32)),
        ("flow_planes", RNG.random((1, 1, 28, 28), np.float32)),
        ("hog_top", RNG.random((1, 5 * 24), np.float32)),
        ("lbp_top", RNG.random((1, 5 * 3 * 59), np.float32)),
    ],
)
def test_every_kind_of_feature_has_a_picture(tmp_path, descriptor, rows):
    recipe = {"descriptor": descriptor, "planes": ["u"], "grids": [1, 2], "radius": 3, "neighbors": 8}
    store(tmp_path, rows, recipe)
    last = len(rows) - 1
    show_feature(descriptor, "s1_po_01", tmp_path / "out.png", sample=last, results=tmp_path)
    assert pixels(tmp_path / "out.png").std() > 10


@pytest.mark.parametrize(
    ("plane", "shape", "radius"),
    [
        ("XY", (7, 30, 31), 3),
        ("XT", (20, 7, 31), 3),
        ("YT", (20, 30, 7), 3),
        ("XY", (3, 30, 31), [2, 3, 1]),
        ("XT", (20, 7, 31), [2, 3, 1]),
        ("YT", (20, 30, 5), [2, 3, 1]),
    ],
)
def test_the_codes_drawn_are_those_that_are_counted(plane, shape, radius):
    """A clip with one plane inside its border: the plane's histogram is that of the picture."""
    clip = RNG.integers(0, 256, shape, dtype=np.uint8)
    counted = lbp_top(clip, radius, 8, (1,)).reshape(3, 59)[["XY", "XT", "YT"].index(plane)]
    bins = uniform_bins(8)[code_plane(clip, plane, radius, 8)]
    np.testing.assert_allclose(np.bincount(bins.ravel(), minlength=59) / bins.size, counted, atol=1e-6)


def test_what_cannot_be_found(flow, tmp_path):
    recipe = {"descriptor": "onset_apex_flow", "frames": "onset_apex", "planes": ["u", "v", "strain"]}
    store(tmp_path, TO_THE_RIGHT[None], recipe, "smic_vis")
    for arguments, settings, words in [
        (("flow_strain_29", "s1_po_01"), {}, "features that are there: flow_strain_28"),
        (("flow_strain_28", "s1_po_02"), {}, "no store of flow_strain_28 holds the clip s1_po_02"),
        (("flow_strain_28", "s1_po_01"), {}, "several databases have a clip s1_po_01: smic_hs, smic_vis"),
        (("flow_strain_28", "s1_po_01"), {"database": "smic_vis", "sample": 1}, "has 1 samples"),
    ]:
        with pytest.raises(CdmerError, match=words):
            show_feature(*arguments, tmp_path / "out.png", **settings, results=flow)
    assert not (tmp_path / "out.png").exists()


def test_the_command(flow, tmp_path):
    arguments = ["show-feature", "flow_strain_28", "s1_po_01", "--results", str(flow), "--output"]
    done = CliRunner().invoke(app, [*arguments, str(tmp_path / "out.png")])
    assert done.exit_code == 0, done.output
    assert share(pixels(tmp_path / "out.png"), (255, 0, 0)) > 0
