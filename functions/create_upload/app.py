"""POST /v1/uploads: a slot for one file, in Runway's own protocol."""

from __future__ import annotations

from tarmac.contract import CreateUpload, parse_body
from tarmac.effects import AwsEffects
from tarmac.http_api import Answer, ApiRequest, api_handler
from tarmac.settings import CreateUploadSettings
from tarmac.steps.accept import InvalidRequest
from tarmac.steps.create_upload import create_upload

effects = AwsEffects(CreateUploadSettings.from_environment())


@api_handler
def handler(request: ApiRequest) -> Answer:
    """`{filename, type: "ephemeral"}` in; 200 `{uploadUrl, fields, runwayUri, uri}` out."""
    client = request.client("uploads")
    wanted = parse_body(CreateUpload, request.json_body())
    if isinstance(wanted, list):
        raise InvalidRequest(wanted)
    slot = create_upload(wanted.filename, client, effects)
    form = {"uploadUrl": slot.form.url, "fields": dict(slot.form.fields)}
    return Answer(200, form | {"runwayUri": slot.uri, "uri": slot.uri})
