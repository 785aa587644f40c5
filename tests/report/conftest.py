"""A small run, made up: three databases, three models, every number known."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cdmer.databases.manifest import make_manifest, write_manifest
from cdmer.report.job import make_report
from cdmer.report.results import Results, read_results
from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import write_shard

PEOPLE, CLIPS, FRAMES, SIDE = 6, 3, 12, 48
EMOTIONS = ("negative", "positive", "surprise")
DATABASES = ("smic_vis", "smic_nir", "casme2")
EXPERIMENTS = {
    "V_to_N": ["V->N", "smic_vis", "smic_nir"],
    "C_to_V": ["C->V", "casme2", "smic_vis"],
}
MODELS = ("SVM", "TCA", "STSTNet")
HEADER = "s\th:m:s\tmax_rss\n"


@dataclass
class Made:
    """The folder of a run, and the settings of its report."""

    folder: Path
    settings: dict[str, Any]
    page: Path = field(init=False)

    def __post_init__(self) -> None:
        self.page = self.folder / "report.html"

    def faces(self, choice: str) -> "Made":
        """The same run with other faces."""
        databases = {
            name: {**entry, "faces": choice, "subjects": [] if choice == "none" else people()}
            for name, entry in self.settings["databases"].items()
        }
        return Made(self.folder, {**self.settings, "faces": choice, "databases": databases})

    def report(self) -> str:
        make_report(self.page, self.files(), benchmarks=self.folder / "benchmarks", **self.settings)
        return self.page.read_text(encoding="utf-8")

    def files(self) -> list[Path]:
        """What the report is made of, and a little more."""
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def results(self) -> Results:
        return read_results(self.files(), self.folder / "benchmarks", self.settings)


def people() -> list[str]:
    return [f"s{number:02d}" for number in range(1, PEOPLE + 1)]


def frames_of(seed: int) -> np.ndarray:
    """A clip of noise on a brightness of its person's own."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(-20, 20, (FRAMES, SIDE, SIDE))
    return np.clip(100 + 10 * (seed % 7) + noise, 0, 255).astype(np.uint8)


def make_database(root: Path, name: str, shift: float) -> None:
    rows = [
        {
            "clip": f"{person}_{emotion[:2]}",
            "database": name,
            "subject": person,
            "path": f"nowhere/{person}",
            "first_frame": 1,
            "onset": 1,
            "apex": 6 if name == "casme2" else None,
            "offset": FRAMES,
            "n_frames": FRAMES,
            "fps": 200.0 if name == "casme2" else 25.0,
            "emotion": {"negative": "disgust", "positive": "happiness", "surprise": "surprise"}[emotion]
            if name == "casme2"
            else emotion,
        }
        for person in people()
        for emotion in EMOTIONS
    ]
    manifest = make_manifest(rows, root)
    write_manifest(manifest, root / f"databases/{name}/manifest.csv")
    for person in people():
        with write_shard(root / f"faces/aligned_112/{name}/{person}.h5", {}) as shard:
            for number, row in enumerate(row for row in rows if row["subject"] == person):
                shard.add(
                    row["clip"],
                    frames_of(int(person[1:]) + number),
                    subject=person,
                    emotion=row["emotion"],
                    **{key: row[key] for key in ("onset", "apex", "offset")},
                )
    rng = np.random.default_rng(len(name))
    X = rng.normal(size=(len(rows), 20)).astype(np.float32)
    X[:, 0] += shift
    provenance = {"feature": "lbp", "database": name, "recipe": {}, "code_digest": "c"}
    columns = [[row[key] for row in rows] for key in ("clip", "subject", "emotion")]
    FeatureStore.write(root / f"features/lbp/{name}.h5", X, *columns, provenance=provenance)


def make_training(root: Path, key: str, model: str) -> None:
    folder = root / f"models/cdmer/{key}/{model}"
    folder.mkdir(parents=True)
    rows = [(person, emotion) for person in people() for emotion in EMOTIONS]
    told = [
        {
            "round": 1,
            "selection": selection,
            "point": "",
            "clip": f"{person}_{emotion[:2]}",
            "subject": person,
            "label": emotion,
            # the first person is never understood, the others always
            "predicted": "negative" if person == "s01" else emotion,
        }
        for selection in ("default", "oracle")
        for person, emotion in rows
    ]
    pd.DataFrame(told).to_csv(folder / "predictions.csv", index=False)
    if model == "STSTNet":
        epochs = np.arange(1, 6)
        curves = {"round": 1, "epoch": epochs, "loss": 1 / epochs, "target_uf1": epochs / 10}
        pd.DataFrame(curves).to_csv(folder / "curves.csv", index=False)
    elif model == "TCA":
        dims = np.arange(1, 9)
        grid = {"dim": dims, "residual": 0.0, "converged": True, "source_uf1": dims / 20, "uf1": dims / 10}
        pd.DataFrame(grid).to_csv(folder / "grid.csv", index=False)
    else:
        (folder / "grid.csv").write_text("\n")


def make_tables(root: Path) -> None:
    scores = {"SVM": (0.5012, 0.5012), "TCA": (0.6123, 0.7234), "STSTNet": (0.4007, 0.4551)}
    rows = [
        {
            "protocol": "cdmer",
            "type": "TYPE-I" if key == "V_to_N" else "TYPE-II",
            "experiment": name,
            "source": source,
            "target": target,
            "model": model,
            "selection": selection,
            "rounds": 1,
            "uf1": pair[selection == "oracle"] + (0.01 if key == "C_to_V" else 0),
            "uf1_std": None,
            "uf1_low": 0.31,
            "uf1_high": 0.82,
            "uar": 0.5,
            "accuracy": 0.5678,
            "accuracy_std": None,
            "n_target": PEOPLE * CLIPS,
            "published_uf1": 0.6186 if model == "SVM" else None,
            "published_accuracy": 0.6338 if model == "SVM" else None,
            "published_in": "TGSR" if model == "SVM" else "",
            "interval_over": "subjects",
            "data": "synthetic",
            "point": "",
            "oracle_lead": None,
        }
        for key, (name, source, target) in EXPERIMENTS.items()
        for model, pair in scores.items()
        for selection in ("default", "oracle")
    ]
    pd.DataFrame(rows).to_csv(root / "cdmer_table.csv", index=False)
    lost = {"error": 0.01, "smallest": 0.03, "best": "TCA", "difference": 0.2, "type": "TYPE-I", "experiment": "V->N"}
    compared = [
        {**lost, "selection": "default", "model": "STSTNet", "p": 0.004, "p_corrected": 0.008},
        {**lost, "selection": "default", "model": "SVM", "p": 0.4, "p_corrected": 0.4},
    ]
    pd.DataFrame(compared).to_csv(root / "cdmer_comparisons.csv", index=False)
    leaks = [
        {"experiment": "V->N", "check": "a person is on both sides", "count": 6, "of": 6, "detail": "s01"},
        {"experiment": "C->V", "check": "a person is on both sides", "count": 0, "of": 6, "detail": ""},
    ]
    pd.DataFrame(leaks).assign(feature="lbp").to_csv(root / "cdmer_leaks.csv", index=False)
    excluded = {"database": "casme2", "subject": "s09", "clip": "gone", "stage": "faces", "reason": "no <face> & more"}
    pd.DataFrame([excluded]).to_csv(root / "exclusions.csv", index=False)
    card = {
        "table": "cdmer_table.csv", "table_sha256": "0123abcd", "config_sha256": "c0ffee", "python": "3.11.0",
        "machine": {"system": "Linux", "processor": "Z80", "cores": 2, "gpu": None}, "mathematics_threads": "1",
        "device": "cpu", "seeds": {"cohort": 7, "networks": 1}, "hours": 0.033,
        "written": "2026-01-01T00:00:00+00:00", "data": {"casme2": "dada"}, "code": {"SVM": "c0de"},
        "libraries": {"numpy": "2.1"},
    }  # fmt: skip
    (root / "cdmer_table.card.json").write_text(json.dumps(card))
    for name, seconds in (("faces/aligned_112/casme2/s01", 30), ("models/cdmer/V_to_N/TCA", 90)):
        path = root / f"benchmarks/{name}.tsv"
        path.parent.mkdir(parents=True)
        path.write_text(f"{HEADER}{seconds}.0\t0:00:30\t120.0\n")


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Made:
    """The results of a finished run, and settings that show everything."""
    root = tmp_path_factory.mktemp("results")
    for name, shift in zip(DATABASES, (0.0, 0.0, 8.0), strict=True):
        make_database(root, name, shift)
    for key in EXPERIMENTS:
        for model in MODELS:
            make_training(root, key, model)
    make_tables(root)
    settings = {
        "databases": {
            name: {"origin": "synthetic", "released": [], "clips": True, "faces": "show", "subjects": people()}
            for name in DATABASES
        },
        "faces": "show",
        "recipes": ["aligned_112"],
        "protocols": {
            "cdmer": {
                "experiments": EXPERIMENTS,
                "models": {model: list(EXPERIMENTS) for model in MODELS},
                "networks": ["STSTNet"],
                "features": dict.fromkeys(MODELS, "lbp"),
            }
        },
        "features": {"lbp": list(DATABASES)},
        "transforms": {"TCA": {"feature": "lbp", "mu": 1.0, "dim": 5, "C": 1.0}},
        "regions": {},
        "selections": ["default", "oracle"],
        "casme2_negative": "disgust_sadness_fear",
        "honesty": False,
        "weights": False,
        "disjoint": False,
    }
    return Made(root, settings)


@pytest.fixture(scope="session")
def page(run) -> str:
    """The report of that run, faces shown."""
    return run.report()
