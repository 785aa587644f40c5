"""What reruns, and what does not, proved on the DAG itself."""

import importlib.metadata
import os
import shutil
from pathlib import Path

import openpyxl
import pytest

STORES_ON = {"list_exclusions", "find_leaks", "train_model", "tabulate_cdmer"}
DESCRIPTORS_ON = {"compute_features", "merge_features"} | STORES_ON
FRAMES_ON = DESCRIPTORS_ON | {"interpolate_frames"}
FACES_ON = FRAMES_ON | {"align_faces"}


def edit(workflow, module, before, after):
    path = workflow.repository / "src" / "cdmer" / module
    text = path.read_text()
    assert text.count(before) >= 1
    path.write_text(text.replace(before, after, 1))


def test_a_second_run_has_nothing_to_do(workflow):
    assert workflow.planned() == {}


def test_a_copy_of_the_source_has_nothing_to_do_either(editable):
    assert editable.planned() == {}


def test_touching_every_source_file_reruns_nothing(editable):
    for path in editable.repository.rglob("*"):
        os.utime(path)
    assert editable.planned() == {}


def test_editing_docstrings_and_comments_reruns_nothing(editable):
    edit(editable, "descriptors/lbp_top.py", '"""LBP-TOP histograms', '"""The LBP-TOP histograms')
    edit(editable, "faces/align.py", "# as seen in the image", "# seen from the camera")
    edit(editable, "errors.py", '"""Something that the user can mend.', '"""What the user can mend.')
    assert editable.planned() == {}


def test_editing_lbp_top_reruns_descriptors_and_what_follows(editable):
    edit(editable, "descriptors/lbp_top.py", "GUARD = np.float32(1e-3)", "GUARD = np.float32(2e-3)")
    assert set(editable.planned()) == DESCRIPTORS_ON


def test_editing_the_alignment_reruns_faces_and_what_follows(editable):
    edit(editable, "faces/align.py", "cv2.INTER_CUBIC", "cv2.INTER_LINEAR")
    assert set(editable.planned()) == FACES_ON


def test_editing_a_model_reruns_it_and_the_table_and_no_other_model(editable):
    edit(editable, "adaptation/svm.py", "domains.code, self.C)", "domains.code, 2 * self.C)")
    planned = editable.planned()
    assert set(planned) == {"train_model", "find_leaks", "tabulate_cdmer"}
    assert all("/SVM/" in path for path in planned["train_model"])


def test_editing_published_numbers_reruns_the_table_alone(editable):
    edit(editable, "evaluation/published.csv", "0.6186", "0.6187")
    assert set(editable.planned()) == {"tabulate_cdmer"}


def test_editing_the_configuration_model_or_the_command_line_reruns_nothing(editable):
    edit(editable, "config/databases.py", "class Cohort(Settings):", "UNUSED = 1\n\n\nclass Cohort(Settings):")
    edit(editable, "cli.py", "app = typer.Typer(", "UNUSED = 1\napp = typer.Typer(")
    assert editable.planned() == {}


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"faces": {"aligned_112": {"eye_height": 0.34}}}, FACES_ON),
        ({"frames": {"tim_16": {"length": 12}}}, FRAMES_ON),
        ({"features": {"lbp_top_r3p8": {"radius": 2}}}, DESCRIPTORS_ON),
        ({"model_settings": {"SVM": {"C": 2.0}}}, {"train_model", "find_leaks", "tabulate_cdmer"}),
        ({"cdmer": {"casme2_negative": "disgust_repression"}}, {"train_model", "find_leaks", "tabulate_cdmer"}),
        ({"rounds": 3}, set()),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_editing_a_key_reruns_its_readers_only(workflow, changes, rules):
    workflow.configure(**changes)
    assert set(workflow.planned()) == rules


def test_a_recipe_that_nobody_reads_reruns_nothing(workflow):
    workflow.configure(faces={"aligned_64": {"size": 64}})
    assert workflow.planned() == {}


def test_a_new_opencv_reruns_what_it_computes(editable):
    """A distribution of another version that comes first on the path, as an upgrade would leave it."""
    name = "opencv-contrib-python-headless"
    folder = editable.repository / "src" / f"{name.replace('-', '_')}-99.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.0\n")
    assert importlib.metadata.version(name) != "99.0"
    planned = editable.planned()
    assert "align_faces" in planned
    assert "render_subject" in planned  # the look-alikes are drawn with OpenCV too
    assert "annotate_cohort" not in planned  # spreadsheets are not


def _add_clip(workflow, subject="sub01"):
    """A recording copied under a new name, and its row in the spreadsheet, as a researcher would add one."""
    sheet = workflow.folder / "data" / "CASME2-coding-20140508.xlsx"
    book = openpyxl.load_workbook(sheet)
    rows = list(book.active.iter_rows(values_only=True))
    row = list(next(row for row in rows[1:] if str(row[0]).zfill(2) == subject[3:]))
    folder = workflow.folder / "data" / "CASME2_RAW_selected" / subject
    shutil.copytree(folder / row[1], folder / "EP99_01")
    row[1] = "EP99_01"
    book.active.append(row)
    book.save(sheet)


def _stamps(workflow, pattern):
    return {str(path): path.stat().st_mtime_ns for path in sorted(workflow.folder.glob(pattern))}


def test_a_new_clip_recomputes_its_subjects_shards_only(workflow):
    _add_clip(workflow)
    planned = workflow.planned()
    for rule in ("read_subject", "align_faces", "interpolate_frames", "compute_features"):
        assert len(planned[rule]) == 1
        assert "sub01" in planned[rule][0]
    assert {Path(path).name for path in planned["merge_features"]} == {"casme2.h5"}
    shards = "results/f*/*/*/*.h5"
    before = _stamps(workflow, shards)
    workflow.run("results/cdmer_table.csv")
    after = _stamps(workflow, shards)
    changed = {path for path in before if after[path] != before[path]}
    assert len(changed) == 3
    assert all("casme2/sub01.h5" in path for path in changed)
    assert workflow.planned() == {}


def test_a_frame_that_was_replaced_recomputes_its_subject(workflow):
    frame = next((workflow.folder / "data/CASME2_RAW_selected/sub01").rglob("*.jpg"))
    frame.write_bytes(frame.read_bytes())
    planned = workflow.planned()
    assert [path for path in planned["align_faces"] if "sub01" not in path] == []
    assert len(planned["align_faces"]) == 1


def test_a_new_emotion_in_the_sheet_reruns_without_new_faces_of_others(workflow):
    sheet = workflow.folder / "data" / "CASME2-coding-20140508.xlsx"
    book = openpyxl.load_workbook(sheet)
    cell = next(row for row in book.active.iter_rows(min_row=2) if row[8].value == "happiness")
    subject = f"sub{int(cell[0].value):02d}"
    cell[8].value = "repression"
    book.save(sheet)
    planned = workflow.planned()
    assert all(subject in output for output in planned["read_subject"])
    assert len(planned["read_subject"]) == 1
