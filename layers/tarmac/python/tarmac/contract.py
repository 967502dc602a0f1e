"""The wire: what a create may carry beside the model's own parameters. Shape only; the catalogue judges the rest."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from tarmac.rules.validation import Issue

ModelName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40)]
MetadataValue = Annotated[str, StringConstraints(max_length=500)]


class CreateTask(BaseModel, extra="allow", frozen=True):
    """Any create body. `metadata` is Tarmac's: echoed in task and notice, never sent upstream."""

    model: ModelName
    metadata: Annotated[dict[MetadataKey, MetadataValue], Field(max_length=20)] = {}

    def upstream_body(self) -> dict[str, Any]:
        """What Runway is meant to read."""
        return {"model": self.model, **(self.__pydantic_extra__ or {})}


def parse_create(body: dict[str, Any]) -> CreateTask | list[Issue]:
    """The request, or why it is none."""
    try:
        return CreateTask.model_validate(body, strict=True)
    except ValidationError as error:
        return [
            Issue(_CODES.get(problem["type"], "custom"), tuple(problem["loc"]), _message(problem))
            for problem in error.errors(include_url=False, include_input=False)
        ]


_CODES = {"missing": "invalid_type", "string_type": "invalid_type", "dict_type": "invalid_type"}


def _message(problem: Any) -> str:
    return "Required" if problem["type"] == "missing" else str(problem["msg"])
