"""What is generated from the configuration: the JSON schema and the reference page."""

import json

from cdmer.config.fields import TAG, fields_by_key, settings_inside, tag
from cdmer.config.settings import Settings
from cdmer.config.whole import Config


def json_schema() -> str:
    """The JSON schema of `config.yaml`, for editors that complete and check."""
    schema = Config.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2) + "\n"


def reference() -> str:
    """The reference page of the configuration, in Markdown."""
    parts = [
        "# Configuration",
        "",
        "Every key of `config.yaml`, generated from `src/cdmer/config` by `cdmer config reference`.",
        "Pass a file of your own with `--configfile`: it needs only the keys that differ.",
    ]
    waiting: list[tuple[str, type[Settings]]] = [("", Config)]
    while waiting:
        prefix, model = waiting.pop(0)
        of = f" with `{TAG}: {tag(model)}`" if tag(model) else ""
        parts += ["", f"## {f'`{prefix}`' if prefix else 'Top level'}{of}", "", str(model.__doc__).strip(), ""]
        parts += ["| key | values | default | meaning |", "|---|---|---|---|"]
        for key, field in fields_by_key(model).items():
            children = settings_inside(field.annotation)
            # a mapping by name shows as faces.NAME.size, a list of entries as imported_features.ITEM.file
            middle = ".NAME" if "dict" in str(field.annotation) else ".ITEM" if "list" in str(field.annotation) else ""
            waiting += [(f"{prefix}{'.' if prefix else ''}{key}{middle}", child) for child in children]
            default = "see below" if children else "required" if field.is_required() else _shown(field.default)
            parts.append(f"| `{key}` | {_values(key, model)} | {default} | {field.description or ''} |")
    return "\n".join(parts) + "\n"


def _shown(value: object) -> str:
    return f"`{json.dumps(value)}`"


def _values(key: str, model: type[Settings]) -> str:
    properties = model.model_json_schema().get("properties", {})
    schema = properties.get(key, {})
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    words = []
    for option in options:
        enum = option.get("enum") or ([option["const"]] if "const" in option else option.get("items", {}).get("enum"))
        if enum:
            words.append(", ".join(f"`{value}`" for value in enum))
        elif "$ref" in option:
            words.append("settings")
        else:
            words.append({"object": "by name", "array": "list"}.get(option.get("type", ""), option.get("type", "")))
    return " or ".join(dict.fromkeys(words))
