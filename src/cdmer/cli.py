"""The command line: one command a stage, which the workflow's rules call, and a few for people.

A job's settings come as JSON from its rule's ``params``; they are the keyword arguments of the function that does
the work. Nothing here reads the configuration for a job. Files come as arguments, from where Snakemake has put them;
settings that speak of one of many give its place among them (`cdmer.inputs`).
"""

import importlib
import inspect
import json
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer

from cdmer import __version__
from cdmer.commands import add_commands
from cdmer.errors import CdmerError
from cdmer.files import disk_trouble
from cdmer.inputs import Files, with_files
from cdmer.nearest import did_you_mean
from cdmer.watch import end_with_runner

JOBS = "Jobs of the workflow"  # a panel of the help of their own, below the commands for people

app = typer.Typer(
    help="The reproducible laboratory of cross-database micro-expression recognition.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
databases_app = typer.Typer(help="Stage databases: the synthetic cohort, and manifests.", no_args_is_help=True)
features_app = typer.Typer(help="Stage features: describe clips, import releases, merge.", no_args_is_help=True)
tables_app = typer.Typer(help="Stage tables: score predictions.", no_args_is_help=True)
config_app = typer.Typer(help="The configuration: its schema and its reference page.", no_args_is_help=True)
app.add_typer(databases_app, name="databases", rich_help_panel=JOBS)
app.add_typer(features_app, name="features", rich_help_panel=JOBS)
app.add_typer(tables_app, name="tables", rich_help_panel=JOBS)
app.add_typer(config_app, name="config")
add_commands(app)

Made = TypeVar("Made")
Settings = Annotated[str, typer.Option(help="Keyword arguments of the job, as JSON.")]
Clips = Annotated[str, typer.Option(help="Digest of the clips that are read: another one is another job.")]
Code = Annotated[str, typer.Option(help="Digest of the code that runs, kept with what it makes.")]
Stores = Annotated[Files, typer.Option(parser=Files.of, metavar="FILES", help="The stores of the task's databases.")]
Manifests = Annotated[Files, typer.Option(parser=Files.of, metavar="FILES", help="Their manifests, in the same order.")]
Inputs = Annotated[list[Path], typer.Argument(help="The files that the settings name by their place.")]
Benchmarks = Annotated[Path, typer.Option(help="Where the workflow keeps what its jobs took.")]
OnMissingFace = Annotated[str, typer.Option(help="What a clip without a face does: error, or exclude.")]
_AS_THE_WORKFLOW = "give it as the workflow does: `snakemake --dry-run --printshellcmds TARGET` prints the command"


def _read(settings: str) -> dict[str, Any]:
    """What ``--settings`` holds.

    Raises
    ------
    CdmerError
        No JSON, or JSON of something else than names with values.
    """
    try:
        given = json.loads(settings)
    except (ValueError, RecursionError) as error:
        raise CdmerError(f"--settings is no JSON: {error}", _AS_THE_WORKFLOW) from error
    if not isinstance(given, dict):
        raise CdmerError(f"--settings holds {given!r}, not names with values", _AS_THE_WORKFLOW)
    return given


def _call(job: Callable[..., Made], given: Mapping[str, Any], *files: Any, **others: Any) -> Made:
    """Call a job with its files and its settings.

    Raises
    ------
    CdmerError
        A setting that the job needs and is not given, or one that it does not know.
    """
    parameters = dict(inspect.signature(job).parameters)
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    filled = {*list(parameters)[: len(files)], *others}
    named = {name: each for name, each in parameters.items() if name not in filled}
    needed = [name for name, each in named.items() if each.default is each.empty and each.kind is not each.VAR_KEYWORD]
    lacking = [name for name in needed if name not in given]
    if lacking:
        raise CdmerError(f"--settings lacks {', '.join(lacking)}", _AS_THE_WORKFLOW)
    unknown = [name for name in given if name not in named and not takes_any]
    if unknown:
        raise CdmerError(f"--settings: unknown key {unknown[0]!r}{did_you_mean(unknown[0], named)}", _AS_THE_WORKFLOW)
    return job(*files, **given, **others)


# -- jobs -----------------------------------------------------------------------------------------------------------


@databases_app.command("annotate")
def annotate(database: str, output: Path, settings: Settings, code: Code = "") -> None:
    """Write the spreadsheet of a synthetic look-alike."""
    from cdmer.databases.cohort.annotation import write_annotation
    from cdmer.databases.cohort.plan import plan_database

    write_annotation(_call(plan_database, _read(settings), database), output)


@databases_app.command("render")
def render(
    database: str,
    subject: str,
    folder: Path,
    truth: Path,
    settings: Settings,
    clips: Clips = "",
    code: Code = "",
) -> None:
    """Render the clips of one person of a synthetic look-alike, and write down their ground truth."""
    from cdmer.databases.cohort.plan import plan_database
    from cdmer.databases.cohort.render import render_subject

    render_subject(_call(plan_database, _read(settings), database), subject, folder, truth)


@databases_app.command("read")
def read(
    subject: str,
    output: Path,
    root: Annotated[str, typer.Option(help="The database's folder.")],
    settings: Settings,
    annotation: Annotated[str | None, typer.Argument(help="Its spreadsheet, where a job has made it.")] = None,
    clips: Clips = "",
    code: Code = "",
) -> None:
    """Read one subject's slice of a database's manifest."""
    from cdmer.databases.stage import write_subject

    given = _read(settings) | {"root": root} | ({"annotation": annotation} if annotation else {})
    _call(write_subject, given, subject, output)


@databases_app.command("join")
def join(subjects: list[Path], output: Annotated[Path, typer.Option()], code: Code = "") -> None:
    """Join the slices of all subjects into the database's manifest."""
    from cdmer.databases.manifest import join_manifest

    join_manifest(subjects, output)


@app.command(rich_help_panel=JOBS)
def faces(
    manifest: Path,
    output: Path,
    settings: Settings,
    on_missing_face: OnMissingFace = "error",
    clips: Clips = "",
    code: Code = "",
) -> None:
    """Stage faces: find, align and crop the faces of one subject."""
    from cdmer.faces.job import align_faces

    recipe = _read(settings)
    origin = {"recipe": recipe, "code_digest": code}
    _call(align_faces, recipe, manifest, output, on_missing_face=on_missing_face, origin=origin)


@app.command(rich_help_panel=JOBS)
def frames(
    faces: Path,
    output: Path,
    settings: Settings,
    network: Annotated[Path | None, typer.Argument(help="Weights that the workflow trained for the recipe.")] = None,
    code: Code = "",
) -> None:
    """Stage frames: choose or make the frames of one subject's clips that a feature reads."""
    from cdmer.frames.job import make_frames

    recipe = _read(settings)
    _call(make_frames, recipe, faces, output, network, origin={"recipe": recipe, "code_digest": code})


@features_app.command("compute")
def compute(frames: Path, output: Path, settings: Settings, code: Code = "") -> None:
    """Describe the clips of one subject."""
    from cdmer.descriptors.job import compute_features

    _call(compute_features, _read(settings), frames, output, code=code)


@features_app.command("import")
def import_(release: Path, output: Path, settings: Settings = "{}", code: Code = "") -> None:
    """Import a released feature file."""
    known = _read(settings)
    if release.suffix.lower() == ".npz":
        from cdmer.store.released_flow import import_flow_images

        _call(import_flow_images, known, release, output, code_digest=code)
    else:
        from cdmer.store.released import import_released

        _call(import_released, known, release, output, code_digest=code)


@features_app.command("import-c3d")
def import_c3d_weights(checkpoint: Path, training: Literal["sports1m", "ucf101"]) -> None:
    """Put a PyTorch checkpoint of C3D, trained on `sports1m` or `ucf101`, where its features look for it."""
    from cdmer.descriptors.c3d_weights import import_c3d

    typer.echo(f"kept as {import_c3d(checkpoint, training)}")


@features_app.command("merge")
def merge(
    shards: list[Path],
    output: Annotated[Path, typer.Option()],
    exclusions: Annotated[Path | None, typer.Option(help="CSV to write: the clips that were left out.")] = None,
    on_missing_face: OnMissingFace = "exclude",
    manifest: Annotated[str, typer.Option(help="The database's manifest, whose digest is kept.")] = "",
    compression: Annotated[str, typer.Option(help="none, gzip, lzf or blosc2.")] = "gzip",
    code: Code = "",
) -> None:
    """Merge the parts of a feature store: its one writer."""
    from cdmer.store.exclusions import list_exclusions, refuse_missing_faces
    from cdmer.store.feature_store import merge as merge_shards

    if on_missing_face == "error":
        refuse_missing_faces(shards)
    merge_shards(list(shards), output, manifest=manifest or None, compression=compression)
    if exclusions:
        list_exclusions([output], exclusions)


@app.command(rich_help_panel=JOBS)
def models(
    source: Path,
    target: Path,
    predictions: Path,
    metrics: Path,
    grid: Path,
    settings: Settings,
    code: Code = "",
) -> None:
    """Stage models: train one model for one experiment and predict its target."""
    from cdmer.protocols.train import train_model

    _call(train_model, _read(settings), source, target, predictions, metrics, grid)


@app.command(rich_help_panel=JOBS)
def disjoint(output: Path, controls: Path, inputs: Inputs, settings: Settings, code: Code = "") -> None:
    """Stage models: train a model again without each person of the target whom the source shows too."""
    from cdmer.protocols.disjoint import train_disjoint

    _call(train_disjoint, with_files(_read(settings), inputs), output, controls)


@app.command(rich_help_panel=JOBS)
def folds(
    predictions: Path,
    metrics: Path,
    stores: Stores,
    manifests: Manifests,
    settings: Settings,
    code: Code = "",
) -> None:
    """Stage models: train one model for every fold of a leave-one-subject-out task."""
    from cdmer.protocols.loso import train_folds

    _call(train_folds, _read(settings), predictions, metrics, stores=stores, manifests=manifests)


@app.command("databases-out", rich_help_panel=JOBS)
def databases_out(
    predictions: Path,
    metrics: Path,
    grid: Path,
    stores: Stores,
    manifests: Manifests,
    settings: Settings,
    code: Code = "",
) -> None:
    """Stage models: train one model without each database of a task, and predict that database."""
    from cdmer.protocols.databases_out import train_databases_out

    _call(train_databases_out, _read(settings), predictions, metrics, grid, stores=stores, manifests=manifests)


@app.command(rich_help_panel=JOBS)
def network(
    source: Path,
    target: Path,
    predictions: Path,
    metrics: Path,
    curves: Path,
    weights: Path,
    checkpoints: Annotated[Path, typer.Option(help="A folder of this job's own, for what an interruption leaves.")],
    settings: Settings,
    code: Code = "",
) -> None:
    """Stage models: train one network for one experiment, all rounds, and predict its target."""
    from cdmer.networks.training import clear_checkpoints
    from cdmer.protocols.train_network import train_network

    files = source, target, predictions, metrics, curves, weights
    _call(train_network, _read(settings), *files, checkpoints=checkpoints / code)
    clear_checkpoints(checkpoints)  # those of older code too


@app.command("network-folds", rich_help_panel=JOBS)
def network_folds(
    predictions: Path,
    metrics: Path,
    stores: Stores,
    manifests: Manifests,
    checkpoints: Annotated[Path, typer.Option(help="A folder of this job's own, for what an interruption leaves.")],
    settings: Settings,
    code: Code = "",
) -> None:
    """Stage models: train one network for every fold and round of a leave-one-subject-out task."""
    from cdmer.networks.training import clear_checkpoints
    from cdmer.protocols.network_folds import train_network_folds

    files = {"stores": stores, "manifests": manifests, "checkpoints": checkpoints / code}
    _call(train_network_folds, _read(settings), predictions, metrics, **files)
    clear_checkpoints(checkpoints)


@tables_app.command("cdmer")
def cdmer_table(
    predictions: list[Path],
    exclusions: Annotated[Path, typer.Option()],
    csv: Annotated[Path, typer.Option()],
    md: Annotated[Path, typer.Option()],
    leaks: Annotated[Path, typer.Option()],
    comparisons: Annotated[Path, typer.Option()],
    settings: Settings = "{}",
    code: Code = "",
) -> None:
    """Tabulate the cross-database experiments."""
    from cdmer.evaluation.tables import tabulate_cdmer

    _call(tabulate_cdmer, _read(settings), predictions, exclusions, leaks, csv, md, comparisons)


@tables_app.command("disjoint")
def disjoint_table(
    answers: Inputs,
    leaks: Annotated[Path, typer.Option()],
    csv: Annotated[Path, typer.Option()],
    md: Annotated[Path, typer.Option()],
    settings: Settings = "{}",
    code: Code = "",
) -> None:
    """Tabulate TYPE-I with nobody on both sides, beside the plain scores."""
    from cdmer.evaluation.disjoint_table import tabulate_disjoint

    _call(tabulate_disjoint, with_files(_read(settings), answers), leaks, csv, md)


@tables_app.command("folds")
def folds_table(
    predictions: list[Path],
    exclusions: Annotated[Path, typer.Option()],
    leaks: Annotated[Path, typer.Option()],
    csv: Annotated[Path, typer.Option()],
    md: Annotated[Path, typer.Option()],
    comparisons: Annotated[Path, typer.Option()],
    settings: Settings = "{}",
    code: Code = "",
) -> None:
    """Tabulate a protocol of folds: subjects or databases left out."""
    from cdmer.evaluation.fold_tables import tabulate_folds

    _call(tabulate_folds, _read(settings), predictions, exclusions, leaks, csv, md, comparisons)


@tables_app.command("honesty")
def honesty_figure(table: Path, output: Annotated[Path, typer.Option()], code: Code = "") -> None:
    """Draw how far the oracle is ahead of each honest way of choosing."""
    from cdmer.evaluation.honesty import draw_honesty

    draw_honesty(table, output)


@tables_app.command("leaks")
def leaks(inputs: Inputs, output: Annotated[Path, typer.Option()], settings: Settings = "{}", code: Code = "") -> None:
    """Check the experiments of a table for what could let it look better than it is."""
    from cdmer.evaluation.leak_jobs import find_leaks

    _call(find_leaks, with_files(_read(settings), inputs), output)


@tables_app.command("disjoint-leaks")
def disjoint_leaks(
    inputs: Inputs, output: Annotated[Path, typer.Option()], settings: Settings = "{}", code: Code = ""
) -> None:
    """Check TYPE-I with nobody on both sides for the same."""
    from cdmer.evaluation.leak_jobs import find_disjoint_leaks

    _call(find_disjoint_leaks, with_files(_read(settings), inputs), output)


@tables_app.command("card")
def card(table: Path, output: Path, benchmarks: Benchmarks, settings: Settings = "{}", code: Code = "") -> None:
    """Write what a table was made of, by what, where, and how long it took."""
    from cdmer.evaluation.card import write_card

    _call(write_card, _read(settings), table, output, benchmarks=benchmarks)


@tables_app.command("exclusions")
def exclusions(stores: list[Path], output: Annotated[Path, typer.Option()], code: Code = "") -> None:
    """List the clips that were left out, and why."""
    from cdmer.store.exclusions import list_exclusions

    list_exclusions(stores, output)


@app.command(rich_help_panel=JOBS)
def report(
    output: Path,
    inputs: Annotated[list[Path], typer.Argument(help="All that the page is made of, in one folder of results.")],
    benchmarks: Benchmarks,
    settings: Settings,
    code: Code = "",
) -> None:
    """Stage report: write everything that the workflow made into one page that opens offline."""
    from cdmer.report.job import make_report

    _call(make_report, _read(settings), output, inputs, benchmarks=benchmarks)


@app.command("train-interpolator", rich_help_panel=JOBS)
def train_interpolator(
    output: Annotated[Path, typer.Argument(help="The weights to write (.safetensors); the log goes beside them.")],
    shards: Annotated[list[Path] | None, typer.Argument(help="Shards of the faces stage to learn from.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Where to keep the state; beside the output.")] = None,
    settings: Settings = "{}",
    code: Code = "",
) -> None:
    """Train the frame interpolation network (adaptive convolution) on frames; no labels are needed."""
    from cdmer.frames.adaptive_convolution.training import train_interpolator as train

    place = checkpoint or output.with_suffix(".checkpoint")
    _call(train, _read(settings), shards or [], output, checkpoint=place)


# -- for people -----------------------------------------------------------------------------------------------------


@app.command()
def doctor() -> None:
    """Say what is installed, which weights and devices there are, what is missing and how to get it."""
    from cdmer.doctor import examine

    raise typer.Exit(examine())


@app.command("check-database")
def check_database(
    reader: Annotated[str, typer.Argument(help="Layout of the database: smic, casme2, samm or clips.")],
    root: Annotated[Path, typer.Argument(help="Its folder; for clips, the CSV file.")],
    annotation: Annotated[Path | None, typer.Option(help="Its spreadsheet, where it is not in or beside ROOT.")] = None,
    all_frames: Annotated[bool, typer.Option("--all-frames", help="Open every frame, not one a clip.")] = False,
) -> None:
    """Say what a copy of a database holds, what is wrong, what is odd, and where; fails where the workflow would."""
    from cdmer.databases.check import check_database as look_over

    report = look_over(reader, root, annotation, all_frames)
    typer.echo(str(report))
    raise typer.Exit(1 if report.wrong else 0)


@app.command("show-faces")
def show_faces(
    recipe: str,
    shards: Annotated[list[Path] | None, typer.Argument(help="Files to show; without, what lies in results.")] = None,
    output: Annotated[Path | None, typer.Option(help="The PNG to write, if not beside the faces.")] = None,
    database: Annotated[str, typer.Option(help="Only this database.")] = "",
    subject: Annotated[str, typer.Option(help="Only this subject.")] = "",
    clips: Annotated[int, typer.Option(help="Clips of each subject.", min=1)] = 2,
    code: Code = "",
) -> None:
    """Draw onset, apex and offset as a faces recipe crops them, to see what the models see."""
    from cdmer.faces.contact_sheet import draw_contact_sheet

    picture = output or Path("results/faces") / recipe / "contact_sheet.png"
    draw_contact_sheet(shards or _shards("faces", recipe, database, subject), picture, clips)
    typer.echo(picture)


@app.command("show-frames")
def show_frames(
    recipe: str,
    shards: Annotated[list[Path] | None, typer.Argument(help="Files to show; without, what lies in results.")] = None,
    output: Annotated[Path | None, typer.Option(help="The PNG to write, if not beside the frames.")] = None,
    database: Annotated[str, typer.Option(help="Only this database.")] = "",
    subject: Annotated[str, typer.Option(help="Only this subject.")] = "",
    clips: Annotated[int, typer.Option(help="Clips of each subject.", min=1)] = 1,
    code: Code = "",
) -> None:
    """Draw all frames that a frames recipe hands to features and networks."""
    from cdmer.frames.contact_sheet import draw_frames_sheet

    picture = output or Path("results/frames") / recipe / "contact_sheet.png"
    draw_frames_sheet(shards or _shards("frames", recipe, database, subject), picture, clips)
    typer.echo(str(picture))


def _shards(stage: Literal["faces", "frames"], recipe: str, database: str, subject: str) -> list[Path]:
    """What lies in the results of a recipe; where nothing does, the configuration says whether there is such a one."""
    from cdmer.config.files import MAIN, load_config
    from cdmer.faces.contact_sheet import find_shards
    from cdmer.planning.shared import one_of

    if not (Path("results") / stage / recipe).is_dir() and MAIN.is_file():
        one_of(f"{stage} recipe", recipe, getattr(load_config(), stage))
    return find_shards(recipe, database, subject, stage=stage)


@app.command("show-feature")
def show_feature(
    feature: Annotated[str, typer.Argument(help="A feature, as the configuration names it.")],
    clip: Annotated[str, typer.Argument(help="A clip, as its database's manifest names it.")],
    output: Annotated[Path | None, typer.Option(help="The PNG to write; FEATURE-CLIP.png by default.")] = None,
    database: Annotated[str, typer.Option(help="Its database, where several have a clip of that name.")] = "",
    sample: Annotated[int, typer.Option(help="Which of the clip's samples, from 0.", min=0)] = 0,
    results: Annotated[Path, typer.Option(help="The folder of the workflow's results.")] = Path("results"),
) -> None:
    """Draw what a model reads of a clip: flow as colours and arrows, LBP codes, histograms of blocks."""
    from cdmer.descriptors.show import show_feature as draw

    picture = output or Path(f"{feature}-{clip.replace('/', '-')}.png")
    draw(feature, clip, picture, database=database, sample=sample, results=results)
    typer.echo(picture)


@app.command("show-network")
def show_network(
    store: Annotated[Path, typer.Argument(help="The feature store of the database that was predicted.")],
    weights: Annotated[list[Path], typer.Argument(help="What `networks.keep_weights` left: weights.safetensors.")],
    output: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("network.png"),
    clip: Annotated[str, typer.Option(help="Of DSCNN: a clip; the first by default.")] = "",
    stream: Annotated[str, typer.Option(help="Of DSCNN: spatial or temporal.")] = "spatial",
) -> None:
    """Draw what a trained network makes of clips: DSCNN's maps, or features of FR and Basic Inception side by side."""
    from cdmer.report.networks import show_network as draw

    draw(weights, store, output, clip=clip, stream=stream)
    typer.echo(str(output))


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON schema of config.yaml."""
    from cdmer.config.reference import json_schema

    typer.echo(json_schema(), nl=False)


@config_app.command("reference")
def config_reference() -> None:
    """Print the reference page of the configuration, in Markdown."""
    from cdmer.config.reference import reference

    typer.echo(reference(), nl=False)


@app.callback(invoke_without_command=True)
def common(
    log: Annotated[Path | None, typer.Option(help="File that keeps what the job says.")] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """What holds for every command."""
    if version:
        typer.echo(__version__)
        raise typer.Exit()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if log:
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            handlers.append(logging.FileHandler(log, mode="w", encoding="utf-8"))
        except OSError as error:
            raise CdmerError(f"--log {log}: cannot be written ({error.strerror})", "name another file") from error
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", handlers=handlers, force=True)
    logging.raiseExceptions = False  # where the disk is full, what the logger cannot write is not the news
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is half-written is removed
    end_with_runner()


def main() -> None:
    """Run the command line; what a user can mend is one message, anything else a traceback."""
    # `cdmer store` is mounted when it is asked for: its libraries would slow every job down
    if "store" in sys.argv[1:]:  # options of `cdmer` itself may come before it
        app.add_typer(_load("cdmer.store.commands", "store_app"), name="store")
    else:
        app.command("store", help="Look into feature stores: ls, show, verify, import, export.")(lambda: None)
    try:
        app()
    except CdmerError as error:
        _last_words(f"error: {error}")
    except Exception as error:
        trouble = disk_trouble(error)
        _last_words(f"error: {trouble}" if trouble else traceback.format_exc())


def _load(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def _last_words(words: str) -> None:
    """Say why the job failed, on the terminal and in its log, and end."""
    logging.getLogger("cdmer").error("%s", words.removeprefix("error: "))
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)  # a daemon thread or a library's threads must not hold a failed job up


if __name__ == "__main__":
    main()
