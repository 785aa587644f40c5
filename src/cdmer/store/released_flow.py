"""Released flow images: an archive of small flows as 8-bit pictures, checked and put into a feature store.

Such archives (the `.npz` of flows of MEGC 2019's clips) hold `bgr`, uint8 (clips, side, side, 3): optical strain, v and
u, each scaled to 0 .. 255 over the picture, so that the displacement in pixels is lost; `label` 0 negative, 1 positive,
2 surprise; `subject`, `dataset` and `clip`. The store holds u, v and strain, in this order, as `flow_strain_28` does.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.errors import CdmerError
from cdmer.files import why_no_file
from cdmer.store.container import check_archive
from cdmer.store.feature_store import FeatureStore

LABELS = {0: "negative", 1: "positive", 2: "surprise"}
DATASETS = {"smic": "smic_hs", "casme2": "casme2", "samm": "samm"}  # as the archives name them, and as we do
PLANES = ("u", "v", "strain")
_CHANNELS = {"u": 2, "v": 1, "strain": 0}
_NEEDED = ("bgr", "label", "subject", "dataset", "clip")


def holds_flow_images(path: str | Path) -> bool:
    """Whether an `.npz` file is an archive of flow images."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {f"{name}.npy" for name in _NEEDED} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def import_flow_images(
    path: str | Path,
    store_path: str | Path,
    *,
    feature: str = "flow_strain_28",
    database: str | None = None,
    planes: Sequence[str] = PLANES,
    code_digest: str = "",
) -> FeatureStore:
    """Write one database's clips of an archive of flow images as a feature store.

    Parameters
    ----------
    path
        The `.npz` file.
    store_path
        The store to write: `X` uint8 (clips, planes, side, side) with the scale 1 / 255, so that it reads as numbers
        from 0 to 1.
    feature, database
        Their names; without a database, the only one of the archive.
    planes
        Which planes to keep, of ``u``, ``v`` and ``strain``, in the order wanted.
    code_digest
        Digest of the code that runs.

    Raises
    ------
    CdmerError
        A file that is no such archive, holds other labels or no clip of the database, or several databases where none
        is named.
    """
    source = Path(path)
    arrays = _load(source)
    databases = np.array([DATASETS.get(name, name) for name in arrays["dataset"].tolist()], object)
    there = sorted(set(databases.tolist()))
    if database is None and len(there) > 1:
        raise CdmerError(f"{source} holds clips of {', '.join(there)}", "name one of them with --database")
    chosen = database or there[0]
    rows = np.flatnonzero(databases == chosen)
    if not len(rows):
        raise CdmerError(f"{source} holds no clip of {chosen}", f"it has {', '.join(there)}")
    strange = sorted(set(arrays["label"][rows].tolist()) - set(LABELS))
    if strange:
        raise CdmerError(
            f"{source}: unknown label {strange[0]!r}; known are 0 negative, 1 positive, 2 surprise",
            "correct the label, or give a released file",
        )
    return FeatureStore.write(
        store_path,
        np.stack([arrays["bgr"][rows][..., _CHANNELS[plane]] for plane in planes], axis=1),
        clip=arrays["clip"][rows].tolist(),
        subject=arrays["subject"][rows].tolist(),
        label=[LABELS[label] for label in arrays["label"][rows].tolist()],
        scale=1 / 255,
        provenance={
            "feature": feature,
            "database": chosen,
            "recipe": {
                "imported": {
                    "file": source.name,
                    "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
                    "planes": list(planes),
                    "scaled": "each plane to 0 .. 1 over the picture",
                }
            },
            "code_digest": code_digest,
        },
    )


def _load(source: Path) -> dict[str, NDArray[Any]]:
    if not source.is_file():
        raise CdmerError(f"{source} {why_no_file(source)}", "check the path of the archive of flow images")
    if not holds_flow_images(source):
        raise CdmerError(
            f"{source}: not an archive of flow images, which holds {', '.join(_NEEDED)}", "download it again"
        )
    try:
        check_archive(source)
        with np.load(source, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in _NEEDED}
    except (OSError, ValueError, EOFError, MemoryError, SyntaxError, zipfile.BadZipFile, zlib.error) as error:
        raise CdmerError(f"{source}: not a readable archive of flow images ({error})", "download it again") from error
    images = arrays["bgr"]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise CdmerError(
            f"{source}: bgr is {images.dtype} {images.shape}, not uint8 images of 3 planes", "download it again"
        )
    for name in _NEEDED[1:]:
        _check_column(source, name, arrays[name])
    if not len(images):
        raise CdmerError(f"{source} holds no clip", "download it again")
    if {len(arrays[name]) for name in _NEEDED} != {len(images)}:
        raise CdmerError(f"{source}: {', '.join(_NEEDED)} are of different lengths", "download it again")
    return arrays


def _check_column(source: Path, name: str, column: NDArray[Any]) -> None:
    """Refuse what is no list of a number (`label`) or a text (all others) for each clip."""
    kinds = "iuf" if name == "label" else "U"
    if column.ndim != 1 or column.dtype.kind not in kinds:
        wanted = "one number" if name == "label" else "one text"
        raise CdmerError(f"{source}: {name} is {column.dtype} {column.shape}, not {wanted} a clip", "download it again")
    if name != "label" and any("\0" in text for text in column.tolist()):
        raise CdmerError(f"{source}: {name} has a text with a NUL character", "download it again")
