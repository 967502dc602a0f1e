"""Checks a request body against the catalogue and reports every problem with its field and reason.

Parameters are described with the keywords of JSON Schema (`type`, `enum`, `minimum`, `maxLength`, `items`, …) and with
Tarmac's own types: `media` (a link or data URI), `frames` (a media string, or an array of `{uri, position}`),
`typedMedia` (`{type, uri}`) and `primitive`. catalogue/_shared.toml documents every keyword. Parameters that the
catalogue does not describe are accepted, because Runway adds new ones every month, unless the model is `strict`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tarmac.requests.conditions import Path as Path
from tarmac.requests.conditions import Rule, broken_rules
from tarmac.requests.media import KINDS, BadMedia, check_media_uri

Spec = Mapping[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "primitive": (str, int, float),
}


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem of a body, in the shape of Runway's `issues`."""

    code: str
    path: Path
    message: str

    @classmethod
    def from_json(cls, value: Any) -> Issue:
        """The issue in one item of Runway's `issues`; unreadable parts get default values."""
        known = value if isinstance(value, dict) else {}
        path = known.get("path")
        return cls(
            str(known.get("code", "custom")),
            tuple(part if isinstance(part, int) else str(part) for part in path) if isinstance(path, list) else (),
            str(known.get("message", "")),
        )

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "path": list(self.path), "message": self.message}

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.message}"


class InvalidRequest(Exception):
    """The request is invalid: nothing was stored and nothing was started."""

    def __init__(self, issues: list[Issue]) -> None:
        super().__init__("; ".join(map(str, issues)))
        self.issues = issues


MediaFields = Mapping[Path, tuple[str, ...]]
"""The path of each string that may name media → the kinds of media that the field accepts."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of checking a body: its issues (none if Runway should accept it) and its media fields.

    media: the media fields that hold a string, and every string at a path that the catalogue does not describe, which
    may be media of any kind. A described text field is never included, even if its text looks like a link.
    """

    issues: list[Issue]
    media: MediaFields


def check(
    body: Mapping[str, Any],
    parameters: Mapping[str, Spec],
    rules: Iterable[Rule] = (),
    strict: bool = False,
    *,
    s3_allowed: bool = False,
    is_own_output: Callable[[str], bool] = lambda link: False,
) -> Checked:
    """Check a body in a single walk and return its issues and its media fields.

    rules: conditions across parameters (`tarmac.requests.conditions`).
    strict: whether a parameter that the catalogue does not describe is an issue.
    s3_allowed: whether media fields accept every `s3://` link.
    is_own_output: whether a link names an output of the client. Such a link is accepted in any form, because Tarmac
    replaces it with an `s3://` link.
    """
    checker = _Checker(s3_allowed, is_own_output)
    checker.body(body, parameters, rules, (), strict)
    return Checked(checker.issues, checker.media_of(body))


def strings(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the path and the text of every string in a body."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from strings(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from strings(part, (*path, index))


def unknown_parameters(body: Mapping[str, Any], parameters: Mapping[str, Spec]) -> list[str]:
    """The names in a body, sorted, that the catalogue does not describe."""
    return sorted(set(body) - set(parameters) - {"model"})


def properties_of(value: Mapping[str, Any], spec: Spec) -> dict[str, Spec]:
    """The descriptions of an object's properties: fixed, by case, and of names that the caller chooses."""
    properties = dict(spec.get("properties", {}))
    if "by" in spec:
        case, cases = value.get(spec["by"]), spec["cases"]
        properties[spec["by"]] = {"enum": list(cases), "required": True}
        if isinstance(case, str):
            properties |= cases.get(case, {})
    if "values" in spec:
        properties |= dict.fromkeys(value.keys() - properties.keys(), spec["values"])
    return properties


def utf16_length(text: str) -> int:
    """The length of a text in UTF-16 code units, as Runway counts prompts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class _Checker:
    """One walk over a body, which collects issues, described paths and media fields."""

    def __init__(self, s3_allowed: bool, is_own_output: Callable[[str], bool]) -> None:
        self.issues: list[Issue] = []
        self._described: set[Path] = set()
        self._media_fields: dict[Path, tuple[str, ...]] = {}
        self._s3_allowed = s3_allowed
        self._is_own_output = is_own_output

    def media_of(self, body: Mapping[str, Any]) -> MediaFields:
        return {
            path: self._media_fields.get(path, KINDS)
            for path, _ in strings(body)
            if path in self._media_fields or path not in self._described
        }

    def body(
        self,
        value: Mapping[str, Any],
        specs: Mapping[str, Spec],
        rules: Iterable[Rule],
        path: Path,
        strict: bool = False,
    ) -> None:
        before = len(self.issues)
        self._properties(value, specs, path)
        for name in unknown_parameters(value, specs) if strict else ():
            self._issue("unrecognized_keys", (*path, name), "Unknown parameter")
        found = {issue.path for issue in self.issues[before:]}
        for broken in broken_rules(value, rules, sound=not found):
            at = (*path, *broken.path)
            # One issue per field is enough: a field that is reported as missing needs no second report from a rule.
            if at not in found:
                self._issue("invalid_type" if broken.missing else "custom", at, broken.message)
                found.add(at)

    def _properties(self, value: Mapping[str, Any], specs: Mapping[str, Spec], path: Path) -> None:
        for name, spec in specs.items():
            # Some clients send null for a parameter that they do not set.
            if value.get(name) is None:
                if spec.get("required"):
                    self._issue("invalid_type", (*path, name), spec.get("why", "Required"))
            else:
                self.value(value[name], spec, (*path, name))

    def value(self, value: Any, spec: Spec, path: Path) -> None:
        kind = spec.get("type")
        self._described.add(path)
        if not isinstance(value, bool) and value in spec.get("or", ()):
            return
        if kind == "media":
            self._media(value, spec, path)
        elif kind == "frames":
            self._frames(value, spec, path)
        elif kind == "typedMedia":
            self._typed_media(value, spec, path)
        elif kind is not None and not self._is(value, kind):
            self._issue("invalid_type", path, f"Expected {kind}, received {_name_of(value)}")
        else:
            self._limits(value, spec, path)

    def _limits(self, value: Any, spec: Spec, path: Path) -> None:
        if "enum" in spec and (isinstance(value, bool) or value not in spec["enum"]):
            received = f"; received {_shown(value)}" if len(spec["enum"]) > 1 else ""
            self._issue("invalid_enum_value", path, _expected(spec["enum"]) + received)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if value < spec.get("minimum", value):
                self._issue("too_small", path, f"Must be at least {spec['minimum']}")
            if value > spec.get("maximum", value):
                self._issue("too_big", path, f"Must be at most {spec['maximum']}")
        if isinstance(value, str):
            length = utf16_length(value)
            if length < spec.get("minLength", 0):
                self._issue("too_small", path, f"Must have at least {spec['minLength']} character(s)")
            if length > spec.get("maxLength", length):
                self._issue("too_big", path, f"Must have at most {spec['maxLength']} characters, has {length}")
            if "pattern" in spec and not re.fullmatch(spec["pattern"], value):
                self._issue("invalid_string", path, spec.get("why", f"Must match {spec['pattern']}"))
        if isinstance(value, list):
            self._items(value, spec, path)
        if isinstance(value, dict):
            self._object(value, spec, path)

    def _object(self, value: Mapping[str, Any], spec: Spec, path: Path) -> None:
        self.body(value, properties_of(value, spec), spec.get("rules", ()), path, spec.get("strict", False))

    def _items(self, value: list[Any], spec: Spec, path: Path) -> None:
        if len(value) < spec.get("minItems", 0):
            self._issue("too_small", path, f"Must have at least {spec['minItems']} item(s)")
        if len(value) > spec.get("maxItems", len(value)):
            self._issue("too_big", path, f"Must have at most {spec['maxItems']} item(s)")
        if "items" in spec:
            for index, item in enumerate(value):
                self.value(item, spec["items"], (*path, index))
        if "uniqueBy" in spec:
            self._unique(value, spec["uniqueBy"], path)

    def _unique(self, items: list[Any], name: str, path: Path) -> None:
        seen: list[Any] = []
        for index, item in enumerate(items):
            value = item.get(name) if isinstance(item, dict) else None
            if value is not None and value in seen:
                self._issue("custom", (*path, index, name), f"Each item must have a different {name}")
            seen.append(value)

    def _media(self, value: Any, spec: Spec, path: Path) -> None:
        if not isinstance(value, str):
            self._issue("invalid_type", path, f"Expected a media link, received {_name_of(value)}")
            return
        self._media_fields[path] = tuple(spec["media"])
        if self._is_own_output(value):
            return
        try:
            check_media_uri(value, tuple(spec["media"]), self._s3_allowed)
        except BadMedia as problem:
            self._issue("custom", path, str(problem))

    def _frames(self, value: Any, spec: Spec, path: Path) -> None:
        if not isinstance(value, list):
            self._media(value, spec, path)
            return
        required = spec.get("positionRequired", True)
        positions = spec.get("positions")
        position = {"type": "string"} if positions is None else {"enum": positions}
        item = {
            "type": "object",
            "properties": {
                "uri": {"type": "media", "media": spec["media"], "required": True},
                "position": position | {"required": required},
            },
        }
        limits: dict[str, Any] = {"minItems": 1, "items": item}
        if "maxItems" in spec:
            limits["maxItems"] = spec["maxItems"]
        elif required and positions is not None:
            limits["maxItems"] = len(positions)
        before = len(self.issues)
        self._limits(value, limits, path)
        if len(self.issues) == before:
            self._order_of_frames([frame.get("position") for frame in value], spec, path)

    def _order_of_frames(self, places: list[str | None], spec: Spec, path: Path) -> None:
        named = [place for place in places if place is not None]
        if len(set(named)) < len(named):
            self._issue("custom", path, "Each image must have a different position")
        elif spec.get("unmixed") and 0 < len(named) < len(places):
            self._issue("custom", path, "Set a position for all images or for none")
        elif spec.get("positionRequired", True) and "first" not in named:
            self._issue("custom", path, "A last frame needs a first frame")

    def _typed_media(self, value: Any, spec: Spec, path: Path) -> None:
        if not isinstance(value, dict):
            self._issue("invalid_type", path, f"Expected object {{type, uri}}, received {_name_of(value)}")
            return
        kinds = spec["media"]
        kind = value.get("type")
        if kind not in kinds:
            self._issue("invalid_enum_value", (*path, "type"), _expected(kinds))
            kind = None
        uri = {"type": "media", "media": kinds if kind is None else [kind], "required": True}
        self._properties(value, {"uri": uri}, path)

    @staticmethod
    def _is(value: Any, kind: str) -> bool:
        if isinstance(value, bool):
            return kind in ("boolean", "primitive")
        if kind == "integer" and isinstance(value, float):
            # JSON has a single number type, and some clients send 5.0 for 5.
            return value.is_integer()
        return isinstance(value, _TYPES[kind])

    def _issue(self, code: str, path: Path, message: str) -> None:
        self.issues.append(Issue(code, path, message))


def _expected(choices: Sequence[Any]) -> str:
    if len(choices) == 1:
        return f"Must be {choices[0]}"
    return f"Expected one of {', '.join(map(str, choices))}"


def _name_of(value: Any) -> str:
    if value is None:
        return "null"
    for name, types in _TYPES.items():
        if isinstance(value, types) and (name == "boolean" or not isinstance(value, bool)):
            return name
    return type(value).__name__


def _shown(value: Any) -> str:
    return repr(value) if len(repr(value)) <= 80 else _name_of(value)
