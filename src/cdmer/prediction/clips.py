"""From new clips to what a model reads, by the stages' own jobs."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cdmer.databases.manifest import load_manifest
from cdmer.databases.recording import list_frames
from cdmer.databases.stage import write_subject
from cdmer.descriptors.job import compute_features
from cdmer.errors import CdmerError
from cdmer.faces.job import OR_EXCLUDE, align_faces
from cdmer.frames.job import make_frames
from cdmer.prediction.trained import TrainedModel
from cdmer.progress import progress
from cdmer.store.feature_store import FeatureStore
from cdmer.store.shard import ClipRecord, read_shard

LEAST_FRAMES = 3  # an onset, an apex and an offset
_SUBJECT = "new"


@dataclass(frozen=True)
class NewClip:
    """A clip to be judged; frame numbers are its own, None where nobody says."""

    name: str
    path: Path
    onset: int | None = None
    apex: int | None = None
    offset: int | None = None
    fps: float | None = None


@dataclass(frozen=True, eq=False)
class Sample:
    """What a model reads of a clip.

    Attributes
    ----------
    clip
        The clip.
    X
        (1, ...) the sample that stands for it.
    record
        The frames that the feature was computed from, as the frames stage left them.
    onset, offset
        Numbers of the first and the last frame that were used.
    """

    clip: NewClip
    X: NDArray[Any]
    record: ClipRecord
    onset: int
    offset: int


def clips_of(paths: Sequence[Path], onset: int | None, apex: int | None, offset: int | None) -> list[NewClip]:
    """The clips that a user names: folders of frames, videos, or CSV files of the reader ``clips``.

    Raises
    ------
    CdmerError
        A path that is not there, frame numbers for more than one clip, or a faulty CSV file.
    """
    found: list[NewClip] = []
    for path in paths:
        if not path.exists():
            raise CdmerError(f"the clip {path} does not exist", "give a folder of frames, a video, or a CSV file")
        found += _listed(path) if path.suffix.lower() == ".csv" else [NewClip(str(path), path)]
    if (onset, apex, offset) == (None, None, None):
        return found
    if len(found) != 1:
        raise CdmerError(
            f"--onset, --apex and --offset are for one clip, and there are {len(found)}",
            "list the clips with their frame numbers in a CSV file (docs/databases.md, clips of your own)",
        )
    return [NewClip(found[0].name, found[0].path, onset, apex, offset, found[0].fps)]


def _listed(table: Path) -> list[NewClip]:
    from cdmer.databases.reading import read_entries

    return [
        NewClip(entry.clip, entry.path, entry.onset, entry.apex, entry.offset, entry.fps)
        for entry in read_entries("clips", table)
    ]


def samples_of(clips: Sequence[NewClip], trained: TrainedModel, scratch: Path) -> list[Sample]:
    """Take clips the way that the model's target went: faces, frames, feature.

    Parameters
    ----------
    clips
        The clips.
    trained
        The model that will read them.
    scratch
        An empty folder for the stages' files.

    Raises
    ------
    CdmerError
        A clip without a face, with too few frames or none that can be read; it is named.
    """
    found = []
    for number, clip in enumerate(progress(clips, f"clips for {trained.name}", unit="clip")):
        folder = scratch / str(number)
        try:
            found.append(_sample(clip, trained, folder))
        except CdmerError as error:
            problem = _told_of(clip, error.problem, folder)
            raise CdmerError(f"clip {clip.name}: {problem}", error.remedy.replace(OR_EXCLUDE, "")) from error
    return found


def _told_of(clip: NewClip, problem: str, folder: Path) -> str:
    """A stage's complaint without the files of the scratch folder, which mean nothing to whoever reads it."""
    for file in sorted(folder.rglob("*"), key=lambda path: -len(str(path))):
        problem = problem.replace(f"{file} row 2: ", "").replace(f"{file}: ", "").replace(str(file), clip.name)
    return problem.removeprefix(f"clip {_name(clip)}: ").removeprefix(f"clip {_name(clip)} ")


def _name(clip: NewClip) -> str:
    """What the stages call the clip."""
    return Path(clip.name).name or clip.name


def _sample(clip: NewClip, trained: TrainedModel, folder: Path) -> Sample:
    plan, database = trained.plan, trained.experiment.target
    feature = plan.config.features[trained.feature]
    frames_recipe = plan.config.frames[feature.frames]
    manifest = _manifest(clip, folder, database)

    faces = folder / "faces.h5"
    settings = plan.faces_settings(frames_recipe.faces, database)
    align_faces(manifest, faces, **settings, on_missing_face="error")
    frames = folder / "frames.h5"
    make_frames(faces, frames, *plan.network(feature.frames), **plan.frames_settings(feature.frames))
    store, read = frames, frames
    for name in [feature.source, trained.feature] if feature.source else [trained.feature]:
        store = folder / f"{name}.h5"
        origin = {"feature": name, "database": database, "recipe": plan.recipe_of(name, database)}
        compute_features(read, store, **plan.describing(name), provenance=origin, code=plan.feature_code(name))
        read = store

    rows = FeatureStore(store).load()
    row = _row(manifest)
    return Sample(
        clip=clip,
        X=rows.X[np.flatnonzero(rows.sample == 0)],
        record=read_shard(frames)[str(row["clip"])],
        onset=int(row["onset"]),
        offset=int(row["offset"]),
    )


def _manifest(clip: NewClip, folder: Path, database: str) -> Path:
    """The manifest of one clip, made by the reader of clips of one's own."""
    folder.mkdir(parents=True)
    table = folder / "clip.csv"
    fps = clip.fps
    if fps is None and clip.path.is_dir():
        list_frames(clip.path)  # a folder without frames is told before anything else
        fps = _usual_fps(database)
    with open(table, "w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["clip", "subject", "path", "onset", "apex", "offset", "fps"])
        place = clip.path.expanduser().resolve()
        cells = [_name(clip), _SUBJECT, place, clip.onset, clip.apex, clip.offset, fps]
        writer.writerow(["" if cell is None else cell for cell in cells])
    manifest = folder / "manifest.csv"
    write_subject(_SUBJECT, manifest, reader="clips", root=str(table), annotation=None, database=database)
    row = _row(manifest)
    count = int(row["offset"]) - int(row["onset"]) + 1
    if count < LEAST_FRAMES:
        raise CdmerError(
            f"{count} frame{'s' if count > 1 else ''} from onset {row['onset']} to offset {row['offset']} are too few "
            f"to show an expression; {LEAST_FRAMES} are the least",
            "give the whole clip, from before the expression to after it",
        )
    return manifest


def _row(manifest: Path) -> Mapping[str, Any]:
    """The one clip of a manifest."""
    rows = load_manifest(manifest)
    return {column: rows[column].iloc[0] for column in rows.columns}


def _usual_fps(database: str) -> float:
    """Frames per second of the database that the model was trained for: a folder of frames does not say its own."""
    manifest = Path(f"results/databases/{database}/manifest.csv")
    if not manifest.is_file():
        raise CdmerError(f"{manifest} is gone", f"run `snakemake --cores 2 {manifest}`, or give the clip in a CSV file")
    return float(load_manifest(manifest)["fps"].median())
