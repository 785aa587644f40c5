"""The configuration: what is accepted, what is refused and with which words."""

import importlib

import pytest
import torch
import yaml

from cdmer.config import Config, json_schema, read_config, reference
from cdmer.config.models import names_of_classes
from cdmer.errors import CdmerError


def test_the_default_file_is_the_default(repository):
    """config.yaml says what happens anyway; when the two part, readers of the file are misled."""
    from_file = read_config(yaml.safe_load((repository / "config.yaml").read_text()))
    assert from_file == read_config({})


def test_schema_and_reference_have_not_drifted(repository):
    """`make docs` writes both."""
    assert (repository / "workflow/schemas/config.schema.json").read_text() == json_schema()
    assert (repository / "docs/configuration.md").read_text() == reference()


def test_every_key_is_documented():
    undocumented = [name for name, field in Config.model_fields.items() if not field.description]
    assert not undocumented


@pytest.mark.parametrize("name", ["descriptors", "everything", "paper-scale", "real-databases", "released-features"])
def test_the_shipped_configurations_are_valid(repository, name):
    read_config(yaml.safe_load((repository / f"workflow/configs/{name}.yaml").read_text()))


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"selecton": ["default"]}, ["selecton: unknown key", "'selection'"]),
        ({"databases": {"casme2": {"rot": "x"}}}, ["databases.casme2.rot: unknown key", "'root'"]),
        ({"faces": {"aligned_112": {"sise": 64}}}, ["faces.aligned_112.sise", "'size'"]),
        ({"model_settings": {"SVM": {"c": 1}}}, ["model_settings.SVM.c", "'C'"]),
        ({"models": ["SWM"]}, ["'SWM'", "'SVM'"]),
        ({"model_settings": {"TGSR@relesed": {}}}, ["model_settings.TGSR@relesed: unknown key", "'TGSR@released'"]),
        ({"model_settings": {"TGSR@released": {"kapa": 1}}}, ["model_settings.TGSR@released.kapa", "'kappa'"]),
        ({"model_settings": {"TGSR": {"n_blocks": 84}}}, ["TGSR.n_blocks: 84", "lbp_top_r3p8 has 85"]),
        ({"selection": ["orakel"]}, ["selection", "'oracle'"]),
        ({"features": {"mine": {"frames": "tim_61"}}}, ["features.mine.frames", "'tim_16'"]),
        ({"databases": {"x": {"reader": "smik"}}}, ["databases.x.reader", "'smic'"]),
        ({"databases": {"x": {"reader": "clips"}}}, ["databases.x", "root"]),
        ({"rounds": 0}, ["rounds", "greater than or equal to 1"]),
        ({"imported_features": [{"database": "casme3", "file": "x.mat"}]}, ["casme3", "'casme2'"]),
        ({"features": {"mine": {"raduis": 1}}}, ["features.mine.raduis: unknown key", "'radius'", "neighbors"]),
        ({"features": {"lbp_top": {"descriptor": "lbp_sip", "gids": [1]}}}, ["features.lbp_top.gids", "'grids'"]),
        ({"features": {"mine": {"descriptor": "lbp_spi"}}}, ["features.mine.descriptor", "'lbp_sip'"]),
        ({"features": {"lbp_sip": {"descriptor": "lbp_sip", "radius": 0}}}, ["features.lbp_sip.radius: input"]),
        ({"features": {"mine": {"frames": "onset_central_offset"}}}, ["features.mine", "clips of one length"]),
        ({"features": {"mine": {"frames": "onset_apex_offset"}}}, ["features.mine", "3 frames"]),
        ({"features": {"mine": {"radius": [1, 2]}}}, ["features.mine", "neither one number nor three"]),
        ({"features": {"mine": {"radius": [1, 0, 1]}}}, ["features.mine.radius.1: input"]),
        ({"features": {"mine": {"descriptor": "elbp_top", "radius": 1}}}, ["features.mine", "at least 2"]),
        ({"features": {"mine": {"descriptor": "lpq_top", "decorrelation": [1, 0]}}}, ["mine.decorrelation.0", "less"]),
        ({"features": {"mine": {"descriptor": "bi_woof", "frames": "tim_16"}}}, ["features.mine", "[onset, apex]"]),
        ({"features": {"mine": {"descriptor": "hoof", "grids": [113], "frames": "tim_16"}}}, ["mine", "grids"]),
        (
            {"features": {"mine": {"descriptor": "c3d", "frames": "keyframes_11"}}},
            ["features.mine", "16 frames of 112"],
        ),
        (
            {"faces": {"aligned_112": {"detector": "none", "alignment": "whole"}}, "models": ["SVM@mdmo"]},
            ["features.mdmo", "needs landmarks", "detector: none"],
        ),
        ({"frames": {"tim_16": {"length": 20}}, "models": ["SVM@c3d_fc1_ucf101"]}, ["c3d_fc1_ucf101", "not 20"]),
        ({"frames": {"tim_16": {"length": 3}}, "features": {"mine": {"radius": 2}}, "models": ["SVM@hoof"]}, ["mine"]),
        ({"models": ["SVM@lbp_spi_r1"]}, ["SVM@FEATURE", "'lbp_sip_r1'"]),
        ({"models": ["SWM@hoof"]}, ["'SWM'", "'SVM'"]),
        ({"models": ["TGSR@c3d_fc1_ucf101"]}, ["TGSR weighs facial blocks", "c3d_fc1_ucf101"]),
        ({"models": ["TGSR@mdmo"]}, ["TGSR@mdmo", "43 of 36 blocks"]),
        ({"frames": {"tim_16": {"rounding": "none"}}}, ["lbp_top_r3p8", "half_up"]),
        ({"faces": {"aligned_112": {"color": "rgb"}}}, ["lbp_top_r3p8", "grey"]),
        ({"faces": 3}, ["faces"]),
        ({"faces": {"mine": {"detector": "dlip"}}}, ["faces.mine.detector", "mtcnn"]),
        ({"faces": {"mine": {"detector": "none"}}}, ["faces.mine", "alignment: whole"]),
        ({"faces": {"mine": {"alignment": "whole"}}}, ["faces.mine", "detector: none"]),
        ({"faces": {"mine": {"expand": [0, 0.1, 0, 0]}}}, ["faces.mine", "alignment: box"]),
        ({"faces": {"mine": {"alignment": "box", "expand": [-0.5, 0, -0.5, 0]}}}, ["faces.mine", "whole box"]),
        ({"faces": {"mine": {"intermediate": {"samm": [9, 9]}}}}, ["faces.mine", "resamples once"]),
        ({"frames": {"tim_16": {"apex": "middle"}}}, ["frames.tim_16", "`apex` does nothing", "tim"]),
        ({"frames": {"few": {"interpolation": "select"}}}, ["frames.few", "moments"]),
        ({"frames": {"keyframes_11": {"length": 2}}}, ["frames.keyframes_11", "at least 3"]),
        ({"frames": {"few": {"interpolation": "select", "moments": ["peak"]}}}, ["frames.few.moments", "apex"]),
        ({"models": "TCA"}, ["models: expected a list", "'TCA'"]),
        ({"selection": "oracle"}, ["selection: expected a list", "'oracle'"]),
        ({"databases": {"casme2": "/data/casme2"}}, ["databases.casme2: expected keys", "'/data/casme2'"]),
        ({"rounds": "many"}, ["rounds: expected a whole number"]),
        ({"rounds": True}, ["rounds: expected a number, but it is true"]),
        ({"rounds": 10**20}, ["rounds: input should be less than or equal to 1000"]),
        ({"protocols": ["cde", "cde"]}, ["protocols: 'cde' is listed twice"]),
        ({"models": ["SVM", "TCA", "SVM"]}, ["models: 'SVM' is listed twice"]),
        ({"frames": {"keyframes_11": {"synthesis": "average", "network": "own"}}}, ["`network` does nothing here"]),
        (
            {"frames": {"keyframes_11": {"synthesis": "adaptive_convolution", "network": "own"}}},
            ["frames.keyframes_11.network", "'own'"],
        ),
        ({"interpolators": {"own": {}}}, ["interpolators.own", "nothing to learn from"]),
        ({"interpolators": {"own": {"databases": ["casme3"]}}}, ["interpolators.own.databases", "'casme2'"]),
        ({"interpolators": {"own": {"cohort": "tiny", "faces": "x"}}}, ["interpolators.own.faces"]),
        ({"interpolators": {"shipped": {"cohort": "tiny"}}}, ["interpolators.shipped", "another name"]),
        ({"interpolators": {"own": {"cohort": "tiny", "side": 40}}}, ["interpolators.own.side", "32"]),
        ({"model_settings": {"FR-fc": {"momentum": 0.5}}}, ["model_settings.FR-fc: momentum 0.5", "Adam"]),
        (
            {"model_settings": {"DSCNN": {"rate": 0.01, "least_rate": 0.1}}},
            ["model_settings.DSCNN: least_rate 0.1 is above the rate, 0.01"],
        ),
        ({"model_settings": {"MERSiamC3D": {"alpha": [1.0]}}}, ["model_settings.MERSiamC3D.alpha: [1.0]", "classes"]),
        ({"model_settings": {"DSCNN": {"flow_channels": 2}}}, ["model_settings.DSCNN.feature: dscnn_48 has 4 planes"]),
        ({"features": {"dscnn_48": {"planes": "rise"}}}, ["dscnn_48 has 2 planes", "`flow_channels` says 4"]),
        ({"features": {"tscnn_48": {"planes": "rise"}}}, ["TSCNN-II.feature: tscnn_48 has `planes: rise`"]),
        ({"model_settings": {"MERSiamC3D": {"channels": 3}}}, ["mersiamc3d_10x112 has 2 channels (`magnitude`)"]),
        ({"features": {"flow_tvl1_28": {"planes": ["v", "u"]}}}, ["FR.feature: flow_tvl1_28 has the planes v, u"]),
        ({"models": ["FR@flow_strain_28"]}, ["FR@flow_strain_28", "planes u, v, strain", "reads u, v"]),
        ({"models": ["STSTNet@flow_tvl1_28"]}, ["has the planes u, v", "reads u, v, strain"]),
        ({"models": ["DSCNN@madtn_112"]}, ["madtn_112 is a feature of madtn_image", "one of dscnn_input"]),
        ({"models": ["MADTN@dscnn_48"]}, ["dscnn_48 is a feature of dscnn_input", "one of madtn_image"]),
        ({"models": ["TSCNN-I@hoof"]}, ["hoof is a feature of hoof", "one of dscnn_input"]),
        ({"models": ["MERSiamC3D@lbp_top_r3p8"]}, ["is a feature of lbp_top", "one of keyframe_flows"]),
    ],
)
def test_a_fault_is_named_with_the_nearest_known_word(raw, words):
    with pytest.raises(CdmerError) as caught:
        read_config(raw)
    for word in words:
        assert word in str(caught.value)


def test_an_entry_adds_to_the_standard_ones_and_null_removes_one():
    config = read_config({"databases": {"mine": {"reader": "clips", "root": "c.csv"}, "smic_hs": None}})
    assert config.databases["smic_hs"] is None
    assert config.databases["casme2"] is not None
    assert config.databases["mine"].root == "c.csv"


def test_a_partial_entry_keeps_the_rest_of_the_standard_one():
    config = read_config({"databases": {"casme2": {"root": "/data"}}})
    assert config.databases["casme2"].reader == "casme2"


def test_an_unknown_key_is_answered_with_keys_of_its_own_descriptor():
    with pytest.raises(CdmerError) as caught:
        read_config({"features": {"mine": {"descriptor": "lbp_sip", "neighbors": 8}}})
    assert "features.mine.neighbors: unknown key (known here: descriptor, frames, grids, radius)" in str(caught.value)


def test_a_recipe_without_descriptor_is_lbp_top_and_another_descriptor_replaces_a_standard_entry():
    features = read_config({"features": {"mine": {"radius": 1}, "lbp_top_r3p8": {"descriptor": "lbp_sip"}}}).features
    assert (features["mine"].descriptor, features["mine"].parameters()["radius"]) == ("lbp_top", 1)
    assert (features["lbp_top_r3p8"].descriptor, features["lbp_top_r3p8"].parameters()["radius"]) == ("lbp_sip", 1)
    assert features["lbp_top_r3p8"].blocks == 85


def test_a_model_may_be_named_with_another_feature():
    chosen = read_config({"models": ["SVM@lbp_sip_r1", "RSTR@bi_woof", "TGSR@released"]}).chosen_models()
    assert {name: settings.feature for name, settings in chosen.items()} == {
        "SVM@lbp_sip_r1": "lbp_sip_r1",
        "RSTR@bi_woof": "bi_woof",
        "TGSR@released": "lbp_top_r3p8",
    }
    assert chosen["RSTR@bi_woof"].n_blocks == 25
    assert chosen["SVM@lbp_sip_r1"].parameters() == {"C": 1.0}


def test_a_standard_feature_that_no_longer_fits_is_no_fault_unless_a_model_reads_it():
    config = read_config({"frames": {"tim_16": {"length": 20}}})
    assert "16 frames" in config.unfit("c3d_fc1_ucf101")
    assert config.unfit("lbp_top_r3p8") is None


def test_every_network_takes_what_its_settings_hand_it():
    networks = read_config({"models": ["networks"]}).chosen_models()
    for settings in networks.values():
        kind = getattr(importlib.import_module(settings.module), settings.estimator)
        with torch.device("meta"):  # shapes without numbers: some have 134 million
            network = kind(3, **settings.parameters())
        assert network.adapts == settings.adapts
        assert settings.recipe_optimizer == kind.recipe.optimizer
        assert list(kind.recipe.changed(**settings.training()).__dict__) == list(kind.recipe.__dict__)


def test_groups_of_models_may_be_named():
    def chosen(*models):
        return list(read_config({"models": list(models)}).chosen_models())

    adaptation, networks = chosen("adaptation"), chosen("networks")
    assert {"SVM", "TGSR@released"} <= set(adaptation)
    assert {"FR", "DSCNN"} <= set(networks)
    assert not set(adaptation) & set(networks)
    assert adaptation + networks == list(read_config({"models": "all"}).chosen_models())
    assert chosen("FR", "adaptation") == ["FR", *adaptation]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("OFFApexNet", "OFF-ApexNet"), ("FR_fc", "FR-fc"), ("OSCNN_I", "OSCNN-I"), ("CNNLSTM", "CNN-LSTM"),
        ("FCNN3D", "3D-FCNN"), ("BasicInception", "Basic-Inception"),
        ("TSCNN_I@tscnn_48", "TSCNN-I@tscnn_48"),
    ],
)  # fmt: skip
def test_a_model_may_be_called_by_its_class(typed, name):
    config = read_config({"models": [typed]})
    assert config.models == [name]
    assert list(config.chosen_models()) == [name]
    assert read_config({"models": [typed, name]}).chosen_models() == config.chosen_models()


def test_a_class_that_several_models_have_is_the_one_of_its_own_name():
    assert list(read_config({"models": ["TGSR"]}).chosen_models()) == ["TGSR"]
    known = read_config({"models": "all"}).chosen_models()
    classes = [settings.estimator for settings in known.values()]
    for name, public in names_of_classes().items():
        assert name not in known and known[public].estimator == name and classes.count(name) == 1
