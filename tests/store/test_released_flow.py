"""Released flow images: a made-up archive, what is refused, and the real one with the meaning of its planes."""

import numpy as np
import pytest
from typer.testing import CliRunner

from cdmer.errors import CdmerError
from cdmer.store.commands import store_app
from cdmer.store.feature_store import FeatureStore
from cdmer.store.released_flow import import_flow_images

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 3), dtype=np.uint8)
ARRAYS = {
    "bgr": IMAGES,
    "label": np.array([0, 2, 1]),
    "subject": np.array(["s01", "s01", "sub09"]),
    "dataset": np.array(["smic", "smic", "casme2"]),
    "clip": np.array(["s01_ne_01", "s01_su_01", "EP01_02"]),
}


def archive(path, **changed):
    np.savez(path, **{name: array for name, array in {**ARRAYS, **changed}.items() if array is not None})
    return path


def test_planes_are_u_v_strain_from_0_to_1(tmp_path):
    store = import_flow_images(archive(tmp_path / "flow.npz"), tmp_path / "out.h5", database="smic_hs")
    rows = store.load()
    np.testing.assert_allclose(rows.X[1, 0], IMAGES[1, :, :, 2] / 255, atol=1e-6)
    np.testing.assert_allclose(rows.X[1, 2], IMAGES[1, :, :, 0] / 255, atol=1e-6)
    assert (store.dtype, store.shape) == (np.uint8, (2, 3, 28, 28))
    assert (rows.clip.tolist(), rows.label.tolist()) == (["s01_ne_01", "s01_su_01"], ["negative", "surprise"])
    assert store.provenance["recipe"]["imported"]["planes"] == ["u", "v", "strain"]
    assert store.verify() == []


def test_some_planes_alone(tmp_path):
    source = archive(tmp_path / "flow.npz")
    rows = import_flow_images(source, tmp_path / "o.h5", database="casme2", planes=["v", "u"]).load()
    np.testing.assert_allclose(rows.X[0] * 255, IMAGES[2].transpose(2, 0, 1)[[1, 2]], atol=1e-4)


@pytest.mark.parametrize(
    ("changed", "database", "words"),
    [
        ({}, None, "clips of casme2, smic_hs"),
        ({}, "samm", "no clip of samm"),
        ({"label": np.array([0, 7, 1])}, "smic_hs", "unknown label 7"),
        ({"bgr": IMAGES.astype(float)}, "smic_hs", "bgr is float64"),
        ({"clip": None}, "smic_hs", "not an archive of flow images"),
        ({"clip": np.array(["a"])}, "smic_hs", "different lengths"),
        ({"label": np.array([[0], [2], [1]])}, "smic_hs", r"label is int64 \(3, 1\), not one number a clip"),
        ({"label": np.array(1)}, "smic_hs", r"label is int64 \(\), not one number"),
        ({"label": np.array(["0", "2", "1"])}, "smic_hs", "label is <U1"),
        ({"dataset": np.array([["smic"], ["smic"], ["casme2"]])}, "smic_hs", "dataset is <U6"),
        ({"subject": np.array([1, 1, 9])}, "smic_hs", r"subject is int64 \(3,\), not one text a clip"),
        ({"clip": np.array(["a", "b\0c", "d"])}, "smic_hs", "clip has a text with a NUL"),
        ({name: array[:0] for name, array in ARRAYS.items()}, None, "holds no clip"),
    ],
)
def test_what_is_no_archive_of_flow_images(tmp_path, changed, database, words):
    with pytest.raises(CdmerError, match=words) as caught:
        import_flow_images(archive(tmp_path / "flow.npz", **changed), tmp_path / "out.h5", database=database)
    assert caught.value.remedy
    assert not (tmp_path / "out.h5").exists()


def test_a_damaged_archive(tmp_path):
    path = archive(tmp_path / "flow.npz")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CdmerError, match="flow images"):
        import_flow_images(path, tmp_path / "out.h5", database="smic_hs")


def test_the_command_line_tells_flow_images_from_an_export(tmp_path):
    path, store = archive(tmp_path / "flow.npz"), tmp_path / "flow.h5"
    done = CliRunner().invoke(store_app, ["import", str(path), str(store), "--database", "casme2"])
    assert done.exit_code == 0, done.output
    assert "1 rows of 3 x 28 x 28" in done.output
    assert FeatureStore(store).provenance["feature"] == "flow_strain_28"
    export, back = tmp_path / "export.npz", tmp_path / "back.h5"
    for arguments in (["export", str(store), str(export)], ["import", str(export), str(back)]):
        assert CliRunner().invoke(store_app, arguments).exit_code == 0
    np.testing.assert_array_equal(FeatureStore(back).load().X, FeatureStore(store).load().X)


def strain(u, v):
    """The formula of STSTNet, with plain differences."""
    (uy, ux), (vy, vx) = np.gradient(u), np.gradient(v)
    return np.sqrt(ux**2 + vy**2 + (uy + vx) ** 2 / 2)


def likeness(u, v, plane):
    """Correlation with a plane; u and v were scaled apart, so that their ratio is open."""
    return max(
        np.corrcoef(strain(u, v * 2**power).ravel(), plane.ravel())[0, 1] for power in (-2, -1, -0.5, 0, 0.5, 1, 2)
    )


def test_the_third_plane_of_the_real_images_is_the_strain_of_the_first_two(real, tmp_path):
    source = real / "megc2019" / "flow28_smic_casme2.npz"
    stores = {
        name: import_flow_images(source, tmp_path / f"{name}.h5", database=name) for name in ("smic_hs", "casme2")
    }
    assert {name: len(store) for name, store in stores.items()} == {"smic_hs": 164, "casme2": 145}
    rows = np.concatenate([store.load().X for store in stores.values()])[::4]
    as_told = np.array([likeness(u, v, s) for u, v, s in rows])
    assert np.median(as_told) > 0.85
    # any other reading fits worse: planes of another clip, planes in another order, a plane turned round
    assert np.median([likeness(u, v, s) for (u, v, _), (*_, s) in zip(rows, np.roll(rows, 9, 0), strict=True)]) < 0.3
    assert np.median([likeness(s, v, u) for u, v, s in rows]) < 0.3
    assert np.median(as_told - [likeness(v, u, s) for u, v, s in rows]) > 0
    assert np.median(as_told - [likeness(u, -v, s) for u, v, s in rows]) > 0
