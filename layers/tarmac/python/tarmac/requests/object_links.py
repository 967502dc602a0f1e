"""Puts the link of an S3 object into a request: where a preset names it, or into the first media field that fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.requests.text_fields import put
from tarmac.requests.validation import Spec

OBJECT = "{object}"
"""The placeholder for the object's link in a preset. Without it, `place_object` chooses the field."""


def names_object(value: Any) -> bool:
    """Whether a request contains the placeholder `OBJECT`."""
    if isinstance(value, Mapping):
        return any(map(names_object, value.values()))
    return any(map(names_object, value)) if isinstance(value, list) else value == OBJECT


def with_object(value: Any, link: str) -> Any:
    """A copy of a request in which each placeholder is replaced by the link."""
    if isinstance(value, Mapping):
        return {name: with_object(part, link) for name, part in value.items()}
    if isinstance(value, list):
        return [with_object(part, link) for part in value]
    return link if value == OBJECT else value


def place_object(request: dict[str, Any], parameters: Mapping[str, Spec], kind: str, link: str) -> bool:
    """Put the link into the first free field that accepts a file of this kind, and return whether there was one.

    Required fields come before optional ones. A link for a list is appended to it.
    """
    places = [place for place in _places(parameters, kind, link, (), True) if _is_free(request, place[1], place[3])]
    if not places:
        return False
    _, path, value, in_list = min(places, key=lambda place: not place[0])
    if in_list:
        value = [*(_held(request, path) or ()), value]
    put(request, path, value)
    return True


_Place = tuple[bool, tuple[str, ...], Any, bool]
"""(required, path, value, whether the value is an item of a list)"""


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
    """The value that holds the link in a field with this description, or None if the field accepts no such file."""
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
    # A required choice gets its first value, such as the position `first` of a frame or the role `source` of a video.
    chosen = {name: spec["enum"][0] for name, spec in properties.items() if spec.get("required") and "enum" in spec}
    return {"uri": value} | chosen


def _is_free(request: Mapping[str, Any], path: tuple[str, ...], in_list: bool) -> bool:
    held = _held(request, path)
    return held is None or (in_list and isinstance(held, list))


def _held(request: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if not isinstance(request, Mapping):
            return None
        request = request.get(step)
    return request
