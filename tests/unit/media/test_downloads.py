"""Downloads of outputs over real sockets: complete or rejected, and from permitted hosts only."""

from __future__ import annotations

import gzip
import hashlib
import socket
import time
from typing import Any, ClassVar

import pytest

from tarmac.media import downloads as archive
from tarmac.media.downloads import CountingStream, DownloadCut, Downloader, HostRefused, LinkExpired, OutputUnusable
from tests.fakes.servers import Behaviour, TinyServer, answer, head, raw, reset, stall

CONTENT = bytes(range(256)) * 400
MP4 = {"content-type": "video/mp4"}
WHOLE = answer(200, CONTENT, MP4)


@pytest.fixture
def downloader(server: TinyServer) -> Downloader:
    """May fetch from the tiny server: an operator has named its origin."""
    return Downloader(frozenset({server.url}), read_seconds=0.4)


def fetch(downloader: Downloader, url: str) -> tuple[bytes, CountingStream]:
    with downloader.open(url) as download:
        content = b""
        while piece := download.stream.read(10_000):
            content += piece
        return content, download.stream


def chunked(*pieces: bytes, end: bool = True) -> Behaviour:
    body = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces] + ([b"0\r\n\r\n"] if end else [])
    return raw(head(transfer_encoding="chunked"), *body)


class TestDownload:
    def test_gives_the_content_with_its_length_and_hash(self, downloader: Downloader, server: TinyServer) -> None:
        server.answers(WHOLE)
        content, stream = fetch(downloader, server.url + "/out.mp4?sig=secret")
        assert content == CONTENT
        assert (stream.read_bytes, stream.sha256) == (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
        [request] = server.requests
        assert (request.method, request.path) == ("GET", "/out.mp4?sig=secret")
        assert request.headers["accept-encoding"] == "identity"
        assert not {"authorization", "x-runway-version"} & request.headers.keys()

    def test_knows_the_length_in_advance_where_it_is_promised(self, downloader: Downloader, server: TinyServer) -> None:
        server.answers(WHOLE)
        with downloader.open(server.url) as download:
            assert download.size_bytes == len(CONTENT)

    def test_in_chunks_has_no_length_and_an_end_that_is_checked(
        self, downloader: Downloader, server: TinyServer
    ) -> None:
        server.answers(chunked(CONTENT[:1000], CONTENT[1000:]))
        with downloader.open(server.url) as download:
            assert download.size_bytes is None
        assert fetch(downloader, server.url)[0] == CONTENT

    def test_may_be_empty(self, downloader: Downloader, server: TinyServer) -> None:
        server.answers(answer(200, b""))
        assert fetch(downloader, server.url)[0] == b""

    CUT: ClassVar[dict[str, Behaviour]] = {
        "truncated": raw(head(content_length=str(len(CONTENT))) + CONTENT[:-1]),
        "truncated at once": raw(head(content_length=str(len(CONTENT)))),
        "chunked and truncated": chunked(CONTENT[:1000], end=False),
        "without length, which may be whole or not": raw(head() + CONTENT),
        "with an unreadable length": raw(head(content_length="many") + CONTENT),
        "reset": reset,
        "stalled before the head": stall,
        "stalled in the body": raw(head(content_length="10") + b"12345", b"67890", pause_seconds=5),
        "unavailable for now": answer(503),
        "too many requests": answer(429),
        "partial": answer(206, CONTENT),
        "nothing": answer(204),
        "not HTTP": raw(b"220 FTP ready\r\n"),
    }  # fmt: skip

    @pytest.mark.parametrize("behaviour", CUT.values(), ids=CUT)
    def test_that_is_not_whole_is_cut(self, behaviour: Behaviour, downloader: Downloader, server: TinyServer) -> None:
        server.answers(behaviour)
        with pytest.raises(DownloadCut) as caught:
            fetch(downloader, server.url + "/out.mp4?sig=secret")
        assert "secret" not in str(caught.value)

    def test_that_is_cut_stores_the_error_for_callers_that_get_a_wrapped_one(
        self, downloader: Downloader, server: TinyServer
    ) -> None:
        server.answers(raw(head(content_length="100") + b"x" * 50))
        with downloader.open(server.url) as download:
            with pytest.raises(DownloadCut):
                download.stream.drain()
            assert isinstance(download.stream.problem, DownloadCut)

    @pytest.mark.parametrize("status", [403, 404, 410])
    def test_of_a_dead_link_is_expired(self, status: int, downloader: Downloader, server: TinyServer) -> None:
        server.answers(answer(status, b"<Error><Code>AccessDenied</Code></Error>"))
        with pytest.raises(LinkExpired):
            fetch(downloader, server.url)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_follows_no_redirect(self, status: int, downloader: Downloader, server: TinyServer) -> None:
        server.answers(answer(status, b"", {"location": server.url + "/elsewhere"}), WHOLE)
        with pytest.raises(HostRefused):
            fetch(downloader, server.url)
        assert len(server.requests) == 1

    @pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "x-unknown"])
    def test_rejects_an_encoding_that_was_not_requested(
        self, encoding: str, downloader: Downloader, server: TinyServer
    ) -> None:
        server.answers(answer(200, gzip.compress(CONTENT), {"content-encoding": encoding}))
        with pytest.raises(OutputUnusable):
            fetch(downloader, server.url)

    def test_that_is_too_slow_fails(
        self, downloader: Downloader, server: TinyServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each byte arrives within the timeout of a read, so only the deadline of the download can end it."""
        monkeypatch.setattr(archive, "TOTAL_SECONDS", 0.5)
        server.answers(raw(head(content_length="1000"), *[b"x"] * 60, pause_seconds=0.1))
        began = time.monotonic()
        with pytest.raises(DownloadCut, match="took longer"):
            fetch(downloader, server.url)
        assert time.monotonic() - began < 3

    def test_that_is_too_slow_fails_while_its_type_is_read(
        self, downloader: Downloader, server: TinyServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(archive, "TOTAL_SECONDS", 0.5)
        server.answers(raw(head(content_length="1000"), *[b"x"] * 60, pause_seconds=0.1))
        began = time.monotonic()
        with downloader.open(server.url) as download, pytest.raises(DownloadCut):
            download.stream.peek(64)
        assert time.monotonic() - began < 3


class TestHosts:
    @pytest.mark.parametrize(
        "url",
        [
            "http://cdn.example.com/a.mp4",
            "ftp://cdn.example.com/a.mp4",
            "file:///etc/passwd",
            "https://127.0.0.1/a.mp4",
            "https://2130706433/a.mp4",
            "https://0x7f.1/a.mp4",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/a.mp4",
            "https://8.8.8.8/a.mp4",
            "https://localhost/a.mp4",
            "https:///a.mp4",
            "",
        ],
    )
    def test_without_a_public_https_name_are_rejected(self, url: str) -> None:
        with pytest.raises(HostRefused), Downloader(frozenset()).open(url):
            pass

    @pytest.mark.parametrize(
        "url",
        [
            "https://[::1/a.mp4",
            "https://cdn.example.com:99999/",
            "https://" + "a" * 64 + ".example/",
            "https://exa mple.com/",
            "https://cdn.example\x00.com/",
        ],
    )
    def test_that_are_malformed_are_rejected_like_any_other(self, url: str) -> None:
        with pytest.raises(archive.ArchiveError), Downloader(frozenset()).open(url):
            pass

    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",  # noqa: S104
            "::1",
            "fd00::1",
            "fe80::1%eth0",
            "::ffff:10.0.0.1",
        ],
    )
    def test_to_a_host_with_an_internal_address_are_rejected(
        self, address: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443)),
            (family, socket.SOCK_STREAM, 6, "", (address, 443)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
        with pytest.raises(HostRefused, match="not public"), Downloader(frozenset()).open("https://cdn.example.com/a"):
            pass

    def test_to_a_host_without_an_address_may_be_retried_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any, **kwargs: Any) -> Any:
            raise socket.gaierror("no such name")

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        with pytest.raises(DownloadCut), Downloader(frozenset()).open("https://cdn.example.com/a"):
            pass

    def test_with_a_private_address_are_not_even_connected_to(
        self, server: TinyServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connected = connections(monkeypatch)
        resolves_to(monkeypatch, "127.0.0.1")
        port = server.url.rpartition(":")[2]
        with (
            pytest.raises(HostRefused, match="not public"),
            Downloader(frozenset()).open(f"https://cdn.example.com:{port}/"),
        ):
            pass
        assert (connected, server.requests) == ([], [])

    def test_are_connected_to_at_the_address_that_was_checked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The name resolves to a public address when it is checked, and to the loopback interface a moment later."""
        connected = connections(monkeypatch)
        resolves_to(monkeypatch, "93.184.216.34", "127.0.0.1")
        with pytest.raises(DownloadCut, match="ConnectError"), Downloader(frozenset()).open("https://cdn.example.com/"):
            pass
        assert connected == ["93.184.216.34"]

    def test_that_an_operator_has_named_are_the_only_ones(self) -> None:
        downloader = Downloader(frozenset({"https://cdn.example.com"}))
        for url in ("https://other.example.com/a", "https://cdn.example.com.evil.example/a", "http://cdn.example.com/a",
                    "https://cdn.example.com:8443/a", "https://user@cdn.example.com/a"):  # fmt: skip
            with pytest.raises(HostRefused), downloader.open(url):
                pass


def resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every lookup returns the next of these addresses, then the last one again."""
    left = list(addresses)

    def resolve(*args: Any, **kwargs: Any) -> Any:
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that are connected to; no connection succeeds."""
    connected: list[str] = []

    def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> Any:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    return connected


class TestCountingStream:
    @staticmethod
    def of(*chunks: bytes, size: int | None = None, limit: int | None = None) -> CountingStream:
        stream = CountingStream(iter(chunks), size, float("inf"))
        stream.limit_bytes = limit
        return stream

    @pytest.mark.parametrize("size", [1, 3, 64, 10_000])
    def test_gives_the_same_content_in_any_pieces(self, size: int) -> None:
        stream = self.of(b"abc", b"", b"defgh", b"i" * 100, size=108)
        content = b""
        while piece := stream.read(size):
            content += piece
        assert content == b"abcdefgh" + b"i" * 100
        assert stream.sha256 == hashlib.sha256(content).hexdigest()
        assert stream.read(size) == b""

    def test_shows_its_first_bytes_and_still_reads_them(self) -> None:
        stream = self.of(b"ab", b"cd", b"ef")
        assert stream.peek(3) == b"abc"
        assert stream.peek(100) == b"abcdef"
        assert stream.sha256 == hashlib.sha256().hexdigest()
        assert stream.read(100) == b"abcdef"
        assert stream.sha256 == hashlib.sha256(b"abcdef").hexdigest()

    def test_is_never_read_whole(self) -> None:
        with pytest.raises(ValueError, match="whole"):
            self.of(b"a").read()

    @pytest.mark.parametrize("chunks", [(b"abc",), (b"abcde", b"f"), ()])
    def test_of_another_length_than_announced_is_an_error(self, chunks: tuple[bytes, ...]) -> None:
        with pytest.raises(DownloadCut):
            self.of(*chunks, size=5).drain()

    @pytest.mark.parametrize(("limit", "fits"), [(5, False), (6, True), (7, True)])
    def test_stops_at_the_limit(self, limit: int, fits: bool) -> None:
        stream = self.of(b"abc", b"def", limit=limit)
        if fits:
            stream.drain()
            assert stream.read_bytes == 6
        else:
            with pytest.raises(OutputUnusable, match=f"{limit} bytes"):
                stream.drain()

    def test_counts_all_bytes_if_drained_after_a_partial_read(self) -> None:
        stream = self.of(b"abc", b"def", size=6)
        stream.read(2)
        stream.drain()
        assert (stream.read_bytes, stream.sha256) == (6, hashlib.sha256(b"abcdef").hexdigest())
