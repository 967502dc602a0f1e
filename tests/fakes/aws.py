"""AWS in memory. `MemoryTable` and `MemoryObjects` pass the same contract tests as the adapters on moto."""

from __future__ import annotations

import copy
import hashlib
import io
from collections.abc import Mapping
from typing import Any

from tarmac.ports import (
    Add,
    AlreadyThere,
    ConditionFailed,
    ExecutionNameTaken,
    NoSuchObject,
    Page,
    Put,
    ReadStream,
    Row,
    StoredObject,
    UploadForm,
    Write,
)

_INDEXES = {"primary": ("pk", "sk"), "byClient": ("client", "listKey"), "due": ("due", "nextCheckAt")}


_LONGEST_KEYS = {"pk": 2048, "sk": 1024}
_MOST_TRANSACTION_BYTES = 4 * 1024 * 1024
_MOST_ROW_BYTES = 400 * 1024


class MemoryTable:
    """A table whose rows are copied in and out, so that two readers never share one by accident."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}

    def get(self, pk: str, sk: str) -> Row | None:
        _check_key(pk=pk, sk=sk)
        row = self.rows.get((pk, sk))
        return None if row is None else copy.deepcopy(row)

    def write(self, *writes: Write) -> None:
        puts = [write for write in writes if isinstance(write, Put)]
        adds = [write for write in writes if isinstance(write, Add)]
        sizes = [0, *(_size(put.row) for put in puts)]
        if max(sizes) > _MOST_ROW_BYTES or sum(sizes) > _MOST_TRANSACTION_BYTES:
            raise ValueError(f"rows of {sizes} bytes")
        for put in puts:
            _check_key(pk=put.row["pk"], sk=put.row["sk"])
            held = self.rows.get((put.row["pk"], put.row["sk"]))
            if (None if held is None else held["version"]) != put.over:
                raise ConditionFailed
        for add in adds:
            _check_key(pk=add.pk, sk=add.sk)
            if add.at_most is not None and self._sum(add) > add.at_most:
                raise ConditionFailed
        for put in puts:
            self.rows[put.row["pk"], put.row["sk"]] = copy.deepcopy(put.row)
        for add in adds:
            changed = {"pk": add.pk, "sk": add.sk, add.name: self._sum(add)} | copy.deepcopy(add.about)
            self.rows[add.pk, add.sk] = self.rows.get((add.pk, add.sk), {}) | changed

    def _sum(self, add: Add) -> int:
        return int(self.rows.get((add.pk, add.sk), {}).get(add.name, 0)) + add.amount

    def delete(self, pk: str, sk: str) -> None:
        self.rows.pop((pk, sk), None)

    def query(
        self,
        index: str,
        partition: str,
        *,
        up_to: float | str | None = None,
        descending: bool = False,
        limit: int = 100,
        start: Row | None = None,
    ) -> Page:
        partition_name, sort_name = _INDEXES[index]

        def order(row: Mapping[str, Any]) -> tuple[Any, str, str]:
            return row[sort_name], row["pk"], row["sk"]

        found = sorted(
            (row for row in self.rows.values() if row.get(partition_name) == partition and sort_name in row),
            key=order,
            reverse=descending,
        )
        if up_to is not None:
            found = [row for row in found if row[sort_name] <= up_to]
        if start is not None:
            _check_key(**{name: start[name] for name in ("pk", "sk", partition_name) if name in start})
            if isinstance(start[sort_name], str):
                _check_key(**{sort_name: start[sort_name]})
            found = [row for row in found if (order(row) < order(start) if descending else order(row) > order(start))]
        page = found[:limit]
        keys = ("pk", "sk", partition_name, sort_name)
        more = len(found) > limit
        return Page(copy.deepcopy(page), {name: page[-1][name] for name in keys} if more else None)


def _check_key(**keys: str) -> None:
    """Check a key as DynamoDB does: it is not empty, not too long, and valid UTF-8."""
    for name, value in keys.items():
        if not 1 <= len(value.encode()) <= _LONGEST_KEYS.get(name, 1024):
            raise ValueError(f"{name} is empty or too long")


def _size(value: Any) -> int:
    """Bytes of a row, roughly as DynamoDB counts them."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Mapping):
        return sum(len(name) + _size(part) for name, part in value.items())
    return sum(map(_size, value)) if isinstance(value, (list, tuple)) else 8


class MemoryObjects:
    """One bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self.objects: dict[str, tuple[bytes, StoredObject]] = {}
        self.tagged: dict[str, dict[str, str]] = {}
        self.forms: dict[str, tuple[str, int, int, int]] = {}

    @property
    def bucket(self) -> str:
        return self._bucket

    def head(self, key: str, version_id: str | None = None) -> StoredObject:
        return self._found(key)[1]

    def open(
        self, key: str, version_id: str | None = None, *, etag: str | None = None, span: tuple[int, int] | None = None
    ) -> ReadStream:
        content, about = self._found(key)
        if etag not in (None, about.etag):
            raise NoSuchObject
        return io.BytesIO(content if span is None else content[slice(*span)])

    def put(self, key: str, content: bytes, content_type: str, metadata: Mapping[str, str] | None = None) -> None:
        self.objects[key] = content, StoredObject(len(content), content_type, metadata or {}, etag=_etag(content))
        self.tagged.pop(key, None)

    def replace(self, key: str, content: bytes, content_type: str, over: str | None) -> None:
        held = self.objects.get(key)
        if (None if held is None else held[1].etag) != over:
            raise ConditionFailed
        self.put(key, content, content_type)

    def tags(self, key: str, version_id: str | None = None) -> Mapping[str, str]:
        self._found(key)
        return dict(self.tagged.get(key, {}))

    def set_tags(self, key: str, tags: Mapping[str, str], version_id: str | None = None) -> None:
        self._found(key)
        self.tagged[key] = dict(tags)

    def put_new(
        self,
        key: str,
        content: ReadStream,
        size_bytes: int | None,
        content_type: str,
        metadata: Mapping[str, str],
    ) -> None:
        if key in self.objects:
            raise AlreadyThere(key)
        whole = b""
        while piece := content.read(65536):
            whole += piece
        if size_bytes is not None and len(whole) != size_bytes:
            raise OSError(f"{len(whole)} of {size_bytes} bytes")
        if key in self.objects:
            raise AlreadyThere(key)
        digest = hashlib.sha256(whole).hexdigest()
        self.objects[key] = whole, StoredObject(len(whole), content_type, dict(metadata), digest, etag=_etag(whole))

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def link(self, key: str, seconds: int, version_id: str | None = None) -> str:
        return f"https://{self._bucket}.example/{key}?expires={seconds}"

    def upload_form(self, key: str, content_type: str, smallest: int, largest: int, seconds: int) -> UploadForm:
        self.forms[key] = content_type, smallest, largest, seconds
        return UploadForm(f"https://{self._bucket}.example/", {"key": key, "Content-Type": content_type})

    def _found(self, key: str) -> tuple[bytes, StoredObject]:
        if key not in self.objects:
            raise NoSuchObject
        return self.objects[key]


def _etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class MemoryTopic:
    def __init__(self) -> None:
        self.published: list[tuple[str, Mapping[str, str]]] = []

    def publish(self, message: str, attributes: Mapping[str, str]) -> None:
        self.published.append((message, attributes))


class MemoryExecutions:
    """Executions by name; a test ends one by taking it out of `running`."""

    def __init__(self) -> None:
        self.started: dict[str, str] = {}
        self.running: set[str] = set()

    def start(self, name: str, execution_input: str) -> None:
        if name in self.started:
            raise ExecutionNameTaken(name)
        self.started[name] = execution_input
        self.running.add(name)

    def is_running(self, name: str) -> bool:
        return name in self.running
