"""MDMO and 3DHOG on the face: the vectors drawn, the colours that they get, and where."""

import matplotlib.colors
import matplotlib.image
import numpy as np
import pytest

from cdmer.descriptors import hog_3d, mdmo
from cdmer.descriptors.region_pictures import hog_outlines, main_gradients, main_motions, mdmo_figure
from cdmer.descriptors.regions import HOG_REGIONS, MDMO_REGIONS, hog_rectangles, mdmo_labels
from cdmer.descriptors.show import show_feature
from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import write_shard

CHEEK, CHIN = MDMO_REGIONS.index("left_outer_cheek"), MDMO_REGIONS.index("right_chin")
FACE = np.full((112, 112), 128, np.uint8)


@pytest.fixture
def motion(landmarks):
    """The left cheek moves up by 2, the right chin to the right by 1."""
    labels = mdmo_labels(landmarks, 112, 112)
    flow = np.zeros((112, 112, 2), np.float32)
    flow[labels == CHEEK], flow[labels == CHIN] = [0, -2], [1, 0]
    return flow


@pytest.mark.parametrize("beta", [0.9, 0.3])
def test_the_weights_of_mdmo_are_undone(motion, landmarks, beta):
    vectors = main_motions(mdmo(motion, landmarks, beta), beta)
    np.testing.assert_allclose(vectors[[CHEEK, CHIN]], [[0, -1], [0.5, 0]], atol=1e-6)
    assert not np.delete(vectors, [CHEEK, CHIN], axis=0).any()


def test_what_a_weight_of_0_took_away_is_not_invented(motion, landmarks):
    of_lengths, of_directions = (main_motions(mdmo(motion, landmarks, beta), beta) for beta in (1.0, 0.0))
    np.testing.assert_allclose(of_lengths[[CHEEK, CHIN]], [[1, 0], [0.5, 0]], atol=1e-6)
    np.testing.assert_allclose(of_directions[[CHEEK, CHIN]], [[0, -1], [1, 0]], atol=1e-6)


def test_a_region_has_the_colour_of_its_direction(motion, landmarks):
    """Up is the hue of 270 degrees, (128, 0, 255); to the right and half as long is half of red; the rest is black."""
    figure = mdmo_figure(mdmo(motion, landmarks), {"beta": 0.9}, FACE, landmarks)
    colors = dict(
        zip(
            MDMO_REGIONS,
            [tuple(np.rint(255 * np.array(patch.get_facecolor()[:3]))) for patch in reversed(figure.axes[0].patches)],
            strict=True,
        )
    )
    assert colors["left_outer_cheek"] == (128, 0, 255)
    assert colors["right_chin"] == (128, 0, 0)
    assert colors["glabella"] == (0, 0, 0)


def test_the_main_gradient_is_in_the_middle_of_its_bin():
    votes = np.array([[0.2, 0.8, 0, 0], [0.1, 0.1, 0.1, 0.7], [0, 0, 0, 0]], np.float32)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(main_gradients(votes), [[-0.8 * half, 0.8 * half], [0.7 * half, -0.7 * half], [0, 0]])


def test_the_rectangles_drawn_are_those_that_are_counted(landmarks):
    outlines = hog_outlines(landmarks, 112, 112)
    for (name, corners), (top, bottom, left, right) in zip(
        outlines.items(), hog_rectangles(landmarks, 112, 112), strict=True
    ):
        assert corners.min(0).tolist() == [left - 0.5, top - 0.5], name  # pixels are drawn around whole numbers
        assert corners.max(0).tolist() == [right - 0.5, bottom - 0.5], name
    assert tuple(outlines) == HOG_REGIONS


def results(folder, feature, row, recipe, frames, **others):
    provenance = {"feature": feature, "database": "samm", "recipe": {"descriptor": recipe}, "code_digest": ""}
    FeatureStore.write(folder / "features" / feature / "samm.h5", row[None], ["c"], ["s"], provenance=provenance)
    with write_shard(folder / "frames" / "tim_16" / "samm" / "s.h5", {}) as shard:
        shard.add("c", frames, **others)


@pytest.mark.parametrize("with_landmarks", [True, False])
@pytest.mark.parametrize("feature", ["mdmo", "hog_3d"])
def test_from_the_store_to_the_picture(moving_face, motion, landmarks, tmp_path, feature, with_landmarks):
    """The landmarks are those of the recording, of which the crop is the part that begins at (10, 20)."""
    others = {
        "landmarks": landmarks + np.float32([10, 20]),
        "transform": np.float32([[1, 0, -10], [0, 1, -20]]),
    }
    row = mdmo(motion, landmarks) if feature == "mdmo" else hog_3d(moving_face, landmarks)
    recipe = {"descriptor": feature, "frames": "tim_16", "beta": 0.9, "bins": [8, 12, 12]}
    results(tmp_path, feature, row, recipe, moving_face, **(others if with_landmarks else {}))
    show_feature(feature, "c", tmp_path / "out.png", results=tmp_path)
    picture = matplotlib.image.imread(tmp_path / "out.png")[..., :3]
    hue, saturation, _ = np.moveaxis(matplotlib.colors.rgb_to_hsv(picture), -1, 0)
    green = ((hue > 0.25) & (hue < 0.45) & (saturation > 0.8)).mean()  # in the key alone, which only the face has
    assert (green > 0.005) == with_landmarks
