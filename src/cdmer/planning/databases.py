"""What is read of the databases, real, synthetic or released."""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

from cdmer.code import code_digest
from cdmer.config.databases import Database
from cdmer.config.whole import Config
from cdmer.databases.cohort.layouts import annotation_name, annotation_names, layout_root
from cdmer.databases.cohort.plan import COHORT_DATABASES, plan_database
from cdmer.databases.reading import READERS, census
from cdmer.errors import CdmerError
from cdmer.files import write_text
from cdmer.planning.shared import one_of

RENDERER = "cdmer.databases.cohort.render"
SYNTHETIC = "results/databases/{database}/synthetic"


class DatabasesPlan:
    """The databases of one configuration and their people.

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
        subjects = one_of("database of clips", database, self.census)
        return one_of(f"subject of {database}", subject, subjects)

    def reader_settings(self, database: str) -> dict[str, Any]:
        """What the job that reads a subject's slice of the manifest needs to know; its root is a parameter beside."""
        return {
            "database": database,
            "reader": self.databases[database].reader,
            "annotation": None if self.is_synthetic(database) else self.annotation(database),
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

    def rendered_annotation(self, database: str) -> list[str]:
        """The spreadsheet among them that the reader is given; nothing where it needs none."""
        annotation = self.annotation(database) if self.is_synthetic(database) else None
        return [annotation] if annotation else []

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

    def released_file(self, database: str, feature: str) -> str:
        """The released file that stands for a feature of a database."""
        return str(Path(self.config.imported_from).expanduser() / self.config.imported(database)[feature].file)
