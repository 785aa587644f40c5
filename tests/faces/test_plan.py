"""What the plan hands to the jobs of the faces stage."""

import json

from cdmer.config import read_config
from cdmer.planning.plan import Plan

CONFIG = {"cohort": {"size": "tiny"}, "databases": {"smic_vis": None, "smic_nir": None, "samm": None}}


def test_a_job_hears_of_its_own_databases_intermediate_size_alone():
    plan = Plan(read_config(CONFIG))
    assert plan.faces_settings("tgsr_112", "casme2")["intermediate"] == [308, 257]
    assert plan.faces_settings("tgsr_112", "smic_hs")["intermediate"] == [170, 139]
    assert plan.faces_settings("benchmark_112", "casme2")["intermediate"] is None
    json.dumps(plan.faces_settings("tgsr_112", "casme2"))


def test_recipes_with_other_detectors_have_other_code():
    plan = Plan(read_config({**CONFIG, "faces": {"y": {"detector": "yunet", "alignment": "box"}}}))
    codes = {recipe: plan.faces_code(recipe) for recipe in ("aligned_112", "tgsr_112", "fr_140", "as_is", "y")}
    assert codes["aligned_112"] == codes["tgsr_112"]
    assert len(set(codes.values())) == 4


def test_features_keep_the_versions_of_the_detector_in_use():
    raw = {
        **CONFIG,
        "frames": {"boxes": {"faces": "madtn_112"}},
        "features": {"other": {"frames": "boxes"}},
    }
    plan = Plan(read_config(raw))
    versions = {
        feature: plan.feature_settings(feature, "casme2", plan.subjects("casme2")[0])["provenance"]["libraries"]
        for feature in ("lbp_top_r3p8", "other")
    }
    assert "torch" not in versions["lbp_top_r3p8"]
    assert {"torch", "facenet_pytorch", "dlib"} <= set(versions["other"])


def test_a_contact_sheet_shows_two_subjects_of_each_database():
    plan = Plan(read_config(CONFIG))
    shown = plan.faces_to_show("madtn_112")
    assert len(shown) == 4
    assert shown[0] == f"results/faces/madtn_112/smic_hs/{plan.subjects('smic_hs')[0]}.h5"
