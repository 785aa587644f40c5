"""What the plan knows of frames: what a recipe reads, what a network of one's own learns from, what is shown."""

import pytest

from cdmer.config import read_config
from cdmer.errors import CdmerError
from cdmer.planning.faces import SHOWN_SUBJECTS
from cdmer.planning.plan import Plan

OWN = {"interpolators": {"own": {"databases": ["casme2"], "faces": "aligned_112"}}}
READS = {"frames": {"keyframes_11": {"network": "own"}}}


def _plan(**changes):
    return Plan(read_config({"cohort": {"size": "tiny"}, **changes}))


def test_a_recipe_names_its_network_and_is_handed_it():
    shipped, own = _plan(), _plan(**OWN, **READS)
    assert shipped.frames_settings("keyframes_11")["parameters"]["network"] == "shipped"
    assert shipped.network("keyframes_11") == []
    weights = "results/interpolators/own.safetensors"
    assert own.frames_settings("keyframes_11")["parameters"]["network"] == "own"
    assert own.network("keyframes_11") == [weights]
    assert own.network("tim_16") == []


def test_a_network_learns_from_the_crops_of_its_databases():
    plan = _plan(**OWN)
    subjects = plan.subjects("casme2")
    assert plan.interpolator_shards("own") == [f"results/faces/aligned_112/casme2/{name}.h5" for name in subjects]
    assert not {"databases", "faces"} & set(plan.interpolator_settings("own"))
    assert plan.interpolator_settings("own")["steps"] == 8000


def test_what_teaches_a_network_is_behind_the_frames_that_it_makes():
    """Another crop of its teachers, which are not its pupils, changes the frames of its recipe and no others."""

    def made(size):
        plan = _plan(
            faces={"teacher": {"size": size}},
            interpolators={"own": {"databases": ["casme2"], "faces": "teacher"}},
            **READS,
        )
        pupil = plan.subjects("smic_vis")[0]
        return [plan.frames_made_of(name, "smic_vis", pupil) for name in ("mersiamc3d_10x112", "lbp_top_r3p8")]

    (keyframes, tim), (other_keyframes, other_tim) = made(96), made(112)
    assert keyframes != other_keyframes
    assert tim == other_tim


def test_a_database_that_is_left_out_teaches_nothing():
    plan = _plan(**OWN, databases={"casme2": None})
    with pytest.raises(CdmerError, match=r"interpolators\.own\.databases: casme2 has no clips"):
        plan.interpolator_shards("own")


def test_a_sheet_of_frames_shows_some_subjects_of_each_database():
    plan = _plan()
    shown = plan.frames_to_show("tim_16")
    assert len(shown) == sum(min(SHOWN_SUBJECTS, len(plan.subjects(name))) for name in plan.databases)
    assert all(path.startswith("results/frames/tim_16/") for path in shown)


def test_every_recipe_has_a_sheet():
    plan = _plan()
    sheets = plan.sheets()
    assert "results/faces/madtn_112/contact_sheet.png" in sheets
    assert "results/frames/tgsr_16/contact_sheet.png" in sheets
    assert len(sheets) == len(plan.config.faces) + len(plan.config.frames) == len(set(sheets))
