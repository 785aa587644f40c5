"""The configuration: what is accepted, what is refused and with which words."""

import pytest
import yaml

from cdmer.config import Config, json_schema, read_config, reference
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


@pytest.mark.parametrize("name", ["paper-scale", "real-databases", "released-features"])
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
