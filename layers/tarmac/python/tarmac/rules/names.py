"""Names that are derived, never chosen: the same cause always gives the same id, key and execution."""

from __future__ import annotations

import hashlib
import re
import uuid
from urllib.parse import quote

from tarmac.clock import to_iso

_UPLOAD_URI = re.compile(r"runway://tarmac/([A-Za-z0-9_-]{22,64})")

TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
"""Any name that an execution may have: those started by hand give theirs to the task."""


def archive_key(client: str, created_at: float, task_id: str, number: int, extension: str) -> str:
    """`{client}/{yyyy}/{mm}/{dd}/{taskId}/{nn}.{ext}` with the output's number from 1 and the day of acceptance."""
    return f"{_archive_folder(client, created_at, task_id)}/{number:02d}.{extension}"


def session_archive_key(client: str, created_at: float, session_id: str, name: str) -> str:
    """`{client}/{yyyy}/{mm}/{dd}/{sessionId}/{name}`: what was said in a session, beside its client's outputs."""
    return f"{_archive_folder(client, created_at, session_id)}/{name}"


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


def task_id_of_object(bucket: str, key: str, version: str) -> str:
    """One id per object version, however often its event comes. `version`: the version id, else the sequencer."""
    seed = "\0".join((bucket, key, version)).encode()
    return str(uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4))


def s3_uri(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{quote(key)}"
