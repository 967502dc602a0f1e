"""AWS and Runway as one local server that responds at once with what a function's first event needs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from tarmac.tasks.task import State, Task, to_row

TASK_ID = "0b7c1de2-7a3f-4a51-9d63-0c5a8b1f2e47"
SESSION_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
MP4 = bytes.fromhex("0000001c667479706d703432000000006d70343269736f6d61766331") + bytes(4096)
PIECE_BYTES = 256 * 1024
BEGUN = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
COMPLETED = b'<CompleteMultipartUploadResult><ETag>"x"</ETag></CompleteMultipartUploadResult>'
PUBLISHED = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"

Answer = tuple[str, bytes]
"""Content type and body."""


@contextmanager
def world() -> Iterator[World]:
    """Run the server while the context is open."""
    server = World()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class World(ThreadingHTTPServer):
    """One task that runs at Runway. Rows that are put are stored until `reset`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.reset()

    def reset(self, has_ended: bool = False) -> None:
        """Restore the initial state. has_ended: whether the task has ended at Runway."""
        self._has_ended = has_ended
        self._rows: dict[str, Any] = {}
        self._store(_task_item())

    def answer(self, method: str, path: str, target: str, body: bytes) -> Answer:
        """Return the response to an AWS target, such as `DynamoDB_20120810.GetItem`, else to a method and path."""
        call = target.partition(".")[2]
        return _json(self._aws_call(call, body)) if call else self._request(method, path)

    def _aws_call(self, call: str, body: bytes) -> dict[str, Any]:
        match call:
            case "GetItem":
                row = self._rows.get(_key(json.loads(body)["Key"]))
                return {"Item": row} if row else {}
            case "PutItem":
                self._store(json.loads(body)["Item"])
            case "TransactWriteItems":
                for write in json.loads(body)["TransactItems"]:
                    if "Put" in write:
                        self._store(write["Put"]["Item"])
            case "GetSecretValue":
                return {"SecretString": "key_" + "0" * 128}
            case "StartExecution":
                return {"executionArn": "arn:aws:states:eu-central-1:123456789012:execution:m:n", "startDate": 0}
        return {}

    def _request(self, method: str, path: str) -> Answer:
        match method, path:
            case "POST", "/":
                return "text/xml", PUBLISHED
            case "POST", _ if path.endswith("?uploads"):
                return "text/xml", BEGUN
            case "POST", _ if "uploadId=" in path:
                return "text/xml", COMPLETED
            case "GET", "/output.mp4":
                return "video/mp4", MP4
            case "POST", "/v1/realtime_sessions":
                return _json({"id": SESSION_ID})
            case "GET", _ if path.startswith("/v1/tasks/"):
                return _json({"id": "up-1", "createdAt": "2026-11-20T12:00:00Z"} | self._runway_task())
        return _json({})

    def _store(self, item: dict[str, Any]) -> None:
        self._rows[_key(item)] = item

    def _runway_task(self) -> dict[str, Any]:
        if self._has_ended:
            return {"status": "SUCCEEDED", "output": [f"{self.url}/output.mp4"], "cost": {"credits": 25}}
        return {"status": "RUNNING", "progress": 0.4, "estimatedCost": {"credits": 25}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are sent together; a second packet would wait for the acknowledgement of the first.
    wbufsize = -1
    server: World

    def handle_expect_100(self) -> bool:
        expected = super().handle_expect_100()
        self.wfile.flush()
        return expected

    def do_PUT(self) -> None:
        """Accept an object or a part of one, and discard it."""
        left = int(self.headers.get("content-length") or 0)
        while left > 0:
            left -= len(self.rfile.read(min(left, PIECE_BYTES)))
        if "transfer-encoding" in self.headers:
            self._skip_chunks()
        self._send("text/plain", b"", etag='"a-part"')

    def do_GET(self) -> None:
        size = self.path.partition("/output/")[2]
        if not size:
            self._reply()
            return
        self.send_response(200)
        self.send_header("content-type", "video/mp4")
        self.send_header("content-length", size)
        self.end_headers()
        left, piece = int(size), MP4.ljust(PIECE_BYTES, b"m")
        while left > 0:
            self.wfile.write(piece[:left])
            left -= len(piece)

    def _reply(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        target = self.headers.get("x-amz-target", "")
        self._send(*self.server.answer(self.command, self.path, target, body))

    do_POST = do_DELETE = _reply

    def _send(self, content_type: str, answer: bytes, **headers: str) -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _skip_chunks(self) -> None:
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            self.rfile.read(size + 2)
        while self.rfile.readline().strip():
            """Skip the trailer."""

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing, because logging would be measured too."""


def _json(document: Any) -> Answer:
    return "application/json", json.dumps(document).encode()


def _key(item: dict[str, Any]) -> str:
    return f"{item['pk']['S']} {item['sk']['S']}"


def _task_item() -> dict[str, Any]:
    now = time.time()
    task = Task(
        id=TASK_ID,
        client="acme",
        operation="image_to_video",
        model="gen4_turbo",
        created_at=now,
        updated_at=now,
        deadline_at=now + 3600,
        state=State.SUBMITTED,
        source={"kind": "api"},
        upstream_id="up-1",
        upstream_status="PENDING",
        submitted_at=now,
        attempt=1,
        next_check_at=now,
    )
    row = {name: int(value) if isinstance(value, float) else value for name, value in to_row(task).items()}
    return {name: TypeSerializer().serialize(value) for name, value in row.items()}
