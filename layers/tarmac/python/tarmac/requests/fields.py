"""Fields of a request that come as text, in a table's cell or an object's metadata: typed as the catalogue has them.

A field is named by its path, with dots: `voice.presetId`, `references.0.uri`.
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
"""Of models that the catalogue does not know."""

_DEEPEST = 8
_LONGEST_LIST = 100


class BadField(ValueError):
    """The message says what is wrong with the field, for whoever wrote it."""


def path_of(name: str) -> tuple[str, ...]:
    """`prompt-text`, `prompt_text` and `promptText` are one field, in the contract's spelling."""
    return tuple(_camel_case(part) for part in name.split("."))


def typed(text: str, parameters: Mapping[str, Spec], path: tuple[str, ...]) -> Any:
    """The value that such a text means in that field. Raises BadField."""
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
    # What stands among numbers is meant as one; whether it is among them is judged later.
    if choices and all(isinstance(choice, (int, float)) for choice in choices) and _NUMBER.fullmatch(text.strip()):
        return float(text) if "." in text else int(text)
    return text


def put(request: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set a field by its path; a number in it is a place in a list. What is there is not changed, but copied.

    Raises BadField where the path leads through something that is no object and no list.
    """
    if len(path) > _DEEPEST:
        raise BadField(f"a field lies at most {_DEEPEST} levels deep")
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
    """How the catalogue describes the field; None where it does not. Of cases, the first that has it."""
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


OBJECT = "{object}"
"""What a preset writes where the object's link belongs; without it, the first field that takes such a file gets it."""


def names_object(value: Any) -> bool:
    """Whether a request says itself where the object belongs."""
    if isinstance(value, Mapping):
        return any(map(names_object, value.values()))
    return any(map(names_object, value)) if isinstance(value, list) else value == OBJECT


def with_object(value: Any, link: str) -> Any:
    """A copy with the object's link in its places."""
    if isinstance(value, Mapping):
        return {name: with_object(part, link) for name, part in value.items()}
    if isinstance(value, list):
        return [with_object(part, link) for part in value]
    return link if value == OBJECT else value


def place_object(request: dict[str, Any], parameters: Mapping[str, Spec], kind: str, link: str) -> bool:
    """Put a link to a file of that kind where the model takes one: a required field before an optional one, at the end
    of a list. False where there is none."""
    places = [place for place in _places(parameters, kind, link, (), True) if _is_free(request, place[1], place[3])]
    if not places:
        return False
    _, path, value, in_list = min(places, key=lambda place: not place[0])
    if in_list:
        value = [*(_held(request, path) or ()), value]
    put(request, path, value)
    return True


_Place = tuple[bool, tuple[str, ...], Any, bool]
"""(required, path, value, whether the value is one of a list)"""


def _places(parameters: Mapping[str, Spec], kind: str, link: str, above: tuple[str, ...], needed: bool) -> list[_Place]:
    found: list[_Place] = []
    for name, spec in parameters.items():
        path, required = (*above, name), needed and bool(spec.get("required"))
        if spec.get("type") == "array":
            item = _filled(spec.get("items", {}), kind, link)
            found += [] if item is None else [(required, path, item, True)]
        elif (value := _filled(spec, kind, link)) is not None:
            found.append((required, path, value, False))
        elif "properties" in spec and len(path) < 3:
            found += _places(spec["properties"], kind, link, path, required)
    return found


def _filled(spec: Spec, kind: str, link: str) -> Any:
    """What holds the link in a field of this description; None where it takes no such file."""
    match spec.get("type"):
        case "media" | "frames" if kind in spec["media"]:
            return link
        case "typedMedia" if kind in spec["media"]:
            return {"type": kind, "uri": link}
        case "object" if "uri" in spec.get("properties", {}):
            return _object_around(spec["properties"], kind, link)
        case "object" if "by" in spec:
            for case, properties in spec["cases"].items():
                for name, inner in properties.items():
                    if inner.get("type") == "media" and kind in inner["media"]:
                        return {spec["by"]: case, name: link}
    return None


def _object_around(properties: Mapping[str, Spec], kind: str, link: str) -> dict[str, Any] | None:
    value = _filled(properties["uri"], kind, link)
    if value is None:
        return None
    # A word that must be said and was not: the first of its list, as `first` frame or `source` film.
    said = {name: spec["enum"][0] for name, spec in properties.items() if spec.get("required") and "enum" in spec}
    return {"uri": value} | said


def _is_free(request: Mapping[str, Any], path: tuple[str, ...], in_list: bool) -> bool:
    held = _held(request, path)
    return held is None or (in_list and isinstance(held, list))


def _held(request: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if not isinstance(request, Mapping):
            return None
        request = request.get(step)
    return request
