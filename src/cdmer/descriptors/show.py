"""`cdmer show-feature`: a clip's feature as a picture."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cdmer.descriptors.pictures import block_figure, lbp_figure
from cdmer.descriptors.region_pictures import hog_3d_figure, mdmo_figure
from cdmer.errors import CdmerError
from cdmer.faces.crop_landmarks import landmarks_in_crop
from cdmer.files import whole_file
from cdmer.motion.pictures import FLOW_FEATURES, flow_figure
from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import ClipRecord, read_shard

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sample:
    """One sample of a clip's feature: the numbers, what made them, and the clip behind them, if it is there."""

    X: NDArray[Any]
    database: str
    subject: str | None
    samples: int
    recipe: Mapping[str, Any]
    record: ClipRecord | None

    @property
    def frames(self) -> NDArray[Any] | None:
        """Those that the feature was made of."""
        return None if self.record is None else self.record.frames

    @property
    def landmarks(self) -> NDArray[np.float32] | None:
        """Those of the onset frame, in pixels of the frames."""
        return landmarks_in_crop(self.record) if self.record is not None and "landmarks" in self.record else None


def show_feature(
    feature: str, clip: str, output: str | Path, *, database: str = "", sample: int = 0, results: str | Path = "results"
) -> None:
    """Draw a clip's feature from the stores that the workflow made.

    Parameters
    ----------
    feature, clip
        Their names.
    output
        The PNG to write.
    database
        The database of the clip, where several have one of that name.
    sample
        Which of the clip's samples, where the feature has several a clip.
    results
        Where the workflow's results are.

    Raises
    ------
    CdmerError
        No such feature, clip or sample, or a clip of several databases.
    """
    found = find_sample(feature, clip, database, sample, Path(results))
    number = f", sample {sample} of {found.samples}" if found.samples > 1 else ""
    who = f", subject {found.subject}" if found.subject else ""
    figure = _figure(found)
    figure.suptitle(f"{feature}: clip {clip} of {found.database}{who}{number}", fontsize=11)
    with whole_file(output) as partial:
        figure.savefig(partial, format="png", metadata={"Software": None})


def find_sample(feature: str, clip: str, database: str, sample: int, results: Path) -> Sample:
    """The sample of a clip, looked for in the feature's stores of all databases or of one."""
    stores = sorted((results / "features" / feature).glob(f"{database or '*'}.h5"))
    stores = [path for path in stores if not path.stem.endswith(".released")]
    if not stores:
        there = sorted(path.name for path in (results / "features").glob("*") if any(path.glob("*.h5")))
        raise CdmerError(
            f"{results}/features holds no store of the feature {feature}{f' of {database}' if database else ''}",
            f"snakemake --cores 2 all_features makes all; features that are there: {', '.join(there) or 'none'}",
        )
    rows = {path: np.flatnonzero(FeatureStore(path).load(["clip"]).clip == clip) for path in stores}
    holding = [path for path, places in rows.items() if len(places)]
    if not holding:
        some = FeatureStore(stores[0]).load(["clip"]).clip[:3]
        raise CdmerError(
            f"no store of {feature} holds the clip {clip} ({', '.join(path.stem for path in stores)} looked through)",
            f"name a clip as the manifest does, such as {', '.join(some)}; results/exclusions.csv lists those left out",
        )
    if len(holding) > 1:
        names = ", ".join(path.stem for path in holding)
        raise CdmerError(f"several databases have a clip {clip}: {names}", "name one of them with --database")
    store, places = FeatureStore(holding[0]), rows[holding[0]]
    if not 0 <= sample < len(places):
        raise CdmerError(
            f"clip {clip} has {len(places)} samples of {feature}, no number {sample}", "counting is from 0"
        )
    index = store.load(["clip", "subject"])
    subject, recipe = index.subject[places[sample]], store.provenance["recipe"]
    return Sample(
        X=store.rows([int(places[sample])], decode=False).X[0],
        database=holding[0].stem,
        subject=subject,
        samples=len(places),
        recipe=recipe.get("descriptor", {}) if isinstance(recipe.get("descriptor"), dict) else recipe,
        record=_record(results, recipe, holding[0].stem, subject, clip),
    )


def _record(
    results: Path, recipe: Mapping[str, Any], database: str, subject: str | None, clip: str
) -> ClipRecord | None:
    """The frames that a feature was made of; None where they are gone, or where a release tells of none."""
    named = recipe.get("descriptor")
    if not isinstance(named, dict) or "frames" not in named:
        return None
    path = results / "frames" / named["frames"] / database / f"{subject}.h5"
    if not path.exists():
        log.warning("%s is not there: the picture is drawn without the frames", path)
        return None
    return read_shard(path)[clip]


def _figure(found: Sample) -> Figure:
    descriptor, frames = found.recipe.get("descriptor", ""), found.frames
    if descriptor in FLOW_FEATURES:
        return flow_figure(found.X, found.recipe, frames)
    if descriptor == "lbp_top":
        return lbp_figure(found.X, found.recipe, frames)
    if descriptor == "hog_3d":
        return hog_3d_figure(found.X, found.recipe, None if frames is None else frames[0], found.landmarks)
    if descriptor == "mdmo" and frames is not None and found.landmarks is not None:
        return mdmo_figure(found.X, found.recipe, frames[0], found.landmarks)
    if found.X.ndim == 1:
        return block_figure(found.X, descriptor, found.recipe.get("grids", ()))
    raise CdmerError(
        f"there is no picture for features of {descriptor or 'an unknown descriptor'}, {found.X.shape}",
        "`cdmer store export` writes the numbers",
    )
