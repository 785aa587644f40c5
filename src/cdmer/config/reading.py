"""From what a user wrote to a configuration, or to one line for each fault."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from cdmer.config.fields import fields_by_key, settings_inside
from cdmer.config.nearest import nearest
from cdmer.config.settings import Settings
from cdmer.config.whole import Config
from cdmer.errors import CdmerError


def read_config(raw: Mapping[str, Any]) -> Config:
    """Check a configuration.

    Raises
    ------
    CdmerError
        One line for each fault; an unknown key is answered with the nearest known one.
    """
    try:
        return Config.model_validate(dict(raw))
    except ValidationError as error:
        faults = sorted({_fault(dict(fault), raw) for fault in error.errors()})
        raise CdmerError(
            "the configuration is not valid:\n" + "\n".join(f"  {fault}" for fault in faults),
            "correct config.yaml, or the file given with --configfile; docs/configuration.md lists every key",
        ) from None


def _fault(fault: dict[str, Any], raw: Mapping[str, Any]) -> str:
    """One line for one fault that pydantic found."""
    path = [str(part) for part in fault["loc"] if not _is_branch(part, fault["loc"])]
    where = ".".join(path)
    if fault["type"] == "extra_forbidden":
        known = _keys_at(path[:-1])
        return f"{where}: unknown key{nearest(path[-1], known)} (known here: {', '.join(known)})"
    if fault["type"] == "value_error":
        return str(fault["msg"]).removeprefix("Value error, ")
    return f"{where}: {fault['msg'][0].lower()}{fault['msg'][1:]}, but it is {fault.get('input')!r}"


def _is_branch(part: object, loc: tuple[object, ...]) -> bool:
    """Pydantic names the member of a union that it tried (``literal['all']``); a user never wrote that."""
    return isinstance(part, str) and (part.startswith(("literal[", "list[")) or part in {"Database"})


def _keys_at(path: list[str]) -> list[str]:
    """The known keys of the settings that `path` leads to."""
    model: type[Settings] = Config
    for part in path:
        field = fields_by_key(model).get(part)
        if field is None:
            continue  # the user's own name of a recipe or database, or the number of a list's item
        children = settings_inside(field.annotation)
        if children:
            model = children[0]
    return list(fields_by_key(model))
