"""What media fields accept: links, data URIs, and the types of files by their first bytes.

Sizes, formats and URL rules are from the section "Inputs" of Runway's API reference.
"""

from __future__ import annotations

import binascii
import ipaddress
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

LONGEST_URL = 2048
LONGEST_RUNWAY_URI = 5000
LONGEST_DATA_URI = 5 * 1024 * 1024
"""In characters. Runway lowered the limit for video and audio from 16 MiB in August 2026."""

SMALLEST_UPLOAD = 512
LARGEST_UPLOAD = 200 * 1024 * 1024
"""In bytes."""

KINDS = ("image", "video", "audio")

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/svg+xml": "svg",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "mkv",
    "video/3gpp": "3gp",
    "video/ogg": "ogv",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/wav": "wav",
    "audio/ogg": "ogg",
    "application/zip": "zip",
}
"""Content type → file extension, for every type that Tarmac stores."""

_SPELLINGS = {
    "image/jpg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-flac": "audio/flac",
    "video/x-m4v": "video/mp4",
}
_BY_EXTENSION = {extension: content_type for content_type, extension in EXTENSIONS.items()} | {
    "jpeg": "image/jpeg",
    "m4v": "video/mp4",
    "oga": "audio/ogg",
}
_NOT_READ = frozenset({"image/svg+xml", "application/zip"})
INPUT_EXTENSIONS = {name: kind for name, kind in _BY_EXTENSION.items() if kind not in _NOT_READ}
"""File extension → content type, for every type that Runway accepts as an input."""

# Both types use the same container; only the name of a file distinguishes them.
_SAME_CONTAINER = ({"video/mp4", "audio/mp4"}, {"video/ogg", "audio/ogg"})
_DATA_URI = re.compile(r"data:([a-z]+/[a-z0-9.+-]+)((?:;[a-z0-9-]+=[^;,]*)*);base64,", re.IGNORECASE)
_NUMBER_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)


class BadMedia(ValueError):
    """Runway would reject this media value; the message states the reason for the caller."""


@dataclass(frozen=True, slots=True)
class InlineMedia:
    """A decoded data URI."""

    content_type: str
    content: bytes


def normal_type(content_type: str) -> str:
    """The canonical spelling of a content type, without parameters."""
    bare = content_type.partition(";")[0].strip().lower()
    return _SPELLINGS.get(bare, bare)


def type_of_name(name: str) -> str | None:
    """The content type of a file name's extension in any case, or None."""
    _, dot, extension = name.rpartition(".")
    return _BY_EXTENSION.get(extension.lower()) if dot else None


def inline_types(kinds: Iterable[str]) -> list[str]:
    """All content types, in every spelling, that a data URI of these kinds may have."""
    usual = [name for name in EXTENSIONS if name not in _NOT_READ]
    spelled = [name for name, usual_name in _SPELLINGS.items() if usual_name in usual]
    return sorted(name for name in (*usual, *spelled) if normal_type(name).partition("/")[0] in kinds)


def is_data_uri(value: str) -> bool:
    return value[:5].lower() == "data:"


def is_inline(value: str) -> bool:
    """Whether a text is a data URI with a file, rather than text that starts like one."""
    return is_data_uri(value) and _DATA_URI.match(value) is not None


def check_media_uri(value: str, kinds: tuple[str, ...], s3_allowed: bool = False) -> None:
    """Raise BadMedia unless the value is an https URL, a `runway://` URI or a data URI of one of the kinds.

    kinds: of "image", "video", "audio". s3_allowed: whether `s3://` links are accepted too.
    """
    if is_data_uri(value):
        check_data_uri(value, kinds)
    elif value.startswith("runway://"):
        if not 13 <= len(value) <= LONGEST_RUNWAY_URI:
            raise BadMedia(f"a runway:// URI must have 13 to {LONGEST_RUNWAY_URI} characters")
    elif value.startswith("s3://"):
        if not s3_allowed:
            raise BadMedia("s3:// links are not accepted here; send an https URL, a runway:// URI or a data URI")
    else:
        check_url(value)


def check_url(value: str) -> None:
    """Raise BadMedia unless the URL is https to a domain name, without credentials, with at most 2048 characters."""
    if len(value) > LONGEST_URL:
        raise BadMedia(f"a URL must have at most {LONGEST_URL} characters")
    try:
        parts = urlsplit(value)
        # Resolvers normalize names too: full-width and circled digits become digits.
        host = unicodedata.normalize("NFKC", parts.hostname or "")
        _ = parts.port
    except ValueError:
        raise BadMedia("invalid URL") from None
    if parts.scheme != "https":
        raise BadMedia("a media link must be an https URL, a runway:// URI or a data URI")
    if parts.username is not None or parts.password is not None:
        raise BadMedia("a URL must not carry credentials")
    if any(character.isspace() or ord(character) < 32 or character == "\\" for character in value):
        raise BadMedia("a URL must not contain white space or backslashes")
    if is_address(host) or "." not in host.strip(".") or "%" in host:
        raise BadMedia("a URL must have a public domain name, not an address")


def is_address(host: str) -> bool:
    """Whether a host is an IP address in any spelling that resolvers accept (`2130706433`, `0x7f.1` …)."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return bool(_NUMBER_LABEL.fullmatch(host.rstrip(".").rpartition(".")[2]))
    return True


def check_data_uri(value: str, kinds: tuple[str, ...]) -> None:
    """Raise BadMedia for a data URI that is too long, not base64, or of a type that Runway does not support."""
    if len(value) > LONGEST_DATA_URI:
        raise BadMedia(
            f"a data URI must have at most {LONGEST_DATA_URI} characters; upload larger files (POST /v1/uploads)"
        )
    match = _read_data_uri(value)
    content_type = normal_type(match[1])
    if content_type.partition("/")[0] not in kinds:
        raise BadMedia(f"expected {' or '.join(kinds)}, not {content_type}")
    if content_type not in EXTENSIONS or content_type in _NOT_READ:
        raise BadMedia(f"{content_type} is not supported")


def decode_data_uri(value: str) -> InlineMedia:
    """The content of a data URI. Raises BadMedia if it is empty or not valid base64."""
    match = _read_data_uri(value)
    try:
        content = binascii.a2b_base64(value[match.end() :].encode("ascii"), strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        raise BadMedia("the data URI is not valid base64") from None
    if not content:
        raise BadMedia("the data URI is empty")
    return InlineMedia(normal_type(match[1]), content)


def data_uri(media: InlineMedia) -> str:
    """The inverse of `decode_data_uri`."""
    return f"data:{media.content_type};base64,{binascii.b2a_base64(media.content, newline=False).decode()}"


def _read_data_uri(value: str) -> re.Match[str]:
    match = _DATA_URI.match(value)
    if match is None:
        raise BadMedia("a data URI must look like data:image/png;base64,…")
    return match


def input_type(head: bytes, declared: str, kinds: tuple[str, ...]) -> str:
    """The content type of an input file. Raises BadMedia if a field of these kinds does not accept it.

    head: the first 64 bytes. declared: the type from the file's name or sender.
    """
    if head.startswith(b"GIF8"):
        raise BadMedia("the file is a GIF, which Runway does not support; send JPEG, PNG or WebP")
    found = sniff(head)
    if found is None or found in _NOT_READ:
        raise BadMedia("the file is not an image, video or audio file that Runway supports")
    if any({found, normal_type(declared)} <= container for container in _SAME_CONTAINER):
        found = normal_type(declared)
    if found.partition("/")[0] not in kinds:
        raise BadMedia(f"expected {' or '.join(kinds)}, the file is {found}")
    return found


def sniff(head: bytes) -> str | None:  # noqa: PLR0911 - one return per signature
    """The content type of a file by its first 1,000 bytes, or None for a type that Tarmac does not archive."""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"M4A ", b"M4B "):
            return "audio/mp4"
        if brand.startswith(b"3gp"):
            return "video/3gpp"
        if brand in _STILLS:
            return None
        return "video/quicktime" if brand == b"qt  " else "video/mp4"
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12])
    if head[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in head else "video/x-matroska"
    if head[:4] == b"OggS":
        return "video/ogg" if b"theora" in head else "audio/ogg"
    for magic, content_type in _MAGIC:
        if head.startswith(magic):
            return content_type
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "audio/aac" if head[1] & 0x06 == 0 else "audio/mpeg"
    if head.lstrip().startswith((b"<svg", b"<?xml")) and b"<svg" in head:
        # S3 returns errors as XML too, but only an image has this element.
        return "image/svg+xml"
    return None


_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"PK\x03\x04", "application/zip"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
)
_STILLS = frozenset({b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"})
"""Brands of still images in the MP4 container."""
