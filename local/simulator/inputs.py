"""Media strings: `https://…`, `runway://…` and data URIs, checked by Runway's rules. No URL is fetched."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from local.simulator.checks import Findings, MediaField, MediaKind
from local.simulator.simulator import Simulator

MAX_DATA_URI_CHARACTERS: Final = 5_242_880
_URL_CHARACTERS: Final = range(13, 2048 + 1)
_UPLOAD_URI_CHARACTERS: Final = range(13, 5000 + 1)
_DATA_URI: Final = re.compile(r"data:(image|video|audio)/[\w.+-]+;base64,", re.IGNORECASE)


class UnusableMedia(Exception):
    """Runway rejects this media string; the message is the reason."""


def resolve(findings: Findings, simulator: Simulator, *, urls_only: bool = False) -> str | None:
    """Add the issues of the media to the findings; returns the SHA-256 of the first image or video.

    None if the first media field is a URL or a sound. urls_only: whether uploads and data URIs are rejected.
    """
    picture = None
    for field in findings.media:
        try:
            if urls_only:
                check_url(field.uri)
            sha256 = _stored(field, simulator)
        except UnusableMedia as error:
            findings.add("custom", field.path, str(error))
        else:
            # The output shows the first one: of a performance the character, not the reference video.
            picture = sha256 if field is findings.media[0] and field.kind != "audio" else picture
    return picture


def _stored(field: MediaField, simulator: Simulator) -> str | None:
    """Store the media and return its SHA-256, None for a URL; raises UnusableMedia."""
    if field.uri.startswith("runway://"):
        check_upload_uri(field.uri)
        upload = simulator.uploaded(field.uri)
        if upload is None or upload.sha256 is None:
            raise UnusableMedia("Invalid asset: upload not found or expired")
        check_content(_first_bytes(simulator.storage.content(upload.sha256)), field.kind)
        return upload.sha256
    if field.uri[:5].lower() == "data:":
        data = decode_data_uri(field.uri, field.kind)
        check_content(data[:12], field.kind)
        return simulator.storage.keep(data)
    check_url(field.uri)
    return None


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(12)


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
    """Raises UnusableMedia unless the first 12 bytes are those of a file type that Runway reads."""
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
        # A resolver takes 127.1 and 2130706433 for addresses, ipaddress does not.
        return host.rpartition(".")[2].isdigit()
    return True
