"""What the plan hands to the report's job: the files, and how much of people may be seen."""

import json

import pytest

from cdmer.config import read_config
from cdmer.errors import CdmerError
from cdmer.planning.plan import Plan
from cdmer.report.results import read_results


@pytest.fixture
def plan(tmp_path):
    """A plan of two models; SMIC-VIS lies on disk as a licensed database would, SMIC-NIR is synthetic."""
    for subject, clip in (("s11", "negative/s11_ne_01"), ("s2", "surprise/s2_sur_01")):
        folder = tmp_path / "VIS" / subject / "micro" / clip
        folder.mkdir(parents=True)
        (folder / "00001.bmp").write_bytes(b"a frame")

    def make(**changes):
        databases = {"smic_hs": None, "samm": None, "casme2": None, "smic_vis": {"root": str(tmp_path / "VIS")}}
        return Plan(
            read_config({"cohort": {"size": "tiny"}, "models": ["SVM", "TCA"], "databases": databases, **changes})
        )

    return make


def crops(plan):
    return {file.split("/")[3] for file in plan.report_inputs() if file.startswith("results/faces/")}


@pytest.mark.parametrize(
    ("faces", "seen"),
    [
        ("auto", {"smic_nir"}),
        ("show", {"smic_nir", "smic_vis"}),
        ("mean", {"smic_nir", "smic_vis"}),
        ("none", set()),
    ],
)
def test_the_job_is_given_no_crop_that_it_must_not_show(plan, faces, seen):
    made = plan(report={"faces": faces})
    assert crops(made) == seen
    assert {name for name, entry in made.report_settings()["databases"].items() if entry["subjects"]} == seen


def test_nothing_of_a_licensed_database_is_shown_by_default(plan):
    assert plan().config.report.faces == "auto"
    assert plan().report_settings()["databases"]["smic_vis"]["faces"] == "none"


def test_every_input_is_one_that_a_rule_makes_and_is_named_once(plan):
    inputs = plan().report_inputs()
    assert len(inputs) == len(set(inputs))
    for file in (
        "results/cdmer_table.csv",
        "results/cdmer_table.card.json",
        "results/cdmer_honesty.png",
        "results/exclusions.csv",
        "results/databases/smic_vis/manifest.csv",
        "results/features/lbp_top_r3p8/smic_nir.h5",
        "results/models/cdmer/V_to_N/TCA/grid.csv",
        "results/models/cdmer/V_to_N/SVM/predictions.csv",
    ):
        assert file in inputs


def test_a_network_has_curves_where_others_have_a_grid(plan):
    inputs = plan(models=["SVM", "STSTNet"]).report_inputs()
    assert "results/models/cdmer/N_to_V/STSTNet/curves.csv" in inputs
    assert "results/models/cdmer/N_to_V/STSTNet/grid.csv" not in inputs


def test_every_new_model_is_in_the_report_without_another_edit(plan):
    made = plan(models=["SVM", "SVM@lbp_sip_r1"])
    assert list(made.report_settings()["protocols"]["cdmer"]["models"]) == ["SVM", "SVM@lbp_sip_r1"]
    assert set(made.report_settings()["features"]) == {"lbp_top_r3p8", "lbp_sip_r1"}


def test_the_job_reads_its_settings_as_the_plan_writes_them(plan):
    made = plan(protocols=["cdmer", "single"])
    settings = json.loads(json.dumps(made.report_settings()))
    read = read_results(made.report_inputs(), "results/benchmarks", settings)
    assert str(read.root) == "results"
    assert read.databases["smic_nir"].faces == "show"
    assert read.protocols["cdmer"].experiments["V_to_N"] == ["V->N", "smic_vis", "smic_nir"]
    assert read.transforms["TCA"] == {"feature": "lbp_top_r3p8", "mu": 1.0, "dim": 30, "C": 1.0}
    assert read.honest == "default"


def test_what_it_is_made_of_changes_with_a_model_and_not_with_what_is_shown(plan):
    made_of = plan().report_made_of()
    assert plan(report={"faces": "none"}).report_made_of() == made_of
    assert plan(models=["SVM"]).report_made_of() != made_of
    assert plan(model_settings={"TCA": {"dim": 3}}).report_made_of() != made_of


def test_a_wrong_word_is_answered_with_the_right_ones():
    with pytest.raises(CdmerError, match="report"):
        read_config({"report": {"faces": "hide"}})


def test_the_card_of_a_table_does_not_change_with_what_the_report_shows(plan):
    settings = plan().card_settings("cdmer_table")
    assert plan(report={"faces": "none"}).card_settings("cdmer_table") == settings
    assert plan(rounds=3).card_settings("cdmer_table") != settings
    assert settings["config"]["cohort"]["size"] == "tiny" and "report" not in settings["config"]


def test_the_card_of_a_table_names_the_recipes_of_its_models_alone(plan):
    made = plan(models=["SVM"]).card_settings("cdmer_table")["recipes"]
    only = {"faces": ["aligned_112"], "frames": ["tim_16"], "features": ["lbp_top_r3p8"], "interpolators": []}
    assert made == only
    more = plan(models=["SVM", "SVM@flow_tvl1_28"]).card_settings("cdmer_table")["recipes"]
    assert more["features"] == ["lbp_top_r3p8", "flow_tvl1_28", "flow_strain_28"]  # the one is made of the other
    assert more["frames"] == ["tim_16", "onset_apex"]
