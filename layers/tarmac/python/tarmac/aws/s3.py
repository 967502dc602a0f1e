"""Adapter for S3 buckets, with boto3."""

from __future__ import annotations

import base64
import os
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, cached_property
from typing import Any

from tarmac.aws.services import code_of
from tarmac.ports import (
    AlreadyThere,
    ConditionFailed,
    NoSuchObject,
    ReadStream,
    StoredObject,
    UploadForm,
    WriteConflict,
)

_MISSING = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound"})
_TAKEN = frozenset({"412", "PreconditionFailed"})
_CONFLICT = "ConditionalRequestConflict"
"""Another write to the key was under way, so S3 has not judged the condition (409)."""

_REPLACE_TRIES = 5

_LARGEST_PUT_BYTES = 5 * 1024**3
_PART_BYTES = 16 * 1024 * 1024


@cache
def s3_client() -> Any:
    """The S3 client with the region and endpoint of the environment.

    It is created once per process, at first use, because it takes more than half of a cold start.
    """
    import boto3
    from botocore.config import Config

    # virtual: links and forms name the bucket's region. "auto" signs them for s3.amazonaws.com, which redirects
    # requests for new buckets in other regions, and a form or signature is invalid after a redirect.
    options: dict[str, Any] = {"s3": {"addressing_style": "virtual"}}
    options["retries"] = {"mode": "standard", "max_attempts": 4}
    if os.environ.get("AWS_ENDPOINT_URL"):
        options["s3"]["addressing_style"] = "path"
    if is_local():
        # A stream can be signed only over TLS, which the local AWS does not have, so its payload is not signed.
        options["s3"]["payload_signing_enabled"] = False
        options["request_checksum_calculation"] = "when_required"
    return boto3.client("s3", config=Config(signature_version="s3v4", **options))


def is_local() -> bool:
    """Whether the endpoint has no TLS, as the local AWS has none."""
    return os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")


class S3Objects:
    def __init__(self, bucket: str, s3: Any = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self._bucket = bucket
        self._given = s3
        self._sleep = sleep

    @cached_property
    def _s3(self) -> Any:
        return self._given or s3_client()

    @property
    def bucket(self) -> str:
        return self._bucket

    def head(self, key: str, version_id: str | None = None) -> StoredObject:
        try:
            answer = self._s3.head_object(**self._at(key, version_id), ChecksumMode="ENABLED")
        except Exception as error:
            raise _missing_or(error) from error
        checksum = answer.get("ChecksumSHA256")
        return StoredObject(
            size_bytes=answer["ContentLength"],
            content_type=answer.get("ContentType", "application/octet-stream"),
            metadata=answer.get("Metadata", {}),
            sha256=base64.b64decode(checksum).hex() if checksum and "-" not in checksum else None,
            version_id=answer.get("VersionId"),
            etag=answer["ETag"].strip('"'),
        )

    def open(
        self, key: str, version_id: str | None = None, *, etag: str | None = None, span: tuple[int, int] | None = None
    ) -> ReadStream:
        asked = self._at(key, version_id) | ({"IfMatch": etag} if etag else {})
        if span is not None:
            asked["Range"] = f"bytes={span[0]}-{span[1] - 1}"
        try:
            stream: ReadStream = self._s3.get_object(**asked)["Body"]
        except Exception as error:
            # The object was replaced by another one.
            raise NoSuchObject() if code_of(error) in _TAKEN else _missing_or(error) from error
        return stream

    def put(self, key: str, content: bytes, content_type: str) -> None:
        self._s3.put_object(**self._at(key), Body=content, ContentType=content_type)

    def replace(self, key: str, content: bytes, content_type: str, over: str | None) -> None:
        only = {"IfNoneMatch": "*"} if over is None else {"IfMatch": over}
        for attempt in range(1, _REPLACE_TRIES + 1):
            try:
                self._s3.put_object(**self._at(key), Body=content, ContentType=content_type, **only)
            except Exception as error:
                if code_of(error) in _TAKEN | _MISSING:
                    raise ConditionFailed from error
                if code_of(error) != _CONFLICT:
                    raise
                if attempt == _REPLACE_TRIES:
                    raise WriteConflict(key) from error
                self._sleep(random.random() * 0.1 * 2**attempt)
            else:
                return

    def put_new(
        self,
        key: str,
        content: ReadStream,
        size_bytes: int | None,
        content_type: str,
        metadata: Mapping[str, str],
    ) -> None:
        about = {"ContentType": content_type, "Metadata": dict(metadata)}
        try:
            if size_bytes is None or size_bytes > _LARGEST_PUT_BYTES:
                self._put_parts(key, content, about)
            else:
                self._put_whole(key, content, size_bytes, about)
        except Exception as error:
            if code_of(error) in _TAKEN:
                raise AlreadyThere(key) from error
            # The stream is used up, and cannot be rewound either by boto3 for its own retry after a 503.
            if code_of(error) == _CONFLICT or type(error).__name__ == "UnseekableStreamError":
                raise WriteConflict(key) from error
            raise

    def _put_whole(self, key: str, content: ReadStream, size_bytes: int, about: Mapping[str, Any]) -> None:
        """Stream the source into one PutObject, which takes a third less CPU than multipart and no buffer."""
        # S3 checks and stores the SHA-256 at the end of the stream. This requires TLS.
        checksum = {} if is_local() else {"ChecksumAlgorithm": "SHA256"}
        self._s3.put_object(
            **self._at(key), Body=content, ContentLength=size_bytes, IfNoneMatch="*", **about, **checksum
        )

    def _put_parts(self, key: str, content: ReadStream, about: Mapping[str, Any]) -> None:
        upload = self._at(key) | {"UploadId": self._s3.create_multipart_upload(**self._at(key), **about)["UploadId"]}
        try:
            parts: list[dict[str, Any]] = []
            while part := _read_exactly(content, _PART_BYTES):
                number = len(parts) + 1
                etag = self._s3.upload_part(**upload, PartNumber=number, Body=part)["ETag"]
                parts.append({"ETag": etag, "PartNumber": number})
            self._s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
        except BaseException:
            with suppress(Exception):
                self._s3.abort_multipart_upload(**upload)
            raise

    def delete(self, key: str) -> None:
        self._s3.delete_object(**self._at(key))

    def tags(self, key: str, version_id: str | None = None) -> Mapping[str, str]:
        try:
            found = self._s3.get_object_tagging(**self._at(key, version_id))["TagSet"]
        except Exception as error:
            raise _missing_or(error) from error
        return {tag["Key"]: tag["Value"] for tag in found}

    def set_tags(self, key: str, tags: Mapping[str, str], version_id: str | None = None) -> None:
        wanted = [{"Key": name, "Value": value} for name, value in tags.items()]
        try:
            self._s3.put_object_tagging(**self._at(key, version_id), Tagging={"TagSet": wanted})
        except Exception as error:
            raise _missing_or(error) from error

    def link(self, key: str, seconds: int, version_id: str | None = None) -> str:
        at = self._at(key, version_id)
        url: str = self._s3.generate_presigned_url("get_object", Params=at, ExpiresIn=seconds)
        return url

    def upload_form(self, key: str, content_type: str, smallest: int, largest: int, seconds: int) -> UploadForm:
        # S3 rejects a field without a condition and a condition without its field. The SDKs send `metadata` only
        # sometimes, so the form has it with any value. The Python SDK overwrites it; the Node SDK sends it twice, which
        # S3 reads as one value with a comma. See docs/decisions/0013-uploads.md.
        form = self._s3.generate_presigned_post(
            self._bucket,
            key,
            Fields={"Content-Type": content_type, "metadata": "-"},
            Conditions=[
                {"Content-Type": content_type},
                ["starts-with", "$metadata", ""],
                ["content-length-range", smallest, largest],
            ],
            ExpiresIn=seconds,
        )
        return UploadForm(form["url"], form["fields"])

    def _at(self, key: str, version_id: str | None = None) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": key} | ({"VersionId": version_id} if version_id else {})


def _missing_or(error: Exception) -> Exception:
    return NoSuchObject() if code_of(error) in _MISSING else error


def _read_exactly(source: ReadStream, size: int) -> bytes:
    """The next `size` bytes, or fewer at the end of the source."""
    pieces = []
    while size > 0 and (piece := source.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
