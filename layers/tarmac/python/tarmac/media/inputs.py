"""Input media on its way to Runway: inline in a body, then an object in a bucket, then an ephemeral upload.

A held request is `{"body": …, "inputs": [{path, bucket, key, versionId?, eTag?, kinds?}]}`: at each path of the body
stands the `s3://` link of the object, for people to read; the list alone decides what is uploaded, so that a prompt
which merely looks like a link stays a prompt.
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
from tarmac.requests.validation import Issue, Path, strings
from tarmac.runway.errors import CreateRefused

HEAD_BYTES = 64
_SPOOL_BYTES = 8 * 1024 * 1024
_OWN_PREFIXES = ("inputs/", "uploads/", "batches/", "presets/", "failed/")

MOST_INPUTS = 50
"""Files of one request that Tarmac itself looks at or moves: each takes a call or two of AWS."""

LINK_SECONDS = 48 * 3600
"""Of links for an upstream that takes no uploads: as long as a task may live at most."""

MOST_PLAIN_BYTES = 1024 * 1024
"""Of a body as JSON, without its files: DynamoDB writes 4 MB at once, and a request is kept in ASCII, which can
be three times as long."""

Places = Mapping[Path, tuple[str, ...]]
"""Where a body's media stand: `tarmac.requests.validation.media_places`."""

Source = dict[str, Any]
"""One stored input: `{bucket, key, versionId?, eTag?, kinds?}`; kinds are those that fit its field."""


class InputMissing(Exception):
    """A held input is gone; the message names the object."""


class InputUnusable(Exception):
    """A held input is no file that Runway takes in its field; the message says why."""


def unusable_inline_media(body: Mapping[str, Any], places: Places, known: Collection[Path]) -> list[Issue]:
    """Issues for data URIs that cannot be decoded, at paths that have no issue yet, and for files or other bytes too
    many."""
    issues = []
    files = [(path, value) for path, value in strings(body) if path in places and _is_file(value)]
    if len(files) > MOST_INPUTS:
        return [Issue("too_big", files[MOST_INPUTS][0], f"A request holds at most {MOST_INPUTS} files")]
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
        issues.append(Issue("too_big", (longest,), f"A request has {MOST_PLAIN_BYTES} bytes at most beside its files"))
    return issues


def name_own_outputs(
    body: Mapping[str, Any], places: Places, client: str, archive_bucket: str
) -> tuple[dict[str, Any], bool]:
    """The body with `s3://` links where it names outputs of the client's own, and whether it names any: their signed
    links die, and answer no HEAD, which Runway asks of a link."""
    named: dict[str, Any] = _copy(body)
    found = False
    for path, value in strings(body):
        if path in places and (key := own_output(value, archive_bucket, client)) is not None:
            _replace(named, path, s3_uri(archive_bucket, key))
            found = True
    return named, found


def stored_inputs(
    body: Mapping[str, Any], places: Places, client: str, s3_allowed: Collection[str], effects: Effects
) -> tuple[dict[Path, Source], list[Issue]]:
    """The objects that a checked body names, by path: uploads and outputs of the client, `s3://` of allowed buckets.

    Issues for uploads that are not the client's, not there, or no file for their field. A `runway://` URI of Runway's
    own is none of these, and no use to another upstream.
    """
    sources: dict[Path, Source] = {}
    issues = []
    for path, value in strings(body):
        kinds = places.get(path)
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
                    f"{effects.flavor.name} does not know what was uploaded to Runway: send a link, or upload it here"
                )
        except BadMedia as problem:
            issues.append(Issue("custom", path, str(problem)))
    return sources, issues


def _made_here(key: str, kinds: tuple[str, ...], effects: Effects) -> Source:
    try:
        head = effects.archive.open(key).read(HEAD_BYTES)
    except NoSuchObject:
        raise BadMedia("this output is not there (any more)") from None
    input_type(head, type_of_name(key) or "", kinds)
    return {"bucket": effects.archive.bucket, "key": key, "kinds": list(kinds)}


def _uploaded(uri: str, kinds: tuple[str, ...], client: str, effects: Effects) -> Source:
    slot = effects.upload_slots.find(uri, client, effects.clock.now())
    if slot is None:
        raise BadMedia("this upload is not known: it is not yours, or older than 24 hours (POST /v1/uploads)")
    try:
        # Runway would say so hours later. Size and key are what the signed form allowed.
        head = effects.uploads.open(slot.key).read(HEAD_BYTES)
    except NoSuchObject:
        raise BadMedia("nothing was uploaded to this URI yet: post the file to its uploadUrl first") from None
    input_type(head, slot.content_type, kinds)
    return {"bucket": effects.uploads.bucket, "key": slot.key, "kinds": list(kinds)}


def _linked(uri: str, kinds: tuple[str, ...], allowed: Collection[str], upload_bucket: str) -> Source:
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise BadMedia("this is not an s3:// link") from None
    key = unquote(parts.path.removeprefix("/"))
    version = parts.query.removeprefix("versionId=")
    if not key or parts.fragment or (parts.query and not (version and parts.query.startswith("versionId="))):
        raise BadMedia("an s3:// link looks like s3://bucket/key or s3://bucket/key?versionId=…, percent-encoded")
    if parts.netloc not in allowed or (parts.netloc == upload_bucket and key.startswith(_OWN_PREFIXES)):
        raise BadMedia("Tarmac reads no s3:// links there: see its parameter InputBuckets")
    source: Source = {"bucket": parts.netloc, "key": key, "kinds": list(kinds)}
    return source | ({"versionId": version} if version else {})


def hold_inputs(
    body: Mapping[str, Any], places: Places, sources: Mapping[Path, Source], task_id: str, effects: Effects
) -> dict[str, Any]:
    """The held request of a checked body; its data URIs are objects from then on.

    A row holds 400 KB and a task may wait a day for its turn. sources: from `stored_inputs`.
    """
    held: dict[str, Any] = {"body": _copy(body), "inputs": []}
    for path, value in strings(body):
        if path in sources:
            source = dict(sources[path])
        elif path in places and is_inline(value):
            media = decode_data_uri(value)
            key = input_key(task_id, len(held["inputs"]) + 1, EXTENSIONS.get(media.content_type, "bin"))
            effects.uploads.put(key, media.content, media.content_type)
            source = {"bucket": effects.uploads.bucket, "key": key}
        else:
            continue
        _replace(held["body"], path, s3_uri(source["bucket"], source["key"]))
        held["inputs"].append({"path": list(path)} | source)
    return held


def name_inputs(body: Mapping[str, Any], sources: Mapping[Path, Source]) -> dict[str, Any]:
    """The held request of a checked body that is sent at once: its data URIs stay in it."""
    return {"body": body, "inputs": [{"path": list(path)} | source for path, source in sources.items()]}


def upload_inputs(
    held: Mapping[str, Any], effects: Effects, most_seconds: float, largest: int = LARGEST_UPLOAD
) -> dict[str, Any]:
    """The body as the upstream takes it: each input uploaded just now and good for 24 h, or as a link into its bucket,
    or as a data URI where it is too small for an upload. largest: bytes of one. most_seconds: for all of them; what
    follows needs the rest of the function's time.

    Raises InputMissing, InputUnusable, and the client's CreateRefused and CreateRejected.
    """
    give_up_at = effects.clock.now() + most_seconds
    body: dict[str, Any] = _copy(held["body"])
    uploaded: dict[tuple[str, str, str | None], str] = {}
    for source in held["inputs"]:
        at = source["bucket"], source["key"], source.get("versionId")
        if at not in uploaded:
            bucket = effects.input_bucket(source["bucket"])
            if bucket is None:
                raise InputMissing(f"the bucket {source['bucket']} is not one that Tarmac reads")
            uploaded[at] = _as_upstream_takes_it(source, bucket, effects, largest)
            if effects.clock.now() > give_up_at:
                raise CreateRefused(f"the inputs could not be handed on in {most_seconds:.0f} s: nothing was bought")
        _replace(body, source["path"], uploaded[at])
    return body


def _as_upstream_takes_it(source: Source, bucket: Objects, effects: Effects, largest: int) -> str:
    key, version_id, etag = source["key"], source.get("versionId"), source.get("eTag")
    try:
        stored = bucket.head(key, version_id)
        if etag not in (None, stored.etag):
            raise InputMissing(f"the input {s3_uri(bucket.bucket, key)} was overwritten before it was read")
        if stored.size_bytes > largest:
            raise InputUnusable(f"an input has {stored.size_bytes} bytes, more than the {largest} allowed")
        content = bucket.open(key, version_id, etag=etag)
    except NoSuchObject:
        raise InputMissing(f"the input {s3_uri(bucket.bucket, key)} is no longer there") from None
    if not effects.flavor.takes_uploads:
        if "kinds" in source:
            _checked_type(content.read(HEAD_BYTES), stored.content_type, source["kinds"])
        return bucket.link(key, LINK_SECONDS, version_id)
    content_type = normal_type(stored.content_type)
    if content_type not in EXTENSIONS:
        content_type = type_of_name(key) or content_type
    # A multipart body needs its length in advance, which a stream cannot tell.
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


def _checked_type(head: bytes, said: str, kinds: list[str]) -> str:
    try:
        return input_type(head, said, tuple(kinds))
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
