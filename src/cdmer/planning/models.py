"""Which models are trained on what, and which experiments cannot be."""

from functools import cached_property
from pathlib import Path
from typing import Any

from cdmer.code import code_digest
from cdmer.config.model_settings import ModelSettings
from cdmer.config.networks import ImageNetSettings, NetworkSettings
from cdmer.databases.cohort.plan import plan_database
from cdmer.databases.reading import read_entries
from cdmer.errors import CdmerError
from cdmer.planning.features import FeaturesPlan
from cdmer.planning.folds import Said, lacks_folds, said_of_look_alike
from cdmer.planning.shared import LeftOut, databases_of, digest, experiments, once
from cdmer.protocols.tasks import Task, tasks


class ModelsPlan(FeaturesPlan):
    """The trainings."""

    def stores_made_of(self, model: str, experiment: str) -> str:
        """A digest of what the feature stores of a training are made of."""
        feature = self.models[model].feature
        return digest(*(self.parts_made_of(feature, name) for name in databases_of(experiment)))

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
            "held_out": settings.quick_held_out if quick else None,
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
                return digest(code, weights.st_size, weights.st_mtime_ns)
            return code
        job = "cdmer.protocols.train"
        if experiment in tasks():
            by_subject = tasks()[experiment].left_out == "subject"
            job = "cdmer.protocols.loso" if by_subject else "cdmer.protocols.databases_out"
        return code_digest(job, self.models[model].module)

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
                    reasons = reasons if any(reasons) else [self._lacks_folds(key)]
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
        return any(said.objective_class for said in self._said(database))

    @once
    def _lacks_folds(self, task: str) -> str:
        """Why the clips of a task make no folds to learn from; empty where they do."""
        return lacks_folds(tasks()[task], {name: self._said(name) for name in databases_of(task)})

    @once
    def _said(self, database: str) -> list[Said]:
        """What a database says of its clips."""
        if self.is_synthetic(database):
            return said_of_look_alike(plan_database(database, **self.cohort_settings()))
        entries = read_entries(self.databases[database].reader, self.root(database), self.annotation(database))
        return [Said(entry.clip, entry.subject, entry.emotion, entry.objective_class) for entry in entries]

    def _models_of(self, protocol: str) -> list[str]:
        """The models of a protocol: where a person is left out, those that need no unlabelled target to adapt to."""
        by_subject = any(task.left_out == "subject" for task in tasks().values() if task.protocol == protocol)
        return [model for model, settings in self.models.items() if not by_subject or not settings.adapts]
