"""Models of request bodies: Tarmac's own parameters of a create, and the bodies of the other calls.

They check types and limits only; the catalogue checks the model's parameters. The OpenAPI document is generated from
them (`tarmac.openapi`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from tarmac.requests.media import INPUT_EXTENSIONS, LONGEST_URL, BadMedia
from tarmac.requests.spellings import to_contract
from tarmac.requests.validation import InvalidRequest, Issue
from tarmac.requests.webhook_url import check_webhook_url

M = TypeVar("M", bound=BaseModel)

ModelName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40)]
MetadataValue = Annotated[str, StringConstraints(max_length=500)]


def _webhook_url(url: str, info: ValidationInfo) -> str:
    try:
        check_webhook_url(url, (info.context or {}).get("webhook_origins", frozenset()))
    except BadMedia as problem:
        raise PydanticCustomError("custom", "{reason}", {"reason": str(problem)}) from None
    return url


WebhookUrl = Annotated[
    str,
    AfterValidator(_webhook_url),
    Field(
        json_schema_extra={
            "description": "URL that receives a signed POST (Standard Webhooks) when the task has ended",
            "maxLength": LONGEST_URL,
            "pattern": r"^https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,63}(:[0-9]{1,4})?(/[!-~]*)?$",
        }
    ),
]


class _Body(BaseModel, frozen=True, defer_build=True):
    """A model whose validator is built at first use, because a function uses only one of them."""


class CreateTask(_Body, extra="allow", frozen=True):
    """The body of any create. `metadata` and `webhookUrl` are Tarmac's own and are not sent to Runway.

    model: None only for operations in which Runway chooses the model, such as recipes.
    """

    model: ModelName | None = None
    metadata: Annotated[
        dict[MetadataKey, MetadataValue],
        Field(max_length=20, description="Your own data; returned with the task and in its notice, not sent to Runway"),
    ] = {}
    webhookUrl: WebhookUrl | None = None

    def upstream_body(self) -> dict[str, Any]:
        """The body without Tarmac's own parameters."""
        named = {} if self.model is None else {"model": self.model}
        return named | (self.__pydantic_extra__ or {})


def parse_create(
    body: dict[str, Any], needs_model: bool = True, webhook_origins: frozenset[str] = frozenset()
) -> CreateTask:
    """Parse the body of a create. Raises InvalidRequest.

    needs_model: false for operations whose body has no model. webhook_origins: the only origins that webhooks may use
    (`WebhookOrigins`); if empty, every public host.
    """
    rewritten = to_contract(body, {name: {} for name in CreateTask.model_fields})
    model = _CreateTaskOfModel if needs_model else CreateTask
    try:
        parsed = parse_body(model, rewritten.body, {"webhook_origins": webhook_origins})
    except InvalidRequest as invalid:
        raise InvalidRequest(rewritten.issues + rewritten.as_sent(invalid.issues)) from None
    if rewritten.issues:
        raise InvalidRequest(rewritten.issues)
    return parsed


def parse_body(model: type[M], body: Mapping[str, Any], context: Mapping[str, Any] | None = None) -> M:
    """Parse a body as an instance of a model. Raises InvalidRequest. context: passed to the model's validators."""
    try:
        return model.model_validate(body, strict=True, context=context)
    except ValidationError as error:
        raise InvalidRequest(
            [
                Issue(_CODES.get(problem["type"], "custom"), tuple(problem["loc"]), _message(problem))
                for problem in error.errors(include_url=False)
            ]
        ) from None


def _media_filename(name: str) -> str:
    _, dot, extension = name.rpartition(".")
    if not dot or extension.lower() not in INPUT_EXTENSIONS:
        known = ", ".join(INPUT_EXTENSIONS)
        raise PydanticCustomError("custom", f"Must end in a supported file extension: {known}")
    return name


def _iso_date(text: str) -> str:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*)?", text):
            raise ValueError
        date.fromisoformat(text[:10])
    except ValueError:
        raise PydanticCustomError("invalid_date", "Expected a date such as 2026-01-31") from None
    return text


def _in_any_case(word: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else letter for letter in word)


Filename = Annotated[
    str,
    StringConstraints(min_length=3, max_length=255),
    AfterValidator(_media_filename),
    Field(json_schema_extra={"pattern": rf"\.({'|'.join(map(_in_any_case, INPUT_EXTENSIONS))})$"}),
]
IsoDate = Annotated[str, AfterValidator(_iso_date), Field(json_schema_extra={"format": "date"})]


class CreateUpload(_Body, frozen=True):
    """The file to upload. The extension of its name determines its type."""

    filename: Filename
    type: Literal["ephemeral"]


class UsageSpan(_Body, frozen=True):
    """A range of days in UTC. startDate: by default 30 days ago. beforeDate: the first day after the range."""

    startDate: IsoDate | None = None
    beforeDate: IsoDate | None = None


class RouterChange(_Body, frozen=True):
    """A change of a router. Its settings are merged with the existing ones. Runway validates them."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    description: str | None = None
    settings: dict[str, Any] | None = None


class NewRouter(RouterChange, frozen=True):
    """A new router. slug: its name in creates (`configId`). Runway validates the settings."""

    slug: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]


class _CreateTaskOfModel(CreateTask, frozen=True):
    model: ModelName


_CODES = {
    "missing": "invalid_type",
    "string_type": "invalid_type",
    "dict_type": "invalid_type",
    "literal_error": "invalid_enum_value",
    "string_too_short": "too_small",
    "string_too_long": "too_big",
}


def _message(problem: Any) -> str:
    """The message of an issue. Some clients send null for a parameter that they do not set."""
    return "Required" if problem["type"] == "missing" or problem["input"] is None else str(problem["msg"])
