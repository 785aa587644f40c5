"""Looking into settings: their keys, and the settings inside them."""

from typing import Any

from pydantic.fields import FieldInfo

from cdmer.config.settings import Settings


def fields_by_key(model: type[Settings]) -> dict[str, FieldInfo]:
    """The fields of settings by the keys that a user writes."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def settings_inside(annotation: Any) -> list[type[Settings]]:
    """The settings that a field's annotation holds, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return [annotation]
    return [found for inner in getattr(annotation, "__args__", ()) for found in settings_inside(inner)]
