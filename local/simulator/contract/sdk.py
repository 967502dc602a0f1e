"""Checks of request bodies, made from the parameter types of Runway's official Python SDK.

The types say which fields there are, which are required, and their choices. They do not say how long a text, how large
a number or how long an array may be: see `limits`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Required, Union, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

from local.simulator.checks import (
    Check,
    Findings,
    MediaKind,
    Path,
    anything,
    either,
    flag,
    listed,
    matching,
    media,
    number,
    one_of,
    record,
    tagged,
    text,
    whole,
)
from local.simulator.contract.limits import PATTERNS, Bounds, Limits

# Fields that hold a URL, an upload or a data URI, where their type is a string.
_MEDIA_NAME: Final = re.compile(
    r"\b(audio|audioUri|imageUri|maskUri|promptImage|promptVideo|referenceAudios\[]|referenceImage|references|uri|videoUri)$"
)
_MEDIA_ITEM: Final = re.compile(r"\b(promptImage|referenceVideos)\[]$")
_MAX_TEXT: Final = 32_000
_MAX_ITEMS: Final = 30


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body: its type, and whether it is required."""

    hint: Any
    required: bool = False

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values that the type lists; empty if it allows others too."""
        return get_args(self.hint) if get_origin(self.hint) is Literal else ()

    @property
    def is_tag(self) -> bool:
        """Whether it is required and has only one value."""
        return self.required and len(self.choices) == 1


Fields = Mapping[str, Field]


def variants(type_name: str) -> list[Fields]:
    """The bodies that a call of the SDK accepts. type_name: of its parameters, in `runwayml.types`."""
    # Imported at the first call: the SDK takes longer to import than the rest of the simulator.
    module, _, name = f"runwayml.types.{type_name}".rpartition(".")
    params = getattr(importlib.import_module(module), name)
    return [_typed(each) for each in _members(params)]


def fields_of(hints: Mapping[str, Any]) -> Fields:
    """The fields of a typed dictionary by their names in JSON."""
    fields = {}
    for name, hint in hints.items():
        required = False
        while get_origin(hint) in (Required, Annotated):
            if get_origin(hint) is Annotated:
                hint, info = get_args(hint)
                name = info.alias or name
            else:
                required, [hint] = True, get_args(hint)
        fields[name] = Field(hint, required)
    return fields


def body_check(bodies: Sequence[Fields], limits: Limits, strict: Collection[str] = ()) -> Check:
    """The check of a body that has the fields of one of these.

    strict: the places of the objects that reject unknown fields, "" for the body.
    """
    return _objects(bodies, "", _Context(limits, strict))


@dataclass(frozen=True, slots=True)
class _Context:
    limits: Limits
    strict: Collection[str]

    def bounds(self, path: str, default: Bounds) -> Bounds:
        return self.limits.get(plain(path), default)


def plain(path: str) -> str:
    """A place without the types of the objects: as `limits` writes it."""
    return re.sub("<[^>]*>", "", path)


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if _is_union(hint) else (hint,)


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType)


def _typed(hint: Any) -> Fields:
    return fields_of(get_type_hints(hint, include_extras=True))


def _check(hint: Any, path: str, context: _Context) -> Check:
    """path: the place in the body, with the type of each object: `speech<text>.text`."""
    if _is_union(hint):
        return _union(get_args(hint), path, context)
    if get_origin(hint) is Literal:
        return one_of(*get_args(hint))
    if is_typeddict(hint):
        return _objects([_typed(hint)], path, context)
    if hint is object:
        return _open_item(path)
    if hint is str:
        return _string(path, context)
    if hint is bool:
        return flag
    if hint in (int, float):
        return _number(hint, path, context)
    [item] = get_args(hint)
    low, high = context.bounds(path, _default_length(item))
    return listed(_check(item, f"{path}[]", context), low, high)


def _string(path: str, context: _Context) -> Check:
    if _MEDIA_NAME.search(path):
        return media(_media_kind(path))
    low, high = context.bounds(path, (1, _MAX_TEXT))
    pattern = PATTERNS.get(plain(path))
    return text(low, high) if pattern is None else matching(pattern, high)


def _open_item(path: str) -> Check:
    """An item that the SDK leaves open. Where it is media, Runway's reference gives it an optional position."""
    if not _MEDIA_ITEM.search(path):
        return record({}, ())
    return record({"uri": media(_media_kind(path)), "position": one_of("first", "last")}, ("uri",))


def _number(hint: type, path: str, context: _Context) -> Check:
    low, high = context.bounds(path, (float("-inf"), float("inf")))
    return number(low, high) if hint is float else whole(low, high)


def _media_kind(path: str) -> MediaKind:
    return "video" if "video" in path.lower() else "audio" if "audio" in path.lower() else "image"


def _default_length(item: Any) -> Bounds:
    """The length of an array that `limits` does not name. Frames have at most one image for each position."""
    position = _typed(item).get("position") if is_typeddict(item) else None
    return (1, len(position.choices)) if position is not None else (0, _MAX_ITEMS)


def _union(members: Sequence[Any], path: str, context: _Context) -> Check:
    """The check of the member that has the value's JSON type; the first member's if there is none."""
    objects = [each for each in members if is_typeddict(each)]
    checks: dict[type, Check] = {dict: _objects([_typed(each) for each in objects], path, context)} if objects else {}
    for member in members:
        # A plain string comes after the choices that it includes.
        if member is str or _json_type(member) not in checks:
            checks[_json_type(member)] = anything if member is NoneType else _check(member, path, context)
    first = next(iter(checks.values()))

    def check(value: Any, place: Path, findings: Findings) -> None:
        kind = float if type(value) is int else type(value)
        checks.get(kind, first)(value, place, findings)

    return check


def _json_type(hint: Any) -> type:
    kind = type(get_args(hint)[0]) if get_origin(hint) is Literal else hint
    if kind in (str, bool, NoneType):
        return kind
    if kind in (int, float):
        return float
    return dict if is_typeddict(kind) else list


def _objects(objects: Sequence[Fields], path: str, context: _Context) -> Check:
    """One of these objects: by the field that has one value in each, or by the fields that are required."""
    tag = _tag(objects)
    if tag is not None:
        named = {each[tag].choices[0]: each for each in objects}
        return tagged(tag, {name: _record(each, f"{path}<{name}>", context) for name, each in named.items()})
    check = _record(objects[-1], path, context)
    for each in reversed(objects[:-1]):
        check = either(_record(each, path, context), check, is_first=_has_required(each))
    return check


def _tag(objects: Sequence[Fields]) -> str | None:
    """The field that names the object: `type` if there is only one object, else any with one value in each."""
    names = {"type"} & objects[0].keys() if len(objects) == 1 else objects[0]
    return next((name for name in names if all(name in each and each[name].is_tag for each in objects)), None)


def _has_required(fields: Fields) -> Callable[[Any], bool]:
    required = {name for name, field in fields.items() if field.required}
    return lambda value: isinstance(value, dict) and required <= value.keys()


def _record(fields: Fields, path: str, context: _Context) -> Check:
    prefix = f"{path}." if path else ""
    checks = {name: _check(field.hint, prefix + name, context) for name, field in fields.items()}
    required = [name for name, field in fields.items() if field.required]
    return record(checks, required, strict=plain(path) in context.strict)
