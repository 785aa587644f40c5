"""Settings of the features stage: a recipe for each descriptor, told apart by the key `descriptor`.

A new one is one class, in `cdmer.config.descriptors` or `cdmer.config.motion`, and one entry in the union there.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field

from cdmer.config.descriptors import AnyDescriptorRecipe
from cdmer.config.motion import AnyMotionRecipe
from cdmer.config.settings import Name, Settings

DEFAULT_DESCRIPTOR = "lbp_top"


def descriptor_of(recipe: Any) -> Any:
    """The descriptor that a recipe names, by which its other keys are told."""
    if isinstance(recipe, Mapping):
        return recipe.get("descriptor", DEFAULT_DESCRIPTOR)
    return getattr(recipe, "descriptor", DEFAULT_DESCRIPTOR)


AnyFeatureRecipe = Annotated[AnyDescriptorRecipe | AnyMotionRecipe, Discriminator(descriptor_of)]


class Store(Settings):
    """How the feature stores that models read are kept (docs/store-format.md has the figures)."""

    compression: Literal["none", "gzip", "lzf", "blosc2"] = Field(
        "none",
        description="`none` is read at a gigabyte a second; `gzip` takes half the disk and five times as long; "
        "`blosc2` lies between, and readers need hdf5plugin; `lzf` is for h5py alone.",
    )


class ImportedFeature(Settings):
    """A released feature file, used in place of computed features."""

    database: Name = Field(description="The database that the file describes.")
    feature: Name = Field("lbp_top_r3p8", description="The feature that it stands for.")
    file: str = Field(description="The `.mat` file, or the `.npz` of flow images, below `imported_from`.")
    order: Literal["blocks", "released"] = Field(
        "blocks", description="Columns block by block, as computed features have them, or left as released."
    )
