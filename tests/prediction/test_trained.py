"""Which trained model is asked: what the configuration lacks, what is not trained, and the way to either."""

import pytest

from cdmer.config import read_config
from cdmer.errors import CdmerError
from cdmer.planning.plan import Plan
from cdmer.prediction.trained import RESULTS, find_trained


@pytest.fixture
def refused(tmp_path, monkeypatch):
    """What is answered to somebody who asks for a model, in a study of SVM and CapsuleNet; SVM and TCA lie trained."""
    monkeypatch.chdir(tmp_path)
    for key, model in (("V_to_C", "SVM"), ("C_to_V", "TCA")):
        folder = tmp_path / RESULTS / key / model
        folder.mkdir(parents=True)
        for name in ("metrics.json", "predictions.csv"):
            (folder / name).write_text("{}")

    def ask(model, experiment="C->V"):
        plan = Plan(read_config({"cohort": {"size": "tiny"}, "models": ["SVM", "CapsuleNet"]}))
        with pytest.raises(CdmerError) as caught:
            find_trained(plan, model, experiment, "default")
        return caught.value

    return ask


@pytest.mark.parametrize(("model", "experiment"), [("FR", "V->N"), ("FR", "V_to_N"), ("SVM@lbp_sip_r1", "V->N")])
def test_a_model_outside_the_configuration_is_added_first(refused, model, experiment):
    error = refused(model, experiment)
    assert f"{model} is not among the `models` of the configuration: SVM, CapsuleNet" in error.problem
    assert error.remedy == (
        f"add {model} to `models`, then train it: snakemake --cores 2 {RESULTS}/V_to_N/{model}/predictions.csv"
    )


@pytest.mark.parametrize(
    ("model", "problem", "meant"),
    [
        ("SWM", "there is no model 'SWM'", "SVM"),
        ("tsrg", "there is no model 'tsrg'", "TSRG"),
        ("SVM@lbp_sip_1", "there is no feature 'lbp_sip_1'", "lbp_sip_r1"),
    ],
)
def test_a_misspelt_model_is_answered_with_the_nearest(refused, model, problem, meant):
    error = refused(model)
    assert error.problem == problem
    assert f"did you mean '{meant}'?" in error.remedy


def test_a_model_may_be_called_by_its_class(refused):
    assert "OFF-ApexNet is not among the `models`" in refused("OFFApexNet").problem


def test_a_model_that_lies_trained_but_is_not_configured_needs_its_configuration(refused):
    error = refused("TCA")
    assert "lies trained in" in error.problem
    assert "give --configfile" in error.remedy


def test_a_model_of_the_configuration_is_trained_where_it_can_be(refused):
    error = refused("SVM")
    assert error.problem == "SVM is not trained for 'C->V'; it is for V->C"
    assert error.remedy == f"train it: snakemake --cores 2 {RESULTS}/C_to_V/SVM/predictions.csv"
    for model in ("SVM", "FR"):
        error = refused(model, "X->Y")
        assert error.problem == "there is no experiment 'X->Y'"
        assert "C->V" in error.remedy
    error = refused("CapsuleNet")
    assert "no model 'CapsuleNet' is trained here: trained are TCA (C->V); SVM (V->C)" in error.problem
    assert "it cannot be trained: reads the apex frame in colour" in error.remedy
