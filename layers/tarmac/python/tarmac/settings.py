"""What each function is told by its environment: one frozen dataclass a function, fields named as the variables.

A test holds these against template.yaml. Secrets come as ARNs only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


class MissingSetting(Exception):
    """A variable that template.yaml should have set is absent or unreadable."""


@dataclass(frozen=True, slots=True)
class Settings:
    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises MissingSetting, naming the variable."""
        values: dict[str, Any] = {}
        for each in fields(cls):
            name = each.name.upper()
            if name not in environment:
                raise MissingSetting(f"{name} is not set")
            try:
                values[each.name] = _READERS[str(each.type)](environment[name])
            except ValueError:
                raise MissingSetting(f"{name} is not a {each.type}") from None
        return cls(**values)


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


_READERS: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": _flag}


@dataclass(frozen=True, slots=True)
class AuthorizeRequestSettings(Settings):
    table_name: str


@dataclass(frozen=True, slots=True)
class CreateTaskSettings(Settings):
    table_name: str
    upload_bucket: str
    upstream_flavor: str
    input_buckets: str
    generation_state_machine_arn: str
    runway_secret_arn: str
    task_deadline_seconds: float
    console_client: str
    webhook_origins: str


@dataclass(frozen=True, slots=True)
class ReadTasksSettings(Settings):
    table_name: str
    archive_bucket: str
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str
    link_seconds: int
    delete_outputs_on_delete: bool


@dataclass(frozen=True, slots=True)
class CreateUploadSettings(Settings):
    table_name: str
    upload_bucket: str


@dataclass(frozen=True, slots=True)
class ManageAvatarsSettings(Settings):
    table_name: str
    upload_bucket: str
    input_buckets: str
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str


@dataclass(frozen=True, slots=True)
class ReadAccountSettings(Settings):
    table_name: str
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str


@dataclass(frozen=True, slots=True)
class AskRunwaySettings(Settings):
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str


@dataclass(frozen=True, slots=True)
class AcceptUploadSettings(Settings):
    table_name: str
    upload_bucket: str
    upstream_flavor: str
    generation_state_machine_arn: str
    notice_topic_arn: str
    batch_queue_url: str
    input_buckets: str
    webhook_origins: str
    task_deadline_seconds: float
    s3_client: str
    default_model: str
    default_prompt_text: str
    default_ratio: str
    default_duration: int


@dataclass(frozen=True, slots=True)
class RunBatchSettings(Settings):
    table_name: str
    upload_bucket: str
    upstream_flavor: str
    archive_bucket: str
    input_buckets: str
    webhook_origins: str
    generation_state_machine_arn: str
    notice_topic_arn: str
    batch_queue_url: str
    batch_deadline_seconds: float


@dataclass(frozen=True, slots=True)
class SubmitTaskSettings(Settings):
    table_name: str
    upload_bucket: str
    input_buckets: str
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str
    max_ambiguous_retries: int


@dataclass(frozen=True, slots=True)
class PollTaskSettings(Settings):
    table_name: str
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str
    max_failure_retries: int


@dataclass(frozen=True, slots=True)
class FinishTaskSettings(Settings):
    table_name: str
    archive_bucket: str
    notice_topic_arn: str
    webhook_queue_url: str
    batch_queue_url: str
    runway_secret_arn: str
    runwayml_base_url: str
    upstream_flavor: str
    output_origins: str
    max_output_bytes: int


@dataclass(frozen=True, slots=True)
class CreateSessionSettings(Settings):
    table_name: str
    runway_secret_arn: str
    webhook_secret_arn: str
    runwayml_base_url: str
    session_state_machine_arn: str
    cors_origins: str
    max_session_seconds: int
    session_minutes_per_client: int
    connect_seconds: int


@dataclass(frozen=True, slots=True)
class WatchSessionSettings(Settings):
    table_name: str
    runway_secret_arn: str
    runwayml_base_url: str
    unclaimed_session_seconds: float


@dataclass(frozen=True, slots=True)
class FinishSessionSettings(Settings):
    table_name: str
    archive_bucket: str
    notice_topic_arn: str
    runway_secret_arn: str
    runwayml_base_url: str
    output_origins: str
    max_output_bytes: int


@dataclass(frozen=True, slots=True)
class SweepSettings(Settings):
    table_name: str
    generation_state_machine_arn: str
    session_state_machine_arn: str
    notice_topic_arn: str
    webhook_queue_url: str
    batch_queue_url: str


@dataclass(frozen=True, slots=True)
class DeliverWebhookSettings(Settings):
    table_name: str
    webhook_queue_url: str
    webhook_secret_arn: str
    webhook_origins: str
