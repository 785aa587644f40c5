"""The job of the faces stage on clips of the cohort."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from cdmer.databases.cohort import layout_root, plan_database, render_subject
from cdmer.databases.manifest import load_manifest
from cdmer.databases.stage import write_subject
from cdmer.faces.job import align_faces
from cdmer.store.shard import read_shard

from .conftest import RECIPE


def test_a_frame_that_the_database_lacks_is_held_so_that_indices_stay_frame_numbers(tmp_path: Path) -> None:
    plan = plan_database("smic_hs", "tiny", 1, quirks=True)
    person = replace(plan.subject("s11"), clips=plan.subject("s11").clips[:1])
    plan = replace(plan, subjects=(person,))
    render_subject(plan, "s11", tmp_path, tmp_path / "truth.h5")
    root = str(tmp_path / layout_root("smic_hs", quirks=True))
    write_subject("s11", tmp_path / "s11.csv", reader="smic", root=root, annotation=None, database="smic_hs")
    align_faces(tmp_path / "s11.csv", tmp_path / "s11.h5", **{**RECIPE, "size": 48})
    shard = read_shard(tmp_path / "s11.h5")
    (row,) = (row for _, row in load_manifest(tmp_path / "s11.csv").iterrows())
    crops = shard[row["clip"]].frames
    assert len(crops) == row["offset"] - row["onset"] + 1
    held = [index for index in range(1, len(crops)) if np.array_equal(crops[index], crops[index - 1])]
    numbers = {int(path.stem.removeprefix("image")) for path in Path(row["path"]).glob("image*.bmp")}
    absent = [number - row["onset"] for number in range(row["onset"], row["offset"] + 1) if number not in numbers]
    assert held == absent  # camera noise makes any two recorded frames differ
    assert len(absent) == row["n_missing"] == 1
