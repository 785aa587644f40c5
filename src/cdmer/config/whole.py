"""The whole configuration."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from cdmer.config.databases import Cohort, Database
from cdmer.config.faces import FacesRecipe
from cdmer.config.feature_recipe import FeatureRecipe
from cdmer.config.features import AnyFeatureRecipe, ImportedFeature, Store, descriptor_of
from cdmer.config.frames import FramesRecipe
from cdmer.config.interpolators import SHIPPED, Interpolator
from cdmer.config.model_settings import ModelSettings
from cdmer.config.models import BlockSettings, Models, public_name
from cdmer.config.motion import FlowPlanesRecipe, OnsetApexFlowRecipe
from cdmer.config.networks import NetworkRun, NetworkSettings
from cdmer.config.report import Report
from cdmer.config.settings import Name, Settings
from cdmer.config.standard import STANDARD
from cdmer.nearest import did_you_mean


class CdmerProtocol(Settings):
    """Choices that the papers leave open in the cross-database protocol."""

    casme2_negative: Literal["disgust_sadness_fear", "disgust_repression"] = Field(
        "disgust_sadness_fear",
        description="Which emotions of CASME II count as negative; the papers disagree (docs/protocols.md).",
    )
    source_folds: int = Field(
        1,
        ge=1,
        description="FR states a five-fold cross-validation of this protocol beside its ten rounds. With 5, a network "
        "is trained five times a round, each time without a fifth of the source's clips, and each counts as a round; 1 "
        "trains on the whole source. Methods on vectors are not folded.",
    )
    disjoint: list[Literal["default", "source", "unsupervised", "oracle"]] = Field(
        ["default", "source"],
        description="For which selections TYPE-I is computed once more with nobody on both sides, one more training "
        "for each person whom two subsets of SMIC share (`results/cdmer_disjoint.csv`); none: `[]`.",
    )

    disjoint_draws: int = Field(
        3,
        ge=0,
        description="How often as many clips of other people are left out in a person's place, to tell what fewer "
        "clips cost from what knowing the face is worth; of the selection `default`. 0: never.",
    )

    @field_validator("disjoint")
    @classmethod
    def _each_once(cls, names: list[str]) -> list[str]:
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"cdmer.disjoint: {name!r} is listed twice")
        return names


class Config(Settings):
    """The whole configuration."""

    databases: dict[Name, Database | None] = Field(
        description="The databases, by name; `null` in place of an entry leaves that database out.",
    )
    cohort: Cohort = Field(Cohort(), description="The synthetic cohort.")
    faces: dict[Name, FacesRecipe] = Field(description="Faces recipes, by name.")
    interpolators: dict[Name, Interpolator] = Field({}, description="Interpolation networks to train, by name.")
    frames: dict[Name, FramesRecipe] = Field(description="Frames recipes, by name.")
    features: dict[Name, AnyFeatureRecipe] = Field(description="Features, by name; a model names the one it reads.")
    store: Store = Field(Store(), description="How feature stores are kept.")
    imported_from: str = Field("data/released", description="Folder of the released feature files.")
    imported_features: list[ImportedFeature] = Field([], description="Released features in place of computed ones.")
    protocols: list[Literal["cdmer", "cde", "single", "holdout", "lodo"]] = Field(
        ["cdmer"],
        min_length=1,
        description="The tables to make: cross-database, the composite of MEGC 2019, each database by itself, the "
        "held-out database of MEGC 2018, leave one database out.",
    )
    cdmer: CdmerProtocol = Field(CdmerProtocol(), description="Options of the cross-database protocol.")
    models: Literal["all"] | Annotated[list[Name], Field(min_length=1)] = Field(
        "all",
        description="`all`, or what to train: names of models or of their classes, `MODEL@FEATURE` for one of them on "
        "another feature, `adaptation` for all methods on vectors, `networks` for all networks.",
    )
    model_settings: Models = Field(Models(), description="Settings of each model, by its public name.")
    networks: NetworkRun = Field(NetworkRun(), description="How networks are trained.")
    rounds: int = Field(
        10,
        ge=1,
        le=1000,
        description="Trainings of a network, at most 3 with `budget: quick`; others train once.",
    )
    budget: Literal["quick", "paper"] = Field(
        "quick", description="Epochs and grids: `quick` for a laptop, `paper` as published."
    )
    selection: list[Literal["default", "source", "unsupervised", "oracle"]] = Field(
        ["default", "source", "unsupervised", "oracle"],
        min_length=1,
        description="How hyper-parameters are chosen: `default` takes `model_settings`; the others the best of the "
        "papers' grid: `source` on source subjects held out while the target is adapted to; `unsupervised` on the "
        "target's clips without labels; `oracle` on the target's labels, as the papers did. A model without a grid has "
        "the row `default` alone.",
    )
    criterion: Literal["infomax", "snd", "dev"] = Field(
        "infomax",
        description="What `unsupervised` goes by: mutual information, soft neighbourhood density, or deep embedded "
        "validation on held-out source clips (docs/adaptation.md).",
    )
    report: Report = Field(Report(), description="The report.")

    @model_validator(mode="before")
    @classmethod
    def _with_standard_entries(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        merged = dict(raw)
        for key, standard in STANDARD.items():
            given = raw.get(key, {})
            if isinstance(given, dict):
                merged[key] = {**standard, **{name: _over(standard.get(name), entry) for name, entry in given.items()}}
        return merged

    @model_validator(mode="after")
    def _recipes_are_known(self) -> "Config":
        for name, faces in self.faces.items():
            if faces.contradiction():
                raise ValueError(f"faces.{name}: {faces.contradiction()}")
        self._check_interpolators()
        for name, frames in self.frames.items():
            _known(f"frames.{name}.faces", frames.faces, self.faces)
            if frames.interpolator:
                _known(f"frames.{name}.network", frames.interpolator, self.interpolators)
            if frames.fault:
                raise ValueError(f"frames.{name}: {frames.fault}")
        read = {settings.feature for settings in self.chosen_models().values()}
        for name, feature in self.features.items():
            _known(f"features.{name}.frames", feature.frames, self.frames)
            if (fault := self.unfit(name)) and (name in read or not self._is_standard(name)):
                raise ValueError(f"features.{name}: {fault}")
            if fault := self._fault_of_source(feature):
                raise ValueError(f"features.{name}.{fault}")
        return self

    @model_validator(mode="after")
    def _models_can_read_their_features(self) -> "Config":
        for model, settings in self.chosen_models().items():
            _known(f"model_settings.{model}.feature", settings.feature, self.features)
            if isinstance(settings, BlockSettings):
                blocks = self._blocks_of(model, settings.feature)
                if settings.n_blocks != blocks:
                    given = f"model_settings.{model}.n_blocks: {settings.n_blocks}"
                    raise ValueError(f"{given}, but the feature {settings.feature} has {blocks} blocks")
            if isinstance(settings, NetworkSettings) and (fault := settings.fault(self.features[settings.feature])):
                raise ValueError(f"model_settings.{model}.feature: {settings.feature} {fault}")
        return self

    @model_validator(mode="after")
    def _releases_are_known(self) -> "Config":
        seen = set()
        for imported in self.imported_features:
            _known("imported_features: database", imported.database, self.databases)
            _known("imported_features: feature", imported.feature, self.features)
            is_flow = isinstance(self.features[imported.feature], OnsetApexFlowRecipe | FlowPlanesRecipe)
            if imported.file.lower().endswith(".npz") != is_flow:
                what = "flow images (.npz)" if is_flow else "a .mat file"
                raise ValueError(
                    f"imported_features: {imported.feature} is released as {what}; {imported.file} is something else"
                )
            if (imported.database, imported.feature) in seen:
                raise ValueError(f"imported_features: two files for {imported.feature} of {imported.database}")
            seen.add((imported.database, imported.feature))
        return self

    def _check_interpolators(self) -> None:
        for name, interpolator in self.interpolators.items():
            if name == SHIPPED:
                raise ValueError(
                    f"interpolators.{name}: that is the network that comes with cdmer; choose another name"
                )
            _known(f"interpolators.{name}.faces", interpolator.faces, self.faces)
            for database in interpolator.databases:
                _known(f"interpolators.{name}.databases", database, self.databases)
            if interpolator.fault:
                raise ValueError(f"interpolators.{name}: {interpolator.fault}")

    @field_validator("protocols", "selection", "models")
    @classmethod
    def _each_once(cls, names: Any, info: ValidationInfo) -> Any:
        for name in names if isinstance(names, list) else ():
            if names.count(name) > 1:
                raise ValueError(f"{info.field_name}: {name!r} is listed twice")
        return names

    @field_validator("models")
    @classmethod
    def _by_public_names(cls, models: Any) -> Any:
        return models if models == "all" else [public_name(name) for name in models]

    def _fault_of_source(self, feature: FeatureRecipe) -> str:
        """What keeps a feature from being made of another one; empty where nothing does."""
        if not isinstance(feature, FlowPlanesRecipe):
            return ""
        _known("feature", feature.feature, self.features)
        source = self.features[feature.feature]
        if not isinstance(source, OnsetApexFlowRecipe):
            return f"feature: {feature.feature} is no feature of onset_apex_flow"
        if source.frames != feature.frames:
            return f"frames: {feature.feature} reads the frames recipe {source.frames}, name that one"
        missing = [plane for plane in feature.planes if plane not in source.planes]
        return f"planes: {feature.feature} has no plane {missing[0]}" if missing else ""

    @model_validator(mode="after")
    def _databases_can_be_had(self) -> "Config":
        standard = {_plain(name): name for name in STANDARD["databases"]}
        for name, database in self.databases.items():
            meant = standard.get(_plain(name), name)
            if meant != name:
                raise ValueError(f"databases.{name}: no protocol knows that name, did you mean {meant!r}?")
            if database and database.root is None and database.reader == "clips" and not self.imported(name):
                raise ValueError(f"databases.{name}: the reader `clips` has no look-alike; give it a root, a CSV file")
        return self

    def chosen_models(self) -> dict[str, ModelSettings]:
        """The settings of the models to train, by public name."""
        known = self.model_settings.by_name()
        if self.models == "all":
            return known
        groups = {
            "adaptation": [name for name, settings in known.items() if not isinstance(settings, NetworkSettings)],
            "networks": [name for name, settings in known.items() if isinstance(settings, NetworkSettings)],
        }
        names = [name for entry in self.models for name in groups.get(entry, [entry])]
        return {name: self._model(name, known) for name in names}

    def _model(self, name: str, known: Mapping[str, ModelSettings]) -> ModelSettings:
        """The settings of a model, or of MODEL@FEATURE: that model on another feature."""
        base, _, feature = name.partition("@")
        if name in known or base not in known or not feature:
            _known("models", base if feature in self.features and name not in known else name, known)
            return known[name]
        _known(f"models: {base}@FEATURE", feature, self.features)
        other: dict[str, Any] = {"feature": feature}
        if isinstance(known[base], BlockSettings):
            other["n_blocks"] = self._blocks_of(base, feature)
        try:
            return type(known[base]).model_validate({**known[base].model_dump(), **other})
        except ValidationError as error:
            said = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise ValueError(f"models: {name}: {said}; set model_settings.{base}") from None

    def _blocks_of(self, model: str, feature: str) -> int:
        blocks = self.features[feature].blocks
        if not blocks:
            raise ValueError(f"models: {model} weighs facial blocks, and the feature {feature} has none")
        return blocks

    def unfit(self, feature: str) -> str | None:
        """What a feature could not read of the frames that it is given.

        That is an error where the feature is the user's own or a chosen model reads it; a standard one that nobody
        asked for is left out.
        """
        recipe = self.features[feature]
        frames = self.frames[recipe.frames]
        return recipe.fault(frames, self.faces[frames.faces])

    def _is_standard(self, feature: str) -> bool:
        standard = STANDARD["features"].get(feature)
        return standard is not None and self.features[feature] == type(self.features[feature]).model_validate(standard)

    def imported(self, database: str) -> dict[str, ImportedFeature]:
        """The released features of a database, by the name of the feature that they stand for."""
        return {entry.feature: entry for entry in self.imported_features if entry.database == database}


def _over(standard: dict[str, Any] | None, given: Any) -> Any:
    if not standard or not isinstance(given, dict):
        return given
    if "descriptor" in given and descriptor_of(given) != descriptor_of(standard):
        return given  # the keys of another descriptor mean nothing to it
    return {**standard, **given}


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _known(where: str, name: str, known: Mapping[str, Any]) -> None:
    if name not in known:
        raise ValueError(f"{where}: there is no {name!r} here{did_you_mean(name, known)}; known: {', '.join(known)}")
