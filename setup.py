"""What pyproject.toml cannot say: the workflow itself travels in the wheel, beside the library that its rules call."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
WORKFLOW = ("Snakefile", "config.yaml", "rules", "profiles", "workflow")


class BuildWithWorkflow(build_py):
    """Copies the workflow into the package, as `cdmer/_workflow`, unless the installation is editable."""

    def run(self) -> None:
        """Build the package, then copy."""
        super().run()
        if self.editable_mode:
            return  # the workflow is found where it lies
        place = Path(self.build_lib) / "cdmer" / "_workflow"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name in WORKFLOW:
            if (HERE / name).is_dir():
                shutil.copytree(HERE / name, place / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            else:
                shutil.copy2(HERE / name, place / name)


setup(cmdclass={"build_py": BuildWithWorkflow})
