"""Names that are derived, never chosen: the same cause always gives the same id, key and execution."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from tarmac.clock import to_iso

_LONGEST_WORDS = 1700
_AWS = (".amazonaws.com", ".amazonaws.com.cn")
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_UPLOAD_URI = re.compile(r"runway://tarmac/([A-Za-z0-9_-]{22,64})")


def archive_key(client: str, created_at: float, task_id: str, number: int, extension: str) -> str:
    """`{client}/{yyyy}/{mm}/{dd}/{taskId}/{nn}.{ext}` with the output's number from 1 and the day of acceptance."""
    return f"{_archive_folder(client, created_at, task_id)}/{number:02d}.{extension}"


def session_archive_key(client: str, created_at: float, session_id: str, name: str) -> str:
    """`{client}/{yyyy}/{mm}/{dd}/{sessionId}/{name}`: what was said in a session, beside its client's outputs."""
    return f"{_archive_folder(client, created_at, session_id)}/{name}"


def own_output(link: str, archive_bucket: str, client: str) -> str | None:
    """The key of the client's own output that a link leads to, or None: `s3://`, or one that a read of the task has
    given, be it as old as it may. Signed links name the bucket in their host, those of the local AWS in their path."""
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return None
    path = parts.path.removeprefix("/")
    match parts.scheme:
        case "s3" if parts.netloc == archive_bucket:
            key = path
        case "https" if host.startswith(f"{archive_bucket}.s3.") and host.endswith(
            (".amazonaws.com", ".amazonaws.com.cn")
        ):
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
    """Where an inline input waits for its submission."""
    return f"inputs/{task_id}/{number:02d}.{extension}"


def upload_key(token: str, extension: str) -> str:
    """Where a file that a client uploads is kept."""
    return f"uploads/{token}.{extension}"


def upload_uri(token: str) -> str:
    """What a client names its upload by, in Runway's form."""
    return f"runway://tarmac/{token}"


def is_upload_uri(value: str) -> bool:
    """Whether this claims to be an upload to Tarmac, rather than to Runway itself."""
    return value.startswith("runway://tarmac/")


def upload_token(uri: str) -> str | None:
    """The token of a well-formed URI."""
    match = _UPLOAD_URI.fullmatch(uri)
    return match[1] if match else None


def source_words(source: Mapping[str, str | int]) -> dict[str, str]:
    """What an output's metadata says of the object that it came from, URL-encoded; of a task of the API nothing.

    S3 keeps 2 KB of metadata: a link longer than that is left to row and notice.
    """
    if "key" not in source:
        return {}
    words = {"tarmac-source": _link(source, "key", "versionId")}
    if "reference" in source:
        words["tarmac-reference"] = _link(source, "reference", "referenceVersionId")
    if source["kind"] == "batch":
        words |= {"tarmac-batch": str(source["batch"]), "tarmac-line": str(source["line"])}
    return words if sum(map(len, words.values())) <= _LONGEST_WORDS else {}


def _link(source: Mapping[str, str | int], key: str, version: str) -> str:
    link = s3_uri(str(source["bucket"]), str(source[key]))
    return f"{link}?versionId={source[version]}" if version in source else link


def s3_uri(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{quote(key)}"
