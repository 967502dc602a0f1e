"""S3 keys and URIs of media: archived outputs and session files, held inputs, uploads.

All keys are derived from ids, so that a retried step writes to the same key.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

from tarmac.clock import to_iso
from tarmac.partitions import DNS_SUFFIXES

_AWS = tuple(f".{suffix}" for suffix in DNS_SUFFIXES)
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_UPLOAD_URI = re.compile(r"runway://tarmac/([A-Za-z0-9_-]{22,64})")


def archive_key(client: str, created_at: float, task_id: str, number: int, extension: str) -> str:
    """The key of an output: `{client}/{yyyy}/{mm}/{dd}/{taskId}/{nn}.{ext}`, numbered from 1."""
    return f"{_archive_folder(client, created_at, task_id)}/{number:02d}.{extension}"


def session_archive_key(client: str, created_at: float, session_id: str, name: str) -> str:
    """The key of a file of a session, such as its transcript: `{client}/{yyyy}/{mm}/{dd}/{sessionId}/{name}`."""
    return f"{_archive_folder(client, created_at, session_id)}/{name}"


def own_output(link: str, archive_bucket: str, client: str) -> str | None:
    """The key of the client's own output that a link names, or None.

    The link is an `s3://` URI or a signed link from a task, which may have expired. Signed links name the bucket in
    their host; those of the local AWS name it in their path.
    """
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return None
    path = parts.path.removeprefix("/")
    match parts.scheme:
        case "s3" if parts.netloc == archive_bucket:
            key = path
        case "https" if host.startswith(f"{archive_bucket}.s3.") and host.endswith(_AWS):
            key = path
        case "http" if host in _LOOPBACK and path.startswith(f"{archive_bucket}/"):
            key = path.removeprefix(f"{archive_bucket}/")
        case _:
            return None
    key = unquote(key)
    return key if key.startswith(f"{client}/") else None


def _archive_folder(client: str, created_at: float, owner_id: str) -> str:
    return "/".join((client, *to_iso(created_at)[:10].split("-"), owner_id))


def input_key(task_id: str, number: int, extension: str) -> str:
    """The key of an inline input that is held until the task is submitted."""
    return f"inputs/{task_id}/{number:02d}.{extension}"


def upload_key(token: str, extension: str) -> str:
    """The key of a file that a client uploads."""
    return f"uploads/{token}.{extension}"


def upload_uri(token: str) -> str:
    """The URI by which a create names an upload, in the form of Runway's own upload URIs."""
    return f"runway://tarmac/{token}"


def is_upload_uri(value: str) -> bool:
    """Whether a URI names an upload to Tarmac, rather than to Runway itself. It may be malformed."""
    return value.startswith("runway://tarmac/")


def upload_token(uri: str) -> str | None:
    """The token in an upload URI, or None if the URI is malformed."""
    match = _UPLOAD_URI.fullmatch(uri)
    return match[1] if match else None


def s3_uri(bucket: str, key: str) -> str:
    """The `s3://` URI of an object, with its key percent-encoded."""
    return f"s3://{bucket}/{quote(key)}"
