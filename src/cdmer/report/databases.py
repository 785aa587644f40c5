"""The sections on databases and faces: what was read, what was left out, and what it looks like."""

from collections import Counter
from typing import Any

import pandas as pd

from cdmer.databases.manifest import load_manifest
from cdmer.report.clips import CHANGE, FLOW_RIM, LEAST_PEOPLE, SLOWER, contact_sheet, examples, flow_key, mean_faces
from cdmer.report.results import Results, title_of
from cdmer.store.feature_store import FeatureStore

WORDS = {
    "synthetic": "synthetic look-alike",
    "real": "real clips",
    "released": "released features, no clips",
}


def databases_section(results: Results) -> dict[str, Any]:
    """What the template of this section reads."""
    excluded = results.table("exclusions.csv")
    shown = []
    for name, database in results.databases.items():
        manifest = load_manifest(results.file(f"databases/{name}/manifest.csv")) if database.clips else None
        facts = _facts(manifest) if manifest is not None else _released(results, name)
        shown.append(
            {
                "name": name,
                "title": title_of(name),
                "origin": WORDS[database.origin],
                "synthetic": database.origin == "synthetic",
                "released": database.released,
                "excluded": int((excluded["database"] == name).sum()),
                "examples": examples(results, name, manifest) if manifest is not None else [],
                **facts,
            }
        )
    key = flow_key() if any(database["examples"] for database in shown) else None
    return {
        "databases": shown,
        "key": key,
        "slower": SLOWER,
        "rim": FLOW_RIM,
        "change": CHANGE,
        "excluded": excluded.fillna("").to_dict("records"),
    }


def faces_section(results: Results) -> dict[str, Any]:
    """What the template of this section reads."""
    seen = list(results.shown("show"))
    sheets = [(recipe, contact_sheet(results, recipe, seen)) for recipe in results.recipes] if seen else []
    means = [
        {"recipe": recipe, "database": title_of(database), "people": people, "picture": picture}
        for recipe in results.recipes
        for database, people, picture in mean_faces(results, recipe)
    ]
    hidden = [title_of(name) for name, database in results.databases.items() if database.faces == "none"]
    return {
        "sheets": [(recipe, sheet) for recipe, sheet in sheets if sheet],
        "shown": [title_of(name) for name in seen],
        "means": means,
        "least": LEAST_PEOPLE,
        "hidden": hidden,
        "setting": results.faces,
    }


def _facts(manifest: pd.DataFrame) -> dict[str, Any]:
    """Counts of what a manifest lists."""
    lengths = manifest["offset"] - manifest["onset"] + 1
    return {
        "clips": len(manifest),
        "subjects": int(manifest["subject"].nunique()),
        "per_subject": _span(manifest["subject"].value_counts()),
        "emotions": Counter(str(word) for word in manifest["emotion"].dropna()).most_common(),
        "objective": sorted(Counter(str(word) for word in manifest["objective_class"].dropna()).items()),
        "fps": ", ".join(f"{rate:g}" for rate in sorted(manifest["fps"].dropna().unique())),
        "lengths": _span(lengths),
        "seconds": f"{float((lengths / manifest['fps']).median()):.2f}",
        "apexes": int(manifest["apex"].notna().sum()),
        "missing": int(manifest["n_missing"].sum()),
    }


def _released(results: Results, database: str) -> dict[str, Any]:
    """Counts of what a released feature lists."""
    feature = next((name for name, stores in results.features.items() if database in stores), None)
    if feature is None:
        return {"clips": 0, "subjects": None, "emotions": []}
    told = FeatureStore(results.file(f"features/{feature}/{database}.h5")).load(("clip", "subject", "label", "emotion"))
    subjects = {subject for subject in told.subject if subject is not None}
    return {
        "clips": len(set(told.clip)),
        "subjects": len(subjects) or None,
        "emotions": Counter(str(word) for word in told.words if word is not None).most_common(),
    }


def _span(values: "pd.Series[Any]") -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low} to {high}"
