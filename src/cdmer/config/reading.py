"""From what a user wrote to a configuration, or to one line for each fault."""

import reprlib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from cdmer.config.fields import TAG, by_name, fields_by_key, settings_inside, tag
from cdmer.config.settings import Settings
from cdmer.config.whole import Config
from cdmer.errors import CdmerError
from cdmer.nearest import did_you_mean


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
        faults = sorted({_fault(dict(fault)) for fault in error.errors()})
        raise CdmerError(
            "the configuration is not valid:\n" + "\n".join(f"  {fault}" for fault in faults),
            "correct config.yaml, or the file given with --configfile; docs/configuration.md lists every key",
        ) from None


_SHAPES = {
    "list_type": "expected a list, in brackets or one entry a line after a dash",
    **dict.fromkeys(("dict_type", "model_type"), "expected keys with values below it, as docs/configuration.md shows"),
    "int_parsing": "expected a whole number",
    "float_parsing": "expected a number",
}


def _fault(fault: dict[str, Any]) -> str:
    """One line for one fault that pydantic found."""
    path, model = _follow(fault["loc"])
    where = ".".join(path)
    if fault["type"] == "union_tag_invalid":
        word, known = str(fault["ctx"]["tag"]), [tag.strip(" '") for tag in fault["ctx"]["expected_tags"].split(",")]
        return f"{where}.{TAG}: there is no {word!r}{did_you_mean(word, known)} (known: {', '.join(known)})"
    if fault["type"] == "extra_forbidden":
        known = list(fields_by_key(model))
        return f"{where}: unknown key{did_you_mean(path[-1], known)} (known here: {', '.join(known)})"
    if fault["type"] == "value_error":
        said = str(fault["msg"]).removeprefix("Value error, ")
        return said if not path or said.startswith(path[0]) else f"{where}: {said}"
    given = _Short(fault.get("input"))
    if fault["type"] in _SHAPES:
        return f"{where}: {_SHAPES[fault['type']]}, but it is {given!r}"
    field = fields_by_key(model).get(path[-1])
    if fault["type"] == "literal_error" and field and "list[" in str(field.annotation):
        return f"{where}: {_SHAPES['list_type']}, but it is {given!r}"  # a word in place of the list of words
    return f"{where}: {fault['msg'][0].lower()}{fault['msg'][1:]}, but it is {given!r}"


class _Short:
    """A value that shows itself in a few words, however deep or long it is."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        limits = reprlib.Repr()
        limits.maxstring = limits.maxother = 200
        return limits.repr(self.value)


def _follow(loc: tuple[object, ...]) -> tuple[list[str], type[Settings]]:
    """The keys that a user wrote on the way to a fault, and the settings that hold the last of them.

    Pydantic also names the member of a union that it tried (``literal['all']``, ``Database``, a descriptor); a user
    never wrote that.
    """
    path: list[str] = []
    model: type[Settings] = Config
    members: dict[str, type[Settings]] = {}
    named_by_user = False
    for part in map(str, loc):
        if named_by_user:
            path.append(part)
            named_by_user = False
        elif part in members:
            model, members = members[part], {}
        elif not part.startswith(("literal[", "list[", "constrained-")):
            path.append(part)
            field = fields_by_key(model).get(part)
            children = settings_inside(field.annotation) if field else []
            members = {name: child for child in children for name in (child.__name__, tag(child))}
            model = children[0] if len(children) == 1 else model
            named_by_user = field is not None and by_name(field.annotation)
    return path, model
