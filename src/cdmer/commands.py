"""Commands for people, beside those of the workflow's jobs: ask a trained model, plan a run, lay out a study."""

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cdmer.errors import CdmerError

if TYPE_CHECKING:
    from cdmer.prediction.predict import Prediction

ConfigFiles = Annotated[
    list[Path] | None, typer.Option("--configfile", help="As given to snakemake, once for each file.")
]


def add_commands(app: typer.Typer) -> None:
    """Put these commands into the command line."""
    app.command("init")(init)
    app.command("plan")(plan)
    app.command("predict")(predict)


def init(folder: Annotated[Path, typer.Argument(help="The folder of the study; made where it is not there.")]) -> None:
    """Lay out a study of your own: configuration, profile, README, and a Snakefile that runs the installed workflow."""
    from cdmer.study.layout import lay_out

    for path in lay_out(folder):
        typer.echo(path)
    typer.echo(f"next: cd {shlex.quote(str(folder))} && snakemake --cores 2 --dry-run")


def plan(
    targets: Annotated[list[str] | None, typer.Argument(help="As for snakemake; everything by default.")] = None,
    cores: Annotated[int, typer.Option(help="Cores that the run will have.", min=1)] = len(os.sched_getaffinity(0)),
    like: Annotated[
        list[Path] | None, typer.Option(help="Another study, finished, whose jobs tell what jobs cost.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")] = False,
    configfile: ConfigFiles = None,
) -> None:
    """Say before a run what it will do and cost: jobs, hours, GPU hours and bytes, from recorded benchmarks."""
    from cdmer.config.files import load_config
    from cdmer.planning.plan import Plan
    from cdmer.study.forecast import checkpoint_bytes, forecast, planned_jobs
    from cdmer.study.forecast_page import as_table, told

    for folder in like or []:
        if not (folder / "results/benchmarks").is_dir():
            raise CdmerError(
                f"--like {folder}: no run was recorded there (results/benchmarks)",
                "name the folder of a finished study",
            )
    config = load_config(configfile or ())  # first, for its complaints are clearer than snakemake's
    jobs = planned_jobs(targets or [], configfile or (), cores)
    found, checkpoint = forecast(jobs, [Path(), *(like or [])]), checkpoint_bytes(jobs, Plan(config))
    if as_json:
        typer.echo(json.dumps(told(found, cores, checkpoint), indent=2))
    else:
        typer.echo(as_table(found, cores, Path(), checkpoint))


def predict(
    model: Annotated[str, typer.Argument(help="A model, as the table names it.")],
    clips: Annotated[
        list[Path], typer.Argument(help="Folders of frames, videos, or CSV files of clips (docs/databases.md).")
    ],
    experiment: Annotated[
        str | None, typer.Option(help='For which it was trained, e.g. "C->V"; needed where there are several.')
    ] = None,
    selection: Annotated[
        str, typer.Option(help="How its hyper-parameters were chosen: default, source, unsupervised or oracle.")
    ] = "default",
    onset: Annotated[int | None, typer.Option(help="First frame of the one clip; its first by default.")] = None,
    apex: Annotated[int | None, typer.Option(help="Apex of the one clip, where it is known.")] = None,
    offset: Annotated[int | None, typer.Option(help="Last frame of the one clip; its last by default.")] = None,
    picture: Annotated[Path | None, typer.Option(help="The PNG to write; MODEL-EXPERIMENT.png by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")] = False,
    configfile: ConfigFiles = None,
) -> None:
    """Let a trained model of the cross-database table judge new clips."""
    from cdmer.watch import one_thread

    one_thread()  # before any library of mathematics is loaded
    from cdmer.config.files import load_config
    from cdmer.planning.plan import Plan
    from cdmer.prediction.clips import clips_of
    from cdmer.prediction.picture import draw_prediction
    from cdmer.prediction.predict import predict as judge
    from cdmer.prediction.trained import find_trained

    plan = Plan(load_config(configfile or ()))
    trained = find_trained(plan, model, experiment, selection)
    found = judge(trained, clips_of(clips, onset, apex, offset))
    output = picture or Path(f"{trained.name}-{trained.experiment.key}.png")
    shown = draw_prediction(found, output)
    if as_json:
        typer.echo(json.dumps({**found.told(), "picture": str(output)}, indent=2))
    else:
        _print(found)
        first = "" if shown == len(found.samples) else f" (the first {shown} clips)"
        typer.echo(f"{output}{first}")


def _print(found: "Prediction") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    told = found.told()
    chosen = told["chosen"] or "no parameters"
    table = Table(
        title=f"{told['model']}, {told['experiment']}, {told['selection']} ({chosen}); {told['scores_are']} scores",
        title_justify="left", box=None, header_style="bold", padding=(0, 2, 0, 0),
    )  # fmt: skip
    for name in ("clip", "class", *found.judgement.classes, "onset", "apex", "offset", "frames"):
        is_number = name in (*found.judgement.classes, "onset", "apex", "offset")
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    ends = [Path(clip["clip"]).name for clip in told["clips"]]
    names = ends if len(set(ends)) == len(ends) else [clip["clip"] for clip in told["clips"]]
    for name, clip, sample in zip(names, told["clips"], found.samples, strict=True):
        used = clip["frames"]
        frames = f"{len(sample.record.frames)} interpolated" if used is None else ", ".join(map(str, used))
        table.add_row(
            Text(name), Text(clip["predicted"], style="bold"),
            *(f"{score:.3f}" for score in clip["scores"].values()),
            str(clip["onset"]), "–" if clip["apex"] is None else str(clip["apex"]), str(clip["offset"]), frames,
        )  # fmt: skip
    console = Console(width=max(Console().width, 120))  # rather too wide than a name cut in pieces
    console.print(table)
