"""Settings of the faces stage."""

from typing import Literal

from pydantic import Field

from cdmer.config.databases import Reader
from cdmer.config.settings import Settings


class FacesRecipe(Settings):
    """How faces are found, aligned and cropped (docs/faces.md compares the choices)."""

    detector: Literal["dlib", "mtcnn", "yunet", "none"] = Field(
        "dlib",
        description="Finds the face on the onset frame; `none` for clips that come cropped and registered.",
    )
    upsample: int = Field(0, ge=0, le=2, description="Doublings before detection; 1 finds faces under 80 pixels.")
    alignment: Literal["eyes", "landmark_box", "box", "whole"] = Field(
        "eyes",
        description="`eyes`: turned and scaled until the eyes are at fixed places; `landmark_box`: the benchmark's box "
        "around the landmarks; `box`: the detector's own; `whole`: the frame as it is (with `detector: none`).",
    )
    expand: tuple[float, float, float, float] = Field(
        (0, 0, 0, 0),
        description="How far `box` goes beyond the detector's: left, top, right, bottom, as fractions of its side.",
    )
    intermediate: dict[Reader, tuple[int, int]] = Field(
        {}, description="Height and width to which a box is brought first, by the database's reader."
    )
    size: int = Field(112, ge=16, le=1024, description="Side of the square crop, in pixels.")
    eye_distance: float = Field(
        0.4, gt=0, lt=1, description="`eyes`: distance of the eye centres in the crop, as a fraction of its side."
    )
    eye_height: float = Field(0.36, gt=0, lt=1, description="`eyes`: height of the eyes in the crop, from its top.")
    color: Literal["grey", "rgb"] = Field("grey", description="What the crops keep.")
    on_missing_face: Literal["error", "exclude"] = Field(
        "error", description="A clip without a face stops the run, or is left out and listed with the reason."
    )

    def contradiction(self) -> str:
        """What two keys say against each other; empty where they agree."""
        if (self.detector == "none") != (self.alignment == "whole"):
            return "`detector: none` and `alignment: whole` belong together: without a face there is no other crop"
        if any(self.expand) and self.alignment != "box":
            return "`expand` moves the detector's box; it needs `alignment: box`"
        if self.intermediate and self.alignment == "eyes":
            return "`intermediate` resizes a box in two steps; `alignment: eyes` resamples once"
        if min(self.expand[0] + self.expand[2], self.expand[1] + self.expand[3]) <= -1:
            return "`expand` takes away the whole box"
        return ""
