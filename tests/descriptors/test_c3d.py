"""C3D with small random weights: the network against scipy's correlations, weights and what is said without them."""

import numpy as np
import pytest
from scipy.ndimage import correlate

from cdmer.descriptors import c3d_weights
from cdmer.descriptors.c3d_weights import CONVOLUTIONS, LAYERS, import_c3d, weights_place
from cdmer.errors import CdmerError
from cdmer.frames.adaptive_convolution.weights import load_weights, save_weights

torch = pytest.importorskip("torch")
from cdmer.descriptors import c3d  # noqa: E402

CHANNELS = dict(zip(LAYERS, (2, 3, 2, 3, 2, 3, 2, 3, 10, 6), strict=True))
SEQUENTIAL = dict(
    zip(LAYERS, [*(f"features.{n}" for n in (0, 3, 6, 8, 11, 13, 16, 18)), "classifier.0", "classifier.3"], strict=True)
)


@pytest.fixture
def tensors():
    rng = np.random.default_rng(0)
    found, inputs = {}, 3
    for name in LAYERS:
        outputs = CHANNELS[name]
        shape = (
            (outputs, inputs, 3, 3, 3) if name in CONVOLUTIONS else (outputs, inputs * 16 if name == "fc6" else inputs)
        )
        found[f"{name}.weight"] = rng.normal(0, 1.5 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)
        found[f"{name}.bias"] = rng.normal(0, 0.1, outputs).astype(np.float32)
        inputs = outputs
    return found


@pytest.fixture
def weights(tensors, tmp_path):
    save_weights(tmp_path / "small.safetensors", tensors, {})
    return tmp_path / "small.safetensors"


@pytest.fixture
def clip(smooth_clip):
    return smooth_clip((16, 112, 112))


def reference(clip, tensors):
    """fc6 and fc7 after their ReLU, in float64."""
    bgr = clip[..., ::-1] if clip.ndim == 4 else np.repeat(clip[..., None], 3, axis=-1)
    values = bgr.transpose(3, 0, 1, 2).astype(float) - np.array([90, 98, 102.0])[:, None, None, None]
    for name in CONVOLUTIONS:
        weight, bias = tensors[f"{name}.weight"].astype(float), tensors[f"{name}.bias"]
        values = np.array(
            [
                sum(correlate(v, w, mode="constant") for v, w in zip(values, out, strict=True)) + b
                for out, b in zip(weight, bias, strict=True)
            ]
        ).clip(0)
        if name == "conv5b":
            values = np.pad(values, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
        if name in ("conv1", "conv2", "conv3b", "conv4b", "conv5b"):
            deep = 1 if name == "conv1" else 2
            frames, height, width = (
                side // step * step for side, step in zip(values.shape[1:], (deep, 2, 2), strict=True)
            )
            shape = (len(values), frames // deep, deep, height // 2, 2, width // 2, 2)
            values = values[:, :frames, :height, :width].reshape(shape).max(axis=(2, 4, 6))
    fc6 = (tensors["fc6.weight"] @ values.ravel() + tensors["fc6.bias"]).clip(0)
    return fc6, (tensors["fc7.weight"] @ fc6 + tensors["fc7.bias"]).clip(0)


@pytest.mark.parametrize("color", [False, True])
def test_equals_the_network_written_out(clip, tensors, weights, color):
    seen = np.stack([clip, clip[::-1], 255 - clip], axis=-1) if color else clip
    for layer, wanted in zip(("fc1", "fc2"), reference(seen, tensors), strict=True):
        found = c3d(seen, layer, weights=weights)
        assert found.dtype == np.float32
        assert wanted.any()
        np.testing.assert_allclose(found, wanted / np.linalg.norm(wanted), atol=1e-5)


@pytest.mark.parametrize("named", ["by layer", "in sequence", "inside state_dict", "in parallel"])
def test_a_checkpoint_is_imported_and_used(clip, tensors, weights, tmp_path, monkeypatch, named):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    names = {name: name for name in LAYERS} if named == "by layer" else SEQUENTIAL
    state = {
        f"{names[key.partition('.')[0]]}.{key.partition('.')[2]}": torch.from_numpy(t) for key, t in tensors.items()
    }
    state["fc8.weight"] = torch.zeros(487, 6)
    if named == "in parallel":
        state = {f"module.{name}": tensor for name, tensor in state.items()}
    torch.save({"state_dict": state} if named == "inside state_dict" else state, tmp_path / "c3d.pth")
    place = import_c3d(tmp_path / "c3d.pth", "ucf101")
    assert place == weights_place("ucf101")
    stored, about = load_weights(place)
    assert about["trained_on"] == "ucf101"
    assert set(stored) == set(tensors)
    np.testing.assert_array_equal(c3d(clip, "fc2", "ucf101"), c3d(clip, "fc2", weights=weights))


def test_without_weights_it_says_so_and_names_doctor(clip, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(CdmerError, match=r"c3d_sports1m.safetensors .*cdmer doctor") as caught:
        c3d(clip)
    assert "cdmer features import-c3d" in caught.value.remedy


def test_other_files_are_refused(tensors, tmp_path, clip):
    (tmp_path / "bad.pth").write_bytes(b"no checkpoint")
    with pytest.raises(CdmerError, match="no checkpoint that PyTorch reads"):
        import_c3d(tmp_path / "bad.pth", "ucf101")
    with pytest.raises(CdmerError, match="cannot be read"):
        import_c3d(tmp_path / "none.pth", "ucf101")
    torch.save({"layer1.weight": torch.zeros(3)}, tmp_path / "resnet.pth")
    with pytest.raises(CdmerError, match=r"not C3D: it has no conv1.weight"):
        import_c3d(tmp_path / "resnet.pth", "ucf101")
    wrong = {**tensors, "conv4a.weight": tensors["conv4a.weight"][:, :1]}
    save_weights(tmp_path / "wrong.safetensors", wrong, {})
    with pytest.raises(CdmerError, match=r"conv4a.weight is \(2, 1, 3, 3, 3\)"):
        c3d(clip, weights=tmp_path / "wrong.safetensors")


@pytest.mark.parametrize(
    ("shape", "words"), [((15, 112, 112), "15, 112"), ((16, 112, 100), "100"), ((16, 112, 112, 2), "uint8")]
)
def test_clips_of_another_shape_are_refused(shape, words, weights):
    with pytest.raises(CdmerError, match=words):
        c3d(np.ones(shape, np.uint8), weights=weights)


def test_black_frames_and_unknown_layers_are_refused(clip, weights):
    with pytest.raises(CdmerError, match="black"):
        c3d(np.zeros((16, 112, 112), np.uint8), weights=weights)
    with pytest.raises(CdmerError, match="fc8"):
        c3d(clip, "fc8", weights=weights)


def test_a_person_reads_in_doctor_where_the_weights_belong(tmp_path, monkeypatch):
    from cdmer.doctor import _c3d

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert [(f.ok, f.needed) for f in _c3d()] == [(False, False)] * 2
    assert all(str(tmp_path) in f.found and "import-c3d" in f.remedy for f in _c3d())
    place = c3d_weights.weights_place("ucf101")
    place.parent.mkdir()
    place.write_bytes(b"weights")
    assert [f.ok for f in _c3d()] == [False, True]
