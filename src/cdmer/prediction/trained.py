"""The trained models that lie in the results, and whether they can be asked about new clips."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdmer.config.models import public_name
from cdmer.errors import CdmerError
from cdmer.planning.plan import Plan
from cdmer.planning.shared import one_of
from cdmer.protocols.cdmer import Experiment, cdmer_experiments
from cdmer.store.feature_store import FeatureStore

log = logging.getLogger(__name__)

RESULTS = Path("results/models/cdmer")
SHOWN = "C->V"  # the experiment that a remedy takes where none is asked for


@dataclass(frozen=True)
class TrainedModel:
    """A model of the cross-database table, trained for one experiment.

    Attributes
    ----------
    name
        Its public name.
    experiment
        What it was trained for.
    plan
        The study's plan, which says what it reads and how it was trained.
    selection
        By which its hyper-parameters, or its epoch, were chosen.
    """

    name: str
    experiment: Experiment
    plan: Plan
    selection: str

    @property
    def folder(self) -> Path:
        """Where its results lie."""
        return RESULTS / self.experiment.key / self.name

    @property
    def feature(self) -> str:
        """The feature that it reads."""
        return self.plan.models[self.name].feature

    @property
    def is_network(self) -> bool:
        """Whether it is a network, which keeps weights, or a method that is fitted anew."""
        return self.plan.is_network(self.name)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the job that trained it."""
        return self.plan.training_settings(self.name, self.experiment.key)

    @property
    def stores(self) -> tuple[Path, Path]:
        """The feature stores of source and target."""
        source, target = self.plan.stores_of(self.name, self.experiment.key)
        return Path(source), Path(target)

    def metrics(self) -> Mapping[str, Any]:
        """What its training wrote down."""
        found: dict[str, Any] = json.loads((self.folder / "metrics.json").read_text(encoding="utf-8"))
        return found


def trained_models() -> list[tuple[str, str]]:
    """Experiment and model of everything that lies trained in the results, in the papers' order of experiments."""
    return [
        (experiment.name, metrics.parent.name)
        for experiment in cdmer_experiments()
        for metrics in sorted((RESULTS / experiment.key).glob("*/metrics.json"))
        if (metrics.parent / "predictions.csv").is_file()
    ]


def find_trained(plan: Plan, model: str, experiment: str | None, selection: str) -> TrainedModel:
    """A trained model by its name.

    Parameters
    ----------
    plan
        The study's plan.
    model, experiment
        As the table names them, a model by its class too; the experiment may be None where it is trained for one alone.
    selection
        ``default``, ``source``, ``unsupervised`` or ``oracle``.

    Raises
    ------
    CdmerError
        The configuration has no such model, nothing of that name is trained, or it was trained by other settings than
        the configuration's, or on released features, whose authors' way from a clip to a feature nobody else can go.
    """
    model = public_name(model)
    known = [each.name for each in cdmer_experiments()]
    if experiment is not None and _name_of(experiment) not in known:
        raise CdmerError(f"there is no experiment {experiment!r}", f"name one of {', '.join(known)}")
    _check_configured(plan, model, experiment)
    there = trained_models()
    experiments = [name for name, trained in there if trained == model]
    if not experiments:
        raise CdmerError(f"no model {model!r} is trained here: {_listed(there)}", _train(plan, model, experiment))
    if experiment is None:
        if len(experiments) > 1:
            raise CdmerError(
                f"{model} is trained for {len(experiments)} experiments: {', '.join(experiments)}",
                f'say which: --experiment "{experiments[0]}"',
            )
        experiment = experiments[0]
    wanted = _name_of(experiment)
    if wanted not in experiments:
        raise CdmerError(
            f"{model} is not trained for {experiment!r}; it is for {', '.join(experiments)}",
            _train(plan, model, wanted),
        )
    found = TrainedModel(model, next(each for each in cdmer_experiments() if each.name == wanted), plan, selection)
    _check_selection(found)
    _check_made_alike(found)
    return found


def _check_configured(plan: Plan, model: str, experiment: str | None) -> None:
    """Refuse a model that the configuration does not train, which snakemake has no rule for."""
    if model in plan.models:
        return
    known = plan.config.model_settings.by_name()
    base, _, feature = model.partition("@")
    if model not in known:
        one_of("model", base, known)
        one_of("feature", feature, plan.config.features)
    if any(model == trained for _, trained in trained_models()):
        raise CdmerError(
            f"{model} lies trained in {RESULTS}, but the configuration does not have it",
            f"give --configfile as you gave it to snakemake, or add {model} to `models`",
        )
    raise CdmerError(
        f"{model} is not among the `models` of the configuration: {', '.join(plan.models)}",
        f"add {model} to `models`, then train it: {_command(model, experiment)}",
    )


def _check_selection(trained: TrainedModel) -> None:
    """Refuse a selection that the training did not make, or whose state was not kept."""
    if trained.is_network:
        if trained.selection != "default":
            raise CdmerError(
                f"{trained.name}: the weights that are kept are those of the last epoch, the selection `default`",
                "leave --selection out",
            )
        return
    made = trained.metrics()["scores"]
    if trained.selection not in made:
        raise CdmerError(
            f"{trained.name} was trained with the selections {', '.join(made)}, not {trained.selection}",
            "choose one of them, or add it to `selection` and run snakemake again",
        )


def _check_made_alike(trained: TrainedModel) -> None:
    """Refuse a model whose features the configuration would not make as they were made."""
    plan, feature = trained.plan, trained.feature
    again = f"run `snakemake --cores 2 {trained.folder}/predictions.csv` again, with the same --configfile"
    for database, store in zip((trained.experiment.source, trained.experiment.target), trained.stores, strict=True):
        if feature in plan.config.imported(database):
            raise CdmerError(
                f"{trained.name} was trained on released features of {database}, whose making cannot be repeated "
                "on a new clip exactly",
                "train it on features computed from the databases' own frames",
            )
        if not store.is_file():
            raise CdmerError(f"the features {store}, which {trained.name} was trained on, are gone", again)
        made = FeatureStore(store).provenance
        if made["recipe"] != json.loads(json.dumps(plan.recipe_of(feature, database))):
            raise CdmerError(f"{store} was made by other settings than the configuration's", again)
        if made["code_digest"] != plan.feature_code(feature):
            log.warning("%s was made by other code than is installed: %s", store, again)


def _train(plan: Plan, model: str, experiment: str | None) -> str:
    """How to train a model of the configuration; why that cannot be, where it cannot."""
    reasons = {entry.experiment: entry.reason for entry in plan.left_out("cdmer") if entry.model == model}
    possible = [each.name for each in cdmer_experiments() if each.name not in reasons]
    if not possible:
        return f"it cannot be trained: {'; '.join(dict.fromkeys(reasons.values()))}"
    wanted = _name_of(experiment or (SHOWN if SHOWN in possible else possible[0]))
    if wanted in reasons:
        return f"it cannot be trained for {wanted}: {reasons[wanted]}"
    return f"train it: {_command(model, wanted)}"


def _command(model: str, experiment: str | None) -> str:
    key = _name_of(experiment or SHOWN).replace("->", "_to_")
    return f"snakemake --cores 2 {RESULTS}/{key}/{model}/predictions.csv"


def _name_of(experiment: str) -> str:
    """An experiment's name, also from that of its folder."""
    return experiment.replace("_to_", "->").replace(" ", "")


def _listed(there: list[tuple[str, str]]) -> str:
    if not there:
        return f"{RESULTS} holds none"
    models: dict[str, list[str]] = {}
    for experiment, model in there:
        models.setdefault(model, []).append(experiment)
    return "trained are " + "; ".join(f"{model} ({', '.join(names)})" for model, names in models.items())
