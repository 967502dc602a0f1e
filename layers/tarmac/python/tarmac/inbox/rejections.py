"""Uploads that cannot be started: the reason, a report under `failed/`, and the notice `upload.rejected`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.catalogue import UnknownOperation
from tarmac.clock import to_iso
from tarmac.effects import Effects
from tarmac.inbox.keys import failed_key
from tarmac.inbox.notices import upload_rejected
from tarmac.inbox.open_batch import FileRejected
from tarmac.inbox.presets import BadPreset
from tarmac.inbox.upload import Overwritten, Unacceptable, Upload
from tarmac.ports import NoSuchObject
from tarmac.requests.strict_json import BadJson
from tarmac.requests.text_fields import BadField
from tarmac.requests.validation import InvalidRequest
from tarmac.runway.flavors import NotOffered

REASONS: Mapping[type[Exception], Callable[[Any], str]] = {
    NoSuchObject: lambda _: "The object was deleted before Tarmac read it.",
    Overwritten: str,
    UnknownOperation: lambda error: f"Unknown operation {str(error)!r}.",
    BadPreset: str,
    InvalidRequest: str,
    FileRejected: str,
    Unacceptable: str,
    BadField: str,
    BadJson: str,
    NotOffered: str,
}
"""The errors that reject an upload, and the reason that its owner reads. All other errors are retried by Lambda."""

REJECTING = tuple(REASONS)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The upload was rejected for `reason`: a report is under `failed/`, and `upload.rejected` was published."""

    task_id: str
    reason: str


def reject(
    upload: Upload, error: Exception, client: str, operation_name: str, model: str, effects: Effects
) -> Rejected:
    """Write the report, then publish the notice, so that the report exists when the notice arrives.

    error: one of REJECTING. operation_name, model: what the upload asked for, as far as that is known.
    """
    reason = next(REASONS[kind](error) for kind in REASONS if isinstance(error, kind))
    issues = error.issues if isinstance(error, InvalidRequest) else []
    event_id = f"{upload.task_id}-rejected"
    report = {
        "source": upload.source,
        "reason": reason,
        "issues": [issue.as_json() for issue in issues],
        "uploadedAt": to_iso(upload.created_at),
        "notice": event_id,
    }
    content = json.dumps(report, ensure_ascii=False, indent=2).encode("utf-8", "replace")
    effects.uploads.put(failed_key(upload.key), content, "application/json")
    message, attributes = upload_rejected(
        event_id, client, operation_name, model, upload.source, reason, upload.created_at
    )
    effects.topic.publish(message, attributes)
    return Rejected(upload.task_id, reason)
