"""Where links of strangers may lead: the table of all the ways that do not lead outside."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tarmac.media.public_hosts import Host, NotPublic, Unresolved, addresses_of, host_at, host_of, is_public

NO_ORIGINS: frozenset[str] = frozenset()

INSIDE = {
    "loopback": "127.0.0.1",
    "all of the loopback": "127.255.255.254",
    "this host": "0.0.0.0",  # noqa: S104 (nothing binds to it)
    "a private network, 10": "10.1.2.3",
    "a private network, 172": "172.31.255.255",
    "a private network, 192": "192.168.0.1",
    "a carrier's network": "100.64.0.1",
    "the metadata of EC2": "169.254.169.254",
    "the credentials of a container": "169.254.170.2",
    "documentation": "192.0.2.1",
    "benchmarks": "198.18.0.1",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "IPv6 loopback": "::1",
    "IPv6 nowhere": "::",
    "IPv6 link": "fe80::1",
    "IPv6 link with its zone": "fe80::1%eth0",
    "IPv6 site": "fec0::1",
    "IPv6 unique local": "fd12:3456::1",
    "the metadata of EC2 on IPv6": "fd00:ec2::254",
    "IPv6 multicast": "ff0e::1",
    "IPv6 documentation": "2001:db8::1",
    "IPv6 discard": "100::1",
    "mapped loopback": "::ffff:127.0.0.1",
    "mapped metadata": "::ffff:169.254.169.254",
    "compatible loopback": "::127.0.0.1",
    "translated loopback": "64:ff9b::7f00:1",
    "translated private network": "64:ff9b::a01:203",
    "locally translated": "64:ff9b:1::a01:203",
    "6to4 of a private network": "2002:a01:203::1",
    "Teredo": "2001:0:53aa:64c::1",
}
OUTSIDE = (
    "8.8.8.8",
    "93.184.216.34",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
)


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[tuple[Any, ...]]:
    """From now on every name resolves to these; the calls are in the list."""
    calls: list[tuple[Any, ...]] = []

    def resolve(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, 443))
            for family, address in zip(families, addresses, strict=True)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return calls


@pytest.mark.parametrize("address", INSIDE.values(), ids=INSIDE)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", INSIDE.values(), ids=INSIDE)
def test_one_address_inside_is_enough(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "93.184.216.34", address)
    with pytest.raises(NotPublic, match="not public") as caught:
        addresses_of(Host("hooks.example.com", 443, is_named=False))
    assert address not in str(caught.value)


def test_a_public_name_gives_each_address_once(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "93.184.216.34", "2606:4700:4700::1111", "93.184.216.34")
    found = addresses_of(Host("hooks.example.com", 443, is_named=False))
    assert found == ["93.184.216.34", "2606:4700:4700::1111"]


def test_a_named_host_may_be_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "127.0.0.1")
    assert addresses_of(Host("localhost", 8000, is_named=True)) == ["127.0.0.1"]


@pytest.mark.parametrize(
    "problem", [socket.gaierror("no such name"), UnicodeError("label too long"), ValueError("null")]
)
def test_a_name_without_an_address_is_unresolved(problem: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise problem

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(Unresolved, match=r"hooks\.example\.com"):
        addresses_of(Host("hooks.example.com", 443, is_named=False))


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://hooks.example.com/a?b", Host("hooks.example.com", 443, False)),
        ("https://HOOKS.example.com:8443", Host("hooks.example.com", 8443, False)),
    ],
)
def test_a_public_link_has_a_host(url: str, host: Host) -> None:
    assert host_of(url, NO_ORIGINS) == host


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "https:///a",
        "https://127.0.0.1/",
        "https://0177.0.0.1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://[::1/",
        "https://hooks.example.com:99999/",
    ],
)
def test_any_other_link_is_not_public(url: str) -> None:
    with pytest.raises(NotPublic):
        host_of(url, NO_ORIGINS)


class TestNamedOrigins:
    ORIGINS = frozenset({"http://127.0.0.1:8000", "https://hooks.example.com"})

    @pytest.mark.parametrize(
        ("url", "host"),
        [
            ("http://127.0.0.1:8000/a", Host("127.0.0.1", 8000, True)),
            ("https://hooks.example.com/a", Host("hooks.example.com", 443, True)),
        ],
    )
    def test_are_accepted(self, url: str, host: Host) -> None:
        assert host_of(url, self.ORIGINS) == host

    @pytest.mark.parametrize(
        "url",
        [
            "https://other.example.com/",
            "http://127.0.0.1:8001/",
            "http://hooks.example.com/",
            "https://hooks.example.com:8443/",
            "https://hooks.example.com.evil.example/",
            "https://user@hooks.example.com/",
        ],
    )
    def test_are_the_only_ones(self, url: str) -> None:
        with pytest.raises(NotPublic):
            host_of(url, self.ORIGINS)


@pytest.mark.parametrize(
    ("name", "port", "is_named"),
    [
        ("hooks.example.com", 443, True),
        ("localhost", 8000, True),
        ("localhost", 80, True),
        ("hooks.example.com", 8443, False),
        ("localhost", 8001, False),
        ("other.example.com", 443, False),
    ],
)
def test_a_connection_goes_to_a_named_host_at_its_port_only(name: str, port: int, is_named: bool) -> None:
    origins = frozenset({"https://hooks.example.com", "http://localhost:8000", "http://localhost"})
    assert host_at(name, port, origins) == Host(name, port, is_named)
