"""JSON Schema from the catalogue's descriptions of parameters and from pydantic models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from tarmac.requests.media import LONGEST_DATA_URI, LONGEST_RUNWAY_URI, LONGEST_URL, inline_types

Schema = dict[str, Any]
Spec = Mapping[str, Any]

_AS_IN_JSON_SCHEMA = ("enum", "examples", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
_URL = r"^https://([A-Za-z0-9_-]+\.)+[A-Za-z][A-Za-z0-9-]*(:[0-9]{1,4})?([/?#][^\s\\\u0000-\u0020\u007f-\u00a0]*)?$"
"""Internationalized names are accepted as well; this pattern leaves them out for brevity."""

_BASE64 = "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)"


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def of_parameters(parameters: Mapping[str, Spec]) -> Schema:
    """Return the schema of an object with these parameters. It allows others: Runway adds some every month."""
    required = [name for name, spec in parameters.items() if spec.get("required")]
    schema: Schema = {"type": "object"}
    if required:
        schema["required"] = required
    schema["properties"] = {
        name: of_parameter(spec) if spec.get("required") else _or_null(of_parameter(spec))
        for name, spec in parameters.items()
    }
    return schema


def of_parameter(spec: Spec) -> Schema:
    """Return the schema of one parameter. catalogue/_shared.toml explains the words of its description."""
    match spec.get("type"):
        case "media":
            schema = ref(media_name(spec["media"]))
        case "frames":
            schema = {"anyOf": [ref(media_name(spec["media"])), _frames(spec)]}
        case "typedMedia":
            kind: Schema = {"enum": list(spec["media"])}
            uri = ref(media_name(spec["media"]))
            schema = {"type": "object", "required": ["type", "uri"], "properties": {"type": kind, "uri": uri}}
        case _:
            schema = _plain(spec, spec.get("type"))
    if "or" in spec:
        schema = {"anyOf": [schema, {"enum": list(spec["or"])}]}
    if "why" in spec:
        schema["description"] = spec["why"]
    return schema


def media_name(kinds: Sequence[str]) -> str:
    """Return the name of the component for media of these kinds: `ImageOrVideoInput`."""
    return "Or".join(kind.capitalize() for kind in kinds) + "Input"


def of_media(kinds: Sequence[str]) -> Schema:
    """Return the schema of a media field."""
    return {
        "description": f"{' or '.join(kinds).capitalize()}, as a link or as the file itself",
        "anyOf": [
            {
                "title": "URL",
                "description": "https with a public host name, no IP address, no credentials. Runway fetches it.",
                "type": "string",
                "maxLength": LONGEST_URL,
                "pattern": _URL,
            },
            {
                "title": "upload",
                "description": "From POST /v1/uploads or from Runway",
                "type": "string",
                "minLength": 13,
                "maxLength": LONGEST_RUNWAY_URI,
                "pattern": "^runway://",
            },
            {
                "title": "data URI",
                "type": "string",
                "maxLength": LONGEST_DATA_URI,
                "pattern": rf"^data:({'|'.join(inline_types(kinds))});base64,{_BASE64}$",
            },
            {
                "title": "s3:// link",
                "description": "s3://bucket/key, if the operator allows the bucket",
                "type": "string",
                "pattern": "^s3://",
            },
        ],
    }


def of_models(models: Sequence[type[BaseModel]]) -> dict[str, Schema]:
    """Return the schemas of pydantic models and of their parts by name."""
    _, schemas = models_json_schema(
        [(model, "validation") for model in models],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Plainer,
    )
    definitions: dict[str, Schema] = schemas["$defs"]
    return definitions


class _Plainer(GenerateJsonSchema):
    """Leaves out titles that repeat the name, and `default: null`."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def default_schema(self, schema: Any) -> Any:
        result = super().default_schema(schema)
        if result.get("default", ...) is None:
            del result["default"]
        return result


def _plain(spec: Spec, kind: str | None) -> Schema:
    schema: Schema = {} if kind is None else {"type": ["string", "number", "boolean"] if kind == "primitive" else kind}
    schema |= {word: spec[word] for word in _AS_IN_JSON_SCHEMA if word in spec}
    if "pattern" in spec:
        schema["pattern"] = f"^(?:{spec['pattern']})$"
    if "items" in spec:
        schema["items"] = of_parameter(spec["items"])
    if "properties" in spec:
        schema |= of_parameters(spec["properties"])
    if spec.get("strict"):
        schema["additionalProperties"] = False
    if "values" in spec:
        schema["additionalProperties"] = _or_null(of_parameter(spec["values"]))
    if "by" in spec:
        schema["anyOf"] = [
            of_parameters({spec["by"]: {"enum": [case], "required": True}} | dict(parameters))
            for case, parameters in spec["cases"].items()
        ]
    return schema


def _frames(spec: Spec) -> Schema:
    needs_position = spec.get("positionRequired", True)
    positions: Schema = {"enum": list(spec["positions"])} if "positions" in spec else {"type": "string"}
    properties = {"uri": ref(media_name(spec["media"])), "position": positions}
    item: Schema = {"type": "object", "required": ["uri"], "properties": properties}
    if needs_position:
        item["required"] = ["uri", "position"]
    else:
        properties["position"] = _or_null(positions)
    schema: Schema = {"type": "array", "minItems": 1, "items": item}
    if "maxItems" in spec:
        schema["maxItems"] = spec["maxItems"]
    elif needs_position and "positions" in spec:
        schema["maxItems"] = len(spec["positions"])
    return schema


def _or_null(schema: Schema) -> Schema:
    """Some clients send null for a parameter that is not given."""
    if "anyOf" in schema or "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    schema = dict(schema)
    if "type" in schema:
        schema["type"] = [schema["type"], "null"]
    if "enum" in schema:
        schema["enum"] = [*schema["enum"], None]
    return schema
