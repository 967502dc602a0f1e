"""A create request against the catalogue: every problem at once, each with the field and the reason.

Parameters are described with JSON Schema's own words (`type`, `enum`, `minimum`, `maxLength`, `items`, …) and three
types of Tarmac's: `media` (a link or data URI), `frames` (a media string, or an array of `{uri, position}`), and
`typedMedia` (`{type, uri}`). A parameter the catalogue does not know passes: Runway adds some every month.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.rules.media import BadMedia, check_media_uri

Path = tuple[str | int, ...]
Spec = Mapping[str, Any]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem of a body, in the shape of Runway's `issues`."""

    code: str
    path: Path
    message: str

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "path": list(self.path), "message": self.message}


def check_parameters(body: Mapping[str, Any], parameters: Mapping[str, Spec], s3_allowed: bool = False) -> list[Issue]:
    """All issues of a body's parameters; an empty list means that Runway should take it."""
    checker = _Checker(s3_allowed)
    checker.properties(body, parameters, ())
    return checker.issues


def unknown_parameters(body: Mapping[str, Any], parameters: Mapping[str, Spec]) -> list[str]:
    """Names that pass unchecked, for the log."""
    return sorted(set(body) - set(parameters) - {"model"})


def utf16_length(text: str) -> int:
    """Length as Runway counts prompts: in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class _Checker:
    def __init__(self, s3_allowed: bool) -> None:
        self.issues: list[Issue] = []
        self._s3_allowed = s3_allowed

    def properties(self, value: Mapping[str, Any], specs: Mapping[str, Spec], path: Path) -> None:
        for name, spec in specs.items():
            # An explicit null is how some clients spell "not given".
            if value.get(name) is None:
                if spec.get("required"):
                    self._issue("invalid_type", (*path, name), spec.get("why", "Required"))
            else:
                self.value(value[name], spec, (*path, name))

    def value(self, value: Any, spec: Spec, path: Path) -> None:
        kind = spec.get("type")
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
            allowed = ", ".join(str(choice) for choice in spec["enum"])
            self._issue("invalid_enum_value", path, f"Expected one of {allowed}; received {_shown(value)}")
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
        if isinstance(value, list):
            self._items(value, spec, path)
        if isinstance(value, dict) and "properties" in spec:
            self.properties(value, spec["properties"], path)

    def _items(self, value: list[Any], spec: Spec, path: Path) -> None:
        if len(value) < spec.get("minItems", 0):
            self._issue("too_small", path, f"Must have at least {spec['minItems']} item(s)")
        if len(value) > spec.get("maxItems", len(value)):
            self._issue("too_big", path, f"Must have at most {spec['maxItems']} item(s)")
        if "items" in spec:
            for index, item in enumerate(value):
                self.value(item, spec["items"], (*path, index))

    def _media(self, value: Any, spec: Spec, path: Path) -> None:
        if not isinstance(value, str):
            self._issue("invalid_type", path, f"Expected a media link, received {_name_of(value)}")
            return
        try:
            check_media_uri(value, tuple(spec["media"]), self._s3_allowed)
        except BadMedia as problem:
            self._issue("custom", path, str(problem))

    def _frames(self, value: Any, spec: Spec, path: Path) -> None:
        if not isinstance(value, list):
            self._media(value, spec, path)
            return
        item = {
            "type": "object",
            "properties": {
                "uri": {"type": "media", "media": spec["media"], "required": True},
                "position": {"enum": spec["positions"], "required": spec.get("positionRequired", True)},
            },
        }
        most = spec.get("maxItems", len(spec["positions"]))
        self._limits(value, {"minItems": 1, "maxItems": most, "items": item}, path)

    def _typed_media(self, value: Any, spec: Spec, path: Path) -> None:
        if not isinstance(value, dict):
            self._issue("invalid_type", path, f"Expected object {{type, uri}}, received {_name_of(value)}")
            return
        kinds = spec["media"]
        kind = value.get("type")
        if kind not in kinds:
            self._issue("invalid_enum_value", (*path, "type"), f"Expected one of {', '.join(kinds)}")
            kind = None
        uri = {"type": "media", "media": kinds if kind is None else [kind], "required": True}
        self.properties(value, {"uri": uri}, path)

    @staticmethod
    def _is(value: Any, kind: str) -> bool:
        if isinstance(value, bool):
            return kind == "boolean"
        return isinstance(value, _TYPES[kind])

    def _issue(self, code: str, path: Path, message: str) -> None:
        self.issues.append(Issue(code, path, message))


def _name_of(value: Any) -> str:
    if value is None:
        return "null"
    for name, types in _TYPES.items():
        if isinstance(value, types) and (name == "boolean" or not isinstance(value, bool)):
            return name
    return type(value).__name__


def _shown(value: Any) -> str:
    return repr(value) if len(repr(value)) <= 80 else _name_of(value)
