"""The first stage: from a database's own layout to the manifest, one job a subject."""

import logging
from pathlib import Path

import pandas as pd

from cdmer.databases.fitting import fit_clips
from cdmer.databases.manifest import make_manifest, write_manifest
from cdmer.databases.problems import Problems
from cdmer.databases.reading import read_entries
from cdmer.errors import CdmerError
from cdmer.progress import progress

_log = logging.getLogger("cdmer")


def read_manifest(reader: str, root: str | Path, annotation: str | Path | None = None) -> pd.DataFrame:
    """The manifest of a database, in the database's own order.

    Parameters
    ----------
    reader
        ``smic``, ``casme2``, ``samm`` or ``clips``.
    root
        The database's folder, or the CSV file of ``clips``.
    annotation
        The database's spreadsheet; None looks for it in `root` and beside it.

    Returns
    -------
    DataFrame
        One row a clip, with the columns and dtypes of `cdmer.databases.manifest.COLUMNS`. Frame numbers are the
        database's own; paths begin with `root` as given.

    Raises
    ------
    CdmerError
        Anything missing or wrong in the layout or the annotation, naming file and row. Known errata of the releases
        are mended, an apex that CASME II or SAMM gives as no number or outside [onset, offset] is null, and one or
        two missing frames of a SMIC clip are counted in `n_missing`: each with a warning in the log.
    """
    return _read(reader, root, annotation)


def _read(reader: str, root: str | Path, annotation: str | Path | None, subject: str | None = None) -> pd.DataFrame:
    """The manifest of all subjects or of one; the recordings of the others are not opened."""
    problems = Problems()
    entries = read_entries(reader, root, annotation, problems)
    wanted = [entry for entry in entries if subject in (None, entry.subject)]
    if not wanted:
        raise CdmerError(f"{root}: no clip of subject {subject}", "run again: the database changed meanwhile")
    fitted = list(progress(fit_clips(wanted, problems), "reading clips", total=len(wanted)))
    for note in (*problems.notes, *(note for clip in fitted for note in clip.notes)):
        _log.warning(note)
    return make_manifest((clip.row() for clip in fitted), root)


def write_subject(
    subject: str, output: str | Path, *, reader: str, root: str, annotation: str | None, database: str
) -> None:
    """Write a subject's slice of the manifest as CSV.

    Parameters
    ----------
    subject
        As the manifest has it, e.g. ``s1``, ``sub01``, ``006``.
    reader, root, annotation
        As for `read_manifest`.
    database
        The name that the configuration gives the database; it fills the column ``database``.
    """
    manifest = _read(reader, root, annotation, subject)
    manifest["database"] = pd.Series(database, index=manifest.index, dtype=manifest["database"].dtype)
    write_manifest(manifest, output)
