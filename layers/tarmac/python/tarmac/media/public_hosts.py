"""Checks which hosts Tarmac may connect to: public hosts, or only the origins that the operator has named.

A link from outside could name a service in a private network (server-side request forgery). So a link must be https to
a domain name, and every address that the name resolves to must be public. `tarmac.media.checked_network` connects to
exactly these addresses.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from tarmac.requests.media import is_address

_DEFAULT_PORTS = {"https": 443, "http": 80}
_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class NotPublic(Exception):
    """Tarmac must not connect to this host. The message contains at most scheme and host."""


class Unresolved(Exception):
    """The name does not resolve now; it may resolve later."""


@dataclass(frozen=True, slots=True)
class Host:
    """The host of a link. is_named: the operator has named its origin, so any address and plain http are allowed."""

    name: str
    port: int
    is_named: bool


def host_of(url: str, named_origins: frozenset[str]) -> Host:
    """The host of a link, if Tarmac may connect to it. If `named_origins` has any, only these. Raises NotPublic."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        raise NotPublic("the link is not a URL") from None
    if f"{parts.scheme}://{parts.netloc}" in named_origins:
        return Host(name, port or _DEFAULT_PORTS.get(parts.scheme, 80), is_named=True)
    if named_origins or parts.scheme != "https" or not name or is_address(name):
        raise NotPublic(f"{parts.scheme}://{name} is not an allowed host")
    return Host(name, port or 443, is_named=False)


def host_at(name: str, port: int, named_origins: frozenset[str]) -> Host:
    """The host with this name and port, as a connection is about to be made to it."""
    named = (urlsplit(origin) for origin in named_origins)
    at = ((parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)) for parts in named)
    return Host(name, port, is_named=(name, port) in at)


def addresses_of(host: Host) -> list[str]:
    """The addresses that the host's name resolves to now, best first. Raises Unresolved.

    Raises NotPublic if any address is not public, unless the operator has named the host.
    """
    try:
        found = socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        # ValueError: an impossible name, such as one with an empty label.
        raise Unresolved(f"{host.name} does not resolve") from None
    addresses = list(dict.fromkeys(str(address[4][0]) for address in found))
    if not host.is_named and not all(map(is_public, addresses)):
        raise NotPublic(f"{host.name} resolves to an address that is not public")
    return addresses


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet. IPv4 addresses inside IPv6 addresses are checked too."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast
    inner = ip.ipv4_mapped or ip.sixtofour
    if inner is None and ip in _NAT64:
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(str(inner))
    return ip in _UNICAST and ip.is_global
