"""Errors of S3 that only AWS shows, as boto3's real client receives them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError
from urllib3 import HTTPResponse

from tarmac.aws import s3 as adapter
from tarmac.aws.s3 import S3Objects
from tarmac.aws.services import code_of
from tarmac.media.downloads import CountingStream
from tarmac.ports import AlreadyThere, ConditionFailed, WriteConflict

CONTENT = b"content" * 1000

Answer = tuple[int, str]
"""A status, and the code of the error in the body."""

CONFLICT: Answer = (409, "ConditionalRequestConflict")
FAILED: Answer = (412, "PreconditionFailed")
SLOW_DOWN: Answer = (503, "SlowDown")
DONE: Answer = (200, "")


class Bucket:
    """S3 behind boto3: returns the listed answers in turn, then the last one again, and records the requests."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [DONE]
        self.requests: list[tuple[str, bytes]] = []

    def answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        body: Any = request.body.read() if hasattr(request.body, "read") else request.body or b""
        self.requests.append((request.method, body))
        status, code = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        xml = f"<Error><Code>{code}</Code><Message>no</Message></Error>" if code else ""
        content = b"" if request.method == "HEAD" else xml.encode()
        raw = HTTPResponse(io.BytesIO(content), preload_content=False)
        headers: Any = {"ETag": '"x"', "content-length": str(len(content))}
        return AWSResponse(request.url, status, headers, raw)


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def objects(bucket: Bucket, pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> S3Objects:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr("botocore.endpoint.time.sleep", pauses.append)
    s3 = adapter.s3_client.__wrapped__()
    s3.meta.events.register("before-send.s3", bucket.answer)
    return S3Objects("archive", s3, pauses.append)


class TestConflicts:
    """409: another write to the key was under way, so the condition was not judged."""

    def test_a_replacement_is_retried(self, objects: S3Objects, bucket: Bucket, pauses: list[float]) -> None:
        bucket.answers = [CONFLICT, CONFLICT, DONE]
        objects.replace("a", CONTENT, "image/png", "etag")
        assert [CONTENT in body for _, body in bucket.requests] == [True] * 3
        assert len(pauses) == 2

    def test_a_replacement_finds_out_that_it_is_late(self, objects: S3Objects, bucket: Bucket) -> None:
        bucket.answers = [CONFLICT, FAILED]
        with pytest.raises(ConditionFailed):
            objects.replace("a", CONTENT, "image/png", "etag")

    def test_a_replacement_fails_after_five_conflicts(self, objects: S3Objects, bucket: Bucket) -> None:
        bucket.answers = [CONFLICT]
        with pytest.raises(WriteConflict):
            objects.replace("a", CONTENT, "image/png", None)
        assert len(bucket.requests) == 5

    @pytest.mark.parametrize("size_bytes", [len(CONTENT), None], ids=["in one request", "in parts"])
    def test_a_new_object_is_not_taken_for_one_that_exists(
        self, size_bytes: int | None, objects: S3Objects, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if size_bytes is None:
            monkeypatch.setattr(objects._s3, "create_multipart_upload", lambda **_: {"UploadId": "u"})
            monkeypatch.setattr(objects._s3, "upload_part", lambda **_: {"ETag": "e"})
        bucket.answers = [CONFLICT]
        with pytest.raises(WriteConflict):
            objects.put_new("a", io.BytesIO(CONTENT), size_bytes, "video/mp4", {})
        bucket.answers = [FAILED]
        with pytest.raises(AlreadyThere):
            objects.put_new("a", io.BytesIO(CONTENT), size_bytes, "video/mp4", {})


class TestSlowDown:
    """503: boto3 retries it by itself if it can rewind the body."""

    CALLS: ClassVar[dict[str, Callable[[S3Objects], object]]] = {
        "head": lambda objects: objects.head("a"),
        "open": lambda objects: objects.open("a"),
        "put": lambda objects: objects.put("a", CONTENT, "image/png"),
        "delete": lambda objects: objects.delete("a"),
        "new object of a file": lambda objects: objects.put_new(
            "a", io.BytesIO(CONTENT), len(CONTENT), "video/mp4", {}
        ),
    }

    @pytest.mark.parametrize("name", CALLS)
    def test_is_retried(self, name: str, objects: S3Objects, bucket: Bucket) -> None:
        bucket.answers = [SLOW_DOWN, SLOW_DOWN, DONE]
        self.CALLS[name](objects)
        assert len(bucket.requests) == 3
        assert len({body for _, body in bucket.requests}) == 1

    def test_of_a_stream_starts_the_copy_again(self, objects: S3Objects, bucket: Bucket) -> None:
        """A download cannot be rewound: the caller opens it again."""
        bucket.answers = [SLOW_DOWN, DONE]
        stream = CountingStream(iter([CONTENT]), len(CONTENT), float("inf"))
        with pytest.raises(WriteConflict):
            objects.put_new("a", stream, len(CONTENT), "video/mp4", {})
        assert len(bucket.requests) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [
        # Of a missing object, where the role lacks s3:ListBucket.
        (403, "AccessDenied"),
        (400, "ExpiredToken"),
        (403, "InvalidAccessKeyId"),
        (403, "SignatureDoesNotMatch"),
        (403, "RequestTimeTooSkewed"),
    ],
)
class TestRejections:
    """Neither "not found" nor a failed condition; a retry in this process keeps its credentials."""

    CALLS: ClassVar[dict[str, Callable[[S3Objects], object]]] = {
        "open": lambda objects: objects.open("a"),
        "open one version": lambda objects: objects.open("a", "v1", etag="x"),
        "replace": lambda objects: objects.replace("a", CONTENT, "image/png", None),
        "put new": lambda objects: objects.put_new("a", io.BytesIO(CONTENT), len(CONTENT), "video/mp4", {}),
        "tags": lambda objects: objects.tags("a"),
    }

    @pytest.mark.parametrize("name", CALLS)
    def test_are_errors(self, name: str, status: int, code: str, objects: S3Objects, bucket: Bucket) -> None:
        bucket.answers = [(status, code)]
        with pytest.raises(ClientError) as caught:
            self.CALLS[name](objects)
        assert code_of(caught.value) == code

    def test_of_a_head_are_errors(self, status: int, code: str, objects: S3Objects, bucket: Bucket) -> None:
        """The response to a HEAD has no body, so the code is the status."""
        bucket.answers = [(status, code)]
        with pytest.raises(ClientError) as caught:
            objects.head("a")
        assert code_of(caught.value) == str(status)
