"""The manifest: one row a clip, the same columns for every database.

No class labels: the papers relabel the same clips differently, so a protocol maps emotions to classes.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cdmer.databases.reading import SUBJECT_NAME
from cdmer.errors import CdmerError
from cdmer.files import write_text

COLUMNS: dict[str, str] = {
    "clip": "string",  # unique within its database
    "database": "string",
    "subject": "string",
    "path": "string",  # folder of frames, or video file
    "first_frame": "Int64",  # number of the first frame found at `path`
    "onset": "Int64",  # frame numbers are the database's own
    "apex": "Int64",  # nullable
    "offset": "Int64",
    "n_frames": "Int64",  # frames found at `path`
    "fps": "Float64",
    "emotion": "string",  # the database's own word, lower case; nullable
    "objective_class": "string",  # I to VII; nullable
    "action_units": "string",  # as annotated, e.g. "4+L10"; nullable
    "n_missing": "Int64",  # frames between onset and offset that are not there, and that whoever reads them fills
}
NULLABLE = frozenset({"apex", "emotion", "objective_class", "action_units"})


def make_manifest(rows: Iterable[Mapping[Any, object]], source: str | Path) -> pd.DataFrame:
    """A checked manifest from one dict a clip, in the order given.

    Parameters
    ----------
    rows
        Dicts with the keys of `COLUMNS`; absent keys are null, but for `n_missing`, which is 0.
    source
        The annotation or folder that the rows were read from, named in errors.

    Raises
    ------
    CdmerError
        No clip at all; a null where none may be; a clip twice; a subject whose name cannot name a file;
        onset <= apex <= offset violated.
    """
    frame = pd.DataFrame(list(rows)).reindex(columns=list(COLUMNS)).fillna({"n_missing": 0}).astype(COLUMNS)
    if frame.empty:
        raise CdmerError(f"{source}: no clip found", "check the root and the layout that the reader expects")
    for column in frame.columns.difference(list(NULLABLE)):
        if frame[column].isna().any():
            clip = frame.loc[frame[column].isna(), "clip"].iloc[0]
            raise CdmerError(f"{source}: clip {clip} has no {column}", f"fill in its {column}")
    twice = frame["clip"][frame["clip"].duplicated()]
    if not twice.empty:
        raise CdmerError(f"{source}: clip {twice.iloc[0]} is listed twice", "remove or rename one of the two")
    for subject in frame["subject"].unique():
        if not SUBJECT_NAME.fullmatch(subject):
            raise CdmerError(
                f"{source}: subject {subject!r} cannot name a file",
                "use letters, digits, dot, dash and underscore only",
            )
    wrong = (frame["onset"] > frame["offset"]) | (
        frame["apex"].notna() & ((frame["apex"] < frame["onset"]) | (frame["apex"] > frame["offset"]))
    )
    if wrong.fillna(False).any():
        row = frame[wrong.fillna(False)].iloc[0]
        raise CdmerError(
            f"{source}: clip {row['clip']} has onset {row['onset']}, apex {row['apex']}, offset {row['offset']}",
            "correct them so that onset <= apex <= offset, or leave the apex empty",
        )
    return frame


def write_manifest(manifest: pd.DataFrame, path: str | Path) -> None:
    """Write a manifest, or a subject's slice of one, as CSV."""
    write_text(path, manifest.to_csv(index=False, lineterminator="\n"))


def join_manifest(slices: Iterable[str | Path], path: str | Path) -> None:
    """Join the subjects' slices into the manifest of their database, in the order given."""
    parts = [load_manifest(part) for part in slices]
    write_manifest(make_manifest(pd.concat(parts, ignore_index=True).to_dict("records"), path), path)


def load_manifest(path: str | Path) -> pd.DataFrame:
    """Read back what `write_manifest` wrote, with the same dtypes."""
    return pd.read_csv(path, dtype=COLUMNS, keep_default_na=False, na_values=[""])
