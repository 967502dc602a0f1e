"""Schemas of the OpenAPI document: bodies of creates by model, bodies of other calls, and responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from tarmac.catalogue import Model, Operation
from tarmac.http.routes import BODIES, CREATE_TASK, ROUTES, described
from tarmac.openapi import answers, characters, sessions
from tarmac.openapi.schemas import Schema, media_name, of_media, of_models, of_parameters, ref
from tarmac.requests.conditions import in_words
from tarmac.requests.contract import CreateTask

ANSWERS: Mapping[str, type[BaseModel]] = {
    name: found
    for module in (answers, characters, sessions)
    for name, found in vars(module).items()
    if isinstance(found, type) and issubclass(found, BaseModel)
}
"""Models of responses, by the names that the route table uses."""


def component_schemas(operations: list[Operation]) -> dict[str, Schema]:
    """Return all schemas by name, sorted."""
    bodies = {name: described(name) for name in BODIES}
    named = [ANSWERS[route.answer] for route in ROUTES if route.answer and route.answer in ANSWERS]
    models = [body for body in bodies.values() if isinstance(body, type)]
    schemas = of_models([*named, *models, CreateTask, answers.Error, answers.GatewayError])
    schemas |= {name: of_parameters(body) for name, body in bodies.items() if not isinstance(body, type)}
    in_catalogue = [(model, at) for at in operations for model in at.models.values()]
    for kinds in sorted({kinds for model, _ in in_catalogue for kinds in _kinds(model.parameters)}):
        schemas[media_name(kinds)] = of_media(kinds)
    schemas |= {_schema_name(model): _of_model(model, at) for model, at in in_catalogue}
    schemas["AnotherModel"] = _another_model(operations)
    return dict(sorted(schemas.items()))


def body_schema(body: str, at: Operation | None = None) -> Schema:
    """Return the schema of a route's body. at: the operation of a create; None where its path may be any."""
    if body != CREATE_TASK:
        return ref(body)
    if at is None:
        return {"type": "object", "description": "The body of that operation"}
    known = [ref(_schema_name(model)) for model in at.models.values()]
    return {"anyOf": known if at.sole_model else [*known, ref("AnotherModel")]}


def _kinds(described: Any) -> set[tuple[str, ...]]:
    """Return every combination of media kinds in a description."""
    found: set[tuple[str, ...]] = set()
    if isinstance(described, Mapping):
        media = described.get("media")
        if isinstance(media, list):
            found.add(tuple(media))
        described = list(described.values())
    if isinstance(described, list):
        found |= {kinds for part in described for kinds in _kinds(part)}
    return found


def _of_model(model: Model, at: Operation) -> Schema:
    """Return the schema of a create's body for this model."""
    own = of_parameters(model.parameters or {})
    schema: Schema = {"title": model.name, "type": "object", "required": own.get("required", [])}
    properties = own["properties"] | {name: _addition(name) for name in _ADDITIONS}
    if at.sole_model is None:
        others = [name for name, canonical in at.also_known_as.items() if canonical == model.name]
        schema["required"] = ["model", *schema["required"]]
        properties = {"model": {"enum": [model.name, *others]} if others else {"const": model.name}} | properties
    schema["properties"] = properties
    if model.strict:
        schema["additionalProperties"] = False
    if rules := [sentence for rule in model.rules for sentence in in_words(rule)]:
        schema["description"] = "; ".join(rules)
    if model.legacy:
        schema["deprecated"] = True
    if model.credits is not None:
        schema["x-credits"] = dict(model.credits)
    return schema


def _another_model(models: list[Operation]) -> Schema:
    """Return the schema of a body for an unknown model, which is passed on with all its parameters."""
    known = sorted({name for at in models for name in (*at.models, *at.also_known_as)})
    name = {"type": "string", "minLength": 1, "maxLength": 100, "not": {"enum": known}}
    return {
        "title": "another model",
        "description": "A model that this deployment does not know. Known models of other operations are rejected.",
        "type": "object",
        "required": ["model"],
        "properties": {"model": name} | {addition: _addition(addition) for addition in _ADDITIONS},
    }


def _schema_name(model: Model) -> str:
    return f"{model.operation.removesuffix('/{id}').replace('/', '.')}.{model.name}"


_ADDITIONS = [name for name in CreateTask.model_fields if name != "model"]
"""Parameters that Tarmac adds to every create."""


def _addition(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/CreateTask/properties/{name}"}
