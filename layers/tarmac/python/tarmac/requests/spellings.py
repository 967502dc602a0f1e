"""Other spellings of a request, rewritten to the contract: snake_case at every depth, as Python writes it, and the
older names that the catalogue lists (`spellings` of a model)."""

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
    """`body` in the contract's words; `issues` of parameters that are given in two spellings, with two values."""

    body: dict[str, Any]
    issues: list[Issue]
    _given: Mapping[str, Any]
    _sent: Mapping[Path, Path]

    def as_sent(self, issues: Iterable[Issue]) -> list[Issue]:
        """Issues of `body`, at the names that the caller has written."""
        return [Issue(issue.code, self._written(issue.path), issue.message) for issue in issues]

    def _written(self, path: Path) -> Path:
        for length in range(len(path), 0, -1):
            if path[:length] in self._sent:
                return _as_far_as_it_goes(self._given, self._sent[path[:length]] + path[length:])
        return path


def to_contract(
    body: Mapping[str, Any], parameters: Mapping[str, Spec], spellings: Mapping[str, Any] = _NONE
) -> Rewritten:
    """The body in the contract's words; what already has them is left alone, as is what nobody knows.

    parameters: descriptions as in the catalogue. At each depth a snake_case name of one of them is that one, and a
    value that stands in a description's `alsoSpelled` becomes what it means. The names of free maps are the caller's.
    spellings: older name → the contract's name; or → `{into, type, key}` where a bare value becomes `{type, <key>}`,
    key being `uri` where none is said, and with `listed = true` an array of that alone; or → `{ignored = true}` for a
    parameter that the model never had.
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
    """A value, and where the caller has written it."""

    value: Any
    at: Path


class _Rewriter:
    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.sent: dict[Path, Path] = {}

    def fields(self, given: Mapping[str, Any], known: Collection[str], at: Path) -> dict[str, _Field]:
        """By the known names. A name's own spelling comes first, so that another one is held against it."""
        names = {name: _known_name(name, known) for name in given}
        fields: dict[str, _Field] = {}
        for name in sorted(given, key=lambda name: names[name] != name):
            self.put(fields, names[name], _Field(given[name], (*at, name)))
        return fields

    def put(self, fields: dict[str, _Field], name: str, field: _Field) -> None:
        """An explicit null is how some clients spell "not given"."""
        other = fields.get(name)
        if other is None or other.value is None:
            fields[name] = field
        elif field.value is not None and field.value != other.value:
            message = f"Another spelling of {other.at[-1]}, which has another value: give only one of them"
            self.issues.append(Issue("custom", field.at, message))

    def values(self, fields: Mapping[str, _Field], specs: Mapping[str, Spec], path: Path) -> dict[str, Any]:
        told = {}
        for name, (value, at) in fields.items():
            here = (*path, name)
            if here != at:
                self.sent[here] = at
            told[name] = self._value(value, specs.get(name, _NONE), here, at)
        return told

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
    """What an older parameter's value is in the contract. One that already is an object is taken for what it says."""
    key = rule.get("key", "uri")
    match value:
        case {**already}:
            one = already
        case [{"uri": uri, **more}] if key == "uri" and more in ({}, {"position": "first"}):
            one = {"type": rule["type"], "uri": uri}
        case _:
            one = {"type": rule["type"], key: value}
    return [one] if rule.get("listed") else one


def _as_far_as_it_goes(body: Any, path: Path) -> Path:
    """The path without what is below a value that has no such parts: a link has no `uri`."""
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
def issues_as_sent(told: Rewritten) -> Iterator[None]:
    """Whatever is wrong with a body in the contract's words is said of the names that the caller has written."""
    try:
        yield
    except InvalidRequest as problem:
        raise InvalidRequest(told.as_sent(problem.issues)) from None
