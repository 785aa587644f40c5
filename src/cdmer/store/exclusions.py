"""Lists of the clips that were left out, and why: beside each store, and over all of them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cdmer.errors import CdmerError
from cdmer.files import write_text
from cdmer.store.feature_store import FeatureStore


def list_exclusions(stores: Sequence[str | Path], output: str | Path) -> None:
    """Write one row a clip that a stage left out: database, subject, clip, stage, reason.

    Parameters
    ----------
    stores
        Feature stores, named after their databases; a clip that several features lack is listed once.
    output
        The CSV to write; only its header where every clip was used.
    """
    rows = {
        (Path(store).stem, entry.subject, entry.clip, entry.stage, entry.reason)
        for store in stores
        for entry in FeatureStore(store).excluded
    }
    table = pd.DataFrame(sorted(rows, key=str), columns=["database", "subject", "clip", "stage", "reason"])
    write_text(output, table.to_csv(index=False, lineterminator="\n"))


def refuse_missing_faces(parts: Sequence[str | Path]) -> None:
    """Stop where a part of a store lacks a clip because it shows no face.

    The faces stage stops too; this is for parts that were made while such clips were to be left out.
    """
    found = [entry for part in parts for entry in FeatureStore(part).excluded if entry.stage == "faces"]
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise CdmerError(
            f"clip {found[0].clip}: {found[0].reason}{more}",
            "set `on_missing_face: exclude` in the faces recipe to leave such clips out",
        )
