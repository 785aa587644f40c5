"""What the settings of every model hold."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from cdmer.config.settings import Name, Settings


class ModelSettings(Settings):
    """What every model's settings hold."""

    module: ClassVar[str]
    estimator: ClassVar[str]
    searched: ClassVar[bool] = True  # whether the papers search hyper-parameters of it
    adapts: ClassVar[bool] = True  # whether it needs the unlabelled clips of a target
    columns: ClassVar[Literal["blocks", "released"]] = "blocks"  # the order of columns that it is given
    feature: Name = Field("lbp_top_r3p8", description="The feature that it is trained on.")

    def parameters(self) -> dict[str, Any]:
        """The estimator's own parameters."""
        return self.model_dump(exclude={"feature"})
