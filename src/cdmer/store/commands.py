"""`cdmer store`: look at feature stores, check them, and carry them in and out."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cdmer.errors import CdmerError

if TYPE_CHECKING:
    from cdmer.store.feature_store import FeatureStore

# The readers are imported by the commands that use them: HDF5, scipy and pyarrow would delay every `cdmer --help`.

store_app = typer.Typer(help="Look at feature stores, check them, import and export them.", no_args_is_help=True)


@store_app.command("ls")
def list_stores(
    folder: Annotated[Path, typer.Argument(help="Folder of features/databases.")] = Path("results/features"),
) -> None:
    """List the stores of a folder: one file a feature and database."""
    paths = sorted(folder.glob("*/*.h5"))
    if not paths:
        raise CdmerError(f"{folder}: no feature store there", "run the workflow, or name the folder of the features")
    table = Table("feature", "database", "rows", "shape", "type", "size", "made")
    for path in paths:
        table.add_row(*(escape(cell) for cell in _summary(path)))
    _console().print(table)


@store_app.command("show")
def show_store(path: Annotated[Path, typer.Argument(metavar="FILE", help="A feature store.")]) -> None:
    """Say what made a store, what its rows are, and which clips were left out."""
    store = _open(path)
    table = Table(show_header=False, box=None)
    for key, text in {**_contents(store), **_provenance(store)}.items():
        table.add_row(f"[bold]{key}[/bold]", escape(text))
    console = _console()
    console.print(table)
    for exclusion in store.excluded:
        where = f"{exclusion.clip} (subject {exclusion.subject})" if exclusion.subject else exclusion.clip
        console.print(escape(f"excluded: {where} by {exclusion.stage}: {exclusion.reason}"), soft_wrap=True)


@store_app.command("verify")
def verify_stores(paths: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Feature stores.")]) -> None:
    """Read every byte; name what is damaged. The exit status is 1 unless all are intact."""
    damaged = 0
    for path in paths:
        problems = _open(path).verify()
        damaged += bool(problems)
        for line in problems or [f"{path}: intact"]:
            typer.echo(line)
    if damaged:
        raise typer.Exit(1)


@store_app.command("import")
def import_store(
    source: Annotated[
        Path, typer.Argument(metavar="MAT", help="A released .mat file; flow images or an export, .npz.")
    ],
    store: Annotated[Path, typer.Argument(metavar="STORE", help="The feature store to write.")],
    order: Annotated[
        Literal["blocks", "released"], typer.Option(help="Put the columns block by block, or leave them as released.")
    ] = "blocks",
    release: Annotated[
        Literal["tgsr", "dr"] | None, typer.Option(help="Which release the file is of; found out by default.")
    ] = None,
    feature: Annotated[
        str, typer.Option(help="The feature's name; by default lbp_top_r3p8, for flow images flow_strain_28.")
    ] = "",
    database: Annotated[str | None, typer.Option(help="The database; by default as the file says.")] = None,
) -> None:
    """Make a feature store of the field's released features."""
    if store.suffix != ".h5":  # or SOURCE itself could be written over
        raise CdmerError(f"{store} is no name of a feature store", "give it the suffix .h5")
    if source.suffix.lower() == ".npz":
        from cdmer.store.released_flow import holds_flow_images, import_flow_images

        if holds_flow_images(source):
            written = import_flow_images(source, store, feature=feature or "flow_strain_28", database=database)
        else:
            from cdmer.store.exporting import import_table

            written = import_table(source, store)
    else:
        from cdmer.store.released import import_released

        written = import_released(source, store, order, release, feature=feature or "lbp_top_r3p8", database=database)
    typer.echo(f"{written.path}: {len(written)} rows of {' x '.join(map(str, written.shape[1:]))}")


@store_app.command("export")
def export_store(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="A feature store.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write: .mat, .npz or .parquet.")],
) -> None:
    """Write a store for MATLAB, NumPy or Parquet readers."""
    from cdmer.store.exporting import export

    typer.echo(str(export(_open(store), out)))


def _open(path: Path) -> "FeatureStore":
    from cdmer.store.feature_store import FeatureStore

    return FeatureStore(path)


def _summary(path: Path) -> list[str]:
    store = _open(path)
    try:
        made = store.provenance
        shape = " x ".join(map(str, store.shape[1:]))
        rows, kind = str(len(store)), str(store.dtype)
    except CdmerError:
        return [path.parent.name, path.stem, "damaged", "", "", _size(path), ""]
    return [made["feature"], made["database"], rows, shape, kind, _size(path), made["created"]]


def _contents(store: "FeatureStore") -> dict[str, str]:
    index = store.load(["clip", "subject", "emotion", "label"])
    found = {
        "rows": str(len(index)),
        "clips": str(len(set(index.clip))),
        "subjects": str(len({subject for subject in index.subject if subject})),
        "X": f"{store.dtype} {' x '.join(map(str, store.shape))}",
        "size": _size(store.path),
    }
    for name, values in (("emotions", index.emotion), ("labels", index.label)):
        counts = Counter(value for value in values if value)
        if counts:
            found[name] = ", ".join(f"{word} {count}" for word, count in sorted(counts.items()))
    return found


def _provenance(store: "FeatureStore") -> dict[str, str]:
    return {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
        for key, value in store.provenance.items()
    }


def _size(path: Path) -> str:
    try:
        size = float(path.stat().st_size)
    except OSError:  # a link to nothing
        return ""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def _console() -> Console:
    """As wide as the terminal; in a pipe, wide enough not to fold."""
    console = Console()
    return console if console.is_terminal else Console(width=200)
