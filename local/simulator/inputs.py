"""Media strings: `https://…`, `runway://…` and data URIs, by Runway's rules. Nothing is ever fetched."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from local.simulator.checks import MediaKind

MAX_DATA_URI_CHARACTERS: Final = 5_242_880
_URL_CHARACTERS: Final = range(13, 2048 + 1)
_UPLOAD_URI_CHARACTERS: Final = range(13, 5000 + 1)
_DATA_URI: Final = re.compile(r"data:(image|video|audio)/[\w.+-]+;base64,", re.IGNORECASE)


class UnusableMedia(Exception):
    """Runway would refuse this media string; the message is the reason."""


def check_url(uri: str) -> None:
    """Raises UnusableMedia unless this is a URL that Runway would try to fetch."""
    if len(uri) not in _URL_CHARACTERS:
        raise UnusableMedia("Invalid URL: must have 13 to 2048 characters")
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise UnusableMedia("Invalid URL") from error
    if parts.scheme != "https":
        raise UnusableMedia("Invalid URL: only https:// URLs, runway:// uploads and data URIs are accepted")
    if parts.username is not None or parts.password is not None:
        raise UnusableMedia("Invalid URL: credentials are not allowed")
    if _is_address(host) or "." not in host:
        raise UnusableMedia("Invalid URL: must use a domain name")


def check_upload_uri(uri: str) -> None:
    """Raises UnusableMedia unless this has the shape of a runway:// URI."""
    if len(uri) not in _UPLOAD_URI_CHARACTERS:
        raise UnusableMedia("Invalid runway:// URI: must have 13 to 5000 characters")


def decode_data_uri(uri: str, kind: MediaKind) -> bytes:
    """The bytes in a data URI; raises UnusableMedia."""
    if len(uri) > MAX_DATA_URI_CHARACTERS:
        raise UnusableMedia(f"Data URI exceeds {MAX_DATA_URI_CHARACTERS} characters; use an upload")
    head = _DATA_URI.match(uri)
    if head is None or head[1].lower() != kind:
        raise UnusableMedia(f"Invalid data URI: expected data:{kind}/…;base64,")
    try:
        return base64.b64decode(uri[head.end() :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnusableMedia("Invalid data URI: not base64") from error


def check_content(first_bytes: bytes, kind: MediaKind) -> None:
    """Raises UnusableMedia unless a file that begins so is of a type Runway reads. 12 bytes are enough."""
    if kind == "image":
        webp = first_bytes[:4] == b"RIFF" and first_bytes[8:12] == b"WEBP"
        known = webp or first_bytes.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))
    elif kind == "video":
        known = first_bytes[4:8] == b"ftyp" or first_bytes.startswith((b"\x1a\x45\xdf\xa3", b"OggS"))
    else:
        wave = first_bytes[:4] == b"RIFF" and first_bytes[8:12] == b"WAVE"
        # MP3 and AAC frames begin with eleven or twelve set bits.
        frame = first_bytes[:1] == b"\xff" and first_bytes[1:2] >= b"\xe0"
        known = wave or frame or first_bytes[4:8] == b"ftyp" or first_bytes.startswith((b"ID3", b"fLaC", b"OggS"))
    if not known:
        raise UnusableMedia(f"Invalid asset: not a supported {kind} format")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        # 127.1 and 2130706433 are addresses to a resolver, though not to ipaddress.
        return host.rpartition(".")[2].isdigit()
    return True
