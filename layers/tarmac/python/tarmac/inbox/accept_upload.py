"""Accept, for objects: what is put under `inbox/` becomes a task or many, what is put under `presets/` is checked.

A file is the input of one generation, its preset and metadata are the request. Two files of one name are a pair. A
`.json` file is a request, `.jsonl` and `.csv` are batches (`tarmac.inbox.run_batch`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from tarmac.catalogue import Model, UnknownOperation, operation
from tarmac.clock import from_iso, to_iso
from tarmac.effects import Effects
from tarmac.inbox.keys import PAIRED, Form, failed_key, form_of, pair_part, task_id_of_object, task_id_of_pair
from tarmac.inbox.notices import upload_rejected
from tarmac.inbox.pairs import Half
from tarmac.inbox.presets import (
    NO_PRESET,
    BadPreset,
    Preset,
    completed,
    in_contract,
    preset_for,
    read_preset,
)
from tarmac.inbox.request_files import LONGEST_LINE
from tarmac.inbox.run_batch import BatchFile, FileRejected, Opened, open_batch, reopened
from tarmac.media.keys import s3_uri
from tarmac.ports import NoSuchObject, StoredObject
from tarmac.requests.media import LARGEST_UPLOAD, normal_type, type_of_name
from tarmac.requests.object_links import names_object, place_object, with_object
from tarmac.requests.strict_json import BadJson, loads
from tarmac.requests.text_fields import BadField, path_of, put, typed
from tarmac.requests.validation import InvalidRequest
from tarmac.runway.flavors import NotOffered
from tarmac.tasks.accept import Accepted, Order, accept, accept_again
from tarmac.tasks.orders import NO_ALLOW_LISTS, AllowLists, order_of
from tarmac.tasks.store import NoSuchTask
from tarmac.telemetry import logger

TAG = "tarmac-task"
BATCH_NAME = "tarmac-batch"

_DEFAULT_OPERATION = "image_to_video"
_OWN_WORDS = frozenset({"tarmac-operation", "tarmac-model", "tarmac-webhook-url", BATCH_NAME})
_METADATA = "tarmac-metadata-"


class _Unacceptable(Exception):
    """Why the object cannot become a task, in words."""


class _Overwritten(_Unacceptable):
    """Its key holds another object by now."""


@dataclass(frozen=True, slots=True)
class UploadDefaults:
    """What an object without preset and metadata asks for. `duration` in seconds; an empty prompt is none."""

    client: str
    model: str
    prompt_text: str
    ratio: str
    duration: int
    deadline_seconds: float
    allowed: AllowLists = NO_ALLOW_LISTS


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
    etag: str | None = None

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Upload:
        """From an `Object Created` event of S3. Keys stand there as they are, not URL-encoded."""
        detail = event["detail"]
        found = detail["object"]
        version, sequencer = found.get("version-id"), found.get("sequencer", "")
        created_at = from_iso(event["time"])
        return cls(detail["bucket"]["name"], found["key"], version, sequencer, created_at, found.get("etag"))

    @property
    def version(self) -> str:
        return self.version_id or self.sequencer

    @property
    def task_id(self) -> str:
        return task_id_of_object(self.bucket, self.key, self.version)

    @property
    def source(self) -> dict[str, str]:
        version = {"versionId": self.version_id} if self.version_id else {}
        return {"kind": "s3", "bucket": self.bucket, "key": self.key, **version}

    @property
    def link(self) -> str:
        return s3_uri(self.bucket, self.key) + (f"?versionId={self.version_id}" if self.version_id else "")

    @property
    def half(self) -> Half:
        return Half(self.key, self.version, self.version_id, self.sequencer, self.etag, self.created_at)


@dataclass(frozen=True, slots=True)
class Rejected:
    """`reason` has been announced as `upload.rejected`, and stands in a report under `failed/`."""

    task_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Nothing is started. status: `checked` (a preset), `waiting` (for the other half of a pair), `superseded` (by a
    newer half), `ignored`."""

    status: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """What preset and metadata ask for, before the object itself is put into it."""

    operation: str
    model: Model
    request: dict[str, Any]
    metadata: dict[str, str]
    webhook_url: str | None


def accept_upload(upload: Upload, effects: Effects, defaults: UploadDefaults) -> Accepted | Opened | Rejected | Noted:
    """One task per object version, however often its event comes; an unusable object ends in a notice that says why."""
    form = form_of(upload.key)
    if form is Form.NOTHING:
        return Noted("ignored")
    with suppress(NoSuchTask):
        # Before the object is looked at: it may be gone or another by now, and this event's task is not.
        return _tagged(accept_again(effects.tasks.get(upload.task_id), effects), effects, upload)
    words = _DEFAULT_OPERATION, defaults.model
    try:
        match form:
            case Form.PRESET:
                return _check_preset(upload, effects, defaults)
            case Form.REQUEST:
                return _accept_request(upload, effects, defaults)
            case Form.LINES | Form.TABLE:
                return _open_batch(upload, form, effects, defaults)
        preset = preset_for(upload.key, effects, defaults.allowed)
        stored, about = _look(upload, effects)
        words = _operation(upload, about, preset), about.get("tarmac-model") or defaults.model
        if words[0] == PAIRED:
            return _accept_pair(upload, stored, about, preset, effects, defaults)
        return _accept_file(upload, stored, about, preset, effects, defaults)
    except (NoSuchObject, _Overwritten) as problem:
        if effects.consumed.taken_into(upload.task_id) is not None:
            # The half of a pair, whose event comes again when it has served its purpose.
            return Noted("superseded")
        reason = str(problem) or "The object was deleted before it could be read."
        return _reject(upload, reason, (), words, effects, defaults)
    except UnknownOperation as error:
        return _reject(upload, f"Unknown operation {str(error)!r}.", (), words, effects, defaults)
    except BadPreset as problem:
        reason = str(problem) if form is Form.PRESET else f"The preset of this folder cannot be used. {problem}"
        return _reject(upload, reason, (), words, effects, defaults)
    except InvalidRequest as problem:
        issues = tuple(issue.as_json() for issue in problem.issues)
        return _reject(upload, str(problem), issues, words, effects, defaults)
    except (_Unacceptable, BadField, BadJson, FileRejected, NotOffered) as problem:
        return _reject(upload, str(problem), (), words, effects, defaults)


def _look(upload: Upload, effects: Effects) -> tuple[StoredObject, dict[str, str]]:
    """The object as its event names it, and its metadata as it is meant. Raises NoSuchObject, _Overwritten."""
    stored = effects.uploads.head(upload.key, upload.version_id)
    if upload.etag not in (None, stored.etag):
        raise _Overwritten("The object was overwritten before it could be read; what replaced it is started by itself.")
    return stored, {name.lower(): unquote(value) for name, value in stored.metadata.items()}


def _operation(upload: Upload, about: Mapping[str, str], preset: Preset) -> str:
    said = about.get("tarmac-operation", preset.operation)
    if said is not None:
        return said
    return PAIRED if pair_part(upload.key) else _DEFAULT_OPERATION


def _accept_file(
    upload: Upload,
    stored: StoredObject,
    about: Mapping[str, str],
    preset: Preset,
    effects: Effects,
    defaults: UploadDefaults,
) -> Accepted:
    asked = _asked(_operation(upload, about, preset), about, preset, defaults)
    content_type = _media_type(upload.key, stored)
    _put_in(asked, content_type, upload.link)
    order = _order(asked, upload.source, upload.task_id, {upload.key: upload.etag or stored.etag}, upload, defaults)
    return _tagged(accept(order, effects, defaults.deadline_seconds), effects, upload)


def _accept_request(upload: Upload, effects: Effects, defaults: UploadDefaults) -> Accepted:
    preset = preset_for(upload.key, effects, defaults.allowed)
    _look(upload, effects)
    content = effects.uploads.open(upload.key, upload.version_id, etag=upload.etag).read(LONGEST_LINE + 1)
    if len(content) > LONGEST_LINE:
        raise _Unacceptable(f"The request has more than {LONGEST_LINE} bytes.")
    if content.lstrip().startswith(b"["):
        raise _Unacceptable("A .json file is one request. Several of them, one a line, are a .jsonl file.")
    wanted = completed(loads(content.removeprefix(b"\xef\xbb\xbf")), preset)
    order = order_of(wanted, defaults.client, upload.source, upload.task_id, defaults.allowed)
    return _tagged(accept(order, effects, defaults.deadline_seconds), effects, upload)


def _check_preset(upload: Upload, effects: Effects, defaults: UploadDefaults) -> Noted:
    try:
        read_preset(upload.key, effects, defaults.allowed)
    except NoSuchObject:
        # Nobody can use it any more.
        return Noted("ignored")
    return Noted("checked")


def _open_batch(upload: Upload, form: Form, effects: Effects, defaults: UploadDefaults) -> Opened:
    known = reopened(upload.task_id, effects)
    if known is not None:
        return known
    preset = preset_for(upload.key, effects, defaults.allowed)
    stored, about = _look(upload, effects)
    content = effects.uploads.open(upload.key, upload.version_id, etag=upload.etag)
    file = BatchFile(
        defaults.client, upload.task_id, upload.source, form, about.get(BATCH_NAME, ""), preset, upload.created_at
    )
    opened = open_batch(file, content, stored.size_bytes, effects)
    _tag(upload, f"batch:{opened.batch.id}", effects)
    return opened


def _accept_pair(
    upload: Upload,
    stored: StoredObject,
    about: Mapping[str, str],
    preset: Preset,
    effects: Effects,
    defaults: UploadDefaults,
) -> Accepted | Noted:
    """Whichever half comes last makes the task; where both come at once, both make the same one."""
    part = pair_part(upload.key)
    if part is None:
        raise _Unacceptable(f"{PAIRED} starts from two files: name.character.png (or .mp4) and name.reference.mp4.")
    # Said now, and not when the other half comes.
    _asked(PAIRED, about, preset, defaults)
    halves = effects.pairs.arrive(upload.bucket, part, upload.half)
    effects.consumed.note(upload.task_id, "pair", effects.clock.now())
    if halves[part.part].version != upload.version:
        return Noted("superseded")
    other = halves.get(part.other)
    if other is None:
        return Noted("waiting")
    uploads = {part.part: upload, part.other: _upload_of(upload.bucket, other)}
    both = [uploads["character"], uploads["reference"]]
    task_id = task_id_of_pair(upload.bucket, *((each.key, each.version) for each in both))
    with suppress(NoSuchTask):
        return _tagged(accept_again(effects.tasks.get(task_id), effects), effects, *both)
    try:
        found = {part.part: (stored, about), part.other: _look(uploads[part.other], effects)}
    except (NoSuchObject, _Overwritten):
        # A new one will find this one waiting.
        effects.pairs.forget(upload.bucket, replace(part, part=part.other), other)
        return Noted("waiting")
    merged = {**found["character"][1], **found["reference"][1]}
    asked = _asked(PAIRED, merged, preset, defaults)
    for name, each in uploads.items():
        content_type = _media_type(each.key, found[name][0])
        asked.request[name] = {"type": content_type.partition("/")[0], "uri": each.link}
    reference = uploads["reference"]
    source = uploads["character"].source | {"reference": reference.key}
    if reference.version_id:
        source["referenceVersionId"] = reference.version_id
    etags = {each.key: each.etag or found[name][0].etag for name, each in uploads.items()}
    order = _order(asked, source, task_id, etags, upload, defaults)
    return _tagged(accept(order, effects, defaults.deadline_seconds), effects, *both)


def _upload_of(bucket: str, half: Half) -> Upload:
    return Upload(bucket, half.key, half.version_id, half.sequencer, half.created_at, half.etag)


def _asked(name: str, about: Mapping[str, str], preset: Preset, defaults: UploadDefaults) -> _Asked:
    """The request that metadata makes of a preset, or of the defaults where there is none."""
    at = operation(name)
    wanted = completed({"operation": name}, preset)
    only = next(iter(at.models)) if len(at.models) == 1 else None
    said = about.get("tarmac-model") or wanted["request"].get("model")
    model = at.model(str(at.sole_model or said or only or defaults.model))
    parameters = model.parameters or {}
    request: dict[str, Any] = {"model": model.name} if at.sole_model is None else {}
    if preset is NO_PRESET:
        # A default is for models that have such a parameter; what the object itself asks for is passed on and judged.
        usual = {"ratio": defaults.ratio, "duration": defaults.duration, "promptText": defaults.prompt_text}
        request |= {field: value for field, value in usual.items() if value and field in parameters}
    request = {**in_contract(wanted["request"], model), **request}
    metadata = dict(wanted["metadata"])
    for word, text in about.items():
        if word.startswith(_METADATA):
            metadata[word.removeprefix(_METADATA)] = text
        elif word.startswith("tarmac-") and word not in _OWN_WORDS:
            path = path_of(word.removeprefix("tarmac-"))
            if model.known and path[0] not in parameters and path[0] not in (model.spellings or {}):
                raise _Unacceptable(f"{word}: {model.name} has no parameter {path[0]}.")
            try:
                put(request, path, typed(text, parameters, path))
            except BadField as problem:
                raise _Unacceptable(f"{word}: {problem}.") from None
    return _Asked(name, model, request, metadata, about.get("tarmac-webhook-url") or wanted["webhookUrl"])


def _media_type(key: str, stored: StoredObject) -> str:
    if stored.size_bytes > LARGEST_UPLOAD:
        raise _Unacceptable(
            f"The file has {stored.size_bytes} bytes, more than the {LARGEST_UPLOAD} that Runway takes."
        )
    return type_of_name(key) or normal_type(stored.content_type)


def _put_in(asked: _Asked, content_type: str, link: str) -> None:
    """The object's link where the preset says, or in the first parameter that takes such a file."""
    if names_object(asked.request):
        asked.request.update(with_object(asked.request, link))
        return
    model = asked.model
    if not place_object(asked.request, model.parameters or {}, content_type.partition("/")[0], link):
        if not model.known:
            raise _Unacceptable(f"tarmac-model: {model.name} is not a model of {model.operation}.")
        raise _Unacceptable(f"{model.name} does not start from a file of type {content_type}.")


def _order(
    asked: _Asked,
    source: Mapping[str, str],
    task_id: str,
    etags: Mapping[str, str | None],
    upload: Upload,
    defaults: UploadDefaults,
) -> Order:
    wanted = {
        "operation": asked.operation,
        "request": asked.request,
        "metadata": asked.metadata,
        "webhookUrl": asked.webhook_url,
    }
    order = order_of(wanted, defaults.client, source, task_id, defaults.allowed)
    return replace(
        order,
        s3_allowed=defaults.allowed.input_buckets | {upload.bucket},
        etags={key: etag for key, etag in etags.items() if etag},
    )


def _tagged(accepted: Accepted, effects: Effects, *uploads: Upload) -> Accepted:
    """Each source leads to its task: repeated events tag again, since the first may have died before."""
    for upload in uploads:
        _tag(upload, accepted.task.id, effects)
    return accepted


def _tag(upload: Upload, value: str, effects: Effects) -> None:
    """S3 replaces all tags at once, and Tarmac may set its own alone: an object that has other tags keeps those."""
    with suppress(NoSuchObject):
        if upload.etag not in (None, effects.uploads.head(upload.key, upload.version_id).etag):
            return
        tags = effects.uploads.tags(upload.key, upload.version_id)
        if tags.keys() - {TAG}:
            logger.info("an object has tags of its own, and gets none", key=upload.key)
        elif tags.get(TAG) != value:
            effects.uploads.set_tags(upload.key, {TAG: value}, upload.version_id)


def _reject(
    upload: Upload,
    reason: str,
    issues: tuple[Mapping[str, Any], ...],
    words: tuple[str, str],
    effects: Effects,
    defaults: UploadDefaults,
) -> Rejected:
    """A report beside the object, then the notice: whoever hears the one finds the other."""
    operation_name, model = words
    report = {
        "source": upload.source,
        "reason": reason,
        "issues": list(issues),
        "uploadedAt": to_iso(upload.created_at),
        "notice": f"{upload.task_id}-rejected",
    }
    content = json.dumps(report, ensure_ascii=False, indent=2).encode("utf-8", "replace")
    effects.uploads.put(failed_key(upload.key), content, "application/json")
    message, attributes = upload_rejected(
        f"{upload.task_id}-rejected", defaults.client, operation_name, model, upload.source, reason, upload.created_at
    )
    effects.topic.publish(message, attributes)
    return Rejected(upload.task_id, reason)
