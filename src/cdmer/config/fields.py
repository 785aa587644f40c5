"""Looking into settings: their keys, and the settings inside them."""

from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from cdmer.config.settings import Settings

TAG = "descriptor"  # the key that tells the members of a union


def fields_by_key(model: type[Settings]) -> dict[str, FieldInfo]:
    """The fields of settings by the keys that a user writes."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def settings_inside(annotation: Any) -> list[type[Settings]]:
    """The settings that a field's annotation holds, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return [annotation]
    return [found for inner in getattr(annotation, "__args__", ()) for found in settings_inside(inner)]


def tag(model: type[Settings]) -> str:
    """What the key `TAG` says in these settings; empty where they have none."""
    field = model.model_fields.get(TAG)
    return str(get_args(field.annotation)[0]) if field and get_args(field.annotation) else ""


def by_name(annotation: Any) -> bool:
    """Whether a field is a mapping by names that are the user's own."""
    return get_origin(annotation) is dict
