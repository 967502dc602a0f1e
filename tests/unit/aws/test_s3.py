"""One contract for both buckets: heads, streams, objects written once."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import httpx
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from urllib3 import HTTPResponse

from tarmac.aws import s3 as s3_adapter
from tarmac.aws.s3 import S3Objects
from tarmac.media.downloads import CountingStream
from tarmac.ports import AlreadyThere, ConditionFailed, NoSuchObject, Objects
from tests.fakes import MemoryObjects

CONTENT = bytes(range(256)) * 40
ABOUT = {"tarmac-task": "t", "tarmac-model": "gen4_turbo"}


def put_new(objects: Objects, content: bytes = CONTENT, size_bytes: int | None = len(CONTENT)) -> None:
    objects.put_new("acme/01.mp4", io.BytesIO(content), size_bytes, "video/mp4", ABOUT)


def test_an_object_is_read_as_it_was_put(objects: Objects) -> None:
    objects.put("inputs/ä b/01.png", b"content", "image/png")
    head = objects.head("inputs/ä b/01.png")
    assert (head.size_bytes, head.content_type, dict(head.metadata)) == (7, "image/png", {})
    assert objects.open("inputs/ä b/01.png").read() == b"content"


def test_a_stream_is_read_piece_by_piece(objects: Objects) -> None:
    objects.put("a", CONTENT, "image/png")
    stream = objects.open("a")
    assert stream.read(10) == CONTENT[:10]
    assert stream.read(len(CONTENT)) == CONTENT[10:]
    assert stream.read(10) == b""


def test_putting_again_replaces(objects: Objects) -> None:
    objects.put("a", b"old", "image/png")
    objects.put("a", b"new", "image/jpeg")
    assert objects.open("a").read() == b"new"
    assert objects.head("a").content_type == "image/jpeg"


def test_a_missing_object_is_not_found(objects: Objects) -> None:
    with pytest.raises(NoSuchObject):
        objects.head("nothing")
    with pytest.raises(NoSuchObject):
        objects.open("nothing")


def test_a_deleted_object_is_missing_and_deleting_again_is_fine(objects: Objects) -> None:
    objects.put("a", b"x", "image/png")
    objects.delete("a")
    objects.delete("a")
    with pytest.raises(NoSuchObject):
        objects.head("a")


@pytest.mark.parametrize("size_bytes", [len(CONTENT), None], ids=["length known", "length unknown"])
class TestPutNew:
    def test_stores_the_content_and_its_metadata(self, size_bytes: int | None, objects: Objects) -> None:
        put_new(objects, size_bytes=size_bytes)
        head = objects.head("acme/01.mp4")
        assert (head.size_bytes, head.content_type, dict(head.metadata)) == (len(CONTENT), "video/mp4", ABOUT)
        assert objects.open("acme/01.mp4").read() == CONTENT

    def test_writes_a_key_once(self, size_bytes: int | None, objects: Objects) -> None:
        put_new(objects, size_bytes=size_bytes)
        with pytest.raises(AlreadyThere):
            put_new(objects, b"other" * 2048, size_bytes=None if size_bytes is None else 5 * 2048)
        assert objects.open("acme/01.mp4").read() == CONTENT

    def test_stores_nothing_of_a_source_that_fails(self, size_bytes: int | None, objects: Objects) -> None:
        class Breaking(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                if self.tell():
                    raise ConnectionResetError("gone")
                return super().read(10)

        with pytest.raises(Exception, match="gone"):
            objects.put_new("acme/01.mp4", Breaking(CONTENT), size_bytes, "video/mp4", ABOUT)
        with pytest.raises(NoSuchObject):
            objects.head("acme/01.mp4")


class TestS3:
    def test_stores_the_checksum_of_the_whole_object(self, s3_objects: S3Objects) -> None:
        put_new(s3_objects)
        assert s3_objects.head("acme/01.mp4").sha256 == hashlib.sha256(CONTENT).hexdigest()

    def test_has_no_checksum_of_the_whole_for_one_stored_in_parts(
        self, s3_objects: S3Objects, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(s3_adapter, "_PART_BYTES", 5 * 1024 * 1024)
        content = b"0123456789abcdef" * (11 * 65536)
        s3_objects.put_new("big", io.BytesIO(content), None, "video/mp4", {})
        assert s3_objects.head("big").sha256 is None
        assert s3_objects.head("big").size_bytes == len(content)
        assert s3_objects.open("big").read() == content

    def test_leaves_no_parts_behind(self, s3_objects: S3Objects, s3: Any) -> None:
        class Breaking(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                raise ConnectionResetError("gone")

        with pytest.raises(ConnectionResetError):
            s3_objects.put_new("a", Breaking(), None, "video/mp4", {})
        assert "Uploads" not in s3.list_multipart_uploads(Bucket=s3_objects.bucket)

    def test_reads_the_version_that_is_named(self, s3_objects: S3Objects, s3: Any) -> None:
        at = {"Bucket": s3_objects.bucket, "Key": "a"}
        s3.put_bucket_versioning(Bucket=s3_objects.bucket, VersioningConfiguration={"Status": "Enabled"})
        first = s3.put_object(**at, Body=b"first", Metadata={"tarmac-model": "x"})["VersionId"]
        s3.put_object(**at, Body=b"second!")
        assert s3_objects.head("a", first).size_bytes == 5
        assert s3_objects.head("a", first).version_id == first
        assert dict(s3_objects.head("a", first).metadata) == {"tarmac-model": "x"}
        assert s3_objects.open("a", first).read() == b"first"
        assert s3_objects.open("a").read() == b"second!"
        assert httpx.URL(s3_objects.link("a", 60, first)).params["versionId"] == first

    def test_signs_a_link_that_expires_after_the_given_seconds(self, s3_objects: S3Objects) -> None:
        link = httpx.URL(s3_objects.link("acme/ä b.mp4", 600))
        assert link.scheme == "https"
        assert link.params["X-Amz-Expires"] == "600"
        assert link.path.endswith("/acme/ä b.mp4")

    def test_raises_other_errors_unchanged(self, s3: Any) -> None:
        with pytest.raises(Exception, match="NoSuchBucket"):
            S3Objects("no-such-bucket", s3).put("a", b"x", "image/png")

    def test_stores_what_a_single_request_cannot_hold_in_parts(
        self, s3_objects: S3Objects, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """PutObject ends at 5 GiB, whatever MaxOutputBytes says."""
        whole: list[int] = []
        monkeypatch.setattr(s3_objects, "_put_whole", lambda key, content, size, about: whole.append(size))
        monkeypatch.setattr(s3_objects, "_put_parts", lambda key, content, about: None)
        s3_objects.put_new("a", io.BytesIO(), 5 * 1024**3, "video/mp4", {})
        s3_objects.put_new("a", io.BytesIO(), 5 * 1024**3 + 1, "video/mp4", {})
        assert whole == [5 * 1024**3]


def headers_of(request: AWSPreparedRequest) -> dict[str, str]:
    return {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
    }


class TestOnTheWire:
    """The request to AWS for an output: a stream that cannot be rewound, over TLS. The local AWS has no TLS."""

    @pytest.fixture
    def put_request(self) -> tuple[AWSPreparedRequest, bytes]:
        """The request to S3 and its body."""
        requests: list[tuple[AWSPreparedRequest, bytes]] = []

        def answer(request: Any, **_: Any) -> Any:
            requests.append((request, request.body.read()))
            headers: Any = {"ETag": '"x"'}
            return AWSResponse(request.url, 200, headers, HTTPResponse(io.BytesIO(), preload_content=False))

        with pytest.MonkeyPatch.context() as environment:
            environment.delenv("AWS_ENDPOINT_URL", raising=False)
            environment.setenv("AWS_DEFAULT_REGION", "eu-central-1")
            environment.setenv("AWS_ACCESS_KEY_ID", "testing")
            environment.setenv("AWS_SECRET_ACCESS_KEY", "testing")
            s3 = s3_adapter.s3_client.__wrapped__()
            s3.meta.events.register("before-send.s3.PutObject", answer)
            stream = CountingStream(iter([CONTENT[:100], CONTENT[100:]]), len(CONTENT), float("inf"))
            S3Objects("archive", s3).put_new("acme/01.mp4", stream, len(CONTENT), "video/mp4", ABOUT)
        [only] = requests
        return only

    def test_its_only_length_is_that_of_the_content(self, put_request: tuple[AWSPreparedRequest, bytes]) -> None:
        """botocore before 1.42.75 also sends Content-Length, which makes the signature wrong: boto/botocore#3651."""
        headers = headers_of(put_request[0])
        assert headers["x-amz-decoded-content-length"] == str(len(CONTENT))
        assert headers["transfer-encoding"] == "chunked"
        assert "content-length" not in headers

    def test_its_checksum_follows_it(self, put_request: tuple[AWSPreparedRequest, bytes]) -> None:
        headers = headers_of(put_request[0])
        assert headers["x-amz-trailer"] == "x-amz-checksum-sha256"
        digest = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
        assert put_request[1].endswith(f"0\r\nx-amz-checksum-sha256:{digest}\r\n\r\n".encode())
        assert CONTENT[:5000] in put_request[1]

    def test_it_is_written_once(self, put_request: tuple[AWSPreparedRequest, bytes]) -> None:
        assert headers_of(put_request[0])["if-none-match"] == "*"
        assert put_request[0].url == "https://archive.s3.eu-central-1.amazonaws.com/acme/01.mp4"


def test_a_bucket_knows_its_name(objects: Objects) -> None:
    assert objects.bucket.startswith("uploads-")


def test_the_memory_bucket_rejects_a_wrong_length() -> None:
    objects = MemoryObjects("uploads")
    with pytest.raises(OSError, match="of 20 bytes"):
        objects.put_new("a", io.BytesIO(b"short"), 20, "video/mp4", {})
    with pytest.raises(NoSuchObject):
        objects.head("a")


def test_a_part_is_read_alone(objects: Objects) -> None:
    objects.put("a", CONTENT, "text/plain")
    assert objects.open("a", span=(256, 300)).read() == CONTENT[256:300]


def test_an_object_is_read_only_while_it_is_the_one_that_was_meant(objects: Objects) -> None:
    objects.put("a", b"first", "text/plain")
    etag = objects.head("a").etag
    assert etag
    assert objects.open("a", etag=etag).read() == b"first"
    objects.put("a", b"second", "text/plain")
    assert objects.head("a").etag != etag
    with pytest.raises(NoSuchObject):
        objects.open("a", etag=etag)


def test_an_object_is_replaced_only_by_who_has_seen_it(objects: Objects) -> None:
    objects.replace("a", b"first", "application/json", None)
    with pytest.raises(ConditionFailed):
        objects.replace("a", b"late", "application/json", None)
    seen = objects.head("a").etag
    objects.replace("a", b"second", "application/json", seen)
    with pytest.raises(ConditionFailed):
        objects.replace("a", b"late", "application/json", seen)
    assert objects.open("a").read() == b"second"


def test_tags_are_set_as_a_whole(objects: Objects) -> None:
    objects.put("a b+ü", b"x", "image/png")
    assert objects.tags("a b+ü") == {}
    objects.set_tags("a b+ü", {"tarmac-task": "batch:1"})
    assert objects.tags("a b+ü") == {"tarmac-task": "batch:1"}
    with pytest.raises(NoSuchObject):
        objects.tags("nothing")
    with pytest.raises(NoSuchObject):
        objects.set_tags("nothing", {"tarmac-task": "1"})
