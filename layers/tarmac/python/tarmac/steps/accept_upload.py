"""Accept, for objects: a file that was put under `inbox/` becomes a task, its metadata the request."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tarmac.catalogue import Model, UnknownOperation, operation
from tarmac.clock import from_iso
from tarmac.effects import Effects
from tarmac.notices import upload_rejected
from tarmac.ports import NoSuchObject, StoredObject
from tarmac.rules.media import normal_type, type_of_name
from tarmac.rules.names import s3_uri, task_id_of_object
from tarmac.runway.flavors import NotOffered
from tarmac.steps.accept import Accepted, InvalidRequest, Order, accept, repeated
from tarmac.stores.tasks import NoSuchTask

_TEXTS = {"tarmac-prompt-text": "promptText", "tarmac-ratio": "ratio"}
_NUMBERS = {"tarmac-duration": "duration", "tarmac-seed": "seed"}


class _Unacceptable(Exception):
    """Why the object cannot become a task, in words."""


@dataclass(frozen=True, slots=True)
class UploadDefaults:
    """What an object without metadata asks for. `duration` in seconds; an empty prompt is none."""

    client: str
    model: str
    prompt_text: str
    ratio: str
    duration: int
    deadline_seconds: float


@dataclass(frozen=True, slots=True)
class Upload:
    """One object version, as EventBridge names it.

    created_at: by S3's word, so that a notice about the object is the same however often its event comes.
    """

    bucket: str
    key: str
    version_id: str | None
    sequencer: str
    created_at: float

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Upload:
        """From an `Object Created` event of S3. Keys stand there as they are, not URL-encoded."""
        detail = event["detail"]
        found = detail["object"]
        version, sequencer = found.get("version-id"), found.get("sequencer", "")
        return cls(detail["bucket"]["name"], found["key"], version, sequencer, from_iso(event["time"]))

    @property
    def task_id(self) -> str:
        return task_id_of_object(self.bucket, self.key, self.version_id or self.sequencer)

    @property
    def source(self) -> dict[str, str]:
        version = {"versionId": self.version_id} if self.version_id else {}
        return {"kind": "s3", "bucket": self.bucket, "key": self.key, **version}


@dataclass(frozen=True, slots=True)
class Rejected:
    """`reason` has been announced as `upload.rejected`."""

    task_id: str
    reason: str


def accept_upload(upload: Upload, effects: Effects, defaults: UploadDefaults) -> Accepted | Rejected:
    """One task per object version, however often its event comes; an unusable object ends in a notice that says why.

    Effects: clock, flavor, tasks, uploads, executions, topic.
    """
    with suppress(NoSuchTask):
        # Before the object is looked at: it may be gone or another by now, and this event's task is not.
        return repeated(effects.tasks.get(upload.task_id), effects)
    request: dict[str, Any] = {"model": defaults.model}
    operation_name = "image_to_video"
    try:
        try:
            stored = effects.uploads.head(upload.key, upload.version_id)
        except NoSuchObject:
            raise _Unacceptable("The object was deleted before it could be read.") from None
        about = {name.lower(): unquote(value) for name, value in stored.metadata.items()}
        operation_name = about.get("tarmac-operation", operation_name)
        request = _request(upload, stored, about, operation_name, defaults)
        order = Order(
            operation_name, defaults.client, request, upload.source, task_id=upload.task_id, s3_allowed={upload.bucket}
        )
        return accept(order, effects, defaults.deadline_seconds)
    except UnknownOperation as error:
        reason = f"There is no operation {str(error)!r}."
    except (_Unacceptable, InvalidRequest, NotOffered) as problem:
        reason = str(problem)
    event_id = f"{upload.task_id}-rejected"
    message, attributes = upload_rejected(
        event_id, defaults.client, operation_name, request["model"], upload.source, reason, upload.created_at
    )
    effects.topic.publish(message, attributes)
    return Rejected(upload.task_id, reason)


def _request(
    upload: Upload, stored: StoredObject, about: Mapping[str, str], operation_name: str, defaults: UploadDefaults
) -> dict[str, Any]:
    content_type = type_of_name(upload.key) or normal_type(stored.content_type)
    kind = content_type.partition("/")[0]
    at = operation(operation_name)
    model = at.model(at.sole_model or about.get("tarmac-model") or defaults.model)
    link = s3_uri(upload.bucket, upload.key) + (f"?versionId={upload.version_id}" if upload.version_id else "")
    request: dict[str, Any] = {"model": model.name, _media_parameter(model, kind, content_type): link}
    # A default is for models that have such a parameter; what the object itself asks for is passed on and judged.
    usual = {"ratio": defaults.ratio, "duration": defaults.duration, "promptText": defaults.prompt_text}
    request |= {name: value for name, value in usual.items() if value and name in (model.parameters or {})}
    for name, parameter in _TEXTS.items():
        if name in about:
            request[parameter] = about[name]
    for name, parameter in _NUMBERS.items():
        if name in about:
            request[parameter] = _whole_number(name, about[name])
    return request


def _media_parameter(model: Model, kind: str, content_type: str) -> str:
    """The parameter that takes such a file."""
    for name, spec in (model.parameters or {}).items():
        if spec.get("required") and spec.get("type") in ("frames", "media") and kind in spec["media"]:
            return name
    if not model.known:
        raise _Unacceptable(f"tarmac-model: {model.name} is not a model of {model.operation}.")
    raise _Unacceptable(f"{model.name} does not start from a file of type {content_type}.")


def _whole_number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise _Unacceptable(f"{name}: expected a whole number, received {text[:40]!r}.")
    return int(text)
