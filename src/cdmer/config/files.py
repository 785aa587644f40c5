"""Reading configuration files as the workflow does: one over the other, key by key."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from cdmer.config.reading import read_config
from cdmer.config.whole import Config
from cdmer.errors import CdmerError

MAIN = Path("config.yaml")


def load_config(files: Sequence[str | Path] = (), main: str | Path = MAIN) -> Config:
    """The configuration of the study in this folder, with files laid over it as ``snakemake --configfile`` does.

    Parameters
    ----------
    files
        YAML files, later ones over earlier ones.
    main
        The study's own file.

    Raises
    ------
    CdmerError
        A file is missing or is no YAML of keys and values, or the configuration is not valid.
    """
    if not Path(main).is_file():
        raise CdmerError(
            f"there is no {main} in {Path.cwd()}",
            "go to the folder of your study, where snakemake is run; `cdmer init FOLDER` makes one",
        )
    merged: dict[str, Any] = {}
    for file in (main, *files):
        merged = _over(merged, _read(Path(file)))
    return read_config(merged)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise CdmerError(f"{path} cannot be read as YAML: {error}", "correct the file") from error
    if found is None:
        return {}
    if isinstance(found, dict) and not all(isinstance(key, str) for key in found):
        strange = next(key for key in found if not isinstance(key, str))
        raise CdmerError(f"{path}: the key {strange!r} is no word", "write it as docs/configuration.md shows")
    if not isinstance(found, dict):
        raise CdmerError(f"{path} holds no keys with values", "write it as docs/configuration.md shows")
    return found


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, given in above.items():
        own = merged.get(key)
        merged[key] = _over(own, given) if isinstance(own, dict) and isinstance(given, dict) else given
    return merged
