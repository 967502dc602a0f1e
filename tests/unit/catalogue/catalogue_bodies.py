"""Bodies made from nothing but the catalogue's own description of them."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tarmac.catalogue import Model, operation, operations
from tarmac.requests.conditions import Path
from tarmac.requests.validation import Issue, check

Spec = Mapping[str, Any]

MEDIA = {
    "image": "https://media.example.com/a.png",
    "video": "https://media.example.com/a.mp4",
    "audio": "https://media.example.com/a.mp3",
}
_WORDS = ("Word", "a-word", "2026-06", "#FF8800")

ENTRIES = [(name, model) for name in operations() for model in operation(name).models.values()]
"""Every model of every operation."""


def for_each_entry(check: Callable[[str, Model], None]) -> Callable[[], None]:
    """A test that calls the check with every operation and model. A failure's note names the entry."""

    def test() -> None:
        assert ENTRIES
        failures: list[Exception] = []
        for name, model in ENTRIES:
            try:
                check(name, model)
            except Exception as failure:
                failure.add_note(f"catalogue entry {name}:{model.name}")
                failures.append(failure)
        if failures:
            raise ExceptionGroup(f"{len(failures)} of {len(ENTRIES)} entries", failures)

    test.__name__, test.__doc__ = check.__name__, check.__doc__
    return test


def issues(model: Model, body: Mapping[str, Any]) -> list[Issue]:
    return check(body, model.parameters or {}, rules=model.rules, strict=model.strict).issues


def found(model: Model, body: Mapping[str, Any]) -> dict[str, str]:
    """Path → code of the body's issues."""
    return {dotted(issue.path): issue.code for issue in issues(model, body)}


def dotted(path: Path) -> str:
    return ".".join(map(str, path))


def minimal(model: Model, **more: Any) -> dict[str, Any]:
    """The parameters that the model requires, `more`, and the parameters that `more` requires."""
    parameters = model.parameters or {}
    body = {name: sample(spec) for name, spec in parameters.items() if spec.get("required")} | more
    while missing := [issue.path for issue in issues(model, body) if issue.code == "invalid_type"]:
        [name] = missing[0]
        body[str(name)] = sample(parameters[str(name)])
    return body


def sample(spec: Spec) -> Any:
    """The least that fits a description."""
    if "examples" in spec or "enum" in spec:
        return (spec.get("examples") or spec["enum"])[0]
    match spec["type"]:
        case "media":
            return MEDIA[spec["media"][0]]
        case "frames":
            return MEDIA[spec["media"][0]]
        case "typedMedia":
            return {"type": spec["media"][0], "uri": MEDIA[spec["media"][0]]}
        case "boolean":
            return True
        case "integer" | "number":
            return max(spec.get("minimum", 1), min(1, spec.get("maximum", 1)))
        case "primitive":
            return "Word"
        case "string":
            return next(word for word in _words(spec) if re.fullmatch(spec.get("pattern", ".*"), word))
        case "array":
            return [sample(spec.get("items", {"type": "object"}))] * max(1, spec.get("minItems", 0))
        case "object":
            return _object(spec)
        case other:
            raise AssertionError(other)


def _words(spec: Spec) -> Iterator[str]:
    for word in _WORDS:
        yield word.ljust(spec.get("minLength", 0), "x")[: spec.get("maxLength")]


def _object(spec: Spec) -> dict[str, Any]:
    properties = dict(spec.get("properties", {}))
    made = {}
    if "by" in spec:
        case = next(iter(spec["cases"]))
        made[spec["by"]] = case
        properties |= spec["cases"][case]
    made |= {name: sample(inner) for name, inner in properties.items() if inner.get("required")}
    if "values" in spec:
        made["word"] = sample(spec["values"])
    for rule in spec.get("rules", ()):
        for name in rule.get("exactlyOne", ())[:1]:
            made[name] = sample(properties[name])
    return made


def unfit(spec: Spec) -> Iterator[Any]:
    """Values that do not fit a description, one for each word in it that limits."""
    if "examples" not in spec and "enum" in spec:
        yield "no such value"
        yield True
        yield []
        return
    kind = spec["type"]
    yield 7 if kind not in ("integer", "number") else "seven"
    if kind in ("integer", "number"):
        yield True
        yield from (spec[word] + step for word, step in (("minimum", -1), ("maximum", 1)) if word in spec)
    if kind == "integer":
        yield 4.5
    if "minLength" in spec and spec["minLength"] > 0:
        yield "x" * (spec["minLength"] - 1)
    if "maxLength" in spec:
        yield "x" * (spec["maxLength"] + 1)
    if "pattern" in spec:
        yield "no such thing!"
    if "media" in spec:
        yield "http://media.example.com/a.png"
    if "maxItems" in spec:
        yield [sample(spec.get("items", {"type": "object"}))] * (spec["maxItems"] + 1)
    if spec.get("minItems"):
        yield []


def required_inside(value: Any, spec: Spec, path: Path) -> Iterator[Path]:
    """Paths of the required fields inside a valid value."""
    if isinstance(value, list) and "items" in spec:
        for index, item in enumerate(value):
            yield from required_inside(item, spec["items"], (*path, index))
    if not isinstance(value, dict):
        return
    if spec["type"] == "typedMedia":
        yield (*path, "uri")
        yield (*path, "type")
    if "by" in spec:
        yield (*path, spec["by"])
    properties = spec.get("properties", {}) | spec.get("cases", {}).get(value.get(spec.get("by")), {})
    for name, inner in properties.items():
        if inner.get("required"):
            yield (*path, name)
        if name in value:
            yield from required_inside(value[name], inner, (*path, name))
    for name in value.keys() - properties.keys() if "values" in spec else ():
        yield from required_inside(value[name], spec["values"], (*path, name))


def without(body: Mapping[str, Any], path: Path) -> dict[str, Any]:
    changed: Any = copy.deepcopy(dict(body))
    inner = changed
    for part in path[:-1]:
        inner = inner[part]
    del inner[path[-1]]
    return changed  # type: ignore[no-any-return]
