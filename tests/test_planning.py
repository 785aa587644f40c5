"""The plan: what is computed, from what, and what is left out; on databases that take no rendering."""

import inspect
import json

import pytest

from cdmer.code import code_digest
from cdmer.config import read_config
from cdmer.databases.cohort.plan import plan_database
from cdmer.databases.stage import write_subject
from cdmer.descriptors.c3d_weights import weights_place
from cdmer.descriptors.job import compute_features
from cdmer.errors import CdmerError
from cdmer.evaluation.card import write_card
from cdmer.evaluation.disjoint_table import tabulate_disjoint
from cdmer.evaluation.fold_tables import tabulate_folds
from cdmer.evaluation.leak_jobs import find_disjoint_leaks, find_leaks
from cdmer.evaluation.tables import tabulate_cdmer
from cdmer.inputs import with_files
from cdmer.planning.plan import Plan
from cdmer.planning.shared import databases_of, experiments
from cdmer.protocols.cdmer import cdmer_experiments
from cdmer.protocols.databases_out import train_databases_out
from cdmer.protocols.disjoint import train_disjoint
from cdmer.protocols.loso import train_folds
from cdmer.protocols.train import train_model
from cdmer.store.released import import_released

FEATURE = "lbp_top_r3p8"
ONLY_CASME2_AND_VIS = {"smic_hs": None, "smic_nir": None, "samm": None}


@pytest.fixture
def plan():
    """A plan of one model on a tiny cohort, with what a test changes."""

    def make(remembered=None, fresh=True, **changes):
        config = read_config({"cohort": {"size": "tiny"}, "models": ["SVM"], **changes})
        return Plan(config, remembered=remembered, fresh=fresh)

    return make


@pytest.fixture
def smic_vis(tmp_path):
    """SMIC-VIS on disk, in its own layout: two subjects of one clip; a plan looks at names, not at pictures."""
    root = tmp_path / "SMIC_all_raw" / "VIS"
    for subject, clip in (("s11", "negative/s11_ne_01"), ("s2", "surprise/s2_sur_01")):
        folder = root / subject / "micro" / clip
        folder.mkdir(parents=True)
        (folder / "00001.bmp").write_bytes(b"a frame")
    return root


@pytest.fixture
def released(tmp_path):
    """What the configuration says of two released files, which are there."""
    files = {"casme2": "CASME2.mat", "smic_vis": "VIS.mat"}
    for file in files.values():
        (tmp_path / file).write_bytes(b"MATLAB")
    return {
        "imported_from": str(tmp_path),
        "imported_features": [{"database": name, "feature": FEATURE, "file": file} for name, file in files.items()],
    }


# -- databases


def test_without_a_root_a_look_alike_stands_in(plan):
    made = plan()
    assert list(made.databases) == ["smic_hs", "smic_vis", "smic_nir", "casme2", "samm"]
    for name in made.databases:
        assert made.is_synthetic(name)
        assert made.origin("SVM", name) == "synthetic"
        assert made.subjects(name) == [subject.subject for subject in plan_database(name, "tiny", 1).subjects]
        assert made.root(name).startswith(f"results/databases/{name}/synthetic/")
    assert made.annotation("smic_hs") is None
    assert made.reader_settings("casme2")["annotation"] is None  # a job makes it: it comes as an input
    assert made.rendered_annotation("casme2") == [made.annotation("casme2")]
    assert made.rendered_annotation("smic_hs") == []
    assert made.annotation("casme2") == "results/databases/casme2/synthetic/CASME2-coding-20140508.xlsx"
    # a database can be read once all its frames and its spreadsheets are there
    truths = [f"results/databases/casme2/synthetic/truth/{subject}.h5" for subject in made.subjects("casme2")]
    assert made.rendered("casme2") == [
        *truths,
        made.annotation("casme2"),
        "results/databases/casme2/synthetic/CASME2-ObjectiveClasses.xlsx",
    ]
    assert len(made.rendered("smic_vis")) == len(made.subjects("smic_vis"))


def test_a_root_is_read_where_it_lies(plan, smic_vis):
    made = plan(databases={"smic_vis": {"root": str(smic_vis)}})
    assert made.subjects("smic_vis") == ["s2", "s11"]
    assert made.root("smic_vis") == str(smic_vis)
    assert made.annotation("smic_vis") is None
    assert made.rendered("smic_vis") == []
    assert made.origin("SVM", "smic_vis") == "real"
    assert made.origin("SVM", "casme2") == "synthetic"
    assert made.reader_settings("smic_vis") == {
        "database": "smic_vis",
        "reader": "smic",
        "annotation": None,
    }
    assert made.rendered_annotation("smic_vis") == []


def test_the_home_folder_may_be_written_as_a_tilde(plan, smic_vis, monkeypatch):
    monkeypatch.setenv("HOME", str(smic_vis.parents[1]))
    made = plan(databases={"smic_vis": {"root": "~/SMIC_all_raw/VIS"}})
    assert made.root("smic_vis") == str(smic_vis)
    assert made.subjects("smic_vis") == ["s2", "s11"]


def test_a_database_of_no_look_alike_needs_a_root(plan):
    with pytest.raises(CdmerError, match=r"databases\.casme3: only .*casme2.* have a synthetic look-alike"):
        plan(databases={"casme3": {"reader": "casme2"}}).subjects("casme3")


@pytest.mark.parametrize("key", ["root", "annotation"])
def test_a_path_that_does_not_exist_is_named_with_its_key(plan, tmp_path, key):
    paths = {"root": str(tmp_path), "annotation": str(tmp_path / "sheet.xlsx")}
    (tmp_path / "sheet.xlsx").touch()
    missing = str(tmp_path / "nowhere")
    with pytest.raises(CdmerError) as caught:
        plan(databases={"casme2": {**paths, key: missing}})
    assert caught.value.problem == f"databases.casme2.{key}: {missing} does not exist"
    assert "null" in caught.value.remedy


def test_a_digest_belongs_to_one_subject(plan, smic_vis):
    def digests():
        made = plan(databases={"smic_vis": {"root": str(smic_vis)}})
        return {subject: made.clips_digest("smic_vis", subject) for subject in made.subjects("smic_vis")}

    first = digests()
    assert digests() == first
    (smic_vis / "s2/micro/surprise/s2_sur_01/00001.bmp").write_bytes(b"another frame")
    second = digests()
    assert second["s2"] != first["s2"]
    assert second["s11"] == first["s11"]


def test_a_synthetic_subjects_digest_follows_the_cohorts_plan(plan):
    def digest(**cohort):
        made = plan(cohort={"size": "tiny", **cohort})
        return made.clips_digest("casme2", made.subjects("casme2")[0])

    assert digest() == digest(seed=1)
    assert len({digest(), digest(seed=2), digest(noise=0), digest(blinks=False), digest(head_motion=False)}) == 5


# -- the census


def test_jobs_read_the_census_that_their_run_took(plan, smic_vis, tmp_path):
    """A database that changes in mid-run changes the plan of the next run, not of this run's jobs."""
    remembered = tmp_path / "state" / "census.json"
    roots = {"databases": {"smic_vis": {"root": str(smic_vis)}, **dict.fromkeys(["smic_hs", "smic_nir", "samm"])}}
    run = plan(remembered, **roots).census
    assert json.loads(remembered.read_text()) == run
    added = smic_vis / "s3/micro/positive/s3_po_01"
    added.mkdir(parents=True)
    (added / "00001.bmp").write_bytes(b"a frame")
    job = plan(remembered, fresh=False, **roots)
    assert job.census == run
    assert job.subjects("smic_vis") == ["s2", "s11"]
    assert plan(remembered, **roots).subjects("smic_vis") == ["s2", "s3", "s11"]
    assert plan(remembered, fresh=False, **roots).subjects("smic_vis") == ["s2", "s3", "s11"]


def test_a_job_without_a_census_takes_its_own(plan, tmp_path):
    assert plan(tmp_path / "none.json", fresh=False).subjects("casme2") == plan().subjects("casme2")


# -- what is computed


def test_everything_is_computable_from_a_cohort(plan, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # nobody's weights of C3D
    made = plan()
    assert made.left_out("cdmer") == []
    assert made.computable("cdmer") == [(experiment.key, "SVM") for experiment in cdmer_experiments()]
    obtainable = [feature for feature in made.config.features if not feature.startswith("c3d_")]
    assert made.obtainable() == [(feature, name) for feature in obtainable for name in made.databases]
    assert made.stores(made.obtainable()[:1]) == [f"results/features/{FEATURE}/smic_hs.h5"]
    # SAMM has no part in these experiments: its features are made on request only
    assert [name for _, name in made.listed()] == ["smic_hs", "smic_vis", "smic_nir", "casme2"]


def test_a_feature_without_its_weights_is_left_out_with_the_reason(plan, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = plan(models=["SVM@c3d_fc1_ucf101", "SVM"])
    reasons = {entry.model: entry.reason for entry in made.left_out("cdmer")}
    assert list(reasons) == ["SVM@c3d_fc1_ucf101"]
    assert f"weights of C3D are not at {tmp_path}" in reasons["SVM@c3d_fc1_ucf101"]
    assert "cdmer doctor" in reasons["SVM@c3d_fc1_ucf101"]
    place = weights_place("ucf101")
    place.parent.mkdir()
    digests = []
    for content in (b"weights", b"other weights"):
        place.write_bytes(content)
        assert plan(models=["SVM@c3d_fc1_ucf101"]).left_out("cdmer") == []
        made = plan()
        digests.append(json.dumps(made.feature_settings("c3d_fc1_ucf101", "samm", made.subjects("samm")[0])))
    assert digests[0] != digests[1]  # other weights make another feature
    assert ("c3d_fc1_ucf101", "samm") in made.obtainable()
    assert ("c3d_fc1_sports1m", "samm") not in made.obtainable()


def test_a_model_on_another_feature_reads_that_features_stores(plan):
    made = plan(models=["SVM", "SVM@lbp_sip_r1"])
    assert made.store("SVM@lbp_sip_r1", "casme2") == "results/features/lbp_sip_r1/casme2.h5"
    assert made.store("SVM", "casme2") == f"results/features/{FEATURE}/casme2.h5"
    assert {model for _, model in made.computable("cdmer")} == {"SVM", "SVM@lbp_sip_r1"}
    experiment = made.computable("cdmer")[0][0]
    settings = [made.training_settings(model, experiment) for model in ("SVM", "SVM@lbp_sip_r1")]
    assert settings[0] == settings[1]
    assert made.stores_made_of("SVM", experiment) != made.stores_made_of("SVM@lbp_sip_r1", experiment)


def test_a_standard_feature_that_no_longer_fits_is_left_out(plan):
    made = plan(faces={"aligned_112": {"detector": "none", "alignment": "whole"}})
    assert "needs landmarks" in made.lacks("mdmo", "samm")
    assert ("mdmo", "samm") not in made.obtainable()
    assert ("lbp_sip_r1", "samm") in made.obtainable()


def test_parts_are_in_the_papers_order_with_where_they_come_from(plan, smic_vis):
    made = plan(databases={"smic_vis": {"root": str(smic_vis)}})
    parts = made.table_settings("cdmer")["parts"]
    assert [part["experiment"] for part in parts] == [
        *("H->V", "V->H", "H->N", "N->H", "V->N", "N->V"),
        *("C->H", "H->C", "C->V", "V->C", "C->N", "N->C"),
    ]
    assert parts[0] == {"experiment": "H->V", "model": "SVM", "data": "real and synthetic"}
    assert made.predictions("cdmer") == [
        f"results/models/cdmer/{part['experiment'].replace('->', '_to_')}/SVM/predictions.csv" for part in parts
    ]
    mixed = {part["experiment"] for part in parts if part["data"] == "real and synthetic"}
    assert mixed == {"H->V", "V->H", "V->N", "N->V", "C->V", "V->C"}
    assert {part["data"] for part in parts if part["experiment"] not in mixed} == {"synthetic"}


def test_a_database_left_out_takes_its_experiments_with_it_by_name_and_with_the_reason(plan):
    made = plan(databases={"smic_nir": None})
    assert "smic_nir" not in made.databases
    out = {(entry.experiment, entry.model): entry.reason for entry in made.left_out("cdmer")}
    reason = "the configuration has no database smic_nir"
    assert out == {(name, "SVM"): reason for name in ("H->N", "N->H", "V->N", "N->V", "C->N", "N->C")}
    assert [key for key, _ in made.computable("cdmer")] == ["H_to_V", "V_to_H", "C_to_H", "H_to_C", "C_to_V", "V_to_C"]
    assert made.lacks(FEATURE, "smic_nir") == reason
    assert made.lacks(FEATURE, "smic_hs") == ""


def test_both_reasons_are_told_where_both_databases_are_missing(plan):
    made = plan(databases={"smic_nir": None, "smic_vis": None})
    reasons = {entry.experiment: entry.reason for entry in made.left_out("cdmer")}
    assert reasons["V->N"] == ("the configuration has no database smic_vis; the configuration has no database smic_nir")
    assert reasons["N->H"] == "the configuration has no database smic_nir"


def test_the_table_knows_its_parts_and_what_it_leaves_out(plan):
    made = plan(databases={"smic_nir": None})
    settings = made.table_settings("cdmer")
    assert settings["left_out"][0] == {
        "experiment": "H->N",
        "model": "SVM",
        "reason": "the configuration has no database smic_nir",
    }
    assert len(settings["parts"]) + len(settings["left_out"]) == 12
    assert json.loads(json.dumps(settings)) == settings


def test_models_come_one_after_the_other_with_all_their_experiments(plan):
    parts = plan(models=["TCA", "SVM"]).table_settings("cdmer")["parts"]
    assert [part["model"] for part in parts] == ["TCA"] * 12 + ["SVM"] * 12
    assert [part["experiment"] for part in parts[:12]] == [part["experiment"] for part in parts[12:]]


def test_a_table_of_nothing_is_refused_with_every_reason(plan):
    made = plan(databases=dict.fromkeys(["smic_hs", "smic_vis", "smic_nir"]))
    assert made.table_settings("cdmer")["parts"] == []
    with pytest.raises(CdmerError, match="no experiment can be computed") as caught:
        made.predictions("cdmer")
    for name in ("smic_hs", "smic_vis", "smic_nir"):
        assert f"the configuration has no database {name}" in caught.value.problem


# -- released features


def test_released_features_stand_in_place_of_computed_ones(plan, released, tmp_path):
    made = plan(databases=ONLY_CASME2_AND_VIS, **released)
    assert made.shards(FEATURE, "casme2") == [f"results/features/{FEATURE}/casme2.released.h5"]
    assert made.released_file("casme2", FEATURE) == str(tmp_path / "CASME2.mat")
    assert made.manifest(FEATURE, "casme2") == []
    assert made.census == {}
    parts = made.table_settings("cdmer")["parts"]
    assert [(part["experiment"], part["data"]) for part in parts] == [("C->V", "released"), ("V->C", "released")]


def test_released_features_and_a_look_alike_of_another_database(plan, released):
    made = plan(databases={"smic_nir": None, "samm": None}, **released)
    data = {part["experiment"]: part["data"] for part in made.table_settings("cdmer")["parts"]}
    assert data == {
        "H->V": "released and synthetic",
        "V->H": "released and synthetic",
        "C->H": "released and synthetic",
        "H->C": "released and synthetic",
        "C->V": "released",
        "V->C": "released",
    }
    assert list(made.census) == ["smic_hs"]


def test_no_look_alike_stands_in_for_clips_behind_a_release(plan, released):
    """Another feature of that database would be computed from other people than the released one."""
    made = plan(
        databases=ONLY_CASME2_AND_VIS,
        features={"lbp_top_r1p8": {"radius": 1}},
        model_settings={"SVM": {"feature": "lbp_top_r1p8"}},
        **released,
    )
    assert not made.is_synthetic("casme2")
    assert not made.has_clips("casme2")
    assert made.table_settings("cdmer")["parts"] == []
    reasons = {entry.experiment: entry.reason for entry in made.left_out("cdmer")}
    assert "casme2 has released features but no clips to compute lbp_top_r1p8 from" in reasons["C->V"]
    assert made.obtainable() == [(FEATURE, "smic_vis"), (FEATURE, "casme2")]


def test_with_a_root_other_features_are_computed_beside_a_release(plan, released, smic_vis):
    made = plan(
        databases={**ONLY_CASME2_AND_VIS, "smic_vis": {"root": str(smic_vis)}},
        features={"lbp_top_r1p8": {"radius": 1}},
        **released,
    )
    assert made.shards(FEATURE, "smic_vis") == [f"results/features/{FEATURE}/smic_vis.released.h5"]
    assert made.shards("lbp_top_r1p8", "smic_vis") == [
        "results/features/lbp_top_r1p8/smic_vis/s2.h5",
        "results/features/lbp_top_r1p8/smic_vis/s11.h5",
    ]
    assert made.manifest("lbp_top_r1p8", "smic_vis") == ["results/databases/smic_vis/manifest.csv"]


def test_a_release_that_is_not_there_is_named(plan, released, tmp_path):
    (tmp_path / "VIS.mat").unlink()
    with pytest.raises(CdmerError) as caught:
        plan(**released)
    assert caught.value.problem == f"imported_features: {tmp_path / 'VIS.mat'} does not exist"
    assert "imported_from" in caught.value.remedy


# -- what jobs are told


def test_settings_are_the_arguments_of_their_jobs_and_json(plan, released):
    """Each job's function takes its files, the keys of its settings and nothing else."""
    made = plan(**released)
    jobs = [
        (plan_database, ("casme2",), made.cohort_settings(), {}),
        (write_subject, ("s1", "out"), made.reader_settings("smic_hs"), {"root": "r"}),
        (
            compute_features,
            ("in", "out"),
            made.feature_settings(FEATURE, "smic_hs", made.subjects("smic_hs")[0]),
            {"code": "c"},
        ),
        (import_released, ("in", "out"), made.import_settings(FEATURE, "casme2"), {"code_digest": "c"}),
        (train_model, ("s", "t", "p", "m", "g"), made.training_settings("SVM", "H_to_V"), {}),
        (find_leaks, ("o",), made.leak_settings("cdmer"), {}),
        (find_disjoint_leaks, ("o",), made.disjoint_leak_settings(), {}),
        (write_card, ("t", "o"), made.card_settings("cdmer_table"), {"benchmarks": "b"}),
        (tabulate_cdmer, (["p"], "e", "l", "c", "m", "x"), made.table_settings("cdmer"), {}),
    ]
    for job, files, settings, others in jobs:
        inspect.signature(job).bind(*files, **settings, **others)
        assert json.loads(json.dumps(settings)) == settings


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({"faces": {"aligned_112": {"eye_height": 0.3}}}, True),
        ({"frames": {"tim_16": {"length": 20}}}, True),
        ({"features": {FEATURE: {"grids": [1, 2]}}}, True),
        ({"cohort": {"size": "tiny", "seed": 2}}, True),  # other clips
        ({"cohort": {"size": "tiny", "noise": 0}}, True),  # the same clips in other frames
        ({"faces": {"other": {"size": 64}}}, False),
        ({"frames": {"other": {"length": 20}}}, False),
        ({"features": {"other": {"radius": 1}}}, False),
        ({"model_settings": {"SVM": {"C": 2}}}, False),
        ({"cdmer": {"casme2_negative": "disgust_repression"}}, False),
        ({"rounds": 3, "budget": "paper", "selection": ["oracle"]}, False),
        ({"databases": {"samm": None}}, False),
    ],
)
def test_a_features_settings_hold_what_its_job_reads_and_no_more(plan, changes, read):
    before, after = (
        made.feature_settings(FEATURE, "casme2", made.subjects("casme2")[0]) for made in (plan(), plan(**changes))
    )
    assert (before != after) == read


def test_a_features_settings_say_where_it_comes_from(plan):
    made = plan(features={FEATURE: {"radius": 2, "grids": [1, 3]}})
    subject = made.subjects("casme2")[0]
    settings = made.feature_settings(FEATURE, "casme2", subject)
    assert settings["module"] == "cdmer.descriptors.lbp_top"
    assert settings["parameters"] == {"radius": 2, "neighbors": 8, "grids": [1, 3]}
    origin = settings["provenance"]
    assert (origin["feature"], origin["database"]) == (FEATURE, "casme2")
    assert origin["manifest_digest"] == made.clips_digest("casme2", subject)
    assert origin["recipe"]["frames"]["length"] == 16
    assert origin["recipe"]["faces"]["size"] == 112
    assert {"numpy", "cv2", "dlib"} <= set(origin["libraries"])  # faces and frames are behind it too


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({"model_settings": {"SVM": {"C": 2}}}, True),
        ({"cdmer": {"casme2_negative": "disgust_repression"}}, True),
        ({"faces": {"aligned_112": {"eye_height": 0.3}}}, False),  # reaches it through the features
        ({"features": {FEATURE: {"grids": [1]}}}, False),
        ({"rounds": 3, "budget": "paper", "selection": ["oracle"]}, False),
    ],
)
def test_a_models_settings_hold_what_its_job_reads_and_no_more(plan, changes, read):
    for experiment in cdmer_experiments():
        before, after = (made.training_settings("SVM", experiment.key) for made in (plan(), plan(**changes)))
        assert (before != after) == read


def test_a_models_settings_name_source_and_target(plan):
    settings = plan(model_settings={"SVM": {"C": 0.5}}).training_settings("SVM", "C_to_H")
    assert settings == {
        "databases": ["casme2", "smic_hs"],
        "module": "cdmer.adaptation.svm",
        "estimator": "SVM",
        "parameters": {"C": 0.5},
        "columns": "blocks",
        "selection": ["default"],
        "criterion": "infomax",
        "budget": None,
        "casme2_negative": "disgust_sadness_fear",
    }


@pytest.mark.parametrize(
    ("selection", "protocols", "drawn"),
    [
        (["default", "source", "unsupervised", "oracle"], ["cdmer"], True),
        (["default", "oracle"], ["cdmer", "cde"], True),
        (["oracle"], ["cdmer"], False),
        (["default", "source"], ["cdmer"], False),
        (["default", "oracle"], ["cde"], False),
    ],
)
def test_the_price_of_honesty_is_drawn_where_there_is_one(plan, selection, protocols, drawn):
    assert plan(selection=selection, protocols=protocols).compares_selections() is drawn


def test_how_hyper_parameters_are_chosen_reaches_models_that_have_a_grid(plan):
    made = plan(models=["SVM", "TCA", "TGSR@released"], selection=["default", "oracle"], budget="paper")
    told = {
        name: {key: made.training_settings(name, "C_to_H")[key] for key in ("selection", "budget")}
        for name in made.models
    }
    searched = {"selection": ["default", "oracle"], "budget": "paper"}
    assert told == {
        "SVM": {"selection": ["default"], "budget": None},
        "TCA": searched,
        "TGSR@released": searched,
    }
    assert made.training_settings("TGSR@released", "C_to_H")["columns"] == "released"


def test_code_digests_are_of_the_code_that_runs(plan):
    made = plan()
    assert made.reader_code("casme2") == code_digest("cdmer.databases.stage", "cdmer.databases.casme2")
    assert made.reader_code("casme2") != made.reader_code("samm")
    assert made.feature_code(FEATURE) == code_digest("cdmer.descriptors.job", "cdmer.descriptors.lbp_top")
    assert made.model_code("SVM", "C_to_H") == code_digest("cdmer.protocols.train", "cdmer.adaptation.svm")
    assert made.model_code("SVM", "composite") == code_digest("cdmer.protocols.loso", "cdmer.adaptation.svm")


def test_a_folder_names_its_experiment():
    for experiment in cdmer_experiments():
        assert databases_of(experiment.key) == [experiment.source, experiment.target]


# -- leave one subject out


def test_the_composite_and_the_single_databases_are_tasks(plan):
    assert list(experiments("cde")) == ["composite"]
    assert list(experiments("single"))[:4] == ["smic_hs_3", "casme2_3", "samm_3", "casme2_4"]
    assert databases_of("composite") == ["smic_hs", "casme2", "samm"]
    made = plan(models=["SVM", "TCA"])
    assert made.computable("cde") == [("composite", "SVM")]  # nobody's handful of clips is a target to adapt to
    assert made.predictions("cde") == ["results/models/cde/composite/SVM/predictions.csv"]
    assert made.stores_of("SVM", "samm_5") == [f"results/features/{FEATURE}/samm.h5"]
    assert made.manifests_of("samm_5") == ["results/databases/samm/manifest.csv"]


def test_a_task_is_told_to_its_job(plan):
    made = plan()
    told = made.training_settings("SVM", "casme2_5")
    assert told == {
        "task": "casme2_5",
        "module": "cdmer.adaptation.svm",
        "estimator": "SVM",
        "parameters": {"C": 1.0},
    }
    inspect.signature(train_folds).bind("p", "m", stores=["s"], manifests=["m"], **told)
    inspect.signature(tabulate_folds).bind(["p"], "e", "l", "c", "m", "x", **made.table_settings("single"))


def test_a_release_without_subjects_is_left_out_by_name(plan, released):
    out = plan(**released).left_out("single")
    assert {"casme2_3", "casme2_5"} <= {entry.experiment for entry in out}
    assert "name no subjects" in out[0].reason


def test_the_protocols_asked_for_decide_which_stores_are_listed(plan):
    assert ("lbp_top_r3p8", "samm") not in plan().listed()
    assert ("lbp_top_r3p8", "samm") in plan(protocols=["cdmer", "cde"]).listed()


def test_a_shipped_feature_that_a_changed_recipe_cannot_make_is_left_out_with_the_reason(plan):
    made = plan(frames={"tim_16": {"length": 20}})
    assert made.lacks("c3d_fc1_sports1m", "casme2") == "c3d reads 16 frames of 112 x 112 pixels, not 20 of 112 x 112"
    assert made.lacks("lbp_top_r3p8", "casme2") == ""


def test_what_the_budget_leaves_out_is_left_out_by_name_and_reason(plan):
    quick = plan(models=["FR", "MADTN"])
    assert [key for key, model in quick.computable("cdmer") if model == "MADTN"] == ["C_to_V", "V_to_C"]
    left = [entry for entry in quick.left_out("cdmer") if entry.model == "MADTN"]
    assert len(left) == 10
    assert all("budget: paper" in entry.reason for entry in left)
    assert len([pair for pair in quick.computable("cdmer") if pair[1] == "FR"]) == 12
    whole = plan(models=["MADTN"], budget="paper")
    assert whole.left_out("cdmer") == []


def test_the_default_trains_all_that_the_quick_budget_has_time_for(plan):
    made = plan(models="all")
    experiments = {}
    for key, model in made.computable("cdmer"):
        experiments.setdefault(model, []).append(key)
    for model in ("SVM", "TGSR", "DSCNN", "FR", "STSTNet", "OFF-ApexNet"):
        assert len(experiments[model]) == 12
    for model in ("MADTN", "MERSiamC3D"):
        assert experiments[model] == ["C_to_V", "V_to_C"]
    variants = {"OSCNN-I", "OSCNN-II", "FR-fc", "FR-concatenated", "Basic-Inception", "Dual-Inception"}
    rivals = {"SSSN", "DSSN", "TSCNN-I", "TSCNN-II", "STRCN-G"}
    assert not (variants | rivals) & set(experiments)
    paper = {model for _, model in plan(models="all", budget="paper").computable("cdmer")}
    assert variants | rivals <= paper
    assert paper - set(experiments) == variants | rivals


def test_a_network_that_no_feature_feeds_is_left_out_by_name_whatever_the_budget(plan):
    made = plan(models=["SVM", "CapsuleNet", "CNN-LSTM"], budget="paper", protocols=["cdmer", "cde"])
    for protocol, count in (("cdmer", 12), ("cde", 1)):
        left = made.left_out(protocol)
        assert [entry.model for entry in left].count("CapsuleNet") == count
        reasons = {entry.model: entry.reason for entry in left}
        assert reasons["CapsuleNet"].startswith("reads the apex frame in colour, 224 × 224, and ImageNet weights")
        assert reasons["CNN-LSTM"] == "reads five expression states, 64 × 64; no feature holds them"
    with pytest.raises(CdmerError, match="five expression states"):
        plan(models=["CNN-LSTM"]).predictions("cdmer")


def test_the_report_asks_for_no_faces_of_models_that_are_left_out(plan):
    recipes = plan(models=["FR", "EMR"]).report_settings()["recipes"]
    assert recipes == ["fr_140"]


def test_a_networks_job_knows_its_rounds_and_its_recipes_changes(plan):
    quick = plan(models=["FR"], rounds=10, model_settings={"FR": {"epochs": 7}}).training_settings("FR", "C_to_H")
    training = quick["training"]
    assert training["rounds"] == 3
    assert training["changes"] == {"epochs": 7}
    assert training["network"] == "FR"
    assert "epochs" not in training["options"]
    paper = plan(models=["FR"], rounds=10, budget="paper").training_settings("FR", "C_to_H")
    assert paper["training"]["rounds"] == 10
    assert "selection" in quick
    assert "columns" not in quick


def test_a_network_without_its_weights_is_left_out_by_name(plan, tmp_path):
    made = plan(models=["SVM", "VGG16"])
    assert {entry.reason for entry in made.left_out("cdmer") if entry.model == "VGG16"} == {
        "no ImageNet weights are given (`model_settings.VGG16.weights`, docs/networks.md)"
    }
    with pytest.raises(CdmerError, match=r"VGG16\.weights"):
        plan(models=["VGG16"], model_settings={"VGG16": {"weights": "nowhere.pth"}}).left_out("cdmer")
    (tmp_path / "w.pth").write_bytes(b"1")
    given = {"VGG16": {"weights": str(tmp_path / "w.pth")}}
    made = plan(models=["VGG16"], model_settings=given)
    assert [key for key, _ in made.computable("cdmer")] == ["C_to_V", "V_to_C"]
    before = made.model_code("VGG16", "C_to_V")
    (tmp_path / "w.pth").write_bytes(b"22")
    assert plan(models=["VGG16"], model_settings=given).model_code("VGG16", "C_to_V") != before


def test_whole_databases_that_are_left_out_are_targets_to_adapt_to(plan):
    made = plan(models=["SVM", "TCA", "STSTNet"], protocols=["holdout", "lodo"])
    assert made.computable("holdout")[:2] == [("holdout_objective", "SVM"), ("holdout_objective", "TCA")]
    assert databases_of("lodo_3") == ["smic_hs", "casme2", "samm"]
    told = made.training_settings("TCA", "lodo_3")
    inspect.signature(train_databases_out).bind("p", "m", "g", stores=["s"], manifests=["m"], **told)
    assert told["selection"] == made.config.selection and told["task"] == "lodo_3"
    assert made.model_code("TCA", "lodo_3") != made.model_code("TCA", "H_to_V")
    network = made.training_settings("STSTNet", "lodo_3")
    assert network["task"] == "lodo_3" and "databases" not in network


def test_type_i_is_computed_once_more_with_nobody_on_both_sides(plan, released):
    made = plan(models=["SVM", "TCA", "STSTNet"], cdmer={"disjoint": ["default", "oracle"]})
    asked = made.disjoint()
    assert len(asked) == 12 and {model for _, model in asked} == {"SVM", "TCA"}
    assert not any("C" in key for key, _ in asked)
    told = made.disjoint_settings("TCA")
    inspect.signature(train_disjoint).bind("o", "c", **told)
    experiments_told = told["experiments"]
    assert [each["experiment"] for each in experiments_told] == ["H->V", "V->H", "H->N", "N->H", "V->N", "N->V"]
    assert experiments_told[1]["stores"] == [{"input": 1}, {"input": 0}]  # of the first experiment, the other way round
    files = with_files(experiments_told, made.disjoint_inputs("TCA"))
    assert files[1]["stores"] == made.stores_of("TCA", "V_to_H")
    read = {file for each in files for file in (*each["stores"], each["predictions"], each["metrics"])}
    assert sorted(made.disjoint_inputs("TCA")) == sorted(read)
    assert told["selection"] == ["default", "oracle"]
    assert made.disjoint_settings("SVM")["selection"] == ["default"]  # it searches nothing
    reasons = {entry.reason for entry in made.disjoint_left_out() if entry.model == "STSTNet"}
    assert reasons == {"networks are not trained again without each person"}
    settings = made.disjoint_table_settings()
    inspect.signature(tabulate_disjoint).bind("l", "c", "m", **settings)
    assert [part["model"] for part in settings["parts"]] == ["SVM"] * 6 + ["TCA"] * 6
    last = with_files(settings["parts"][-1], made.disjoint_answers())
    assert [last[name] for name in ("disjoint", "controls", "plain")] == [
        "results/models/disjoint/TCA/predictions.csv",
        "results/models/disjoint/TCA/controls.csv",
        "results/models/cdmer/N_to_V/TCA/predictions.csv",
    ]
    assert made.table_settings("cdmer")["disjoint"] is True
    assert plan(cdmer={"disjoint": []}).disjoint() == []
    assert plan(cdmer={"disjoint": []}).table_settings("cdmer")["disjoint"] is False
    out = plan(**released).disjoint_left_out()
    assert {"H->V", "V->N"} == {entry.experiment for entry in out} & {"H->V", "V->N"}
    assert "names nobody" in out[0].reason


def test_what_a_disjoint_training_starts_from_follows_the_plain_one(plan):
    before = plan(models=["TCA"]).disjoint_made_of("TCA")
    assert plan(models=["TCA"], model_settings={"TCA": {"mu": 2.0}}).disjoint_made_of("TCA") != before
    assert plan(models=["TCA", "SVM"]).disjoint_made_of("TCA") == before


@pytest.mark.parametrize(
    ("ask", "problem", "meant"),
    [
        (lambda plan: plan.faces_to_show("alinged_112"), "no faces recipe 'alinged_112'", "aligned_112"),
        (lambda plan: plan.faces_settings("alinged_112", "casme2"), "no faces recipe 'alinged_112'", "aligned_112"),
        (lambda plan: plan.frames_to_show("tim_61"), "no frames recipe 'tim_61'", "tim_16"),
        (lambda plan: plan.faces_of_frames("TIM_61", "casme2", "sub01"), "no frames recipe 'TIM_61'", "tim_16"),
        (lambda plan: plan.clips_digest("casme2", "sub_01"), "no subject of casme2 'sub_01'", "sub01"),
        (lambda plan: plan.stores_of("SVM", "H_to_H"), "no experiment 'H_to_H'", "V_to_H"),
    ],
)
def test_a_name_that_a_target_has_wrong_is_answered_with_the_nearest(plan, ask, problem, meant):
    with pytest.raises(CdmerError, match=problem) as caught:
        ask(plan())
    assert f"did you mean '{meant}'?" in caught.value.remedy


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"cdmer": {"disjoint": []}}, "cdmer: {disjoint: [default]}"),
        ({"protocols": ["cde"]}, "add `cdmer` to `protocols`"),
        ({"cdmer": {"disjoint": ["oracle"]}}, "no selection of `cdmer.disjoint` is computed of it"),
        ({"databases": {"smic_hs": None, "smic_nir": None}}, "the configuration has no database smic_hs"),
    ],
)
def test_a_disjoint_training_that_nothing_asks_for_says_what_would(plan, changes, remedy):
    with pytest.raises(CdmerError, match="SVM is not trained without the people") as caught:
        plan(**changes).disjoint_inputs("SVM")
    assert remedy in caught.value.remedy
