"""The job of the report stage: one page that needs no other file and no network."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cdmer.files import write_text
from cdmer.report.databases import databases_section, faces_section
from cdmer.report.features import features_section
from cdmer.report.models import models_section
from cdmer.report.pictures import STYLE
from cdmer.report.results import read_results, title_of
from cdmer.report.run import run_section
from cdmer.report.tables import summary_section, tables_section

DEPENDS_ON_FILES = (
    "templates/page.html", "templates/shared.html", "templates/page.css", "templates/page.js",
    "templates/summary.html", "templates/databases.html", "templates/faces.html", "templates/features.html",
    "templates/models.html", "templates/tables.html", "templates/run.html",
)  # fmt: skip
SECTIONS = ("tables", "databases", "faces", "features", "models", "run")  # after the summary: the results come first


def make_report(output: str | Path, inputs: Sequence[str | Path], *, benchmarks: str | Path, **settings: Any) -> None:
    """Write the report of a run.

    Parameters
    ----------
    output
        HTML to write: one file with every picture, style and script inside.
    inputs
        The files that it is made of, by the workflow's own names below one folder, wherever that is.
    benchmarks
        The folder of the workflow's benchmarks. Without any, the page does not say where the time went.
    settings
        What the run made and what may be shown of it: the other fields of `cdmer.report.results.Results`, as
        `cdmer.planning.plan.Plan.report_settings` gives them.

    Raises
    ------
    CdmerError
        A file of the results that is not there or cannot be read.
    """
    run = read_results(inputs, benchmarks, settings)
    with mpl.rc_context(STYLE):
        sections = {
            "summary": summary_section(run),
            "databases": databases_section(run),
            "faces": faces_section(run),
            "features": features_section(run),
            "models": models_section(run),
            "tables": tables_section(run),
            "run": run_section(run),
        }
    write_text(output, render(sections))


def render(sections: dict[str, dict[str, Any]]) -> str:
    """The page, from what each section's template reads."""
    folder = Path(__file__).with_name("templates")
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"score": _score, "duration": _duration, "title": title_of}
    environment.tests["leak"] = lambda note: note.startswith("Leak")
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    return environment.get_template("page.html").render(sections=SECTIONS, style=style, script=script, **sections)


def _score(value: float | None) -> str:
    """A fraction with three decimals; a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def _duration(seconds: float) -> str:
    """Seconds in the largest unit that says something."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
