"""POST /v1/uploads, and the storage that receives the file."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.simulator.checks import Findings, one_of, record, text
from local.simulator.directives import Directives
from local.simulator.responses import invalid, json_body, storage_error
from local.simulator.routes.creating import fault_answer
from local.simulator.simulator import Simulator
from local.simulator.uploads import CONTENT_TYPES, MAX_BYTES, MIN_BYTES, Upload, extension

STORAGE_PATH: Final = "/storage/ephemeral"
_SLOT = record({"filename": text(3, 255), "type": one_of("ephemeral")}, ("filename", "type"))
_FORM_OVERHEAD_BYTES: Final = 64 * 1024


async def create_upload(request: Request, simulator: Simulator) -> Response:
    """200 `{"uploadUrl", "fields", "runwayUri"}`."""
    raw, body, findings = await request.body(), await json_body(request), Findings()
    scenario = simulator.faults.scenario(Directives(), request.url.path, None, raw)
    if scenario.create is not None:
        return fault_answer(scenario.create, scenario)
    _SLOT(body, (), findings)
    if not findings.issues and extension(body["filename"]) not in CONTENT_TYPES:
        findings.add("custom", ("filename",), "Must end in the extension of a supported media type")
    if findings.issues:
        raise invalid(*findings.issues)
    upload = simulator.open_upload(body["filename"])
    return JSONResponse(
        {
            "uploadUrl": str(request.base_url).rstrip("/") + STORAGE_PATH,
            "fields": upload.fields,
            "runwayUri": upload.uri,
        }
    )


async def store_upload(request: Request, simulator: Simulator) -> Response:
    """204. A form: the slot's fields, optionally `metadata`, and last the `file`; errors are in S3's XML."""
    if int(request.headers.get("content-length", 0)) > MAX_BYTES + _FORM_OVERHEAD_BYTES:
        return _too_large()
    try:
        async with request.form(max_files=1, max_fields=50) as form:
            parts = form.multi_items()
            if not parts or parts[-1][0] != "file" or not isinstance(file := parts[-1][1], UploadFile):
                return storage_error(400, "InvalidArgument", "POST requires one file, after all fields.")
            fields = {name: value for name, value in parts[:-1] if isinstance(value, str)}
            upload = _slot(simulator, fields)
            if upload is None:
                return storage_error(403, "AccessDenied", "Invalid according to Policy.")
            size = file.size or 0
            if size > MAX_BYTES:
                return _too_large()
            if size < MIN_BYTES:
                return storage_error(400, "EntityTooSmall", "Your proposed upload is too small.")
            upload.sha256 = await asyncio.to_thread(simulator.storage.keep_file, file.file)
    except MultiPartException:
        return storage_error(400, "MalformedPOSTRequest", "The body is not well-formed multipart/form-data.")
    return Response(status_code=204)


def _slot(simulator: Simulator, fields: dict[str, str]) -> Upload | None:
    """The slot with these form fields; a slot accepts one file."""
    fields.pop("metadata", None)
    token = fields.get("key", "").removeprefix("ephemeral/").partition("/")[0]
    upload = simulator.uploads.get(token)
    if upload is None or upload.sha256 is not None or fields != upload.fields:
        return None
    return upload if upload.usable(simulator.now()) else None


def _too_large() -> Response:
    return storage_error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size.")
