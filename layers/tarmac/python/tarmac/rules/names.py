"""Names that are derived, never chosen: the same cause always gives the same id, key and execution."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from tarmac.clock import to_iso

_LONGEST_KEY_BYTES = 1024
_LONGEST_WORDS = 1700
_AWS = (".amazonaws.com", ".amazonaws.com.cn")
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_UPLOAD_URI = re.compile(r"runway://tarmac/([A-Za-z0-9_-]{22,64})")

TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
"""Any name that an execution may have: those started by hand give theirs to the task."""


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


def task_id_of_object(bucket: str, key: str, version: str) -> str:
    """One id per object version, however often its event comes. `version`: the version id, else the sequencer."""
    return _id_of(bucket, key, version)


def task_id_of_pair(bucket: str, character: tuple[str, str], reference: tuple[str, str]) -> str:
    """One id per pair of object versions, whichever came last. Each is (key, version) as for one object."""
    return _id_of(bucket, *character, *reference)


def task_id_of_line(batch_id: str, line: int) -> str:
    """One id per line of a batch, however often it is read."""
    return _id_of("line", batch_id, str(line))


def batch_id_of(client: str, content_sha256: str, name: str, form: str, preset: str) -> str:
    """The same file asks for the same batch. name: what its owner calls it, where the same lines are wanted again.

    preset: the name and content of the one that completes its lines; form: how its bytes are read.
    """
    return _id_of("batch", client, content_sha256, name, form, preset)


def batch_key(batch_id: str, name: str) -> str:
    """Where Tarmac keeps its copy of a batch's file, and its plan."""
    return f"batches/{batch_id}/{name}"


def report_key(client: str, created_at: float, batch_id: str) -> str:
    """Where a batch's report lies in the archive, beside the outputs of that day."""
    year, month, day = to_iso(created_at)[:10].split("-")
    return f"{client}/{year}/{month}/{day}/batches/{batch_id}/report.json"


def preset_key(name: str) -> str:
    return f"presets/{name}.json"


def failed_key(key: str) -> str:
    """Where an object that could not be started is reported on, in its own bucket."""
    name = f"failed/{key}.json"
    if len(name.encode()) <= _LONGEST_KEY_BYTES:
        return name
    digest = hashlib.sha256(key.encode()).hexdigest()
    start = name.encode()[: _LONGEST_KEY_BYTES - len(digest) - len("-.json")].decode(errors="ignore")
    return f"{start}-{digest}.json"


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


def _id_of(*cause: str) -> str:
    seed = "\0".join(cause).encode()
    return str(uuid.UUID(bytes=hashlib.sha256(seed).digest()[:16], version=4))


def s3_uri(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{quote(key)}"
