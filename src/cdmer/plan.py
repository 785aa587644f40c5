"""What the workflow computes for a configuration: the only logic between `config.yaml` and the rules.

Used when the DAG is built (rules/common.smk wraps it), never by a job.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from cdmer.code import code_digest, library_versions
from cdmer.config import Config, Database, ModelSettings
from cdmer.databases.cohort.layouts import annotation_name, layout_root
from cdmer.databases.cohort.plan import COHORT_DATABASES, plan_database
from cdmer.databases.reading import READERS, census
from cdmer.errors import CdmerError
from cdmer.protocols.cdmer import Experiment, cdmer_experiments

FACES_AND_FRAMES = ("cdmer.faces.job", "cdmer.frames.job")
SYNTHETIC = "results/databases/{database}/synthetic"


@dataclass(frozen=True)
class LeftOut:
    """An experiment that cannot be computed, and why."""

    experiment: str
    model: str
    reason: str


class Plan:
    """The databases, subjects, features and experiments of one configuration.

    Parameters
    ----------
    config
        The checked configuration.
    remembered
        A file that keeps the census of the databases for the jobs of this run, which plan the same DAG again.
    fresh
        Whether to take the census anew (the run itself) or to read the file (a job of the run).
    """

    def __init__(self, config: Config, remembered: str | Path | None = None, fresh: bool = True) -> None:
        self.config = config
        self.databases: dict[str, Database] = {name: entry for name, entry in config.databases.items() if entry}
        self._remembered = Path(remembered) if remembered else None
        self._fresh = fresh
        self._check_roots()
        self._check_imports()

    # -- databases ----------------------------------------------------------------------------------------------

    def is_synthetic(self, database: str) -> bool:
        """Whether a look-alike stands in: no root, and no released feature that would mix with it."""
        return self.databases[database].root is None and not self.config.imported(database)

    def has_clips(self, database: str) -> bool:
        """Whether there are clips to read, real or synthetic."""
        return self.databases[database].root is not None or self.is_synthetic(database)

    def root(self, database: str) -> str:
        """What the database's reader is pointed at."""
        root = self.databases[database].root
        if root is not None:
            return str(Path(root).expanduser())
        return f"{SYNTHETIC.format(database=database)}/{layout_root(database)}"

    def annotation(self, database: str) -> str | None:
        """The spreadsheet of the database, or None where its reader finds it or needs none."""
        if self.is_synthetic(database):
            name = annotation_name(database)
            return f"{SYNTHETIC.format(database=database)}/{name}" if name else None
        annotation = self.databases[database].annotation
        return str(Path(annotation).expanduser()) if annotation else None

    def subjects(self, database: str) -> list[str]:
        """The subjects of a database, in the order of its manifest."""
        return list(self.census[database])

    def clips_digest(self, database: str, subject: str) -> str:
        """A digest of what the annotation says of a subject's clips, and of the frames behind them."""
        return self.census[database][subject]

    def reader_settings(self, database: str) -> dict[str, Any]:
        """What the job that reads a subject's slice of the manifest needs to know."""
        return {
            "database": database,
            "reader": self.databases[database].reader,
            "root": self.root(database),
            "annotation": self.annotation(database),
        }

    def reader_code(self, database: str) -> str:
        """A digest of the code that reads a database."""
        return code_digest("cdmer.databases.stage", READERS[self.databases[database].reader])

    def rendered(self, database: str) -> list[str]:
        """What must be made before a synthetic database can be read: every frame and the spreadsheet."""
        if not self.is_synthetic(database):
            return []
        truths = [f"results/databases/{database}/truth/{subject}.h5" for subject in self.subjects(database)]
        annotation = self.annotation(database)
        return [*truths, annotation] if annotation else truths

    @cached_property
    def census(self) -> dict[str, dict[str, str]]:
        """Subject -> digest of its clips, for every database that has clips."""
        if self._remembered and not self._fresh and self._remembered.exists():
            return dict(json.loads(self._remembered.read_text(encoding="utf-8")))
        census = {name: self._take_census(name) for name in self.databases if self.has_clips(name)}
        if self._remembered:
            self._remembered.parent.mkdir(parents=True, exist_ok=True)
            self._remembered.write_text(json.dumps(census), encoding="utf-8")
        return census

    def _take_census(self, database: str) -> dict[str, str]:
        entry = self.databases[database]
        if not self.is_synthetic(database):
            return census(entry.reader, self.root(database), self.annotation(database))
        if database not in COHORT_DATABASES:
            raise CdmerError(
                f"databases.{database}: only {', '.join(COHORT_DATABASES)} have a synthetic look-alike",
                f"give {database} a root, or name it after the database that its look-alike should stand for",
            )
        plan = plan_database(database, **self.cohort_settings())
        return {subject.subject: hashlib.sha256(repr(subject).encode()).hexdigest()[:16] for subject in plan.subjects}

    def cohort_settings(self) -> dict[str, Any]:
        """The settings of the synthetic cohort, as `plan_database` takes them."""
        return self.config.cohort.model_dump()

    def _check_roots(self) -> None:
        for name, entry in self.databases.items():
            for key, value in (("root", entry.root), ("annotation", entry.annotation)):
                if value is not None and not Path(value).expanduser().exists():
                    raise CdmerError(
                        f"databases.{name}.{key}: {value} does not exist",
                        "correct the path in the configuration, or set it to null",
                    )

    def _check_imports(self) -> None:
        for entry in self.config.imported_features:
            path = self.released_file(entry.database, entry.feature)
            if not Path(path).exists():
                raise CdmerError(
                    f"imported_features: {path} does not exist",
                    "download the released features (docs/released-features.md says where they come from), "
                    "and point `imported_from` at their folder",
                )

    # -- features -----------------------------------------------------------------------------------------------

    def released_file(self, database: str, feature: str) -> str:
        """The released file that stands for a feature of a database."""
        return str(Path(self.config.imported_from).expanduser() / self.config.imported(database)[feature].file)

    def shards(self, feature: str, database: str) -> list[str]:
        """The parts that make up a feature store, in the order of the manifest."""
        folder = f"results/features/{feature}/{database}"
        if feature in self.config.imported(database):
            return [f"{folder}.released.h5"]
        return [f"{folder}/{subject}.h5" for subject in self.subjects(database)]

    def manifest(self, feature: str, database: str) -> list[str]:
        """The manifest behind a feature store; a release has none."""
        if feature in self.config.imported(database):
            return []
        return [f"results/databases/{database}/manifest.csv"]

    def feature_settings(self, feature: str, database: str, subject: str) -> dict[str, Any]:
        """What the job that describes a subject's clips needs to know."""
        recipe = self.config.features[feature]
        frames = self.config.frames[recipe.frames]
        parameters = recipe.model_dump(exclude={"descriptor", "frames"})
        origin = {
            "feature": feature,
            "database": database,
            "recipe": {
                "descriptor": recipe.model_dump(),
                "frames": frames.model_dump(),
                "faces": self.config.faces[frames.faces].model_dump(),
            },
            "manifest_digest": self.clips_digest(database, subject),
            "libraries": library_versions(*FACES_AND_FRAMES, recipe.module),
        }
        return {"module": recipe.module, "parameters": parameters, "provenance": origin}

    def feature_code(self, feature: str) -> str:
        """A digest of the code that computes a feature."""
        return code_digest("cdmer.descriptors.job", self.config.features[feature].module)

    def import_settings(self, feature: str, database: str) -> dict[str, Any]:
        """What the job that imports a release needs to know."""
        return {"feature": feature, "database": database, "order": self.config.imported(database)[feature].order}

    def lacks(self, feature: str, database: str) -> str:
        """Why a feature of a database cannot be had; empty where it can."""
        if database not in self.databases:
            return f"the configuration has no database {database}"
        if feature in self.config.imported(database) or self.has_clips(database):
            return ""
        return f"{database} has released features but no clips to compute {feature} from"

    def feature_stores(self) -> list[str]:
        """Every feature store of every database that can be had."""
        return [
            f"results/features/{feature}/{database}.h5"
            for feature in self.config.features
            for database in self.databases
            if not self.lacks(feature, database)
        ]

    # -- models -------------------------------------------------------------------------------------------------

    @cached_property
    def models(self) -> dict[str, ModelSettings]:
        """The models to train, by public name."""
        return dict(self.config.chosen_models())

    def store(self, model: str, database: str) -> str:
        """The feature store that a model reads for a database."""
        return f"results/features/{self.models[model].feature}/{database}.h5"

    def origin(self, model: str, database: str) -> str:
        """Where the clips behind a model's features come from: ``real``, ``released`` or ``synthetic``."""
        if self.models[model].feature in self.config.imported(database):
            return "released"
        return "synthetic" if self.is_synthetic(database) else "real"

    def model_stores(self) -> list[str]:
        """Every feature store that a model reads, each once."""
        pairs = [(model, name) for e, model in self.computable() for name in (e.source, e.target)]
        return list(dict.fromkeys(self.store(model, name) for model, name in pairs))

    def model_settings(self, model: str, experiment: Experiment) -> dict[str, Any]:
        """What the job that trains a model for an experiment needs to know."""
        settings = self.models[model]
        return {
            "databases": [experiment.source, experiment.target],
            "module": settings.module,
            "estimator": settings.estimator,
            "parameters": settings.parameters(),
            "columns": settings.columns,
            "selection": self.config.selection if settings.searched else ["default"],
            "criterion": self.config.criterion,
            "budget": self.config.budget if settings.searched else None,
            "casme2_negative": self.config.cdmer.casme2_negative,
        }

    def model_code(self, model: str) -> str:
        """A digest of the code that trains a model."""
        return code_digest("cdmer.protocols.train", self.models[model].module)

    def parts(self) -> list[dict[str, str]]:
        """The experiments of the table and where their predictions are."""
        return [
            {
                "experiment": experiment.name,
                "model": model,
                "data": " and ".join(
                    sorted({self.origin(model, name) for name in (experiment.source, experiment.target)})
                ),
                "predictions": f"results/models/cdmer/{experiment.key}/{model}/predictions.csv",
            }
            for experiment, model in self.computable()
        ]

    def table_settings(self) -> dict[str, Any]:
        """What the job that makes the table needs to know."""
        return {"parts": self.parts(), "left_out": [asdict(entry) for entry in self.left_out()]}

    def computable(self) -> list[tuple[Experiment, str]]:
        """The (experiment, model) pairs that can be computed, in the table's order."""
        out = {(entry.experiment, entry.model) for entry in self.left_out()}
        return [
            (experiment, model)
            for model in self.models
            for experiment in cdmer_experiments()
            if (experiment.name, model) not in out
        ]

    def left_out(self) -> list[LeftOut]:
        """The experiments that the table leaves out, by name and with the reason."""
        found = []
        for model, settings in self.models.items():
            for experiment in cdmer_experiments():
                reasons = [self.lacks(settings.feature, name) for name in (experiment.source, experiment.target)]
                if any(reasons):
                    reason = "; ".join(dict.fromkeys(filter(None, reasons)))
                    found.append(LeftOut(experiment.name, model, reason))
        return found


@cache
def experiment_of(key: str) -> Experiment:
    """The experiment of a folder's name."""
    return next(experiment for experiment in cdmer_experiments() if experiment.key == key)
