"""HttpWebhookSender over real sockets: requests, time limits, addresses and certificates."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tarmac.webhooks.sender import HttpWebhookSender, WebhookUnanswered
from tests.fakes.servers import Behaviour, TinyServer, answer, hang_up, head, raw, reset, stall

HEADERS = {"content-type": "application/json", "webhook-id": "t-1-ended"}
BODY = '{"metadata":{"ort":"Zürich"}}'.encode()
NAME = "hooks.example.com"


@pytest.fixture
def sender(server: TinyServer) -> HttpWebhookSender:
    """A sender that may post to the tiny server; the server's origin is configured."""
    return HttpWebhookSender(frozenset({server.url}), total_seconds=0.6)


class TestPost:
    def test_arrives_unchanged(self, sender: HttpWebhookSender, server: TinyServer) -> None:
        server.answers(answer(204))
        assert sender.post(server.url + "/hook/a?token=abc%20d#part", HEADERS, BODY) == 204
        [request] = server.requests
        assert (request.method, request.path, request.body) == ("POST", "/hook/a?token=abc%20d", BODY)
        assert request.headers["host"] == server.url.removeprefix("http://")
        assert request.headers["content-length"] == str(len(BODY))
        assert HEADERS.items() <= request.headers.items()
        assert not {"authorization", "cookie", "transfer-encoding"} & request.headers.keys()

    def test_to_an_origin_without_path_requests_the_root(self, sender: HttpWebhookSender, server: TinyServer) -> None:
        server.answers(answer(200))
        sender.post(server.url, HEADERS, BODY)
        sender.post(server.url + "?token=1", HEADERS, BODY)
        assert [request.path for request in server.requests] == ["/", "/?token=1"]

    @pytest.mark.parametrize("status", [200, 299, 400, 404, 410, 429, 500, 503])
    def test_returns_the_status_for_any_body(self, status: int, sender: HttpWebhookSender, server: TinyServer) -> None:
        server.answers(answer(status, b"x" * 100_000))
        assert sender.post(server.url, HEADERS, BODY) == status

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_follows_no_redirect(self, status: int, sender: HttpWebhookSender, server: TinyServer) -> None:
        server.answers(answer(status, b"", {"location": server.url + "/elsewhere"}), answer(200))
        assert sender.post(server.url, HEADERS, BODY) == status
        assert len(server.requests) == 1

    def test_does_not_read_an_endless_body(self, sender: HttpWebhookSender, server: TinyServer) -> None:
        server.answers(raw(head(content_length="1000000"), *[b"x"] * 100, pause_seconds=0.1))
        began = time.monotonic()
        assert sender.post(server.url, HEADERS, BODY) == 200
        # Reading all of it takes ten seconds.
        assert time.monotonic() - began < 5

    FAILURES: ClassVar[dict[str, Behaviour]] = {
        "stalled": stall,
        "reset": reset,
        "hung up": hang_up,
        "not HTTP": raw(b"220 FTP ready\r\n"),
        "half a head": raw(b"HTTP/1.1 200 OK\r\ncontent-"),
        "an endless head": raw(b"HTTP/1.1 200 OK\r\n", b"x: " + b"y" * 200_000 + b"\r\n"),
        # Each byte arrives within the timeout of a read, so only the deadline of the whole request can end it.
        "a head that drips": raw(*[bytes([byte]) for byte in head(200, x="y" * 50)], pause_seconds=0.1),
    }

    @pytest.mark.parametrize("behaviour", FAILURES.values(), ids=FAILURES)
    def test_without_a_response_fails_within_the_time_limit(
        self, behaviour: Behaviour, sender: HttpWebhookSender, server: TinyServer
    ) -> None:
        server.answers(behaviour)
        began = time.monotonic()
        with pytest.raises(WebhookUnanswered) as caught:
            sender.post(server.url + "/hook?token=secret", HEADERS, BODY)
        assert time.monotonic() - began < 3
        assert "secret" not in str(caught.value)
        assert "/hook" not in str(caught.value)

    def test_to_a_closed_port_fails(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(WebhookUnanswered, match="ConnectError"):
            HttpWebhookSender(frozenset({url})).post(url, HEADERS, BODY)


class TestHosts:
    @pytest.mark.parametrize(
        "url",
        [
            "http://hooks.example.com/",
            "https://127.0.0.1/",
            "https://169.254.169.254/",
            "https://[::1]/",
            "https://[::1/",
        ],
    )
    def test_that_are_not_public_https_names_are_rejected(self, url: str) -> None:
        with pytest.raises(WebhookUnanswered):
            HttpWebhookSender(frozenset()).post(url, HEADERS, BODY)

    def test_that_resolve_to_private_addresses_are_not_connected_to(
        self, server: TinyServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resolves_to(monkeypatch, "127.0.0.1")
        port = server.url.rpartition(":")[2]
        with pytest.raises(WebhookUnanswered, match="not public"):
            HttpWebhookSender(frozenset()).post(f"https://{NAME}:{port}/", HEADERS, BODY)
        assert server.requests == []

    def test_are_connected_to_at_the_address_that_was_checked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The name resolves to a public address when it is checked, and to the loopback afterwards."""
        answers = iter(["93.184.216.34"])
        connected: list[str] = []
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found(next(answers, "127.0.0.1")))

        def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> Any:
            connected.append(address[0])
            raise ConnectionRefusedError

        monkeypatch.setattr(socket, "create_connection", connect)
        with pytest.raises(WebhookUnanswered):
            HttpWebhookSender(frozenset()).post(f"https://{NAME}/", HEADERS, BODY)
        assert connected == ["93.184.216.34"]

    def test_are_tried_at_each_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A function without IPv6 cannot reach the first address and uses the second."""
        connected: list[str] = []
        addresses = ["2606:4700:4700::1111", "93.184.216.34"]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found(*addresses))

        def connect(address: tuple[str, int], *args: Any, **kwargs: Any) -> Any:
            connected.append(address[0])
            raise OSError(101, "Network is unreachable")

        monkeypatch.setattr(socket, "create_connection", connect)
        with pytest.raises(WebhookUnanswered):
            HttpWebhookSender(frozenset()).post(f"https://{NAME}/", HEADERS, BODY)
        assert connected == addresses

    @pytest.mark.parametrize("host", [".hooks.example.com", "a" * 64 + ".example", "hooks..example.com"])
    def test_that_are_invalid_names_fail(self, host: str) -> None:
        with pytest.raises(WebhookUnanswered):
            HttpWebhookSender(frozenset()).post(f"https://{host}/", HEADERS, BODY)


class TestTls:
    """The connection goes to an address, but the certificate must match the name."""

    def test_is_checked_against_the_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        authority = make_certificate(tmp_path, NAME)
        resolves_to(monkeypatch, "127.0.0.1")
        with tls_server(tmp_path) as (port, asked):
            url = f"https://{NAME}:{port}"
            trusting = ssl.create_default_context(cafile=str(authority))
            assert HttpWebhookSender(frozenset({url}), tls=trusting).post(url + "/hook", HEADERS, BODY) == 204
            assert asked == [NAME]

    @pytest.mark.parametrize("certified", [NAME, "other.example.com"])
    def test_rejects_a_certificate_that_is_untrusted_or_of_another_name(
        self, certified: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        authority = make_certificate(tmp_path, certified)
        resolves_to(monkeypatch, "127.0.0.1")
        tls = None if certified == NAME else ssl.create_default_context(cafile=str(authority))
        with tls_server(tmp_path) as (port, _):
            url = f"https://{NAME}:{port}"
            with pytest.raises(WebhookUnanswered, match="ConnectError"):
                HttpWebhookSender(frozenset({url}), tls=tls).post(url, HEADERS, BODY)


def found(*addresses: str) -> list[Any]:
    """Addresses as getaddrinfo returns them."""
    return [
        (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))
        for address in addresses
    ]


def resolves_to(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Resolve the name to this address from now on; everything else is resolved as before."""
    resolve = socket.getaddrinfo

    def resolved(host: Any, *args: Any, **kwargs: Any) -> Any:
        return resolve(address if host == NAME else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


def make_certificate(folder: Path, name: str) -> Path:
    """A certificate for a name, signed by itself, and its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "receiver.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@contextmanager
def tls_server(folder: Path) -> Iterator[tuple[int, list[str | None]]]:
    """Its port, and the names that it was asked for. It serves one connection."""
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "receiver.pem")
    context.sni_callback = lambda connection, name, _: asked.append(name)

    def serve() -> None:
        try:
            connection, _ = listener.accept()
            with connection, context.wrap_socket(connection, server_side=True) as stream:
                received = b""
                while not received.endswith(BODY):
                    received += stream.recv(65536)
                stream.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        except OSError:
            return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], asked
        finally:
            thread.join(10)
