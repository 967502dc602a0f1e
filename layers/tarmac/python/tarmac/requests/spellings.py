"""Rewrites other spellings of a request to Runway's current contract.

Other spellings are snake_case names at any depth, and older names and values that the catalogue lists (`spellings` of a
model, `alsoSpelled` of a parameter).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from tarmac.requests.validation import (
    InvalidRequest,
    Issue,
    Path,
    Spec,
    properties_of,
)

_NEXT_WORD = re.compile(r"_([a-z0-9])")
_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A rewritten body. issues: parameters that were sent in two spellings with different values."""

    body: dict[str, Any]
    issues: list[Issue]
    _given: Mapping[str, Any]
    _sent: Mapping[Path, Path]

    def as_sent(self, issues: Iterable[Issue]) -> list[Issue]:
        """Issues of `body`, with paths in the caller's spelling."""
        return [Issue(issue.code, self._written(issue.path), issue.message) for issue in issues]

    def _written(self, path: Path) -> Path:
        for length in range(len(path), 0, -1):
            if path[:length] in self._sent:
                return _existing_part(self._given, self._sent[path[:length]] + path[length:])
        return path


def to_contract(
    body: Mapping[str, Any], parameters: Mapping[str, Spec], spellings: Mapping[str, Any] = _NONE
) -> Rewritten:
    """The body in the contract's spelling. Names that are in the contract already, or unknown, do not change.

    parameters: descriptions from the catalogue. A snake_case name of a described parameter becomes camelCase, and a
    value in its `alsoSpelled` becomes the current value. Keys of free maps are the caller's and do not change.

    spellings: older name → one of

        "name"                       the current name
        {into, type, key, listed}    the parameter `into` gets the object `{type, <key>: value}`; key is `uri` by
                                     default, and with `listed = true` the object is the only item of an array
        {ignored = true}             the parameter is dropped, because the model never had it
    """
    rewriter = _Rewriter()
    fields = rewriter.fields(body, parameters.keys() | spellings.keys(), ())
    for older in [name for name in spellings if name in fields]:
        rule, field = spellings[older], fields.pop(older)
        if isinstance(rule, str):
            rewriter.put(fields, rule, field)
        elif not rule.get("ignored"):
            rewriter.put(fields, rule["into"], _Field(_wrapped(field.value, rule), field.at))
    return Rewritten(rewriter.values(fields, parameters, ()), rewriter.issues, body, rewriter.sent)


class _Field(NamedTuple):
    """A value and its path in the caller's body."""

    value: Any
    at: Path


class _Rewriter:
    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.sent: dict[Path, Path] = {}

    def fields(self, given: Mapping[str, Any], known: Collection[str], at: Path) -> dict[str, _Field]:
        """The fields by their known names. The contract's spelling comes first and others are compared with it."""
        names = {name: _known_name(name, known) for name in given}
        fields: dict[str, _Field] = {}
        for name in sorted(given, key=lambda name: names[name] != name):
            self.put(fields, names[name], _Field(given[name], (*at, name)))
        return fields

    def put(self, fields: dict[str, _Field], name: str, field: _Field) -> None:
        """Add a field. Some clients send null for a parameter that they do not set, so null never conflicts."""
        other = fields.get(name)
        if other is None or other.value is None:
            fields[name] = field
        elif field.value is not None and field.value != other.value:
            message = f"Another spelling of {other.at[-1]}, with a different value; send only one of them"
            self.issues.append(Issue("custom", field.at, message))

    def values(self, fields: Mapping[str, _Field], specs: Mapping[str, Spec], path: Path) -> dict[str, Any]:
        rewritten = {}
        for name, (value, at) in fields.items():
            here = (*path, name)
            if here != at:
                self.sent[here] = at
            rewritten[name] = self._value(value, specs.get(name, _NONE), here, at)
        return rewritten

    def _value(self, value: Any, spec: Spec, path: Path, at: Path) -> Any:
        if isinstance(value, dict):
            specs = properties_of(value, spec)
            return self.values(self.fields(value, specs.keys(), at), specs, path)
        if isinstance(value, list) and "items" in spec:
            return [self._value(item, spec["items"], (*path, index), (*at, index)) for index, item in enumerate(value)]
        if isinstance(value, str) and "alsoSpelled" in spec:
            return spec["alsoSpelled"].get(value, value)
        return value


def _known_name(name: str, known: Collection[str]) -> str:
    camel = _NEXT_WORD.sub(lambda match: match[1].upper(), name)
    return camel if name not in known and camel in known else name


def _wrapped(value: Any, rule: Mapping[str, Any]) -> Any:
    """The value of an older parameter in the current contract. A value that is an object already is kept."""
    key = rule.get("key", "uri")
    match value:
        case {**already}:
            one = already
        case [{"uri": uri, **more}] if key == "uri" and more in ({}, {"position": "first"}):
            one = {"type": rule["type"], "uri": uri}
        case _:
            one = {"type": rule["type"], key: value}
    return [one] if rule.get("listed") else one


def _existing_part(body: Any, path: Path) -> Path:
    """The part of the path that exists in the body; below a plain link there is no `uri`."""
    for length, part in enumerate(path):
        match body, part:
            case dict(), str():
                body = body.get(part)
            case list(), int() if part < len(body):
                body = body[part]
            case _:
                return path[:length]
    return path


@contextmanager
def issues_as_sent(rewritten: Rewritten) -> Iterator[None]:
    """Translate the paths of an InvalidRequest that is raised inside to the caller's spelling."""
    try:
        yield
    except InvalidRequest as problem:
        raise InvalidRequest(rewritten.as_sent(problem.issues)) from None
