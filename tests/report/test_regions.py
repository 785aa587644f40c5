"""Where models on blocks look: maps whose answer is known."""

import re

import numpy as np
import pytest

from cdmer.config import read_config
from cdmer.planning.plan import Plan
from cdmer.report.clips import mean_face
from cdmer.report.regions import _drawn, region_map, weights_of_blocks
from cdmer.store.shard import read_shard

from .conftest import DATABASES, PEOPLE
from .reading import decoded, opened


def test_a_block_is_laid_where_it_is():
    weights = np.zeros(85)
    weights[1 + 4 + 16 + 8 * 2 + 5] = 3.0  # of the finest grid: third row, sixth column
    face = region_map(weights, (1, 2, 4, 8))
    assert face.shape == (8, 8)
    assert face[2, 5] == pytest.approx(64)  # all there is, on one of 64 places
    assert np.count_nonzero(face) == 1


def test_the_weight_of_a_large_block_is_spread_over_it():
    face = region_map(np.array([1.0, 0, 0, 0, 1.0]), (1, 2))  # the whole face, and its lower right quarter
    np.testing.assert_allclose(face, np.array([[1, 1], [1, 5]]) / 2)


def test_no_weight_is_no_map():
    assert not region_map(np.zeros(5), (1, 2)).any()


@pytest.mark.parametrize(
    ("name", "parameters"), [("tgsr.TGSR", {"kappa": 1, "n_blocks": 4}), ("rstr.RSTR", {"n_blocks": 4, "tau": 0.5})]
)
def test_the_block_that_holds_the_classes_is_the_one_looked_at(name, parameters):
    rng = np.random.default_rng(0)
    X = rng.random((60, 4, 10)) * 0.1
    y = rng.integers(0, 2, 60)
    X[np.arange(60), 2, y] += 1
    X /= X.sum(-1, keepdims=True)
    module, estimator = name.split(".")
    settings = {"module": f"cdmer.adaptation.{module}", "estimator": estimator, "parameters": parameters}
    flat = X.reshape(60, -1)
    weights = weights_of_blocks(settings, flat[:40], [f"c{k}" for k in y[:40]], flat[40:])
    assert weights.shape == (4,) and weights.argmax() == 2


def test_only_groups_that_are_blocks_of_the_face_are_drawn():
    plan = Plan(read_config({"cohort": {"size": "tiny"}, "models": ["SVM", "TGSR", "TGSR@released", "RSTR"]}))
    regions = plan.report_settings()["regions"]
    assert set(regions) == {"TGSR", "RSTR"}
    assert regions["TGSR"]["grids"] == [1, 2, 4, 8] and regions["TGSR"]["eyes"] == [0.4, 0.36]
    assert plan.report_models() == ["cdmer.adaptation.rstr", "cdmer.adaptation.tgsr"]


def test_the_mean_face_is_that_of_the_people_who_may_be_shown(run):
    """Every person once, whatever the number of clips; by the mean of the onset frames of the files themselves."""
    shown = run.results()
    people = []
    for database in DATABASES:
        for shard in sorted((run.folder / f"faces/aligned_112/{database}").glob("*.h5")):
            onsets = [record.frames[0].astype(float) for record in read_shard(shard)]
            people.append(np.mean(onsets, axis=0))
    assert len(people) == len(DATABASES) * PEOPLE
    found = mean_face(shown, "aligned_112")
    assert found.mean() == pytest.approx(np.mean(people), abs=0.5)  # it is drawn larger than it was cropped
    mean = run.faces("mean").results()
    np.testing.assert_allclose(mean_face(mean, "aligned_112"), found)  # six people a database are enough
    assert mean_face(run.faces("none").results(), "aligned_112") is None


def test_a_map_lies_on_the_face_and_on_black_where_none_may_be_shown():
    """In the corners no block counts: there the face is seen, or nothing."""
    corners, middle = [], np.pad(np.ones((2, 2)), 1)
    for face in (np.full((12, 12), 128.0), None):
        page = decoded(_drawn("TGSR", {"V->N": middle}, [0.4, 0.36], face).uri)[1].decode()
        pictures = re.findall(r'href="(data:image/png;base64,[^"]+)"', "".join(page.split("\n")))
        pixels = [np.asarray(opened({"src": uri}).convert("RGB")) for uri in pictures]
        square = max(pixels, key=lambda found: min(found.shape[:2]))
        corners.append(square[4, -5].tolist())
    assert corners[0] == [128, 128, 128]
    assert max(corners[1]) < 10
