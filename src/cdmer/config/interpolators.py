"""Settings of interpolation networks that the workflow trains."""

from typing import Any, Literal

from pydantic import Field

from cdmer.config.settings import Name, Settings

SHIPPED = "shipped"  # the network that comes with cdmer


class Interpolator(Settings):
    """An interpolation network of the shipped one's size, trained on frames of your own (docs/interpolation.md)."""

    faces: Name = Field("mersiamc3d_112", description="The faces recipe whose crops it learns from.")
    databases: list[Name] = Field(
        [], description="The databases whose clips it learns from; with a target among them it is transductive."
    )
    videos: list[str] = Field([], description="Video files to learn from too: the first 300 frames of each.")
    cohort: Literal["tiny", "small", "paper"] | None = Field(
        None, description="Size of a synthetic cohort to learn from too; its seed is `seed`."
    )
    steps: int = Field(8000, ge=1, description="Steps of training; about 10 a second on one core.")
    batch: int = Field(8, ge=1, description="Triplets of frames in a step.")
    side: int = Field(64, ge=32, multiple_of=32, description="Pixels on a side of a triplet; at most the crops' side.")
    rate: float = Field(7e-4, gt=0, description="Greatest learning rate.")
    largest_step: int = Field(
        4, ge=1, description="Frames between a middle frame and its neighbours, at most; fewer where motion is fast."
    )
    seed: int = Field(0, ge=0, description="Another seed is another network.")

    @property
    def fault(self) -> str | None:
        """What is wrong with the keys together."""
        if not (self.databases or self.videos or self.cohort):
            return "it has nothing to learn from; give `databases`, `videos` or `cohort`"
        return None

    def parameters(self) -> dict[str, Any]:
        """What its training needs to know, but for the crops."""
        return self.model_dump(mode="json", exclude={"faces", "databases"})
