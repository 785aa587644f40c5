"""Pictures of trained networks: what is read back, which numbers are drawn, what is refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from cdmer.errors import CdmerError
from cdmer.networks.dscnn import DSCNN
from cdmer.networks.fr import FR, BasicInception
from cdmer.networks.training import Machinery, Trained
from cdmer.protocols.network_training import Training, save_weights
from cdmer.report import networks
from cdmer.report.networks import (
    classified_features,
    draw_features,
    layer_maps,
    network_pictures,
    read_network,
    show_network,
)
from cdmer.report.results import read_results
from cdmer.store.feature_store import FeatureStore

CLASSES = ["negative", "positive", "surprise"]


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    for kind in (DSCNN, FR, BasicInception):
        monkeypatch.setattr(kind, "width", 16)


@pytest.fixture
def kept(tmp_path):
    """Weights of an untrained network on disk, and the network."""

    def make(kind, rounds=1, **options):
        torch.manual_seed(3)
        network = kind(3, **options).eval()
        module = kind.__module__
        training = Training(module, kind.__name__, options, {}, "quick", 1, 1, rounds, Machinery(device="cpu"))
        one = Trained(np.zeros((1, 1, 3), np.float32), {}, network.state_dict())
        path = tmp_path / kind.__name__ / "weights.safetensors"
        path.parent.mkdir()
        save_weights(path, [one] * rounds, training, CLASSES)
        return path, network

    return make


@pytest.fixture
def store(tmp_path):
    def write(shape, n=9):
        X = np.random.default_rng(0).random((n, *shape), dtype=np.float32)
        names = [f"c{index}" for index in range(n)]
        path = tmp_path / "casme2.h5"
        about = {"feature": "f", "database": "casme2", "recipe": {}, "code_digest": "c"}
        FeatureStore.write(path, X, names, ["s"] * n, ["happiness"] * n, provenance=about)
        return path, X, names

    return write


def test_the_network_that_is_read_answers_as_the_one_that_was_kept(kept):
    path, network = kept(FR, preset="fr_table7", attention_scale="none")
    found = read_network(path)
    x = torch.rand(4, 2, 28, 28)
    with torch.no_grad():
        torch.testing.assert_close(found.network(x), network(x), rtol=0, atol=0)
    assert (found.title, found.classes) == ("FR", CLASSES)
    assert found.network.attention_scale == 1.0


def test_the_maps_are_what_the_layers_put_out(kept):
    path, network = kept(DSCNN, pool_pads=(2, 1, 0))
    sample = np.random.default_rng(1).random((5, 48, 48), dtype=np.float32)
    maps = layer_maps(read_network(path), sample, "temporal")
    assert [one.shape for one in maps.values()] == [
        (64, 44, 44), (64, 22, 22), (64, 22, 22), (64, 22, 22), (64, 11, 11), (128, 11, 11), (128, 11, 11), (128, 5, 5)
    ]  # fmt: skip
    # the first convolution by hand at one place of one map, and its slope below 0
    stream, flow = network.temporal, torch.from_numpy(sample[1:])
    value = (stream.conv1.weight[7] * flow[:, 3:8, 10:15]).sum() + stream.conv1.bias[7]
    value = value if value > 0 else 0.25 * value
    assert maps["convolution 1"][7, 3, 10] == pytest.approx(value.item(), abs=1e-5)
    # and the last pool is what FC1 reads
    features = stream.act6(stream.fc1(torch.from_numpy(maps["average pool 2"]).flatten()[None]))
    torch.testing.assert_close(features, network.features(torch.from_numpy(sample[None]))["temporal"])


def test_features_are_what_the_last_layers_classify(kept):
    path, network = kept(FR)
    X = np.random.default_rng(2).random((5, 2, 28, 28), dtype=np.float32)
    (shared_title, shared), (refined_title, refined) = classified_features(read_network(path), X)
    assert (shared_title, refined_title) == ("FR: shared", "FR: refined")
    with torch.no_grad():
        logits = network.output(network.hidden(torch.from_numpy(refined)).relu())
        torch.testing.assert_close(logits, network(torch.from_numpy(X)))
        gates = torch.stack([layer(torch.from_numpy(shared)).softmax(-1) for layer in network.attentions]).sum(0)
    # three attentions whose entries sum to 1, times the number of features, on the shared ones
    np.testing.assert_allclose(refined, 16 * gates.numpy() * shared, rtol=1e-4)


def test_features_far_apart_are_drawn_with_their_silhouette():
    rng = np.random.default_rng(4)
    label = np.repeat(CLASSES, 6)
    apart = np.repeat(np.eye(3, dtype=np.float32) * 10, 6, 0) + rng.normal(0, 0.01, (18, 3)).astype(np.float32)
    mixed = rng.normal(0, 1, (18, 3)).astype(np.float32)
    titles = [axis.get_title() for axis in draw_features([("a", apart), ("b", mixed)], label).axes]
    assert titles[0] == "a\nsilhouette 1.00"
    assert float(titles[1].split()[-1]) < 0.3
    places = draw_features([("a", apart)], label).axes[0].collections
    assert [len(one.get_offsets()) for one in places] == [6, 6, 6]


def test_both_pictures_are_written(kept, store, tmp_path):
    path, _, _ = store((5, 48, 48))
    weights, _ = kept(DSCNN)
    show_network([weights], path, tmp_path / "maps.png", clip="c4", stream="temporal")
    with Image.open(tmp_path / "maps.png") as image:
        assert image.width == 1800
    path.unlink()
    path, _, names = store((2, 28, 28), n=12)
    both = [kept(kind)[0] for kind in (BasicInception, FR)]
    predicted = pd.DataFrame({"clip": names[:9], "label": CLASSES * 3})  # three clips have no part in the protocol
    predicted.to_csv(both[0].with_name("predictions.csv"), index=False)
    show_network(both, path, tmp_path / "features.png")
    with Image.open(tmp_path / "features.png") as image:
        assert image.width > 2 * image.height


def test_a_clip_may_be_called_na(kept, tmp_path, monkeypatch):
    names = ["NA", "nan", "007", *(f"c{index}" for index in range(6))]
    about = {"feature": "f", "database": "casme2", "recipe": {}, "code_digest": "c"}
    X = np.random.default_rng(0).random((9, 2, 28, 28), dtype=np.float32)
    FeatureStore.write(tmp_path / "casme2.h5", X, names, ["s"] * 9, ["happiness"] * 9, provenance=about)
    weights, _ = kept(FR)
    table = {"clip": names, "subject": "s", "label": CLASSES * 3, "predicted": CLASSES * 3}
    pd.DataFrame(table).to_csv(weights.with_name("predictions.csv"), index=False)
    drawn = []
    draw = networks.draw_features
    monkeypatch.setattr(networks, "draw_features", lambda panels, label: drawn.append(label) or draw(panels, label))
    show_network([weights], tmp_path / "casme2.h5", tmp_path / "features.png")
    assert list(drawn[0]) == CLASSES * 3


def test_what_cannot_be_drawn_is_said(kept, store, tmp_path):
    weights, _ = kept(DSCNN)
    path, _, _ = store((5, 48, 48), n=4)
    with pytest.raises(CdmerError, match="does not exist"):
        read_network(tmp_path / "none.safetensors")
    with pytest.raises(CdmerError, match="no weights of round 2"):
        read_network(weights, 2)
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    with pytest.raises(CdmerError, match="cannot be read"):
        read_network(tmp_path / "bad.safetensors")
    with pytest.raises(CdmerError, match="no clip c9"):
        show_network([weights], path, tmp_path / "x.png", clip="c9")
    with pytest.raises(CdmerError, match="no sideways stream"):
        show_network([weights], path, tmp_path / "x.png", stream="sideways")
    with pytest.raises(CdmerError, match="are not drawn"):
        classified_features(read_network(weights), np.zeros((1, 5, 48, 48), np.float32))
    flow, _ = kept(FR)
    with pytest.raises(CdmerError, match="holds samples"):
        show_network([flow], path, tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


def test_a_training_that_kept_nothing_says_how_to_keep(kept):
    weights, _ = kept(FR, rounds=0)
    with pytest.raises(CdmerError, match="keep_weights: 1"):
        read_network(weights)


@pytest.fixture
def results(kept, store, tmp_path):
    """The results of H -> C of DSCNN, FR and Basic Inception, as far as pictures read them."""

    def make(faces="show", weights=True, models=("DSCNN", "FR", "Basic-Inception")):
        root = tmp_path / "results"
        for model, kind in (("DSCNN", DSCNN), ("FR", FR), ("Basic-Inception", BasicInception)):
            shape, feature = ((5, 48, 48), "dscnn_48") if kind is DSCNN else ((2, 28, 28), "flow_tvl1_28")
            path, _, names = store(shape)
            (root / f"features/{feature}").mkdir(parents=True, exist_ok=True)
            path.rename(root / f"features/{feature}/casme2.h5")
            folder = root / f"models/cdmer/H_to_C/{model}"
            folder.mkdir(parents=True)
            kept(kind)[0].rename(folder / "weights.safetensors")
            table = {
                "clip": names,
                "label": CLASSES * 3,
                "predicted": CLASSES * 3,
                "subject": "s",
                "selection": "source",
            }
            pd.DataFrame(table).to_csv(folder / "predictions.csv", index=False)
        database = {"origin": "synthetic", "faces": faces}
        protocol = {
            "experiments": {"H_to_C": ["H->C", "smic_hs", "casme2"]},
            "models": {model: ["H_to_C"] for model in (*models, "SVM")},
            "networks": list(models),
            "features": {"DSCNN": "dscnn_48", "FR": "flow_tvl1_28", "Basic-Inception": "flow_tvl1_28", "SVM": "f"},
        }
        settings = {
            "databases": {"smic_hs": database, "casme2": database}, "protocols": {"cdmer": protocol}, "faces": faces,
            "recipes": [], "features": {}, "transforms": {}, "regions": {}, "selections": ["source"],
            "casme2_negative": "disgust_sadness_fear", "honesty": False, "disjoint": False, "weights": weights,
        }  # fmt: skip
        (root / "exclusions.csv").touch()
        return read_results([path for path in root.rglob("*") if path.is_file()], root / "benchmarks", settings)

    return make


def test_the_report_shows_maps_of_both_streams_and_features_beside_each_other(results, monkeypatch):
    drawn = []
    draw = networks.draw_features
    monkeypatch.setattr(networks, "draw_features", lambda panels, label: drawn.append(panels) or draw(panels, label))
    run = results()
    spatial, temporal = network_pictures(run, "DSCNN")
    assert spatial.alt == "H → C: the spatial stream's maps for clip c0 of CASME II"
    assert "temporal" in temporal.alt
    assert spatial.of_clips
    assert temporal.of_clips
    (features,) = network_pictures(run, "FR")
    assert not features.of_clips
    assert [title for title, _ in drawn[0]] == ["Basic Inception", "FR: shared", "FR: refined"]
    assert network_pictures(run, "SVM") == []


def test_the_report_shows_no_maps_of_people_who_may_not_be_shown(results):
    assert network_pictures(results(faces="none"), "DSCNN") == []


def test_the_report_shows_no_network_whose_weights_were_not_kept(results):
    assert network_pictures(results(weights=False), "FR") == []
