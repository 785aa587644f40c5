"""The configuration: one typed model that validates, generates the JSON schema and the reference page.

Read when the workflow is planned, never by a job: what a job needs reaches it through its rule's ``params``.
"""

from cdmer.config.databases import Database
from cdmer.config.faces import FacesRecipe
from cdmer.config.model_settings import ModelSettings
from cdmer.config.reading import read_config
from cdmer.config.reference import json_schema, reference
from cdmer.config.standard import STANDARD
from cdmer.config.whole import Config

__all__ = [
    "STANDARD",
    "Config",
    "Database",
    "FacesRecipe",
    "ModelSettings",
    "json_schema",
    "read_config",
    "reference",
]
