"""GET and HEAD /outputs/…: output files behind signed links, damaged if `output=` asks for it."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from local.simulator.connections import close_connection
from local.simulator.files import delivery
from local.simulator.media import FORMATS
from local.simulator.outputs import OutputFile
from local.simulator.responses import disconnected, storage_error
from local.simulator.simulator import Simulator
from local.simulator.tasks import Task

OVERSIZE_BYTES: Final = 8 * 1024**3
SLOW_CHUNK_BYTES: Final = 1024
SLOW_CHUNK_SECONDS: Final = 0.5
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


async def read_output(request: Request, simulator: Simulator) -> Response:
    """200 or 206 with the file; 403 for an expired or forged link, 404 without the file, both in XML."""
    path, query = request.url.path, request.query_params
    expires, signature = query.get("expires", ""), query.get("signature", "")
    if not simulator.links.genuine(path, expires, signature):
        return storage_error(403, "SignatureDoesNotMatch", "The signature does not match.")
    if simulator.now() >= int(expires):
        return storage_error(403, "AccessDenied", "Request has expired")
    owner_id, number = request.path_params["owner_id"], request.path_params["number"]
    found = delivery(simulator, owner_id, number)
    if found is None:
        return _missing()

    flaw = None if found.task is None else _flaw(request, found.task, number)
    if flaw == "expired":
        return storage_error(403, "AccessDenied", "Request has expired")
    if flaw == "missing":
        return _missing()
    if flaw == "redirect":
        return RedirectResponse(str(request.url.include_query_params(redirected="1")), 302)

    rendered = await simulator.studio.file(found.clip, number, found.kind)
    wanted_bytes = 0 if found.task is None else found.task.scenario.size or 0
    least_bytes = OVERSIZE_BYTES if flaw == "oversize" else wanted_bytes
    return _serve(request, OutputFile(rendered, f"{owner_id}/{number}".encode(), least_bytes, found.kind), flaw)


def _missing() -> Response:
    return storage_error(404, "NoSuchKey", "The specified key does not exist.")


def _flaw(request: Request, task: Task, number: int) -> str | None:
    """The fault of this download; counts it. A HEAD and a followed redirect do not count."""
    scenario, met = task.scenario, task.downloads.get(str(number), 0)
    if scenario.output is None or "redirected" in request.query_params:
        return None
    if scenario.outputs_bad is not None and met >= scenario.outputs_bad:
        return None
    if request.method == "GET":
        task.downloads[str(number)] = met + 1
    return scenario.output


def _serve(request: Request, file: OutputFile, flaw: str | None) -> Response:
    content_type = FORMATS[file.kind].content_type
    headers = {"Content-Type": content_type, "Accept-Ranges": "bytes", "Content-Length": str(file.size_bytes)}
    if flaw == "octet":
        headers["Content-Type"] = "application/octet-stream"
    if flaw == "nolength":
        del headers["Content-Length"]
    if request.method == "HEAD":
        return Response(headers=headers)
    match flaw:
        case "gzip":
            packed = gzip.compress(b"".join(file.read()), compresslevel=1, mtime=0)
            headers |= {"Content-Encoding": "gzip", "Content-Length": str(len(packed))}
            return Response(packed, headers=headers)
        case "truncated":
            return CutResponse(_chunks(file, 0, file.size_bytes // 2), headers=headers)
        case "slow":
            return StreamingResponse(_drip(file), headers=headers)
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    if wanted is None or flaw == "nolength":
        return StreamingResponse(_chunks(file, 0, file.size_bytes), headers=headers)
    return _part(file, wanted, headers)


def _part(file: OutputFile, wanted: re.Match[str], headers: Mapping[str, str]) -> Response:
    """206 with one range, 416 if the file has no such bytes."""
    first, last = wanted.groups()
    size = file.size_bytes
    start = int(first) if first else max(0, size - int(last or 0))
    stop = min(size, int(last) + 1) if first and last else size
    if start >= stop:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
    length = {"Content-Length": str(stop - start), "Content-Range": f"bytes {start}-{stop - 1}/{size}"}
    return StreamingResponse(_chunks(file, start, stop), 206, {**headers, **length})


class CutResponse(StreamingResponse):
    """Declares a longer content-length than it sends, and closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for chunk in self.body_iterator:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        close_connection(scope)
        await disconnected(receive)


async def _chunks(file: OutputFile, start: int, stop: int) -> AsyncIterator[bytes]:
    for chunk in file.read(start, stop):
        yield chunk
        # Let the event loop notice a closed connection: the rest may be gigabytes.
        await asyncio.sleep(0)


async def _drip(file: OutputFile) -> AsyncIterator[bytes]:
    for chunk in file.read():
        for at in range(0, len(chunk), SLOW_CHUNK_BYTES):
            yield chunk[at : at + SLOW_CHUNK_BYTES]
            await asyncio.sleep(SLOW_CHUNK_SECONDS)
