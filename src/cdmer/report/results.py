"""What a run left in its folder of results, as the report reads it."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from cdmer.errors import CdmerError
from cdmer.protocols.predictions import TEXTS, read_predictions

NAMES = {
    "smic_hs": "SMIC-HS",
    "smic_vis": "SMIC-VIS",
    "smic_nir": "SMIC-NIR",
    "casme2": "CASME II",
    "samm": "SAMM",
}


def title_of(database: str) -> str:
    """A database's name as the papers write it."""
    return NAMES.get(database, database)


@dataclass(frozen=True)
class Database:
    """What the report may show of a database.

    Attributes
    ----------
    origin
        ``synthetic``, ``real`` or ``released``.
    released
        Features that were imported in place of computed ones.
    clips
        Whether there are clips to read.
    faces
        ``show``, ``mean`` or ``none``: what of its participants may be seen.
    subjects
        Whose crops may be opened; empty with ``none``.
    """

    origin: str
    released: Sequence[str] = ()
    clips: bool = True
    faces: str = "none"
    subjects: Sequence[str] = ()


@dataclass(frozen=True)
class Protocol:
    """What was computed of a protocol.

    Attributes
    ----------
    experiments
        Folder of an experiment or task to its name and its databases (source and target, or all).
    models
        Model to the folders of what it was computed for.
    networks
        The models that are networks.
    features
        Model to the feature that it reads.
    """

    experiments: Mapping[str, Sequence[str]]
    models: Mapping[str, Sequence[str]]
    networks: Sequence[str]
    features: Mapping[str, str]


@dataclass(frozen=True)
class Results:
    """The files of a run, found by the workflow's own names.

    Attributes
    ----------
    root
        The folder of results.
    inputs
        The files below it that the report is made of.
    benchmarks
        The folder of the workflow's benchmarks, which may be empty or absent.
    databases, protocols
        By name.
    faces
        The setting `report.faces`.
    recipes
        The faces recipes that models read, the one that most read first.
    features
        Feature to the databases of its stores.
    transforms
        Methods that map clips: name to the feature and the estimator's parameters.
    regions
        Models on facial blocks: name to ``module``, ``estimator``, ``parameters``, ``feature``, its ``grids``,
        ``faces``, the recipe of its crops, and ``eyes``, their distance and height there where alignment has put them.
    selections
        How hyper-parameters were chosen.
    casme2_negative
        The protocol's choice.
    honesty
        Whether `cdmer_honesty.png` was drawn.
    disjoint
        Whether TYPE-I was computed with nobody on both sides.
    weights
        Whether networks kept their weights.
    """

    root: Path
    inputs: frozenset[Path]
    benchmarks: Path
    databases: Mapping[str, Database]
    protocols: Mapping[str, Protocol]
    faces: str
    recipes: Sequence[str]
    features: Mapping[str, Sequence[str]]
    transforms: Mapping[str, Mapping[str, Any]]
    regions: Mapping[str, Mapping[str, Any]]
    selections: Sequence[str]
    casme2_negative: str
    honesty: bool
    disjoint: bool
    weights: bool
    _read: dict[Path, pd.DataFrame] = field(default_factory=dict, repr=False)

    def file(self, name: str) -> Path:
        """A file of the results.

        Raises
        ------
        CdmerError
            It is not there, or not among the inputs.
        """
        path = self.root / name
        if path not in self.inputs or not path.exists():
            raise CdmerError(f"{path} is not there", "let Snakemake make it: snakemake --cores 2 results/report.html")
        return path

    def table(self, name: str) -> pd.DataFrame:
        """A CSV of the results, in which only an empty cell is missing: a subject may be called NA."""
        path = self.file(name)
        if path not in self._read:
            try:
                self._read[path] = pd.read_csv(path, dtype=TEXTS, keep_default_na=False, na_values=[""])
            except pd.errors.EmptyDataError:
                self._read[path] = pd.DataFrame()
        return self._read[path]

    def predictions(self, protocol: str, key: str, model: str) -> pd.DataFrame:
        """What one model answered in one experiment or task."""
        path = self.file(f"models/{protocol}/{key}/{model}/predictions.csv")
        if path not in self._read:
            self._read[path] = read_predictions(path)
        return self._read[path]

    def of_training(self, protocol: str, key: str, model: str, name: str) -> pd.DataFrame:
        """Another CSV of one model in one experiment or task; no row where it is empty."""
        return self.table(f"models/{protocol}/{key}/{model}/{name}")

    @property
    def tables(self) -> dict[str, str]:
        """Every table's name, and what its leak checks and other files begin with."""
        return {f"{name}_table": name for name in self.protocols} | (
            {"cdmer_disjoint": "cdmer_disjoint"} if self.disjoint else {}
        )

    def card(self, table: str) -> dict[str, Any]:
        """The reproducibility card of a table."""
        return dict(json.loads(self.file(f"{table}.card.json").read_text(encoding="utf-8")))

    def shards(self, recipe: str, database: str) -> list[Path]:
        """The crops of a database, of the people that may be shown."""
        return [self.file(f"faces/{recipe}/{database}/{name}.h5") for name in self.databases[database].subjects]

    def shown(self, faces: str) -> Iterator[str]:
        """The databases of which so much is shown (``show`` or ``mean``)."""
        return (name for name, database in self.databases.items() if database.faces == faces)

    @property
    def honest(self) -> str:
        """The selection that the report takes where it shows one: the first that looks at no target label."""
        return next((name for name in self.selections if name != "oracle"), "oracle")


def read_results(inputs: Iterable[str | Path], benchmarks: str | Path, settings: Mapping[str, Any]) -> Results:
    """The results of a run, from what `cdmer.report.job.make_report` is given."""
    files = frozenset(map(Path, inputs))
    root = Path(os.path.commonpath([path.parent for path in files]))  # where tables lie, and the list of exclusions
    known = dict(settings)
    databases = {name: Database(**entry) for name, entry in known.pop("databases").items()}
    protocols = {name: Protocol(**entry) for name, entry in known.pop("protocols").items()}
    return Results(
        root=root,
        inputs=files,
        benchmarks=Path(benchmarks),
        databases=databases,
        protocols=protocols,
        **known,
    )
