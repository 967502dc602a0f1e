"""Settings of each function: one class per function, with a field for each environment variable.

A test compares these with template.yaml. Secrets are passed as ARNs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NoReturn, Self, dataclass_transform


class MissingSetting(Exception):
    """An environment variable is missing or invalid."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Settings:
    """Base of the settings classes. Behaves as a frozen dataclass.

    It is not a dataclass, because creating twenty of those takes a tenth of a small function's cold start and each
    function needs only one.
    """

    def __init__(self, **values: Any) -> None:
        for name in self.fields():
            object.__setattr__(self, name, values.pop(name))
        if values:
            raise TypeError(f"unknown settings: {', '.join(values)}")

    @classmethod
    def fields(cls) -> dict[str, str]:
        """Return the type of each field as text, by the field's name."""
        return cls.__annotations__

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Return the settings in the environment variables. Raises MissingSetting, which names the variable."""
        values: dict[str, Any] = {}
        for field, kind in cls.fields().items():
            name = field.upper()
            if name not in environment:
                raise MissingSetting(f"{name} is not set")
            try:
                values[field] = _READERS[kind](environment[name])
            except ValueError:
                raise MissingSetting(f"{name} must be a valid {kind}") from None
        return cls(**values)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name} cannot be changed: settings are read-only")


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _whole(text: str) -> int:
    """A whole number, which CloudFormation may write with an exponent or a fraction: 5.36870912E9, 60.0."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if not number.is_integer():
        raise ValueError(text)
    return int(number)


def _names(text: str) -> frozenset[str]:
    """Return the parts of a comma-separated list, stripped; an empty set for an empty text."""
    return frozenset(part.strip() for part in text.split(",")) - {""}


_READERS: dict[str, Any] = {"str": str, "int": _whole, "float": float, "bool": _flag, "frozenset[str]": _names}


class AuthorizeRequestSettings(Settings):
    table_name: str


class CreateTaskSettings(Settings):
    table_name: str
    upload_bucket: str
    archive_bucket: str
    upstream_flavor: str
    input_buckets: frozenset[str]
    generation_state_machine_arn: str
    runway_secret_arn: str
    task_deadline_seconds: float
    console_client: str
    webhook_origins: frozenset[str]


class ReadTasksSettings(Settings):
    table_name: str
    archive_bucket: str
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str
    link_seconds: int
    delete_outputs_on_delete: bool


class CreateUploadSettings(Settings):
    table_name: str
    upload_bucket: str


class ManageCharactersSettings(Settings):
    table_name: str
    upload_bucket: str
    archive_bucket: str
    input_buckets: frozenset[str]
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str


class ReadAccountSettings(Settings):
    table_name: str
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str


class AskRunwaySettings(Settings):
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str


class AcceptUploadSettings(Settings):
    table_name: str
    upload_bucket: str
    archive_bucket: str
    upstream_flavor: str
    generation_state_machine_arn: str
    notice_topic_arn: str
    batch_queue_url: str
    input_buckets: frozenset[str]
    webhook_origins: frozenset[str]
    task_deadline_seconds: float
    s3_client: str
    default_model: str
    default_prompt_text: str
    default_ratio: str
    default_duration: int


class RunBatchSettings(Settings):
    table_name: str
    upload_bucket: str
    upstream_flavor: str
    archive_bucket: str
    input_buckets: frozenset[str]
    webhook_origins: frozenset[str]
    generation_state_machine_arn: str
    notice_topic_arn: str
    batch_queue_url: str
    batch_deadline_seconds: float


class SubmitTaskSettings(Settings):
    table_name: str
    upload_bucket: str
    archive_bucket: str
    input_buckets: frozenset[str]
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str
    max_ambiguous_retries: int


class PollTaskSettings(Settings):
    table_name: str
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str
    max_failure_retries: int


class FinishTaskSettings(Settings):
    table_name: str
    archive_bucket: str
    notice_topic_arn: str
    webhook_queue_url: str
    batch_queue_url: str
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str
    output_origins: frozenset[str]
    max_output_bytes: int


class CreateSessionSettings(Settings):
    table_name: str
    runway_secret_arn: str
    webhook_secret_arn: str
    runwayml_base_url: str
    session_state_machine_arn: str
    cors_origins: frozenset[str]
    max_session_seconds: int
    session_minutes_per_client: int
    connect_seconds: int


class WatchSessionSettings(Settings):
    table_name: str
    runway_secret_arn: str
    runwayml_base_url: str
    unclaimed_session_seconds: float


class FinishSessionSettings(Settings):
    table_name: str
    archive_bucket: str
    notice_topic_arn: str
    runway_secret_arn: str
    runwayml_base_url: str
    output_origins: frozenset[str]
    max_output_bytes: int


class SweepSettings(Settings):
    table_name: str
    generation_state_machine_arn: str
    session_state_machine_arn: str
    notice_topic_arn: str
    webhook_queue_url: str
    batch_queue_url: str


class DeliverWebhookSettings(Settings):
    table_name: str
    webhook_queue_url: str
    webhook_secret_arn: str
    webhook_origins: frozenset[str]
