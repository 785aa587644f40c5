"""Names that a shell would run, were they not quoted: of clips, of folders, of spreadsheets."""

import shutil
from pathlib import Path

import pandas as pd
import yaml

from cdmer.store.feature_store import FeatureStore

NAMES = ("a; touch pwned; rm -rf x", "$(touch pwned)", "`touch pwned` && 'quoted\" \\ *?[x]")


def test_names_are_data_all_the_way_to_the_store(workflow, tmp_path):
    manifest = pd.read_csv(workflow.folder / "results/databases/smic_vis/manifest.csv")
    home = tmp_path / "my clips; touch pwned" / "$(touch pwned)"
    home.mkdir(parents=True)
    rows = []
    for name, (_, row) in zip(NAMES, manifest.iterrows(), strict=False):
        folder = home / name.replace("/", "")
        shutil.copytree(workflow.folder / row["path"], folder)
        rows.append({"clip": name, "subject": "s1", "path": folder.name, "fps": 25, "emotion": row["emotion"]})
    table = home / "clips; touch pwned.csv"
    pd.DataFrame(rows).to_csv(table, index=False)
    config = yaml.safe_load((workflow.folder / "config.yaml").read_text())
    databases = {**config["databases"], "smic_vis": {"reader": "clips", "root": str(table)}}
    workflow.configure(databases=databases)
    store = "results/features/lbp_top_r3p8/smic_vis.h5"
    workflow.run(store)
    features = FeatureStore(workflow.folder / store).load()
    assert list(features.clip) == list(NAMES) and set(features.subject) == {"s1"}
    assert not [path for folder in (workflow.folder, tmp_path, Path.cwd()) for path in folder.rglob("pwned")]


def test_a_subject_that_a_shell_would_run_is_refused_before_any_job(workflow, tmp_path):
    frames = tmp_path / "frames"
    frames.mkdir()
    (frames / "1.png").write_bytes(b"")
    table = tmp_path / "clips.csv"
    pd.DataFrame([{"clip": "c", "subject": "s1; touch pwned", "path": "frames", "fps": 25}]).to_csv(table, index=False)
    config = yaml.safe_load((workflow.folder / "config.yaml").read_text())
    workflow.configure(databases={**config["databases"], "smic_vis": {"reader": "clips", "root": str(table)}})
    said = workflow.run("--dry-run", expect=1)
    assert "cannot name a file" in said and "letters, digits, dots, dashes and underscores" in said
