"""The configuration: one typed model that validates, generates the JSON schema and the reference page.

Read when the workflow is planned, never by a job: what a job needs reaches it through its rule's ``params``.
"""

import difflib
import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from cdmer.errors import CdmerError

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]*$")]
Reader = Literal["smic", "casme2", "samm", "clips"]


class Settings(BaseModel):
    """Base of all settings: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Database(Settings):
    """Where a database lies and who can read it."""

    reader: Reader = Field(
        description="Layout of the database: `smic`, `casme2`, `samm`, or `clips` for a CSV of your own."
    )
    root: str | None = Field(
        None,
        min_length=1,
        description="Folder of the database (for `clips`: the CSV). `null`: a synthetic look-alike in the same layout.",
    )
    annotation: str | None = Field(None, description="The spreadsheet, where it does not lie in or beside the root.")


class Cohort(Settings):
    """The synthetic cohort that stands in for databases without a root."""

    size: Literal["tiny", "small", "paper"] = Field(
        "small", description="`tiny` for a smoke test, `small` for minutes on a laptop, `paper` for the real counts."
    )
    seed: int = Field(1, ge=0, description="Another seed is another cohort: other people, other motions.")
    head_motion: bool = Field(True, description="Whether heads drift and turn slightly.")
    blinks: bool = Field(True, description="Whether some people blink.")
    noise: float = Field(1.0, ge=0, description="Camera noise, as a multiple of each camera's own.")
    quirks: bool = Field(
        False,
        description="Whether it is laid out and misprinted as real copies are, to try the readers.",
    )


class FacesRecipe(Settings):
    """How faces are found, aligned and cropped (docs/faces.md compares the choices)."""

    detector: Literal["dlib", "mtcnn", "yunet", "none"] = Field(
        "dlib",
        description="Finds the face on the onset frame; `none` for clips that come cropped and registered.",
    )
    upsample: int = Field(0, ge=0, le=2, description="Doublings before detection; 1 finds faces under 80 pixels.")
    alignment: Literal["eyes", "landmark_box", "box", "whole"] = Field(
        "eyes",
        description="`eyes`: turned and scaled until the eyes are at fixed places; `landmark_box`: the benchmark's box "
        "around the landmarks; `box`: the detector's own; `whole`: the frame as it is (with `detector: none`).",
    )
    expand: tuple[float, float, float, float] = Field(
        (0, 0, 0, 0),
        description="How far `box` goes beyond the detector's: left, top, right, bottom, as fractions of its side.",
    )
    intermediate: dict[Reader, tuple[int, int]] = Field(
        {}, description="Height and width to which a box is brought first, by the database's reader."
    )
    size: int = Field(112, ge=16, le=1024, description="Side of the square crop, in pixels.")
    eye_distance: float = Field(
        0.4, gt=0, lt=1, description="`eyes`: distance of the eye centres in the crop, as a fraction of its side."
    )
    eye_height: float = Field(0.36, gt=0, lt=1, description="`eyes`: height of the eyes in the crop, from its top.")
    color: Literal["grey", "rgb"] = Field("grey", description="What the crops keep.")
    on_missing_face: Literal["error", "exclude"] = Field(
        "error", description="A clip without a face stops the run, or is left out and listed with the reason."
    )

    def contradiction(self) -> str:
        """What two keys say against each other; empty where they agree."""
        if (self.detector == "none") != (self.alignment == "whole"):
            return "`detector: none` and `alignment: whole` belong together: without a face there is no other crop"
        if any(self.expand) and self.alignment != "box":
            return "`expand` moves the detector's box; it needs `alignment: box`"
        if self.intermediate and self.alignment == "eyes":
            return "`intermediate` resizes a box in two steps; `alignment: eyes` resamples once"
        if min(self.expand[0] + self.expand[2], self.expand[1] + self.expand[3]) <= -1:
            return "`expand` takes away the whole box"
        return ""


ApexMethod = Literal["middle", "frame_difference", "divide_and_conquer", "divide_and_conquer_strain", "rise_and_fall"]


class FramesRecipe(Settings):
    """Which frames of a clip a feature reads, or how it is brought to a fixed number (docs/frames.md)."""

    faces: Name = Field("aligned_112", description="The faces recipe that it reads.")
    interpolation: Literal["tim", "linear", "nearest", "keyframes", "select"] = Field(
        "tim",
        description="`tim` (Zhou et al. 2011), `linear`, `nearest`: evenly spaced times; `keyframes`: those of "
        "MERSiamC3D; `select`: the frames of `moments`, as recorded.",
    )
    length: int = Field(16, ge=2, le=512, description="Frames of the result; not for `select`.")
    rounding: Literal["half_up", "none"] = Field(
        "half_up", description="`half_up`: rounded and clipped to 8 bits, for texture descriptors; `none`: float32."
    )
    moments: list[Literal["onset", "apex", "middle", "central", "offset"]] = Field(
        [], description="For `select`: the frames to keep, in order; `central`: the middle one and the central fifth."
    )
    synthesis: Literal["average", "nearest", "adaptive_convolution"] = Field(
        "average", description="For `keyframes`: how frames between two others come about; `nearest`: recorded ones."
    )
    apex: Literal["annotated", ApexMethod] = Field(
        "annotated", description="For `keyframes`, and `apex` among `moments`: where the apex comes from."
    )
    apex_otherwise: Literal["error", ApexMethod] = Field(
        "error", description="With `apex: annotated`: what finds the apex of a clip that has none annotated."
    )

    @property
    def fault(self) -> str | None:
        """What is wrong with the keys together."""
        for key in sorted(self.model_fields_set - {"faces", "interpolation", *self._parameters()}):
            return f"`{key}` does nothing here with `interpolation: {self.interpolation}`; remove it"
        if self.interpolation == "select" and not self.moments:
            return "`interpolation: select` needs `moments`, such as [onset, apex, offset]"
        if self.interpolation == "keyframes" and self.length < 3:
            return "key-frames are onset, apex, offset and what lies between: `length` is at least 3"
        return None

    @property
    def spots_apex(self) -> bool:
        """Whether the recipe works with an apex."""
        return self.interpolation == "keyframes" or (self.interpolation == "select" and "apex" in self.moments)

    @property
    def maker(self) -> tuple[str, str]:
        """The module and the function that make the frames."""
        makers = {"keyframes": ("keyframes", "keyframes"), "select": ("selection", "select")}
        module, function = makers.get(self.interpolation, ("resampling", "resample"))
        return f"cdmer.frames.{module}", function

    def parameters(self) -> dict[str, Any]:
        """What that function needs to know, but for the faces."""
        return self.model_dump(include=set(self._parameters()))

    def _parameters(self) -> tuple[str, ...]:
        apex = ("apex", "apex_otherwise") if self.spots_apex else ()
        if self.interpolation == "keyframes":
            return ("length", "rounding", "synthesis", *apex)
        return ("moments", *apex) if self.interpolation == "select" else ("interpolation", "length", "rounding")


class LbpTopRecipe(Settings):
    """LBP-TOP (Zhao and Pietikäinen 2007) on a pyramid of block grids."""

    module: ClassVar[str] = "cdmer.descriptors.lbp_top"
    descriptor: Literal["lbp_top"] = Field("lbp_top", description="The descriptor.")
    frames: Name = Field("tim_16", description="The frames recipe that it reads.")
    radius: int = Field(3, ge=1, le=64, description="Radius of the neighbourhood in x, y and t.")
    neighbors: int = Field(8, ge=2, le=16, description="Sampling points on each plane's circle.")
    grids: list[Annotated[int, Field(ge=1, le=64)]] = Field(
        [1, 2, 4, 8], min_length=1, description="Blocks on a side, grid by grid."
    )


class ImportedFeature(Settings):
    """A released feature file, used in place of computed features."""

    database: Name = Field(description="The database that the file describes.")
    feature: Name = Field("lbp_top_r3p8", description="The feature that it stands for.")
    file: str = Field(description="The `.mat` file, below `imported_from`.")
    order: Literal["blocks", "released"] = Field(
        "blocks", description="Columns block by block, as computed features have them, or left as released."
    )


class ModelSettings(Settings):
    """What every model's settings hold."""

    module: ClassVar[str]
    estimator: ClassVar[str]
    searched: ClassVar[bool] = True  # whether the papers search hyper-parameters of it
    columns: ClassVar[Literal["blocks", "released"]] = "blocks"  # the order of columns that it is given
    feature: Name = Field("lbp_top_r3p8", description="The feature that it is trained on.")

    def parameters(self) -> dict[str, Any]:
        """The estimator's own parameters."""
        return self.model_dump(exclude={"feature"})


class SVMSettings(ModelSettings):
    """Linear support vector machine, the benchmark's baseline."""

    module: ClassVar[str] = "cdmer.adaptation.svm"
    estimator: ClassVar[str] = "SVM"
    searched: ClassVar[bool] = False
    C: float = Field(1.0, gt=0, description="Cost of a violated margin.")


class TCASettings(ModelSettings):
    """Transfer component analysis (Pan et al. 2011), then a linear support vector machine."""

    module: ClassVar[str] = "cdmer.adaptation.tca"
    estimator: ClassVar[str] = "TCA"
    mu: float = Field(1.0, gt=0, description="Weight of the components' complexity.")
    dim: int = Field(30, ge=1, description="Number of components, searched from 1 to the number of clips.")
    C: float = Field(1.0, gt=0, description="Cost of a violated margin.")


class IWSVMSettings(ModelSettings):
    """Support vector machine with importance weights by uLSIF (Kanamori et al. 2009)."""

    module: ClassVar[str] = "cdmer.adaptation.iwsvm"
    estimator: ClassVar[str] = "IWSVM"
    searched: ClassVar[bool] = False
    C: float = Field(1.0, gt=0, description="Cost of a violated margin.")


class SubspaceSettings(ModelSettings):
    """What methods on principal subspaces share."""

    dim: int | None = Field(
        None, ge=1, description="Dimension of the subspaces; `null`: half of what both domains have. All are searched."
    )
    C: float = Field(1.0, gt=0, description="Cost of a violated margin.")


class GFKSettings(SubspaceSettings):
    """Geodesic flow kernel (Gong et al. 2012), then a support vector machine."""

    module: ClassVar[str] = "cdmer.adaptation.gfk"
    estimator: ClassVar[str] = "GFK"


class SASettings(SubspaceSettings):
    """Subspace alignment (Fernando et al. 2013), then a linear support vector machine."""

    module: ClassVar[str] = "cdmer.adaptation.sa"
    estimator: ClassVar[str] = "SA"


class STMSettings(ModelSettings):
    """Selective transfer machine (Chu et al. 2013)."""

    module: ClassVar[str] = "cdmer.adaptation.stm"
    estimator: ClassVar[str] = "STM"
    lam: float = Field(
        1.0, gt=0, description="Weight of the match of the domains' means, searched from 0.001 to 10000."
    )
    C: float = Field(1.0, gt=0, description="Cost of a violated margin.")


class TKLSettings(ModelSettings):
    """Transfer kernel learning (Long et al. 2015), then a support vector machine."""

    module: ClassVar[str] = "cdmer.adaptation.tkl"
    estimator: ClassVar[str] = "TKL"
    zeta: float = Field(2.5, gt=0, description="Eigenspectrum damping, searched from 0.1 to 5.")
    C: float = Field(1.0, gt=0, description="Cost of a violated margin.")


class RegeneratorSettings(ModelSettings):
    """What methods that regenerate a domain share."""

    lam: float = Field(1.0, ge=0, description="Weight of the discrepancy of means, searched from 0.001 to 1000.")
    mu: float = Field(0.1, gt=0, description="Weight of sparsity, searched from 0.001 to 10.")
    solver: Literal["schedule", "converged"] = Field(
        "schedule", description="The authors' iteration, which stops short of the minimum, or the minimum (faster)."
    )


class TSRGSettings(RegeneratorSettings):
    """Target sample re-generator (Zong et al. 2017), called DRFS-S in 2018."""

    module: ClassVar[str] = "cdmer.adaptation.tsrg"
    estimator: ClassVar[str] = "TSRG"


class DRFSTSettings(RegeneratorSettings):
    """Domain regeneration in the original feature space, with the target unchanged (Zong et al. 2018)."""

    module: ClassVar[str] = "cdmer.adaptation.drfst"
    estimator: ClassVar[str] = "DRFST"


class DRLSSettings(RegeneratorSettings):
    """Domain regeneration in the label space (Zong et al. 2018)."""

    module: ClassVar[str] = "cdmer.adaptation.drls"
    estimator: ClassVar[str] = "DRLS"


class BlockSettings(ModelSettings):
    """What methods on facial blocks share."""

    n_blocks: int = Field(85, ge=1, description="Number of blocks of the feature: the sum of its grids' squares.")


class RSTRSettings(BlockSettings):
    """Region selective transfer regression on facial blocks."""

    module: ClassVar[str] = "cdmer.adaptation.rstr"
    estimator: ClassVar[str] = "RSTR"
    lam: float = Field(100.0, ge=0, description="Weight of the discrepancy of means, searched from 0.1 to 10000.")
    mu: float = Field(2.5, gt=0, description="Weight of sparsity, searched from 0.1 to 5.")
    tau: float = Field(0.05, gt=0, description="Weight of the blocks' sparsity, searched from 0.01 to 0.1.")
    solver: Literal["schedule", "converged"] = Field(
        "converged", description="The regression's minimum, or the iteration that the patent prints."
    )


class TGSRSettings(BlockSettings):
    """Transfer group sparse regression on facial blocks."""

    module: ClassVar[str] = "cdmer.adaptation.tgsr"
    estimator: ClassVar[str] = "TGSR"
    kappa: int = Field(43, ge=1, description="Number of blocks that remain, searched from 1 to 85.")
    xi: float = Field(1.0, ge=0, description="Weight of the discrepancy of means, searched from 0.001 to 1000.")
    solver: Literal["schedule", "converged"] = Field(
        "schedule", description="The authors' iteration, or the minimum of what they write down."
    )

    @model_validator(mode="after")
    def _no_more_blocks_than_there_are(self) -> "TGSRSettings":
        if self.kappa > self.n_blocks:
            raise ValueError(f"kappa: {self.kappa} of {self.n_blocks} blocks")
        return self


class TGSRReleasedSettings(TGSRSettings):
    """TGSR on the released files' column order, as its authors ran it: a group is no facial block there."""

    columns: ClassVar[Literal["blocks", "released"]] = "released"


class Models(Settings):
    """Settings of each model, by its public name."""

    model_config = ConfigDict(serialize_by_alias=True)

    SVM: SVMSettings = SVMSettings()
    IWSVM: IWSVMSettings = IWSVMSettings()
    TCA: TCASettings = TCASettings()
    GFK: GFKSettings = GFKSettings()
    SA: SASettings = SASettings()
    STM: STMSettings = STMSettings()
    TKL: TKLSettings = TKLSettings()
    TSRG: TSRGSettings = TSRGSettings()
    DRFST: DRFSTSettings = DRFSTSettings()
    DRLS: DRLSSettings = DRLSSettings()
    RSTR: RSTRSettings = RSTRSettings()
    TGSR: TGSRSettings = TGSRSettings()
    TGSR_released: TGSRReleasedSettings = Field(TGSRReleasedSettings(), alias="TGSR@released")

    def by_name(self) -> dict[str, ModelSettings]:
        """The settings by public name, in the table's order."""
        return {field.alias or name: getattr(self, name) for name, field in type(self).model_fields.items()}


class CdmerProtocol(Settings):
    """Choices that the papers leave open in the cross-database protocol."""

    casme2_negative: Literal["disgust_sadness_fear", "disgust_repression"] = Field(
        "disgust_sadness_fear",
        description="Which emotions of CASME II count as negative; the papers disagree (docs/protocols.md).",
    )


# A configuration adds to these, entry by entry and key by key; it never loses one by not naming it.
STANDARD: dict[str, dict[str, dict[str, Any]]] = {
    "databases": {
        "smic_hs": {"reader": "smic"},
        "smic_vis": {"reader": "smic"},
        "smic_nir": {"reader": "smic"},
        "casme2": {"reader": "casme2"},
        "samm": {"reader": "samm"},
    },
    "faces": {
        "aligned_112": {},
        "benchmark_112": {"alignment": "landmark_box"},
        "tgsr_112": {"alignment": "landmark_box", "intermediate": {"casme2": (308, 257), "smic": (170, 139)}},
        "dscnn_48": {"size": 48},
        "fr_140": {"detector": "mtcnn", "alignment": "box", "size": 140},
        "madtn_112": {"detector": "mtcnn", "alignment": "box", "expand": (0, 0.16, 0, 0.05)},
        "mersiamc3d_112": {"eye_distance": 0.37, "eye_height": 0.32},
        "as_is": {"detector": "none", "alignment": "whole"},
    },
    "frames": {
        "tim_16": {},
        "onset_apex_offset": {
            "faces": "dscnn_48",
            "interpolation": "select",
            "moments": ["onset", "apex", "offset"],
            "apex": "divide_and_conquer",
        },
        "onset_apex": {
            "faces": "fr_140",
            "interpolation": "select",
            "moments": ["onset", "apex"],
            "apex": "annotated",
            "apex_otherwise": "frame_difference",
        },
        "onset_central_offset": {
            "faces": "madtn_112",
            "interpolation": "select",
            "moments": ["onset", "central", "offset"],
        },
        "keyframes_11": {
            "faces": "mersiamc3d_112",
            "interpolation": "keyframes",
            "length": 11,
            "synthesis": "average",
            "apex": "annotated",
            "apex_otherwise": "middle",
        },
    },
    "features": {"lbp_top_r3p8": {}},
}


class Config(Settings):
    """The whole configuration."""

    databases: dict[Name, Database | None] = Field(
        description="The databases, by name; `null` in place of an entry leaves that database out.",
    )
    cohort: Cohort = Field(Cohort(), description="The synthetic cohort.")
    faces: dict[Name, FacesRecipe] = Field(description="Faces recipes, by name.")
    frames: dict[Name, FramesRecipe] = Field(description="Frames recipes, by name.")
    features: dict[Name, LbpTopRecipe] = Field(description="Features, by name; a model names the one that it reads.")
    imported_from: str = Field("data/released", description="Folder of the released feature files.")
    imported_features: list[ImportedFeature] = Field([], description="Released features in place of computed ones.")
    protocols: list[Literal["cdmer"]] = Field(["cdmer"], min_length=1, max_length=1, description="The tables to make.")
    cdmer: CdmerProtocol = Field(CdmerProtocol(), description="Options of the cross-database protocol.")
    models: Literal["all"] | Annotated[list[Name], Field(min_length=1)] = Field(
        "all", description="`all`, or the names of the models to train."
    )
    model_settings: Models = Field(Models(), description="Settings of each model, by its public name.")
    rounds: int = Field(
        10, ge=1, description="Trainings of a model that draws random numbers (none does yet); others train once."
    )
    budget: Literal["quick", "paper"] = Field(
        "quick", description="Epochs and grids: `quick` for a laptop, `paper` as published."
    )
    selection: list[Literal["default", "source", "unsupervised", "oracle"]] = Field(
        ["default", "oracle"],
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
    def _names_are_known(self) -> "Config":
        for name, faces in self.faces.items():
            if faces.contradiction():
                raise ValueError(f"faces.{name}: {faces.contradiction()}")
        for name, frames in self.frames.items():
            _known(f"frames.{name}.faces", frames.faces, self.faces)
            if frames.fault:
                raise ValueError(f"frames.{name}: {frames.fault}")
        for name, feature in self.features.items():
            _known(f"features.{name}.frames", feature.frames, self.frames)
            self._check_lbp_top(name, feature)
        for model, settings in self.chosen_models().items():
            _known(f"model_settings.{model}.feature", settings.feature, self.features)
            if isinstance(settings, BlockSettings):
                blocks = sum(grid**2 for grid in self.features[settings.feature].grids)
                if settings.n_blocks != blocks:
                    given = f"model_settings.{model}.n_blocks: {settings.n_blocks}"
                    raise ValueError(f"{given}, but the feature {settings.feature} has {blocks} blocks")
        seen = set()
        for imported in self.imported_features:
            _known("imported_features: database", imported.database, self.databases)
            _known("imported_features: feature", imported.feature, self.features)
            if (imported.database, imported.feature) in seen:
                raise ValueError(f"imported_features: two files for {imported.feature} of {imported.database}")
            seen.add((imported.database, imported.feature))
        return self

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

    def _check_lbp_top(self, name: str, feature: LbpTopRecipe) -> None:
        """Refuse what the descriptor could not read, before anything is computed."""
        frames = self.frames[feature.frames]
        faces = self.faces[frames.faces]
        if 2 * feature.radius >= frames.length or 2 * feature.radius + max(feature.grids) > faces.size:
            raise ValueError(
                f"features.{name}: radius {feature.radius} leaves too little of {frames.length} frames of "
                f"{faces.size} x {faces.size} pixels for a grid of {max(feature.grids)}"
            )
        if frames.rounding != "half_up" or faces.color != "grey":
            raise ValueError(
                f"features.{name}: LBP-TOP reads grey 8-bit frames; use a frames recipe with "
                "`rounding: half_up` on a faces recipe with `color: grey`"
            )

    def chosen_models(self) -> dict[str, ModelSettings]:
        """The settings of the models to train, by public name."""
        known = self.model_settings.by_name()
        if self.models == "all":
            return known
        for name in self.models:
            _known("models", name, known)
        return {name: known[name] for name in self.models}

    def imported(self, database: str) -> dict[str, ImportedFeature]:
        """The released features of a database, by the name of the feature that they stand for."""
        return {entry.feature: entry for entry in self.imported_features if entry.database == database}


def read_config(raw: Mapping[str, Any]) -> Config:
    """Check a configuration.

    Raises
    ------
    CdmerError
        One line for each fault; an unknown key is answered with the nearest known one.
    """
    try:
        return Config.model_validate(dict(raw))
    except ValidationError as error:
        faults = sorted({_fault(dict(fault), raw) for fault in error.errors()})
        raise CdmerError(
            "the configuration is not valid:\n" + "\n".join(f"  {fault}" for fault in faults),
            "correct config.yaml, or the file given with --configfile; docs/configuration.md lists every key",
        ) from None


def json_schema() -> str:
    """The JSON schema of `config.yaml`, for editors that complete and check."""
    schema = Config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2) + "\n"


def reference() -> str:
    """The reference page of the configuration, in Markdown."""
    parts = [
        "# Configuration",
        "",
        "Every key of `config.yaml`, generated from `src/cdmer/config.py` by `cdmer config reference`.",
        "Pass a file of your own with `--configfile`: it needs only the keys that differ.",
    ]
    waiting: list[tuple[str, type[Settings]]] = [("", Config)]
    while waiting:
        prefix, model = waiting.pop(0)
        parts += ["", f"## {f'`{prefix}`' if prefix else 'Top level'}", "", str(model.__doc__).strip(), ""]
        parts += ["| key | values | default | meaning |", "|---|---|---|---|"]
        for key, field in _fields(model).items():
            children = _settings_inside(field.annotation)
            # a mapping by name shows as faces.NAME.size, a list of entries as imported_features.ITEM.file
            middle = ".NAME" if "dict" in str(field.annotation) else ".ITEM" if "list" in str(field.annotation) else ""
            waiting += [(f"{prefix}{'.' if prefix else ''}{key}{middle}", child) for child in children]
            default = "see below" if children else "required" if field.is_required() else _shown(field.default)
            parts.append(f"| `{key}` | {_values(key, model)} | {default} | {field.description or ''} |")
    return "\n".join(parts) + "\n"


def _fields(model: type[Settings]) -> dict[str, FieldInfo]:
    """The fields of settings by the keys that a user writes."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _settings_inside(annotation: Any) -> list[type[Settings]]:
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return [annotation]
    return [found for inner in getattr(annotation, "__args__", ()) for found in _settings_inside(inner)]


def _shown(value: object) -> str:
    return f"`{json.dumps(value)}`"


def _values(key: str, model: type[Settings]) -> str:
    properties = model.model_json_schema().get("properties", {})
    schema = properties.get(key, {})
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    words = []
    for option in options:
        enum = option.get("enum") or ([option["const"]] if "const" in option else option.get("items", {}).get("enum"))
        if enum:
            words.append(", ".join(f"`{value}`" for value in enum))
        elif "$ref" in option:
            words.append("settings")
        else:
            words.append({"object": "by name", "array": "list"}.get(option.get("type", ""), option.get("type", "")))
    return " or ".join(dict.fromkeys(words))


def _over(standard: dict[str, Any] | None, given: Any) -> Any:
    return {**standard, **given} if standard and isinstance(given, dict) else given


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _known(where: str, name: str, known: Mapping[str, Any]) -> None:
    if name not in known:
        raise ValueError(f"{where}: there is no {name!r} here{_nearest(name, known)}; known: {', '.join(known)}")


def _nearest(name: str, known: Mapping[str, Any] | list[str]) -> str:
    lower = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.5)
    return f", did you mean {lower[close[0]]!r}?" if close else ""


def _fault(fault: dict[str, Any], raw: Mapping[str, Any]) -> str:
    """One line for one fault that pydantic found."""
    path = [str(part) for part in fault["loc"] if not _is_branch(part, fault["loc"])]
    where = ".".join(path)
    if fault["type"] == "extra_forbidden":
        known = _keys_at(path[:-1])
        return f"{where}: unknown key{_nearest(path[-1], known)} (known here: {', '.join(known)})"
    if fault["type"] == "value_error":
        return str(fault["msg"]).removeprefix("Value error, ")
    return f"{where}: {fault['msg'][0].lower()}{fault['msg'][1:]}, but it is {fault.get('input')!r}"


def _is_branch(part: object, loc: tuple[object, ...]) -> bool:
    """Pydantic names the member of a union that it tried (``literal['all']``); a user never wrote that."""
    return isinstance(part, str) and (part.startswith(("literal[", "list[")) or part in {"Database"})


def _keys_at(path: list[str]) -> list[str]:
    """The known keys of the settings that `path` leads to."""
    model: type[Settings] = Config
    for part in path:
        field = _fields(model).get(part)
        if field is None:
            continue  # the user's own name of a recipe or database, or the number of a list's item
        children = _settings_inside(field.annotation)
        if children:
            model = children[0]
    return list(_fields(model))
