"""Which frames are kept or synthesised, and the networks that do it."""

from typing import Any

from cdmer.code import code_digest
from cdmer.config.frames import FramesRecipe
from cdmer.errors import CdmerError
from cdmer.frames.apex import METHODS
from cdmer.planning.faces import FacesPlan
from cdmer.planning.shared import digest, one_of

ADAPTIVE_CONVOLUTION = "cdmer.frames.adaptive_convolution.interpolator"
INTERPOLATOR_TRAINING = "cdmer.frames.adaptive_convolution.training"
FRAMES = "cdmer.frames.job"


class FramesPlan(FacesPlan):
    """The frames of clips."""

    def frames_recipe(self, name: str) -> FramesRecipe:
        """A frames recipe by its name; a name that a target has wrong is a `CdmerError`."""
        return one_of("frames recipe", name, self.config.frames)

    def frames_settings(self, recipe: str) -> dict[str, Any]:
        """What the job of a frames recipe needs to know; a network of one's own by its name in `interpolators`."""
        chosen = self.frames_recipe(recipe)
        module, function = chosen.maker
        return {"module": module, "function": function, "parameters": chosen.parameters()}

    def frames_code(self, recipe: str) -> str:
        """A digest of the code that a frames recipe runs."""
        return code_digest(*self._frames_modules(recipe))

    def faces_of_frames(self, recipe: str, database: str, subject: str) -> str:
        """The crops that a frames recipe reads."""
        return f"results/faces/{self.frames_recipe(recipe).faces}/{database}/{subject}.h5"

    def _frames_modules(self, name: str) -> list[str]:
        recipe = self.frames_recipe(name)
        chosen: list[str] = [recipe.apex, recipe.apex_otherwise] if recipe.apex == "annotated" else [recipe.apex]
        spotters = {METHODS[method] for method in chosen if recipe.spots_apex and method in METHODS}
        synthesizes = recipe.interpolation == "keyframes" and recipe.synthesis == "adaptive_convolution"
        return [FRAMES, recipe.maker[0], *sorted(spotters), *([ADAPTIVE_CONVOLUTION] if synthesizes else [])]

    def frames_to_show(self, recipe: str) -> list[str]:
        """The frames of some subjects of every database, enough for a person to see what a recipe does."""
        self.frames_recipe(recipe)
        return [f"results/frames/{recipe}/{database}/{subject}.h5" for database, subject in self._shown()]

    def sheets(self) -> list[str]:
        """A contact sheet of every recipe of faces and frames."""
        recipes = [("faces", name) for name in self.config.faces] + [("frames", name) for name in self.config.frames]
        return [f"results/{stage}/{name}/contact_sheet.png" for stage, name in recipes]

    def network(self, recipe: str) -> list[str]:
        """The weights that a frames recipe reads, where the workflow trains them; else nothing."""
        interpolator = self.frames_recipe(recipe).interpolator
        return [f"results/interpolators/{interpolator}.safetensors"] if interpolator else []

    def interpolator_shards(self, interpolator: str) -> list[str]:
        """The crops that an interpolation network learns from.

        Raises
        ------
        CdmerError
            A database that has no clips.
        """
        taught = self._taught(interpolator)
        return [f"results/faces/{recipe}/{database}/{subject}.h5" for recipe, database, subject in taught]

    def interpolator_settings(self, interpolator: str) -> dict[str, Any]:
        """What the job that trains an interpolation network needs to know."""
        return self.config.interpolators[interpolator].parameters()

    def interpolator_checkpoint(self, interpolator: str) -> str:
        """Where a training keeps its state: undeclared, so that one that was ended goes on, another elsewhere."""
        return f"results/checkpoints/interpolator-{self.interpolator_made_of(interpolator)}.pt"

    def interpolator_code(self) -> str:
        """A digest of the code that trains interpolation networks."""
        return code_digest(INTERPOLATOR_TRAINING)

    def interpolator_made_of(self, interpolator: str) -> str:
        """A digest of what an interpolation network is made of."""
        crops = [self.faces_made_of(*entry) for entry in self._taught(interpolator)]
        return digest(crops, self.interpolator_settings(interpolator), self.interpolator_code())

    def _taught(self, name: str) -> list[tuple[str, str, str]]:
        """Faces recipe, database and subject of all crops that a network learns from."""
        settings = self.config.interpolators[name]
        for database in settings.databases:
            if database not in self.databases or not self.has_clips(database):
                raise CdmerError(
                    f"interpolators.{name}.databases: {database} has no clips to learn from",
                    f"give {database} a root, or take it out of the list",
                )
        return [
            (settings.faces, database, subject)
            for database in settings.databases
            for subject in self.subjects(database)
        ]

    def inputs_of_frames_made_of(self, recipe: str, database: str, subject: str) -> str:
        """A digest of what goes into a subject's frames: the crops and, where one is trained, the network."""
        faces = self.faces_made_of(self.frames_recipe(recipe).faces, database, subject)
        interpolator = self.frames_recipe(recipe).interpolator
        return digest(faces, self.interpolator_made_of(interpolator)) if interpolator else faces
