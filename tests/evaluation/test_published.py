"""The papers' numbers: each cell once, and the same as in the papers."""

from pathlib import Path

import pandas as pd
import pytest

import cdmer.evaluation.published as module
from cdmer.config.models import Models
from cdmer.config.standard import STANDARD
from cdmer.evaluation.published import DESCRIPTORS, NOT_HERE, PRECEDENCE, not_here_note, printed_as, published_score
from cdmer.protocols.cdmer import cdmer_experiments
from cdmer.protocols.tasks import COMPOSITE, single_tasks

ROWS = pd.read_csv(Path(module.__file__).with_name("published.csv"), keep_default_na=False)
KEY = ["paper", "type", "experiment", "model", "variant", "metric"]
# (type, experiment, model) in our words and the paper's seed, experiment and method in the transcript's
CELLS = [
    (("TYPE-I", "V->N", "SVM"), ("002_TGSR", "Exp5:V->N", "SVM")),
    (("TYPE-I", "H->V", "TGSR"), ("002_TGSR", "Exp1:H->V", "TGSR")),
    (("TYPE-II", "N->C", "TCA"), ("002_TGSR", "Exp12:N->C", "TCA")),
    (("TYPE-II", "C->H", "TKL"), ("002_TGSR", "Exp7:C->H", "TKL")),  # MADTN prints another number
    (("TYPE-I", "average", "GFK"), ("002_TGSR", "average", "GFK")),
    (("TYPE-II", "H->C", "MADTN"), ("003_MADTN", "Exp8:H->C", "MADTN")),
]


@pytest.fixture(scope="module")
def transcript(real):
    """The papers' tables as transcribed beside the real data."""
    path = real.parent / "methods" / "published.csv"
    if not path.is_file():
        pytest.skip("the transcript of the papers' tables (../shared/methods/published.csv) is not on this machine")
    return pd.read_csv(path, keep_default_na=False)


@pytest.mark.parametrize(("ours", "theirs"), CELLS, ids=" ".join)
def test_cells_are_those_of_the_papers(transcript, ours, theirs):
    type_, _, _ = ours
    seed, experiment, method = theirs
    rows = transcript[
        (transcript["seed"] == seed)
        & (transcript["protocol"] == f"CDMER {type_}")
        & (transcript["experiment"] == experiment)
        & (transcript["method"] == method)
        & (transcript["variant"] == "")
    ].set_index("metric")["value"]
    found = published_score(*ours)
    assert found.uf1 == float(rows["macro_f1"])
    assert found.accuracy == float(rows["accuracy"])
    assert f"_{found.paper}" in seed


def test_the_svm_of_the_benchmark():
    """TGSR, Tables II and III."""
    assert published_score("TYPE-I", "V->N", "SVM") == (0.6186, 0.6338, "TGSR", None)
    assert published_score("TYPE-II", "N->C", "SVM") == (0.2368, 0.2385, "TGSR", None)


def test_the_composite_and_single_databases():
    """FR, Tables 2 and 5; MERSiamC3D, Tables 4 and 6."""
    assert published_score("CDE", "composite", "STSTNet") == (0.7353, None, "FR", 0.7605)
    assert published_score("CDE", "smic_hs", "FR") == (0.7011, 0.6951, "FR", 0.7083)
    assert published_score("single", "casme2_4", "FR") == (None, 0.6838, "FR", None)
    assert published_score("CDE", "composite", "MERSiamC3D").paper == "MERSiamC3D"


def test_what_no_paper_prints_is_none():
    assert published_score("TYPE-I", "V->N", "STSTNet") is None
    assert published_score("TYPE-II", "V->N", "SVM") is None


def test_every_cell_is_there_once_of_a_known_paper_and_experiment():
    assert not ROWS.duplicated(KEY).any()
    assert set(ROWS["paper"]) == set(PRECEDENCE)
    assert set(ROWS["metric"]) == {"uf1", "uar", "accuracy"}
    known = {(experiment.type, experiment.name) for experiment in cdmer_experiments()}
    known |= {("TYPE-I", "average"), ("TYPE-II", "average"), ("single", "average"), ("CDE", "composite")}
    known |= {("CDE", database) for database in COMPOSITE.databases}
    known |= {("single", task.name) for task in single_tasks()}
    assert set(ROWS[["type", "experiment"]].itertuples(index=False, name=None)) <= known


def test_scores_are_fractions():
    assert ROWS["value"].between(0, 1).all()


def test_every_plain_cell_can_be_had_from_the_first_paper_that_prints_it():
    plain = ROWS[ROWS["variant"] == ""]
    for (type_, experiment, model), group in plain.groupby(["type", "experiment", "model"]):
        found = published_score(type_, experiment, model)
        assert found.paper == min(group["paper"], key=PRECEDENCE.index)
        cells = group[group["paper"] == found.paper].set_index("metric")["value"]
        assert (found.uf1, found.uar, found.accuracy) == tuple(cells.get(name) for name in ("uf1", "uar", "accuracy"))


def test_a_variant_is_no_plain_cell():
    """FR prints HOG-TOP for p = 4 and p = 8, and no HOG-TOP."""
    assert set(ROWS.loc[ROWS["model"] == "HOG-TOP", "variant"]) == {"p=4", "p=8"}
    assert published_score("TYPE-I", "H->V", "HOG-TOP") is None


def test_an_svm_on_a_descriptor_is_what_the_papers_call_by_its_name():
    assert published_score("TYPE-I", "H->V", "SVM@lbp_top_r3p8").uf1 == published_score("TYPE-I", "H->V", "SVM").uf1
    found = published_score("TYPE-I", "H->V", "SVM@lbp_sip_r3")
    assert (found.uf1, found.accuracy, found.paper) == (0.8574, 0.8592, "FR")
    found = published_score("TYPE-II", "average", "SVM@lpq_top_decorr01")
    assert (found.uf1, found.accuracy) == (0.3236, 0.3851)
    assert published_score("CDE", "composite", "SVM@bi_woof").uf1 == 0.6296


def test_a_plain_svm_on_a_descriptor_is_printed_by_its_name_where_papers_print_no_svm():
    assert published_score("CDE", "composite", "SVM") is None
    found = published_score("CDE", "composite", "SVM", "lbp_top_r3p8")
    assert found == published_score("CDE", "composite", "SVM@lbp_top_r3p8") == (0.5882, None, "FR", 0.5785)
    assert published_score("single", "casme2_4", "SVM", "mine") is None
    assert published_score("CDE", "composite", "TCA", "lbp_top_r3p8") is None


@pytest.mark.parametrize("model", ["SVM@mine", "TGSR@lbp_sip_r1", "TCA@lbp_top_r3p8"])
def test_a_model_on_a_feature_that_nobody_printed_has_no_published_score(model):
    assert published_score("TYPE-I", "H->V", model) is None


def test_every_variant_of_the_papers_descriptors_is_named():
    rows = ROWS[(ROWS["paper"] == "FR") & ROWS["table"].isin(["Table 3", "Table 4"]) & (ROWS["variant"] != "")]
    printed = set(rows[["model", "variant"]].itertuples(index=False, name=None))
    assert len(printed) == 16
    assert printed <= {named for names in DESCRIPTORS.values() for named in names}
    assert set(DESCRIPTORS) <= set(STANDARD["features"])


def test_printed_models_that_are_not_here_are_named():
    here = {named for model in Models().by_name() for named in printed_as(model)}
    here |= {named for names in DESCRIPTORS.values() for named in names}
    rows = [(name, variant) for name, variant in ROWS[["model", "variant"]].itertuples(index=False, name=None)]
    strangers = {(name, variant) for name, variant in rows if (name, variant) not in here}
    assert {name for name, _ in strangers if (name, "") in strangers} == set(NOT_HERE)
    note = not_here_note("single")
    assert note.startswith("Published, not re-implemented: OSF + OS weighted LBP-TOP, OS, ")
    assert note.endswith("Image-based CNN (FR); Knowledge Distillation (MERSiamC3D).")
    assert not_here_note("TYPE-I") == not_here_note("CDE") == ""
