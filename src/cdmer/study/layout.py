"""`cdmer init`: the few files that make a folder a study."""

import shutil
from importlib.resources import files
from pathlib import Path

from cdmer.errors import CdmerError
from cdmer.files import write_text
from cdmer.study.workflow import workflow_folder

FILES = ("Snakefile", "config.yaml", "README.md", ".gitignore")
FOLDERS = {"profiles": "profiles", "configs": "workflow/configs"}  # copied, from where in the workflow


def lay_out(folder: str | Path) -> list[Path]:
    """Lay out a study: a Snakefile that includes the installed workflow, a configuration, profiles, a README, and
    configurations to learn from.

    Parameters
    ----------
    folder
        Is made where it is not there; what lies in it stays.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    CdmerError
        One of the study's files is there already; nothing is written.
    """
    place = Path(folder).expanduser()
    if place.exists() and not place.is_dir():
        raise CdmerError(f"{place} is a file", "name a folder")
    taken = [name for name in (*FILES, *FOLDERS) if (place / name).exists()]
    if taken:
        raise CdmerError(
            f"{place} holds {', '.join(taken)} already", "name another folder, or move those files out of the way"
        )
    templates = files("cdmer.study") / "templates"
    written = []
    for name in FILES:
        text = (templates / name.removeprefix(".")).read_text(encoding="utf-8")
        write_text(place / name, text.replace("@NAME@", place.resolve().name))
        written.append(place / name)
    for name, origin in FOLDERS.items():
        shutil.copytree(workflow_folder() / origin, place / name, copy_function=shutil.copyfile)
        written += sorted(path for path in (place / name).rglob("*") if path.is_file())
    return written
