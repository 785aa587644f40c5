"""Which features are described, and what each store is made of."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cdmer.code import code_digest, library_versions
from cdmer.config.descriptors import C3dRecipe
from cdmer.config.motion import FlowPlanesRecipe, OnsetApexFlowRecipe
from cdmer.descriptors.c3d_weights import missing_weights, weights_place
from cdmer.planning.frames import FramesPlan
from cdmer.planning.shared import digest, once


class FeaturesPlan(FramesPlan):
    """The features, subject by subject and in stores."""

    def missing_faces(self, feature: str, database: str) -> str:
        """Whether a feature store may lack clips without a face: ``error`` or ``exclude``."""
        if feature in self.config.imported(database):
            return "exclude"  # a release tells nothing of the clips that it lacks
        return self.config.faces[self.config.frames[self.config.features[feature].frames].faces].on_missing_face

    def shards(self, feature: str, database: str) -> list[str]:
        """The parts that make up a feature store, in the order of the manifest."""
        folder = f"results/features/{feature}/{database}"
        if feature in self.config.imported(database):
            return [f"{folder}.released.h5"]
        return [f"{folder}/{subject}.h5" for subject in self.subjects(database)]

    def manifest(self, feature: str, database: str) -> list[str]:
        """The manifest behind a feature store; a release has none."""
        if feature in self.config.imported(database):
            return []
        return [f"results/databases/{database}/manifest.csv"]

    def feature_settings(self, feature: str, database: str, subject: str) -> dict[str, Any]:
        """What the job that describes a subject's clips needs to know."""
        recipe = self.config.features[feature]
        frames = self.config.frames[recipe.frames]
        origin: dict[str, Any] = {
            "feature": feature,
            "database": database,
            "recipe": self.recipe_of(feature, database),
            "manifest_digest": self.clips_digest(database, subject),
            "libraries": library_versions(
                *self._faces_modules(frames.faces), *self._frames_modules(recipe.frames), *recipe.modules
            ),
        }
        if isinstance(recipe, C3dRecipe) and not missing_weights(recipe.training):
            weights = weights_place(recipe.training).stat()  # whoever brings others gets another feature
            origin["weights"] = [weights.st_size, weights.st_mtime_ns]
        return {**self.describing(feature), "provenance": origin}

    def recipe_of(self, feature: str, database: str) -> dict[str, Any]:
        """All settings on the way from a database's clips to a feature, stage by stage, as its store keeps them."""
        recipe = self.config.features[feature]
        frames = self.config.frames[recipe.frames]
        return {
            "descriptor": {**recipe.model_dump(mode="json"), **recipe.parameters()},  # defaults of methods too
            "frames": frames.model_dump(mode="json"),
            "faces": self.faces_settings(frames.faces, database),
        }

    def describing(self, feature: str) -> dict[str, Any]:
        """What computes a feature: its module, what it reads, and with which parameters."""
        recipe = self.config.features[feature]
        return {"module": recipe.module, "reads": recipe.reads, "parameters": recipe.parameters()}

    def frames_of_feature(self, feature: str, database: str, subject: str) -> str:
        """The frames that a feature describes, or the part of another feature that it is made of."""
        if source := self.config.features[feature].source:
            return f"results/features/{source}/{database}/{subject}.h5"
        return f"results/frames/{self.config.features[feature].frames}/{database}/{subject}.h5"

    def feature_code(self, feature: str) -> str:
        """A digest of the code that computes a feature."""
        return code_digest("cdmer.descriptors.job", *self.config.features[feature].modules)

    def import_settings(self, feature: str, database: str) -> dict[str, Any]:
        """What the job that imports a release needs to know."""
        entry, recipe = self.config.imported(database)[feature], self.config.features[feature]
        if isinstance(recipe, OnsetApexFlowRecipe | FlowPlanesRecipe):
            return {"feature": feature, "database": database, "planes": list(recipe.planes)}
        return {"feature": feature, "database": database, "order": entry.order}

    def lacks(self, feature: str, database: str) -> str:
        """Why a feature of a database cannot be had; empty where it can."""
        if database not in self.databases:
            return f"the configuration has no database {database}"
        if feature in self.config.imported(database):
            return ""
        if not self.has_clips(database):
            return f"{database} has released features but no clips to compute {feature} from"
        if fault := self.config.unfit(feature):
            return fault
        recipe = self.config.features[feature]
        return missing_weights(recipe.training) if isinstance(recipe, C3dRecipe) else ""

    def obtainable(self) -> list[tuple[str, str]]:
        """Feature and database of every feature store that can be had."""
        pairs = [(feature, name) for feature in self.config.features for name in self.databases]
        return [pair for pair in pairs if not self.lacks(*pair)]

    def stores(self, pairs: Iterable[tuple[str, str]]) -> list[str]:
        """The stores of features and databases."""
        return [f"results/features/{feature}/{database}.h5" for feature, database in pairs]

    def frames_made_of(self, feature: str, database: str, subject: str) -> str:
        """A digest of what the frames are made of that a feature describes, or the part of another feature."""
        if source := self.config.features[feature].source:
            return self._part_made_of(source, database, subject)
        recipe = self.config.features[feature].frames
        inputs = self.inputs_of_frames_made_of(recipe, database, subject)
        return digest(inputs, self.frames_settings(recipe), self.frames_code(recipe))

    @once
    def parts_made_of(self, feature: str, database: str) -> str:
        """A digest of what the parts of a feature store are made of."""
        if feature in self.config.imported(database):
            release = Path(self.released_file(database, feature)).stat()
            return digest(self.import_settings(feature, database), release.st_size, release.st_mtime_ns)
        return digest(*(self._part_made_of(feature, database, subject) for subject in self.subjects(database)))

    def _part_made_of(self, feature: str, database: str, subject: str) -> str:
        frames = self.frames_made_of(feature, database, subject)
        return digest(frames, self.feature_settings(feature, database, subject), self.feature_code(feature))
