"""Tasks that the clips of their databases cannot fill are left out by name, before a job runs."""

import pytest

from cdmer.config import read_config
from cdmer.databases.cohort import layout_root, plan_database, write_annotation
from cdmer.databases.cohort.layouts import annotation_name, annotation_names, clip_folder, subject_folder
from cdmer.databases.reading import read_entries
from cdmer.planning.folds import Said, lacks_folds, said_of_look_alike
from cdmer.planning.plan import Plan
from cdmer.protocols.tasks import HOLDOUT, task_named

SAMM_5 = task_named("samm_5")


def said(*shown):
    """A clip for each subject and word, which is its emotion and its objective class."""
    return [Said(f"{place}", subject, word, word) for place, (subject, word) in enumerate(shown)]


def test_a_task_whose_clips_show_one_person_is_left_out_of_the_table():
    plan = Plan(read_config({"cohort": {"size": "tiny"}, "models": ["SVM"], "protocols": ["single"]}))
    (entry,) = plan.left_out("single")
    assert (entry.experiment, entry.model) == ("samm_objective", "SVM")
    assert entry.reason == ("all clips that take part show samm/006; leaving one subject out needs two people at least")
    assert len(plan.computable("single")) == 8
    assert plan.table_settings("single")["left_out"][0]["experiment"] == "samm_objective"


def test_a_database_on_disk_is_asked_for_its_people_too(tmp_path):
    sheet = tmp_path / "clips.csv"
    rows = [("a", "anger"), ("a", "happiness"), ("b", "fear")]  # samm_5 leaves fear out
    lines = [f"c{place},{person},{tmp_path},25,{word}" for place, (person, word) in enumerate(rows)]
    sheet.write_text("\n".join(["clip,subject,path,fps,emotion", *lines]) + "\n")
    config = {
        "models": ["SVM"],
        "protocols": ["single"],
        "databases": {"smic_hs": None, "casme2": None, "samm": {"reader": "clips", "root": str(sheet)}},
    }
    reasons = {entry.experiment: entry.reason for entry in Plan(read_config(config)).left_out("single")}
    assert reasons["samm_5"].startswith("all clips that take part show samm/a;")
    assert reasons["samm_3"] == "without samm/a, negative is the only class left to learn"
    assert reasons["samm_objective"] == "the annotation of samm gives no objective classes"


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ([("a", "fear"), ("b", "sadness")], "no clip of samm takes part"),
        ([("a", "anger"), ("a", "other"), ("b", "other")], "without samm/a, others is the only class left to learn"),
        ([("a", "anger"), ("b", "anger"), ("c", "anger")], "without samm/a, anger is the only class left to learn"),
        ([("a", "anger"), ("a", "other"), ("b", "other"), ("b", "anger")], ""),
        ([("a", "joy")], ""),  # a word that nobody knows is named by the job
        ([("a", None)], ""),
    ],
)
def test_what_a_task_needs_of_its_clips(shown, reason):
    assert lacks_folds(SAMM_5, {"samm": said(*shown)}) == reason


def test_a_task_that_leaves_databases_out_needs_two_with_two_classes_each():
    both = [("a", "I"), ("a", "II")]
    assert lacks_folds(HOLDOUT, {"casme2": said(*both), "samm": said(*both)}) == ""
    lacking = lacks_folds(HOLDOUT, {"casme2": said(*both), "samm": said(("a", "VII"))})
    assert lacking == "all clips that take part are of casme2; two databases are needed at least"
    lacking = lacks_folds(HOLDOUT, {"casme2": said(*both), "samm": said(("a", "I"), ("b", "I"))})
    assert lacking == "without casme2, I is the only class left to learn"
    nothing = lacks_folds(HOLDOUT, {"casme2": said(("a", None)), "samm": said(("a", "VI"))})
    assert nothing == "no clip of casme2 or samm takes part"


@pytest.mark.parametrize("quirks", [False, True])
@pytest.mark.parametrize("database", ["smic_hs", "casme2", "samm"])
def test_what_is_planned_of_a_look_alike_is_what_its_reader_says(database, quirks, tmp_path):
    plan = plan_database(database, "small", 1, quirks=quirks)
    root = tmp_path / layout_root(database, quirks)
    for person in plan.subjects:
        for clip in person.clips:
            place = clip_folder(database, person.subject, clip, quirks)
            (tmp_path / subject_folder(database, person.subject, quirks) / place).mkdir(parents=True, exist_ok=True)
    for name in annotation_names(database, quirks):
        write_annotation(plan, tmp_path / name)
    reader = "smic" if database == "smic_hs" else database
    sheet = annotation_name(database, quirks)
    entries = read_entries(reader, root, tmp_path / sheet if sheet else None)
    planned = {each.clip: each for each in said_of_look_alike(plan)}
    assert set(planned) == {entry.clip for entry in entries}
    for entry in entries:
        assert planned[entry.clip][1:3] == (entry.subject, entry.emotion)
        assert database == "smic_hs" or planned[entry.clip].objective_class == entry.objective_class
