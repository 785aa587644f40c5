"""Settings of the report."""

from typing import Literal

from pydantic import Field

from cdmer.config.settings import Settings

Faces = Literal["show", "mean", "none"]


class Report(Settings):
    """What `results/report.html` shows (docs/report.md)."""

    faces: Literal["auto", "show", "mean", "none"] = Field(
        "auto",
        description="Pictures of participants: `show` clips, crops and flow; only the `mean` face of each database, "
        "where it shows five people or more; `none`, no pixel. `auto`: `show` for a synthetic database, `none` for a "
        "licensed one.",
    )

    def faces_of(self, synthetic: bool) -> Faces:
        """What is shown of a database, by whether it is synthetic."""
        if self.faces == "auto":
            return "show" if synthetic else "none"
        return self.faces
