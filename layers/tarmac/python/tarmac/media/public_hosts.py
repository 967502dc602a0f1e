"""Where links of strangers may lead: to public hosts, or to the few origins that an operator has named instead.

A link that Tarmac follows could name a service inside somebody's network (SSRF). So it must be https to a name, and
every address that the name resolves to must be public; who connects must connect to one of exactly these.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from tarmac.requests.media import is_address

_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class NotPublic(Exception):
    """Tarmac does not go there. The message names scheme and host at most."""


class Unresolved(Exception):
    """The name leads nowhere now; it may again later."""


@dataclass(frozen=True, slots=True)
class Host:
    """The host of a link. `is_named`: the operator has named its origin, so any address and plain http are fine."""

    name: str
    port: int
    is_named: bool


def host_of(url: str, named_origins: frozenset[str]) -> Host:
    """The host of a link that may be followed. With `named_origins` only these may be. Raises NotPublic."""
    try:
        parts = urlsplit(url)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        raise NotPublic("the link is not a URL") from None
    if f"{parts.scheme}://{parts.netloc}" in named_origins:
        return Host(name, port or (443 if parts.scheme == "https" else 80), is_named=True)
    if named_origins or parts.scheme != "https" or not name or is_address(name):
        raise NotPublic(f"{parts.scheme}://{name} is not among the hosts that may be called")
    return Host(name, port or 443, is_named=False)


def addresses_of(host: Host) -> list[str]:
    """What the host's name resolves to now, best first. Raises NotPublic if any of it is not public, and Unresolved."""
    try:
        found = socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        # ValueError: a name that no name can be, such as one with an empty label.
        raise Unresolved(f"{host.name} does not resolve") from None
    addresses = list(dict.fromkeys(str(address[4][0]) for address in found))
    if not host.is_named and not all(map(is_public, addresses)):
        raise NotPublic(f"{host.name} resolves to an address that is not public")
    return addresses


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also where it is an IPv4 address in IPv6's clothes."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast
    inner = ip.ipv4_mapped or ip.sixtofour
    if inner is None and ip in _NAT64:
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(str(inner))
    return ip in _UNICAST and ip.is_global
