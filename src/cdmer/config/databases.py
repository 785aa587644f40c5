"""Settings of the databases stage."""

from typing import Literal

from pydantic import Field

from cdmer.config.settings import Settings

Reader = Literal["smic", "casme2", "samm", "clips"]


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
