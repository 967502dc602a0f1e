"""POST /v1/uploads: a slot for one file, in the format of Runway's API."""

from __future__ import annotations

from typing import Any

from tarmac.aws.wiring import AwsEffects
from tarmac.http.handler import Call, route_handler
from tarmac.media.create_upload import create_upload
from tarmac.settings import CreateUploadSettings

effects = AwsEffects(CreateUploadSettings.from_environment())


def _create(call: Call) -> dict[str, Any]:
    """Take `{filename, type: "ephemeral"}`; return `{uploadUrl, fields, runwayUri, uri}`."""
    slot = create_upload(call.body["filename"], call.client, effects)
    form = {"uploadUrl": slot.form.url, "fields": dict(slot.form.fields)}
    return form | {"runwayUri": slot.uri, "uri": slot.uri}


handler = route_handler("create_upload", {"POST /v1/uploads": _create})
"""Take an event of API Gateway; return its response."""
