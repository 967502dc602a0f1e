"""Converts request fields that arrive as text (a table cell, object metadata, a CLI option) to the catalogue's types.

A field is named by its dotted path: `voice.presetId`, `references.0.uri`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tarmac.requests.validation import Spec

_WHOLE = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_WORD_BREAK = re.compile(r"[-_]([a-z0-9])", re.IGNORECASE)
_USUAL: Mapping[str, Spec] = {"duration": {"type": "number"}, "seed": {"type": "integer"}}
"""Types of parameters that the catalogue does not describe, such as those of an unknown model."""

_DEEPEST = 8
_LONGEST_LIST = 100


class BadField(ValueError):
    """The field is invalid; the message states the reason for the caller."""


def path_of(name: str) -> tuple[str, ...]:
    """The path of a field in the contract's spelling: `prompt-text` and `prompt_text` both become `promptText`."""
    return tuple(_camel_case(part) for part in name.split("."))


def typed(text: str, parameters: Mapping[str, Spec], path: tuple[str, ...]) -> Any:
    """The text as a value of the field's type. Raises BadField."""
    spec = _spec_at(parameters, path)
    if spec is None:
        spec = _USUAL.get(path[0], {}) if len(path) == 1 else {}
    text = text.strip() if spec.get("type", "string") != "string" else text
    choices = (*spec.get("or", ()), *(spec.get("enum", ()) if "type" not in spec else ()))
    for choice in choices:
        if str(choice) == text.strip():
            return choice
    match spec.get("type"):
        case "integer":
            if not _WHOLE.fullmatch(text):
                raise BadField(f"expected a whole number, received {_shown(text)}")
            return int(text)
        case "number":
            if not _NUMBER.fullmatch(text):
                raise BadField(f"expected a number, received {_shown(text)}")
            return float(text) if "." in text else int(text)
        case "boolean":
            if text.lower() not in ("true", "false"):
                raise BadField(f"expected true or false, received {_shown(text)}")
            return text.lower() == "true"
        case "array" | "object" | "typedMedia":
            return _json(text)
        case "frames" if text.startswith("["):
            return _json(text)
    # A number for a field whose choices are all numbers; validation decides later whether it is one of the choices.
    if choices and all(isinstance(choice, (int, float)) for choice in choices) and _NUMBER.fullmatch(text.strip()):
        return float(text) if "." in text else int(text)
    return text


def put(request: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set a field by its path; a number in the path is an index of a list. Nested values are copied, not changed.

    Raises BadField if the path is too deep or leads through a value that is neither an object nor a list.
    """
    if len(path) > _DEEPEST:
        raise BadField(f"a field path has at most {_DEEPEST} levels")
    name, *rest = path
    request[name] = _with(request.get(name), tuple(rest), value)


def _with(held: Any, path: tuple[str, ...], value: Any) -> Any:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if step.isascii() and step.isdigit():
        if held is not None and not isinstance(held, list):
            raise BadField("a numbered field belongs to a list")
        place = int(step) if len(step) < 4 else _LONGEST_LIST
        if place >= _LONGEST_LIST:
            raise BadField(f"a list has at most {_LONGEST_LIST} items")
        items = list(held or ())
        items += [None] * (place + 1 - len(items))
        items[place] = _with(items[place], rest, value)
        return items
    if held is not None and not isinstance(held, dict):
        raise BadField(f"{step} belongs to an object")
    return {**(held or {}), step: _with((held or {}).get(step), rest, value)}


def _spec_at(parameters: Mapping[str, Spec], path: tuple[str, ...]) -> Spec | None:
    """The catalogue's description of a field, or None. If several cases have the field, the first one counts."""
    spec = parameters.get(path[0])
    for step in path[1:]:
        if spec is None:
            return None
        if step.isdigit():
            spec = spec.get("items", {"type": "object"} if spec.get("type") == "frames" else None)
            continue
        cases = spec.get("cases", {})
        spec = spec.get("properties", {}).get(step) or next(
            (case[step] for case in cases.values() if step in case), None
        )
    return spec


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadField(f"expected JSON, received {_shown(text)}") from None


def _camel_case(name: str) -> str:
    return _WORD_BREAK.sub(lambda match: match[1].upper(), name)


def _shown(text: str) -> str:
    return repr(text[:40])
