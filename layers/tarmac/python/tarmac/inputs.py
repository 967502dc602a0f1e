"""Input media on its way to Runway: inline in a body, then an object in the upload bucket, then an ephemeral upload.

A held request is `{"body": …, "inputs": [{path, bucket, key, versionId?}]}`: at each path of the body stands the
`s3://` link of the object, for people to read; the list alone decides what is uploaded, so that a prompt which merely
looks like a link stays a prompt.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

from tarmac.ports import NoSuchObject, Objects, Runway
from tarmac.rules.media import (
    EXTENSIONS,
    BadMedia,
    decode_data_uri,
    is_data_uri,
    normal_type,
    type_of_name,
)
from tarmac.rules.names import input_key, s3_uri
from tarmac.rules.validation import Issue, Path

_SPOOL_BYTES = 8 * 1024 * 1024


class InputMissing(Exception):
    """A held input is gone; the message names the object."""


def unreadable_inline_media(body: Mapping[str, Any], known: Collection[Path]) -> list[Issue]:
    """Issues for data URIs that cannot be decoded, at paths that have no issue yet."""
    issues = []
    for path, value in _strings(body):
        if path not in known and _is_inline(value):
            try:
                decode_data_uri(value)
            except BadMedia as problem:
                issues.append(Issue("custom", path, str(problem)))
    return issues


def hold_inputs(body: Mapping[str, Any], task_id: str, uploads: Objects, s3_allowed: bool) -> dict[str, Any]:
    """The held request of a checked body; its data URIs are objects from then on.

    A row holds 400 KB and a task may wait a day for its turn.
    """
    held: dict[str, Any] = {"body": _copy(body), "inputs": []}
    for path, value in _strings(body):
        if _is_inline(value):
            media = decode_data_uri(value)
            key = input_key(task_id, len(held["inputs"]) + 1, EXTENSIONS.get(media.content_type, "bin"))
            uploads.put(key, media.content, media.content_type)
            source = {"bucket": uploads.bucket, "key": key}
        elif s3_allowed and value.startswith("s3://"):
            source = _parse_s3_uri(value)
        else:
            continue
        _replace(held["body"], path, s3_uri(source["bucket"], source["key"]))
        held["inputs"].append({"path": list(path)} | source)
    return held


def upload_inputs(held: Mapping[str, Any], uploads: Objects, runway: Runway) -> dict[str, Any]:
    """The body as Runway takes it, each input uploaded just now and good for 24 h.

    Raises InputMissing, and the client's CreateRefused and CreateRejected.
    """
    body: dict[str, Any] = _copy(held["body"])
    uploaded: dict[tuple[str, str | None], str] = {}
    for source in held["inputs"]:
        at = source["key"], source.get("versionId")
        if source["bucket"] != uploads.bucket:
            raise InputMissing(f"the bucket {source['bucket']} is not one that Tarmac reads")
        if at not in uploaded:
            uploaded[at] = _upload(*at, uploads, runway)
        _replace(body, source["path"], uploaded[at])
    return body


def _upload(key: str, version_id: str | None, uploads: Objects, runway: Runway) -> str:
    try:
        stored = uploads.head(key, version_id)
        source = uploads.open(key, version_id)
    except NoSuchObject:
        raise InputMissing(f"the input {s3_uri(uploads.bucket, key)} is no longer there") from None
    content_type = normal_type(stored.content_type)
    if content_type not in EXTENSIONS:
        content_type = type_of_name(key) or content_type
    filename = f"input.{EXTENSIONS.get(content_type, 'bin')}"
    # A multipart body needs its length in advance, which a stream cannot tell.
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
        shutil.copyfileobj(source, spool, 1024 * 1024)
        spool.seek(0)
        return runway.upload(filename, content_type, cast(BinaryIO, spool))


def _is_inline(value: str) -> bool:
    return is_data_uri(value) and ";base64," in value[:200]


def _parse_s3_uri(uri: str) -> dict[str, str]:
    parts = urlsplit(uri)
    source = {"bucket": parts.netloc, "key": unquote(parts.path.removeprefix("/"))}
    if parts.query.startswith("versionId="):
        source["versionId"] = parts.query.removeprefix("versionId=")
    return source


def _strings(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _strings(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _strings(part, (*path, index))


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copy(part) for name, part in value.items()}
    return [_copy(part) for part in value] if isinstance(value, list) else value


def _replace(body: Any, path: Any, value: str) -> None:
    *parents, last = path
    for step in parents:
        body = body[step]
    body[last] = value
