"""The catalogue against the types of the installed official SDK: what differs is listed here with its reason.

Everything else fails: a model that the SDK has and the catalogue has not, a parameter, a choice, what is required, at
any depth. An explanation that nothing needs any more fails too.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from inspect import getsource
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import runwayml.resources
import typing_extensions
from typing_extensions import is_typeddict

from tarmac.catalogue import Model, operation, operations

NO_TASKS = {
    "avatars": "a resource",
    "documents": "a resource",
    "voices": "a resource",
    "voices/preview": "answers at once",
    "routers": "a resource",
    "uploads": "answers at once",
    "organization/usage": "a question",
    "realtime_sessions": "a session, not a task",
}
"""Paths that the SDK posts to and that start no task of a model, with the reason."""

EXPLAINED = {
    "character_performance:act_two also known as runwayml-character-performance": "CometAPI's name of it",
    "image_to_video:gen3a_turbo is only here": "legacy: left the SDK in June 2026, some still send it",
    "image_to_video:veo3 is only here": "legacy: left the SDK after 5.13",
    "text_to_video:veo3 is only here": "legacy: left the SDK after 5.13",
    "video_to_video:gen4_aleph is only here": "legacy: left the SDK in June 2026, older samples send it",
    "video_upscale:upscale_v1 is only here": "legacy: left the SDK in January 2026",
}


@dataclass
class Shape:
    """What both sides state about a value. `choices` is empty if any value of the kinds is valid."""

    kinds: set[str] = field(default_factory=set)
    choices: set[Any] = field(default_factory=set)
    items: Shape | None = None
    values: Shape | None = None
    properties: dict[str, tuple[bool, Shape]] | None = None
    cases: dict[str, dict[str, tuple[bool, Shape]]] = field(default_factory=dict)
    by: str = "type"


# The SDK's side.


def sdk_creates() -> dict[str, Any]:
    """Operation → the type of its parameters, for all that the SDK posts."""
    found: dict[str, Any] = {}
    for module in pkgutil.walk_packages(runwayml.resources.__path__, "runwayml.resources."):
        resource = importlib.import_module(module.name)
        for call in getsource(resource).split("self._post(")[1:]:
            path = re.search(r'"/v1/([^"]+)"', call)
            params = re.search(r"(\w+_params)\.(\w+)", call)
            assert path, call[:200]
            found[path[1]] = params and getattr(getattr(resource, params[1]), params[2])
    return found


def sdk_models(params: Any) -> Iterator[tuple[str | None, Mapping[str, tuple[bool, Shape]]]]:
    """Model → parameters; None is the model of an operation that has but one."""
    for variant in get_args(params) if get_origin(params) is Union else (params,):
        properties = _properties(variant)
        if "model" in properties:
            for model in properties.pop("model")[1].choices:
                yield model, properties
        else:
            yield None, properties


def _properties(typed_dict: Any) -> dict[str, tuple[bool, Shape]]:
    properties = {}
    for name, hint in get_type_hints(typed_dict, include_extras=True).items():
        required, alias = False, name
        while get_origin(hint) in (typing_extensions.Required, Annotated):
            if get_origin(hint) is Annotated:
                hint, info = get_args(hint)
                alias = info.alias or alias
            else:
                required, [hint] = True, get_args(hint)
        properties[alias] = (required, _shape(hint))
    return properties


def _shape(hint: Any) -> Shape:
    origin = get_origin(hint)
    if hint in _KINDS:
        return Shape({_KINDS[hint]})
    if origin is Literal:
        return Shape({_KINDS[type(choice)] for choice in get_args(hint)}, set(get_args(hint)))
    if origin is Union:
        return _either([_shape(member) for member in get_args(hint)])
    if is_typeddict(hint):
        return Shape({"object"}, properties=_properties(hint))
    if origin is dict:
        return Shape({"object"}, values=_shape(get_args(hint)[1]))
    item = get_args(hint)[0]
    return Shape({"array"}, items=None if item is object else _shape(item))


_KINDS = {str: "string", int: "integer", float: "number", bool: "boolean"}


def _either(members: list[Shape]) -> Shape:
    merged = Shape()
    objects = [member.properties for member in members if member.properties is not None]
    for member in members:
        merged.kinds |= member.kinds
        merged.choices |= member.choices
        merged.items = member.items or merged.items
    by = _discriminator(objects)
    if by:
        merged.by = by
        for properties in objects:
            [case] = properties[by][1].choices
            merged.cases[case] = {name: inner for name, inner in properties.items() if name != by}
    elif objects:
        names = {name for properties in objects for name in properties}
        merged.properties = {
            name: (
                all(properties.get(name, (False,))[0] for properties in objects),
                next(properties[name][1] for properties in objects if name in properties),
            )
            for name in names
        }
    return merged


def _discriminator(objects: list[dict[str, tuple[bool, Shape]]]) -> str | None:
    if len(objects) < 2:
        return None
    for name in objects[0]:
        if all(name in properties and len(properties[name][1].choices) == 1 for properties in objects):
            return name
    return None


# The catalogue's side.


def own_shape(spec: Mapping[str, Any]) -> Shape:
    match spec.get("type"):
        case "media":
            return Shape({"string"})
        case "typedMedia":
            uri = {"uri": (True, Shape({"string"}))}
            return Shape({"object"}, cases=dict.fromkeys(spec["media"], uri))
        case "frames":
            position = Shape({"string"}, set(spec.get("positions", ())))
            frame = {"uri": (True, Shape({"string"})), "position": (spec.get("positionRequired", True), position)}
            # Where the SDK leaves positions open, so does the catalogue; then it leaves frames open too.
            items = Shape({"object"}, properties=frame) if "positions" in spec else None
            return Shape({"string", "array"}, items=items)
    choices = {*spec.get("enum", ()), *spec.get("alsoSpelled", ()), *spec.get("examples", ())}
    shape = Shape({_KINDS[type(choice)] for choice in choices}, choices)
    if "type" in spec:
        shape.kinds |= {"string", "number", "boolean"} if spec["type"] == "primitive" else {spec["type"]}
    shape.kinds |= {"string"} if "or" in spec else set()
    shape.choices |= set(spec.get("or", ()))
    if "items" in spec:
        shape.items = own_shape(spec["items"])
    if "values" in spec:
        shape.values = own_shape(spec["values"])
    if "properties" in spec:
        shape.properties = own_properties(spec["properties"])
    if "cases" in spec:
        shape.cases = {case: own_properties(properties) for case, properties in spec["cases"].items()}
    return shape


def own_properties(specs: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[bool, Shape]]:
    return {name: (bool(spec.get("required")), own_shape(spec)) for name, spec in specs.items()}


# The comparison.


def drift() -> Iterator[str]:
    creates = {name: params for name, params in sdk_creates().items() if name not in NO_TASKS}
    yield from _only(set(creates), set(operations()), "operation {}")
    for name in sorted(creates.keys() & set(operations())):
        yield from _drift_of(name, creates[name])


def _drift_of(name: str, params: Any) -> Iterator[str]:
    at = operation(name)
    variants: dict[str, list[Mapping[str, tuple[bool, Shape]]]] = {}
    for model, properties in sdk_models(params):
        variants.setdefault(model or str(at.sole_model), []).append(properties)
    yield from _only(set(variants), set(at.models), name + ":{}")
    for alias, model in at.also_known_as.items():
        yield f"{name}:{model} also known as {alias}"
    for model in sorted(variants.keys() & set(at.models)):
        theirs = _either([Shape({"object"}, properties=dict(properties)) for properties in variants[model]])
        properties = theirs.properties or _of_cases(theirs)
        yield from _compare_properties(f"{name}:{model}", properties, own_properties(at.models[model].parameters or {}))


def _of_cases(shape: Shape) -> dict[str, tuple[bool, Shape]]:
    """A body in which one parameter selects the others. The catalogue states this in rules: see multi_shot_video."""
    every = list(shape.cases.values())
    merged = {name: inner for case in every for name, inner in case.items()}
    return {shape.by: (True, Shape({"string"}, set(shape.cases)))} | {
        name: (all(name in case and case[name][0] for case in every), inner) for name, (_, inner) in merged.items()
    }


def _compare_properties(
    at: str, theirs: Mapping[str, tuple[bool, Shape]], ours: Mapping[str, tuple[bool, Shape]]
) -> Iterator[str]:
    yield from _only(set(theirs), set(ours), at + ".{}")
    for name in sorted(theirs.keys() & ours.keys()):
        if theirs[name][0] != ours[name][0]:
            yield f"{at}.{name} is {'' if theirs[name][0] else 'not '}required by the SDK"
        yield from _compare(f"{at}.{name}", theirs[name][1], ours[name][1])


def _compare(at: str, theirs: Shape, ours: Shape) -> Iterator[str]:
    if theirs.kinds != ours.kinds:
        yield f"{at}: {sorted(theirs.kinds)} in the SDK, {sorted(ours.kinds)} here"
    yield from _only(theirs.choices, ours.choices, at + " = {}")
    if theirs.items and ours.items:
        yield from _compare(f"{at}[]", theirs.items, ours.items)
    elif theirs.values and ours.values:
        yield from _compare(f"{at}.*", theirs.values, ours.values)
    elif theirs.items or theirs.values:
        yield f"{at}: its items are not described here"
    by_type = _typed(theirs), _typed(ours)
    if any(by_type):
        yield from _only(set(by_type[0]), set(by_type[1]), at + " of type {}")
        for case in sorted(by_type[0].keys() & by_type[1].keys()):
            yield from _compare_properties(f"{at}<{case}>", by_type[0][case], by_type[1][case])
    elif theirs.properties is not None or ours.properties is not None:
        yield from _compare_properties(at, theirs.properties or {}, ours.properties or {})


def _typed(shape: Shape) -> dict[str, dict[str, tuple[bool, Shape]]]:
    """The cases of an object. An object with only one value of `type` is a case too."""
    kind = (shape.properties or {}).get("type")
    if shape.cases or kind is None or len(kind[1].choices) != 1:
        return shape.cases
    [case] = kind[1].choices
    return {case: {name: inner for name, inner in (shape.properties or {}).items() if name != "type"}}


def _only(theirs: Iterable[Any], ours: Iterable[Any], form: str) -> Iterator[str]:
    theirs, ours = set(theirs), set(ours)
    yield from (form.format(name) + " is only in the SDK" for name in sorted(map(str, theirs - ours)))
    yield from (form.format(name) + " is only here" for name in sorted(map(str, ours - theirs)))


def test_the_catalogue_has_what_the_sdk_has() -> None:
    found = set(drift())
    unexplained = "\n".join(sorted(found - set(EXPLAINED)))
    assert not unexplained, f"the SDK and the catalogue differ:\n{unexplained}"
    assert set(EXPLAINED) <= found, "explained, but no longer so"


def test_what_starts_no_task_is_still_in_the_sdk() -> None:
    assert set(NO_TASKS) <= set(sdk_creates())


def test_every_legacy_model_has_left_the_sdk() -> None:
    """A model is legacy exactly if the SDK no longer has it."""
    legacy = {f"{name}:{model.name} is only here" for name, model in _all_models() if model.legacy}
    assert legacy == {found for found in drift() if re.fullmatch(r"\S+:\S+ is only here", found)}


def _all_models() -> Iterator[tuple[str, Model]]:
    for name in operations():
        for model in operation(name).models.values():
            yield name, model


def test_a_model_that_only_the_sdk_has_would_be_seen() -> None:
    theirs = {"model": (True, Shape({"string"}, {"a", "b"})), "x": (True, Shape({"array"}, items=Shape({"string"})))}
    ours = {"x": (False, Shape({"array"}, items=Shape({"integer"}))), "y": (False, Shape({"boolean"}))}
    assert list(_compare_properties("op:m", theirs, ours)) == [
        "op:m.model is only in the SDK",
        "op:m.y is only here",
        "op:m.x is required by the SDK",
        "op:m.x[]: ['string'] in the SDK, ['integer'] here",
    ]
