"""An object version of the upload bucket: what its S3 event says, how it is read, and the tag that names its task."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tarmac.clock import from_iso
from tarmac.effects import Effects
from tarmac.inbox.keys import task_id_of_object
from tarmac.inbox.pairs import Half
from tarmac.media.keys import s3_uri
from tarmac.ports import NoSuchObject, ReadStream, StoredObject
from tarmac.tasks.accept import Accepted
from tarmac.tasks.orders import NO_ALLOW_LISTS, AllowLists
from tarmac.telemetry import logger

TAG = "tarmac-task"


class Unacceptable(Exception):
    """The object cannot become a task; the message states the reason for its owner."""


class Overwritten(Exception):
    """The key now holds another object than the event names; the message states that for its owner."""


@dataclass(frozen=True, slots=True)
class UploadDefaults:
    """What tasks from the inbox have if neither a preset nor metadata says otherwise.

    client: the client that owns all tasks of the inbox. duration: in seconds. prompt_text: empty for none.
    deadline_seconds: from acceptance to the task's deadline.
    """

    client: str
    model: str
    prompt_text: str
    ratio: str
    duration: int
    deadline_seconds: float
    allowed: AllowLists = NO_ALLOW_LISTS


@dataclass(frozen=True, slots=True)
class Upload:
    """One object version, as an EventBridge event of S3 names it.

    created_at: the event's own time, so that a notice about the object is identical each time its event is delivered.
    """

    bucket: str
    key: str
    version_id: str | None
    sequencer: str
    created_at: float
    etag: str | None = None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Upload:
        """Return the object version of an `Object Created` event, whose keys are not URL-encoded."""
        detail = event["detail"]
        described = detail["object"]
        version, sequencer = described.get("version-id"), described.get("sequencer", "")
        created_at = from_iso(event["time"])
        return cls(detail["bucket"]["name"], described["key"], version, sequencer, created_at, described.get("etag"))

    @classmethod
    def from_half(cls, bucket: str, half: Half) -> Upload:
        return cls(bucket, half.key, half.version_id, half.sequencer, half.created_at, half.etag)

    @property
    def half(self) -> Half:
        """The object version as one half of a pair."""
        return Half(self.key, self.version, self.version_id, self.sequencer, self.etag, self.created_at)

    @property
    def version(self) -> str:
        """The version id; in an unversioned bucket, the event's sequencer."""
        return self.version_id or self.sequencer

    @property
    def task_id(self) -> str:
        """The id that is derived from this object version. It also identifies the object version itself."""
        return task_id_of_object(self.bucket, self.key, self.version)

    @property
    def source(self) -> dict[str, str]:
        """The `source` of the task, as its row and notices show it."""
        version = {"versionId": self.version_id} if self.version_id else {}
        return {"kind": "s3", "bucket": self.bucket, "key": self.key, **version}

    @property
    def link(self) -> str:
        """The `s3://` link of this object version."""
        return s3_uri(self.bucket, self.key) + (f"?versionId={self.version_id}" if self.version_id else "")


@dataclass(frozen=True, slots=True)
class NothingStarted:
    """The event started nothing.

    status: `checked` (a preset), `waiting` (for the other half of a pair), `superseded` (by a newer half, or by the
    batch or task that the object has become part of), `ignored`.
    """

    status: str


Found = tuple[StoredObject, Mapping[str, str]]
"""An object and its metadata, decoded, with names in lower case."""


def find(upload: Upload, effects: Effects) -> Found:
    """Return the object that the event names, with its metadata. Raises NoSuchObject, Overwritten."""
    stored = effects.uploads.head(upload.key, upload.version_id)
    if upload.etag not in (None, stored.etag):
        raise Overwritten("The object was overwritten before Tarmac read it; the newer object is processed separately.")
    return stored, {name.lower(): unquote(value) for name, value in stored.metadata.items()}


def open_content(upload: Upload, effects: Effects) -> ReadStream:
    """Open the content of the object that the event names. Raises NoSuchObject."""
    return effects.uploads.open(upload.key, upload.version_id, etag=upload.etag)


def tagged(accepted: Accepted, effects: Effects, *uploads: Upload) -> Accepted:
    """Tag the task's source objects with its id, and return the task unchanged.

    A repeated event tags again, since the first invocation may have crashed before it did.
    """
    for upload in uploads:
        tag(upload, accepted.task.id, effects)
    return accepted


def tag(upload: Upload, value: str, effects: Effects) -> None:
    """Set the object's tag `tarmac-task`. An object that is gone, was overwritten or has other tags is left alone.

    S3 replaces all tags of an object at once, and the policy allows Tarmac to set only its own.
    """
    with suppress(NoSuchObject):
        if upload.etag not in (None, effects.uploads.head(upload.key, upload.version_id).etag):
            return
        tags = effects.uploads.tags(upload.key, upload.version_id)
        if tags.keys() - {TAG}:
            logger.info("object not tagged: it has other tags", key=upload.key)
        elif tags.get(TAG) != value:
            effects.uploads.set_tags(upload.key, {TAG: value}, upload.version_id)
