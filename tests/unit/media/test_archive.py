"""One output into the archive: at its key, once, whole, with its type from its bytes and its hash in hand."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tarmac.media.downloads import (
    ArchiveConflict,
    CountingStream,
    Download,
    DownloadCut,
    HostRefused,
    LinkExpired,
    OutputUnusable,
)
from tarmac.ports import AlreadyThere, ReadStream
from tarmac.rows import Output
from tarmac.tasks.finish import archive_output
from tarmac.tasks.task import State
from tests.fakes import MemoryObjects
from tests.fakes.runway import MP4, FakeDownloads
from tests.fakes.samples import PNG, TASK_ID, a_task

LINK = "https://cdn.example/1.mp4?sig=secret"
KEY = f"acme/2023/11/14/{TASK_ID}/01.mp4"
MEBIBYTE = 1024 * 1024


@pytest.fixture
def bucket() -> MemoryObjects:
    return MemoryObjects("archive")


@pytest.fixture
def downloads() -> FakeDownloads:
    return FakeDownloads({LINK: MP4})


def put(downloads: FakeDownloads, bucket: MemoryObjects, number: int = 1, max_bytes: int = MEBIBYTE) -> Output:
    return archive_output(a_task(State.SUBMITTED), number, LINK, downloads, bucket, max_bytes)


def test_an_output_has_its_key_its_type_and_its_hash(downloads: FakeDownloads, bucket: MemoryObjects) -> None:
    output = put(downloads, bucket)
    assert output == Output("archive", KEY, len(MP4), hashlib.sha256(MP4).hexdigest(), "video/mp4")
    content, stored = bucket.objects[KEY]
    assert content == MP4
    assert stored.content_type == "video/mp4"
    assert stored.metadata == {
        "tarmac-task": TASK_ID,
        "tarmac-operation": "image_to_video",
        "tarmac-model": "gen4_turbo",
    }


@pytest.mark.parametrize(
    ("content", "number", "name"),
    [(PNG, 1, "01.png"), (PNG, 12, "12.png"), (b"PK\x03\x04rest", 2, "02.zip"), (b"ID3tags", 1, "01.mp3")],
)
def test_the_extension_comes_from_the_bytes_and_not_from_the_link(
    content: bytes, number: int, name: str, downloads: FakeDownloads, bucket: MemoryObjects
) -> None:
    downloads.contents[LINK] = content
    assert put(downloads, bucket, number).key == f"acme/2023/11/14/{TASK_ID}/{name}"


@pytest.mark.parametrize("content", [b"", b"<html>expired</html>", b'{"error": "x"}', b"GIF89a", b"MZ" + b"\0" * 99])
def test_a_file_other_than_media_is_not_stored(content: bytes, downloads: FakeDownloads, bucket: MemoryObjects) -> None:
    downloads.contents[LINK] = content
    with pytest.raises(OutputUnusable):
        put(downloads, bucket)
    assert bucket.objects == {}


@pytest.mark.parametrize(("limit", "fits"), [(len(MP4) - 1, False), (len(MP4), True)])
def test_an_output_over_the_limit_is_not_stored(
    limit: int, fits: bool, downloads: FakeDownloads, bucket: MemoryObjects
) -> None:
    if fits:
        put(downloads, bucket, max_bytes=limit)
    else:
        with pytest.raises(OutputUnusable):
            put(downloads, bucket, max_bytes=limit)
    assert bool(bucket.objects) is fits


def test_the_limit_holds_where_no_length_was_promised(bucket: MemoryObjects) -> None:
    with pytest.raises(OutputUnusable):
        archive_output(a_task(), 1, LINK, Endless(MP4, 100 * MEBIBYTE, promised=False), bucket, MEBIBYTE)
    assert bucket.objects == {}


@pytest.mark.parametrize("problem", [LinkExpired("x"), DownloadCut("x"), HostRefused("x"), OutputUnusable("x")])
def test_a_link_that_cannot_be_opened_raises_the_reason(
    problem: Exception, downloads: FakeDownloads, bucket: MemoryObjects
) -> None:
    downloads.problems.append(problem)
    with pytest.raises(type(problem)):
        put(downloads, bucket)
    assert bucket.objects == {}


class TestAgain:
    def test_the_same_bytes_are_found_there(self, downloads: FakeDownloads, bucket: MemoryObjects) -> None:
        first = put(downloads, bucket)
        assert put(downloads, bucket) == first
        assert bucket.objects[KEY][0] == MP4

    def test_the_same_bytes_are_compared_where_no_checksum_is_stored(
        self, downloads: FakeDownloads, bucket: MemoryObjects
    ) -> None:
        bucket.put(KEY, MP4, "video/mp4")
        assert bucket.head(KEY).sha256 is None
        assert put(downloads, bucket).sha256 == hashlib.sha256(MP4).hexdigest()

    @pytest.mark.parametrize("content", [MP4[:-1] + b"\1", MP4 + b"\0", MP4[:-1]], ids=["other", "longer", "shorter"])
    @pytest.mark.parametrize("checksum", [True, False])
    def test_other_bytes_are_a_conflict_and_stay(
        self, content: bytes, checksum: bool, downloads: FakeDownloads, bucket: MemoryObjects
    ) -> None:
        if checksum:
            bucket.put_new(KEY, io.BytesIO(content), len(content), "video/mp4", {})
        else:
            bucket.put(KEY, content, "video/mp4")
        with pytest.raises(ArchiveConflict):
            put(downloads, bucket)
        assert bucket.objects[KEY][0] == content

    def test_an_object_that_another_process_stored_meanwhile_is_compared_too(self, downloads: FakeDownloads) -> None:
        class Raced(MemoryObjects):
            def put_new(self, key: str, content: ReadStream, *about: object) -> None:
                content.read(5)
                self.put(key, MP4, "video/mp4")
                raise AlreadyThere(key)

        assert put(downloads, Raced("archive")).size_bytes == len(MP4)


class Endless:
    """A download of so many bytes, made as they are read."""

    def __init__(self, start: bytes, size_bytes: int, promised: bool = True, comes: int | None = None) -> None:
        self.start, self.size_bytes, self.promised = start, size_bytes, promised
        self.comes = size_bytes if comes is None else comes

    @contextmanager
    def open(self, url: str) -> Iterator[Download]:
        size = self.size_bytes if self.promised else None
        yield Download(CountingStream(self._chunks(), size, float("inf")), size)

    def _chunks(self) -> Iterator[bytes]:
        yield self.start
        left = self.comes - len(self.start)
        while left > 0:
            piece = bytes(min(left, 65536))
            left -= len(piece)
            yield piece


class Sink(MemoryObjects):
    """A bucket that counts and forgets."""

    read_bytes = 0

    def put_new(
        self, key: str, content: ReadStream, size_bytes: int | None, content_type: str, metadata: Mapping[str, str]
    ) -> None:
        while piece := content.read(MEBIBYTE):
            self.read_bytes += len(piece)


@pytest.mark.parametrize("promised", [True, False])
def test_memory_stays_bounded_whatever_the_size(promised: bool) -> None:
    sink = Sink("archive")
    size = 64 * MEBIBYTE
    tracemalloc.start()
    try:
        output = archive_output(a_task(), 1, LINK, Endless(MP4, size, promised), sink, size)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (output.size_bytes, sink.read_bytes) == (size, size)
    assert peak < 8 * MEBIBYTE


def test_a_cut_download_is_reported_as_such_though_the_bucket_wraps_it() -> None:
    class Wrapping(Sink):
        def put_new(self, *args: object, **kwargs: object) -> None:
            try:
                super().put_new(*args, **kwargs)  # type: ignore[arg-type]
            except Exception as error:
                raise RuntimeError("HTTPClientError: An HTTP Client raised an unhandled exception") from error

    with pytest.raises(DownloadCut):
        archive_output(a_task(), 1, LINK, Endless(MP4, MEBIBYTE, comes=MEBIBYTE - 1), Wrapping("archive"), MEBIBYTE)


def test_the_buckets_own_trouble_stays_its_own(downloads: FakeDownloads) -> None:
    class Down(MemoryObjects):
        def put_new(self, *args: object, **kwargs: object) -> None:
            raise RuntimeError("SlowDown")

    with pytest.raises(RuntimeError, match="SlowDown"):
        put(downloads, Down("archive"))


def test_a_cut_output_leaves_nothing_visible(bucket: MemoryObjects) -> None:
    with pytest.raises(DownloadCut):
        archive_output(a_task(), 1, LINK, Endless(MP4, MEBIBYTE, comes=1000), bucket, MEBIBYTE)
    assert bucket.objects == {}
