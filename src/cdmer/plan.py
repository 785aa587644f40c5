"""What the workflow computes for a configuration: the only logic between `config.yaml` and the rules.

Used when the DAG is built (rules/common.smk wraps it), never by a job.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from cdmer.code import code_digest, library_versions
from cdmer.config.databases import Database
from cdmer.config.descriptors import C3dRecipe
from cdmer.config.model_settings import ModelSettings
from cdmer.config.models import BlockSettings
from cdmer.config.motion import FlowPlanesRecipe, OnsetApexFlowRecipe
from cdmer.config.networks import ImageNetSettings, NetworkSettings
from cdmer.config.whole import Config
from cdmer.databases.cohort.layouts import annotation_name, annotation_names, layout_root
from cdmer.databases.cohort.plan import COHORT_DATABASES, plan_database
from cdmer.databases.reading import READERS, census, read_entries
from cdmer.descriptors.c3d_weights import missing_weights, weights_place
from cdmer.errors import CdmerError
from cdmer.faces.detect import code_of_faces
from cdmer.files import write_text
from cdmer.frames.apex import METHODS
from cdmer.protocols.cdmer import cdmer_experiments
from cdmer.protocols.people import family
from cdmer.protocols.tasks import Task, tasks

ADAPTIVE_CONVOLUTION = "cdmer.frames.adaptive_convolution.interpolator"
INTERPOLATOR_TRAINING = "cdmer.frames.adaptive_convolution.training"
FACES, FRAMES = "cdmer.faces.job", "cdmer.frames.job"
RENDERER = "cdmer.databases.cohort.render"
SHOWN_SUBJECTS = 2  # of each database, on a contact sheet
SYNTHETIC = "results/databases/{database}/synthetic"
TRANSFORMS = ("TCA", "SA")  # methods that map clips, whose report shows the domains before and after


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
        self._objective: dict[str, bool] = {}
        self._parts_made_of: dict[tuple[str, str], str] = {}
        self._predictions_made_of: dict[str, str] = {}
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
        return f"{SYNTHETIC.format(database=database)}/{layout_root(database, self.config.cohort.quirks)}"

    def annotation(self, database: str) -> str | None:
        """The spreadsheet of the database, or None where its reader finds it or needs none."""
        if self.is_synthetic(database):
            name = annotation_name(database, self.config.cohort.quirks)
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

    def slices(self, database: str) -> list[str]:
        """Every subject's slice of the manifest."""
        return [f"results/databases/{database}/subjects/{subject}.csv" for subject in self.subjects(database)]

    def rendered(self, database: str) -> list[str]:
        """What must be made before a synthetic database can be read: every frame and the spreadsheet."""
        if not self.is_synthetic(database):
            return []
        # the truth lies with the frames, so that whoever deletes them deletes what says that they are there
        truths = [f"{SYNTHETIC.format(database=database)}/truth/{subject}.h5" for subject in self.subjects(database)]
        shipped = annotation_names(database, self.config.cohort.quirks)
        return [*truths, *(f"{SYNTHETIC.format(database=database)}/{name}" for name in shipped)]

    @cached_property
    def census(self) -> dict[str, dict[str, str]]:
        """Subject -> digest of its clips, for every database that has clips."""
        if self._remembered and not self._fresh and self._remembered.exists():
            return dict(json.loads(self._remembered.read_text(encoding="utf-8")))
        census = {name: self._take_census(name) for name in self.databases if self.has_clips(name)}
        if self._remembered:
            write_text(self._remembered, json.dumps(census))
        return census

    def _take_census(self, database: str) -> dict[str, str]:
        entry = self.databases[database]
        if not self.is_synthetic(database):
            return census(entry.reader, self.root(database), self.annotation(database), database)
        if database not in COHORT_DATABASES:
            raise CdmerError(
                f"databases.{database}: only {', '.join(COHORT_DATABASES)} have a synthetic look-alike",
                f"give {database} a root, or name it after the database that its look-alike should stand for",
            )
        plan = plan_database(database, **self.cohort_settings())
        # whatever changes the frames must change it, for their slice of the manifest stays the same
        frames = f"{json.dumps(self.cohort_settings(), sort_keys=True)} {code_digest(RENDERER)}"
        return {
            subject.subject: hashlib.sha256(f"{subject!r} {frames}".encode()).hexdigest()[:16]
            for subject in plan.subjects
        }

    def cohort_settings(self) -> dict[str, Any]:
        """The settings of the synthetic cohort, as `plan_database` takes them."""
        return self.config.cohort.model_dump(mode="json")

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

    # -- faces --------------------------------------------------------------------------------------------------

    def faces_settings(self, recipe: str, database: str) -> dict[str, Any]:
        """What the job that crops a subject's faces needs to know."""
        settings = self.config.faces[recipe].model_dump(mode="json", exclude={"on_missing_face"})
        return {**settings, "intermediate": settings["intermediate"].get(self.databases[database].reader)}

    def on_missing_face(self, recipe: str) -> str:
        """What to do about a clip without a face: ``error`` or ``exclude``."""
        return self.config.faces[recipe].on_missing_face

    def missing_faces(self, feature: str, database: str) -> str:
        """Whether a feature store may lack clips without a face: ``error`` or ``exclude``."""
        if feature in self.config.imported(database):
            return "exclude"  # a release tells nothing of the clips that it lacks
        return self.config.faces[self.config.frames[self.config.features[feature].frames].faces].on_missing_face

    def faces_code(self, recipe: str) -> str:
        """A digest of the code that crops faces: of the detectors, only the one in use."""
        return code_digest(*self._faces_modules(recipe))

    def faces_to_show(self, recipe: str) -> list[str]:
        """The crops of some subjects of every database, enough for a person to see what a recipe does."""
        return [f"results/faces/{recipe}/{database}/{subject}.h5" for database, subject in self._shown()]

    def _shown(self) -> list[tuple[str, str]]:
        return [
            (database, subject)
            for database in self.databases
            if self.has_clips(database)
            for subject in self.subjects(database)[:SHOWN_SUBJECTS]
        ]

    def _faces_modules(self, recipe: str) -> tuple[str, ...]:
        return (FACES, *code_of_faces(self.config.faces[recipe].detector))

    # -- frames -------------------------------------------------------------------------------------------------

    def frames_settings(self, recipe: str) -> dict[str, Any]:
        """What the job of a frames recipe needs to know."""
        chosen = self.config.frames[recipe]
        module, function = chosen.maker
        parameters = chosen.parameters()
        if chosen.interpolator:
            (parameters["network"],) = self.network(recipe)
        return {"module": module, "function": function, "parameters": parameters}

    def frames_code(self, recipe: str) -> str:
        """A digest of the code that a frames recipe runs."""
        return code_digest(*self._frames_modules(recipe))

    def faces_of_frames(self, recipe: str, database: str, subject: str) -> str:
        """The crops that a frames recipe reads."""
        return f"results/faces/{self.config.frames[recipe].faces}/{database}/{subject}.h5"

    def _frames_modules(self, name: str) -> list[str]:
        recipe = self.config.frames[name]
        chosen: list[str] = [recipe.apex, recipe.apex_otherwise] if recipe.apex == "annotated" else [recipe.apex]
        spotters = {METHODS[method] for method in chosen if recipe.spots_apex and method in METHODS}
        synthesizes = recipe.interpolation == "keyframes" and recipe.synthesis == "adaptive_convolution"
        return [FRAMES, recipe.maker[0], *sorted(spotters), *([ADAPTIVE_CONVOLUTION] if synthesizes else [])]

    def frames_to_show(self, recipe: str) -> list[str]:
        """The frames of some subjects of every database, enough for a person to see what a recipe does."""
        return [f"results/frames/{recipe}/{database}/{subject}.h5" for database, subject in self._shown()]

    def sheets(self) -> list[str]:
        """A contact sheet of every recipe of faces and frames."""
        recipes = [("faces", name) for name in self.config.faces] + [("frames", name) for name in self.config.frames]
        return [f"results/{stage}/{name}/contact_sheet.png" for stage, name in recipes]

    def network(self, recipe: str) -> list[str]:
        """The weights that a frames recipe reads, where the workflow trains them; else nothing."""
        interpolator = self.config.frames[recipe].interpolator
        return [f"results/interpolators/{interpolator}.safetensors"] if interpolator else []

    def interpolator_shards(self, interpolator: str) -> list[str]:
        """The crops that an interpolation network learns from.

        Raises
        ------
        CdmerError
            A database that has no clips.
        """
        taught = self._taught(interpolator)
        return [f"results/faces/{recipe}/{database}/{subject}.h5" for recipe, database, subject in taught]

    def interpolator_settings(self, interpolator: str) -> dict[str, Any]:
        """What the job that trains an interpolation network needs to know."""
        return self.config.interpolators[interpolator].parameters()

    def interpolator_checkpoint(self, interpolator: str) -> str:
        """Where a training keeps its state: undeclared, so that one that was ended goes on, another elsewhere."""
        return f"results/checkpoints/interpolator-{self.interpolator_made_of(interpolator)}.pt"

    def interpolator_code(self) -> str:
        """A digest of the code that trains interpolation networks."""
        return code_digest(INTERPOLATOR_TRAINING)

    def interpolator_made_of(self, interpolator: str) -> str:
        """A digest of what an interpolation network is made of."""
        crops = [self.faces_made_of(*entry) for entry in self._taught(interpolator)]
        return _digest(crops, self.interpolator_settings(interpolator), self.interpolator_code())

    def _taught(self, name: str) -> list[tuple[str, str, str]]:
        """Faces recipe, database and subject of all crops that a network learns from."""
        settings = self.config.interpolators[name]
        for database in settings.databases:
            if database not in self.databases or not self.has_clips(database):
                raise CdmerError(
                    f"interpolators.{name}.databases: {database} has no clips to learn from",
                    f"give {database} a root, or take it out of the list",
                )
        return [
            (settings.faces, database, subject)
            for database in settings.databases
            for subject in self.subjects(database)
        ]

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
        origin: dict[str, Any] = {
            "feature": feature,
            "database": database,
            "recipe": self.recipe_of(feature, database),
            "manifest_digest": self.clips_digest(database, subject),
            "libraries": library_versions(
                *self._faces_modules(frames.faces), *self._frames_modules(recipe.frames), *recipe.modules
            ),
        }
        if isinstance(recipe, C3dRecipe) and not missing_weights(recipe.training):
            weights = weights_place(recipe.training).stat()  # whoever brings others gets another feature
            origin["weights"] = [weights.st_size, weights.st_mtime_ns]
        return {**self.describing(feature), "provenance": origin}

    def recipe_of(self, feature: str, database: str) -> dict[str, Any]:
        """All settings on the way from a database's clips to a feature, stage by stage, as its store keeps them."""
        recipe = self.config.features[feature]
        frames = self.config.frames[recipe.frames]
        return {
            "descriptor": {**recipe.model_dump(mode="json"), **recipe.parameters()},  # defaults of methods too
            "frames": frames.model_dump(mode="json"),
            "faces": self.faces_settings(frames.faces, database),
        }

    def describing(self, feature: str) -> dict[str, Any]:
        """What computes a feature: its module, what it reads, and with which parameters."""
        recipe = self.config.features[feature]
        return {"module": recipe.module, "reads": recipe.reads, "parameters": recipe.parameters()}

    def frames_of_feature(self, feature: str, database: str, subject: str) -> str:
        """The frames that a feature describes, or the part of another feature that it is made of."""
        if source := self.config.features[feature].source:
            return f"results/features/{source}/{database}/{subject}.h5"
        return f"results/frames/{self.config.features[feature].frames}/{database}/{subject}.h5"

    def feature_code(self, feature: str) -> str:
        """A digest of the code that computes a feature."""
        return code_digest("cdmer.descriptors.job", *self.config.features[feature].modules)

    def import_settings(self, feature: str, database: str) -> dict[str, Any]:
        """What the job that imports a release needs to know."""
        entry, recipe = self.config.imported(database)[feature], self.config.features[feature]
        if isinstance(recipe, OnsetApexFlowRecipe | FlowPlanesRecipe):
            return {"feature": feature, "database": database, "planes": list(recipe.planes)}
        return {"feature": feature, "database": database, "order": entry.order}

    def lacks(self, feature: str, database: str) -> str:
        """Why a feature of a database cannot be had; empty where it can."""
        if database not in self.databases:
            return f"the configuration has no database {database}"
        if feature in self.config.imported(database):
            return ""
        if not self.has_clips(database):
            return f"{database} has released features but no clips to compute {feature} from"
        if fault := self.config.unfit(feature):
            return fault
        recipe = self.config.features[feature]
        return missing_weights(recipe.training) if isinstance(recipe, C3dRecipe) else ""

    def obtainable(self) -> list[tuple[str, str]]:
        """Feature and database of every feature store that can be had."""
        pairs = [(feature, name) for feature in self.config.features for name in self.databases]
        return [pair for pair in pairs if not self.lacks(*pair)]

    def stores(self, pairs: Iterable[tuple[str, str]]) -> list[str]:
        """The stores of features and databases."""
        return [f"results/features/{feature}/{database}.h5" for feature, database in pairs]

    # -- upstream -----------------------------------------------------------------------------------------------

    # Every job's params hold a digest of all that its inputs are made of. Without, a change would travel through files
    # alone: a job that a kill or a fault ends leaves no output, and Snakemake, which takes a missing intermediate file
    # for one that nobody needs, would call everything behind it up to date.

    def faces_made_of(self, recipe: str, database: str, subject: str) -> str:
        """A digest of what a subject's crops are made of."""
        clips = self.clips_digest(database, subject)
        return _digest(clips, self.faces_settings(recipe, database), self.faces_code(recipe))

    def inputs_of_frames_made_of(self, recipe: str, database: str, subject: str) -> str:
        """A digest of what goes into a subject's frames: the crops and, where one is trained, the network."""
        faces = self.faces_made_of(self.config.frames[recipe].faces, database, subject)
        interpolator = self.config.frames[recipe].interpolator
        return _digest(faces, self.interpolator_made_of(interpolator)) if interpolator else faces

    def frames_made_of(self, feature: str, database: str, subject: str) -> str:
        """A digest of what the frames are made of that a feature describes, or the part of another feature."""
        if source := self.config.features[feature].source:
            return self._part_made_of(source, database, subject)
        recipe = self.config.features[feature].frames
        inputs = self.inputs_of_frames_made_of(recipe, database, subject)
        return _digest(inputs, self.frames_settings(recipe), self.frames_code(recipe))

    def parts_made_of(self, feature: str, database: str) -> str:
        """A digest of what the parts of a feature store are made of."""
        if (feature, database) not in self._parts_made_of:
            self._parts_made_of[feature, database] = self._digest_of_parts(feature, database)
        return self._parts_made_of[feature, database]

    def _digest_of_parts(self, feature: str, database: str) -> str:
        if feature in self.config.imported(database):
            release = Path(self.released_file(database, feature)).stat()
            return _digest(self.import_settings(feature, database), release.st_size, release.st_mtime_ns)
        return _digest(*(self._part_made_of(feature, database, subject) for subject in self.subjects(database)))

    def _part_made_of(self, feature: str, database: str, subject: str) -> str:
        frames = self.frames_made_of(feature, database, subject)
        return _digest(frames, self.feature_settings(feature, database, subject), self.feature_code(feature))

    def stores_made_of(self, model: str, experiment: str) -> str:
        """A digest of what the feature stores of a training are made of."""
        feature = self.models[model].feature
        return _digest(*(self.parts_made_of(feature, name) for name in databases_of(experiment)))

    def listed_made_of(self) -> str:
        """A digest of what the stores are made of whose exclusions are listed."""
        return _digest(*(self.parts_made_of(feature, database) for feature, database in self.listed()))

    def predictions_made_of(self, protocol: str) -> str:
        """A digest of what all predictions of a table are made of."""
        if protocol not in self._predictions_made_of:
            self._predictions_made_of[protocol] = _digest(
                *(
                    [self.stores_made_of(model, key), self.training_settings(model, key), self.model_code(model, key)]
                    for key, model in self.computable(protocol)
                )
            )
        return self._predictions_made_of[protocol]

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

    def listed(self) -> list[tuple[str, str]]:
        """Feature and database of every store whose exclusions are listed: those that models read, or would read."""
        read = [
            (self.models[model].feature, database)
            for protocol in self.config.protocols
            for key, model in self.computable(protocol)
            for database in databases_of(key)
        ]
        features = {settings.feature for settings in self.models.values()}
        return list(dict.fromkeys(read)) or [pair for pair in self.obtainable() if pair[0] in features]

    def stores_of(self, model: str, experiment: str) -> list[str]:
        """The feature stores that a training reads: source and target, or those of a task's databases."""
        return [self.store(model, name) for name in databases_of(experiment)]

    def manifests_of(self, experiment: str) -> list[str]:
        """The manifests of a task's databases, which hold what its rule maps to classes."""
        return [f"results/databases/{name}/manifest.csv" for name in databases_of(experiment)]

    def training_settings(self, model: str, experiment: str) -> dict[str, Any]:
        """What the job that trains a model for an experiment or a task needs to know."""
        settings = self.models[model]
        if isinstance(settings, NetworkSettings):
            return self._network_settings(settings, experiment)
        estimator = {
            "module": settings.module,
            "estimator": settings.estimator,
            "parameters": settings.parameters(),
        }
        if experiment in tasks() and tasks()[experiment].left_out == "subject":
            return {"task": experiment, **estimator}
        searching = {
            **estimator,
            "columns": settings.columns,
            "selection": self.config.selection if settings.searched else ["default"],
            "criterion": self.config.criterion,
            "budget": self.config.budget if settings.searched else None,
        }
        if experiment in tasks():
            return {"task": experiment, **searching}
        negative = self.config.cdmer.casme2_negative
        return {"databases": databases_of(experiment), **searching, "casme2_negative": negative}

    def _network_settings(self, settings: NetworkSettings, experiment: str) -> dict[str, Any]:
        run = self.config.networks
        quick = self.config.budget == "quick"
        training = {
            "module": settings.module,
            "network": settings.estimator,
            "options": settings.parameters(),
            "changes": settings.training(),
            "budget": self.config.budget,
            "rounds": min(self.config.rounds, settings.quick_rounds) if quick else self.config.rounds,
            "seed": run.seed,
            "keep_weights": run.keep_weights,
            "machinery": {"device": run.device, "precision": run.precision, "group": run.group},
        }
        if experiment in tasks():
            return {"task": experiment, "training": training, "selection": self.config.selection}
        return {
            "databases": databases_of(experiment),
            "training": training,
            "selection": self.config.selection,
            "criterion": self.config.criterion,
            "casme2_negative": self.config.cdmer.casme2_negative,
            "source_folds": self.config.cdmer.source_folds,
        }

    def is_network(self, model: str) -> bool:
        """Whether a model is a network, which other rules train than a model on feature vectors."""
        return isinstance(self.models[model], NetworkSettings)

    def memory(self, model: str) -> int:
        """Megabytes that training a model takes, those of Snakemake around it included."""
        settings = self.models[model]
        return settings.memory if isinstance(settings, NetworkSettings) else 2000

    def minutes(self, model: str) -> int:
        """Minutes after which a cluster may end the training of a model: several times what it should take."""
        quick = self.config.budget == "quick"
        if self.is_network(model):
            return 120 if quick else 1440
        return 30 if quick else 240

    def model_code(self, model: str, experiment: str) -> str:
        """A digest of the code that trains a model."""
        if self.is_network(model):
            settings = self.models[model]
            job = "cdmer.protocols.network_folds" if experiment in tasks() else "cdmer.protocols.train_network"
            code = code_digest(job, settings.module)
            if isinstance(settings, ImageNetSettings) and settings.weights is not None:
                weights = Path(settings.weights).expanduser().stat()
                return _digest(code, weights.st_size, weights.st_mtime_ns)
            return code
        job = "cdmer.protocols.train"
        if experiment in tasks():
            by_subject = tasks()[experiment].left_out == "subject"
            job = "cdmer.protocols.loso" if by_subject else "cdmer.protocols.databases_out"
        return code_digest(job, self.models[model].module)

    # -- TYPE-I with nobody on both sides -----------------------------------------------------------------------

    def disjoint(self) -> list[tuple[str, str]]:
        """The (experiment, model) pairs that are computed once more with nobody on both sides."""
        out = {(entry.experiment, entry.model) for entry in self.disjoint_left_out()}
        names = experiments("cdmer")
        return [pair for pair in self._shared_pairs() if (names[pair[0]], pair[1]) not in out]

    def disjoint_left_out(self) -> list[LeftOut]:
        """What of TYPE-I has no subject-disjoint variant, and why."""
        return [
            LeftOut(experiments("cdmer")[key], model, reason)
            for key, model in self._shared_pairs()
            if (reason := self._lacks_disjoint(model, key))
        ]

    def _shared_pairs(self) -> list[tuple[str, str]]:
        shared = {each.key for each in cdmer_experiments() if family(each.source) == family(each.target)}
        asked = "cdmer" in self.config.protocols and self.config.cdmer.disjoint
        return [pair for pair in self.computable("cdmer") if pair[0] in shared] if asked else []

    def _lacks_disjoint(self, model: str, experiment: str) -> str:
        if self.is_network(model):
            return "networks are not trained again without each person"
        if not self.disjoint_selections(model):
            return "no selection of `cdmer.disjoint` is computed of it"
        lacking = [
            name for name in databases_of(experiment) if self.models[model].feature in self.config.imported(name)
        ]
        return f"the release of {' and '.join(lacking)} names nobody" if lacking else ""

    def disjoint_selections(self, model: str) -> list[str]:
        """The selections of a model whose answers are computed once more."""
        computed = self.config.selection if self.models[model].searched else ["default"]
        return [name for name in self.config.cdmer.disjoint if name in computed]

    def disjoint_of(self, model: str) -> list[str]:
        """The experiments of a model that are computed once more, by the names of their folders."""
        return [key for key, name in self.disjoint() if name == model]

    def disjoint_settings(self, model: str) -> dict[str, Any]:
        """What the job that trains a model without each shared person needs to know."""
        keys = self.disjoint_of(model)
        kept = ("module", "estimator", "parameters", "columns", "casme2_negative")
        settings = self.training_settings(model, keys[0])
        return {
            **{name: settings[name] for name in kept},
            "selection": self.disjoint_selections(model),
            "experiments": [
                {
                    "experiment": experiments("cdmer")[key],
                    "databases": databases_of(key),
                    "stores": self.stores_of(model, key),
                    "predictions": f"results/models/cdmer/{key}/{model}/predictions.csv",
                    "metrics": f"results/models/cdmer/{key}/{model}/metrics.json",
                }
                for key in keys
            ],
        }

    def disjoint_inputs(self, model: str) -> list[str]:
        """The files that this job reads."""
        read = self.disjoint_settings(model)["experiments"]
        stores = dict.fromkeys(store for each in read for store in each["stores"])
        return [*stores, *(each[name] for each in read for name in ("predictions", "metrics"))]

    def disjoint_made_of(self, model: str) -> str:
        """A digest of what it starts from."""
        return _digest(
            *(
                [self.stores_made_of(model, key), self.training_settings(model, key), self.model_code(model, key)]
                for key in self.disjoint_of(model)
            )
        )

    def disjoint_code(self, model: str) -> str:
        """A digest of its code."""
        return code_digest("cdmer.protocols.disjoint", self.models[model].module)

    def disjoint_answers(self) -> list[str]:
        """The answers that its table is made of, a file a model."""
        models = dict.fromkeys(model for _, model in self.disjoint())
        return [f"results/models/disjoint/{model}/predictions.csv" for model in models]

    def disjoint_plain(self) -> list[str]:
        """The plain answers beside them."""
        return [f"results/models/cdmer/{key}/{model}/predictions.csv" for key, model in self.disjoint()]

    def disjoint_table_settings(self) -> dict[str, Any]:
        """What the job that makes that table needs to know."""
        parts = [
            {
                "experiment": experiments("cdmer")[key],
                "model": model,
                "data": " and ".join(sorted({self.origin(model, name) for name in databases_of(key)})),
                "disjoint": f"results/models/disjoint/{model}/predictions.csv",
                "plain": f"results/models/cdmer/{key}/{model}/predictions.csv",
            }
            for key, model in self.disjoint()
        ]
        return {"parts": parts, "left_out": [asdict(entry) for entry in self.disjoint_left_out()]}

    def disjoint_table_made_of(self) -> str:
        """A digest of what that table is made of."""
        models = dict.fromkeys(model for _, model in self.disjoint())
        return _digest(
            *(
                [self.disjoint_made_of(model), self.disjoint_settings(model), self.disjoint_code(model)]
                for model in models
            )
        )

    # -- tables -------------------------------------------------------------------------------------------------

    def predictions(self, protocol: str) -> list[str]:
        """The predictions that a protocol's table is made of.

        Raises
        ------
        CdmerError
            Not a single experiment can be computed; the reasons are given.
        """
        if not self.computable(protocol):
            reasons = dict.fromkeys(entry.reason for entry in self.left_out(protocol))
            raise CdmerError(
                f"{protocol}: no experiment can be computed: {'; '.join(reasons)}",
                "give the protocol's databases (docs/protocols.md); for features alone, ask for all_features",
            )
        return [f"results/models/{protocol}/{key}/{model}/predictions.csv" for key, model in self.computable(protocol)]

    def compares_selections(self) -> bool:
        """Whether the oracle stands beside an honest selection, so that its lead can be drawn."""
        chosen = set(self.config.selection)
        return "cdmer" in self.config.protocols and "oracle" in chosen and len(chosen) > 1

    def card_settings(self, table: str) -> dict[str, Any]:
        """What the job that writes a table's card needs to know."""
        pairs = self.computable(table)
        read = dict.fromkeys(database for key, _ in pairs for database in databases_of(key))
        listed = self.listed()
        return {
            # what a report shows of people changes no table
            "config": self.config.model_dump(mode="json", by_alias=True, exclude={"report"}),
            "data": {
                name: _digest(*(self.parts_made_of(*pair) for pair in listed if pair[1] == name)) for name in read
            },
            "code": {model: self.model_code(model, key) for key, model in pairs},
        }

    def table_settings(self, protocol: str) -> dict[str, Any]:
        """What the job that makes a table needs to know."""
        left_out = [asdict(entry) for entry in self.left_out(protocol)]
        word = "experiment" if protocol == "cdmer" else "task"
        parts = [
            {
                word: experiments(protocol)[key],
                "model": model,
                "data": " and ".join(sorted({self.origin(model, name) for name in databases_of(key)})),
            }
            for key, model in self.computable(protocol)
        ]
        own = {"disjoint": bool(self.disjoint())} if protocol == "cdmer" else {"protocol": protocol}
        return {"parts": parts, "left_out": left_out, **own}

    def leak_settings(self) -> dict[str, Any]:
        """What the job that looks for leaks between source and target needs to know."""
        names = experiments("cdmer")
        pairs = {(key, self.models[model].feature): model for key, model in self.computable("cdmer")}
        return {
            "pairs": [
                {
                    "experiment": names[key],
                    "feature": feature,
                    "databases": databases_of(key),
                    "stores": self.stores_of(model, key),
                }
                for (key, feature), model in pairs.items()
            ],
            "selection": self.config.selection,
            "adapting": [model for model, settings in self.models.items() if settings.adapts],
        }

    def compared_stores(self) -> list[str]:
        """The stores whose clips are looked at for leaks."""
        return list(dict.fromkeys(store for pair in self.leak_settings()["pairs"] for store in pair["stores"]))

    # -- report -------------------------------------------------------------------------------------------------

    def report_settings(self) -> dict[str, Any]:
        """What the job that writes the report needs to know; its inputs lie where the workflow puts them."""
        return {
            "databases": {name: self._database_of_report(name) for name in self.databases},
            "faces": self.config.report.faces,
            "recipes": self._recipes_of_report(),
            "protocols": {protocol: self._protocol_of_report(protocol) for protocol in self.config.protocols},
            "features": self._features_of_report(),
            "transforms": {
                name: {"feature": settings.feature, **settings.parameters()}
                for name, settings in self.models.items()
                if name in TRANSFORMS
            },
            "regions": self._regions_of_report(),
            "selections": self.config.selection,
            "casme2_negative": self.config.cdmer.casme2_negative,
            "honesty": self.compares_selections(),
            "disjoint": bool(self.disjoint()),
            "weights": self.config.networks.keep_weights > 0,
        }

    def report_models(self) -> list[str]:
        """The modules of the models that the report fits again, to see where they look."""
        return sorted({settings["module"] for settings in self._regions_of_report().values()})

    def report_inputs(self) -> list[str]:
        """Every file that the report is made of, in a fixed order."""
        results = self.report_settings()
        files = [f"results/databases/{name}/manifest.csv" for name in self.databases if self.has_clips(name)]
        for recipe in results["recipes"]:
            for name, shown in results["databases"].items():
                files += [f"results/faces/{recipe}/{name}/{subject}.h5" for subject in shown["subjects"]]
        files += self.stores((feature, name) for feature, names in results["features"].items() for name in names)
        for protocol, made in results["protocols"].items():
            for model, keys in made["models"].items():
                outputs = ["predictions.csv", *self._details(protocol, model)]
                files += [f"results/models/{protocol}/{key}/{model}/{name}" for key in keys for name in outputs]
            files += [f"results/{protocol}_table.csv", f"results/{protocol}_table.card.json"]
            files.append(f"results/{protocol}_comparisons.csv")
        if "cdmer" in results["protocols"]:
            files.append("results/cdmer_leaks.csv")
        if results["disjoint"]:
            files.append("results/cdmer_disjoint.csv")
        if results["honesty"]:
            files.append("results/cdmer_honesty.png")
        return [*files, "results/exclusions.csv"]

    def report_made_of(self) -> str:
        """A digest of what the report's inputs are made of."""
        manifests = [self.subjects(name) for name in self.databases if self.has_clips(name)]
        tables = [self.table_settings(protocol) for protocol in self.config.protocols]
        predictions = [self.predictions_made_of(protocol) for protocol in self.config.protocols]
        clips = [self.census[name] for name in self.databases if self.has_clips(name)]
        code = code_digest(
            "cdmer.evaluation.tables",
            "cdmer.evaluation.loso_tables",
            "cdmer.evaluation.leaks",
            "cdmer.evaluation.disjoint_table",
        )
        recipes = [[self.faces_code(recipe), self.on_missing_face(recipe)] for recipe in self._recipes_of_report()]
        disjoint = self.disjoint_table_made_of()
        return _digest(manifests, clips, tables, predictions, disjoint, self.listed_made_of(), code, recipes)

    def _details(self, protocol: str, model: str) -> list[str]:
        """What a training under a protocol leaves beside its predictions, for a person to look at."""
        if protocol != "cdmer":
            return []
        weights = ["weights.safetensors"] if self.config.networks.keep_weights else []
        return ["curves.csv", *weights] if self.is_network(model) else ["grid.csv"]

    def _database_of_report(self, name: str) -> dict[str, Any]:
        shown = self.config.report.faces_of(self.is_synthetic(name)) if self.has_clips(name) else "none"
        origin = "synthetic" if self.is_synthetic(name) else "real" if self.has_clips(name) else "released"
        return {
            "origin": origin,
            "released": sorted(self.config.imported(name)),
            "clips": self.has_clips(name),
            "faces": shown,
            "subjects": [] if shown == "none" else self.subjects(name),
        }

    def _recipes_of_report(self) -> list[str]:
        """The faces recipes that models read, the one that most read first."""
        counts: dict[str, int] = {}
        for model in {model: None for protocol in self.config.protocols for _, model in self.computable(protocol)}:
            settings = self.models[model]
            recipe = self.config.frames[self.config.features[settings.feature].frames].faces
            counts[recipe] = counts.get(recipe, 0) + 1
        return sorted(counts, key=lambda recipe: -counts[recipe])

    def _regions_of_report(self) -> dict[str, dict[str, Any]]:
        """Models whose groups are blocks of regular grids over the face."""
        found = {}
        for name, settings in self.models.items():
            recipe = self.config.features[settings.feature]
            grids = list(getattr(recipe, "grids", ()))
            if not isinstance(settings, BlockSettings) or settings.columns != "blocks" or not grids:
                continue
            faces = self.config.faces[self.config.frames[recipe.frames].faces]
            found[name] = {
                "module": settings.module,
                "estimator": settings.estimator,
                "parameters": settings.parameters(),
                "feature": settings.feature,
                "grids": grids,
                "eyes": [faces.eye_distance, faces.eye_height] if faces.alignment == "eyes" else None,
            }
        return found

    def _protocol_of_report(self, protocol: str) -> dict[str, Any]:
        models: dict[str, list[str]] = {}
        for key, model in self.computable(protocol):
            models.setdefault(model, []).append(key)
        keys = dict.fromkeys(key for found in models.values() for key in found)
        return {
            "experiments": {key: [experiments(protocol)[key], *databases_of(key)] for key in keys},
            "models": models,
            "networks": [model for model in models if self.is_network(model)],
            "features": {model: self.models[model].feature for model in models},
        }

    def _features_of_report(self) -> dict[str, list[str]]:
        """The features that models read, and the databases that they read them of."""
        found: dict[str, list[str]] = {}
        for feature, database in self.listed():
            found.setdefault(feature, []).append(database)
        return found

    def computable(self, protocol: str) -> list[tuple[str, str]]:
        """The (experiment, model) pairs of a protocol that can be computed, in the table's order."""
        out = {(entry.experiment, entry.model) for entry in self.left_out(protocol)}
        return [
            (key, model)
            for model in self._models_of(protocol)
            for key, name in experiments(protocol).items()
            if (name, model) not in out
        ]

    def left_out(self, protocol: str) -> list[LeftOut]:
        """The experiments that a table leaves out, by name and with the reason."""
        found = []
        for model in self._models_of(protocol):
            feature = self.models[model].feature
            for key, name in experiments(protocol).items():
                reasons = [self._lacks_input(model)]
                if not any(reasons):
                    reasons = [self.lacks(feature, database) for database in databases_of(key)]
                if not any(reasons):
                    reasons = [self._lacks_weights(model) or self._beyond_budget(model, key)]
                if not any(reasons) and protocol != "cdmer":
                    reasons = [self._lacks_for(tasks()[key], feature, database) for database in databases_of(key)]
                if any(reasons):
                    found.append(LeftOut(name, model, "; ".join(dict.fromkeys(filter(None, reasons)))))
        return found

    def _lacks_input(self, model: str) -> str:
        """What a network reads that no feature holds; empty where one does."""
        settings = self.models[model]
        return settings.no_input if isinstance(settings, NetworkSettings) else ""

    def _lacks_weights(self, model: str) -> str:
        """Why a network that starts from somebody else's weights is left out; empty where it is not."""
        settings = self.models[model]
        if not isinstance(settings, ImageNetSettings):
            return ""
        if settings.weights is None:
            return f"no ImageNet weights are given (`model_settings.{model}.weights`, docs/networks.md)"
        if not Path(settings.weights).expanduser().is_file():
            raise CdmerError(
                f"model_settings.{model}.weights: {settings.weights} does not exist",
                "correct the path, or set it to null",
            )
        return ""

    def _beyond_budget(self, model: str, experiment: str) -> str:
        """Why the budget leaves an experiment out; empty where it does not."""
        settings = self.models[model]
        only = settings.quick_only if isinstance(settings, NetworkSettings) else None
        if self.config.budget == "paper" or only is None or experiment in only:
            return ""
        return "left out by `budget: quick`, computed with `budget: paper`"

    def _lacks_for(self, task: Task, feature: str, database: str) -> str:
        """What a task misses in a database that can be had otherwise; empty where it misses nothing."""
        if feature in self.config.imported(database):
            return f"{database} has released features, which name no subjects"
        if task.words == "objective_class" and not self._has_objective_classes(database):
            return f"the annotation of {database} gives no objective classes"
        return ""

    def _has_objective_classes(self, database: str) -> bool:
        if database not in self._objective:
            place = self.databases[database].reader, self.root(database), self.annotation(database)
            known = self.is_synthetic(database) or any(clip.objective_class for clip in read_entries(*place))
            self._objective[database] = known
        return self._objective[database]

    def _models_of(self, protocol: str) -> list[str]:
        """The models of a protocol: where a person is left out, those that need no unlabelled target to adapt to."""
        by_subject = any(task.left_out == "subject" for task in tasks().values() if task.protocol == protocol)
        return [model for model, settings in self.models.items() if not by_subject or not settings.adapts]


def experiments(protocol: str) -> dict[str, str]:
    """The experiments of a protocol in the papers' order: the name of a folder, and the name in the table."""
    if protocol == "cdmer":
        return {experiment.key: experiment.name for experiment in cdmer_experiments()}
    return {name: name for name, task in tasks().items() if task.protocol == protocol}


@cache
def databases_of(experiment: str) -> list[str]:
    """Source and target of an experiment, or the databases of a task, by the name of its folder."""
    if experiment in tasks():
        return list(tasks()[experiment].databases)
    found = next(each for each in cdmer_experiments() if each.key == experiment)
    return [found.source, found.target]


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
