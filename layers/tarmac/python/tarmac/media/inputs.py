"""Input media of a create: checks it, stores inline files in S3, and uploads it to Runway when the task is submitted.

A held request is `{"body": …, "inputs": [{path, bucket, key, versionId?, eTag?, kinds?}]}`. The body has the `s3://`
link of the object at each path, for readers only. The list decides what is uploaded, so that a prompt that looks like
a link is sent unchanged.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Collection, Mapping
from typing import Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

from tarmac.effects import Effects
from tarmac.media.keys import input_key, is_upload_uri, own_output, s3_uri
from tarmac.ports import NoSuchObject, Objects
from tarmac.requests.media import (
    EXTENSIONS,
    LARGEST_UPLOAD,
    SMALLEST_UPLOAD,
    BadMedia,
    InlineMedia,
    data_uri,
    decode_data_uri,
    input_type,
    is_inline,
    normal_type,
    type_of_name,
)
from tarmac.requests.validation import Issue, MediaFields, Path, strings
from tarmac.runway.errors import CreateRefused

HEAD_BYTES = 64
_SPOOL_BYTES = 8 * 1024 * 1024
_OWN_PREFIXES = ("inputs/", "uploads/", "batches/", "presets/", "failed/")

MOST_INPUTS = 50
"""Files of one request that Tarmac reads or copies; each takes one or two calls to AWS."""

LINK_SECONDS = 48 * 3600
"""Lifetime of links for an upstream without uploads: the longest time that a task may take."""

MOST_PLAIN_BYTES = 1024 * 1024
"""Size limit of a body as JSON, without its files. A DynamoDB transaction holds 4 MB, and a request is stored as ASCII,
which can be three times as long."""

Source = dict[str, Any]
"""One stored input: `{bucket, key, versionId?, eTag?, kinds?}`. kinds: those that its field accepts."""


class InputMissing(Exception):
    """A held input no longer exists; the message names the object."""


class InputUnusable(Exception):
    """Runway does not accept a held input in its field; the message states the reason."""


def unusable_inline_media(body: Mapping[str, Any], media: MediaFields, known: Collection[Path]) -> list[Issue]:
    """Issues for invalid data URIs, too many files, and too many bytes beside the files.

    known: the paths that already have an issue; a data URI there gets no second one.
    """
    issues = []
    files = [(path, value) for path, value in strings(body) if path in media and _is_file(value)]
    if len(files) > MOST_INPUTS:
        return [Issue("too_big", files[MOST_INPUTS][0], f"A request may have at most {MOST_INPUTS} files")]
    for path, value in files:
        if path not in known and is_inline(value):
            try:
                decode_data_uri(value)
            except BadMedia as problem:
                issues.append(Issue("custom", path, str(problem)))
    plain = _copy(body)
    for path, _ in files:
        _replace(plain, path, "")
    sizes = {name: _json_bytes(value) for name, value in plain.items()}
    if sum(sizes.values()) > MOST_PLAIN_BYTES:
        longest = max(sizes, key=lambda name: sizes[name])
        issues.append(
            Issue("too_big", (longest,), f"A request may have at most {MOST_PLAIN_BYTES} bytes, not counting its files")
        )
    return issues


def name_own_outputs(body: Mapping[str, Any], media: MediaFields, client: str, archive_bucket: str) -> dict[str, Any]:
    """A copy of the body in which links to the client's own outputs are replaced by `s3://` links.

    Signed links expire, and they do not answer the HEAD request that Runway sends.
    """
    named: dict[str, Any] = _copy(body)
    for path, value in strings(body):
        if path in media and (key := own_output(value, archive_bucket, client)) is not None:
            _replace(named, path, s3_uri(archive_bucket, key))
    return named


def stored_inputs(
    body: Mapping[str, Any], media: MediaFields, client: str, s3_allowed: Collection[str], effects: Effects
) -> tuple[dict[Path, Source], list[Issue]]:
    """The S3 objects that a checked body names, by path, and an issue for each that cannot be used.

    Objects are uploads and outputs of the client, and `s3://` links to the buckets in `s3_allowed`. An upload or output
    must exist and be a file that its field accepts. A `runway://` URI of an upload to Runway itself is not an S3
    object; it is an issue for any other upstream.
    """
    sources: dict[Path, Source] = {}
    issues = []
    for path, value in strings(body):
        kinds = media.get(path)
        if kinds is None:
            continue
        try:
            if is_upload_uri(value):
                sources[path] = _uploaded(value, kinds, client, effects)
            elif (key := own_output(value, effects.archive.bucket, client)) is not None:
                sources[path] = _made_here(key, kinds, effects)
            elif value.startswith("s3://"):
                sources[path] = _linked(value, kinds, s3_allowed, effects.uploads.bucket)
            elif value.startswith("runway://") and not effects.flavor.takes_uploads:
                raise BadMedia(
                    f"{effects.flavor.name} cannot read uploads to Runway; send a link, or upload the file to Tarmac"
                )
        except BadMedia as problem:
            issues.append(Issue("custom", path, str(problem)))
    return sources, issues


def _made_here(key: str, kinds: tuple[str, ...], effects: Effects) -> Source:
    try:
        head = effects.archive.open(key).read(HEAD_BYTES)
    except NoSuchObject:
        raise BadMedia("output not found in the archive") from None
    input_type(head, type_of_name(key) or "", kinds)
    return {"bucket": effects.archive.bucket, "key": key, "kinds": list(kinds)}


def _uploaded(uri: str, kinds: tuple[str, ...], client: str, effects: Effects) -> Source:
    slot = effects.upload_slots.find(uri, client, effects.clock.now())
    if slot is None:
        raise BadMedia("upload not found, or older than 24 hours; upload the file again (POST /v1/uploads)")
    try:
        # Check the type now, because Runway would report it hours later. The signed form has limited size and key.
        head = effects.uploads.open(slot.key).read(HEAD_BYTES)
    except NoSuchObject:
        raise BadMedia("no file was uploaded to this URI; post the file to its uploadUrl first") from None
    input_type(head, slot.content_type, kinds)
    return {"bucket": effects.uploads.bucket, "key": slot.key, "kinds": list(kinds)}


def _linked(uri: str, kinds: tuple[str, ...], allowed: Collection[str], upload_bucket: str) -> Source:
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise BadMedia("invalid s3:// link") from None
    key = unquote(parts.path.removeprefix("/"))
    version = parts.query.removeprefix("versionId=")
    if not key or parts.fragment or (parts.query and not (version and parts.query.startswith("versionId="))):
        raise BadMedia("an s3:// link must be s3://bucket/key or s3://bucket/key?versionId=…, percent-encoded")
    if parts.netloc not in allowed or (parts.netloc == upload_bucket and key.startswith(_OWN_PREFIXES)):
        raise BadMedia("this s3:// link is not allowed; the parameter InputBuckets lists the allowed buckets")
    source: Source = {"bucket": parts.netloc, "key": key, "kinds": list(kinds)}
    return source | ({"versionId": version} if version else {})


def hold_inputs(
    body: Mapping[str, Any], media: MediaFields, sources: Mapping[Path, Source], task_id: str, effects: Effects
) -> dict[str, Any]:
    """The held request of a checked body, after storing each data URI as an S3 object.

    Data URIs cannot stay in the row, which holds 400 KB. sources: from `stored_inputs`.
    """
    held: dict[str, Any] = {"body": _copy(body), "inputs": []}
    for path, value in strings(body):
        if path in sources:
            source = dict(sources[path])
        elif path in media and is_inline(value):
            inline = decode_data_uri(value)
            key = input_key(task_id, len(held["inputs"]) + 1, EXTENSIONS.get(inline.content_type, "bin"))
            effects.uploads.put(key, inline.content, inline.content_type)
            source = {"bucket": effects.uploads.bucket, "key": key}
        else:
            continue
        _replace(held["body"], path, s3_uri(source["bucket"], source["key"]))
        held["inputs"].append({"path": list(path)} | source)
    return held


def name_inputs(body: Mapping[str, Any], sources: Mapping[Path, Source]) -> dict[str, Any]:
    """The held request of a checked body that is sent immediately, so that its data URIs stay in the body."""
    return {"body": body, "inputs": [{"path": list(path)} | source for path, source in sources.items()]}


def upload_inputs(
    held: Mapping[str, Any], effects: Effects, most_seconds: float, largest: int = LARGEST_UPLOAD
) -> dict[str, Any]:
    """The body as it is sent upstream, after uploading its inputs.

    An input becomes the URI of an upload, valid for 24 h. For an upstream without uploads it becomes a signed link; a
    file that is too small for an upload becomes a data URI. most_seconds: time limit for all inputs together. largest:
    size limit of one input in bytes.

    Raises InputMissing, InputUnusable, CreateRefused, CreateRejected.
    """
    give_up_at = effects.clock.now() + most_seconds
    body: dict[str, Any] = _copy(held["body"])
    uploaded: dict[tuple[str, str, str | None], str] = {}
    for source in held["inputs"]:
        at = source["bucket"], source["key"], source.get("versionId")
        if at not in uploaded:
            bucket = effects.input_bucket(source["bucket"])
            if bucket is None:
                raise InputMissing(f"the bucket {source['bucket']} is not listed in InputBuckets")
            uploaded[at] = _uri_for_upstream(source, bucket, effects, largest)
            if effects.clock.now() > give_up_at:
                raise CreateRefused(f"the inputs could not be uploaded within {most_seconds:.0f} s; nothing was bought")
        _replace(body, source["path"], uploaded[at])
    return body


def _uri_for_upstream(source: Source, bucket: Objects, effects: Effects, largest: int) -> str:
    key, version_id, etag = source["key"], source.get("versionId"), source.get("eTag")
    try:
        stored = bucket.head(key, version_id)
        if etag not in (None, stored.etag):
            raise InputMissing(f"the input {s3_uri(bucket.bucket, key)} was overwritten before it was read")
        if stored.size_bytes > largest:
            raise InputUnusable(f"an input has {stored.size_bytes} bytes, more than the {largest} allowed")
        content = bucket.open(key, version_id, etag=etag)
    except NoSuchObject:
        raise InputMissing(f"the input {s3_uri(bucket.bucket, key)} no longer exists") from None
    if not effects.flavor.takes_uploads:
        if "kinds" in source:
            _checked_type(content.read(HEAD_BYTES), stored.content_type, source["kinds"])
        return bucket.link(key, LINK_SECONDS, version_id)
    content_type = normal_type(stored.content_type)
    if content_type not in EXTENSIONS:
        content_type = type_of_name(key) or content_type
    # A multipart body needs its length in advance, so the stream is copied to a file.
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
        shutil.copyfileobj(content, spool, 1024 * 1024)
        spool.seek(0)
        if "kinds" in source:
            content_type = _checked_type(spool.read(HEAD_BYTES), content_type, source["kinds"])
            spool.seek(0)
        if stored.size_bytes < SMALLEST_UPLOAD:
            return data_uri(InlineMedia(content_type, spool.read()))
        filename = f"input.{EXTENSIONS.get(content_type, 'bin')}"
        return effects.runway.upload(filename, content_type, cast(BinaryIO, spool))


def _checked_type(head: bytes, declared: str, kinds: list[str]) -> str:
    try:
        return input_type(head, declared, tuple(kinds))
    except BadMedia as problem:
        raise InputUnusable(f"an input cannot be used: {problem}") from None


def _json_bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def _is_file(value: str) -> bool:
    return is_inline(value) or is_upload_uri(value) or value.startswith("s3://")


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copy(part) for name, part in value.items()}
    return [_copy(part) for part in value] if isinstance(value, list) else value


def _replace(body: Any, path: Any, value: str) -> None:
    *parents, last = path
    for step in parents:
        body = body[step]
    body[last] = value
