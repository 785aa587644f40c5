"""Which faces are cropped, how, and of what."""

from typing import Any

from cdmer.code import code_digest
from cdmer.config.faces import FacesRecipe
from cdmer.faces.detect import code_of_faces
from cdmer.planning.databases import DatabasesPlan
from cdmer.planning.shared import digest, one_of

FACES = "cdmer.faces.job"
SHOWN_SUBJECTS = 2  # of each database, on a contact sheet


class FacesPlan(DatabasesPlan):
    """The crops."""

    def faces_recipe(self, name: str) -> FacesRecipe:
        """A faces recipe by its name; a name that a target has wrong is a `CdmerError`."""
        return one_of("faces recipe", name, self.config.faces)

    def faces_settings(self, recipe: str, database: str) -> dict[str, Any]:
        """What the job that crops a subject's faces needs to know."""
        settings = self.faces_recipe(recipe).model_dump(mode="json", exclude={"on_missing_face"})
        return {**settings, "intermediate": settings["intermediate"].get(self.databases[database].reader)}

    def on_missing_face(self, recipe: str) -> str:
        """What to do about a clip without a face: ``error`` or ``exclude``."""
        return self.faces_recipe(recipe).on_missing_face

    def faces_code(self, recipe: str) -> str:
        """A digest of the code that crops faces: of the detectors, only the one in use."""
        return code_digest(*self._faces_modules(recipe))

    def faces_to_show(self, recipe: str) -> list[str]:
        """The crops of some subjects of every database, enough for a person to see what a recipe does."""
        self.faces_recipe(recipe)
        return [f"results/faces/{recipe}/{database}/{subject}.h5" for database, subject in self._shown()]

    def _shown(self) -> list[tuple[str, str]]:
        return [
            (database, subject)
            for database in self.databases
            if self.has_clips(database)
            for subject in self.subjects(database)[:SHOWN_SUBJECTS]
        ]

    def _faces_modules(self, recipe: str) -> tuple[str, ...]:
        return (FACES, *code_of_faces(self.faces_recipe(recipe).detector))

    def faces_made_of(self, recipe: str, database: str, subject: str) -> str:
        """A digest of what a subject's crops are made of."""
        clips = self.clips_digest(database, subject)
        return digest(clips, self.faces_settings(recipe, database), self.faces_code(recipe))
