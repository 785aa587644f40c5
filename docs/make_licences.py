"""Write the table of docs/licences.md: every package of envs/cpu.txt, with the licence that its own metadata states.

    python docs/make_licences.py

What stands above and below the table is written by hand.
"""

import re
from importlib.metadata import PackageNotFoundError, files, metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
START, END = "<!-- packages: written by docs/make_licences.py -->\n", "<!-- end of packages -->\n"
# where more is to be said than the metadata does
READ = {
    "face_recognition_models": "CC0-1.0 (the package's file); its landmark weights: see above",
    "facenet-pytorch": "MIT; its weights: see above",
    "hdf5plugin": "MIT; each of the HDF5 filters in it has a licence of its own",
}
COPYLEFT = re.compile(r"GPL|MPL|EPL|CDDL", re.IGNORECASE)


def pinned(requirements: str) -> list[str]:
    """The names of the packages in a requirements file."""
    lines = [line.split("#")[0].strip() for line in requirements.splitlines()]
    return [re.split(r"==|>=", line)[0] for line in lines if line]


def stated_licence(package: str) -> str:
    """What an installed package's metadata states: an SPDX expression, a short text, or its classifiers."""
    if package in READ:
        return READ[package]
    about = metadata(package)
    if expression := about.get("License-Expression"):
        return str(expression)
    found = [line.split(" :: ")[-1] for line in about.get_all("Classifier") or [] if line.startswith("License :: ")]
    found = [name for name in found if name != "OSI Approved"]
    text = str(about.get("License") or "").strip()
    if text and "\n" not in text and len(text) < 60:
        return text
    return " or ".join(found) or _licence_file(package)


def _licence_file(package: str) -> str:
    """The first line of the licence that lies with a package whose metadata is silent."""
    for file in files(package) or []:
        if file.name.upper().startswith("LICEN"):
            return file.read_text().strip().splitlines()[0].strip()
    return "not stated"


def table(packages: list[str]) -> str:
    """The table in Markdown."""
    rows = ["| package | licence as stated | |", "|---|---|---|"]
    for package in packages:
        licence = stated_licence(package)
        mark = "copyleft: used as a library, not part of cdmer" if COPYLEFT.search(licence) else ""
        rows.append(f"| {package} | {licence} | {mark} |".replace("|  |", "| |"))
    return "\n".join(rows) + "\n"


def main() -> None:
    """Replace the table."""
    page = HERE / "licences.md"
    packages = pinned((HERE.parent / "envs" / "cpu.txt").read_text(encoding="utf-8"))
    before, _, rest = page.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    page.write_text(before + START + table(packages) + END + after, encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except PackageNotFoundError as error:
        raise SystemExit(f"{error.name} is not installed: make setup") from None
